"""Search strategies: each proposes runs of a condition and turns finished ones into brackets of the critical current.

A strategy works in rounds: the runs it begins with, then refinements that depend on what came out. What is to be done
next follows from the finished runs alone, so that a study goes on wherever it stopped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from typing import Protocol as Interface
from typing import Self

from lifrac.problems.case.protocol_steps import CycleStep, RampStep
from lifrac.problems.case.protocol_table import Protocol
from lifrac.problems.quantities import units as u
from lifrac.problems.quantities.value_lists import Quantities
from lifrac.problems.studies.point import CRACKED

from .brackets import Bracket, Trial, bracket, refinement, violations
from .flaw_threshold import FlawThreshold, ThresholdPoint
from .points import Condition, CurrentPoint, Finished
from .study_file import CyclingTable, Failure, RampTable


@dataclass(frozen=True)
class Row:
    """A line of `ccd.csv`: a condition and capacity, and the bracket found."""

    condition: Condition
    capacity: float | None
    """Areal capacity [C/m2]; None for a ramp of stated duration."""
    bracket: Bracket
    """[A/m2]."""
    decided_by: Finished | None
    """The run that failed at the upper current, or else the one that survived the lower."""
    estimate: float | None = None
    """Best value within the bracket [A/m2], where runs say more than the bracket."""
    error: float | None = None
    """Relative numerical error of the critical current; None where it is not known."""
    threshold: FlawThreshold | None = None
    at_threshold: bool = False
    """Whether no run above the threshold survived: the lower end is the threshold."""

    def widened(self) -> Self:
        """Return the row with a bracket that is no narrower than its numerical error."""
        found, value = self.bracket, self.middle
        if self.error is None or value is None or found.upper is None:
            return self
        room = 1.0 + self.error
        return replace(self, bracket=Bracket(min(found.lower, value / room), max(found.upper, value * room)))

    def beside(self, threshold: FlawThreshold | None) -> Self:
        """Return the row of an experiment whose threshold is that of the flaw, and whose error is no smaller."""
        error = threshold.error if threshold is not None and threshold.bounds else None
        return replace(self, threshold=threshold, error=error).widened()

    @property
    def middle(self) -> float | None:
        """The best value, or else the middle of the bracket; None where that is open."""
        return self.bracket.middle if self.estimate is None else self.estimate


@dataclass(frozen=True)
class Plan:
    """The runs of a condition that are finished, and those wanted next."""

    done: tuple[Finished, ...]
    """Runs that count, in the order in which they were asked for."""
    wanted: tuple[CurrentPoint | ThresholdPoint, ...]
    """Runs to do next; none when the condition is finished."""


Stage = Callable[[Condition, Sequence[Finished]], list[CurrentPoint]]
"""A round: which runs of a condition are wanted, given those of all rounds before; none is a round too."""


class SearchStrategy(Interface):
    """How the critical current density of a condition is sought."""

    @property
    def capacities(self) -> Sequence[u.Quantity | None]:
        """Areal capacities of the rows of each condition."""

    @property
    def rounds(self) -> int:
        """Refinements after the first runs."""

    @property
    def most(self) -> int:
        """Runs of a condition if every round asks for as many as it can."""

    def content(self, condition: Condition) -> list[str]:
        """Return what the runs of a condition follow from, for the hash of the study."""

    def begin(self, condition: Condition) -> list[CurrentPoint]:
        """Return the first runs."""

    def refine(self, condition: Condition, done: Sequence[Finished]) -> list[CurrentPoint]:
        """Further runs, given all of the rounds before."""

    def stages(self, threshold: FlawThreshold | None) -> Sequence[Stage]:
        """Return the rounds in their order; none if nothing is run."""

    def rows(self, condition: Condition, done: Sequence[Finished], threshold: FlawThreshold | None = None) -> list[Row]:
        """Brackets, from as many runs as there are."""

    def consistency_warnings(self, done: Sequence[Finished]) -> Iterator[str]:
        """Yield how the runs of a condition contradict each other."""


class InRounds:
    """Strategies that begin with some runs, whatever the threshold, and refine what these leave a number of times."""

    def content(self: SearchStrategy, condition: Condition) -> list[str]:
        """Return what the runs of a condition follow from, for the hash of the study."""
        return [point.key for point in self.begin(condition)]

    def stages(self: SearchStrategy, threshold: FlawThreshold | None) -> Sequence[Stage]:
        """Return the rounds in their order; none if nothing is run."""
        if threshold is not None and threshold.without_runs:
            return []
        return [lambda condition, _: self.begin(condition)] + [self.refine] * self.rounds


def plan(
    strategy: SearchStrategy,
    condition: Condition,
    known: Mapping[str, Finished],
    threshold: FlawThreshold | None = None,
) -> Plan:
    """Go through the rounds of a condition as far as finished runs (by key) reach."""
    return follow(strategy, condition, lambda point: known.get(point.key), threshold)


def follow(
    strategy: SearchStrategy,
    condition: Condition,
    find: Callable[[CurrentPoint], Finished | None],
    threshold: FlawThreshold | None,
) -> Plan:
    """Go through the rounds of a condition as far as the runs reach that are found to be finished."""
    done: list[Finished] = []
    for stage in strategy.stages(threshold):
        found = [(point, find(point)) for point in stage(condition, done)]
        done += [run for _, run in found if run is not None]
        missing = tuple(point for point, run in found if run is None)
        if missing:
            return Plan(tuple(done), missing)
    return Plan(tuple(done), ())


def rows_of(
    strategy: SearchStrategy, condition: Condition, done: Sequence[Finished], threshold: FlawThreshold | None
) -> list[Row]:
    """Return the brackets of a condition; where nothing is run, what the threshold says of every capacity."""
    if threshold is None or not threshold.without_runs:
        return strategy.rows(condition, done, threshold)
    found = Bracket(0.0, 0.0) if threshold.outcome == CRACKED else Bracket(inf, None)
    return [Row(condition, q, found, None, threshold=threshold) for q in strategy.capacities]


def _at(done: Sequence[Finished], current: float | None) -> Finished | None:
    return next((run for run in done if run.point.current == current), None)


def decisive(done: Sequence[Finished], found: Bracket) -> Finished | None:
    """Return the run that failed at the upper current.

    Else the first above the lower one whose flaw was empty; else the one that survived the lower.
    """
    if found.upper is not None:
        return _at(done, found.upper)
    above = [run for run in done if run.emptied and run.point.current > found.lower]
    return min(above, key=lambda run: run.point.current, default=None) or _at(done, found.lower)


def rises(trials: Sequence[Trial]) -> Iterator[str]:
    """Yield a warning wherever a larger current stood more."""
    for found in violations(trials):
        weak, strong = found.smaller, found.larger
        held = "not at all" if strong.failed_at is None else f"at {strong.failed_at:.4g}"
        yield (
            f"fails at {weak.capacity:.4g} mAh/cm2 with {u.current(weak.current):.4g} mA/cm2, but {held} with "
            f"{u.current(strong.current):.4g}; the lower decides"
        )


@dataclass(frozen=True)
class Cycling(InRounds):
    """At each capacity, currents that are bisected between one that completes all cycles and one that fails."""

    currents: tuple[float, ...]
    """[A/m2], ascending."""
    capacities: Quantities
    rounds: int
    stop: Failure
    table: CyclingTable

    @property
    def most(self) -> int:
        """Runs of a condition if every round asks for as many as it can."""
        return (len(self.currents) + self.rounds) * len(self.capacities)

    def begin(self, condition: Condition) -> list[CurrentPoint]:
        """Return runs at all currents."""
        return [self._point(condition, current, q) for q in self.capacities for current in self.currents]

    def refine(self, condition: Condition, done: Sequence[Finished]) -> list[CurrentPoint]:
        """Return runs within the brackets that finished ones leave."""
        return [
            self._point(condition, current, q)
            for q, runs in self._by_capacity(done)
            for current in refinement(self._trials(runs, q), [q])
        ]

    def rows(self, condition: Condition, done: Sequence[Finished], threshold: FlawThreshold | None = None) -> list[Row]:
        """Return the bracket of every capacity."""
        found = [(q, runs, bracket(self._trials(runs, q), q)) for q, runs in self._by_capacity(done) if runs]
        return [Row(condition, q, b, decisive(runs, b)).beside(threshold) for q, runs, b in found]

    def consistency_warnings(self, done: Sequence[Finished]) -> Iterator[str]:
        """Yield how the runs of a condition contradict each other."""
        for q, runs in self._by_capacity(done):
            for found in violations(self._trials(runs, q)):
                yield (
                    f"cycles of {u.capacity(q):.4g} mAh/cm2 fail at {u.current(found.smaller.current):.4g} mA/cm2, "
                    f"but are completed at {u.current(found.larger.current):.4g}; the lower decides"
                )

    def _by_capacity(self, done: Sequence[Finished]) -> Iterator[tuple[u.Quantity, list[Finished]]]:
        for q in self.capacities:
            yield q, [run for run in done if run.point.capacity == float(q)]

    def _trials(self, runs: Sequence[Finished], q: float) -> list[Trial]:
        """Return the trials: a cell that fails in any cycle has failed at the capacity of the cycles."""
        return [Trial(run.point.current, q if run.failed else None, run.void) for run in runs]

    def _point(self, condition: Condition, current: float, q: u.Quantity) -> CurrentPoint:
        cycles = CycleStep(
            type="cycle",
            current_density=u.CURRENT_DENSITY.internal(current),
            areal_capacity=q,
            cycles=self.table.cycles,
            rest=self.table.rest,
        )
        protocol = Protocol(steps=(cycles,), stop_at=self.stop)
        return CurrentPoint(condition, condition.under(protocol), current, float(q))


@dataclass(frozen=True)
class Ramp(InRounds):
    """One run for each capacity, or one of stated duration, whose current is raised until the cell fails."""

    first: float
    """First level [A/m2]."""
    largest: float
    """No level is above this [A/m2]."""
    capacities: tuple[u.Quantity | None, ...]
    """None alone for a ramp of stated duration."""
    stop: Failure
    table: RampTable

    @property
    def rounds(self) -> int:
        """Refinements after the first ramp."""
        return self.table.refinements

    @property
    def most(self) -> int:
        """Runs of a condition if every round asks for as many as it can."""
        return (1 + self.rounds) * len(self.capacities)

    def begin(self, condition: Condition) -> list[CurrentPoint]:
        """Return runs at all currents."""
        return [self._point(condition, q, self.first, self._rise(0)) for q in self.capacities]

    def refine(self, condition: Condition, done: Sequence[Finished]) -> list[CurrentPoint]:
        """Return runs within the brackets that finished ones leave."""
        wanted = []
        for q, runs in self._by_capacity(done):
            found = self._bracket(runs)
            if found.lower > 0.0 and found.upper is not None:
                wanted.append(self._point(condition, q, found.lower, self._rise(len(runs))))
        return wanted

    def rows(self, condition: Condition, done: Sequence[Finished], threshold: FlawThreshold | None = None) -> list[Row]:
        """Return the bracket of every capacity."""
        found = [(q, self._decisive(runs), self._bracket(runs)) for q, runs in self._by_capacity(done) if runs]
        return [Row(condition, q, b, run).beside(threshold) for q, run, b in found]

    def consistency_warnings(self, done: Sequence[Finished]) -> Iterator[str]:
        """Yield how the runs of a condition contradict each other."""
        for q, runs in self._by_capacity(done):
            brackets = [_levels(run) for run in runs if not run.numerical]
            for coarse, fine in pairwise(brackets):
                if coarse.upper is not None and (fine.upper is None or fine.upper > coarse.upper * (1.0 + 1.0e-9)):
                    at = "" if q is None else f" at {u.capacity(q):.4g} mAh/cm2"
                    yield (
                        f"a fresh cell whose ramp{at} began at {u.current(fine.lower):.4g} mA/cm2 or less survives "
                        f"{u.current(coarse.upper):.4g}, at which the ramp from the first level failed"
                    )

    def _rise(self, refinements: int) -> float:
        return float(self.table.current_step) / 2.0**refinements

    def _by_capacity(self, done: Sequence[Finished]) -> Iterator[tuple[u.Quantity | None, list[Finished]]]:
        for q in self.capacities:
            yield q, [run for run in done if run.point.capacity == (None if q is None else float(q))]

    def _decisive(self, runs: Sequence[Finished]) -> Finished | None:
        """Return the finest ramp whose numerics held.

        Not one that failed at its first level, before the coarser ramp did.
        """
        sound = [run for run in reversed(runs) if not run.numerical]
        return next((run for run in sound if _levels(run).lower > 0.0), sound[-1] if sound else None)

    def _bracket(self, runs: Sequence[Finished]) -> Bracket:
        """Return the bracket of the decisive ramp; else what a ramp had survived when its numerics failed."""
        run = self._decisive(runs)
        if run is not None:
            return _levels(run)
        return Bracket(max((_levels(run).lower for run in runs), default=0.0), None)

    def _point(self, condition: Condition, q: u.Quantity | None, first: float, rise: float) -> CurrentPoint:
        ramp = RampStep(
            type="ramp",
            current_density=u.CURRENT_DENSITY.internal(first),
            current_step=u.CURRENT_DENSITY.internal(rise),
            current_max=u.CURRENT_DENSITY.internal(self.largest),
            areal_capacity=q,
            duration=self.table.duration,
            alternate=self.table.alternate,
            rest=self.table.rest,
        )
        protocol = Protocol(steps=(ramp,), stop_at=self.stop)
        return CurrentPoint(condition, condition.under(protocol), first, None if q is None else float(q))


def _levels(run: Finished) -> Bracket:
    """Return the last level that a ramp survived with lithium in the flaw, and the one in which the cell failed."""
    steps = run.point.case.cell().protocol
    last = run.ended_in.level
    currents = {step.level: abs(step.current_density) for step in steps if step.current_density}
    survived = last if not run.numerical and not run.failed else last - 1
    if run.empty_since is not None:
        survived = min(survived, run.empty_since.level - 1)
    return Bracket(currents.get(survived, 0.0), currents[last] if run.failed else None)
