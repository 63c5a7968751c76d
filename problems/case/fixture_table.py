"""The fixture that holds the stack of a cell, as a case states it."""

from typing import Annotated, Literal, override

from lifrac.problems.quantities import units as u
from lifrac.solver.model import loads
from pydantic import model_validator

from .schema_tools import Kind, Problems, Strict


class Fixture(Strict):
    """The fixture that holds the stack, and so what its pressure does while the electrodes grow."""

    type: Literal["constant_pressure", "spring", "fixed_gap"]
    """`constant_pressure` (a press that follows), `spring` (bolts, springs, a frame) or `fixed_gap` (rigid plates)."""
    stiffness: u.FixtureStiffness | None = None
    """Spring: rise of the stack pressure per length by which the plates move apart."""
    counter_volume_change: Annotated[u.Quantity, u.NUMBER.within(ge=-1.0, le=1.0)] | None = None
    """Spring and fixed gap: volume that the counter electrode gives up per volume of lithium plated at the anode. 1 for
    lithium, 0 (the default) for a host that keeps its volume."""

    @model_validator(mode="after")
    def _check(self) -> "Fixture":
        kind = KINDS[self.type]
        found = [*kind.foreign(self, f"with a fixture of type {self.type}", KINDS), *kind.missing(self)]
        if found:
            raise Problems(found)
        return self

    def resolved(self) -> loads.Fixture:
        """Return the fixture in internal units."""
        return KINDS[self.type].resolved(self)

    @property
    def follows(self) -> bool:
        """Whether the pressure is what is stated, whatever the electrodes do."""
        return self.type == "constant_pressure"


class FixtureKind(Kind):
    """One type of fixture: which keys it may and must state, and what they mean."""

    def resolved(self, table: Fixture) -> loads.Fixture:
        """Return the fixture of a table in internal units."""
        raise NotImplementedError


class Follows(FixtureKind):
    """A constant pressure."""

    @override
    def resolved(self, table: Fixture) -> loads.Fixture:
        return loads.ConstantPressure()


class Gives(FixtureKind):
    """A spring."""

    @override
    def resolved(self, table: Fixture) -> loads.Fixture:
        return loads.Spring(float(table.stiffness or 0.0))


class Rigid(FixtureKind):
    """A fixed gap."""

    @override
    def resolved(self, table: Fixture) -> loads.Fixture:
        return loads.FixedGap()


KINDS: dict[str, FixtureKind] = {
    "constant_pressure": Follows(()),
    "spring": Gives(("stiffness", "counter_volume_change"), required=("stiffness",)),
    "fixed_gap": Rigid(("counter_volume_change",)),
}


def loads_of(
    fixture: Fixture | None, stack_pressure: float, lateral: Literal["roller", "free"], lateral_stress: float
) -> loads.Loads:
    """Return the loads [MPa] of a cell in a fixture; None: a press that follows."""
    if fixture is None:
        return loads.Loads(stack_pressure, lateral, lateral_stress)
    given_up = float(fixture.counter_volume_change or 0.0)
    return loads.Loads(stack_pressure, lateral, lateral_stress, fixture.resolved(), given_up)
