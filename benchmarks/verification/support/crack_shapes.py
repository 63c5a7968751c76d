"""Pressurised cracks in an infinite body: the line of half length a in plane strain, the penny of radius a.

Sneddon, Proc. R. Soc. A 187 (1946) 229: opening and volume. Griffith's crack of given volume follows from the energy
U = E' V^2/(2 f a^n) that it stores and -dU/da = Gc dS/da.
"""

from dataclasses import dataclass

import numpy as np
from lifrac.solver.physics.frames import Axisymmetric, Cartesian, Frame


@dataclass(frozen=True)
class Shape:
    """A crack and its closed forms; E' [MPa], Gc [J/m2], V [um2 of a line, um3 of a penny].

    Parameters
    ----------
    frame : Frame
    share : float
        Of the whole body that is meshed [-].
    opening_factor : float
        Full opening is this times p/E' sqrt(a^2 - x^2).
    volume_factor, surface_factor : float
        f and s: V = f p a^n/E', surface S = s a^(n - 1).
    power : int
        n: 2 of a line (per depth), 3 of a penny.
    ends : tuple of float
        The damage (AT1) around the ends of a crack at rest, half a disc of the optimal profile, adds
        ends[0] l a^(n - 2) + ends[1] l^2 to its surface.
    """

    frame: Frame
    share: float
    opening_factor: float
    volume_factor: float
    surface_factor: float
    power: int
    ends: tuple[float, float]

    def size(self, surface: float) -> float:
        """Return the size a [um] of a crack of this surface."""
        return float((surface / self.surface_factor) ** (1.0 / (self.power - 1)))

    def at_rest(self, a: float, length: float, toughness_factor: float) -> float:
        """Size [um] of a crack at rest with its ends, when its flat part costs `toughness_factor` times Gc."""
        ends = self.ends[0] * length * a ** (self.power - 2) + self.ends[1] * length**2
        return self.size(self.surface_factor * a ** (self.power - 1) + ends / toughness_factor)

    def volume(self, pressure: float, a: float, modulus: float) -> float:
        """V of a crack under pressure [MPa]."""
        return self.volume_factor * pressure * a**self.power / modulus

    def threshold(self, a: float, modulus: float, toughness: float) -> float:
        """V at which a crack grows: V^2 = 2 (n - 1) s f Gc a^(2n - 1)/(n E')."""
        n = self.power
        square = 2.0 * (n - 1) * self.surface_factor * self.volume_factor * toughness * a ** (2 * n - 1) / (n * modulus)
        return float(np.sqrt(square))

    def griffith(self, volume: float, modulus: float, toughness: float) -> tuple[float, float]:
        """Return p [MPa] and a [um] of a crack that grows with its volume."""
        of_one = self.threshold(1.0, modulus, toughness)
        a = (volume / of_one) ** (2.0 / (2 * self.power - 1))
        return float(volume / self.volume(1.0, a, modulus)), float(a)

    @property
    def exponents(self) -> tuple[float, float]:
        """Exponents of p and of a in V, of a crack that grows: -1/3 and 2/3, -1/5 and 2/5."""
        return -1.0 / (2 * self.power - 1), 2.0 / (2 * self.power - 1)


LINE = Shape(Cartesian(), 0.25, 4.0, 2.0 * np.pi, 2.0, 2, (0.5 * np.pi, 0.0))
PENNY = Shape(Axisymmetric(), 0.5, 8.0 / np.pi, 16.0 / 3.0, np.pi, 3, (0.5 * np.pi**2, 0.8 * np.pi))
