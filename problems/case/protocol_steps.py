"""The steps a protocol may list: constant current and voltage, rest, ramp and cycle; what each needs and means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal, override

from lifrac.problems.quantities import units as u
from lifrac.solver.model import control as controls
from lifrac.solver.model.protocol import ProtocolStep
from pydantic import BaseModel, Field, model_validator

from .schema_tools import Kind, Problem, Problems, Strict

MOST = 10000
"""Most cycles, or levels of a ramp, that one step may ask for."""


class Step(Strict):
    """One step of a protocol; it ends at the first of its limits. `ramp` and `cycle` stand for many half-steps."""

    type: Literal["constant_current", "constant_voltage", "rest", "ramp", "cycle"]
    """`constant_current`, `constant_voltage` (the cell voltage is held), `rest`, `ramp` (current raised from level to
    level) or `cycle` (plating and stripping in turn)."""
    current_density: u.CurrentDensity | None = None
    """Current density; positive plates lithium at the anode, negative strips it. Ramp: of the first level. Ramp and
    cycle: of the first half-step."""
    voltage: u.Voltage | None = None
    """Constant voltage: the cell voltage that is held; positive plates lithium at the anode, negative strips it."""
    cutoff_current_density: u.PositiveCurrentDensity | None = None
    """Constant voltage: the step ends when the magnitude of the current density has fallen to this."""
    areal_capacity: u.ArealCapacity | None = None
    """Charge passed in this step, as a positive number. Ramp and cycle: in each half-step."""
    duration: u.PositiveTime | None = None
    """Duration of the step. Ramp and cycle: of each half-step. A ramp has either this or `areal_capacity`."""
    voltage_limit: u.PositiveVoltage | None = None
    """The step, or the half-step of a ramp or cycle, ends when the magnitude of the cell voltage reaches this; the
    run goes on. Not for a rest or a constant voltage."""
    stack_pressure: u.StackPressure | None = None
    """Stack pressure that is set when the step begins. Default: that of `operation`, if another step states one; a
    spring or a fixed gap is left as it is."""
    stack_pressure_ramp: u.PositiveTime | None = None
    """Time over which the stack pressure is brought to `stack_pressure`, linearly; at once unless stated."""
    current_step: u.PositiveCurrentDensity | None = None
    """Ramp: by how much the current density rises from level to level."""
    current_max: u.PositiveCurrentDensity | None = None
    """Ramp: largest current density; the last level is the last one that does not pass it."""
    alternate: bool | None = None
    """Ramp: whether each level is a half-step and then one at the opposite current, as on symmetric cells. Default:
    true."""
    cycles: Annotated[int, Field(strict=True, ge=1, le=MOST)] | None = None
    """Cycle: number of cycles, at most 10000; for cycles until failure a large number."""
    stripping_current_density: u.CurrentDensity | None = None
    """Cycle: current density of the second half-cycle, negative; the opposite of `current_density` unless stated."""
    rest: u.PositiveTime | None = None
    """Ramp and cycle: rest between half-steps; none unless stated."""

    @model_validator(mode="after")
    def _check(self) -> "Step":
        kind = KINDS[self.type]
        found = [*kind.foreign(self, f"in a step of type {self.type}", KINDS), *kind.problems(self)]
        found += self._pressure_problems()
        if found:
            raise Problems(found)
        return self

    def _pressure_problems(self) -> Iterator[Problem]:
        if self.stack_pressure_ramp is not None and self.stack_pressure is None:
            text = self.stack_pressure_ramp.text
            yield Problem("stack_pressure_ramp", "leads to no stack pressure", text, 'Add stack_pressure = "5 MPa"')

    def expanded(self, otherwise: float | None = None) -> Iterator[ProtocolStep]:
        """Yield the steps that are computed, in internal units; cycles are counted from 1 within this step.

        Parameters
        ----------
        otherwise : float, optional
            Stack pressure [MPa] of a step that states none; None: it stays as it is.
        """
        pressure = otherwise if self.stack_pressure is None else float(self.stack_pressure)
        steps = KINDS[self.type].expanded(self)
        yield replace(next(steps), stack_pressure=pressure, pressure_ramp=float(self.stack_pressure_ramp or 0.0))
        yield from steps

    def half(self, current: float) -> ProtocolStep:
        """Return a computed step with the limits of this one, at a current density [A/m2]."""
        return self.driven(controls.ConstantCurrent(current))

    def driven(self, control: controls.Control) -> ProtocolStep:
        """Return a computed step with the limits of this one, under a control."""
        return ProtocolStep(
            control, _optional(self.areal_capacity), _optional(self.duration), _optional(self.voltage_limit)
        )


def _optional(value: float | None) -> float | None:
    return None if value is None else float(value)


@dataclass(frozen=True)
class StepKind(Kind):
    """One type of step: which keys it may and must state, and what they mean."""

    def problems(self, step: Step) -> Iterator[Problem]:
        """Yield what is missing or contradicts itself."""
        raise NotImplementedError

    def expanded(self, step: Step) -> Iterator[ProtocolStep]:
        """Yield the steps that are computed."""
        raise NotImplementedError


class Rest(StepKind):
    """No current."""

    @override
    def foreign(self, table: BaseModel, where: str, kinds: Mapping[str, Kind]) -> Iterator[Problem]:
        own = ("current_density", "areal_capacity")  # `problems` says more about them
        yield from (p for p in super().foreign(table, where, kinds) if p.key not in own)

    @override
    def problems(self, step: Step) -> Iterator[Problem]:
        if step.current_density is not None and step.current_density != 0.0:
            yield Problem(
                "current_density",
                "a rest has no current",
                step.current_density.text,
                'Remove it, or write type = "constant_current"',
            )
        if step.areal_capacity is not None:
            yield Problem("areal_capacity", "a rest passes no charge", step.areal_capacity.text, "Remove it")
        if step.duration is None:
            yield Problem("duration", "is required for a rest", remedy='Add duration = "1 h"')

    @override
    def expanded(self, step: Step) -> Iterator[ProtocolStep]:
        yield ProtocolStep(controls.Rest(), duration=_optional(step.duration))


class ConstantCurrent(StepKind):
    """One current up to a charge, a time, or a voltage."""

    @override
    def problems(self, step: Step) -> Iterator[Problem]:
        yield from _current_problems(step)
        yield from _end_problems(step)

    @override
    def expanded(self, step: Step) -> Iterator[ProtocolStep]:
        yield step.half(float(step.current_density or 0.0))


class ConstantVoltage(StepKind):
    """One voltage up to a charge or a time, or until the current has fallen."""

    @override
    def problems(self, step: Step) -> Iterator[Problem]:
        if step.voltage is None:
            yield Problem("voltage", "is required", remedy='Add voltage = "50 mV"')
        elif step.voltage == 0.0:
            yield Problem("voltage", "drives no current", step.voltage.text, 'Write type = "rest"')
        yield from _end_problems(step)

    @override
    def expanded(self, step: Step) -> Iterator[ProtocolStep]:
        cutoff = _optional(step.cutoff_current_density)
        yield step.driven(controls.ConstantVoltage(float(step.voltage or 0.0), 0.0, cutoff))


class Cycle(StepKind):
    """Plating and stripping in turn."""

    @override
    def problems(self, step: Step) -> Iterator[Problem]:
        yield from _current_problems(step)
        yield from _end_problems(step)
        if step.cycles is None:
            yield Problem("cycles", "is required for a cycle", remedy="Add cycles = 10")
        back = step.stripping_current_density
        if back is None:
            return
        if back >= 0.0:
            yield Problem("stripping_current_density", "must be negative: it strips", back.text, "Change its sign")
        if step.current_density is not None and step.current_density < 0.0:
            yield Problem(
                "current_density",
                "must be positive beside stripping_current_density: the first half-cycle plates",
                step.current_density.text,
                "Change its sign, or remove stripping_current_density",
            )

    @override
    def expanded(self, step: Step) -> Iterator[ProtocolStep]:
        first = step.half(float(step.current_density or 0.0))
        back = step.stripping_current_density
        second = step.half(-first.current_density if back is None else float(back))
        halves = ((half, n, 0) for n in range(1, (step.cycles or 0) + 1) for half in (first, second))
        yield from _with_rests(halves, step.rest)


class Ramp(StepKind):
    """A current that is raised from level to level: the way critical current densities are measured."""

    @override
    def problems(self, step: Step) -> Iterator[Problem]:
        yield from _current_problems(step)
        if step.areal_capacity is not None and step.duration is not None:
            yield Problem(
                "duration",
                "a ramp is at fixed time or at fixed capacity, not both",
                step.duration.text,
                "Remove it or areal_capacity",
            )
        yield from _end_problems(step)
        for name in ("current_step", "current_max"):
            if getattr(step, name) is None:
                yield Problem(name, "is required for a ramp", remedy=f'Add {name} = "1 mA/cm^2"')
        if step.current_density is None or step.current_step is None or step.current_max is None:
            return
        if step.current_max < abs(step.current_density):
            yield Problem(
                "current_max",
                f"is below the first level ({step.current_density.text})",
                step.current_max.text,
                "Make it larger, or current_density smaller",
            )
        elif _levels(step) > MOST:
            yield Problem(
                "current_step",
                f"gives {_levels(step)} levels up to current_max ({step.current_max.text})",
                step.current_step.text,
                f"Make it larger: a ramp has at most {MOST} levels",
            )

    @override
    def expanded(self, step: Step) -> Iterator[ProtocolStep]:
        yield from _with_rests(self._halves(step), step.rest)

    def _halves(self, step: Step) -> Iterator[tuple[ProtocolStep, int, int]]:
        first, rise = float(step.current_density or 0.0), float(step.current_step or 0.0)
        sign = 1.0 if first > 0.0 else -1.0
        for level in range(1, _levels(step) + 1):
            current = first + sign * rise * (level - 1)
            if step.alternate is False:
                yield step.half(current), 0, level
            else:
                yield step.half(current), level, level
                yield step.half(-current), level, level


def _levels(step: Step) -> int:
    """Levels of a ramp; one that is meant to end at `current_max` reaches it in spite of rounding."""
    first, rise, last = (float(v or 0.0) for v in (step.current_density, step.current_step, step.current_max))
    return int((last - abs(first)) / rise + 1.0e-9) + 1


def _with_rests(halves: Iterator[tuple[ProtocolStep, int, int]], rest: float | None) -> Iterator[ProtocolStep]:
    """Half-steps with their cycle and level, and a rest between them; it belongs to the cycle it follows."""
    waiting: ProtocolStep | None = None
    for half, cycle, level in halves:
        if waiting is not None:
            yield waiting
        yield replace(half, cycle=cycle, level=level)
        if rest is not None:
            waiting = ProtocolStep(controls.Rest(), duration=float(rest), cycle=cycle, level=level)


def _current_problems(step: Step) -> Iterator[Problem]:
    if step.current_density is None:
        yield Problem("current_density", "is required", remedy='Add current_density = "1 mA/cm^2"')
    elif step.current_density == 0.0:
        yield Problem(
            "current_density",
            f"must not be zero in a {step.type.replace('_', '-')} step",
            step.current_density.text,
            'Write type = "rest"',
        )


def _end_problems(step: Step) -> Iterator[Problem]:
    if step.areal_capacity is None and step.duration is None:
        yield Problem("areal_capacity", "the step has no end", remedy="Add areal_capacity or duration")


_ALL = ("stack_pressure", "stack_pressure_ramp")
_PASSING = ("current_density", "areal_capacity", "duration", "voltage_limit", *_ALL)
KINDS: dict[str, StepKind] = {
    "constant_current": ConstantCurrent(_PASSING),
    "constant_voltage": ConstantVoltage(("voltage", "cutoff_current_density", "areal_capacity", "duration", *_ALL)),
    "rest": Rest(("duration", *_ALL)),
    "ramp": Ramp((*_PASSING, "current_step", "current_max", "alternate", "rest")),
    "cycle": Cycle((*_PASSING, "cycles", "stripping_current_density", "rest")),
}
