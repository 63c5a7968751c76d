"""Linear solver presets by name: `direct` (MUMPS Cholesky), `multigrid` (CG + GAMG), `general` (MUMPS LU)."""

import numpy as np
from dolfinx import fem, la
from lifrac.errors import NumericalFailure
from numpy.typing import NDArray
from petsc4py import PETSc

from .petsc_options import chosen, reason_name
from .presets import OptionValue, Preset, SolverName

_OPTIONS: dict[str, dict[str, OptionValue]] = {
    "direct": {"ksp_type": "preonly", "pc_type": "cholesky", "pc_factor_mat_solver_type": "mumps"},
    "general": {"ksp_type": "preonly", "pc_type": "lu", "pc_factor_mat_solver_type": "mumps"},
    "multigrid": {
        "ksp_type": "cg",
        "ksp_rtol": 1.0e-12,
        "ksp_max_it": 500,
        "pc_type": "gamg",
        "pc_gamg_type": "agg",
        "pc_gamg_agg_nsmooths": 1,
        "mg_levels_ksp_type": "chebyshev",
        "mg_levels_pc_type": "jacobi",
        "mg_coarse_pc_type": "redundant",
    },
}

BLOCK_AGGREGATION_THRESHOLDS = {2: 0.08, 3: -1.0}
"""Strength [-] below which GAMG's aggregates ignore a coupling, by block size (the dimension, in elasticity).

In 2D they then follow the strong direction of stretched cells: a third of the iterations of 0.02, for coarse matrices
that have a third more entries. In 3D these fill up (5.9 times the entries of the fine one at 0.05, 1.4 at -1: none is
ignored), and iterations hardly depend on it.
"""
AGGREGATION_THRESHOLD = 0.02
"""Strength [-] below which a coupling of scalars is ignored."""

WORKSPACE = (50, 200, 1000)
"""Work space of MUMPS beyond its estimate [%] (ICNTL(14)), tried in turn: on several ranks the need depends on the
order in which messages arrive."""
WORKSPACE_TOO_SMALL = (-8, -9, -14, -15, -17, -20)
"""INFOG(1) of a factorisation that more work space can help."""


class LinearSolver:
    """One symmetric positive definite matrix, factorised or preconditioned once and solved many times.

    When its values change, `refill` takes them over.

    Raises
    ------
    NumericalFailure
        On every rank alike, when the matrix cannot be factorised.
    """

    def __init__(self, matrix: PETSc.Mat, preset: Preset = "direct", name: SolverName = "elasticity") -> None:
        self.matrix = matrix
        self.preset = preset
        self.name = name
        # MUMPS then needs no pivoting, which would also make its work space unpredictable.
        if preset != "general":
            matrix.setOption(PETSc.Mat.Option.SPD, True)
        self.ksp = self._prepare()

    def _prepare(self) -> PETSc.KSP:
        """Factorise, or set up the preconditioner, from nothing."""
        if self.preset == "multigrid":
            threshold = BLOCK_AGGREGATION_THRESHOLDS.get(self.matrix.getBlockSize(), AGGREGATION_THRESHOLD)
            return self._set_up(_OPTIONS[self.preset] | {"pc_gamg_threshold": threshold})
        for share in WORKSPACE:
            ksp = self._set_up(_OPTIONS[self.preset] | {"mat_mumps_icntl_14": share})
            code, detail = _mumps_verdict(ksp)
            if code >= 0:
                return ksp
            ksp.destroy()
            if code not in WORKSPACE_TOO_SMALL:
                break
        raise NumericalFailure(f"MUMPS could not factorise a bulk matrix (INFOG {code}, {detail})")

    def refill(self) -> None:
        """Take over new values of the matrix, same pattern: the ordering, or the aggregates, are kept (collective)."""
        self.ksp.setOperators(self.matrix)
        self.ksp.setUp()
        if self.preset != "multigrid" and _mumps_verdict(self.ksp)[0] < 0:
            self.rebuild()

    def rebuild(self) -> None:
        """Factorise, or set up the preconditioner, anew (collective)."""
        self.ksp.destroy()
        self.ksp = self._prepare()

    def _set_up(self, options: dict[str, OptionValue]) -> PETSc.KSP:
        ksp = PETSc.KSP().create(self.matrix.comm)
        with chosen(self.name, options) as prefix:
            ksp.setOptionsPrefix(prefix)
            ksp.setOperators(self.matrix)
            ksp.setFromOptions()
            ksp.setUp()
        return ksp

    def solve(self, b: PETSc.Vec, x: PETSc.Vec) -> None:
        """Find x = K^-1 b; raise on every rank alike when it does not converge."""
        self.ksp.solve(b, x)
        self._check()

    def solve_many(self, rhs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Solve for the columns of `rhs` (local rows, k); returns the local rows of the solution."""
        n = self.matrix.getLocalSize()[0]
        k = rhs.shape[1]
        b = PETSc.Mat().createDense(((n, None), (None, k)), comm=self.matrix.comm)
        b.setUp()
        b.getDenseArray()[:, :] = rhs
        b.assemble()
        x = b.duplicate()
        x.assemble()
        if _factorises(self.ksp):
            self.ksp.getPC().getFactorMatrix().matSolve(b, x)
        else:
            self.ksp.matSolve(b, x)
            self._check()
        result = np.array(x.getDenseArray(), copy=True)
        b.destroy()
        x.destroy()
        return result

    def _check(self) -> None:
        reason = self.ksp.getConvergedReason()
        if reason < 0:
            why = reason_name(PETSc.KSP.ConvergedReason, reason)
            raise NumericalFailure(f"linear solver {self.name!r} ({self.preset}) did not converge: {why}")

    def destroy(self) -> None:
        """Free PETSc's objects."""
        self.ksp.destroy()


def _factorises(ksp: PETSc.KSP) -> bool:
    """Whether MUMPS solves, and nothing that the user has put in its place."""
    preconditioner = ksp.getPC()
    direct = preconditioner.getType() in (PETSc.PC.Type.LU, PETSc.PC.Type.CHOLESKY)
    return direct and ksp.getType() == PETSc.KSP.Type.PREONLY and preconditioner.getFactorSolverType() == "mumps"


def _mumps_verdict(ksp: PETSc.KSP) -> tuple[int, int]:
    """INFOG(1), INFOG(2): PETSc only notes a failed factorisation, and solving with it ends in an obscure error."""
    if not _factorises(ksp):
        return 0, 0
    factor = ksp.getPC().getFactorMatrix()
    return factor.getMumpsInfog(1), factor.getMumpsInfog(2)


def rigid_body_modes(space: fem.FunctionSpace) -> PETSc.NullSpace:
    """Near-nullspace of elasticity for multigrid: translations and rotations, orthonormalised."""
    gdim = space.mesh.geometry.dim
    x = space.tabulate_dof_coordinates()
    owned = space.dofmap.index_map.size_local
    count = 3 if gdim == 2 else 6
    basis = [la.vector(space.dofmap.index_map, bs=space.dofmap.index_map_bs) for _ in range(count)]
    arrays = [b.array.reshape(-1, gdim) for b in basis]
    n = len(arrays[0])
    for i in range(gdim):
        arrays[i][:, i] = 1.0
    pairs = [(0, 1)] if gdim == 2 else [(0, 1), (1, 2), (0, 2)]
    for k, (a, b) in enumerate(pairs):
        arrays[gdim + k][:, a] = -x[:n, b]
        arrays[gdim + k][:, b] = x[:n, a]
    la.orthonormalize(basis)
    assert owned <= n
    vectors = [
        PETSc.Vec().createWithArray(b.array[: owned * gdim].copy(), bsize=gdim, comm=space.mesh.comm) for b in basis
    ]
    return PETSc.NullSpace().create(vectors=vectors, comm=space.mesh.comm)
