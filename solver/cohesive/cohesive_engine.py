"""The cohesive engine: a crack in the plane of its flaw, whose faces tractions hold; the bulk is condensed onto it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import override

import numpy as np
from lifrac.errors import NumericalFailure
from lifrac.quantities import Quantity
from lifrac.solver.interfaces.laws import FaceLaws, law_arrays, law_states
from lifrac.solver.model.control import Control, Rest
from lifrac.solver.plane.plane_fields import SurfaceSnapshot
from lifrac.solver.protocol.events import EVENT_TOLERANCE
from lifrac.solver.protocol.loading import PRESSURE_ALLOWANCE
from lifrac.solver.protocol.measures import Areas, Measures
from lifrac.solver.protocol.restart import Arrays, Values, node_order
from lifrac.solver.protocol.stepper import ProtocolRun
from lifrac.solver.protocol.trial import Trial

from .cohesive_diagnostics import CohesiveDiagnostics
from .cohesive_problem import NewtonResult, SurfaceProblem
from .cohesive_view import CohesiveView
from .unknowns import (
    COMPONENTS,
    COUNTER_CURRENT,
    CURRENT,
    LITHIUM_THICKNESS,
    OPENING,
    POTENTIAL,
    PRESSURE,
    Floats,
    State,
)


@dataclass(frozen=True)
class PlaneTrial(Trial[State]):
    """A trial with the solution of the surface problem that it rests on."""

    result: NewtonResult


class CohesiveEngine(ProtocolRun[State]):
    """Runs one cell. Not collective: the surface problem is small and lives on one rank.

    Parameters
    ----------
    problem : SurfaceProblem
    state : State, optional
        Where to start; default: the assembled cell at rest.
    quantities : sequence of Quantity
        What this cell is measured for, besides what is registered; each with its function.
    """

    @classmethod
    def resumed(
        cls, problem: SurfaceProblem, values: Values, arrays: Arrays, quantities: Sequence[Quantity] = ()
    ) -> "CohesiveEngine":
        """Return the engine that `restart_values` and `arrays` were taken from."""
        order = node_order(arrays, problem.surface.x)
        laws = law_states(values["laws"], arrays, order)
        state = State(arrays["values"][order], arrays["max_opening"][order], laws=laws, **values["cell"])
        engine = cls(problem, state, quantities)
        engine.restore(values)
        if "previous" in arrays:
            engine._previous = arrays["previous"][order], values["previous_step"]
        return engine

    def __init__(
        self, problem: SurfaceProblem, state: State | None = None, quantities: Sequence[Quantity] = ()
    ) -> None:
        super().__init__(problem.model, problem.scales.length, quantities)
        self.problem = problem
        self.model = problem.model
        self.diagnostics = CohesiveDiagnostics(problem)
        self.state = state if state is not None else self._at_rest()
        self.state.laws = problem.initial_laws(self.state.laws)
        self._previous: tuple[Floats, float] | None = None
        self._evaluate(self.state, 1.0)
        self.measures = self._measure(self.state)
        distance = self.diagnostics.distance
        self.path_end = (
            float(distance[-1] - 1.01 * (distance[-1] - distance[-2]))
            if self.diagnostics.planar
            else float(problem.surface.x[problem.surface.crack, 1].max() - 1.5 * problem.cells.max())
        )
        self.start(thickness=float(problem.surface.x[problem.surface.counter, 1].max()))

    @override
    def restart_values(self) -> Values:
        return super().restart_values() | {"previous_step": None if self._previous is None else self._previous[1]}

    @property
    @override
    def areas(self) -> Areas:
        return self.problem.areas

    @property
    @override
    def laws(self) -> FaceLaws:
        return self.problem.laws

    @override
    def arrays(self) -> Arrays:
        state = self.state
        found = {"nodes": self.problem.surface.x, "values": state.values, "max_opening": state.max_opening}
        if self._previous is not None:
            found["previous"] = self._previous[0]
        return found | law_arrays(state.laws)

    def snapshot(self) -> SurfaceSnapshot:
        """Return what the fields of the last accepted state are recovered from."""
        state, problem = self.state, self.problem
        values = state.values
        return SurfaceSnapshot(
            time=state.time,
            potential=values[:, POTENTIAL],
            opening=values[:, OPENING],
            lithium_thickness=values[:, LITHIUM_THICKNESS],
            lithium_pressure=values[:, PRESSURE],
            current=values[:, CURRENT] - values[:, COUNTER_CURRENT],
            aperture=problem.crack.aperture + values[:, OPENING],
            damage=self.diagnostics.damage(state),
            contact=problem.touching(state),
            stack_pressure=state.stack_pressure,
        )

    # -- start ---------------------------------------------------------------------------------------------------

    def _at_rest(self) -> State:
        """Flaw filled as stated; a full, open flaw has come to stack pressure if the flaw stands that."""
        p = self.problem
        n = p.surface.size
        values = np.zeros((n, COMPONENTS))
        values[:, LITHIUM_THICKNESS] = self.model.flaw.filling * p.crack.aperture
        pressure, laws = self.model.loads.stack_pressure, p.initial_laws()
        state = State(values, np.zeros(n), stack_pressure=pressure, largest_stack_pressure=pressure, laws=laws)
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
        state.initial_lithium = self.diagnostics.stored(state)
        recoverable, dissipated = self.diagnostics.cohesive_energy(state)
        state.work["start"] = self.diagnostics.elastic_energy(state) + recoverable + dissipated
        return state

    def _under_stack_pressure(self, state: State) -> State | None:
        """Equilibrium with p = P all over the flaw, or None where the flaw would grow."""
        p = self.problem
        mouth, loads = p.rule.mouth.copy(), self.model.loads
        flaw = p.crack.aperture > 0.0
        p.rule.mouth |= flaw
        p.given_pressure = np.where(p.rule.mouth, max(loads.stack_pressure, -loads.lateral_stress), 0.0)
        try:
            result = p.solve(state, 1.0e9, Rest())
        except NumericalFailure:
            return None
        finally:
            p.rule.mouth[:], p.given_pressure = mouth, None
        max_opening = self._max_opening(state, result.values, 1.0)
        if p.law.damage(max_opening).max() >= 1.0:
            return None
        return replace(state, values=result.values, max_opening=max_opening, cell_voltage=result.voltage)

    def _max_opening(self, state: State, values: Floats, toughness: float) -> Floats:
        opening = values[:, OPENING] if toughness == 1.0 else values[:, OPENING] / toughness**0.5
        return np.where(self.problem.crack.intact_area > 0.0, np.maximum(state.max_opening, opening), 0.0)

    def _evaluate(self, state: State, dt: float) -> None:
        """Point the problem's forms at a state."""
        self.problem.begin_step(state)
        self.problem.residual(state.values, state.cell_voltage, dt)

    # -- steps ---------------------------------------------------------------------------------------------------

    @override
    def _attempt(self, dt: float, control: Control, stack_pressure: float, failures: int) -> PlaneTrial:
        result = self.problem.solve(self.state, dt, control, self._predict(dt, failures), stack_pressure)
        return PlaneTrial(self._proposal(result, dt, stack_pressure), result.iterations, result)

    @override
    def _gained(self, state: State) -> float:
        # The anode of what is meshed faces one half of the crack, whose lithium is counted whole.
        return (self.diagnostics.stored(state) - state.initial_lithium) / (2.0 * self.areas.anode)

    @override
    def _forget(self) -> None:
        self._previous = None

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
        guess[:, LITHIUM_THICKNESS] = np.where(
            full, aperture, np.clip(guess[:, LITHIUM_THICKNESS], 0.0, np.maximum(aperture, 0.0))
        )
        return guess

    def _proposal(self, result: NewtonResult, dt: float, stack_pressure: float) -> State:
        new, current = self.state.snapshot(), result.current_density
        new.values = result.values
        new.max_opening = self._max_opening(self.state, result.values, self.problem.toughness_ratio(self.state, dt))
        new.cell_voltage = result.voltage
        new.current_density, new.stack_pressure = current, stack_pressure
        new.largest_stack_pressure = max(stack_pressure, self.state.largest_stack_pressure)
        new.time += dt
        new.charge += current * dt
        new.throughput += abs(current) * dt
        tip_current = partial(self.diagnostics.tip_current, new)
        new.laws = self.problem.laws_after(self.state, result.values, dt, stack_pressure, tip_current)
        return new

    @override
    def _check(self, trial: Trial[State], dt: float, failures: int) -> tuple[float, str]:
        """Why a converged step is refused, and the factor for its next try; ('' if it is accepted)."""
        new = trial.state
        advance = self._advance_in_cells(new)
        allowed = self.model.control.max_advance_cells
        if advance > 1.5 * allowed:
            return max(0.75 * allowed / advance, 0.1), "crack advance"
        for value_old, value_new, target in self._event_lengths(new):
            overshoot = (value_new - target) / self.problem.cell_at(target)
            if value_old < target < value_new and overshoot > EVENT_TOLERANCE and failures < 8:
                return max((target - value_old) / (value_new - value_old), 0.02), "event"
        part = self.detector.overshoot(self.state, new, self._at) if failures < 8 else None
        return (part, "event") if part is not None else self._check_laws(new, dt, failures)

    def _advance_in_cells(self, new: State) -> float:
        return (self.diagnostics.crack_length(new) - self.measures.crack_length) / self.problem.cell_at(
            self.measures.crack_length
        )

    def _event_lengths(self, new: State) -> list[tuple[float, float, float]]:
        """(before, after, target) of the lengths whose passing is an event that has not happened yet."""
        m, first_events = self.measures, self.counters.first_events
        pairs = []
        if "crack_through" not in first_events:
            pairs.append((m.crack_tip, self.diagnostics.crack_tip(new), self.path_end))
        if "short_circuit" not in first_events:
            pairs.append((m.lithium_length, self.diagnostics.lithium_length(new), self.path_end))
        return pairs

    @override
    def _finalise(self, trial: Trial[State], dt: float) -> Measures:
        assert isinstance(trial, PlaneTrial)
        new = trial.state
        # The step may have been solved before a rejected one: point the forms at it again.
        self.problem.press(new.stack_pressure)
        self.problem.residual(new.values, new.cell_voltage, dt)
        self.diagnostics.accumulate(self.state, new, dt, trial.result.residual)
        self._previous = (self.state.values, dt)
        return self._measure(new)

    def _measure(self, state: State) -> Measures:
        """Numbers of a state at which the problem was last evaluated."""
        return CohesiveView(self.diagnostics, state).measured(self.quantities, self.laws.outputs(state.laws))

    @override
    def _change_ratio(self, trial: Trial[State], measures: Measures) -> float:
        new = trial.state
        change = abs(measures.max_lithium_pressure - self.measures.max_lithium_pressure) / self.problem.scales.pressure
        return max(
            self._advance_in_cells(new) / self.model.control.max_advance_cells,
            change / PRESSURE_ALLOWANCE,
            self.laws.largest_change(self.state.laws, new.laws),
        )
