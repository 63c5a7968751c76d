"""CG with what was made of an earlier matrix: when it is made anew, and which options of PETSc reach it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from lifrac.solver.numerics.lagged_preconditioner import LaggedSolver
from lifrac.solver.numerics.petsc_options import Stated, reason_name
from lifrac.solver.numerics.presets import OptionValue, Preset
from petsc4py import PETSc

N = 60


def fill(matrix: PETSc.Mat, soft: float) -> None:
    """Springs in a row, held at one end, ever softer towards the other one."""
    stiffness = soft ** (np.arange(N) / N)
    for k in range(N):
        following = stiffness[k + 1] if k + 1 < N else 0.0
        matrix.setValue(k, k, stiffness[k] + following)
        if k + 1 < N:
            matrix.setValue(k, k + 1, -following)
            matrix.setValue(k + 1, k, -following)
    matrix.assemble()


class Row:
    """A row of springs and its solver."""

    def __init__(self, preset: Preset = "direct") -> None:
        self.matrix = PETSc.Mat().createAIJ((N, N), nnz=3, comm=PETSc.COMM_SELF)
        self.solver = LaggedSolver(self.matrix, preset, "displacement")
        self.b, self.x = self.matrix.createVecs()
        self.b.set(1.0)

    def solve(self, soft: float, rtol: float = 0.0) -> float:
        """Solve with a stiffness; return the residual over the right-hand side."""
        fill(self.matrix, soft)
        self.solver.changed()
        self.solver.solve(self.b, self.x, rtol)
        left = self.b.duplicate()
        self.matrix.mult(self.x, left)
        left.aypx(-1.0, self.b)
        return float(left.norm() / self.b.norm())


@contextmanager
def stated(**options: OptionValue) -> Iterator[None]:
    kept = Stated({"displacement": options})
    yield
    assert kept.withdraw() == []
    assert not [key for key in PETSc.Options().getAll() if key.startswith("lifrac")]


def test_an_old_factorisation_solves_for_a_matrix_that_has_changed_a_little() -> None:
    """The condition number is 1/soft: of 12 decades CG wins 2.6 in an iteration here."""
    row = Row()
    assert row.solve(1.0) < 1.0e-12
    assert row.solve(0.99) < 2.0e-12
    assert row.solver.setups == 1
    assert 4 <= row.solver.iterations <= 5


def test_a_matrix_that_has_changed_much_is_factorised() -> None:
    row = Row()
    row.solve(1.0)
    assert row.solve(0.1) < 1.0e-12
    assert (row.solver.setups, row.solver.iterations) == (2, 5)


@pytest.mark.parametrize("preset", ["direct", "multigrid"])
def test_a_stated_tolerance_reaches_the_iterations(preset: Preset) -> None:
    """What a solution asks for is 1e-12."""
    with stated(ksp_rtol=1.0e-2):
        loose = Row(preset)
        loose.solve(1.0)
        assert 1.0e-6 < loose.solve(0.98) < 1.0e-2
    exact = Row(preset)
    exact.solve(1.0)
    assert exact.solve(0.98) < 1.0e-11
    assert loose.solver.iterations < exact.solver.iterations


def test_another_krylov_method_takes_the_place_of_cg() -> None:
    with stated(ksp_type="minres", ksp_rtol=1.0e-12):
        row = Row()
        row.solve(1.0)
        assert row.solve(0.99) < 1.0e-10
    assert row.solver._cg is not None
    assert row.solver._cg.getType() == "minres"
    assert row.solver.setups == 1


def test_without_a_krylov_method_each_matrix_is_factorised() -> None:
    with stated(ksp_type="preonly"):
        row = Row()
        for count, soft in enumerate((1.0, 0.9, 0.8), start=1):
            assert row.solve(soft) < 1.0e-12
            assert row.solver.setups == count
    assert row.solver.iterations == 0


def test_a_stated_number_of_iterations_ends_what_an_old_factorisation_is_tried_for() -> None:
    with stated(ksp_max_it=1):
        row = Row()
        row.solve(1.0)
        assert row.solve(0.5) < 1.0e-12
    assert (row.solver.setups, row.solver.iterations) == (2, 1)


def test_the_log_tells_of_each_factorisation_and_failures_of_petscs_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="lifrac.solver"):
        row = Row()
        row.solve(1.0)
        row.solve(0.1)
    assert caplog.messages == [
        "displacement: factorisation number 1, after 0 iterations in all",
        "displacement: factorisation number 2, after 5 iterations in all",
    ]
    reasons = PETSc.KSP.ConvergedReason
    assert reason_name(reasons, int(reasons.DIVERGED_BREAKDOWN)) == "DIVERGED_BREAKDOWN"
    assert reason_name(PETSc.SNES.ConvergedReason, -6) == "DIVERGED_LINE_SEARCH"


def test_no_options_are_left_behind() -> None:
    before = PETSc.Options().getAll()
    Row().solve(1.0)
    assert PETSc.Options().getAll() == before
