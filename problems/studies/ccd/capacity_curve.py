"""The capacity at failure between runs: ln Q over ln(J/J* - 1), monotone, and its inverse (pure functions, no files).

Near the threshold Q changes much and J little: in these variables the curve is smooth over decades, so that a few runs
give J at a capacity within a few per cent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import exp, log

import numpy as np
from scipy.interpolate import PchipInterpolator

from .brackets import Bracket, Trial, sound

CLOSEST = 1.0e-6
"""Distance J/J* - 1 below which a run counts as one at the threshold, and has no place on the curve."""
NEAR, STEEP = 0.05, -5.0
"""Distance to the threshold within which one run is a curve, and the least slope d ln(J/J* - 1)/d ln Q beyond the run
nearest to it: curves of the ready studies have -5 to -14 there."""
LONGEST = 6.0
"""Largest step of ln(J/J* - 1) beyond the outermost runs."""


@dataclass(frozen=True)
class Estimate:
    """The critical current density at a capacity, between the runs that bracket it."""

    current: float
    slope: float
    """d ln J/d ln Q, not positive; 0 where the runs do not say it."""


class CapacityCurve:
    """Current over capacity at failure, from runs of one condition.

    Parameters
    ----------
    runs : iterable of Trial
        Where a larger current stands more, its run has no place on the curve: the lower current decides.
    threshold : float or None
        J*, in the unit of the runs; None where it is not known, and ln J takes the place of ln(J/J* - 1).
    """

    def __init__(self, runs: Iterable[Trial], threshold: float | None) -> None:
        self.threshold = threshold or 0.0
        least, kept = float("inf"), []
        for run in sound(runs):
            if run.failed_at is not None and 0.0 < run.failed_at < least and self._beyond(run.current) > CLOSEST:
                least = run.failed_at
                kept.append(run)
        self.runs = tuple(kept)

    def estimate(self, capacity: float, bracket: Bracket) -> Estimate | None:
        """Return the critical current at a capacity within its bracket; None where the bracket is open.

        Where the curve leaves the bracket, or there is none, it is the middle in ln(J/J* - 1).
        """
        if bracket.upper is None or bracket.lower <= 0.0 or bracket.upper <= self.threshold:
            return None
        if self._inverse is not None or self._alone_near():
            x, by_capacity = self._at(log(capacity))
            current = self._current(x)
            if bracket.lower <= current <= bracket.upper:
                return Estimate(current, by_capacity * self._weight(current))
        return Estimate(self._middle(bracket.lower, bracket.upper), 0.0)

    def _middle(self, lower: float, upper: float) -> float:
        above = self._beyond(upper)
        below = self._beyond(lower)
        return self._current(0.5 * (log(below) + log(above))) if below > CLOSEST else self._current(log(0.5 * above))

    @cached_property
    def _inverse(self) -> PchipInterpolator | None:
        """Return ln(J/J* - 1) over ln Q; None with fewer than two runs."""
        if len(self.runs) < 2:
            return None
        x = [log(self._beyond(run.current)) for run in reversed(self.runs)]
        y = [log(run.capacity) for run in reversed(self.runs)]
        return PchipInterpolator(np.array(y), np.array(x))

    def _at(self, y: float) -> tuple[float, float]:
        """Return ln(J/J* - 1) and its derivative at ln Q; a straight line beyond the outermost runs."""
        if self._inverse is None:
            (run,) = self.runs
            return log(self._beyond(run.current)) + max(STEEP * (y - log(run.capacity)), -LONGEST), STEEP
        inside = min(max(y, float(self._inverse.x[0])), float(self._inverse.x[-1]))
        slope = min(float(self._inverse(inside, 1)), STEEP if self.threshold and y > inside else 0.0)
        step = min(max(slope * (y - inside), -LONGEST), LONGEST)
        return float(self._inverse(inside)) + step, slope

    def _alone_near(self) -> bool:
        return bool(self.threshold) and len(self.runs) == 1 and self._beyond(self.runs[0].current) < NEAR

    def _beyond(self, current: float) -> float:
        return current / self.threshold - 1.0 if self.threshold else current

    def _current(self, x: float) -> float:
        return self.threshold * (1.0 + exp(x)) if self.threshold else exp(x)

    def _weight(self, current: float) -> float:
        """Return d ln J/d ln(J/J* - 1)."""
        return 1.0 - self.threshold / current
