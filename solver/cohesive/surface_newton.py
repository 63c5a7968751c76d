"""Semismooth Newton method of one step of the surface problem: active sets, start of fronts, length of increments."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, override

import numpy as np
from lifrac.solver.model.control import Control
from lifrac.solver.numerics.newton import Convergence, LineSearch, Newton, NewtonProblem
from lifrac.solver.numerics.newton_log import Norms
from lifrac.solver.plane.surface import CRACK
from numpy.typing import NDArray

from .active import ActiveSets
from .system import FaceNodes, Linearisation, LocalSystem, reduce
from .unknowns import OPENING, PRESSURE, Floats

if TYPE_CHECKING:
    from .problem import SurfaceProblem

LARGEST_INCREMENT = 3.0
"""Increment of pressure or opening in one iteration, in units of what they can be."""
SLOWEST_FILLING = 12
"""Returns to the full nodes after which the pressure that a node starts from gets no closer to its neighbour's."""


def method(tolerance: float, max_iterations: int) -> Newton:
    """Return Newton's method for the surface problem.

    Along a Newton direction any norm falls at first, at the rate of the norm itself. At first anything reasonable is
    allowed, while the active sets settle; later no more than in the last iterations, or the sets may cycle.
    """
    return Newton(
        "plane",
        Convergence(tolerance, max_iterations, min_iterations=1),
        LineSearch(trials=6, memory=2, largest=10.0, settling=3, takes_best=True),
    )


@dataclass(frozen=True)
class Increment:
    """Change of all unknowns in one iteration."""

    values: Floats
    """(n, 6)."""
    voltage: float


class SurfaceStep(NewtonProblem[Increment]):
    """One step from a state; the residual is that of complementarity functions, `linearise` chooses their branches.

    Parameters
    ----------
    problem : SurfaceProblem
        Whose forms point to the state that the step starts from.
    values : ndarray
        (n, 6) guess.
    voltage : float
        The same of the cell voltage [V].
    dt : float
        [s].
    control : Control
    wet : ndarray of bool
        Nodes that may carry a face current.

    Attributes
    ----------
    values, voltage
        The present unknowns.
    local_residual : ndarray
        (n, 6) with the bulk forces in the momentum rows, there.
    """

    def __init__(
        self,
        problem: "SurfaceProblem",
        values: Floats,
        voltage: float,
        dt: float,
        control: Control,
        wet: NDArray[np.bool_],
    ) -> None:
        self.problem, self.values, self.voltage = problem, values, voltage
        self.dt, self.control, self.wet = dt, control, wet
        self.local_residual: Floats
        self._system: LocalSystem
        self._sets: ActiveSets | None = None
        self._base = values, voltage
        """The unknowns that the last increment was solved for."""
        self._entries = np.zeros(problem.surface.size, dtype=np.int64)
        """Times that a node has become full without a pressure."""

    def _evaluate(self) -> None:
        self.local_residual = self.problem.residual(self.values, self.voltage, self.dt)

    @override
    def residual(self) -> Norms:
        self._evaluate()
        closure = self.problem.closure(self.values, self.voltage, self.control)
        return self.problem.norms(self.local_residual, self.values, self.dt, self.wet, closure)

    @override
    def linearise(self) -> int:
        p, before = self.problem, self._sets
        self._sets = sets = p.rule.classify(self.values, self.local_residual[:, OPENING])
        if self._start_new_front(sets):
            self._evaluate()
        self._system = reduce(
            Linearisation(self.values, self.local_residual, p.local.linearise()),
            sets,
            self.wet,
            FaceNodes(p.surface.counter, p.surface.crack, p.crack.floor, p.crack.aperture),
            p.held_pressure,
            p.system.elastic_force,
            p.numbering,
        )
        p.numbering = self._system.numbering
        return 0 if before is None else sets.changed_from(before)

    def _start_new_front(self, sets: ActiveSets) -> bool:
        """Give nodes that have just filled a pressure to start from.

        Newton's method is slow from p = 0, where the power law's slope vanishes. They get half the drop across the
        front first; a node that empties again in this solve next starts at 3/4, 7/8, ...: the wider the passage, the
        closer its pressure is to its neighbour's.
        """
        values, entries = self.values, self._entries
        new = sets.full & (values[:, PRESSURE] <= 0.0)
        if not new.any():
            return False
        cells = self.problem.surface.cell_dofs(CRACK)
        touching = cells[new[cells].any(axis=1)]
        highest = np.zeros(len(new))
        np.maximum.at(highest, touching, values[touching, PRESSURE].max(axis=1)[:, None])
        entries[new] += 1
        values[new, PRESSURE] = (1.0 - 0.5 ** np.minimum(entries[new], SLOWEST_FILLING)) * highest[new]
        return True

    @override
    def increment(self) -> Increment:
        p = self.problem
        closure = p.closure(self.values, self.voltage, self.control)
        self._base = self.values, self.voltage
        return Increment(*p.system.solve(self._system, p.counter_area, closure, self.values))

    @override
    def limit(self, increment: Increment) -> float:
        # A power law with n = 6.6 must not be asked about the absurd.
        values, dx, scales = self.values, increment.values, self.problem.scales
        p = LARGEST_INCREMENT * max(scales.pressure, float(values[:, PRESSURE].max()))
        w = LARGEST_INCREMENT * max(scales.length, float(np.abs(values[:, OPENING]).max()))
        big_p, big_w = float(np.abs(dx[:, PRESSURE]).max()), float(np.abs(dx[:, OPENING]).max())
        if not np.isfinite(big_p + big_w):
            return np.nan
        return min(1.0, p / max(big_p, 1.0e-300), w / max(big_w, 1.0e-300))

    @override
    def move(self, increment: Increment, factor: float, taken: float) -> None:
        # Openings stop at their floor: what they have moved by is no part of the increment.
        values, voltage = self._base
        self.values = values + factor * increment.values
        np.maximum(self.values[:, OPENING], self.problem.crack.floor, out=self.values[:, OPENING])
        self.voltage = voltage + factor * increment.voltage
