"""Balance of lithium in a crack: dh/dt + div_s q = 2 (Omega/F) j, full or dry.

Metal thickness h <= aperture w, pressure p >= 0, p (w - h) = 0: the mass-conserving cavitation of Elrod-Adams and
Jakobsson-Floberg-Olsson. Integrals of what does not move are lumped (vertex quadrature), so that the
complementarity holds node by node and a full node's pressure works on that node's opening alone.
"""

import ufl
from lifrac.solver.model.lithium import Creep
from ufl.core.expr import Expr

from .creep import mobility

LUMPED = {"quadrature_rule": "vertex", "quadrature_degree": 1}
MIDPOINT = {"quadrature_degree": 0}

SMALL_APERTURE = 1.0e-7
"""[um] guards h/w of a node that has not opened."""


def fill_fraction(thickness: Expr, aperture: Expr) -> Expr:
    """Return s = max(h, 0)/w, the part of a node's area that is filled and plates [-].

    Without the bound a long step has a second solution: where 2 v dt > w, a dry node may strip metal it does not have,
    the faster the less it has.
    """
    return ufl.max_value(thickness, 0.0) / ufl.max_value(aperture, SMALL_APERTURE)


def strippable_fraction(fill: Expr, residual: Expr | float, j: Expr) -> Expr:
    """Return the part of a node's area that carries current if stripping leaves a residue r [-].

    s plates, max(s - r, 0)/(1 - r) strips; the current s j is continuous, as it vanishes with j. An assumption
    (docs/model.md).
    """
    return ufl.conditional(ufl.lt(j, 0.0), ufl.max_value(fill - residual, 0.0) / (1.0 - residual), fill)


def storage(h: Expr, h_old: Expr, dt: Expr, r: Expr, dx: ufl.Measure) -> ufl.Form:
    """Return int (h - h_old)/dt r."""
    return (h - h_old) / dt * r * dx(metadata=LUMPED)


def plating(fill: Expr, j: Expr, velocity_per_current: float, r: Expr, dx: ufl.Measure) -> ufl.Form:
    """-int 2 s (Omega/F) j r: both faces of the crack plate."""
    return -2.0 * velocity_per_current * fill * j * r * dx(metadata=LUMPED)


def passage(aperture: Expr, cell_size: Expr) -> Expr:
    """Aperture that counts for flow through a cell: the harmonic mean of its end values.

    For a linear aperture it is w_mid - (|grad w| d/2)^2/w_mid. It is close to the exact mean of a creeping flow
    in series (exponent (n+2)/n = 1.3 at n = 6.6), and vanishes where one end is closed: no metal enters what has
    not opened.
    """
    slope = ufl.grad(aperture)
    half = 0.25 * ufl.inner(slope, slope) * cell_size**2
    return ufl.max_value(aperture - half / ufl.max_value(aperture, SMALL_APERTURE), 0.0)


def flow(creep: Creep, aperture: Expr, p: Expr, r: Expr, dx: ufl.Measure) -> ufl.Form:
    """Return int M(w, grad p) grad p . grad r, one point per cell."""
    w = passage(aperture, ufl.CellDiameter(dx.ufl_domain()))
    return ufl.inner(mobility(creep, w, ufl.grad(p)) * ufl.grad(p), ufl.grad(r)) * dx(metadata=MIDPOINT)
