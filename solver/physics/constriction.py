"""Constriction: spreading of the current towards the spots in which a face touches.

N spots of radius a_s per area touch the part theta = N pi a_s^2 of a face. One spot on a half-space has the resistance
1/(4 kappa a_s) (Holm, 1967); neighbours relieve it by (1 - sqrt(theta))^1.5 (Cooper, Mikic and Yovanovich, 1969).
Only the electrolyte resists, the metal does not; per nominal area [V m2/A]

    R_constr = pi a_s/(4 kappa theta) (1 - sqrt(theta))^1.5,

on the current density J. The local current density is J/theta, so that it acts as a film of theta R_constr on it, which
is finite for theta -> 0 and zero for theta = 1. Its activation energy is that of kappa.
"""

from dataclasses import replace
from math import pi

from lifrac.solver.model.interface import Kinetics
from ufl.core.expr import Expr


def local_resistance(spot_radius: Expr | float, conductivity: Expr | float, touching: Expr | float) -> Expr | float:
    """Return theta R_constr on the local current density [V m2/A]; lengths in um, kappa in A/m2 per V/um."""
    return 0.25 * pi * spot_radius / conductivity * (1.0 - touching**0.5) ** 1.5


def constricted(face: Kinetics, conductivity: float) -> Kinetics:
    """Return the same face with the constriction of its constant contact fraction as part of its film."""
    if face.spot_radius == 0.0:
        return face
    film = face.film_resistance + local_resistance(face.spot_radius, conductivity, face.contact_fraction)
    return replace(face, film_resistance=film, spot_radius=0.0)
