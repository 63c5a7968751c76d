"""Which part of the elastic energy drives damage, and is lost by it: psi = g(d) psi_plus + psi_minus.

Every split adds up to the energy of the sound material, psi_plus + psi_minus = lambda/2 tr^2 + mu eps:eps, and keeps
the energy convex in the strain. K = lambda + 2 mu/3 and the deviator are those of 3D, so plane strain is the same code.
"""

from dataclasses import dataclass
from typing import Protocol

import ufl
from ufl.core.expr import Expr

from .elasticity import energy_density, lame


class Split(Protocol):
    """What the phase-field engine asks for; eps is the strain (2x2 in plane strain, or 3x3)."""

    def psi_plus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        """Energy density that damage takes away [MPa]."""
        ...

    def psi_minus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        """Energy density that stays [MPa]."""
        ...


@dataclass(frozen=True)
class NoSplit:
    """All is lost: for cracks that stay open (pressurised ones). In compression cracks would interpenetrate."""

    def psi_plus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        return energy_density(eps, youngs_modulus, poisson_ratio)

    def psi_minus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        return ufl.as_ufl(0.0) * ufl.tr(eps)


@dataclass(frozen=True)
class StarConvex:
    """psi_plus = mu |dev|^2 + K/2 (<tr>_+^2 - r <tr>_-^2),  psi_minus = (1 + r) K/2 <tr>_-^2.

    Vicentini, Zolesi, Carrara, Maurini & De Lorenzis, Int. J. Fract. 247 (2024) 291. The larger r, the stronger the
    material in compression; r = 0 is the volumetric-deviatoric split.

    Parameters
    ----------
    ratio : float
        r >= 0 [-].
    """

    ratio: float = 5.0

    def psi_plus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        lam, mu = lame(youngs_modulus, poisson_ratio)
        bulk, trace = lam + 2.0 * mu / 3.0, ufl.tr(eps)
        deviatoric = ufl.inner(eps, eps) - trace**2 / 3.0
        return mu * deviatoric + 0.5 * bulk * (_positive(trace) ** 2 - self.ratio * _positive(-trace) ** 2)

    def psi_minus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        lam, mu = lame(youngs_modulus, poisson_ratio)
        return 0.5 * (1.0 + self.ratio) * (lam + 2.0 * mu / 3.0) * _positive(-ufl.tr(eps)) ** 2


VOLUMETRIC_DEVIATORIC = StarConvex(ratio=0.0)
"""Compression of the volume is kept, all else is lost: Amor, Marigo & Maurini, J. Mech. Phys. Solids 57 (2009) 1209."""


def _positive(x: Expr) -> Expr:
    """<x>_+ = max(x, 0)."""
    return ufl.conditional(ufl.gt(x, 0.0), x, 0.0)
