"""Linear elasticity of the electrolyte: div sigma = 0, tension positive; plane strain in 2D."""

import ufl
from ufl.core.expr import Expr


def strain(u: Expr) -> Expr:
    """eps(u) = sym(grad u) [-]."""
    return ufl.sym(ufl.grad(u))


def lame(youngs_modulus: Expr | float, poisson_ratio: float) -> tuple[Expr | float, Expr | float]:
    """Lame parameters (lambda, mu) [MPa] of plane strain and 3D."""
    lam = youngs_modulus * poisson_ratio / ((1.0 + poisson_ratio) * (1.0 - 2.0 * poisson_ratio))
    return lam, youngs_modulus / (2.0 * (1.0 + poisson_ratio))


def through_thickness_modulus(youngs_modulus: float, poisson_ratio: float, lateral: str) -> float:
    """sigma/eps [MPa] of a layer pressed between plates, in plane strain along it.

    E (1 - nu)/((1 + nu)(1 - 2 nu)) with sides that are held (`lateral` is `die`), E/(1 - nu^2) with others.
    """
    lam, mu = lame(youngs_modulus, poisson_ratio)
    confined = lam + 2.0 * mu
    return float(confined if lateral == "die" else confined - lam**2 / confined)


def energy_density(eps: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
    """Return psi = lambda/2 tr(eps)^2 + mu eps:eps [MPa]."""
    lam, mu = lame(youngs_modulus, poisson_ratio)
    return 0.5 * lam * ufl.tr(eps) ** 2 + mu * ufl.inner(eps, eps)


def stress(u: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
    """Return sigma = d psi / d eps [MPa], in-plane components in 2D."""
    eps = ufl.variable(strain(u))
    return ufl.diff(energy_density(eps, youngs_modulus, poisson_ratio), eps)


def components_3d(sigma: Expr, poisson_ratio: float) -> Expr:
    """Return the six components xx, yy, zz, xy, yz, xz of a stress.

    In plane strain sigma_zz = nu (sigma_xx + sigma_yy).
    """
    if sigma.ufl_shape == (3, 3):
        return ufl.as_vector([sigma[0, 0], sigma[1, 1], sigma[2, 2], sigma[0, 1], sigma[1, 2], sigma[0, 2]])
    zz = poisson_ratio * (sigma[0, 0] + sigma[1, 1])
    return ufl.as_vector([sigma[0, 0], sigma[1, 1], zz, sigma[0, 1], 0.0, 0.0])


def stress_3d(u: Expr, youngs_modulus: Expr | float, poisson_ratio: float) -> Expr:
    """Return the six components xx, yy, zz, xy, yz, xz [MPa] of the stress of u."""
    return components_3d(stress(u, youngs_modulus, poisson_ratio), poisson_ratio)


def stiffness_form(u: Expr, v: Expr, youngs_modulus: Expr | float, poisson_ratio: float, dx: ufl.Measure) -> ufl.Form:
    """a(u, v) = int sigma(u) : eps(v) dx."""
    return ufl.inner(stress(u, youngs_modulus, poisson_ratio), strain(v)) * dx


def pressure_load(v: Expr, pressure: Expr | float, ds: ufl.Measure) -> ufl.Form:
    """Work of a pressure on a face: traction -p n, so L(v) = -int p n.v ds."""
    n = ufl.FacetNormal(ds.ufl_domain())
    return -pressure * ufl.inner(n, v) * ds
