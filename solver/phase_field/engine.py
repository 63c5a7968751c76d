"""The phase-field engine: cracks that choose their own path, filled with lithium, along a protocol."""

from dataclasses import dataclass, replace

from ..errors import NumericalFailure
from ..flaw_scales import plating_time
from ..parameters import PhaseFieldModel
from ..protocol.measures import Measures
from ..protocol.run import PRESSURE_ALLOWANCE, ProtocolRun, Trial
from .observer import Observer
from .problem import PhaseFieldProblem, PhaseState, Step

ADVANCE_ALLOWANCE = 0.5
"""Growth of the crack per step, in units of l, that `max_advance_cells` = 1 stands for."""
REST = 0.01
"""Time at rest under the loads before the protocol begins, in plating times of the flaw: metal hardly creeps in it."""
HARD_SWEEPS = 3.0
"""Sweeps of a time step that weigh as much as one Newton iteration of the step control."""


@dataclass(frozen=True)
class PhaseTrial(Trial[PhaseState]):
    """With what the step found besides the fields."""

    step: Step
    length: float
    """Crack length at the end of the step [um]."""
    pressure: float
    """Mean pressure in the crack [MPa]."""


class PhaseFieldEngine(ProtocolRun[PhaseState]):
    """Runs one cell (collective: every rank runs it, with equal decisions).

    Parameters
    ----------
    problem : PhaseFieldProblem
    state : PhaseState, optional
        Where to start; default: the assembled cell at rest.
    """

    def __init__(self, problem: PhaseFieldProblem, state: PhaseState | None = None) -> None:
        model: PhaseFieldModel = problem.model
        super().__init__(model, problem.scales.opening)
        self.problem, self.model = problem, model
        self.observer = Observer(problem)
        self.state = self._at_rest() if state is None else state
        problem.load(self.state)
        self.observer.begin(self.state)
        self._pressure = problem.cell.mean_pressure()
        self.measures = self.observer.measure(self.state)
        top = problem.largest(self.observer.x[:, 1])
        self.path_end = top - model.diffuse.length
        self.start(resolution=1.5 * model.diffuse.cell_size)

    def _at_rest(self) -> PhaseState:
        """The flaw filled as stated, and come to rest under the loads: metal that is pressed carries its share."""
        state, loads = self.problem.state(), self.model.loads
        if loads.stack_pressure > 0.0 or loads.lateral_stress != 0.0:
            try:
                self.problem.metal = self.problem.rest(state, REST * plating_time(self.model)).metal
                state = self.problem.state()
                self.observer.empty_mouth(state)
            except NumericalFailure:
                self.notes.append("no equilibrium of the flaw under the loads: it starts unloaded")
        state.initial_metal = self.problem.copies * self.problem.cell.total(state.metal)
        return state

    def _forget(self) -> None:
        """Steps start from the last state: nothing is predicted."""

    def _attempt(self, dt: float, current: float, failures: int) -> PhaseTrial:
        step = self.problem.solve(self.state, dt, current)
        self.problem.metal = step.metal
        fields = self.problem.state()
        old = self.state
        new = replace(
            old,
            displacement=fields.displacement, damage=fields.damage, potential=fields.potential,
            pressure=fields.pressure, metal=fields.metal, cell_voltage=fields.cell_voltage,
            time=old.time + dt, charge=old.charge + current * dt, throughput=old.throughput + abs(current) * dt,
            work=dict(old.work),
        )  # fmt: skip
        return PhaseTrial(new, round(step.sweeps / HARD_SWEEPS), step, self.observer.crack_length(),
                          self.problem.cell.mean_pressure())  # fmt: skip

    @property
    def _allowed_advance(self) -> float:
        return self.model.control.max_advance_cells * ADVANCE_ALLOWANCE * self.model.diffuse.length

    def _check(self, trial: Trial[PhaseState], dt: float, failures: int) -> tuple[float, str]:
        assert isinstance(trial, PhaseTrial)
        advance = (trial.length - self.measures.crack_length) / self._allowed_advance
        if advance > 1.5 and failures < 12:
            return max(0.75 / advance, 0.1), "crack advance"
        part = self.watch.overshoot(self.state, trial.state, self._at) if failures < 8 else None
        return (part, "event") if part is not None else (1.0, "")

    def _settle(self, trial: Trial[PhaseState], dt: float) -> Measures:
        assert isinstance(trial, PhaseTrial)
        self.observer.book(self.state, trial.state, trial.step, dt)
        self.observer.remember(trial.step)
        return self.observer.measure(trial.state)

    def _load(self, trial: Trial[PhaseState], measures: Measures) -> float:
        assert isinstance(trial, PhaseTrial)
        # The largest pressure is that of the cell that opened last, and jumps from one to the next.
        pressure = abs(trial.pressure - self._pressure) / self.problem.scales.pressure
        self._pressure = trial.pressure
        advance = measures.crack_length - self.measures.crack_length
        return max(advance / self._allowed_advance, pressure / PRESSURE_ALLOWANCE)

    def mean_contact(self, state: PhaseState) -> tuple[float, float]:
        return 1.0, 1.0
