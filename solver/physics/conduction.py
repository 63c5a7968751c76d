"""Li-ion conduction in a single-ion conductor: div(kappa grad phi) = 0, i = -kappa grad phi."""

import ufl
from ufl.core.expr import Expr


def conduction_form(phi: Expr, q: Expr, conductivity: Expr | float, dx: ufl.Measure) -> ufl.Form:
    """a(phi, q) = int kappa grad phi . grad q dx; what enters through a face is the natural right-hand side."""
    return ufl.inner(conductivity * ufl.grad(phi), ufl.grad(q)) * dx


def current_density(phi: Expr, conductivity: Expr | float) -> Expr:
    """Return i = -kappa grad phi [A/m2] with kappa in A/m2 per V/um."""
    return -conductivity * ufl.grad(phi)
