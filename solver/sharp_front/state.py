"""The state of a cell with a sharp crack front."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from lifrac.solver.model.flaw import CUT_OFF
from lifrac.solver.protocol.cell_state import CellState
from numpy.typing import NDArray

from .charge import ElectrodeState

Floats = NDArray[np.float64]
ARRAYS = ("pressure", "thickness", "aperture", "full", "current", "force")
"""Fields of a crack state that are arrays over the nodes of the path."""


@dataclass(frozen=True, kw_only=True)
class CrackState:
    """Fields along the crack, never changed in place; nodes beyond the front have none."""

    front: int
    """The first node that is closed; the number of nodes where none is."""
    pressure: Floats
    """(N,) p of the lithium [MPa]; 0 where a node is not full."""
    thickness: Floats
    """(N,) h of the lithium [um]."""
    aperture: Floats
    """(N,) w [um]."""
    full: NDArray[np.bool_]
    """(N,) nodes whose lithium fills the aperture."""
    current: Floats
    """(N,) local current density of the crack faces [A/m2]."""
    force: Floats
    """(N,) nodal forces of the lithium [MPa um]."""
    lithium_front: float = 0.0
    """Distance from the mouth to which lithium reaches [um]."""
    intensity: float = 0.0
    """K [MPa sqrt(um)]."""

    def fill(self) -> Floats:
        """(N,) fill fraction h/w; 0 beyond the front."""
        return np.divide(self.thickness, self.aperture, out=np.zeros_like(self.thickness), where=self.aperture > 0.0)

    def connected(self, film: float) -> int:
        """Return how many nodes lithium connects to the anode without a gap; `film` [um] is the least that connects."""
        cut = np.flatnonzero((self.fill()[: self.front] < CUT_OFF) | (self.thickness[: self.front] < film))
        return int(cut[0]) if len(cut) else self.front

    def at_front(self, front: int) -> "CrackState":
        """Return the same fields with the front at another node."""
        return replace(self, front=front)

    def numbers(self) -> dict[str, Any]:
        """Everything of it that is no array."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ARRAYS}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        return {name: getattr(self, name) for name in ARRAYS}


@dataclass(kw_only=True)
class FrontState(CellState):
    """A committed, or proposed, state of a cell."""

    crack: CrackState
    electrodes: ElectrodeState
    nodal_current: Floats
    """(N,) current into the crack at its nodes [A/m2 um]."""
    pace: float = 0.0
    """Time per length in which the front has last moved [s/um]; 0 before it has."""
    advanced: float = -1.0
    """Time at which the front came to its node, where K has not reached the toughness since [s]; negative: none."""
    rate: float | None = None
    """dK/dt in the step to this state [MPa sqrt(um)/s]; None where the front moved in it, or the current is new."""
    running: bool = False
    """Whether the front runs ahead of lithium: K is above the toughness with the lithium that there is."""
