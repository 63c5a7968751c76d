"""The protocol of a case: what is done to the cell, in a short form or step by step."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from lifrac.problems.quantities import units as u
from lifrac.solver.model.control import ConstantCurrent, Rest
from lifrac.solver.model.protocol import ProtocolStep, StopRules
from pydantic import model_validator

from .protocol_steps import AnyStep, ConstantVoltageStep, Step
from .schema_tools import Problem, Problems, Strict

SHORT_FORM = (
    "current_density",
    "areal_capacity",
    "duration",
    "rest_before",
    "rest_after",
    "reversal_capacity",
    "reversal_current_density",
)


class Protocol(Strict):
    """The load on the cell: the short form (one current, with optional rests and reversal) or `steps`."""

    current_density: u.CurrentDensity | None = None
    """Short form: current density; positive plates lithium at the anode."""
    areal_capacity: u.ArealCapacity | None = None
    """Short form: charge after which the current ends."""
    duration: u.PositiveTime | None = None
    """Short form: time after which the current ends."""
    rest_before: u.PositiveTime | None = None
    """Short form: rest before the current."""
    rest_after: u.PositiveTime | None = None
    """Short form: rest after the current, before a reversal."""
    reversal_capacity: u.ArealCapacity | None = None
    """Short form: charge passed back after the current (and `rest_after`)."""
    reversal_current_density: u.CurrentDensity | None = None
    """Short form: current density of the reversal; the opposite of `current_density` unless stated."""
    steps: tuple[AnyStep, ...] | None = None
    """Long form: `[[protocol.steps]]`, one table per step."""
    voltage_limit: u.PositiveVoltage | None = None
    """The run ends when the magnitude of the cell voltage reaches this."""
    stop_at: Literal["short_circuit", "crack_through", "fracture"] = "short_circuit"
    """The run ends at this outcome, if its protocol does not end before."""
    voltage_drop: Annotated[u.Quantity, u.NUMBER.within(gt=0.0, lt=1.0)] | None = None
    """The run ends when the magnitude of the cell voltage has fallen by this share of its value at the start of the
    step (half-step of a ramp or cycle): the sign of a short circuit in experiments."""
    time_limit: u.PositiveTime | None = None
    """The run ends after this time, wherever its protocol stands."""
    on_contact_lost: Literal["stop", "next_step"] = "stop"
    """Whether lost contact ends the run (`stop`), or the step or half-step (`next_step`).

    The latter is what happens when a three-electrode cell is plated again.
    """

    @model_validator(mode="after")
    def _check(self) -> "Protocol":
        found = list(self._problems())
        if found:
            raise Problems(found)
        return self

    def _problems(self) -> Iterator[Problem]:
        short = [name for name in SHORT_FORM if getattr(self, name) is not None]
        if self.steps is not None:
            if not self.steps:
                yield Problem("steps", "is empty", remedy="Add a [[protocol.steps]] table")
            for name in short:
                yield Problem(
                    name,
                    "cannot stand beside protocol.steps",
                    getattr(self, name).text,
                    "Move it into a [[protocol.steps]] table",
                )
            yield from self._limit_problems()
            return
        if self.current_density is None:
            yield Problem("current_density", "is required", remedy='Add current_density = "1 mA/cm^2", or steps')
        elif self.current_density == 0.0:
            yield Problem(
                "current_density",
                "must not be zero",
                self.current_density.text,
                "State a current, or a rest as a [[protocol.steps]] table",
            )
        if self.areal_capacity is None and self.duration is None:
            yield Problem(
                "areal_capacity",
                "the protocol has no end",
                remedy='Add areal_capacity = "0.5 mAh/cm^2" or duration = "1 h"',
            )
        yield from self._reversal_problems()

    def _limit_problems(self) -> Iterator[Problem]:
        for number, step in enumerate(self.steps or ()):
            ends, step_ends = self.voltage_limit, getattr(step, "voltage_limit", None)
            if ends is not None and step_ends is not None and step_ends >= ends:
                yield Problem(
                    f"steps[{number}].voltage_limit",
                    f"is never reached: the run ends at protocol.voltage_limit ({ends.text})",
                    step_ends.text,
                    "Make it smaller, or protocol.voltage_limit larger",
                )
            if ends is not None and isinstance(step, ConstantVoltageStep) and abs(step.voltage) >= ends:
                yield Problem(
                    f"steps[{number}].voltage",
                    f"ends the run at once: it is not below protocol.voltage_limit ({ends.text})",
                    step.voltage.text,
                    "Make it smaller, or protocol.voltage_limit larger",
                )

    def _reversal_problems(self) -> Iterator[Problem]:
        back = self.reversal_current_density
        if back is None:
            return
        if self.reversal_capacity is None:
            yield Problem("reversal_current_density", "the reversal has no end", back.text, "Add reversal_capacity")
        if self.current_density is not None and back * self.current_density >= 0.0:
            yield Problem(
                "reversal_current_density",
                "must have the opposite sign of current_density",
                back.text,
                "Change its sign",
            )

    def resolved(self, stack_pressure: float | None = None) -> tuple[ProtocolStep, ...]:
        """Return the steps in internal units, from either form; ramps and cycles half-step by half-step.

        Parameters
        ----------
        stack_pressure : float, optional
            That of steps that state none [MPa], where another one states it; None: they leave it as it is.
        """
        if self.steps is not None:
            stated = any(step.stack_pressure is not None for step in self.steps)
            return tuple(_numbered(self.steps, stack_pressure if stated else None))
        forward = ProtocolStep(
            ConstantCurrent(float(self.current_density or 0.0)),
            capacity=None if self.areal_capacity is None else float(self.areal_capacity),
            duration=None if self.duration is None else float(self.duration),
        )
        steps = [_rest(self.rest_before), forward, _rest(self.rest_after)]
        if self.reversal_capacity is not None:
            current = -forward.current_density
            if self.reversal_current_density is not None:
                current = float(self.reversal_current_density)
            steps.append(ProtocolStep(ConstantCurrent(current), float(self.reversal_capacity)))
        return tuple(step for step in steps if step is not None)

    def stop_rules(self) -> StopRules:
        """Return what ends a run besides its steps."""
        return StopRules(
            voltage_limit=None if self.voltage_limit is None else float(self.voltage_limit),
            at_fracture=self.stop_at == "fracture",
            at_crack_through=self.stop_at == "crack_through",
            voltage_drop=None if self.voltage_drop is None else float(self.voltage_drop),
            time_limit=None if self.time_limit is None else float(self.time_limit),
            at_contact_lost=self.on_contact_lost == "stop",
        )


def _numbered(steps: Sequence[Step], stack_pressure: float | None) -> Iterator[ProtocolStep]:
    """All steps, cycles counted through the whole protocol."""
    before = 0
    for stated in steps:
        last = before
        for step in stated.expanded(stack_pressure):
            last = before + step.cycle
            yield replace(step, cycle=last) if step.cycle and before else step
        before = last


def _rest(duration: float | None) -> ProtocolStep | None:
    return None if duration is None else ProtocolStep(Rest(), duration=float(duration))
