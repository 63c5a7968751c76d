"""What is done to a cell, when a run ends, and how its time steps are chosen."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ProtocolStep:
    """One step of a protocol; it ends at the first of its limits."""

    kind: Literal["constant_current", "rest"]
    current_density: float = 0.0
    """[A/m2], positive plates at the anode."""
    capacity: float | None = None
    """Charge passed within this step [C/m2], positive."""
    duration: float | None = None
    """[s]."""
    voltage_limit: float | None = None
    """|cell voltage| [V] at which this step ends, and the next begins."""
    cycle: int = 0
    """Which cycle of the protocol it belongs to, counted from 1 through the whole protocol; 0: none."""
    level: int = 0
    """Which level of a ramp, counted from 1; 0: none."""

    @property
    def planned_charge(self) -> float:
        """Charge that it passes [C/m2], positive, unless something ends it early."""
        by_time = abs(self.current_density) * self.duration if self.duration is not None else None
        return min((v for v in (self.capacity, by_time) if v is not None), default=0.0)


@dataclass(frozen=True)
class StopRules:
    """When a run ends besides the end of its protocol."""

    voltage_limit: float | None = None
    """|cell voltage| [V]."""
    at_fracture: bool = False
    at_crack_through: bool = False
    """Stop there; by default a run goes on to the short circuit."""
    voltage_drop: float | None = None
    """Share of its value at the start of a step by which |cell voltage| falls when the cell counts as shorted."""
    time_limit: float | None = None
    """[s]."""
    at_contact_lost: bool = True
    """Whether contact lost ends the run; otherwise it ends the step."""


@dataclass(frozen=True)
class StepControl:
    """Adaptive implicit time steps."""

    first_step: float | None = None
    """[s]; None: derived from the protocol."""
    max_step: float | None = None
    """[s]; None: a fraction of the protocol."""
    max_advance_cells: float = 1.0
    """Crack advance per step, in cells of the crack path."""
    newton_tolerance: float = 1.0e-10
    max_newton: int = 30
    max_steps: int = 20000
    max_rejections: int = 25
