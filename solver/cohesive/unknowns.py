"""The unknowns of the surface problem and the state they form."""

from dataclasses import dataclass, replace

import numpy as np
from lifrac.solver.protocol.cell_state import CellState
from numpy.typing import NDArray

Floats = NDArray[np.float64]

OPENING, PRESSURE, LITHIUM_THICKNESS, CURRENT, COUNTER_CURRENT, POTENTIAL = range(6)
"""Components at each surface node: opening of the crack beyond its initial aperture [um], lithium pressure [MPa],
lithium thickness [um], plating current density of anode face and crack faces [A/m2], stripping current density of
the counter electrode [A/m2], electrolyte potential [V]."""

COMPONENTS = 6


@dataclass
class State(CellState):
    """A committed (or proposed) state of the surface problem; arrays are per surface node."""

    values: Floats
    """(n, 6) the unknowns."""
    max_opening: Floats
    """(n,) largest opening of the past over sqrt(toughness factor then) [um]; the damage variable's history."""

    def snapshot(self) -> "State":
        """Return an independent copy."""
        return replace(self, values=self.values.copy(), max_opening=self.max_opening.copy(), work=dict(self.work))

    def component(self, index: int) -> Floats:
        """Return a field at all nodes (n,), by its index."""
        return self.values[:, index]
