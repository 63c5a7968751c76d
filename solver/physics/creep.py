"""Slow flow of lithium in a slot of aperture w (lubrication of a Norton solid).

    q = -[ (2B/(n+2)) (w/2)^(n+2) |grad p|^(n-1) + w^3/(12 eta_1) ] grad p,   B = 3^((n+1)/2) A(T)

with the uniaxial law eps = A sigma^n. Barroso-Luque, Tu & Ceder, J. Electrochem. Soc. 167 (2020) 020534.
"""

import ufl
from lifrac.solver.model.lithium import Creep
from ufl.core.expr import Expr

from .functions import Value, larger, smaller

GRADIENT_FLOOR = 1.0e-4
"""[MPa/um] regularises |grad p| at zero; a gradient that small moves no metal."""


def shear_prefactor(creep: Creep) -> float:
    """B = 3^((n+1)/2) A [1/s/MPa^n]: shear rate gamma = B tau^n of the law eps = A sigma^n."""
    return 3.0 ** ((creep.exponent + 1.0) / 2.0) * creep.prefactor


def mobility(creep: Creep, aperture: Expr, pressure_gradient: Expr) -> Expr:
    """M [um3/(MPa s) per unit depth / um] in q = -M grad p."""
    g = ufl.sqrt(ufl.inner(pressure_gradient, pressure_gradient) + GRADIENT_FLOOR**2)
    return slot_mobility(creep, larger(aperture, 0.0), g)


def slot_mobility(creep: Creep, w: Value, g: Value) -> Value:
    """Return M of an aperture w [um] and the size of the pressure gradient g [MPa/um], which are not negative.

    Above `stress_cap` on the wall shear stress |grad p| w/2 the rate goes on linearly; the size effect divides the
    Norton rate by (1 + w_c/w)^k.
    """
    n = creep.exponent
    if creep.stress_cap is not None:
        g = smaller(g, 2.0 * creep.stress_cap / larger(w, 1.0e-9))
    m = 2.0 * shear_prefactor(creep) / (n + 2.0) * (0.5 * w) ** (n + 2.0) * g ** (n - 1.0)
    if isinstance(creep.size_exponent, Expr) or creep.size_exponent > 0.0:
        m = m * (w / (w + creep.size_length)) ** creep.size_exponent
    if creep.linear_viscosity is not None:
        m = m + w**3 / (12.0 * creep.linear_viscosity)
    return m
