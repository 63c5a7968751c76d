"""Damage at fixed displacement: a quadratic problem between bounds."""

import numpy as np
import ufl
from dolfinx import fem, la
from dolfinx.fem import petsc as fem_petsc
from lifrac.parallel.collective import largest
from lifrac.solver.numerics.bounded import BoundedQuadratic
from mpi4py import MPI

from .energy import Energy
from .fields import Floats, State


class DamageSolver:
    """The minimiser of E(u, .) between committed damage and one.

    E is quadratic in d where psi_plus >= 0. Elsewhere (star-convex split, compression) it is concave and its tangent is
    used, which lies above it: what is minimised is never less than E, so that E falls as well.
    """

    def __init__(self, energy: Energy, state: State) -> None:
        self.state = state
        d = state.damage
        space = d.function_space
        self._gradient_form = fem.form(ufl.derivative(energy.total(state.displacement, d), d))
        convex = energy.convex_in_damage(state.displacement, d)
        self._hessian_form = fem.form(ufl.derivative(ufl.derivative(convex, d), d))
        self.matrix = fem_petsc.create_matrix(self._hessian_form)
        self._assembled = fem.create_vector(space)
        self._gradient, self._start = self.matrix.createVecs()
        self._owned = space.dofmap.index_map.size_local
        bounds = (state.lower_bound.x.petsc_vec, state.upper_bound.x.petsc_vec)
        self._problem = BoundedQuadratic(self.matrix, *bounds)
        self._found = self._start_values = np.zeros(self._owned)
        self.iterations = 0

    def solve(self) -> float:
        """Find the minimiser; returns max |minimiser - d| [-], the same on all ranks. d is not changed."""
        self.matrix.zeroEntries()
        fem_petsc.assemble_matrix(self.matrix, self._hessian_form)
        self.matrix.assemble()
        self._assembled.array[:] = 0.0
        fem.assemble_vector(self._assembled.array, self._gradient_form)
        self._assembled.scatter_reverse(la.InsertMode.add)
        self._gradient.setArray(self._assembled.array[: self._owned])
        self._start_values = self.state.damage.x.array[: self._owned].copy()
        self._start.setArray(self._start_values)
        self.iterations += self._problem.solve(self._start, self._gradient)
        self._found = self._problem.x.getArray(readonly=True).copy()
        change = float(np.abs(self._found - self._start_values).max(initial=0.0))
        return largest(self.comm, change)

    @property
    def comm(self) -> MPI.Comm:
        """Ranks that share the body."""
        return self.state.damage.function_space.mesh.comm

    @property
    def start_values(self) -> Floats:
        """Damage d of the last `solve`, owned nodes; the next one leaves this array alone."""
        return self._start_values

    @property
    def found(self) -> Floats:
        """The minimiser that the last `solve` found, owned nodes; the next one leaves this array alone."""
        return self._found

    def put(self, values: Floats) -> None:
        """Set d, owned nodes, to the nearest values between the bounds (collective)."""
        low, high = (b.x.array[: self._owned] for b in (self.state.lower_bound, self.state.upper_bound))
        self.state.damage.x.array[: self._owned] = np.clip(values, low, high)
        self.state.damage.x.scatter_forward()

    def destroy(self) -> None:
        """Free solver and matrix."""
        self._problem.destroy()
        for thing in (self.matrix, self._gradient, self._start):
            thing.destroy()
