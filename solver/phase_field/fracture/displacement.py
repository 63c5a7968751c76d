"""Equilibrium at fixed damage: div sigma(u, d) + loads = 0."""

from collections.abc import Sequence
from typing import override

import numpy as np
import ufl
from dolfinx import fem, la
from dolfinx.fem import petsc as fem_petsc
from lifrac.solver.numerics.lagged_preconditioner import LaggedSolver
from lifrac.solver.numerics.linear import rigid_body_modes
from lifrac.solver.numerics.newton import Convergence, LineSearch, Newton, NewtonProblem
from lifrac.solver.numerics.newton_log import Norms
from lifrac.solver.numerics.presets import Preset
from mpi4py import MPI
from petsc4py import PETSc

from .energy import Energy
from .fields import Floats, State

FORCE_TOLERANCE = 1.0e-10
"""Tolerance of the residual over the forces that act (loads and reactions): rounding leaves 1e-12 and less."""
ROUNDING = 1.0e-15
REDUCTION = 1.0e-13
"""Reduction of the first residual: all that is asked for where no force is left to compare with."""
LINEAR_FORCING = 0.3
"""Share of the residual that is asked for, to which a linear system is solved."""
# A split makes the energy piecewise quadratic: Newton's method ends once no cell changes its side. What is small enough
# follows from the forces that act.
METHOD = Newton("displacement", Convergence(tolerance=0.0, max_iterations=25), LineSearch(trials=6))


class DisplacementSolver:
    """Newton's method on the derivative of the energy; one iteration without a split.

    Forms, matrix and solver are made once; the matrix is refilled, its factorisation used again while it serves.

    Parameters
    ----------
    prescribed : sequence of fem.DirichletBC
        Displacements that are given; their values at the time of a solve hold.
    preset : {"direct", "multigrid"}
        MUMPS Cholesky, or CG + GAMG with rigid-body modes.
    """

    def __init__(
        self, energy: Energy, state: State, prescribed: Sequence[fem.DirichletBC], preset: Preset = "direct"
    ) -> None:
        self.u, self.prescribed = state.displacement, list(prescribed)
        space = self.u.function_space
        force = ufl.derivative(energy.total(self.u, state.damage), self.u)
        self._force_form = fem.form(force)
        self._tangent_form = fem.form(ufl.derivative(force, self.u))
        load = energy.load
        self._load_form = None if load is None else fem.form(ufl.derivative(load(self.u, state.damage), self.u))
        self.matrix = fem_petsc.create_matrix(self._tangent_form)
        self.matrix.setNearNullSpace(rigid_body_modes(space))
        self._force = fem.create_vector(space)
        self._step, self._right = self.matrix.createVecs()
        self._owned = space.dofmap.index_map.size_local * space.dofmap.index_map_bs
        self._prescribed_dofs = np.unique(
            np.concatenate([bc.dof_indices()[0][: bc.dof_indices()[1]] for bc in prescribed])
        )
        self._solver = LaggedSolver(self.matrix, preset, "displacement")
        self._rounding = 0.0

    @property
    def preset(self) -> Preset:
        """The solver at present: `multigrid` may have given way to `direct`."""
        return self._solver.preset

    @property
    def linear_solves(self) -> int:
        """Factorisations or preconditioner set-ups so far."""
        return self._solver.setups

    def solve(self, reduction: float = 0.0) -> int:
        """Bring u into equilibrium; returns the Newton iterations (collective).

        Parameters
        ----------
        reduction : float
            Of the residual [-] that is enough, besides FORCE_TOLERANCE; the energy falls in any case.

        Raises
        ------
        NewtonFailure
            On every rank alike.
        """
        for bc in self.prescribed:
            bc.set(self.u.x.array)
        loads = self._norms(self._load_form)[0] if self._load_form is not None else 0.0
        return METHOD.solve(_Equilibrium(self, loads, max(reduction, REDUCTION))).iterations

    def _norms(self, form: fem.Form) -> tuple[float, float]:
        """Norms of a nodal force on free and on prescribed dofs; the free part is left in the right-hand side."""
        self._force.array[:] = 0.0
        fem.assemble_vector(self._force.array, form)  # type: ignore[arg-type]
        self._force.scatter_reverse(la.InsertMode.add)
        force = self._force.array[: self._owned]
        reactions = force[self._prescribed_dofs].copy()
        force[self._prescribed_dofs] = 0.0
        self._right.setArray(-force)
        squares = self.u.function_space.mesh.comm.allreduce(
            np.array([force @ force, reactions @ reactions]), op=MPI.SUM
        )
        return float(np.sqrt(squares[0])), float(np.sqrt(squares[1]))

    def response(self, form: fem.Form, fresh: bool, rtol: float = 0.0) -> Floats:
        """Change of u, on owned dofs, under a small force (linear form) at the present state (collective).

        `fresh`: the matrix of the last iteration is that of this damage, and is used again.
        """
        if not fresh:
            self._refill()
        self._norms(form)
        self._right.scale(-1.0)
        self._solve(rtol)
        return np.array(self._step.getArray(readonly=True))

    def _solve(self, rtol: float) -> None:
        """Find the step of the present right-hand side, prescribed dofs at rest.

        Multigrid moves them by what it leaves of the residual, and reactions would do work there: an error of the
        energy of first order, while that of the free dofs is of second.
        """
        self._solver.solve(self._right, self._step, rtol)
        self._step.getArray()[self._prescribed_dofs] = 0.0

    def _refill(self) -> None:
        self.matrix.zeroEntries()
        fem_petsc.assemble_matrix(self.matrix, self._tangent_form, bcs=self.prescribed)  # type: ignore[misc]
        self.matrix.assemble()
        self._solver.changed()

    def destroy(self) -> None:
        """Free PETSc's objects."""
        self._solver.destroy()
        for thing in (self.matrix, self._step, self._right):
            thing.destroy()


class _Equilibrium(NewtonProblem[Floats]):
    """One solution for the displacement: forces that are not balanced, over those that act.

    Parameters
    ----------
    solver : DisplacementSolver
    loads : float
        Norm of the forces of the loads.
    reduction : float
        Of the first residual [-] that is enough.
    """

    def __init__(self, solver: DisplacementSolver, loads: float, reduction: float) -> None:
        self.solver, self.loads, self.reduction = solver, loads, reduction
        self._size, self._enough = 0.0, 0.0
        self._residual, self._wanted = 0.0, 0.0

    @override
    def residual(self) -> Norms:
        solver = self.solver
        self._residual, reactions = solver._norms(solver._force_form)
        if self._size == 0.0:
            self._enough = self.reduction * self._residual
            self._size = max(self.loads, reactions, self._residual) or 1.0
        self._wanted = max(FORCE_TOLERANCE * self.loads, FORCE_TOLERANCE * reactions, solver._rounding, self._enough)
        return Norms({"momentum": self._residual / self._size}, enough=self._wanted / self._size)

    @override
    def linearise(self) -> int:
        self.solver._refill()
        return 0

    @override
    def increment(self) -> Floats:
        solver = self.solver
        solver._solve(LINEAR_FORCING * self._wanted / self._residual)
        # Of stiffness times displacement: all that is left where a body is broken through and carries no force.
        size = solver.matrix.norm(PETSc.NormType.INFINITY) * la.norm(solver.u.x)
        solver._rounding = ROUNDING * size
        return solver._step.getArray(readonly=True).copy()

    @override
    def move(self, increment: Floats, factor: float, taken: float) -> None:
        u = self.solver.u.x
        u.array[: self.solver._owned] += (factor - taken) * increment
        u.scatter_forward()
