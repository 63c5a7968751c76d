"""Which node is free, in contact, full, dry or wet: the active sets of the semismooth Newton method.

Two complementarity conditions hold node by node,

    opening >= floor,  force >= 0,  (opening - floor) force = 0     (faces touch, or the material has not broken)
    p >= 0,  w - h >= 0,  p (w - h) = 0                             (full or dry)

and are solved by a primal-dual active set: each iteration guesses the sets from the signs of the present residuals.
"""

from dataclasses import dataclass

import numpy as np
from lifrac.solver.model.flaw import CUT_OFF
from lifrac.solver.plane.surface import SurfaceMesh
from numpy.typing import NDArray

from .residual import CrackGeometry
from .unknowns import LITHIUM_THICKNESS, OPENING, PRESSURE, Floats

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Scales:
    """Typical magnitudes that make residuals comparable."""

    pressure: float
    """[MPa]."""
    length: float
    """Opening and lithium thickness [um]."""
    voltage: float
    """[V]."""


@dataclass(frozen=True)
class ActiveSets:
    """Masks over all surface nodes."""

    free: Mask
    """Crack nodes whose opening is unknown; the other crack nodes sit at their floor."""
    full: Mask
    """Crack nodes filled with lithium: p unknown, h = w."""
    dry: Mask
    """Crack nodes with p = 0 and unknown h."""
    held: Mask
    """Crack nodes whose p and h are known: the mouth (p = P), and closed nodes, which hold no lithium."""

    def changed_from(self, before: "ActiveSets") -> int:
        """Return the number of nodes that are in other sets than before."""
        pairs = ((self.free, before.free), (self.full, before.full), (self.dry, before.dry), (self.held, before.held))
        return int(np.count_nonzero(np.any([now != then for now, then in pairs], axis=0)))


class ActiveSetRule:
    """Chooses the sets from a state and its force residual."""

    def __init__(
        self, surface: SurfaceMesh, crack: CrackGeometry, scales: Scales, stiffness: Floats, open_mouth: bool
    ) -> None:
        self.crack = crack
        self.scales = scales
        self.nodes = np.zeros(surface.size, dtype=bool)
        self.nodes[surface.crack] = True
        # The counter electrode holds the two halves together where it meets the crack plane.
        self.tied = np.zeros(surface.size, dtype=bool)
        self.tied[np.intersect1d(surface.crack, surface.counter)] = True
        self.mouth = np.zeros(surface.size, dtype=bool)
        if open_mouth:
            self.mouth[surface.mouth] = True
        # Force per opening of one node alone: turns a force into the opening it asks for.
        self.stiffness = np.ones(surface.size)
        self.stiffness[surface.crack] = 0.5 * np.diag(stiffness)

    def classify(self, values: Floats, force: Floats) -> ActiveSets:
        """`force` > 0 pushes a node towards its floor."""
        gap = values[:, OPENING] - self.crack.floor
        free = self.nodes & ~self.tied & (gap > force / self.stiffness)
        aperture = self.crack.aperture + values[:, OPENING]
        active = self.nodes & (free | (aperture > 0.0)) & ~self.mouth
        missing = (aperture - values[:, LITHIUM_THICKNESS]) / self.scales.length
        full = active & (values[:, PRESSURE] / self.scales.pressure > missing)
        dry = active & ~full
        return ActiveSets(free, full, dry, self.nodes & ~active)

    def violations(self, values: Floats, force: Floats, force_scale: Floats) -> tuple[float, float]:
        """Return the largest scaled violation of either complementarity condition.

        The conditions are of opening and force, and of filling and pressure.
        """
        n, s = self.nodes, self.scales
        gap = (values[n, OPENING] - self.crack.floor[n]) / s.length
        contact = np.where(self.tied[n], gap, np.minimum(gap, force[n] / force_scale[n]))
        missing = (self.crack.aperture[n] + values[n, OPENING] - values[n, LITHIUM_THICKNESS]) / s.length
        inner = ~self.mouth[n]
        fill = np.minimum(values[n, PRESSURE] / s.pressure, missing)[inner]
        return float(np.abs(contact).max(initial=0.0)), float(np.abs(fill).max(initial=0.0))


def connected_metal(surface: SurfaceMesh, values: Floats, aperture: Floats, threshold: float = CUT_OFF) -> Floats:
    """1 for crack nodes with lithium that is connected to the anode, else 0."""
    total = aperture + values[:, OPENING]
    filled = values[:, LITHIUM_THICKNESS] > threshold * np.maximum(total, 1.0e-6)
    reached = np.zeros(surface.size, dtype=bool)
    reached[surface.mouth] = True
    cells = surface.cell_dofs(1)
    while True:
        grow = cells[reached[cells].any(axis=1)].ravel()
        new = np.unique(grow[filled[grow] & ~reached[grow]])
        if len(new) == 0:
            break
        reached[new] = True
    return reached.astype(float)
