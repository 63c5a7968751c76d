"""Path of a pressurised crack in an infinite plane by linear elastic fracture mechanics: the reference of `mixed_mode`.

The crack is a chain of straight elements with constant jumps of displacement, each a pair of dislocations at its ends
(displacement discontinuity method: Crouch, Int. J. Numer. Meth. Engng 10 (1976) 301). It grows at one end by one
element at a time, in the direction of the largest hoop stress, at the pressure at which that stress reaches its
critical value. All in units of the half length, K_Ic and K_Ic/sqrt(pi a); neither phase field nor mesh.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from .plane_runs import Floats

Complex = NDArray[np.complex128]


def max_hoop_angle(opening: float, shear: float) -> float:
    """Angle [degrees] of the largest hoop stress: K_I sin(phi) + K_II (3 cos(phi) - 1) = 0; negative for K_II > 0.

    Erdogan & Sih, J. Basic Engng 85 (1963) 519.
    """
    if shear == 0.0:
        return 0.0
    return float(np.degrees(2.0 * np.arctan((opening - np.hypot(opening, np.sqrt(8.0) * shear)) / (4.0 * shear))))


def kink_factors(angle: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """F11, F12, F21, F22 of K at the tip of a short kink: K_I* = F11 K_I + F12 K_II, K_II* = F21 K_I + F22 K_II.

    Amestoy & Leblond, Int. J. Solids Struct. 29 (1992) 465; angle in rad, up to 80 degrees.
    """
    pi, m = np.pi, angle / np.pi
    even = m ** np.arange(0, 21, 2).reshape(-1, *np.ones(np.ndim(angle), dtype=int))
    odd = m ** np.arange(1, 20, 2).reshape(-1, *np.ones(np.ndim(angle), dtype=int))
    f11 = [1.0, -3 * pi**2 / 8, pi**2 - 5 * pi**4 / 128, pi**2 / 9 - 11 * pi**4 / 72 + 119 * pi**6 / 15360]
    f11 += [5.07790, -2.88312, -0.0925, 2.996, -4.059, 1.63, 4.1]
    f12 = [-3 * pi / 2, 10 * pi / 3 + pi**3 / 16, -2 * pi - 133 * pi**3 / 180 + 59 * pi**5 / 1280]
    f12 += [12.313906, -7.32433, 1.5793, 4.0216, -6.915, 4.21, 4.56]
    f21 = [pi / 2, -4 * pi / 3 - pi**3 / 48, -2 * pi / 3 + 13 * pi**3 / 30 - 59 * pi**5 / 3840]
    f21 += [-6.176023, 4.44112, -1.5340, -2.0700, 4.684, -3.95, -1.32]
    f22 = [1.0, -4 - 3 * pi**2 / 8, 8 / 3 + 29 * pi**2 / 18 - 5 * pi**4 / 128]
    f22 += [-32 / 15 - 4 * pi**2 / 9 - 1159 * pi**4 / 7200 + 119 * pi**6 / 15360]
    f22 += [10.58254, -4.78511, -1.8804, 7.280, -7.591, 0.25, 12.5]
    found = [np.tensordot(f, powers, 1) for f, powers in ((f11, even), (f12, odd), (f21, odd), (f22, even))]
    return found[0], found[1], found[2], found[3]


def max_energy_angle(opening: float, shear: float) -> float:
    """Angle [degrees] of the kink that releases most energy."""
    angle = np.radians(np.linspace(-80.0, 80.0, 16001))
    f11, f12, f21, f22 = kink_factors(angle)
    released = (f11 * opening + f12 * shear) ** 2 + (f21 * opening + f22 * shear) ** 2
    return float(np.degrees(angle[np.argmax(released)]))


def hoop_intensity(opening: float, shear: float) -> float:
    """Return the largest hoop stress times sqrt(2 pi r): K_I of the straight crack that would be as near to growth."""
    angle = np.radians(max_hoop_angle(opening, shear))
    return float(np.cos(0.5 * angle) * (opening * np.cos(0.5 * angle) ** 2 - 1.5 * shear * np.sin(angle)))


def tractions(nodes: Complex) -> Floats:
    """(sigma_nn, sigma_nt) at the middle of every element due to unit (opening, sliding) of every element, E' = 1.

    Shape (2n, 2n), openings first. A dislocation b = bx + i by at z0 has the potentials Phi = c/(z - z0) and Psi =
    conj(c)/(z - z0) + c conj(z0)/(z - z0)^2, with c = i b E'/(8 pi); an element jumps by b between its ends.
    """
    along = np.diff(nodes)
    along /= np.abs(along)
    z = (0.5 * (nodes[1:] + nodes[:-1]))[:, None]
    parts = []
    for jump in (1j * along, along):  # left face less right face: opening along the normal, sliding along the element
        mean, deviator = np.zeros((2, len(along), len(along)), dtype=complex)
        for end, sign in ((nodes[:-1], 1.0), (nodes[1:], -1.0)):
            c, r = sign * 1j * jump / (8.0 * np.pi), z - end
            mean += c / r
            deviator += -np.conj(z) * c / r**2 + np.conj(c) / r + c * np.conj(end) / r**2
        # sigma_nn + i sigma_nt of a line along e^(i alpha) is 2 Re Phi + e^(2 i alpha) (conj(z) Phi' + Psi).
        total = 2.0 * mean.real + along[:, None] ** 2 * deviator
        parts.append(np.concatenate([total.real, total.imag]))
    return np.concatenate(parts, axis=1)


def tip_intensities(nodes: Complex, far: Floats, element: float) -> tuple[Floats, Floats]:
    """(K_I, K_II) at the last node under unit pressure, and under a stress far away (2, 2).

    From the jumps of the last element, whose length is `element`, over what they are in a straight crack.
    """
    along = np.diff(nodes) / np.abs(np.diff(nodes))
    normal = 1j * along
    n, t = (np.stack([v.real, v.imag]) for v in (normal, along))
    remote = np.concatenate([np.einsum("in,ij,jn->n", n, far, v) for v in (n, t)])
    count = len(along)
    pressure = np.concatenate([np.ones(count), np.zeros(count)])
    jumps = np.linalg.solve(tractions(nodes), -np.stack([pressure, remote], axis=1))
    scale = 1.0 / _straight_jump(element)
    return scale * jumps[[count - 1, -1], 0], scale * jumps[[count - 1, -1], 1]


def straight(element: float) -> Complex:
    """Nodes of a straight crack from -1 to 1."""
    return np.linspace(-1.0, 1.0, round(2.0 / element) + 1).astype(np.complex128)


@lru_cache
def _straight_jump(element: float) -> float:
    """Return the opening of the last element of a straight crack under unit pressure."""
    nodes = straight(element)
    count = len(nodes) - 1
    load = np.concatenate([-np.ones(count), np.zeros(count)])
    return float(np.linalg.solve(tractions(nodes), load)[count - 1])


def critical_pressure(of_pressure: Floats, of_far: Floats, guess: float) -> float:
    """Return p at which the largest hoop stress is critical: where it rises through one, next to a guess."""

    def excess(p: float) -> float:
        return hoop_intensity(*(p * of_pressure + of_far)) - 1.0

    low = high = guess
    while excess(low) > 0.0:
        low -= 0.1
    while excess(high) < 0.0:
        high += 0.1
    return float(brentq(excess, low, high)) if low < high else guess


def grow(far: Floats, length: float, element: float = 0.02) -> tuple[Complex, Floats]:
    """Nodes of the grown part, from the old tip at 1 on, and the pressure at each step, of a crack from -1 to 1.

    Parameters
    ----------
    far : (2, 2) array
        Stress far away, x along the crack, tension positive.
    length : float
        That it grows.
    """
    nodes = straight(element)
    pressures = [1.0 - float(far[1, 1])]
    for _ in range(round(length / element)):
        of_pressure, of_far = tip_intensities(nodes, far, element)
        pressures.append(critical_pressure(of_pressure, of_far, pressures[-1]))
        angle = np.radians(max_hoop_angle(*(pressures[-1] * of_pressure + of_far)))
        way = (nodes[-1] - nodes[-2]) / abs(nodes[-1] - nodes[-2])
        nodes = np.append(nodes, nodes[-1] + element * way * np.exp(1j * angle))
    return nodes[round(2.0 / element) :], np.array(pressures[1:])
