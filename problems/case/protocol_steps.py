"""The steps a protocol may list: constant current and voltage, rest, ramp and cycle; what each needs and means.

Each type is a table of its own, which knows its keys and the computed steps that it stands for.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self, override

from lifrac.problems.quantities import units as u
from lifrac.solver.model import control as controls
from lifrac.solver.model.protocol import ProtocolStep
from pydantic import Field, model_validator

from .schema_tools import Problem, Problems, TypedTable

MOST = 10000
"""Most cycles, or levels of a ramp, that one step may ask for."""
StatedCurrent = Annotated[u.CurrentDensity, Field(examples=["1 mA/cm^2"])]
StatedLevel = Annotated[u.PositiveCurrentDensity, Field(examples=["1 mA/cm^2"])]


class Step(TypedTable):
    """One step of a protocol; it ends at the first of its limits. `ramp` and `cycle` stand for many half-steps."""

    within: ClassVar[str] = "in a step"

    type: str
    """`constant_current`, `constant_voltage` (the cell voltage is held), `rest`, `ramp` (current raised from level to
    level) or `cycle` (plating and stripping in turn)."""
    duration: u.PositiveTime | None = None
    """Duration of the step. Ramp and cycle: of each half-step. A ramp has either this or `areal_capacity`."""
    stack_pressure: u.StackPressure | None = None
    """Stack pressure that is set when the step begins. Default: that of `operation`, if another step states one; a
    spring or a fixed gap is left as it is."""
    stack_pressure_ramp: u.PositiveTime | None = None
    """Time over which the stack pressure is brought to `stack_pressure`, linearly; at once unless stated."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if found := [*self._problems(), *self._pressure_problems()]:
            raise Problems(found)
        return self

    @abstractmethod
    def _problems(self) -> Iterator[Problem]:
        """Yield what is missing or contradicts itself."""

    def _pressure_problems(self) -> Iterator[Problem]:
        if self.stack_pressure_ramp is not None and self.stack_pressure is None:
            text = self.stack_pressure_ramp.text
            yield Problem("stack_pressure_ramp", "leads to no stack pressure", text, 'Add stack_pressure = "5 MPa"')

    @abstractmethod
    def _computed(self) -> Iterator[ProtocolStep]:
        """Yield the steps that are computed, without their stack pressure."""

    def expanded(self, otherwise: float | None = None) -> Iterator[ProtocolStep]:
        """Yield the steps that are computed, in internal units; cycles are counted from 1 within this step.

        Parameters
        ----------
        otherwise : float, optional
            Stack pressure [MPa] of a step that states none; None: it stays as it is.
        """
        pressure = otherwise if self.stack_pressure is None else float(self.stack_pressure)
        steps = self._computed()
        yield replace(next(steps), stack_pressure=pressure, pressure_ramp=float(self.stack_pressure_ramp or 0.0))
        yield from steps


class RestStep(Step):
    """No current."""

    tolerated: ClassVar[tuple[str, ...]] = ("current_density",)

    type: Literal["rest"]
    current_density: u.CurrentDensity | None = None
    """Zero, if it is stated at all."""
    duration: u.PositiveTime
    """Duration of the rest."""

    @override
    def _problems(self) -> Iterator[Problem]:
        if self.current_density is not None and self.current_density != 0.0:
            yield Problem(
                "current_density",
                "a rest has no current",
                self.current_density.text,
                'Remove it, or write type = "constant_current"',
            )

    @override
    def _computed(self) -> Iterator[ProtocolStep]:
        yield ProtocolStep(controls.Rest(), duration=float(self.duration))


class _PassingStep(Step):
    """A step that passes a charge."""

    areal_capacity: u.ArealCapacity | None = None
    """Charge passed in this step, as a positive number. Ramp and cycle: in each half-step."""

    @override
    def _problems(self) -> Iterator[Problem]:
        if self.areal_capacity is None and self.duration is None:
            yield Problem("areal_capacity", "the step has no end", remedy="Add areal_capacity or duration")

    def _driven(self, control: controls.Control, voltage_limit: float | None = None) -> ProtocolStep:
        """Return a computed step with the limits of this one, under a control."""
        return ProtocolStep(control, _optional(self.areal_capacity), _optional(self.duration), voltage_limit)


class ConstantVoltageStep(_PassingStep):
    """One voltage up to a charge or a time, or until the current has fallen."""

    type: Literal["constant_voltage"]
    voltage: Annotated[u.Voltage, Field(examples=["50 mV"])]
    """Cell voltage that is held; positive plates lithium at the anode, negative strips it."""
    cutoff_current_density: u.PositiveCurrentDensity | None = None
    """The step ends when the magnitude of the current density has fallen to this."""

    @override
    def _problems(self) -> Iterator[Problem]:
        if self.voltage == 0.0:
            yield Problem("voltage", "drives no current", self.voltage.text, 'Write type = "rest"')
        yield from super()._problems()

    @override
    def _computed(self) -> Iterator[ProtocolStep]:
        yield self._driven(controls.ConstantVoltage(float(self.voltage), 0.0, _optional(self.cutoff_current_density)))


class _CurrentStep(_PassingStep):
    """A step whose current is stated."""

    current_density: StatedCurrent
    """Current density; positive plates lithium at the anode, negative strips it. Ramp: of the first level. Ramp and
    cycle: of the first half-step."""
    voltage_limit: u.PositiveVoltage | None = None
    """The step, or the half-step of a ramp or cycle, ends when the magnitude of the cell voltage reaches this; the run
    goes on."""

    @override
    def _problems(self) -> Iterator[Problem]:
        if self.current_density == 0.0:
            yield Problem(
                "current_density",
                f"must not be zero in a {self.type.replace('_', '-')} step",
                self.current_density.text,
                'Write type = "rest"',
            )
        yield from super()._problems()

    def _half(self, current: float) -> ProtocolStep:
        """Return a computed step with the limits of this one, at a current density [A/m2]."""
        return self._driven(controls.ConstantCurrent(current), _optional(self.voltage_limit))


class ConstantCurrentStep(_CurrentStep):
    """One current up to a charge, a time, or a voltage."""

    type: Literal["constant_current"]

    @override
    def _computed(self) -> Iterator[ProtocolStep]:
        yield self._half(float(self.current_density))


class CycleStep(_CurrentStep):
    """Plating and stripping in turn."""

    type: Literal["cycle"]
    cycles: Annotated[int, Field(strict=True, ge=1, le=MOST, examples=[10])]
    """Number of cycles, at most 10000; for cycles until failure a large number."""
    stripping_current_density: u.CurrentDensity | None = None
    """Current density of the second half-cycle, negative; the opposite of `current_density` unless stated."""
    rest: u.PositiveTime | None = None
    """Rest between half-steps; none unless stated."""

    @override
    def _problems(self) -> Iterator[Problem]:
        yield from super()._problems()
        back = self.stripping_current_density
        if back is None:
            return
        if back >= 0.0:
            yield Problem("stripping_current_density", "must be negative: it strips", back.text, "Change its sign")
        if self.current_density < 0.0:
            yield Problem(
                "current_density",
                "must be positive beside stripping_current_density: the first half-cycle plates",
                self.current_density.text,
                "Change its sign, or remove stripping_current_density",
            )

    @override
    def _computed(self) -> Iterator[ProtocolStep]:
        first = self._half(float(self.current_density))
        back = self.stripping_current_density
        second = self._half(-first.current_density if back is None else float(back))
        halves = ((half, n, 0) for n in range(1, self.cycles + 1) for half in (first, second))
        yield from _with_rests(halves, self.rest)


class RampStep(_CurrentStep):
    """A current that is raised from level to level: the way critical current densities are measured."""

    type: Literal["ramp"]
    current_step: StatedLevel
    """Difference of the current densities of a level and the next."""
    current_max: StatedLevel
    """Largest current density; the last level is the last one that does not pass it."""
    alternate: bool | None = None
    """Whether each level is a half-step and then one at the opposite current, as on symmetric cells. Default: true."""
    rest: u.PositiveTime | None = None
    """Rest between half-steps; none unless stated."""

    @override
    def _problems(self) -> Iterator[Problem]:
        if self.areal_capacity is not None and self.duration is not None:
            yield Problem(
                "duration",
                "a ramp is at fixed time or at fixed capacity, not both",
                self.duration.text,
                "Remove it or areal_capacity",
            )
        yield from super()._problems()
        if self.current_max < abs(self.current_density):
            yield Problem(
                "current_max",
                f"is below the first level ({self.current_density.text})",
                self.current_max.text,
                "Make it larger, or current_density smaller",
            )
        elif self._levels > MOST:
            yield Problem(
                "current_step",
                f"gives {self._levels} levels up to current_max ({self.current_max.text})",
                self.current_step.text,
                f"Make it larger: a ramp has at most {MOST} levels",
            )

    @property
    def _levels(self) -> int:
        """Number of levels; a ramp that is meant to end at `current_max` reaches it in spite of rounding."""
        first, rise, last = (float(v) for v in (self.current_density, self.current_step, self.current_max))
        return int((last - abs(first)) / rise + 1.0e-9) + 1

    @override
    def _computed(self) -> Iterator[ProtocolStep]:
        yield from _with_rests(self._halves(), self.rest)

    def _halves(self) -> Iterator[tuple[ProtocolStep, int, int]]:
        first, rise = float(self.current_density), float(self.current_step)
        sign = 1.0 if first > 0.0 else -1.0
        for level in range(1, self._levels + 1):
            current = first + sign * rise * (level - 1)
            if self.alternate is False:
                yield self._half(current), 0, level
            else:
                yield self._half(current), level, level
                yield self._half(-current), level, level


AnyStep = Annotated[
    ConstantCurrentStep | ConstantVoltageStep | RestStep | RampStep | CycleStep, Field(discriminator="type")
]
"""A step of any type; `type` decides which keys it has."""


def _optional(value: float | None) -> float | None:
    return None if value is None else float(value)


def _with_rests(halves: Iterator[tuple[ProtocolStep, int, int]], rest: float | None) -> Iterator[ProtocolStep]:
    """Half-steps with their cycle and level, and a rest between them; it belongs to the cycle it follows."""
    waiting: ProtocolStep | None = None
    for half, cycle, level in halves:
        if waiting is not None:
            yield waiting
        yield replace(half, cycle=cycle, level=level)
        if rest is not None:
            waiting = ProtocolStep(controls.Rest(), duration=float(rest), cycle=cycle, level=level)
