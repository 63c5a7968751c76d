"""Fill state of a diffuse crack: where lithium can be, and where it fills the crack, full under pressure or dry.

The rule is that of the plane engine (`physics.lithium`): p_i >= 0 and V_i - m_i >= 0, one of them zero, node by node.
Which nodes change from full to dry is decided across the band as a whole: node by node it would be undone by what moves
across it in every iteration.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from lifrac.solver.numerics.nodal import owned_sum
from lifrac.solver.phase_field.fracture.fields import Floats
from numpy.typing import NDArray

from .band import Band
from .pore_walls import PoreWalls
from .scales import Scales

Nodes = NDArray[np.bool_]

CHANGE_LIMIT = 4
"""Changes between full and dry within one solution after which a node stays dry, for the time step."""
HYSTERESIS = 5.0e-3
"""Miss of its condition by which a slice of the crack changes between full and dry, in Griffith pressures and openings.

Fronts then do not go to and fro by single nodes. What is full, and balances, do not depend on it.
"""


class FillState:
    """Nodes that are open to lithium, and the pressure that is given there.

    Masks are per node of this rank, ghosts included.

    Parameters
    ----------
    band : Band
    walls : PoreWalls
    scales : Scales
    mouth : ndarray of int
        Nodes of an open mouth, where the pressure is prescribed.
    mouth_pressure : float
        The pressure outside [MPa].

    Attributes
    ----------
    connected : ndarray of bool
        Nodes that lithium can reach.
    mouth : ndarray of int
    prescribed_pressure : ndarray
        Of all nodes [MPa]; it holds at those of the mouth.
    """

    def __init__(
        self, band: Band, walls: PoreWalls, scales: Scales, mouth: NDArray[np.int32], mouth_pressure: float
    ) -> None:
        self.band, self.walls, self.scales, self.mouth = band, walls, scales, mouth
        nodes = len(walls.area)
        self.prescribed_pressure = np.full(nodes, mouth_pressure)
        self.connected: Nodes = np.zeros(nodes, dtype=bool)
        self.undecided: Nodes = np.zeros(nodes, dtype=bool)
        """Nodes that went to and fro between full and dry: dry until the time step ends."""

    def connect(self) -> Nodes:
        """Open what is broken through to lithium (collective); returns the nodes that were not open before.

        It is done at the start of a time step: what breaks within one is dry until it ends.
        """
        fresh = self.band.open_broken()
        self.undecided[:] = False
        self.connected = self.band.open | self.walls.nodes
        return fresh

    @property
    def mouth_nodes(self) -> NDArray[np.int32]:
        """Nodes of the mouth that lithium can reach."""
        return np.asarray(self.mouth[self.connected[self.mouth]])

    def prescribe(self, pressure: Floats) -> None:
        """Set the given values of a pressure [MPa]: those of the mouth, and none where lithium cannot be."""
        pressure[~self.connected] = 0.0
        pressure[self.mouth] = np.where(self.connected[self.mouth], self.prescribed_pressure[self.mouth], 0.0)

    @contextmanager
    def pressed(self, pressure: Floats) -> Iterator[None]:
        """Lithium everywhere is at a given pressure [MPa] meanwhile: it comes and goes as it must."""
        before = self.mouth, self.prescribed_pressure
        self.mouth, self.prescribed_pressure = np.arange(len(pressure), dtype=np.int32), pressure
        try:
            yield
        finally:
            self.mouth, self.prescribed_pressure = before


class FullNodes:
    """The nodes that are full during one solution, and what they have been before in it (collective).

    Parameters
    ----------
    fill : FillState
    pressure : ndarray
        At the start of the solution [MPa].
    space_left : ndarray
        V_i - m_i there [um2, um3 in 3D].
    """

    def __init__(self, fill: FillState, pressure: Floats, space_left: Floats) -> None:
        self.fill = fill
        self.free: Nodes = fill.connected & ~fill.undecided
        """Nodes that are full or dry as they come out; the others are given."""
        self.free[fill.mouth] = False
        gap = fill.band.project(space_left) / fill.scales.opening
        no_gap = np.where(fill.walls.nodes, 0.0, gap) <= 0.0
        self.full: Nodes = np.asarray(self.free & ((pressure > 0.0) | no_gap))
        self._changes = np.zeros(len(pressure), dtype=int)

    @property
    def dry(self) -> Nodes:
        """Free nodes without pressure."""
        return np.asarray(self.free & ~self.full)

    def update(self, pressure: Floats, space_left: Floats) -> int:
        """Decide anew; returns how many nodes have changed, on all ranks.

        A slice that was full stays so while its pressure is positive, one that was dry fills when no space is left in
        it. The walls of pores are decided together.
        """
        fill, walls, before = self.fill, self.fill.walls, self.full
        level = fill.band.project(pressure * fill.band.area) / fill.scales.pressure
        gap = fill.band.project(space_left) / fill.scales.opening
        if walls.present:
            space = fill.band.space
            left = owned_sum(np.where(walls.nodes, space_left, 0.0), space) / owned_sum(walls.volume, space)
            level = np.where(walls.nodes, pressure / fill.scales.pressure, level)
            gap = np.where(walls.nodes, left, gap)
        full = self.free & np.where(before, level >= -HYSTERESIS, gap < -HYSTERESIS)
        self.full = np.asarray(full & (self._changes < CHANGE_LIMIT))
        changed = self.full != before
        self._changes += changed
        return round(owned_sum(changed.astype(float), fill.band.space))

    def leave_undecided(self) -> None:
        """Nodes that have changed too often stay dry for the time step."""
        self.fill.undecided |= self._changes >= CHANGE_LIMIT

    def given(self) -> NDArray[np.int32]:
        """Nodes whose pressure is given: all that are not full."""
        return np.flatnonzero(~self.full).astype(np.int32)
