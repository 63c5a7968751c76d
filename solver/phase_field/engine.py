"""The phase-field engine: cracks that choose their own path, filled with lithium, along a protocol."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import override

from lifrac.errors import NumericalFailure
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.quantities import Quantity
from lifrac.solver.interfaces.laws import FaceLaws, law_arrays, law_states
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.control import Control
from lifrac.solver.numerics.adaptive import Adaptive
from lifrac.solver.phase_field.lithium.initial_fill import fill_flaw
from lifrac.solver.protocol.loading import PRESSURE_ALLOWANCE
from lifrac.solver.protocol.measures import Areas, Measures
from lifrac.solver.protocol.restart import Arrays, Values
from lifrac.solver.protocol.stepper import ProtocolRun
from lifrac.solver.protocol.trial import Trial
from mpi4py import MPI

from .adaptive_cell import AdaptiveCell, adaptive_mesh, resumed
from .diagnostics import PhaseFieldDiagnostics, Reference
from .phase_field_view import PhaseFieldView
from .problem import PhaseFieldProblem, PhaseState, Step

ADVANCE_ALLOWANCE = 0.5
"""Growth of the crack per step, in units of l, that `max_advance_cells` = 1 stands for."""
HARD_SWEEPS = 3.0
"""Sweeps of a time step that weigh as much as one Newton iteration of the step control."""


@dataclass(frozen=True)
class PhaseTrial(Trial[PhaseState]):
    """A trial with what the step found besides the fields."""

    step: Step
    length: float
    """Crack length at the end of the step [um]."""
    pressure: float
    """Mean pressure in the crack [MPa]."""

    @property
    @override
    def effort(self) -> int:
        return round(self.step.sweeps / HARD_SWEEPS)


class PhaseFieldEngine(ProtocolRun[PhaseState]):
    """Runs one cell (collective: every rank runs it, with equal decisions).

    Parameters
    ----------
    problem : PhaseFieldProblem
        On the first mesh, as assembled; the engine goes on to finer ones where the model wants that.
    mesh, reference : optional
        Those of a run that goes on (see `resumed`).
    quantities : sequence of Quantity
        What this cell is measured for, besides what is registered; each with its function.
    """

    def __init__(
        self,
        problem: PhaseFieldProblem,
        mesh: Adaptive[AdaptiveCell] | None = None,
        reference: Reference | None = None,
        quantities: Sequence[Quantity] = (),
    ) -> None:
        super().__init__(problem.model, problem.scales.opening, quantities)
        self.model: PhaseFieldModel = problem.model
        self.share_failure = partial(shared, meeting_of(problem.comm))
        self.mesh = mesh or adaptive_mesh(problem)
        self.diagnostics = PhaseFieldDiagnostics(self.problem, reference)
        self.state = self.mesh.problem.start
        if mesh is None:
            self._rest()
        self.problem.load(self.state)
        if reference is None:
            self.diagnostics.begin()
        self._pressure = self.problem.cell.mean_pressure()
        self.measures = self._measure(self.state)
        top = self.problem.largest(self.diagnostics.x[:, 1])
        self.path_end = top - self.model.diffuse.length
        self.start(thickness=top, resolution=1.5 * self.model.diffuse.cell_size)

    @classmethod
    def resumed(
        cls,
        comm: MPI.Comm,
        model: PhaseFieldModel,
        values: Values,
        arrays: Arrays,
        quantities: Sequence[Quantity] = (),
    ) -> "PhaseFieldEngine":
        """Return the engine that `restart_values` and `arrays` (of rank 0) were taken from (collective)."""
        mesh = resumed(comm, model, arrays)
        start = mesh.problem.start
        laws = law_states(values["laws"], law_arrays(start.laws))
        mesh.problem.start = replace(start, laws=laws, **values["cell"])
        engine = cls(mesh.problem.problem, mesh, Reference(**values["reference"]), quantities)
        engine.restore(values)
        engine._pressure = values["mean_pressure"]
        return engine

    @override
    def restart_values(self) -> Values:
        return super().restart_values() | {
            "reference": asdict(self.diagnostics.reference),
            "mean_pressure": self._pressure,
        }

    @property
    @override
    def areas(self) -> Areas:
        return self.problem.cell.areas

    @property
    @override
    def laws(self) -> FaceLaws:
        return self.problem.laws

    @override
    def arrays(self) -> Arrays:
        self.at_state()
        return self.mesh.arrays()

    def at_state(self) -> PhaseFieldProblem:
        """Return the problem at `state`: a step that was refused may have been there since (collective)."""
        self.problem.load(self.state)
        return self.problem

    @property
    def problem(self) -> PhaseFieldProblem:
        """The one on the present mesh."""
        return self.mesh.problem.problem

    def _rest(self) -> None:
        """Put a full flaw under the loads (`start`).

        As in the plane engine one that is filled in part meets them later.
        """
        loads = self.model.loads
        if self.model.flaw.filling == 1.0 and (loads.stack_pressure > 0.0 or loads.lateral_stress != 0.0):
            try:
                self.problem.lithium_amount = self._on_fine_mesh(fill_flaw).lithium_amount
                self.state = self.problem.state()
            except NumericalFailure as error:
                self.share_failure(error)
                self.notes.append("no equilibrium of the flaw under the loads: it starts unloaded")
        self.state.initial_lithium = self.problem.copies * self.problem.cell.total(self.state.lithium_amount)

    def _on_fine_mesh(self, solve: Callable[[PhaseFieldProblem, PhaseState], Step]) -> Step:
        """Return what `solve` finds from `state`, on a mesh that is fine enough for it.

        `state` is on that mesh then, also after a failure (collective).
        """
        self.mesh.problem.start = self.state
        try:
            return self.mesh.step(lambda body: solve(body.problem, body.start))
        finally:
            self.state = self.mesh.problem.start
            if self.diagnostics.problem is not self.problem:
                self.diagnostics = PhaseFieldDiagnostics(self.problem, self.diagnostics.reference)

    @override
    def _forget(self) -> None:
        """Start the next step from the last state: nothing is predicted."""

    @override
    def _gained(self, state: PhaseState) -> float:
        problem = self.problem
        lithium = problem.copies * problem.cell.total(state.lithium_amount) - state.initial_lithium
        return lithium / (problem.copies * self.areas.anode)

    @override
    def _attempt(self, dt: float, control: Control, stack_pressure: float, failures: int) -> PhaseTrial:
        def solve(problem: PhaseFieldProblem, start: PhaseState) -> Step:
            return problem.solve(start, dt, control, self.check_interrupt, stack_pressure)

        step = self._on_fine_mesh(solve)
        self.problem.lithium_amount = step.lithium_amount
        fields = self.problem.state()
        old, current = self.state, step.current_density
        new = replace(
            old,
            displacement=fields.displacement,
            damage=fields.damage,
            potential=fields.potential,
            pressure=fields.pressure,
            lithium_amount=fields.lithium_amount,
            translated_volume=fields.translated_volume,
            cell_voltage=fields.cell_voltage,
            current_density=current,
            stack_pressure=stack_pressure,
            largest_stack_pressure=max(stack_pressure, old.largest_stack_pressure),
            time=old.time + dt,
            charge=old.charge + current * dt,
            throughput=old.throughput + abs(current) * dt,
            work=dict(old.work),
        )
        new.laws = self.problem.laws_after(old, step.currents, dt, stack_pressure)
        new.extruded += self.problem.copies * self.diagnostics.empty_mouth(new)
        return PhaseTrial(
            new, step.newton_iterations, step, self.diagnostics.crack_length(), self.problem.cell.mean_pressure()
        )

    @property
    def _allowed_advance(self) -> float:
        return self.model.control.max_advance_cells * ADVANCE_ALLOWANCE * self.model.diffuse.length

    @override
    def _check(self, trial: Trial[PhaseState], dt: float, failures: int) -> tuple[float, str]:
        assert isinstance(trial, PhaseTrial)
        advance = (trial.length - self.measures.crack_length) / self._allowed_advance
        if advance > 1.5 and failures < 12:
            return max(0.75 / advance, 0.1), "crack advance"
        part = self.detector.overshoot(self.state, trial.state, self._at) if failures < 8 else None
        return (part, "event") if part is not None else self._check_laws(trial.state, dt, failures)

    @override
    def _finalise(self, trial: Trial[PhaseState], dt: float) -> Measures:
        assert isinstance(trial, PhaseTrial)
        self.diagnostics.accumulate(self.state, trial.state, trial.step, dt)
        self.diagnostics.remember(trial.step)
        return self._measure(trial.state)

    def _measure(self, state: PhaseState) -> Measures:
        """Numbers of a state at which the fields are (collective)."""
        return PhaseFieldView(self.diagnostics, state).measured(self.quantities, self.laws.outputs(state.laws))

    @override
    def _change_ratio(self, trial: Trial[PhaseState], measures: Measures) -> float:
        assert isinstance(trial, PhaseTrial)
        # The largest pressure is that of the cell that opened last, and jumps from one to the next.
        pressure = abs(trial.pressure - self._pressure) / self.problem.scales.pressure
        self._pressure = trial.pressure
        advance = measures.crack_length - self.measures.crack_length
        laws = self.laws.largest_change(self.state.laws, trial.state.laws)
        return max(advance / self._allowed_advance, pressure / PRESSURE_ALLOWANCE, laws)
