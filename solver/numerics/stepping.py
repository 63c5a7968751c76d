"""Adaptive time steps: what the next one should be, and when to give up. Knows nothing of physics."""

import math
from dataclasses import dataclass, field

from lifrac.errors import NumericalFailure

PREDICTED_ITERATIONS = 1
"""The prediction was the solution: the state changes in proportion to time, or not at all."""
EASY_ITERATIONS = 7
HARD_ITERATIONS = 12
STALLED_REFUSALS, STALLED_SHARE, STALLED_STEPS_LEFT = 20, 0.25, 1.0e4
"""Refused tries, their share of all, and steps like the present one left, from which on there is no headway."""


@dataclass
class StepController:
    """Proposes step lengths from how the last ones went.

    Parameters
    ----------
    first : float
        First step [s].
    largest : float
        Upper bound [s].
    max_rejections : int
        Rejections in a row before the run is given up.
    """

    first: float
    largest: float
    max_rejections: int
    usual: float = math.inf
    """Upper bound [s] for steps whose solution was not predicted."""
    smallest: float = 1.0e-12
    next_step: float = field(init=False)
    rejected: int = field(init=False, default=0)
    in_a_row: int = field(init=False, default=0)
    change_ratio: float = field(init=False, default=0.0)
    """Change ratio of the last accepted step."""
    reasons: dict[str, int] = field(init=False, default_factory=dict)
    """Refused tries by reason."""
    taken: int = field(init=False, default=0)
    """Accepted steps."""

    def __post_init__(self) -> None:
        self.next_step = min(self.first, self.usual, self.largest)

    def propose(self, remaining: float) -> float:
        """Step length that does not pass the end of the protocol step, nor leaves a sliver before it."""
        dt = min(self.next_step, self.largest)
        if dt >= remaining * (1.0 - 1.0e-12):
            return remaining
        return 0.5 * remaining if dt > 0.5 * remaining else dt

    def accepted(self, dt: float, iterations: int, change_ratio: float) -> None:
        """`change_ratio`: largest change in this step relative to its allowance (1 = just allowed)."""
        self.in_a_row, self.change_ratio = 0, change_ratio
        self.taken += 1
        predicted = iterations <= PREDICTED_ITERATIONS
        growth = 1.4 if iterations <= EASY_ITERATIONS else (1.1 if iterations <= HARD_ITERATIONS else 0.8)
        growth = 2.0 if predicted else growth
        if change_ratio > 0.0:
            growth = min(growth, max(0.75 / change_ratio, 0.3))
        # A step cut short by an event or the protocol says nothing against longer ones.
        self.next_step = max(dt * growth, self.next_step if dt < 0.5 * self.next_step and growth >= 1.0 else 0.0)
        if not predicted:
            self.next_step = min(self.next_step, self.usual)

    def reject(self, dt: float, factor: float, reason: str) -> None:
        """Shorten the next step; raises when nothing helps."""
        self.rejected += 1
        self.in_a_row += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        self.next_step = dt * factor
        if self.in_a_row > self.max_rejections or self.next_step < self.smallest:
            raise NumericalFailure(
                f"{self.in_a_row} steps rejected in a row (last reason: {reason}; step length {dt:.2e} s; "
                f"{self.refusals()})"
            )

    def refusals(self) -> str:
        """How many tries were refused, and why."""
        why = ", ".join(f"{n} {reason}" for reason, n in sorted(self.reasons.items(), key=lambda item: -item[1]))
        return f"{self.rejected} of {self.rejected + self.taken} tries refused{': ' if why else ''}{why}"

    def stuck(self, remaining: float) -> bool:
        """Whether so many tries were refused, and steps have become so short, that `remaining` [s] will not end."""
        many = self.rejected >= max(STALLED_REFUSALS, STALLED_SHARE * (self.rejected + self.taken))
        return many and remaining > STALLED_STEPS_LEFT * self.next_step
