"""Diffuse cracks: a damage field 0 <= d <= 1 whose surface energy tends to Griffith's as its length l tends to zero.

    Gamma(d) = int gamma dx,   gamma = (w(d)/l + l |grad d|^2)/(4 c_w),   c_w = int_0^1 sqrt(w) ds

AT1 (w = d) stays elastic up to a strength and has a profile of finite width; AT2 (w = d^2) damages from the first load.
Ambrosio & Tortorelli (1990); Pham, Amor, Marigo & Maurini (2011); Tanné et al., J. Mech. Phys. Solids 110 (2018) 80.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import override

import numpy as np
import numpy.typing as npt
import ufl
from ufl.core.expr import Expr

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DamageModel(ABC):
    """How damage costs energy.

    Parameters
    ----------
    length : float
        Internal length l [um]; 3 to 5 cells.
    """

    length: float

    @property
    @abstractmethod
    def normalisation(self) -> float:
        """c_w = int_0^1 sqrt(w(s)) ds [-]."""

    @property
    @abstractmethod
    def half_width(self) -> float:
        """Distance from a crack beyond which its optimal profile is below 1 % [um]."""

    @abstractmethod
    def local(self, d: Expr) -> Expr:
        """w(d) [-], with w(0) = 0 and w(1) = 1; at most quadratic."""

    @abstractmethod
    def profile(self, distance: Expr) -> Expr:
        """Damage at a distance >= 0 [um] from an isolated crack: the minimiser of Gamma with d = 1 on the crack."""

    @abstractmethod
    def row_energy(self, width: float) -> tuple[Floats, Floats]:
        """Return int w(d)/l dy over a row of cells [-] as a polynomial of the damage at both sides.

        Returns
        -------
        linear : (2,) float
            Factors of the damage at both sides.
        second : (2, 2) float
            Second derivative of the rest.
        """

    def surface_density(self, d: Expr) -> Expr:
        """gamma(d) = (w(d)/l + l |grad d|^2)/(4 c_w) [1/um]: crack surface per volume."""
        gradient = ufl.grad(d)
        return (self.local(d) / self.length + self.length * ufl.inner(gradient, gradient)) / (4.0 * self.normalisation)

    def toughness_factor(self, cell_size: float) -> float:
        """Gc of the discrete crack over Gc: 1 + h/(4 c_w l), for a band of broken cells of width h [um].

        1 + 3h/8l (AT1), 1 + h/2l (AT2): Bourdin, Francfort & Marigo, J. Elasticity 91 (2008) 5.
        """
        return 1.0 + cell_size / (4.0 * self.normalisation * self.length)

    @abstractmethod
    def _band_cost(self, band: float, bulk: float, width: float) -> float:
        """Return int Gc gamma dy across a crack in the middle of a band, its broken cells of no width."""

    def interface_toughness(self, band: float, bulk: float, width: float, cell_size: float = 0.0) -> float:
        """Return what a crack along a weak band costs: of a band narrower than the damage, part of it lies in the bulk.

        The least of int Gc(y) gamma(d) dy with d = 1 on a row of broken cells, in the middle of the band or beside it:
        where the band is one row wide it is cheaper to break the row next to it, and let the damage fall in the band.
        A band that is tougher than the bulk is avoided.

        Parameters
        ----------
        band, bulk : float
            Gc of the cells of the band and outside of it [J/m2].
        width : float
            Of the band [um], at least the cell size.
        cell_size : float
            Of the broken cells [um]; 0 for the limit of fine meshes.
        """
        broken = self.toughness_factor(cell_size) - 1.0
        inside = self._band_cost(band, bulk, max(width - cell_size, 0.0)) + band * broken
        beside = 0.5 * (bulk + self._band_cost(band, bulk, 2.0 * width)) + bulk * broken
        return min(inside, beside, bulk * (1.0 + broken))


@dataclass(frozen=True)
class AT1(DamageModel):
    """w = d: elastic until sigma = sqrt(3 E Gc/(8 l)) in a bar, and a crack 4l wide."""

    @property
    @override
    def normalisation(self) -> float:
        return 2.0 / 3.0

    @property
    @override
    def half_width(self) -> float:
        """(1 - x/2l)^2 = 0.01."""
        return 1.8 * self.length

    @override
    def local(self, d: Expr) -> Expr:
        return d

    @override
    def profile(self, distance: Expr) -> Expr:
        """(1 - x/2l)^2 within 2l."""
        return ufl.max_value(1.0 - distance / (2.0 * self.length), 0.0) ** 2

    @override
    def row_energy(self, width: float) -> tuple[Floats, Floats]:
        """Return the mean of d."""
        return width / self.length * np.array([0.5, 0.5]), np.zeros((2, 2))

    @override
    def _band_cost(self, band: float, bulk: float, width: float) -> float:
        """Return the cost in units of 2l.

        d = 1 - 2ky + y^2 up to t = width/4l, (t + s - y)^2 beyond it; d and Gc d' are continuous.
        """
        ratio, t = bulk / band, width / (4.0 * self.length)
        if t >= 1.0:
            return band
        s = np.sqrt((ratio * t) ** 2 + 1.0 - t**2) - ratio * t
        k = t + ratio * s
        inside = t - k * t**2 + (t**3 + k**3 - (k - t) ** 3) / 3.0
        return float(1.5 * band * inside + bulk * s**3)


@dataclass(frozen=True)
class AT2(DamageModel):
    """w = d^2: peak stress 9/16 sqrt(E Gc/(3 l)) in a bar, and a profile that decays exponentially."""

    @property
    @override
    def normalisation(self) -> float:
        return 0.5

    @property
    @override
    def half_width(self) -> float:
        """exp(-x/l) = 0.01."""
        return 4.6 * self.length

    @override
    def local(self, d: Expr) -> Expr:
        return d**2

    @override
    def profile(self, distance: Expr) -> Expr:
        """exp(-x/l)."""
        return ufl.exp(-distance / self.length)

    @override
    def row_energy(self, width: float) -> tuple[Floats, Floats]:
        """Return the mean of d^2."""
        return np.zeros(2), width / self.length * np.array([[2.0, 1.0], [1.0, 2.0]]) / 3.0

    @override
    def _band_cost(self, band: float, bulk: float, width: float) -> float:
        """-Gc l d'(0) of d = cosh - B sinh within the band and exp beyond it; d and Gc d' continuous."""
        ratio, t = bulk / band, np.tanh(0.5 * width / self.length)
        return float(band * (ratio + t) / (1.0 + ratio * t))


DAMAGE_MODELS: dict[str, type[DamageModel]] = {"AT1": AT1, "AT2": AT2}
"""Damage models by name."""


def degradation(d: Expr, residual: float) -> Expr:
    """g(d) = (1 - d)^2 + k [-]: what is left of the stiffness; k keeps the problem solvable where d = 1."""
    return (1.0 - d) ** 2 + residual
