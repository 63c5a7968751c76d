"""Pressure in a diffuse crack.

    L(u, d) = int p u . grad d dx = -p V,   V = -int u . grad d dx

grad d points towards the crack from both sides and u away from it, so V > 0 is the volume of an open crack. The term
acts in the balance of forces and in the damage equation alike. Bourdin, Chukwudozie & Yoshioka, SPE 159154 (2012);
Chukwudozie, Bourdin & Yoshioka, Comput. Methods Appl. Mech. Engrg 347 (2019) 957.
"""

import ufl
from ufl.core.expr import Expr


def opening_density(u: Expr, d: Expr) -> Expr:
    """-u . grad d [-]: crack volume per volume; its integral across the band is the opening."""
    return -ufl.inner(u, ufl.grad(d))


def pressure_energy(u: Expr, d: Expr, pressure: Expr) -> Expr:
    """Return p u . grad d [MPa]: minus the work of the (total) pressure per volume."""
    return -pressure * opening_density(u, d)
