"""Constant-current runs: capacities at failure, inverted for every capacity of the study.

Where the threshold J* of a condition is known, runs are placed from it. Otherwise they stand on a grid of currents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor, log10
from typing import override

from lifrac.problems.case.protocol_table import Protocol
from lifrac.problems.quantities import units as u
from lifrac.problems.quantities.value_lists import Quantities

from .brackets import SAME, Bracket, Trial, bracket, refinement, sound
from .capacity_curve import CapacityCurve, Estimate
from .flaw_threshold import FlawThreshold, threshold_point
from .points import Condition, CurrentPoint, Finished
from .search import InRounds, Row, Stage, decisive, rises
from .study_file import Failure

CAPACITY_ERROR = 0.03
"""Relative error of a capacity at failure whose run does not state one (docs/plane.md)."""
LADDER = ((1.025,), (1.15, 2.0), (4.0, 8.0), (16.0, 32.0), (64.0,))
"""Currents over J*, as far as the smallest capacity survives: near J* the capacity falls by most of what it ever does,
and a study of large capacities ends with the first."""
DESCENT = (0.5, 0.25)
"""Currents over the smallest one, where that fails and J* is no bound."""
EXTENSIONS = 3
"""Rounds of descent, to 1/64 of where it begins."""
CLOSEST_BRACKET = 0.01
"""Half-width to which brackets are narrowed where the numerical error of the critical current is smaller."""
CLOSE = 0.3
"""Distance to a run that is there already, over the half-width aimed at, within which no other is placed."""
FIGURES = 4
"""Significant figures of placed currents: what differs by rounding from computer to computer is the same point."""
CRACKS = ("fracture", "crack_through", "short_circuit")
"""Failures that do not happen below the threshold."""


@dataclass(frozen=True)
class ConstantCurrent(InRounds):
    """Runs at constant current to the largest capacity, on a grid of currents."""

    currents: tuple[float, ...]
    """[A/m2], ascending."""
    capacities: Quantities
    rounds: int
    stop: Failure

    def begin(self, condition: Condition) -> list[CurrentPoint]:
        """Return runs at all currents."""
        return [self._point(condition, current) for current in self.currents]

    def refine(self, condition: Condition, done: Sequence[Finished]) -> list[CurrentPoint]:
        """Return runs within the brackets that finished ones leave."""
        wanted = refinement(self._trials(done), [u.capacity(q) for q in self.capacities])
        return [self._point(condition, current) for current in wanted]

    def rows(self, condition: Condition, done: Sequence[Finished], threshold: FlawThreshold | None = None) -> list[Row]:
        """Return the bracket of every capacity."""
        inversion = Inversion(self._trials(done), threshold, placed=self.placed)
        return [self._row(condition, q, done, inversion) for q in self.capacities if done]

    @property
    def most(self) -> int:
        """Runs of a condition if every round asks for as many as it can."""
        return len(self.currents) + self.rounds * len(self.capacities)

    @property
    def placed(self) -> bool:
        """Whether runs are placed from the threshold, so that it may be the lower end of a bracket."""
        return False

    def _row(self, condition: Condition, q: u.Quantity, done: Sequence[Finished], inversion: "Inversion") -> Row:
        capacity = u.capacity(q)
        found = inversion.bracket(capacity)
        run, estimate = decisive(done, inversion.of_runs(capacity)), inversion.estimate(capacity)
        error, known = inversion.error(capacity), inversion.threshold is not None
        row = Row(
            condition, q, found, run, estimate.current if estimate and known else None, error, inversion.threshold
        )
        return replace(row.widened(), at_threshold=inversion.at_threshold(capacity))

    def consistency_warnings(self, done: Sequence[Finished]) -> Iterator[str]:
        """Yield how the runs of a condition contradict each other."""
        return rises(self._trials(done))

    def _trials(self, done: Sequence[Finished]) -> list[Trial]:
        return [trial_of(run) for run in done]

    def _point(self, condition: Condition, current: float) -> CurrentPoint:
        largest = self.capacities[-1]
        protocol = Protocol(
            current_density=u.CURRENT_DENSITY.internal(current), areal_capacity=largest, stop_at=self.stop
        )
        return CurrentPoint(condition, condition.under(protocol), current, float(largest))


@dataclass(frozen=True)
class FromThreshold(ConstantCurrent):
    """Runs at constant current to the largest capacity, placed from the threshold; `currents` has its bounds.

    A few currents above J* show where every capacity fails. Runs beside the critical current that they predict then
    bracket it, as closely as it can be computed. What is bracketed by J* and the first current needs no more.
    """

    @property
    @override
    def placed(self) -> bool:
        return True

    @property
    def smallest(self) -> float:
        """Smallest current that may be placed [A/m2]."""
        return self.currents[0]

    @property
    def largest(self) -> float:
        """Largest current that may be placed [A/m2]."""
        return self.currents[1]

    @override
    def begin(self, condition: Condition) -> list[CurrentPoint]:
        """Return the run that a study of this condition would begin with if its threshold were the closed form."""
        return self._points(condition, [max(self.smallest, min(LADDER[0][0] * condition.closed_form, self.largest))])

    @property
    @override
    def most(self) -> int:
        return sum(map(len, LADDER)) + 2 * self.rounds * len(self.capacities)

    @override
    def content(self, condition: Condition) -> list[str]:
        point = threshold_point(condition)
        of_runs = [self.stop, f"{self.smallest:.6g}", f"{self.largest:.6g}"]
        return ["from threshold", "" if point is None else point.key, *of_runs]

    @override
    def stages(self, threshold: FlawThreshold | None) -> Sequence[Stage]:
        if threshold is None or threshold.without_runs:
            return []
        climb = [self._climb(threshold, rung) for rung in LADDER]
        extend = [lambda condition, done: self._descend(condition, done, threshold)] * EXTENSIONS
        return climb + extend + [lambda condition, done: self._narrow(condition, done, threshold)] * self.rounds

    def _climb(self, threshold: FlawThreshold, rung: Sequence[float]) -> Stage:
        """Return the stage that runs a rung of the ladder unless every capacity has failed."""

        def stage(condition: Condition, done: Sequence[Finished]) -> list[CurrentPoint]:
            trials = self._trials(done)
            if bracket(trials, u.capacity(self.capacities[0])).upper is not None:
                return []
            return self._new(condition, trials, [factor * threshold.start for factor in rung])

        return stage

    def _descend(self, condition: Condition, done: Sequence[Finished], threshold: FlawThreshold) -> list[CurrentPoint]:
        """Run smaller currents where the smallest fails and the threshold does not say that others hold."""
        trials = self._trials(done)
        inversion = Inversion(trials, threshold, placed=True)
        if not trials or inversion.bracket(u.capacity(self.capacities[-1])).lower > 0.0:
            return []
        least = min(run.current for run in trials)
        return self._new(condition, trials, [factor * least for factor in DESCENT])

    def _narrow(self, condition: Condition, done: Sequence[Finished], threshold: FlawThreshold) -> list[CurrentPoint]:
        """Run currents on either side of the critical current that is predicted for each capacity."""
        trials = self._trials(done)
        inversion = Inversion(trials, threshold, placed=True)
        wanted: list[float] = []
        for q in self.capacities:
            found, estimate = inversion.bracket(u.capacity(q)), inversion.estimate(u.capacity(q))
            if estimate is None or found.upper is None:
                continue
            width = max(inversion.error(u.capacity(q)) or 0.0, CLOSEST_BRACKET)
            enough = (1.0 + max(width, LADDER[0][0] - 1.0 if inversion.at_threshold(u.capacity(q)) else width)) ** 2
            if found.upper <= found.lower * enough * (1.0 + 10.0 ** (1 - FIGURES)):
                continue
            sides = (estimate.current / (1.0 + width), estimate.current * (1.0 + width))
            for current in sides if inversion.predicts else (estimate.current,):
                tried = [found.lower, found.upper, *wanted, *(run.current for run in trials)]
                apart = all(abs(current / other - 1.0) > CLOSE * width for other in tried)
                if found.lower < current < found.upper and apart:
                    wanted.append(current)
        return self._new(condition, trials, wanted)

    def _new(self, condition: Condition, trials: Sequence[Trial], wanted: Sequence[float]) -> list[CurrentPoint]:
        """Return points at currents within the bounds, each once and none that was tried before."""
        found: list[float] = []
        for current in sorted(wanted):
            current = rounded(min(max(current, self.smallest), self.largest))
            tried = [*found, *(run.current for run in trials)]
            if all(abs(current - other) > SAME * current for other in tried):
                found.append(current)
        return self._points(condition, found)

    def _points(self, condition: Condition, currents: Sequence[float]) -> list[CurrentPoint]:
        return [self._point(condition, rounded(current)) for current in currents]


class Inversion:
    """Critical currents of one condition at any capacity, from its runs and its threshold.

    Parameters
    ----------
    trials : sequence of Trial
    threshold : FlawThreshold or None
    placed : bool
        Whether the threshold may be the lower end of a bracket: where it holds for the runs, and the cell fails by
        fracture in the smallest of the currents.
    """

    def __init__(self, trials: Sequence[Trial], threshold: FlawThreshold | None, *, placed: bool) -> None:
        self.trials, self.threshold = trials, threshold
        least = sound(trials)[:1]
        cracked = bool(least) and least[0].by in CRACKS
        self.floor = 0.0
        """Current below which the cell is known to hold; 0 where only runs say so."""
        if placed and cracked and threshold is not None and threshold.holds_below(least[0].current):
            self.floor = threshold.start / (1.0 + threshold.relative_error)
        self.curve = CapacityCurve(trials, threshold.current if threshold and threshold.bounds else None)

    @property
    def predicts(self) -> bool:
        """Whether the curve of the runs predicts critical currents."""
        return len(self.curve.runs) > 1

    def of_runs(self, capacity: float) -> Bracket:
        """Return the bracket of the runs alone."""
        return bracket(self.trials, capacity)

    def at_threshold(self, capacity: float) -> bool:
        """Whether no run above the threshold survives a capacity."""
        return self.of_runs(capacity).lower == 0.0 and self.floor > 0.0

    def bracket(self, capacity: float) -> Bracket:
        """Return the bracket of a capacity."""
        found = self.of_runs(capacity)
        return Bracket(self.floor, found.upper) if self.at_threshold(capacity) else found

    def estimate(self, capacity: float) -> Estimate | None:
        """Return the critical current at a capacity; None where its bracket is open."""
        return self.curve.estimate(capacity, self.bracket(capacity))

    def error(self, capacity: float) -> float | None:
        """Return the relative numerical error of the critical current at a capacity.

        That of the threshold shifts the whole curve, that of the capacity at failure acts by the slope of the curve.
        None where the threshold of the runs is not known.
        """
        if self.threshold is None or not self.threshold.bounds or self.threshold.error is None:
            return None
        estimate, upper = self.estimate(capacity), self.of_runs(capacity).upper
        stated = next((run.error for run in self.trials if run.current == upper), None)
        slope = 0.0 if estimate is None else abs(estimate.slope)
        return self.threshold.error + slope * (CAPACITY_ERROR if stated is None else stated)


def trial_of(run: Finished) -> Trial:
    """Return what a run says of its cell."""
    by = run.outcome if run.failed else ""
    return Trial(run.point.current, run.failed_at, run.void, by, run.capacity_error)


def rounded(value: float) -> float:
    """Return a number to a few significant figures."""
    return round(value, FIGURES - 1 - floor(log10(value)))
