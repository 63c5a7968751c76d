"""Quadratic problems with bounds: min r.s + s.Hs/2 over lower <= x + s <= upper (PETSc's reduced-space VI solver)."""

from lifrac.errors import NumericalFailure
from petsc4py import PETSc

from .petsc_options import chosen, reason_name
from .presets import OptionValue

TOLERANCE = 1.0e-11
"""Tolerance of the residual over the smallest entry of the diagonal of H.

It is an error of x, where x is of the order of one.
"""
MAX_ITERATIONS = 50
"""A handful is usual: each one only moves the set of nodes at a bound."""


class BoundedQuadratic:
    """One matrix H, its pattern fixed, and a solver that is created once.

    Parameters
    ----------
    matrix : PETSc.Mat
        H, symmetric; values may change between solves.
    lower, upper : PETSc.Vec
        Bounds, taken by reference: their values at the time of a solve hold.
    """

    def __init__(self, matrix: PETSc.Mat, lower: PETSc.Vec, upper: PETSc.Vec) -> None:
        self.matrix = matrix
        self.lower, self.upper = lower, upper
        self.x, self._residual = matrix.createVecs()
        self._step = self.x.duplicate()
        self.snes = self._set_up()
        self.snes.setFunction(self._function, self._residual)
        # The matrix is given: nothing is to be computed, so nothing has to be done.
        self.snes.setJacobian(lambda snes, x, matrix, preconditioner: None, matrix)

    def _set_up(self) -> PETSc.SNES:
        snes = PETSc.SNES().create(self.matrix.comm)
        options: dict[str, OptionValue] = {
            "snes_type": "vinewtonrsls",
            "snes_linesearch_type": "basic",
            "snes_vi_zero_tolerance": 1.0e-14,
            "ksp_type": "cg",
            "ksp_rtol": 1.0e-6,
            "pc_type": "jacobi",
        }
        with chosen("damage", options) as prefix:
            snes.setOptionsPrefix(prefix)
            snes.setFromOptions()
        return snes

    def solve(self, start: PETSc.Vec, gradient: PETSc.Vec) -> int:
        """Minimise from `start`, where the gradient is given; the answer is in `x`. Returns iterations.

        Raises
        ------
        NumericalFailure
            On every rank alike, when it does not converge.
        """
        self._start, self._gradient_there = start, gradient
        start.copy(self.x)
        self.matrix.getDiagonal(self._step)
        # Not its norm: a few stiff nodes (broken cells that stand wide open) would hide the error of all others.
        scale = self._step.min()[1] * float(self._step.size) ** 0.5
        self.snes.setTolerances(rtol=0.0, atol=TOLERANCE * scale, stol=0.0, max_it=MAX_ITERATIONS)
        self.snes.setVariableBounds(self.lower, self.upper)
        self.snes.solve(None, self.x)
        reason = self.snes.getConvergedReason()
        if reason < 0:
            why = reason_name(PETSc.SNES.ConvergedReason, reason)
            raise NumericalFailure(f"damage between its bounds did not converge: {why}")
        return int(self.snes.getIterationNumber())

    def _function(self, snes: PETSc.SNES, x: PETSc.Vec, f: PETSc.Vec) -> None:
        """Evaluate the gradient r + H (x - start)."""
        self._step.waxpy(-1.0, self._start, x)
        self.matrix.mult(self._step, f)
        f.axpy(1.0, self._gradient_there)

    def destroy(self) -> None:
        """Free the solver."""
        for thing in (self.snes, self.x, self._residual, self._step):
            thing.destroy()
