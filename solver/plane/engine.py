"""The plane engine: follows a protocol with adaptive implicit steps, propose -> solve -> check -> commit | reject."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from ..constants import surface_velocity_per_current
from ..errors import NumericalFailure
from ..numerics.stepping import StepController
from ..parameters import ProtocolStep
from .events import EVENT_TOLERANCE, Event, Passage, Watch
from .fields import COMPONENTS, METAL, OPENING, PRESSURE, Floats, State
from .measures import Measures, Observer
from .problem import NewtonResult, SurfaceProblem

PRESSURE_ALLOWANCE = 0.1
"""Change of the largest lithium pressure per step, in units of the flaw's Griffith pressure."""
USUAL_STEPS, FEWEST_STEPS = 20.0, 5.0
"""Least number of time steps for a protocol step: while its state changes, and where every step was predicted."""
FIRST_STEP_ALLOWANCE = 0.1
"""Change of the lithium in the flaw, in flaw volumes, that the first time step of a protocol step may bring when it is
chosen from the last one at the same current."""
CONTACT_ALLOWANCE = 0.05
"""Change of contact per step at any node: currents see the contact of the step's start."""
TOUGHNESS_ALLOWANCE = 0.05
"""Change of ln Gc_eff in a step, and of what it follows: the crack sees the tip current of the step's start."""


@dataclass(frozen=True)
class StepReport:
    """An accepted step."""

    number: int
    dt: float
    protocol_step: int
    current_density: float
    iterations: int
    state: State
    measures: Measures
    events: tuple[Event, ...] = ()
    cycle: int = 0


@dataclass
class Counters:
    steps: int = 0
    iterations: int = 0
    rejected: int = 0
    ended: int = 0
    """Protocol steps that have ended."""
    happened: dict[str, Event] = field(default_factory=dict)


class PlaneEngine:
    """Runs one cell. Not collective: the surface problem is small and lives on one rank.

    Parameters
    ----------
    problem : SurfaceProblem
    state : State, optional
        Where to start; default: the assembled cell at rest.
    """

    def __init__(self, problem: SurfaceProblem, state: State | None = None) -> None:
        self.problem = problem
        self.model = problem.model
        self.observer = Observer(problem)
        self.counters = Counters()
        self.notes: list[str] = []
        self.marks: list[float] = []
        """Throughputs [C/m2], ascending, that a step must end at (states to be stored)."""
        self.termination = ""
        self.failure: Event | None = None
        """The failure of the cell that ended the run."""
        self.skipped: list[Event] = []
        """Protocol steps that have ended without a time step since the last one."""
        self.state = state if state is not None else self._at_rest()
        if self.state.contact is None:
            self.state.contact = problem.contact_at_rest()
        self._previous: tuple[Floats, float] | None = None
        self._evaluate(self.state, 1.0)
        self.measures = self.observer.measure(self.state)
        chain = self.observer.distance
        self.path_end = (
            float(chain[-1] - 1.01 * (chain[-1] - chain[-2]))
            if self.observer.planar
            else float(problem.surface.x[problem.surface.crack, 1].max() - 1.5 * problem.cells.max())
        )
        self.watch = Watch(self.model, self.path_end, self.counters.happened)
        self._at = Passage(0, ProtocolStep("rest"), self.state.throughput)
        self._begun: dict[float, float] = {}
        """By current density: the first time step [s] that the last protocol step at this current should have had."""

    # -- start ---------------------------------------------------------------------------------------------------

    def _at_rest(self) -> State:
        """Flaw filled as stated; a full, open flaw has come to stack pressure if the flaw stands that."""
        p = self.problem
        n = p.surface.size
        values = np.zeros((n, COMPONENTS))
        values[:, METAL] = self.model.flaw.filling * p.crack.aperture
        state = State(values, np.zeros(n))
        pressed = self.model.loads.stack_pressure > 0.0 or self.model.loads.lateral_stress != 0.0
        if pressed and self.model.flaw.filling == 1.0 and self.model.flaw.mouth == "open":
            rested = self._under_stack_pressure(state)
            if rested is None:
                self.notes.append(
                    "no equilibrium with lithium at stack pressure all over the flaw: "
                    "lithium in it starts at zero pressure"
                )
            else:
                state = rested
        state.initial_metal = self.observer.stored(state)
        recoverable, dissipated = self.observer.cohesive_energy(state)
        state.work["start"] = self.observer.elastic_energy(state.values) + recoverable + dissipated
        return state

    def _under_stack_pressure(self, state: State) -> State | None:
        """Equilibrium with p = P all over the flaw, or None where the flaw would grow."""
        p = self.problem
        mouth, held = p.rule.mouth.copy(), p.held_pressure.copy()
        flaw = p.crack.aperture > 0.0
        p.rule.mouth |= flaw
        p.held_pressure[flaw] = self.model.loads.stack_pressure
        try:
            result = p.solve(state, 1.0e9, 0.0)
        except NumericalFailure:
            return None
        finally:
            p.rule.mouth[:], p.held_pressure[:] = mouth, held
        largest = self._largest(state, result.values, 1.0)
        if p.law.damage(largest).max() >= 1.0:
            return None
        return State(result.values, largest, result.voltage)

    def _largest(self, state: State, values: Floats, toughness: float) -> Floats:
        opening = values[:, OPENING] if toughness == 1.0 else values[:, OPENING] / toughness**0.5
        return np.where(self.problem.crack.intact_area > 0.0, np.maximum(state.largest, opening), 0.0)

    def _evaluate(self, state: State, dt: float) -> None:
        """Point the problem's forms at a state."""
        self.problem.begin_step(state)
        self.problem.residual(state.values, state.cell_voltage, dt)

    # -- stepping ------------------------------------------------------------------------------------------------

    def run(self) -> Iterator[StepReport]:
        """Yield every accepted step until the protocol ends, a stop rule holds, or the numerics fail.

        Raises
        ------
        NumericalFailure
            When a step cannot be made small enough; `state` is the last good one.
        """
        for index, step in enumerate(self.model.protocol):
            yield from self._protocol_step(index, step)
            if self.termination:
                return
        self.termination = "protocol_end"

    def _limits(self, step: ProtocolStep) -> float:
        """How long a protocol step lasts [s]."""
        limits = [] if step.duration is None else [step.duration]
        if step.capacity is not None and step.current_density != 0.0:
            limits.append(step.capacity / abs(step.current_density))
        return min(limits, default=np.inf)

    def _first_step(self, step: ProtocolStep, length: float) -> float:
        control = self.model.control
        if control.first_step is not None:
            return control.first_step
        speed = 2.0 * surface_velocity_per_current(self.model.anode.molar_volume) * abs(step.current_density)
        natural = 0.05 * self.problem.scales.length / speed if speed > 0.0 else 1.0
        return min(self._begun.get(step.current_density, min(natural, length / 50.0)), length / USUAL_STEPS)

    def _protocol_step(self, index: int, step: ProtocolStep) -> Iterator[StepReport]:
        control, stop = self.model.control, self.model.stop
        length = self._limits(step)
        usual, largest = length / USUAL_STEPS, length / FEWEST_STEPS
        if control.max_step is not None:
            usual = largest = control.max_step
        controller = StepController(self._first_step(step, length), largest, control.max_rejections, usual)
        end = self.state.time + length
        last = end if stop.time_limit is None else min(end, stop.time_limit)
        at = self._at = Passage(index, step, self.state.throughput)
        self._previous = None
        over = self.watch.step_end(self.state, self.measures, at)
        if over:
            self.skipped.extend(self._ended(over))
        while not over and self.state.time < last * (1.0 - 1.0e-13):
            if self.counters.steps >= control.max_steps:
                self.termination = "max_steps"
                return
            remaining = min(last - self.state.time, self._to_next_mark(step.current_density))
            before = self.measures
            report = self._advance(controller, index, step.current_density, remaining)
            if at.voltage is None:
                at.voltage = abs(report.state.cell_voltage)
                self._begun[step.current_density] = report.dt * self._room(controller.load, before)
            over = self.watch.step_end(report.state, report.measures, at)
            if over or report.state.time >= end * (1.0 - 1.0e-13):
                report = replace(report, events=(*report.events, *self._ended(over)))
            yield report
            if self._should_stop(report):
                return
        if not over and self.state.time < end * (1.0 - 1.0e-13):
            self.termination = "time_limit"

    def _room(self, load: float, before: Measures) -> float:
        """By what factor the first time step of a protocol step could have been longer, or should have been shorter."""
        moved = abs(self.measures.lithium_volume - before.lithium_volume) / max(before.flaw_volume, 1.0e-12)
        change = max(load, moved / FIRST_STEP_ALLOWANCE)
        return min(max(0.5 / change, 0.25), 4.0) if change > 0.0 else 4.0

    def _ended(self, why: str) -> tuple[Event, ...]:
        """A protocol step has ended; the end of the last one is the end of the run, not an event."""
        self.counters.ended += 1
        number, count = self._at.index + 1, len(self.model.protocol)
        if number == count:
            return ()
        detail = f"step {number} of {count} has ended{why and ' ' + why}"
        return (self._at.event("protocol_step", self.state, detail),)

    def _to_next_mark(self, current: float) -> float:
        """Time to the next mark [s]."""
        ahead = [m for m in self.marks if m > self.state.throughput * (1.0 + 1.0e-12)]
        return (ahead[0] - self.state.throughput) / abs(current) if ahead and current != 0.0 else np.inf

    def _advance(self, controller: StepController, index: int, current: float, remaining: float) -> StepReport:
        """One accepted step, after as many rejections as it takes."""
        while True:
            dt = controller.propose(remaining)
            try:
                result = self.problem.solve(self.state, dt, current, self._predict(dt, controller.in_a_row))
            except NumericalFailure:
                self.counters.rejected += 1
                controller.reject(dt, 0.35, "not converged")
                continue
            proposed = self._proposal(result, dt, current)
            factor, reason = self._check(proposed, dt, controller.in_a_row)
            if reason:
                self.counters.rejected += 1
                controller.reject(dt, factor, reason)
                continue
            return self._commit(controller, proposed, result, dt, index, current)

    def _predict(self, dt: float, failures: int) -> Floats | None:
        """Linear extrapolation of the last two states; none after a failure."""
        if self._previous is None or failures:
            return None
        older, dt_old = self._previous
        now = self.state.values
        guess = now + min(dt / dt_old, 2.0) * (now - older)
        p = self.problem
        np.maximum(guess[:, OPENING], p.crack.floor, out=guess[:, OPENING])
        np.maximum(guess[:, PRESSURE], 0.0, out=guess[:, PRESSURE])
        guess[now[:, PRESSURE] <= 0.0, PRESSURE] = 0.0
        aperture = p.crack.aperture + guess[:, OPENING]
        full = now[:, PRESSURE] > 0.0
        guess[:, METAL] = np.where(full, aperture, np.clip(guess[:, METAL], 0.0, np.maximum(aperture, 0.0)))
        return guess

    def _proposal(self, result: NewtonResult, dt: float, current: float) -> State:
        new = self.state.snapshot()
        new.values = result.values
        new.toughness_factor = self.problem.toughness_factor(self.state, dt)
        new.largest = self._largest(self.state, result.values, new.toughness_factor)
        new.cell_voltage = result.voltage
        new.time += dt
        new.charge += current * dt
        new.throughput += abs(current) * dt
        new.contact = self.problem.contact_after(self.state, result.values, dt)
        new.tip_current = 0.0 if self.problem.toughness is None else self.observer.tip_current(new)
        return new

    def _check(self, new: State, dt: float, failures: int) -> tuple[float, str]:
        """Why a converged step is refused, and the factor for its next try; ('' if it is accepted)."""
        advance = self._advance_in_cells(new)
        allowed = self.model.control.max_advance_cells
        if advance > 1.5 * allowed:
            return max(0.75 * allowed / advance, 0.1), "crack advance"
        for value_old, value_new, target in self._event_lengths(new):
            overshoot = (value_new - target) / self.problem.cell_at(target)
            if value_old < target < value_new and overshoot > EVENT_TOLERANCE and failures < 8:
                return max((target - value_old) / (value_new - value_old), 0.02), "event"
        change = self._toughness_change(new)
        if change > TOUGHNESS_ALLOWANCE and dt > TOUGHNESS_ALLOWANCE * self.problem.toughness_delay:
            return max(0.75 * TOUGHNESS_ALLOWANCE / change, 0.1), "toughness change"
        part = self.watch.overshoot(self.state, new, self._at) if failures < 8 else None
        return (part, "event") if part is not None else self._check_contact(new, failures)

    def _toughness_change(self, new: State) -> float:
        """Change of ln Gc_eff in this step, or of what it follows, whichever is larger."""
        law, old = self.problem.toughness, self.state
        if law is None:
            return 0.0
        aim = law.factor(new.tip_current) / law.factor(old.tip_current)
        return float(np.abs(np.log([new.toughness_factor / old.toughness_factor, aim])).max())

    def _check_contact(self, new: State, failures: int) -> tuple[float, str]:
        """Refuse a step in which contact changes too much for currents held, or falls far below its minimum."""
        change = self._contact_change(new)
        if change > CONTACT_ALLOWANCE:
            return max(0.75 * CONTACT_ALLOWANCE / change, 0.1), "contact change"
        if self.model.contact is None or failures >= 8:
            return 1.0, ""
        m, least = self.measures, self.watch.lost_below
        faces = zip((m.contact_anode, m.contact_counter), self.observer.mean_contact(new), strict=True)
        for before, after in faces:
            if before > least > after and least - after > EVENT_TOLERANCE * least:
                return max((before - least) / (before - after), 0.02), "event"
        return 1.0, ""

    def _contact_change(self, new: State) -> float:
        """Largest change of contact at a node in this step."""
        if new.contact is None or self.state.contact is None:
            return 0.0
        return float(np.abs(new.contact.now - self.state.contact.now).max())

    def _advance_in_cells(self, new: State) -> float:
        return (self.observer.crack_length(new) - self.measures.crack_length) / self.problem.cell_at(
            self.measures.crack_length
        )

    def _event_lengths(self, new: State) -> list[tuple[float, float, float]]:
        """(before, after, target) of the lengths whose passing is an event that has not happened yet."""
        m, happened = self.measures, self.counters.happened
        pairs = []
        if "crack_through" not in happened:
            pairs.append((m.crack_tip, self.observer.crack_tip(new), self.path_end))
        if "short_circuit" not in happened:
            pairs.append((m.lithium_length, self.observer.lithium_length(new), self.path_end))
        return pairs

    def _commit(
        self, controller: StepController, new: State, result: NewtonResult, dt: float, index: int, current: float
    ) -> StepReport:
        # The step may have been solved before a rejected one: point the forms at it again.
        self.problem.residual(new.values, new.cell_voltage, dt)
        self.observer.book(self.state, new, dt, result.residual)
        measures = self.observer.measure(new)
        change = abs(measures.max_pressure - self.measures.max_pressure) / self.problem.scales.pressure
        load = max(
            self._advance_in_cells(new) / self.model.control.max_advance_cells,
            change / PRESSURE_ALLOWANCE,
            self._contact_change(new) / CONTACT_ALLOWANCE,
            self._toughness_change(new) / TOUGHNESS_ALLOWANCE,
        )
        controller.accepted(dt, result.iterations, load)
        events = (*self.skipped, *self.watch.events(new, measures, self._at))
        self.skipped = []
        self._previous = (self.state.values, dt)
        self.state, self.measures = new, measures
        cycle = self._at.step.cycle
        self.counters.steps += 1
        self.counters.iterations += result.iterations
        return StepReport(self.counters.steps, dt, index, current, result.iterations, new, measures, events, cycle)

    # -- outcome -------------------------------------------------------------------------------------------------

    def _should_stop(self, report: StepReport) -> bool:
        self.termination, self.failure = self.watch.ending(report.events)
        return bool(self.termination)

    @property
    def outcome(self) -> str:
        """The gravest thing that happened to the cell; `unfinished` if nothing did before the run was cut short."""
        return self.watch.outcome(self.termination)
