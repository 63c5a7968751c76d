"""Critical current density (CCD) from constant-current runs: pure functions, no solver, no files.

A run at current density j passes charge until the cell fails, at Q_f(j). CCD(Q) = sup{j : Q_f(j) > Q}. As Q_f falls
with j, a few currents answer for every Q. Where it does not fall, its monotone envelope, the smallest Q_f at j
or below, is inverted: a cell counts as failed at all currents above one that made it fail.

Currents and capacities may be in any units, as long as they are the same everywhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, sqrt

RESOLUTION = 0.03
"""Relative rise of Q_f with the current that is not called a violation: capacities at failure depend on mesh and
steps by about this much (problems/README.md)."""
SAME = 1.0e-9
"""Currents closer than this, relatively, are the same: they come from the same bisection."""


@dataclass(frozen=True)
class Trial:
    """The verdict of one constant-current run."""

    current: float
    failed_at: float | None
    """Capacity at which the cell failed; None if it stood the largest capacity of the study."""
    void: str = ""
    """Why the run says nothing about the cell: the numerics failed before the cell did, or its flaw was empty."""
    by: str = ""
    """What failed; empty if nothing did."""
    error: float | None = None
    """Relative numerical error of the capacity; None where the run does not state it."""

    @property
    def capacity(self) -> float:
        """Q_f, infinite where the cell did not fail."""
        return inf if self.failed_at is None else self.failed_at


@dataclass(frozen=True)
class Bracket:
    """CCD(Q) lies between the largest current that survives Q and the smallest that fails."""

    lower: float
    """0 if no current survives."""
    upper: float | None
    """None if no current fails."""

    @property
    def middle(self) -> float | None:
        """Current at which to bisect in log j; None where one side is open."""
        return sqrt(self.lower * self.upper) if self.upper is not None and self.lower > 0.0 else None


@dataclass(frozen=True)
class Violation:
    """Q_f rises between two currents: the larger one stood more charge."""

    smaller: Trial
    larger: Trial


def log_spaced(smallest: float, largest: float, number: int) -> tuple[float, ...]:
    """Return `number` currents evenly spaced in log j, both ends included exactly."""
    ratio = largest / smallest
    inner = (smallest * ratio ** (i / (number - 1)) for i in range(1, number - 1))
    return (smallest, *inner, largest)


def sound(runs: Iterable[Trial]) -> list[Trial]:
    """Return the runs that say something about the cell, by current."""
    return sorted((run for run in runs if not run.void), key=lambda run: run.current)


def bracket(runs: Iterable[Trial], capacity: float) -> Bracket:
    """CCD at `capacity` from runs in any order; runs that say nothing narrow nothing.

    The envelope makes `lower < upper`: currents above the smallest that fails are not asked.
    """
    lower = 0.0
    for run in sound(runs):
        if run.capacity <= capacity:
            return Bracket(lower, run.current)
        lower = run.current
    return Bracket(lower, None)


def refinement(runs: Sequence[Trial], capacities: Iterable[float]) -> list[float]:
    """Currents to run next, ascending: the middle of every bracket, each once and none that was tried before."""
    wanted: list[float] = []
    for capacity in capacities:
        middle = bracket(runs, capacity).middle
        tried = [*(run.current for run in runs), *wanted]
        if middle is not None and all(abs(middle - current) > SAME * middle for current in tried):
            wanted.append(middle)
    return sorted(wanted)


def violations(runs: Iterable[Trial], resolution: float = RESOLUTION) -> list[Violation]:
    """Return where Q_f rises with j by more than `resolution`: each such run with the weakest run below it."""
    found: list[Violation] = []
    weakest: Trial | None = None
    for run in sound(runs):
        if weakest is not None and run.capacity > weakest.capacity * (1.0 + resolution):
            found.append(Violation(weakest, run))
        elif weakest is None or run.capacity < weakest.capacity:
            weakest = run
    return found
