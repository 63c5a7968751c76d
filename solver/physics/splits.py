"""Which part of the elastic energy drives damage, and is lost by it: psi = g(d) psi_plus + psi_minus.

Every split adds up to the energy of the undamaged material, psi_plus + psi_minus = lambda/2 tr^2 + mu eps:eps, and
keeps the energy convex in the strain. K = lambda + 2 mu/3 and the deviator are those of 3D, so plane strain is the
same code.
"""

from dataclasses import dataclass
from typing import Protocol

import ufl
from ufl.core.expr import Expr

from .elasticity import energy_density, lame


class Split(Protocol):
    """A split of the elastic energy; eps is the strain (2x2 in plane strain, or 3x3)."""

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
        """Return the whole energy density [MPa]."""
        return energy_density(eps, youngs_modulus, poisson_ratio)

    def psi_minus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        """Return zero: nothing is kept from the crack."""
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
        """Return the energy density of shear and expansion, less `ratio` times that of compression [MPa]."""
        lam, mu = lame(youngs_modulus, poisson_ratio)
        bulk, trace = lam + 2.0 * mu / 3.0, ufl.tr(eps)
        deviatoric = ufl.inner(eps, eps) - trace**2 / 3.0
        return mu * deviatoric + 0.5 * bulk * (_positive(trace) ** 2 - self.ratio * _positive(-trace) ** 2)

    def psi_minus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        """Return (1 + `ratio`) times the energy density of compression [MPa]."""
        lam, mu = lame(youngs_modulus, poisson_ratio)
        return 0.5 * (1.0 + self.ratio) * (lam + 2.0 * mu / 3.0) * _positive(-ufl.tr(eps)) ** 2


FLOOR = 1.0e-20
"""No strain that is ever met: keeps the derivatives of a root finite at rest."""

VOLUMETRIC_DEVIATORIC = StarConvex(ratio=0.0)
"""Compression of the volume is kept, all else is lost: Amor, Marigo & Maurini, J. Mech. Phys. Solids 57 (2009) 1209."""


@dataclass(frozen=True)
class Spectral:
    """psi_plus = lambda/2 <tr>_+^2 + mu sum <eps_i>_+^2 over the principal strains, psi_minus with <>_-.

    Miehe, Hofacker & Welschinger, Comput. Methods Appl. Mech. Engrg 199 (2010) 2765. For comparison with the
    literature: its Newton iterations are dearer and more than those of the other splits, and a crack still carries
    shear.
    """

    def psi_plus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        """Return the energy density of positive principal strains [MPa]."""
        lam, mu = lame(youngs_modulus, poisson_ratio)
        return 0.5 * lam * _positive(ufl.tr(eps)) ** 2 + mu * positive_squares(eps)

    def psi_minus(self, eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
        """Return the energy density of negative principal strains [MPa]."""
        return self.psi_plus(-eps, youngs_modulus, poisson_ratio)


def positive_squares(a: Expr) -> Expr:
    """Sum of <a_i>_+^2 over the eigenvalues of a symmetric tensor, 2x2 (the third one is zero) or 3x3.

    If all eigenvalues have one sign it is a:a or zero. Otherwise it is the square of the one positive eigenvalue, or
    a:a less the square of the one negative: a single eigenvalue, so that its derivatives are finite whichever others
    coincide.
    """
    if a.ufl_shape == (2, 2):
        mean, radius = 0.5 * ufl.tr(a), _root(0.25 * (a[0, 0] - a[1, 1]) ** 2 + a[0, 1] ** 2) - FLOOR
        lowest, mixed = mean - radius, (mean + radius) ** 2
        highest = mean + radius
    else:
        highest, lowest = _highest(a), -_highest(-a)
        middle = ufl.tr(a) - highest - lowest
        mixed = ufl.conditional(ufl.lt(middle, 0.0), highest**2, ufl.inner(a, a) - lowest**2)
    none = ufl.conditional(ufl.le(highest, 0.0), 0.0, mixed)
    return ufl.conditional(ufl.ge(lowest, 0.0), ufl.inner(a, a), none)


def _highest(a: Expr) -> Expr:
    """Largest eigenvalue of a symmetric 3x3 tensor: q + 2p c with 4c^3 - 3c = r (Smith, Commun. ACM 4 (1961) 168)."""
    q = ufl.tr(a) / 3.0
    deviator = a - q * ufl.Identity(3)
    p = _root(ufl.inner(deviator, deviator) / 6.0)
    r = 0.5 * ufl.det(deviator / p)
    # Where the two others coincide r = 1: c is smooth there, its closed form is not.
    near, x = 1.0 - 1.0e-4, r - 1.0
    series = 1.0 + x / 9.0 - 4.0 * x**2 / 243.0 + 28.0 * x**3 / 6561.0
    inside = ufl.max_value(ufl.min_value(r, near), -1.0 + 1.0e-14)
    return q + 2.0 * (p - FLOOR) * ufl.conditional(ufl.gt(r, near), series, ufl.cos(ufl.acos(inside) / 3.0))


def _root(x: Expr) -> Expr:
    """Return the square root of a square of strains, with a derivative at zero."""
    return ufl.sqrt(x + FLOOR**2)


def _positive(x: Expr) -> Expr:
    """<x>_+ = max(x, 0)."""
    return ufl.conditional(ufl.gt(x, 0.0), x, 0.0)
