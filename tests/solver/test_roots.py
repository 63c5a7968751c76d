"""Zeros between bounds: known ones to rounding, many at a time, in few evaluations."""

import numpy as np
import pytest
from lifrac.solver.numerics.roots import bracketed_zeros

RESOLUTION = 4.0e-15


def test_zeros_of_different_kinds_at_once() -> None:
    """x^n = v for n = 1 to 9: straight, and so curved that a secant creeps; bounds in either order."""
    power, value = np.repeat([1.0, 2.0, 5.0, 9.0], 50), np.tile(np.geomspace(1e-9, 1e3, 50), 4)
    low, high = np.zeros(200), np.full(200, 2e3)
    calls = []

    def f(x: np.ndarray) -> np.ndarray:
        calls.append(x)
        return x**power - value

    for start, end in ((low, high), (high, low)):
        found = bracketed_zeros(f, start, end, RESOLUTION)
        exact = value ** (1.0 / power)
        assert np.abs(found - exact).max() <= 4.0 * RESOLUTION * (1.0 + exact.max())
        assert (np.abs(found - exact) <= 4.0 * RESOLUTION * (1.0 + exact)).all()
    assert len(calls) < 2 * 100


@pytest.mark.parametrize("at", [0.0, 0.3, 1.0])
def test_zero_at_a_bound_and_of_a_kink(at: float) -> None:
    def kinked(x: np.ndarray) -> np.ndarray:
        return np.where(x < at, 1e-3 * (x - at), 1e3 * (x - at))

    found = bracketed_zeros(kinked, np.zeros(1), np.ones(1), RESOLUTION)
    assert abs(found[0] - at) <= 8.0 * RESOLUTION


def test_no_change_of_sign_gives_a_bound() -> None:
    found = bracketed_zeros(lambda x: 1.0 + x, np.array([0.0, -3.0]), np.array([2.0, 1.0]), RESOLUTION)
    assert found[0] in (0.0, 2.0)
    assert found[1] == pytest.approx(-1.0, abs=8.0 * RESOLUTION)
