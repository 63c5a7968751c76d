"""The front of the lithium: how its pressure falls between the last full node and the place where it ends.

Near a tip a crack opens as sqrt(s), s being the distance from the tip. A flux of power-law lithium that is the same
along the last cell then needs the pressure

    p(s) = p_i (s^theta - s_f^theta)/(s_i^theta - s_f^theta),    theta = 1 - (n + 2)/(2 n),

from the last full node i at s_i to the front of the lithium at s_f. The pressure drop stays finite where lithium fills
the crack up to its tip (s_f = 0). The unknown is psi = (s_f/s_i)^theta, between 0 (at the tip) and 1 (at the node).
docs/theory, Sharp front.
"""

from dataclasses import dataclass

import numpy as np

SQRT_2_PI = float(np.sqrt(2.0 / np.pi))

LEAST_EXPONENT = 0.05
"""theta of creep exponents at or near 2, for which a front at the tip would need an infinite pressure."""
COMPLEX_STEP = 1.0e-30


@dataclass(frozen=True)
class FrontValues:
    """What a pressure of one at the last full node does in the front cell, by psi; or the derivatives of that."""

    position: float
    """s_f: distance of the front from the tip [um]."""
    length: float
    """Distance over which p_i would fall linearly with the slope that it has at the node [um]."""
    intensity: float
    """K [sqrt(um)]."""
    force: float
    """[um]."""
    beyond: float
    """Part of the force that the next node bears."""
    fill: float
    """Fill fraction of the next node."""
    mean: float
    """Mean pressure over the filled part of the next node's cell."""


@dataclass(frozen=True)
class LithiumFront:
    """The cell between the last full node and the next one.

    Parameters
    ----------
    exponent : float
        theta.
    distance : float
        s_i: distance of the last full node from the tip [um].
    length : float
        Length of the cell [um].
    next_area : float
        Length of the crack that belongs to the next node [um].
    weight : float
        g of K in the cell.
    at_tip : bool
        Whether the next node is the last open one: its volume is then that of an opening ~ sqrt(s).
    """

    exponent: float
    distance: float
    length: float
    next_area: float
    weight: float
    at_tip: bool

    def evaluate(self, psi: float) -> tuple[FrontValues, FrontValues]:
        """Values and their derivatives by psi."""
        found = self._values(complex(psi, COMPLEX_STEP))
        return FrontValues(*(v.real for v in found)), FrontValues(*(v.imag / COMPLEX_STEP for v in found))

    def _values(self, psi: complex) -> tuple[complex, ...]:
        th, s, d = self.exponent, self.distance, self.length
        front = s * psi ** (1.0 / th)
        at_front = s**th * psi
        drop = s**th * (1.0 - psi)
        pressure = ((s ** (th + 1.0) - front ** (th + 1.0)) / (th + 1.0) - at_front * (s - front)) / drop
        second = (s ** (th + 2.0) - front ** (th + 2.0)) / (th + 2.0) - at_front * (s * s - front**2) / 2.0
        first = s * pressure - second / drop
        root = (s ** (th + 0.5) - front ** (th + 0.5)) / (th + 0.5) - 2.0 * at_front * (s**0.5 - front**0.5)
        beyond = first / (pressure * d)
        if beyond.real > 1.0:
            beyond = complex(1.0)
        middle = s - 0.5 * d
        fill = 1.0 - (front / middle) ** 1.5 if self.at_tip else (middle - front) / self.next_area
        mean = complex(0.0)
        if middle - front.real > 1.0e-9 * s:
            reached = (middle ** (th + 1.0) - front ** (th + 1.0)) / ((th + 1.0) * (middle - front))
            mean = (reached - at_front) / drop
        return front, s * (1.0 - psi) / th, SQRT_2_PI * self.weight * root / drop, pressure, beyond, fill, mean

    def psi_of_fill(self, fill: float) -> float:
        """Return psi at a fill fraction of the next node."""
        middle, fill = self.distance - 0.5 * self.length, min(max(fill, 0.0), 1.0)
        front = middle * (1.0 - fill) ** (2.0 / 3.0) if self.at_tip else middle - fill * self.next_area
        return float(max((max(front, 0.0) / self.distance) ** self.exponent, 1.0e-3))


def front_exponent(creep_exponent: float) -> float:
    """Return theta of a Norton exponent n."""
    return max(0.5 - 1.0 / creep_exponent, LEAST_EXPONENT)


def mean_length(start: float, end: float, exponent: float) -> tuple[float, float]:
    """Length that gives the mean flux of a front which moves from `start` to `end`, and its derivative by `end`.

    A power-law flux goes with length^-n: the front moves so that the mean of length^n counts.
    """
    if end <= start * (1.0 + 1.0e-6):
        return end, 1.0
    n = exponent
    mean = (end ** (n + 1.0) - start ** (n + 1.0)) / ((n + 1.0) * (end - start))
    length = mean ** (1.0 / n)
    return float(length), float(length / (n * mean) * (end**n - mean) / (end - start))
