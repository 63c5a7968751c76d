"""Lithium metal: how it flows in a slot, at temperature."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Creep:
    """Flow of lithium in a slot: Norton creep eps = A sigma^n, in parallel with an optional linear mechanism."""

    prefactor: float
    """A(T) [1/s/MPa^n], uniaxial von Mises convention."""
    exponent: float
    """n."""
    linear_viscosity: float | None = None
    """eta_1(T) [MPa s] of the linear (diffusional) mechanism; None switches it off."""
    stress_cap: float | None = None
    """Wall shear stress [MPa] above which the Norton rate grows only linearly; None: no cap."""
    size_length: float = 0.0
    """w_c [um] of the size effect: the rate is divided by (1 + w_c/w)^k."""
    size_exponent: float = 0.0
    """k of the size effect; 0 switches it off."""
    fixed_aperture: bool = False
    """Flow through the initial aperture w0 only (verification of slots of fixed aperture)."""
