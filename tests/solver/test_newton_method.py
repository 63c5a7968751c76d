"""Newton's method by itself, on small systems whose course is known."""

import logging
import pickle
from dataclasses import dataclass, field
from itertools import pairwise
from typing import override

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.solver.numerics.newton import Convergence, LineSearch, MatrixReuse, Newton, NewtonProblem
from lifrac.solver.numerics.newton_log import NewtonFailure, NewtonLog, Norms, Reason

Floats = np.ndarray


@dataclass
class Circle(NewtonProblem[Floats]):
    """x^2 + y^2 = 4, x y = 1."""

    x: Floats = field(default_factory=lambda: np.array([2.0, 1.0]))
    matrices: int = 0
    residuals: int = 0
    part: float = 1.0
    """Largest part of an increment."""

    @override
    def residual(self) -> Norms:
        self.residuals += 1
        a, b = self.x
        self.r = np.array([a * a + b * b - 4.0, a * b - 1.0])
        return Norms({"radius": abs(float(self.r[0])), "product": abs(float(self.r[1]))})

    @override
    def linearise(self) -> int:
        self.matrices += 1
        a, b = self.x
        self.matrix = np.array([[2.0 * a, 2.0 * b], [b, a]])
        return 0

    @override
    def increment(self) -> Floats:
        return np.linalg.solve(self.matrix, -self.r)

    @override
    def limit(self, increment: Floats) -> float:
        return self.part

    @override
    def move(self, increment: Floats, factor: float, taken: float) -> None:
        self.x = self.x + (factor - taken) * increment


@dataclass
class Scalar(NewtonProblem[float]):
    """arctan x = 0, from where full steps diverge; or whatever residual and slope are given."""

    x: float = 3.0
    enough: float = 0.0
    tried: list[float] = field(default_factory=list)

    def value(self) -> float:
        return float(np.arctan(self.x))

    def slope(self) -> float:
        return 1.0 / (1.0 + self.x**2)

    @override
    def residual(self) -> Norms:
        self.tried.append(self.x)
        return Norms({"x": abs(self.value())}, enough=self.enough)

    @override
    def linearise(self) -> int:
        return 0

    @override
    def increment(self) -> float:
        return -self.value() / self.slope()

    @override
    def move(self, increment: float, factor: float, taken: float) -> None:
        self.x += (factor - taken) * increment


TIGHT = Convergence(1.0e-12, 30)
HALVING = LineSearch(trials=8)


def test_smooth_systems_converge_quadratically() -> None:
    problem = Circle()
    found = Newton("circle", TIGHT).solve(problem)
    x, y = problem.x
    assert x * x + y * y == pytest.approx(4.0, abs=1.0e-12)
    assert x * y == pytest.approx(1.0, abs=1.0e-12)
    assert found.reason is Reason.CONVERGED
    assert found.iterations == problem.matrices <= 5
    sizes = [norms.largest for norms in found.norms]
    assert all(after < before**2 for before, after in pairwise(sizes) if 1.0e-6 < before < 0.5)


def test_a_matrix_serves_again_while_it_is_good_enough() -> None:
    problem = Circle()
    found = Newton("circle", TIGHT, matrix=MatrixReuse(0.2)).solve(problem)
    assert problem.matrices < found.iterations
    sizes = [norms.largest for norms in found.norms]
    new = 1 + sum(after > 0.2 * before for before, after in pairwise(sizes[:-1]))
    assert problem.matrices == new


def test_the_part_of_an_increment_that_can_be_asked_about_is_not_exceeded() -> None:
    free, limited = Circle(), Circle(part=0.5)
    counts = [Newton("circle", Convergence(1.0e-6, 60)).solve(problem).iterations for problem in (free, limited)]
    assert counts[1] > 4 * counts[0]  # 2^-n
    assert limited.x == pytest.approx(free.x, abs=1.0e-5)


def test_full_steps_diverge_where_shorter_ones_converge() -> None:
    with pytest.raises(NewtonFailure) as caught:
        Newton("arctan", Convergence(1.0e-12, 30, has_to_fall=True)).solve(Scalar())
    assert caught.value.reason is Reason.NO_DESCENT
    problem = Scalar()
    Newton("arctan", TIGHT, HALVING).solve(problem)
    assert abs(problem.x) < 1.0e-12


def test_the_best_of_refused_parts_is_where_the_unknowns_end() -> None:
    """|arctan| is allowed no residual at all: of 1, 1/2, 1/4, 1/8 of the increment one is best, and not the last."""
    search = LineSearch(trials=4, largest=0.0, takes_best=True)
    problem = Scalar()
    with pytest.raises(NewtonFailure, match="after 1 iteration;"):
        Newton("arctan", Convergence(1.0e-12, 1), search).solve(problem)
    parts = problem.tried[1:5]
    assert problem.x == problem.tried[-1] == pytest.approx(min(parts, key=abs))
    assert problem.x != parts[-1]
    with pytest.raises(NewtonFailure):
        Newton("arctan", Convergence(1.0e-12, 1), LineSearch(trials=4, largest=0.0)).solve(last := Scalar())
    assert last.x == last.tried[-1] == pytest.approx(parts[-1])


def test_parts_that_count_are_iterations_of_their_own() -> None:
    counts = []
    for flag in (True, False):
        problem = Scalar(x=1.6)  # the full step leads to -2, half of it to -0.2
        found = Newton("arctan", TIGHT, LineSearch(trials=8, counts_trials=flag)).solve(problem)
        counts.append((found.iterations, len(problem.tried) - 1))
    (counted, tried), (taken, again) = counts
    assert counted == tried == again == taken + 1


def test_memory_and_settling_say_what_is_allowed() -> None:
    norms = [Norms({"x": size}) for size in (50.0, 4.0, 3.0, 0.5)]
    search = LineSearch(trials=6, memory=2, largest=10.0, settling=3)
    assert [search.allowed(norms[:n]) for n in (1, 3, 4)] == [10.0, 10.0, 3.0]
    assert LineSearch(trials=6, largest=10.0).allowed(norms[:1]) == 10.0


# -- active sets ---------------------------------------------------------------------------------------------------


@dataclass
class Obstacle(NewtonProblem[Floats]):
    """-u'' = -1 above an obstacle, on a row of nodes: u >= psi, r >= 0, (u - psi) r = 0."""

    n: int = 41
    remembers: bool = False
    """Whether nodes that touch are chosen with the residual, and not with the matrix."""

    def __post_init__(self) -> None:
        h = 1.0 / (self.n + 1)
        self.stiffness = (2.0 * np.eye(self.n) - np.eye(self.n, k=1) - np.eye(self.n, k=-1)) / h**2
        self.floor = np.full(self.n, -0.06)
        self.u, self.touches = np.zeros(self.n), np.zeros(self.n, dtype=bool)
        self.begun = False

    def _choose(self) -> int:
        before = self.touches
        self.touches = self.u - self.floor < self.force / self.stiffness[0, 0]
        return int(np.count_nonzero(self.touches != before))

    @override
    def residual(self) -> Norms:
        self.force = self.stiffness @ self.u + 1.0
        gap = self.u - self.floor
        if not self.remembers:
            return Norms({"u": float(np.abs(np.minimum(gap, self.force)).max())})
        switched = self._choose() if self.begun else 0
        self.begun = True
        return Norms({"u": float(np.abs(np.where(self.touches, gap, self.force)).max())}, switched)

    @override
    def linearise(self) -> int:
        return 0 if self.remembers else self._choose()

    @override
    def increment(self) -> Floats:
        matrix = np.where(self.touches[:, None], np.eye(self.n), self.stiffness)
        return np.linalg.solve(matrix, -np.where(self.touches, self.u - self.floor, self.force))

    @override
    def move(self, increment: Floats, factor: float, taken: float) -> None:
        self.u = self.u + (factor - taken) * increment


@pytest.mark.parametrize("remembers", [False, True])
def test_active_sets_of_either_kind_end_at_the_same_contact(remembers: bool) -> None:
    """u = -0.06 in the middle, a parabola that leaves it with no slope on either side: x0 = sqrt(0.12)."""
    problem = Obstacle(remembers=remembers)
    found = Newton("obstacle", Convergence(1.0e-10, 30)).solve(problem)
    assert found.norms[-1].switched == 0
    assert problem.u.min() == pytest.approx(-0.06, abs=1.0e-12)
    touching = (np.flatnonzero(problem.touches) + 1.0) / (problem.n + 1)
    assert touching[0] == pytest.approx(0.12**0.5, abs=1.5 / (problem.n + 1))
    assert problem.force[~problem.touches] == pytest.approx(0.0, abs=1.0e-9)


@dataclass
class Restless(Scalar):
    """A node that changes sides for ever."""

    @override
    def residual(self) -> Norms:
        return Norms({"x": 1.0e-20}, switched=1 if self.tried else self.tried.append(0.0) or 0, enough=-1.0)


def test_sets_that_go_to_and_fro_are_no_solution_and_are_named() -> None:
    """Their residual is small, but another one each time; the line search does not compare them."""
    method = Newton("node", Convergence(1.0e-30, 7), HALVING)
    with pytest.raises(NewtonFailure, match="active sets still change after 7 iterations") as caught:
        method.solve(Restless())
    assert caught.value.reason is Reason.SETS_UNSETTLED


# -- reasons -------------------------------------------------------------------------------------------------------


class Rough(Scalar):
    """A residual that rounding keeps at 1e-9."""

    @override
    def value(self) -> float:
        return self.x if abs(self.x) > 1.0e-9 else 1.0e-9

    @override
    def slope(self) -> float:
        return 2.0


def test_rounding_is_a_reason_of_its_own() -> None:
    found = Newton("rough", Convergence(1.0e-12, 60, stagnation=1.0e-8), LineSearch(1)).solve(Rough())
    assert found.reason is Reason.STAGNATED
    with pytest.raises(NewtonFailure, match="no convergence after 60 iterations") as caught:
        Newton("rough", Convergence(1.0e-12, 60)).solve(Rough())
    assert caught.value.reason is Reason.NO_CONVERGENCE


def test_what_is_enough_may_depend_on_the_state() -> None:
    found = Newton("arctan", TIGHT).solve(Scalar(x=0.5, enough=0.1))
    assert 0 < found.iterations < Newton("arctan", TIGHT).solve(Scalar(x=0.5)).iterations


def test_iterations_that_are_done_in_any_case() -> None:
    assert Newton("arctan", Convergence(1.0, 30)).solve(Scalar(x=0.5)).iterations == 0
    assert Newton("arctan", Convergence(1.0, 30, min_iterations=1)).solve(Scalar(x=0.5)).iterations == 1


class NotFinite(Scalar):
    @override
    def value(self) -> float:
        return float("nan")


class NoIncrement(Scalar):
    @override
    def limit(self, increment: float) -> float:
        return float("nan")


class Singular(Scalar):
    @override
    def increment(self) -> float:
        raise NumericalFailure("MUMPS says no")


@pytest.mark.parametrize(
    ("problem", "reason", "words"),
    [
        (NotFinite(), Reason.RESIDUAL_NOT_FINITE, "the residual is not finite after 0 iterations"),
        (NoIncrement(), Reason.INCREMENT_NOT_FINITE, "the increment is not finite"),
        (Singular(), Reason.LINEAR_SYSTEM, r"could not be solved after 0 iterations \(MUMPS says no\)"),
    ],
)
def test_each_failure_has_its_reason(problem: Scalar, reason: Reason, words: str) -> None:
    with pytest.raises(NewtonFailure, match=words) as caught:
        Newton("arctan", TIGHT).solve(problem)
    assert caught.value.reason is reason
    assert not reason.is_solved


def test_a_part_that_is_no_number_is_never_the_best() -> None:
    class Edge(Scalar):
        """Not defined beyond 1."""

        @override
        def value(self) -> float:
            return float("nan") if abs(self.x) > 1.0 else float(np.tanh(4.0 * self.x))

        @override
        def slope(self) -> float:
            return 4.0 * (1.0 - np.tanh(4.0 * self.x) ** 2)

    problem = Edge(x=0.6)
    Newton("edge", TIGHT, LineSearch(trials=8, takes_best=True)).solve(problem)
    assert abs(problem.x) < 1.0e-12
    assert max(np.abs(problem.tried)) > 1.0


def test_failures_keep_their_reason_on_the_way_to_another_rank() -> None:
    failure = pickle.loads(pickle.dumps(NewtonFailure("why", Reason.NO_DESCENT)))
    assert (str(failure), failure.reason) == ("why", Reason.NO_DESCENT)


# -- log -----------------------------------------------------------------------------------------------------------


def test_the_log_shows_every_field_every_iteration_and_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="lifrac.solver"):
        found = Newton("circle", TIGHT).solve(Circle())
    assert caplog.messages[0] == "circle, iteration 0: radius 1.0e+00, product 1.0e+00"
    assert len(caplog.messages) == found.iterations + 2
    assert caplog.messages[-1] == f"circle: converged after {found.iterations} iterations"


def test_the_log_shows_parts_changes_of_sets_and_old_matrices(caplog: pytest.LogCaptureFixture) -> None:
    log = NewtonLog("cell")
    with caplog.at_level(logging.DEBUG, logger="lifrac.solver"):
        log.see(Norms({"u": 1.0}))
        log.see(Norms({"u": 0.5}, switched=3), 0.25)
        log.begin_iteration(has_new_matrix=False)
        log.see(Norms({"u": 0.1}))
    assert caplog.messages[1:] == [
        "cell, iteration 1: u 5.0e-01 (step 0.25; active sets: 3 changed)",
        "cell, iteration 2: u 1.0e-01 (same matrix)",
    ]


def test_parts_of_another_residual_are_shown_below_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="lifrac.solver"):
        Newton("node", TIGHT, level=5).solve(Scalar(x=0.5))
    assert not caplog.messages
