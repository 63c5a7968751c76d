"""The solid electrolyte: conduction, elasticity, toughness, and the grain boundaries of a polycrystal."""

from dataclasses import dataclass

from lifrac.meshes.geometries.grains import Grains


@dataclass(frozen=True)
class Electrolyte:
    """Solid electrolyte: a single-ion conductor that is linear elastic and brittle."""

    conductivity: float
    """kappa [A/m2 per V/um] = 1e6 kappa [S/m]."""
    youngs_modulus: float
    """E [MPa]."""
    poisson_ratio: float
    fracture_energy: float
    """Gc [J/m2 = MPa um]."""

    @property
    def plane_strain_modulus(self) -> float:
        """E' = E/(1 - nu^2) [MPa]."""
        return self.youngs_modulus / (1.0 - self.poisson_ratio**2)

    @property
    def fracture_toughness(self) -> float:
        """K_Ic = sqrt(E' Gc) [MPa um^0.5] (1 MPa m^0.5 = 1000 MPa um^0.5)."""
        return float((self.plane_strain_modulus * self.fracture_energy) ** 0.5)


@dataclass(frozen=True)
class GrainBoundaries:
    """A polycrystal: grains alike, and bands of other properties about their boundaries."""

    grains: Grains
    """Which grain a point lies in, and how far it is from a boundary."""
    width: float
    """Width of the band [um], half on each side of a boundary."""
    toughness_ratio: float = 1.0
    """Cost of a crack along a boundary over that of one in a grain [-]."""
    resistance: float = 0.0
    """Resistance of a boundary, besides that of the grain in its place [V m2/A]."""
