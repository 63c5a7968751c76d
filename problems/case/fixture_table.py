"""The fixture that holds the stack of a cell, as a case states it: a table for each type."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, override

from lifrac.problems.quantities import units as u
from lifrac.solver.model import loads
from pydantic import Field

from .schema_tools import TypedTable


class Fixture(TypedTable):
    """The fixture that holds the stack, and so what its pressure does while the electrodes grow."""

    within: ClassVar[str] = "with a fixture"

    type: str
    """`constant_pressure` (a press that follows), `spring` (bolts, springs, a frame) or `fixed_gap` (rigid plates)."""

    @abstractmethod
    def resolved(self) -> loads.Fixture:
        """Return the fixture in internal units."""

    @property
    def follows(self) -> bool:
        """Whether the pressure is what is stated, whatever the electrodes do."""
        return False

    @property
    def volume_given_up(self) -> float:
        """Volume that the counter electrode gives up per volume of plated lithium, as far as the fixture feels it."""
        return 0.0


class ConstantPressure(Fixture):
    """A press that follows: the pressure is what is stated, whatever the electrodes do."""

    type: Literal["constant_pressure"]

    @override
    def resolved(self) -> loads.Fixture:
        return loads.ConstantPressure()

    @property
    @override
    def follows(self) -> bool:
        return True


class _Stiff(Fixture):
    """A fixture whose pressure rises as the electrodes grow."""

    counter_volume_change: Annotated[u.Quantity, u.NUMBER.within(ge=-1.0, le=1.0)] | None = None
    """Volume that the counter electrode gives up per volume of lithium plated at the anode. 1 for lithium, 0 (the
    default) for a host that keeps its volume."""

    @property
    @override
    def volume_given_up(self) -> float:
        return float(self.counter_volume_change or 0.0)


class Spring(_Stiff):
    """Bolts, springs or a frame that give way in proportion to the pressure."""

    type: Literal["spring"]
    stiffness: u.FixtureStiffness
    """Rise of the stack pressure per length by which the plates move apart."""

    @override
    def resolved(self) -> loads.Fixture:
        return loads.Spring(float(self.stiffness))


class FixedGap(_Stiff):
    """Rigid plates."""

    type: Literal["fixed_gap"]

    @override
    def resolved(self) -> loads.Fixture:
        return loads.FixedGap()


AnyFixture = Annotated[ConstantPressure | Spring | FixedGap, Field(discriminator="type")]
"""A fixture of any type; `type` decides which keys it has."""


def loads_of(
    fixture: Fixture | None, stack_pressure: float, lateral: loads.Lateral, lateral_stress: float
) -> loads.Loads:
    """Return the loads [MPa] of a cell in a fixture; None: a press that follows."""
    if fixture is None:
        return loads.Loads(stack_pressure, lateral, lateral_stress)
    return loads.Loads(stack_pressure, lateral, lateral_stress, fixture.resolved(), fixture.volume_given_up)
