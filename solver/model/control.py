"""Controls: the equation of a protocol step that closes the system of a time step.

Two numbers belong to the cell as a whole, the current I through its counter electrode and the cell voltage V. All other
equations hold at any current; a control gives the one that is left, linearised about a state,

    by_current dI + by_voltage dV = missing.

A further control (a power, a load) is one more class here and one more type of step in `problems.case.protocol_steps`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True)
class Closure:
    """The control's equation for the increments of an iteration: by_current dI + by_voltage dV = missing."""

    missing: float
    by_current: float
    """[-], or [V per A/m2 um] where the equation is one for the voltage."""
    by_voltage: float

    def defect(self, current_scale: float, voltage_scale: float) -> float:
        """Return the residual over the size of its terms [-]; scales in the units of I and V."""
        return abs(self.missing) / (abs(self.by_current) * current_scale + abs(self.by_voltage) * voltage_scale)


class Control(Protocol):
    """A control as engines and the stepper see it; positive currents and voltages plate at the anode."""

    @property
    def name(self) -> str:
        """Words for people."""

    @property
    def current_density(self) -> float:
        """Mean over the anode [A/m2], as prescribed or as it is expected at first; sizes time steps."""

    @property
    def direction(self) -> int:
        """1 plates at the anode, -1 strips, 0 passes no current."""

    def closure(self, current: float, voltage: float, area: float) -> Closure:
        """Return the equation at a state.

        Parameters
        ----------
        current : float
            I, what the counter electrode carries [A/m2 um, times um in 3D].
        voltage : float
            V [V].
        area : float
            Area of the anode as meshed [um; um2 in 3D].
        """

    def flowed(self, found: float) -> float:
        """Mean current density [A/m2] of a step whose solution carries `found`: exact where it was prescribed."""

    def foreseen(self, present: float) -> float:
        """Mean current density [A/m2] of the next step; `present`: that of the last step under this control, or 0."""

    def time_for(self, charge: float) -> float:
        """How long [s] a charge [C/m2] takes, inf where only the solution tells."""

    def has_decayed(self, current_density: float) -> bool:
        """Whether the step ends because its current has fallen [A/m2]."""

    @property
    def cutoff(self) -> float:
        """Magnitude of the current density [A/m2] at which the step ends; 0: none."""

    def sized(self, current_density_at: Callable[[float], float]) -> "Control":
        """Return the control with what is to be expected of a cell.

        `current_density_at` estimates its current density [A/m2] at a voltage [V].
        """


@dataclass(frozen=True)
class ConstantCurrent:
    """A mean current density over the anode [A/m2]; positive plates at the anode."""

    current_density: float
    name = "constant current"
    cutoff = 0.0

    @property
    def direction(self) -> int:
        """Sign of the current."""
        return (self.current_density > 0.0) - (self.current_density < 0.0)

    def closure(self, current: float, voltage: float, area: float) -> Closure:
        """I = j A."""
        return Closure(self.current_density * area - current, 1.0, 0.0)

    def flowed(self, found: float) -> float:
        """Return the prescribed current density [A/m2]."""
        return self.current_density

    def foreseen(self, present: float) -> float:
        """Return the prescribed current density [A/m2]."""
        return self.current_density

    def time_for(self, charge: float) -> float:
        """charge/|j| [s]."""
        return charge / abs(self.current_density) if self.current_density != 0.0 else float("inf")

    def has_decayed(self, current_density: float) -> bool:
        """Return False: the current is constant."""
        return False

    def sized(self, current_density_at: Callable[[float], float]) -> "ConstantCurrent":
        """Return the same: nothing has to be estimated."""
        return self


@dataclass(frozen=True)
class Rest(ConstantCurrent):
    """No current."""

    current_density: float = 0.0
    name = "rest"


@dataclass(frozen=True)
class ConstantVoltage:
    """A cell voltage that is held; the current is what then flows.

    Parameters
    ----------
    voltage : float
        V [V]; positive plates at the anode.
    expected_current_density : float
        Mean current density [A/m2] that the cell is expected to carry at first, with the sign of the voltage
        (`physics.uniform_cell.current_density_at`). It sizes first time steps and the viscosity of the crack path, as
        the current of a galvanostatic step does, and enters no equation.
    cutoff_current_density : float, optional
        Magnitude of the current density [A/m2] at which the step ends.
    """

    voltage: float
    expected_current_density: float
    cutoff_current_density: float | None = None
    name = "constant voltage"

    @property
    def current_density(self) -> float:
        """As expected at first [A/m2]."""
        return self.expected_current_density

    @property
    def direction(self) -> int:
        """Sign of the voltage."""
        return (self.voltage > 0.0) - (self.voltage < 0.0)

    @property
    def cutoff(self) -> float:
        """[A/m2]; 0: none."""
        return self.cutoff_current_density or 0.0

    def closure(self, current: float, voltage: float, area: float) -> Closure:
        """V as given."""
        return Closure(self.voltage - voltage, 0.0, 1.0)

    def flowed(self, found: float) -> float:
        """Return the current density of the solution [A/m2]."""
        return found

    def foreseen(self, present: float) -> float:
        """Return the present one, or the expected one at first [A/m2]."""
        return present or self.expected_current_density

    def time_for(self, charge: float) -> float:
        """Infinite: the solution tells."""
        return float("inf")

    def has_decayed(self, current_density: float) -> bool:
        """|j| has fallen to the cut-off."""
        return self.cutoff_current_density is not None and abs(current_density) <= self.cutoff_current_density

    def sized(self, current_density_at: Callable[[float], float]) -> "ConstantVoltage":
        """Return the control with the current density that is to be expected at the voltage."""
        return replace(self, expected_current_density=current_density_at(self.voltage))
