"""The protocol of a cell: its steps, when a run ends, and how its time steps are chosen."""

from dataclasses import dataclass, field

from .control import Control
from .stated import HASHED_AS_PART, HASHED_IF_STATED


@dataclass(frozen=True)
class ProtocolStep:
    """One step of a protocol; it ends at the first of its limits."""

    control: Control = field(metadata=HASHED_AS_PART)
    """The control that drives the cell: `ConstantCurrent`, `ConstantVoltage`, `Rest`."""
    capacity: float | None = None
    """Charge passed within this step [C/m2], positive."""
    duration: float | None = None
    """[s]."""
    voltage_limit: float | None = None
    """|cell voltage| [V] at which this step ends, and the next begins."""
    stack_pressure: float | None = field(default=None, metadata=HASHED_IF_STATED)
    """Stack pressure [MPa] that is set when it begins; None: the fixture is left alone."""
    pressure_ramp: float = field(default=0.0, metadata=HASHED_IF_STATED)
    """Time [s] over which that is done, linearly; 0: at once."""
    cycle: int = 0
    """Which cycle of the protocol it belongs to, counted from 1 through the whole protocol; 0: none."""
    level: int = 0
    """Which level of a ramp, counted from 1; 0: none."""

    @property
    def current_density(self) -> float:
        """Mean over the anode [A/m2], positive plates there: as prescribed, or as expected where a voltage is held."""
        return self.control.current_density

    @property
    def planned_charge(self) -> float:
        """Charge that it passes [C/m2], positive, unless something ends it early.

        An expectation where a voltage is held.
        """
        by_time = abs(self.current_density) * self.duration if self.duration is not None else None
        return min((v for v in (self.capacity, by_time) if v is not None), default=0.0)

    @property
    def planned_time(self) -> float:
        """How long it lasts [s] unless something ends it early; an expectation where a voltage is held."""
        limits = [] if self.duration is None else [self.duration]
        if self.capacity is not None and self.current_density != 0.0:
            limits.append(self.capacity / abs(self.current_density))
        return min(limits, default=float("inf"))

    @property
    def longest(self) -> float:
        """Time [s] after which it ends at the latest; inf where only the solution tells."""
        by_charge = float("inf") if self.capacity is None else self.control.time_for(self.capacity)
        return min(by_charge, float("inf") if self.duration is None else self.duration)


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
    step_factor: float = field(default=1.0, metadata=HASHED_IF_STATED)
    """Factor on what a time step may change, and so on its length: 2 for steps about twice as long (plane engine)."""
