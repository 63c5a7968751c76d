"""How the engines regularise Griffith's criterion, and what weakens the electrolyte."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cohesion:
    """Regularisation of Griffith's criterion on the crack plane."""

    strength: float | None = None
    """Cohesive strength [MPa]; None: chosen from the mesh and flaw so that the process zone spans enough cells."""
    viscosity: float | None = None
    """Viscous traction per opening rate in the process zone [MPa s/um], which slows snap-through; None: 1 % of the
    toughness at the crack speed that the current can feed."""


@dataclass(frozen=True)
class AssistedCracking:
    """Toughness that falls with the plating current at the front of the metal (`physics.toughness`)."""

    current_density: float
    """j_c [A/m2], at which half of what can be lost of Gc is lost; not published, an assumption."""
    residual_fraction: float = 0.06
    """r = Gc_eff/Gc at high current, (K ratio 0.25)^2."""
    exponent: float = 2.0
    """m; not published, an assumption."""


@dataclass(frozen=True)
class DiffuseCrack:
    """Regularisation of Griffith's criterion by a damage field."""

    length: float
    """Internal length l [um]."""
    cell_size: float
    """Edge h of the cells where the crack can go [um]; at most l/3."""
    damage_model: Literal["AT1", "AT2"] = "AT1"
    split: Literal["none", "volumetric_deviatoric", "star_convex", "spectral"] = "none"
    """Which part of the elastic energy damage takes away."""
    star_ratio: float = 5.0
    """r of the star-convex split [-]."""
    correct_toughness: bool = True
    """Divide Gc by its excess on the mesh, 1 + 3h/8l (AT1) or 1 + h/2l (AT2)."""
