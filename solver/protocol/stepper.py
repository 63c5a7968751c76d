"""Follows a protocol with adaptive implicit steps: propose -> solve -> check -> commit | reject.

What a step is made of is the engines' business; what a protocol asks for, when a run ends, and how long the next step
should be is the same for all of them.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

import numpy as np
from lifrac.errors import Interrupted, NumericalFailure
from lifrac.quantities import Quantity, declare
from lifrac.solver.interfaces.laws import FaceLaws, law_numbers
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.control import Control, Rest
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.numerics.stepping import StepController
from lifrac.solver.physics.constants import surface_velocity_per_current

from .cell_state import CellState
from .events import EVENT_TOLERANCE, Event, EventDetector, ProtocolPosition, decay_ratio
from .loading import PRESSURE_CORRECTIONS, Loading, agree
from .measures import Areas, Measures
from .report import StepReport
from .restart import (
    Arrays,
    Values,
    cell_values,
    controller_of,
    controller_values,
    event_of,
    event_values,
    measures_of,
)
from .trial import COUNTED, Counters, Trial

LOG = logging.getLogger("lifrac.solver")
USUAL_STEPS, MIN_STEPS = 20.0, 5.0
"""Least number of time steps for a protocol step: while its state changes, and where every step was predicted."""
FIRST_STEP_ALLOWANCE = 0.1
"""Change of the lithium in the flaw, in flaw volumes, that the first time step of a protocol step may bring when it is
chosen from the last one at the same current."""
CHARGE_OVERSHOOT = 1.0e-3
"""Excess in the aim of a step for a charge whose time only the solution tells: a falling current never reaches it."""


class ProtocolRun[S: CellState](ABC):
    """Runs one cell through its protocol.

    A subclass sets `state`, `measures`, `path_end` and calls `start` before it is run.

    Parameters
    ----------
    model : CellModel
    flaw_opening : float
        Opening of the flaw when it grows [um]; sets the first time step.
    quantities : sequence of Quantity
        What this cell is measured for, besides what is registered; each with its function and declared.
    """

    state: S
    measures: Measures
    path_end: float
    """Distance from the anode face [um] at which crack or lithium count as through."""

    def __init__(self, model: CellModel, flaw_opening: float, quantities: Sequence[Quantity] = ()) -> None:
        self.cell_model, self._flaw_opening = model, flaw_opening
        self.quantities = tuple(quantities)
        self.counters = Counters()
        self.notes: list[str] = []
        self.output_capacities: list[float] = []
        """Throughputs [C/m2], ascending, that a step must end at (states to be stored)."""
        self.termination = ""
        self.failure: Event | None = None
        """The failure of the cell that ended the run."""
        self.skipped: list[Event] = []
        """Protocol steps that have ended without a time step since the last one."""
        self.interrupted: Callable[[], bool] = lambda: False
        """Whether to stop before the present time step has ended: an answer that every rank gets (collective)."""
        self.warn: Callable[[str], None] = lambda message: None
        """Takes a message for the user."""
        self._warned = -1
        """Protocol step in which a run that makes no headway was last told of."""
        self.share_failure: Callable[[NumericalFailure], None] = lambda error: None
        """Returns if all ranks that step have failed alike, and raises FailedAlone on a rank that others wait for."""
        self._first_steps: dict[float, float] = {}
        """First time step [s], by current density, that the last protocol step at this current should have had."""
        self._controller: StepController | None = None
        """Step control of the protocol step under way."""
        self._last_events: tuple[Event, ...] = ()
        """Events of the last accepted step."""
        self._under_way = False
        """The run goes on within a protocol step that had begun before it was interrupted."""
        self._longest = np.inf
        """Time [s] that a step whose length the engine chooses itself must not pass."""
        self._flaw_volume = 0.0
        """Volume of the flaw at the start of the run [um2, um3 in 3D]."""

    def start(self, thickness: float, resolution: float = 0.0) -> None:
        """Begin to look for events in the state.

        Parameters
        ----------
        thickness : float
            Distance of the electrodes [um].
        resolution : float
            Smallest advance [um] of a crack that can be told.
        """
        self.loading = Loading(self.cell_model, thickness)
        self.detector = EventDetector(self.cell_model, self.path_end, self.counters.first_events, resolution, self.laws)
        for quantity in self.laws.quantities:
            declare(quantity)
        self._at = ProtocolPosition(0, ProtocolStep(Rest()), self.state.throughput)
        self._flaw_volume = self.measures.flaw_volume

    @property
    def filling(self) -> float:
        """Lithium in the crack over the volume of the flaw: as it is, or as it was at the start if that was less.

        A crack that has grown counts as filled by what fills its flaw.
        """
        m = self.measures
        return m.lithium_volume / max(min(m.flaw_volume, self._flaw_volume), 1.0e-12)

    @property
    @abstractmethod
    def areas(self) -> Areas:
        """Areas of the electrodes as meshed."""

    @property
    @abstractmethod
    def laws(self) -> FaceLaws:
        """The laws on the faces, on the present mesh."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Fields of `state`, and what else of the engine is an array, by name; on rank 0 (collective)."""

    # -- what an engine does -------------------------------------------------------------------------------------

    @abstractmethod
    def _attempt(self, dt: float, control: Control, stack_pressure: float, failures: int) -> Trial[S]:
        """Solve a step from `state` at a stack pressure [MPa]; raises NumericalFailure on every rank alike."""

    @abstractmethod
    def _check(self, trial: Trial[S], dt: float, failures: int) -> tuple[float, str]:
        """Why a converged step is refused, and the factor for its next try; ('' if it is accepted)."""

    @abstractmethod
    def _finalise(self, trial: Trial[S], dt: float) -> Measures:
        """Add the step's charge, lithium and work to the balances of the new state, and return its measures."""

    @abstractmethod
    def _change_ratio(self, trial: Trial[S], measures: Measures) -> float:
        """Return the largest change in the step relative to its allowance."""

    @abstractmethod
    def _gained(self, state: S) -> float:
        """Return what lithium the flaw has gained, over the area of the anode [um] (collective where the engine is)."""

    @abstractmethod
    def _forget(self) -> None:
        """Nothing can be predicted from earlier steps: the current has changed."""

    def first_report(self) -> StepReport[S]:
        """Return the state before any step, as the first row of a history."""
        return StepReport(0, 0.0, 0, 0.0, 0, self.state, self.measures)

    def last_report(self) -> StepReport[S]:
        """Return where the run stands, as a report without events."""
        counters, at = self.counters, self._at
        return StepReport(
            counters.steps, 0.0, at.index, counters.current, 0, self.state, self.measures, cycle=at.step.cycle
        )

    def used_up(self) -> str:
        """Words for a run that has used up its steps before the end of its protocol; empty for others."""
        if self.termination != "max_steps":
            return ""
        refused = f" ({found})" if (found := self.refusals()) else ""
        most = self.cell_model.control.max_steps
        return f"solver.max_steps = {most} is used up before the end of the protocol{refused}"

    # -- stepping ------------------------------------------------------------------------------------------------

    def run(self) -> Iterator[StepReport[S]]:
        """Yield every accepted step until the protocol ends, a stop rule holds, or the numerics fail.

        Raises
        ------
        NumericalFailure
            When a step cannot be made small enough; `state` is the last good one.
        """
        if self._under_way:
            self.termination, self.failure = self.detector.ending(self._last_events)
        first = self._at.index
        for index, step in enumerate(self.cell_model.protocol[first:], first):
            if self.termination:
                return
            yield from self._protocol_step(index, step)
        self.termination = self.termination or "protocol_end"

    # -- restart after an interruption --------------------------------------------------------------------------

    def restart_values(self) -> Values:
        """Return everything that the run goes on from, besides the fields of its state."""
        at, protocol, counters = self._at, self.cell_model.protocol, self.counters
        return {
            "cell": cell_values(self.state),
            "laws": law_numbers(self.state.laws),
            "measures": dict(self.measures),
            "counters": {name: getattr(counters, name) for name in COUNTED},
            "first_events": [event_values(event, protocol) for event in counters.first_events.values()],
            "skipped": [event_values(event, protocol) for event in self.skipped],
            "last_events": [event_values(event, protocol) for event in self._last_events],
            "position": {f.name: getattr(at, f.name) for f in fields(at) if f.name != "step"},
            "flaw_volume": self._flaw_volume,
            "loading": self.loading.values(),
            "control": None if self._controller is None else controller_values(self._controller),
            "first_steps": list(self._first_steps.items()),
        }

    def restore(self, values: Values) -> None:
        """Restore the run to the place where `restart_values` were taken; `state` must be the state of then."""
        protocol, counters = self.cell_model.protocol, self.counters
        self.measures = measures_of(values["measures"], self.measures)
        for name, value in values["counters"].items():
            setattr(counters, name, value)
        counters.first_events.clear()
        counters.first_events.update({event["name"]: event_of(event, protocol) for event in values["first_events"]})
        self.skipped = [event_of(event, protocol) for event in values["skipped"]]
        self._last_events = tuple(event_of(event, protocol) for event in values["last_events"])
        self._first_steps = dict(values["first_steps"])
        self.loading.restore(values["loading"])
        self._flaw_volume = values.get("flaw_volume", self._flaw_volume)
        if values["control"] is not None:
            self._at = ProtocolPosition(step=protocol[values["position"]["index"]], **values["position"])
            self._controller = controller_of(values["control"])
            self._under_way = True

    def _first_step(self, step: ProtocolStep) -> float:
        control, length = self.cell_model.control, step.planned_time
        if control.first_step is not None:
            return control.first_step
        speed = 2.0 * surface_velocity_per_current(self.cell_model.anode.molar_volume) * abs(step.current_density)
        natural = 0.05 * control.step_factor * self._flaw_opening / speed if speed > 0.0 else 1.0
        return min(self._first_steps.get(step.current_density, min(natural, length / 50.0)), length / USUAL_STEPS)

    def _protocol_step(self, index: int, step: ProtocolStep) -> Iterator[StepReport[S]]:
        control, stop = self.cell_model.control, self.cell_model.stop
        largest = step.planned_time / MIN_STEPS
        usual = min(control.step_factor * step.planned_time / USUAL_STEPS, largest)
        if control.max_step is not None:
            usual = largest = control.max_step
        goes_on = self._under_way
        if goes_on:
            assert self._controller is not None
            at, controller, self._under_way = self._at, self._controller, False
        else:
            now, filling = self.state, self.filling
            at = self._at = ProtocolPosition(index, step, now.throughput, began=now.time, filling=filling)
            controller = StepController(self._first_step(step), largest, control.max_rejections, usual)
            self._controller = controller
            self.loading.begin(step, self.state, self._growth(self.state))
            self._forget()
        end = at.began + step.longest
        last = end if stop.time_limit is None else min(end, stop.time_limit)
        over = self.detector.step_end(self.state, self.measures, at)
        if over and not goes_on:
            self.skipped.extend(self._ended(over))
        while not over and self.state.time < last * (1.0 - 1.0e-13):
            if self.counters.steps >= control.max_steps:
                self.termination = "max_steps"
                return
            before = self.measures
            report = self._advance(controller, index, self._remaining(last))
            if at.voltage is None:
                at.voltage = abs(report.state.cell_voltage)
                factor = self._first_step_factor(controller.change_ratio, before)
                self._first_steps[step.current_density] = report.dt * factor
            at.filling = max(at.filling, self.filling)
            self._watch_headway(controller, self._to_end(last))
            over = self.detector.step_end(report.state, report.measures, at)
            if over or report.state.time >= end * (1.0 - 1.0e-13):
                report = replace(report, events=(*report.events, *self._ended(over)))
            elif report.state.time >= last * (1.0 - 1.0e-13):  # the run's time limit
                report = replace(report, events=(*report.events, *self.detector.plated_empty(self.state, at)))
            self._last_events = report.events
            yield report
            self.termination, self.failure = self.detector.ending(report.events)
            if self.termination:
                return
        if not over and self.state.time < end * (1.0 - 1.0e-13):
            self.termination = "time_limit"

    def _watch_headway(self, controller: StepController, remaining: float) -> None:
        """Tell once in a protocol step that it makes no headway, and why."""
        if self._warned != self._at.index and controller.stuck(remaining):
            self._warned = self._at.index
            self.warn(
                f"no headway in protocol step {self._at.index + 1} of {len(self.cell_model.protocol)}: steps of "
                f"{controller.next_step:.2g} s with {remaining:.4g} s to go ({controller.refusals()})"
            )

    def refusals(self) -> str:
        """How many tries of the present protocol step were refused, and why; '' if none was."""
        controller = self._controller
        return controller.refusals() if controller is not None and controller.rejected else ""

    def _first_step_factor(self, change_ratio: float, before: Measures) -> float:
        """Return by which factor the first time step of a protocol step could have been longer or is too long."""
        moved = abs(self.measures.lithium_volume - before.lithium_volume) / max(before.flaw_volume, 1.0e-12)
        change = max(change_ratio, moved / (FIRST_STEP_ALLOWANCE * self.cell_model.control.step_factor))
        return min(max(0.5 / change, 0.25), 4.0) if change > 0.0 else 4.0

    def _ended(self, why: str) -> tuple[Event, ...]:
        """Return the events of the end of a protocol step; that of the last one is the end of the run, and no event."""
        self.counters.ended += 1
        number, count = self._at.index + 1, len(self.cell_model.protocol)
        empty = self.detector.plated_empty(self.state, self._at)
        if number == count:
            return empty
        detail = f"step {number} of {count} has ended{why and ' ' + why}"
        return (*empty, self._at.event("protocol_step", self.state, detail))

    def _to_end(self, last: float) -> float:
        """Time [s] to the end of the protocol step, which is not later than `last`."""
        left, charge = last - self.state.time, self._at.left(self.state)
        if np.isfinite(self._at.step.control.time_for(charge)):
            return left  # a charge whose time is known is among the limits of time
        return min(left, self._time_for(charge))

    def _remaining(self, last: float) -> float:
        """Time [s] to what the next step must not pass: the end of the protocol step, or the next mark."""
        passed = self.state.throughput
        ahead = [mark - passed for mark in self.output_capacities if mark > passed * (1.0 + 1.0e-12)]
        return min(self._to_end(last), self._time_for(ahead[0])) if ahead else self._to_end(last)

    def _time_for(self, charge: float) -> float:
        """Time [s] in which a charge [C/m2] is passed; where only the solution tells, as the present current has it."""
        control = self._at.step.control
        time = control.time_for(charge)
        if np.isfinite(time):
            return time
        rate = abs(control.foreseen(self.state.current_density if self._at.voltage is not None else 0.0))
        return (1.0 + CHARGE_OVERSHOOT) * charge / rate if rate > 0.0 else np.inf

    def _advance(self, controller: StepController, index: int, remaining: float) -> StepReport[S]:
        """One accepted step, after as many rejections as it takes."""
        while True:
            dt = controller.propose(remaining)
            self._longest = remaining
            self.check_interrupt()
            try:
                trial = self._pressed(dt, controller.in_a_row)
            except NumericalFailure as error:
                self.share_failure(error)
                self._refuse(controller, dt, 0.35, "not converged", remaining)
                continue
            dt = dt if trial.dt is None else trial.dt
            factor, reason = self._check(trial, dt, controller.in_a_row)
            if reason:
                self._refuse(controller, dt, factor, reason, remaining)
                continue
            return self._commit(controller, trial, dt, index)

    def _growth(self, state: S) -> float:
        """Growth of the electrodes between the plates [um]."""
        return self.loading.growth(state.charge, self._gained(state))

    def _pressed(self, dt: float, failures: int) -> Trial[S]:
        """Return a step at the stack pressure that its own end gives: charge, lithium in the flaw and time.

        Raises
        ------
        NumericalFailure
            On every rank alike.
        """
        control, state, loading = self._at.step.control, self.state, self.loading
        charge = state.charge + control.foreseen(state.current_density if self._at.voltage is not None else 0.0) * dt
        pressure = loading.pressure(state.time + dt, loading.growth(charge, self._gained(state)))
        for _ in range(PRESSURE_CORRECTIONS):
            trial = self._attempt(dt, control, pressure, failures)
            found = loading.pressure(trial.state.time, self._growth(trial.state))
            if agree(pressure, found):
                return trial
            pressure = found
        raise NumericalFailure("the stack pressure of a step does not agree with what its fixture makes of its end")

    def _refuse(self, controller: StepController, dt: float, factor: float, reason: str, remaining: float) -> None:
        """Shorten the next try; a step that is tried for long is told of before the run is given up."""
        self.counters.rejected += 1
        controller.reject(dt, factor, reason)
        LOG.debug("step of %.4g s refused (%s), next %.4g s", dt, reason, controller.next_step)
        self._watch_headway(controller, remaining)

    def check_interrupt(self) -> None:
        """End the run if somebody has asked for it: between two tries of a step, and within long ones (collective).

        Raises
        ------
        Interrupted
            On every rank alike.
        """
        if self.interrupted():
            raise Interrupted("asked to stop within a time step")

    def _commit(self, controller: StepController, trial: Trial[S], dt: float, index: int) -> StepReport[S]:
        new, iterations = trial.state, trial.iterations
        measures = self._finalise(trial, dt)
        pressed = self.loading.change(self.state, new)
        before = self.state.current_density if self._at.voltage is not None else 0.0
        falling = decay_ratio(before, new.current_density, self._at.step.control.cutoff)
        loads = max(pressed, falling) / self.cell_model.control.step_factor
        controller.accepted(dt, trial.effort, max(self._change_ratio(trial, measures), loads))
        events = (*self.skipped, *self.detector.events(new, measures, self._at))
        self.skipped = []
        self.state, self.measures = new, measures
        cycle = self._at.step.cycle
        self.counters.steps += 1
        self.counters.iterations += iterations
        current = self.counters.current = new.current_density
        self.counters.first_current = self.counters.first_current or current
        return StepReport(self.counters.steps, dt, index, current, iterations, new, measures, events, cycle)

    # -- laws on the faces ---------------------------------------------------------------------------------------

    def _check_laws(self, new: S, dt: float, failures: int) -> tuple[float, str]:
        """Refuse a step in which a law changes too much for coefficients of its start, or passes a limit by far."""
        if refused := self.laws.refusal(self.state.laws, new.laws, dt):
            return refused
        limits = self.detector.limits(new)
        if not limits or failures >= 8:
            return 1.0, ""
        outputs = self.laws.outputs(new.laws)
        for limit in limits:
            before, least, after = self.measures[limit.quantity], limit.least, outputs[limit.quantity]
            if before > least > after and least - after > EVENT_TOLERANCE * least:
                return max((before - least) / (before - after), 0.02), "event"
        return 1.0, ""

    # -- outcome -------------------------------------------------------------------------------------------------

    @property
    def outcome(self) -> str:
        """The gravest thing that happened to the cell; `unfinished` if nothing did before the run was cut short."""
        return self.detector.outcome(self.termination)
