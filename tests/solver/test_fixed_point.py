"""Fixed points that are far away: what a crack does that is about to jump, while its pressure swings."""

import numpy as np
import pytest
from lifrac.solver.numerics.fixed_point import MAX_STALLED, FixedPoint
from mpi4py import MPI

GAP = 1.0e-3
SWING = 3.0
"""The plain iteration turns a deviation of the second unknown into -2 times itself."""


def residual(x: np.ndarray) -> np.ndarray:
    """Just past a fold at x = 0: residuals are small there, but the only fixed point is (1, 1)."""
    return np.array([(GAP + x[0] ** 2) * (1.0 - x[0]), SWING * (x[0] - x[1])])


def iterations(start: np.ndarray, most: int = 400) -> tuple[int, np.ndarray]:
    method, x = FixedPoint(MPI.COMM_SELF), start
    for k in range(most):
        r = residual(x)
        change = float(np.abs(r).max())
        if change < 1.0e-8:
            return k, x
        x = method.propose(x, r, change)
    return most, x


def test_a_near_solution_is_found_by_mixing() -> None:
    count, x = iterations(np.array([0.9, 0.95]))
    assert count <= MAX_STALLED + 4
    assert x == pytest.approx([1.0, 1.0], abs=1.0e-6)


def test_the_plain_iteration_swings_ever_wider() -> None:
    x = np.array([0.0, 1.0e-3])
    for _ in range(60):
        x = x + residual(x)
    assert abs(x[1]) > 1.0e3


def test_a_bottleneck_is_passed() -> None:
    """Half steps alone would take some 2 pi/sqrt(GAP) = 200."""
    count, x = iterations(np.array([0.0, 1.0e-3]))
    assert count < 90  # mixing alone: 119
    assert x == pytest.approx([1.0, 1.0], abs=1.0e-6)
