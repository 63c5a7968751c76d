"""Stress that outer loads put on the plane of a crack: they open it like a pressure on its faces."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from lifrac.solver.model.loads import Loads
from lifrac.solver.plane.body import PlaneBody
from numpy.typing import NDArray

from .compliance import crack_order

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlaneStress:
    """Normal stress on the closed plane of the crack per unit load, at its nodes from the mouth (N,) [-].

    By superposition a crack under outer loads opens, and has the stress intensity, of one whose faces are pressed by
    the stress that the loads put on the plane of the crack where it is closed. As nodal forces the same loads would
    leave K too low by several percent: at the tip a force acts on a node, a pressure up to the tip.
    """

    by_stack: Floats
    """Per stack pressure; tension is positive."""
    by_lateral: Floats
    """Per lateral stress on sides that are not held."""

    @classmethod
    def of_body(cls, body: PlaneBody) -> Self:
        """Take it from the forces on the nodes of a condensed body in 2D."""
        order = crack_order(body)
        y = body.surface.x[body.surface.crack[order], 1]
        cells = np.diff(y)
        area = 0.5 * (np.append(cells, 0.0) + np.insert(cells, 0, 0.0))
        return cls(body.response.load_stack[order] / area, body.response.load_lateral[order] / area)

    def under(self, loads: Loads) -> Floats:
        """Return the normal stress of given loads at the nodes (N,) [MPa]."""
        return loads.stack_pressure * self.by_stack + loads.lateral_stress * self.by_lateral
