"""A time step that was tried, and what a run counts."""

from dataclasses import dataclass, field

from .cell_state import CellState
from .events import Event


@dataclass
class Counters:
    """Counts of a run so far."""

    steps: int = 0
    iterations: int = 0
    rejected: int = 0
    ended: int = 0
    """Protocol steps that have ended."""
    current: float = 0.0
    """Current density of the last accepted step [A/m2]."""
    first_current: float = 0.0
    """That of the first accepted step that passed one [A/m2]."""
    first_events: dict[str, Event] = field(default_factory=dict)
    """The first event of each name."""


COUNTED = ("steps", "iterations", "rejected", "ended", "current", "first_current")
"""Counters that go into restart data as they are."""


@dataclass(frozen=True)
class Trial[S: CellState]:
    """A converged step that has not been accepted yet."""

    state: S
    iterations: int
    """Iterations of Newton's method, as the history shows them."""
    dt: float | None = field(default=None, kw_only=True)
    """Length of a step that the engine has chosen itself [s]; None: as it was proposed."""

    @property
    def effort(self) -> int:
        """How hard the step was, in Newton iterations: what the step control goes by."""
        return self.iterations
