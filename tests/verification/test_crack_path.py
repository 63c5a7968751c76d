"""The reference for paths of cracks: against closed forms, and in the limits that are known."""

import numpy as np
import pytest
from lifrac.verification.support.crack_path import (
    grow,
    hoop_intensity,
    max_energy_angle,
    max_hoop_angle,
    tip_intensities,
    tractions,
)


def test_straight_crack_opens_as_an_ellipse() -> None:
    """w = 4 sqrt(1 - x^2) of unit pressure, E' = 1, wherever it lies; the same sliding under shear."""
    nodes = np.linspace(-1.0, 1.0, 201) * np.exp(0.7j) + (3.0 - 2.0j)
    x = np.linspace(-0.995, 0.995, 200)
    inner, exact = np.abs(x) < 0.9, 4.0 * np.sqrt(1.0 - x**2)
    for first in (True, False):
        load = np.concatenate([-np.ones(200), np.zeros(200)] if first else [np.zeros(200), -np.ones(200)])
        jumps = np.linalg.solve(tractions(nodes), load).reshape(2, 200)
        wanted, other = jumps if first else jumps[::-1]
        assert wanted[inner] == pytest.approx(exact[inner], rel=0.02)
        assert np.abs(other).max() < 1.0e-10


@pytest.mark.parametrize("half_angle", [0.3, 0.6])
def test_intensities_of_an_arc(half_angle: float) -> None:
    """Under pressure K_I = cos(b/2)/(1 + sin^2(b/2)) and K_II with sin(b/2), over K of its chord (Muskhelishvili)."""
    angle = np.linspace(-half_angle, half_angle, 201)
    arc = (np.sin(angle) + 1j * (1.0 - np.cos(angle))) / np.sin(half_angle)
    found, _ = tip_intensities(arc, np.zeros((2, 2)), float(abs(arc[1] - arc[0])))
    half = 0.5 * half_angle
    exact = np.array([np.cos(half), np.sin(half)]) / (1.0 + np.sin(half) ** 2)
    assert found == pytest.approx(exact, rel=0.012)


def test_far_stress_and_pressure_add_up() -> None:
    """A straight crack: pressure and far tension of the same size open alike, far shear slides."""
    nodes = np.linspace(-1.0, 1.0, 101) + 0.0j
    pressed, pulled = tip_intensities(nodes, np.array([[0.3, 0.4], [0.4, 1.0]]), 0.02)
    assert pressed == pytest.approx([1.0, 0.0], abs=1e-10)
    assert pulled == pytest.approx([1.0, 0.4], abs=1e-10)


def test_criteria() -> None:
    """Pure shear: 70.5 degrees by hoop stress, 75.6 by energy release; both turn alike, and nowhere without shear."""
    assert max_hoop_angle(0.0, 1.0) == pytest.approx(-np.degrees(np.arccos(1.0 / 3.0)))
    assert max_energy_angle(0.0, 1.0) == pytest.approx(-75.6, abs=0.3)
    assert max_hoop_angle(1.0, 0.0) == max_energy_angle(1.0, 0.0) == 0.0
    assert max_hoop_angle(1.0, -1.0) == pytest.approx(53.13, abs=0.01)
    assert hoop_intensity(1.0, 0.0) == 1.0
    assert hoop_intensity(0.0, 1.0) == pytest.approx(2.0 / np.sqrt(3.0))
    for opening, shear in ((1.0, 0.1), (0.5, 0.5)):
        angle = np.radians(max_hoop_angle(opening, shear))
        assert opening * np.sin(angle) + shear * (3.0 * np.cos(angle) - 1.0) == pytest.approx(0.0, abs=1e-12)


def test_path_turns_across_the_compression() -> None:
    """At 45 degrees to a lateral compression the first kink is that of K_II = S/2; pressure alone goes straight on."""
    path, pressures = grow(np.zeros((2, 2)), 0.2)
    assert np.abs(path.imag).max() < 1.0e-9
    assert pressures[0] == pytest.approx(1.0)
    assert pressures[-1] == pytest.approx(np.sqrt(2.0 / (2.0 + 0.18)), rel=0.01)  # the last step starts from 2.18
    far = -0.25 * np.array([[1.0, -1.0], [-1.0, 1.0]])  # S = 0.5
    path, pressures = grow(far, 0.2)
    kink = np.degrees(np.angle(path[1] - path[0]))
    assert kink == pytest.approx(max_hoop_angle(pressures[0] - 0.25, 0.25), abs=0.1)
    assert -45.0 < np.degrees(np.angle(path[-1] - path[-2])) < kink
    finer, _ = grow(far, 0.2, 0.01)
    assert abs(finer[-1] - path[-1]) < 0.01
