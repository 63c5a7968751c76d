"""What histories tell of a committed state."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Areas:
    """Of the electrodes as meshed, a half or a quarter of them where the body is one [um2; um per depth in 2D].

    The anode's includes the mouths of flaws, and not their faces.
    """

    anode: float
    counter: float


@dataclass(frozen=True)
class Measures:
    """Scalars of one committed state, internal units (per unit depth in 2D)."""

    crack_length: float
    """By damage, that is by dissipated energy where Gc is constant, from the anode face [um]."""
    crack_tip: float
    """Traction-free tip [um]."""
    lithium_length: float
    max_pressure: float
    mouth_opening: float
    """Aperture at the mouth [um]."""
    flaw_volume: float
    lithium_volume: float
    flaw_current_share: float
    """Part of the cell current that plates in the flaw [-]."""
    charge_error: float
    lithium_error: float
    energy_error: float
    contact_anode: float = 1.0
    """Mean contact that voids leave on the anode face [-]."""
    contact_counter: float = 1.0
    toughness_factor: float = 1.0
    """Gc_eff/Gc in the step to this state [-]."""
    anode_current: float = 0.0
    """Mean over the area of the anode of what flows into it and its flaw [A/m2]."""
    counter_current: float = 0.0
    """Mean over the area of the counter electrode of what flows out of it [A/m2]."""
    advance: float = 0.0
    """How far the crack has left the flaw [um]."""


def relative(difference: float, size: float, floor: float) -> float:
    """|difference| over a size that is at least `floor`."""
    return abs(difference) / max(size, floor)
