"""The stack pressure that acts: the programme of the protocol, and what a fixture adds as the stack grows.

    P = P_set(t) + k (dh - dh_0) >= 0,   1/k = 1/k_fixture + L/E_s
    dh = (1 - c) (Omega/F) q - v/A

dh is the growth of the electrodes: q is the net charge per area A of the anode, c what the counter electrode gives up
per volume of plated lithium, v what the flaw holds more than at the start: it has not come to the electrode (lithium
that is extruded has). dh_0 is that of the last setting of the pressure. E_s is the modulus of the electrolyte between
the plates, in plane strain: held at their sides or not. Metal does not add to the compliance: it creeps. A
plate that has lost touch does not pull. docs/model.md, Stack pressure and fixture.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.elasticity import through_thickness_modulus
from lifrac.solver.physics.flaw_scales import griffith_pressure

from .cell_state import CellState

PRESSURE_CORRECTIONS = 8
"""How often a step is solved again at most, until the stack pressure it was solved at is the one its end gives. Each
correction is smaller by what lithium in the flaw takes from the electrode."""
PRESSURE_ALLOWANCE = 0.1
"""Change of the largest lithium pressure, and of the stack pressure, per step, in units of the flaw's Griffith
pressure."""
PRESSURE_TOLERANCE, LEAST_PRESSURE = 1.0e-4, 1.0e-3
"""To which part of it, or of 1 kPa [MPa], both agree then."""


def agree(one: float, other: float) -> bool:
    """Whether two stack pressures [MPa] are the same as far as steps are solved for them."""
    return abs(other - one) <= PRESSURE_TOLERANCE * max(other, LEAST_PRESSURE)


@dataclass(frozen=True)
class Setting:
    """How the pressure was last set."""

    start: float
    """P before [MPa]."""
    target: float
    """P it is set to [MPa]."""
    began: float = 0.0
    """Time [s]."""
    ramp: float = 0.0
    """Time over which it rises or falls linearly [s]; 0: at once."""
    growth: float = 0.0
    """Growth of the electrodes then [um]."""

    def pressure(self, time: float) -> float:
        """P_set(t) [MPa]."""
        part = 1.0 if self.ramp == 0.0 else min((time - self.began) / self.ramp, 1.0)
        return self.start + part * (self.target - self.start)


class Loading:
    """The one place that knows the stack pressure of a step.

    Parameters
    ----------
    model : CellModel
    thickness : float
        L [um], distance of the electrodes.
    """

    def __init__(self, model: CellModel, thickness: float) -> None:
        loads, e = model.loads, model.electrolyte
        modulus = through_thickness_modulus(e.youngs_modulus, e.poisson_ratio, loads.lateral)
        self.stiffness = loads.fixture.stiffness(modulus / thickness)
        """k [MPa/um]."""
        self._per_charge = (1.0 - loads.counter_volume) * surface_velocity_per_current(model.anode.molar_volume)
        self.setting = Setting(loads.stack_pressure, loads.stack_pressure)
        self._allowed = PRESSURE_ALLOWANCE * griffith_pressure(model)

    def change(self, old: CellState, new: CellState) -> float:
        """Return the change of the stack pressure in a step over what is allowed."""
        return abs(new.stack_pressure - old.stack_pressure) / self._allowed

    def growth(self, charge: float, gained: float) -> float:
        """Return dh [um] at a net charge [C/m2], as a thickness over the anode.

        Lithium `gained` by the flaw [um] does not lift the anode.
        """
        return self._per_charge * charge - gained

    def pressure(self, time: float, growth: float) -> float:
        """P [MPa]."""
        return max(self.setting.pressure(time) + self.stiffness * (growth - self.setting.growth), 0.0)

    def begin(self, step: ProtocolStep, state: CellState, growth: float) -> None:
        """Begin a protocol step at a state: set the pressure if it says so, else leave the fixture alone."""
        if step.stack_pressure is not None:
            self.setting = Setting(state.stack_pressure, step.stack_pressure, state.time, step.pressure_ramp, growth)

    def values(self) -> dict[str, Any]:
        """Return the setting as plain values, for a restart."""
        return asdict(self.setting)

    def restore(self, values: Mapping[str, Any]) -> None:
        """Restore the setting from `values`."""
        self.setting = Setting(**values)
