"""Values at nodes: sums, the nodes of cells, and functions that are given by an implicit equation node by node."""

from collections.abc import Callable, Sequence
from typing import cast, override

import numpy as np
import ufl
from dolfinx import fem, la
from lifrac.parallel.collective import largest
from mpi4py import MPI
from numpy.typing import NDArray
from ufl.core.expr import Expr

from .newton import Convergence, Newton, NewtonProblem
from .newton_log import DETAIL, NewtonFailure, Norms

Floats = NDArray[np.float64]
LUMPED = {"quadrature_rule": "vertex", "quadrature_degree": 1}
# A part of the residual of a cell: shown below the level `debug`.
METHOD = Newton("nodes", Convergence(1.0e-13, max_iterations=50, has_to_fall=True), level=DETAIL)


def values_of(function: fem.Function) -> Floats:
    """Its values on the nodes of this rank, ghosts included; the array itself."""
    return cast(Floats, function.x.array)


class NodalSums:
    """Assembles linear forms on a space; its one vector is kept, since ranks meet when one is made (collective).

    Parameters
    ----------
    space : fem.FunctionSpace
    """

    def __init__(self, space: fem.FunctionSpace) -> None:
        self._vector = la.vector(space.dofmap.index_map, space.dofmap.index_map_bs)

    def of(self, form: fem.Form) -> Floats:
        """Return a linear form's value for each dof of this rank, ghosts included (collective)."""
        self._vector.array[:] = 0.0
        fem.assemble_vector(self._vector.array, form)  # type: ignore[arg-type]
        self._vector.scatter_reverse(la.InsertMode.add)
        self._vector.scatter_forward()
        return np.array(self._vector.array)


def nodal_sums(form: fem.Form, space: fem.FunctionSpace) -> Floats:
    """Return what `NodalSums` finds, for a form that is assembled once (collective)."""
    return NodalSums(space).of(form)


def owned_sum(values: Floats, space: fem.FunctionSpace) -> float:
    """Sum of nodal values over the nodes of all ranks, each counted by its owner (collective)."""
    owned = space.dofmap.index_map.size_local
    return float(space.mesh.comm.allreduce(float(values[:owned].sum()), op=MPI.SUM))


class NodalMean:
    """Volume-weighted means at the nodes of a vector that is constant in cells.

    Parameters
    ----------
    value : Expr
        With one index.
    space : fem.FunctionSpace
        P1, scalar.
    """

    def __init__(self, value: Expr, space: fem.FunctionSpace) -> None:
        self._components = value.ufl_shape[0]
        self._space = fem.functionspace(space.mesh, ("Lagrange", 1, (self._components,)))
        self._form = fem.form(ufl.inner(value, ufl.TestFunction(self._space)) * ufl.dx)
        self._owned = space.dofmap.index_map.size_local
        self._volume = nodal_sums(fem.form(ufl.TestFunction(space) * ufl.dx), space)[: self._owned]
        self._sums = NodalSums(self._space)

    def now(self) -> Floats:
        """(n, k) for the nodes that this rank owns (collective)."""
        sums = self._sums.of(self._form)[: self._owned * self._components]
        return sums.reshape(self._owned, self._components) / self._volume[:, None]


def nodes_of_cells(space: fem.FunctionSpace, cells: NDArray[np.int32]) -> NDArray[np.int32]:
    """Dofs (P1) of cells that each rank names, as far as this rank holds them, ghosts included (collective).

    They cannot be found rank by rank: a rank may hold a node of such a cell, but none of the cells.
    """
    marked = la.vector(space.dofmap.index_map)
    marked.array[np.unique(np.asarray(space.dofmap.list)[cells])] = 1.0
    marked.scatter_reverse(la.InsertMode.add)
    marked.scatter_forward()
    return np.flatnonzero(marked.array > 0.0).astype(np.int32)


class NodalRelation(NewtonProblem[Floats]):
    """y(x1, x2, ...) from residual(y, x1, x2, ...) = 0 at every node of a measure, with its derivatives.

    Parameters
    ----------
    residual : callable
        UFL of (y, *x); of the order of one, or smaller.
    space : fem.FunctionSpace
        P1.
    inputs : int
        Number of x.
    dx : ufl.Measure
        Where: nodes without weight are left alone.
    """

    def __init__(self, residual: Callable[..., Expr], space: fem.FunctionSpace, inputs: int, dx: ufl.Measure) -> None:
        self.y = fem.Function(space)
        self.x = [fem.Function(space) for _ in range(inputs)]
        one = fem.Function(space)
        one.x.array[:] = 1.0
        v = ufl.TestFunction(space)
        measure = dx(metadata=LUMPED)
        form = residual(self.y, *self.x) * v * measure
        self._forms = [fem.form(f) for f in (form, *(ufl.derivative(form, c, one) for c in (self.y, *self.x)))]
        self._comm = space.mesh.comm
        self._assemble = NodalSums(space).of
        self.weight = self._assemble(fem.form(v * measure))
        """int v dx of each node, ghosts included."""
        self.here = self.weight > 0.0
        self._divisor = np.where(self.here, self.weight, 1.0)

    def solve(self, inputs: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
        """Find y and dy/dx1, dy/dx2, ... at all nodes by Newton's method (collective).

        They are zero where there is no weight.

        Raises
        ------
        NewtonFailure
            On every rank alike.
        """
        for function, values in zip(self.x, inputs, strict=True):
            function.x.array[:] = values
        try:
            METHOD.solve(self)
        except NewtonFailure:
            # From zero: the asinh of a current density is convex towards its root; from beyond it Newton overshoots.
            self.y.x.array[:] = 0.0
            METHOD.solve(self)
        self.linearise()
        slopes = [-self._assemble(f) / self._divisor / self._slope for f in self._forms[2:]]
        return np.where(self.here, self.y.x.array, 0.0), slopes

    @override
    def residual(self) -> Norms:
        self._residual = self._assemble(self._forms[0]) / self._divisor
        return Norms({"y": largest(self._comm, float(np.abs(self._residual).max(initial=0.0)))})

    @override
    def linearise(self) -> int:
        self._slope = np.where(self.here, self._assemble(self._forms[1]) / self._divisor, 1.0)
        return 0

    @override
    def increment(self) -> Floats:
        return np.where(self.here, -self._residual / self._slope, 0.0)

    @override
    def move(self, increment: Floats, factor: float, taken: float) -> None:
        self.y.x.array[:] += (factor - taken) * increment
