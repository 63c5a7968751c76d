"""The part of every engine's state that belongs to the cell as a whole; fields are the engines' own."""

from dataclasses import dataclass, field

import numpy as np
from lifrac.solver.interfaces.laws import LawStates
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WORKS = ("pressure", "viscous", "toughness_reduction", "loads")


@dataclass(kw_only=True)
class CellState:
    """A committed (or proposed) state of a cell: where it stands in time, and its accumulated balances.

    Volumes are those of the whole crack, or of the half that is meshed, as the engine says.
    """

    cell_voltage: float = 0.0
    """[V]."""
    stack_pressure: float = 0.0
    """P [MPa] that acts."""
    largest_stack_pressure: float = 0.0
    """Largest stack pressure of the past [MPa]."""
    time: float = 0.0
    """[s]."""
    current_density: float = 0.0
    """Mean over the anode in the step to this state [A/m2]."""
    charge: float = 0.0
    """Net charge passed per area of the anode [C/m2]."""
    throughput: float = 0.0
    """Charge passed in either direction [C/m2]."""
    extruded: float = 0.0
    """Lithium that left the flaw through its mouth, net [um2 per depth, full aperture]."""
    plated_in_flaw: float = 0.0
    """Lithium plated inside the flaw [um2]."""
    exchanged: float = 0.0
    """Lithium plated in the flaw or stripped from it, in either direction [um2]."""
    initial_lithium: float = 0.0
    """Lithium in the flaw at t = 0 [um2]."""
    charge_in: float = 0.0
    """Charge through the counter electrode of the half model, per depth [A s/m2 um]."""
    charge_out: float = 0.0
    """Charge plated on anode face and crack face of the half model [A s/m2 um]."""
    work: dict[str, float] = field(default_factory=lambda: dict.fromkeys(WORKS, 0.0))
    """Accumulated work per depth [MPa um2]; `toughness_reduction` is the
    work that a reduced toughness has not taken, `loads`
    what a stack pressure that changes adds."""
    laws: LawStates = field(default_factory=dict)
    """States of the laws on the faces, by law (values, never changed in place)."""
