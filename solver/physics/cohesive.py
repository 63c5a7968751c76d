"""Irreversible linear cohesive law on the crack plane; its area is Gc.

    T(w, w_max) = s_c (1 - w/w_c)            for w >= w_max (opening further)
                = T(w_max) w/w_max           for w <  w_max (elastic unloading to the origin)
    w_c = 2 Gc/s_c,   damage d = min(w_max/w_c, 1),   dissipated energy per area = Gc d

Where the current weakens the material (physics/toughness.py), g = Gc_eff/Gc < 1 scales strength and critical opening
by sqrt(g) each, which keeps the process zone's length:

    T = sqrt(g) T(w/sqrt(g), w_max),   w_max = largest w/sqrt(g) of the past.

So -d psi/dd <= g Gc is the criterion of growth for the energy psi = s_c (1-d) w^2/(2 d w_c), which g does not enter:
d never falls whatever g does, unloading is continuous, and Gc int g dd is dissipated.

It regularises Griffith's criterion: results must not depend on s_c once the process zone, about
0.8 E' Gc/s_c^2 long, is small against the crack (docs/model.md).
"""

from dataclasses import dataclass

import numpy as np
import ufl
from numpy.typing import NDArray
from ufl.core.expr import Expr

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearSoftening:
    """Cohesive strength s_c [MPa] and fracture energy Gc [J/m2].

    The strength may differ from node to node, so that the process zone spans the same number of cells everywhere on
    a graded mesh; Gc does not.
    """

    strength: Floats
    """(n,) per surface node."""
    fracture_energy: float

    @property
    def critical_opening(self) -> Floats:
        """w_c = 2 Gc/s_c [um]."""
        return 2.0 * self.fracture_energy / self.strength

    def traction(self, opening: Expr, max_opening: Expr, strength: Expr) -> Expr:
        """T [MPa] for an opening and the largest opening of the past [um], in UFL."""
        wc = 2.0 * self.fracture_energy / strength
        loading = strength * ufl.max_value(1.0 - opening / wc, 0.0)
        peak = strength * ufl.max_value(1.0 - max_opening / wc, 0.0)
        unloading = peak * opening / ufl.max_value(max_opening, 1.0e-12)
        return ufl.conditional(ufl.ge(opening, max_opening), loading, unloading)

    def weakened(self, opening: Expr, max_opening: Expr, strength: Expr, sqrt_ratio: Expr) -> Expr:
        """T [MPa] where only sqrt_ratio^2 = g of the toughness is left; `max_opening` is that of w/sqrt_ratio."""
        return sqrt_ratio * self.traction(opening / sqrt_ratio, max_opening, strength)

    def damage(self, max_opening: Floats) -> Floats:
        """Return d = min(w_max/w_c, 1)."""
        return np.clip(max_opening / self.critical_opening, 0.0, 1.0)


def process_zone_length[V: (float, Floats)](plane_strain_modulus: float, fracture_energy: float, strength: V) -> V:
    """Length of a linear-softening process zone [um], about 0.8 E' Gc/s_c^2 (small against the crack)."""
    zone: V = 0.8 * plane_strain_modulus * fracture_energy / strength**2
    return zone


def strength_for_zone[V: (float, Floats)](plane_strain_modulus: float, fracture_energy: float, zone: V) -> V:
    """Strength [MPa] whose process zone is `zone` [um] long."""
    strength: V = (0.8 * plane_strain_modulus * fracture_energy / zone) ** 0.5
    return strength
