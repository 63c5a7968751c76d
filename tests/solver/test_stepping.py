"""The step controller: what it proposes, how it reacts, when it gives up."""

import pytest
from lifrac.errors import NumericalFailure
from lifrac.solver.numerics.stepping import EASY_ITERATIONS, HARD_ITERATIONS, StepController


def controller(first: float = 1.0, largest: float = 100.0, rejections: int = 5) -> StepController:
    return StepController(first, largest, rejections)


def test_first_step_is_bounded_by_the_largest() -> None:
    assert controller(first=5.0, largest=2.0).propose(1.0e3) == 2.0


def test_ends_exactly_and_leaves_no_sliver() -> None:
    c = controller(first=4.0)
    assert c.propose(100.0) == 4.0
    assert c.propose(4.0) == 4.0
    assert c.propose(4.0 * (1.0 + 1e-14)) == 4.0 * (1.0 + 1e-14)
    assert c.propose(3.0) == 3.0
    assert c.propose(4.1) == pytest.approx(2.05)
    assert c.propose(8.0) == 4.0


def test_no_sliver_over_a_whole_protocol_step() -> None:
    for first in (0.3, 0.37, 1.1, 7.7):
        c, remaining, steps = controller(first, largest=first), 10.0, []
        while remaining > 1e-12:
            steps.append(c.propose(remaining))
            remaining -= steps[-1]
        assert sum(steps) == pytest.approx(10.0, rel=1e-14)
        assert min(steps) > 0.5 * min(first, 10.0) * (1.0 - 1e-9)


@pytest.mark.parametrize(
    ("iterations", "load", "factor"),
    [
        (EASY_ITERATIONS, 0.1, 1.4),
        (HARD_ITERATIONS, 0.1, 1.1),
        (HARD_ITERATIONS + 1, 0.1, 0.8),
        (3, 1.0, 0.75),
        (3, 10.0, 0.3),
        (3, 0.0, 1.4),
    ],
)
def test_growth(iterations: int, load: float, factor: float) -> None:
    c = controller()
    c.accepted(1.0, iterations, load)
    assert c.next_step == pytest.approx(factor)


def test_a_step_cut_short_says_nothing_against_longer_ones() -> None:
    c = controller(first=10.0)
    c.accepted(0.01, 3, 0.1)
    assert c.next_step == 10.0
    c.accepted(0.01, HARD_ITERATIONS + 1, 0.1)
    assert c.next_step == pytest.approx(0.008)


def test_rejections_shorten_and_are_counted_by_reason() -> None:
    c = controller()
    c.reject(1.0, 0.35, "not converged")
    c.reject(0.35, 0.5, "event")
    assert c.next_step == pytest.approx(0.175)
    assert (c.rejected, c.in_a_row, c.reasons) == (2, 2, {"not converged": 1, "event": 1})
    c.accepted(0.175, 3, 0.1)
    assert (c.rejected, c.in_a_row) == (2, 0)


def test_gives_up_after_too_many_rejections_in_a_row() -> None:
    c = controller(rejections=3)
    for _ in range(3):
        c.reject(1.0, 0.9, "not converged")
    with pytest.raises(NumericalFailure, match=r"4 steps rejected in a row.*not converged"):
        c.reject(1.0, 0.9, "not converged")


def test_gives_up_when_steps_become_too_short() -> None:
    c = controller(first=1.0e-11)
    with pytest.raises(NumericalFailure, match="step length"):
        c.reject(1.0e-11, 0.05, "crack advance")
