"""Openings and stress intensity of a crack whose front stands at a node, as a time step needs them.

Positions of the front are numbered by the first node that is closed. A body whose halves something else holds can be
parted: the position after the last node then has no front, and no stress intensity.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from lifrac.solver.front.compliance import CrackCompliance
from lifrac.solver.front.weights import WeightFunction
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.plane.bulk import Response
from lifrac.solver.plane.surface import SurfaceMesh
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FrontWeights:
    """K of a front as a sum over what presses on the crack: sum(left p_k + right p_{k+1}) over its links.

    A link joins two nodes, with a pressure that is linear along it; the last one ends at the tip.
    """

    tip: float
    """Distance of the tip from the mouth [um]."""
    left: Floats
    """(n,) of the first node of each link [sqrt(um)]."""
    right: Floats
    """(n,) of the second one; that of the last link is at the closed node."""
    shape: Floats
    """(n + 1,) weight over that of an infinite body, at the nodes; 1 at the tip."""

    def at_nodes(self) -> Floats:
        """(n,) weights of the pressures at the open nodes; the last link has the pressure of its first node."""
        found = self.left.copy()
        found[1:] += self.right[:-1]
        found[-1] += self.right[-1]
        return found


class CrackElasticity:
    """Linear elasticity of a crack path, for every position of its front.

    Parameters
    ----------
    surface : SurfaceMesh
    response : Response
        The condensed bulk, for E = 1.
    electrolyte : Electrolyte
    parts : bool
        Whether something holds the two halves where the crack has run through.
    """

    def __init__(self, surface: SurfaceMesh, response: Response, electrolyte: Electrolyte, parts: bool = False) -> None:
        order = np.argsort(surface.x[surface.crack, 1], kind="stable")
        self.nodes = surface.crack[order]
        """Surface nodes of the path, from the mouth on."""
        self.y = surface.x[self.nodes, 1]
        self.size = len(self.y)
        # The response is that of u_x = w/2 in the half model for E = 1.
        unit = 0.5 * (1.0 - electrolyte.poisson_ratio**2) * response.stiffness[np.ix_(order, order)]
        self.crack = CrackCompliance(self.y, unit)
        self.plane_modulus = electrolyte.plane_strain_modulus
        self.d, self.area = self.crack.cells, self.crack.area
        self.last = self.size if parts else self.size - 2
        """The position of the front at which the crack has run through."""
        self.load_stack, self.load_lateral = response.load_stack[order], response.load_lateral[order]
        self._unit, self._function = unit, WeightFunction(self.crack)
        self._weights: dict[int, FrontWeights] = {}
        self._compliance: tuple[int, Floats] = (0, np.zeros((0, 0)))

    def compliance(self, n: int) -> Floats:
        """(n, n) openings per nodal force with the front at node n [um per MPa um]."""
        known, found = self._compliance
        if known == n:
            return found
        if n == self.size:
            found = scipy.linalg.inv(self._unit) / self.plane_modulus
        elif known == n - 1:
            x = self.crack.inverse_factor[n - 1, :n]
            grown = np.outer(x, x / self.plane_modulus)
            grown[: n - 1, : n - 1] += found
            found = grown
        else:
            x = self.crack.inverse_factor[:n, :n]
            found = x.T @ x / self.plane_modulus
        self._compliance = (n, found)
        return found

    def tip(self, n: int) -> float:
        """Distance of the tip from the mouth with the front at node n [um]; of the end of the path without one."""
        return float(self.crack.tips[n] if n < self.size else self.y[-1])

    def front_at(self, length: float) -> int:
        """Return the position of the front whose tip is closest to a length [um]."""
        return int(np.argmin(np.abs(self.crack.tips - length)))

    def weights(self, n: int) -> FrontWeights:
        """Return the weights of K with the front at node n."""
        if n not in self._weights:
            self._weights[n] = self._parted() if n == self.size else self._at(n)
        return self._weights[n]

    def _parted(self) -> FrontWeights:
        nothing = np.zeros(self.size)
        return FrontWeights(float(self.y[-1] + self.d[-1]), nothing, nothing, np.ones(self.size + 1))

    def _at(self, n: int) -> FrontWeights:
        tip = self.tip(n)
        weights = self._function.at(min(tip, float(self._function.row_tips[-1]) * (1.0 - 1.0e-12)))
        shape = weights.shape[:n]
        shape = np.append(shape, np.ones(n + 1 - len(shape)))
        start, end = tip - self.y[:n], tip - np.minimum(self.y[1 : n + 1], tip)
        zeroth = 2.0 * (np.sqrt(start) - np.sqrt(end))  # int s^-1/2
        onward = (start * zeroth - 2.0 / 3.0 * (start**1.5 - end**1.5)) / self.d[:n]  # int (y - y_k)/d s^-1/2
        mean = np.sqrt(2.0 / np.pi) * 0.5 * (shape[:-1] + shape[1:])
        return FrontWeights(tip, mean * (zeroth - onward), mean * onward, shape)

    def load_intensity(self, n: int, nodal_force: Floats) -> float:
        """K [MPa sqrt(um)] of loads that pull across the whole plane with given nodal forces."""
        if n == self.size:
            return 0.0
        w, stress = self.weights(n), nodal_force / self.area
        return float(w.left @ stress[:n] + w.right @ stress[1 : n + 1])
