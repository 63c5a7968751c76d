"""Diffuse cracks: a damage field 0 <= d <= 1 whose surface energy tends to Griffith's as its length l tends to zero.

    Gamma(d) = int gamma dx,   gamma = (w(d)/l + l |grad d|^2)/(4 c_w),   c_w = int_0^1 sqrt(w) ds

AT1 (w = d) stays elastic up to a strength and has a profile of finite width; AT2 (w = d^2) damages from the first load.
Ambrosio & Tortorelli (1990); Pham, Amor, Marigo & Maurini (2011); Tanné et al., J. Mech. Phys. Solids 110 (2018) 80.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import ufl
from ufl.core.expr import Expr


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

    def surface_density(self, d: Expr) -> Expr:
        """gamma(d) = (w(d)/l + l |grad d|^2)/(4 c_w) [1/um]: crack surface per volume."""
        gradient = ufl.grad(d)
        return (self.local(d) / self.length + self.length * ufl.inner(gradient, gradient)) / (4.0 * self.normalisation)

    def toughness_factor(self, cell_size: float) -> float:
        """Gc of the discrete crack over Gc: 1 + h/(4 c_w l), for a band of broken cells of width h [um].

        1 + 3h/8l (AT1), 1 + h/2l (AT2): Bourdin, Francfort & Marigo, J. Elasticity 91 (2008) 5.
        """
        return 1.0 + cell_size / (4.0 * self.normalisation * self.length)


@dataclass(frozen=True)
class AT1(DamageModel):
    """w = d: elastic until sigma = sqrt(3 E Gc/(8 l)) in a bar, and a crack 4l wide."""

    @property
    def normalisation(self) -> float:
        return 2.0 / 3.0

    @property
    def half_width(self) -> float:
        """(1 - x/2l)^2 = 0.01."""
        return 1.8 * self.length

    def local(self, d: Expr) -> Expr:
        return d

    def profile(self, distance: Expr) -> Expr:
        """(1 - x/2l)^2 within 2l."""
        return ufl.max_value(1.0 - distance / (2.0 * self.length), 0.0) ** 2


@dataclass(frozen=True)
class AT2(DamageModel):
    """w = d^2: peak stress 9/16 sqrt(E Gc/(3 l)) in a bar, and a profile that decays exponentially."""

    @property
    def normalisation(self) -> float:
        return 0.5

    @property
    def half_width(self) -> float:
        """exp(-x/l) = 0.01."""
        return 4.6 * self.length

    def local(self, d: Expr) -> Expr:
        return d**2

    def profile(self, distance: Expr) -> Expr:
        """exp(-x/l)."""
        return ufl.exp(-distance / self.length)


def degradation(d: Expr, residual: float) -> Expr:
    """g(d) = (1 - d)^2 + k [-]: what is left of the stiffness; k keeps the problem solvable where d = 1."""
    return (1.0 - d) ** 2 + residual
