"""Systems whose matrix changes a little from one solve to the next: CG with what was made of an earlier matrix.

A factorisation, or a hierarchy of grids, of a matrix that has changed only near a crack tip is a good preconditioner:
each change of low rank costs an iteration or two. It is made anew when the iterations cost more than that.
"""

import logging
import math

from lifrac.errors import NumericalFailure
from lifrac.parallel.meeting import meeting_of, shared
from petsc4py import PETSc

from .linear import LinearSolver
from .petsc_options import chosen, is_stated, reason_name
from .presets import OptionValue, Preset, SolverName

LOG = logging.getLogger("lifrac.solver")
FACTORISATION_COST = 5
"""Iterations that cost about as much as a factorisation in 2D: a solve is a fifth of it."""
REBUILD_RATIO = 1.5
"""A hierarchy is made anew when it takes this many times the iterations of a new one, and a few."""
DIRECT_TOLERANCE = 1.0e-12
MOST_ITERATIONS = 500
"""Iterations of CG with a new hierarchy."""
_OPTIONS: dict[str, OptionValue] = {"ksp_type": "cg", "ksp_norm_type": "unpreconditioned"}


class LaggedSolver:
    """One symmetric positive definite matrix with changing values.

    PETSc's options of this name reach the factorisation or hierarchy, and the iterations with it. A stated `ksp_type`
    takes the place of CG; `preonly` means that each matrix is factorised. Stated tolerances (`ksp_rtol`, `ksp_atol`)
    and `ksp_max_it` hold for all iterations, in the place of what a solution asks for.

    Parameters
    ----------
    matrix : PETSc.Mat
    preset : {"direct", "multigrid"}
        CG + GAMG is replaced by MUMPS for good when it fails: a body that is broken through is too much for it.
    name : str
        That of its options.
    """

    def __init__(self, matrix: PETSc.Mat, preset: Preset, name: SolverName) -> None:
        self.matrix, self.preset, self.name = matrix, preset, name
        self._meeting = meeting_of(matrix.comm.tompi4py())
        self.setups = 0
        """Factorisations or hierarchies made so far."""
        self.iterations = 0
        """Iterations of CG so far."""
        self._made: LinearSolver | None = None
        self._cg: PETSc.KSP | None = None
        self._stated = {option for option in ("ksp_rtol", "ksp_atol", "ksp_max_it") if is_stated(name, option)}
        self._fresh = False
        self._per_decade = 0.0
        self._pause, self._waiting = 0, 0

    def changed(self) -> None:
        """Take note that the matrix has new values."""
        self._fresh = False

    def solve(self, b: PETSc.Vec, x: PETSc.Vec, rtol: float = DIRECT_TOLERANCE) -> None:
        """Find x with |b - K x| <= rtol |b|, or as exact as a factorisation gives it (collective).

        Raises
        ------
        NumericalFailure
            On every rank alike.
        """
        rtol = max(rtol, DIRECT_TOLERANCE)
        if not self._fresh and not self._with_old(b, x, rtol):
            self._renew()
        elif not self._fresh:
            return
        try:
            self._with_new(b, x, rtol)
        except NumericalFailure as error:
            shared(self._meeting, error)
            if self.preset == "direct":
                raise
            self._to_direct()
            self._with_new(b, x, rtol)

    def _with_old(self, b: PETSc.Vec, x: PETSc.Vec, rtol: float) -> bool:
        """Whether CG with what there is gets there soon. After a failure it is not tried for a while."""
        if self._made is None or self._waiting > 0:
            self._waiting -= 1
            return False
        assert self._cg is not None
        if self._cg.getType() == PETSc.KSP.Type.PREONLY:  # an old factorisation alone solves nothing
            return False
        decades = -math.log10(rtol)
        allowed = (
            FACTORISATION_COST if self.preset == "direct" else math.ceil(REBUILD_RATIO * self._per_decade * decades) + 3
        )
        if self._iterate(b, x, rtol, allowed):
            self._pause = 0
            return True
        self._pause = min(2 * self._pause + 1, 7)
        self._waiting = self._pause
        return False

    def _iterate(self, b: PETSc.Vec, x: PETSc.Vec, rtol: float, allowed: int) -> bool:
        assert self._cg is not None
        self._cg.setOperators(self.matrix)
        ours = {"rtol": rtol, "atol": 0.0, "max_it": allowed}
        self._cg.setTolerances(**{key: value for key, value in ours.items() if f"ksp_{key}" not in self._stated})
        self._cg.solve(b, x)
        self.iterations += self._cg.getIterationNumber()
        return bool(self._cg.getConvergedReason() > 0)

    def _with_new(self, b: PETSc.Vec, x: PETSc.Vec, rtol: float) -> None:
        assert self._made is not None
        assert self._cg is not None
        if self.preset == "direct":
            self._made.solve(b, x)
            return
        before = self.iterations
        if not self._iterate(b, x, rtol, MOST_ITERATIONS):
            why = reason_name(PETSc.KSP.ConvergedReason, self._cg.getConvergedReason())
            raise NumericalFailure(f"linear solver {self.name!r} (CG with GAMG) did not converge: {why}")
        self._per_decade = (self.iterations - before) / -math.log10(rtol)

    def _renew(self) -> None:
        self.setups += 1
        what = "factorisation" if self.preset == "direct" else "hierarchy of grids"
        LOG.debug("%s: %s number %d, after %d iterations in all", self.name, what, self.setups, self.iterations)
        if self._made is None:
            self._made = LinearSolver(self.matrix, self.preset, self.name)
        else:
            self._made.ksp.getPC().setReusePreconditioner(False)
            self._made.refill()
        self._share()
        self._fresh = True

    def _share(self) -> None:
        """Let CG use the new factorisation or hierarchy, and keep it when the matrix changes."""
        assert self._made is not None
        preconditioner = self._made.ksp.getPC()
        preconditioner.setReusePreconditioner(True)
        if self._cg is None:
            self._cg = PETSc.KSP().create(self.matrix.comm)
            # Before it gets the preconditioner, which has read its options.
            options = {} if is_stated(self.name, "ksp_type") else _OPTIONS  # not every method measures alike
            with chosen(self.name, options) as prefix:
                self._cg.setOptionsPrefix(prefix)
                self._cg.setFromOptions()
        self._cg.setPC(preconditioner)

    def _to_direct(self) -> None:
        assert self._made is not None
        self._made.destroy()
        self._made, self.preset = None, "direct"
        self._renew()

    def destroy(self) -> None:
        """Free PETSc's objects."""
        for thing in (self._cg, self._made):
            if thing is not None:
                thing.destroy()
