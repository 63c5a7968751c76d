"""The sharp-front engine: a plane crack whose front stands at a node and advances where K = K_Ic."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import override

import numpy as np
from lifrac.quantities import Quantity
from lifrac.solver.interfaces.law import TOUGHNESS, FaceStep
from lifrac.solver.interfaces.laws import FaceLaws, law_arrays, law_states
from lifrac.solver.model.control import Control
from lifrac.solver.plane.plane_fields import SurfaceSnapshot
from lifrac.solver.protocol.measures import Areas, Measures
from lifrac.solver.protocol.restart import Arrays, Values, node_order
from lifrac.solver.protocol.stepper import ProtocolRun
from lifrac.solver.protocol.trial import Trial

from .balances import Balances
from .cell_problem import CellProblem
from .charge import ElectrodeState
from .march import AT_TOUGHNESS, Move
from .state import ARRAYS, CrackState, FrontState
from .view import SharpFrontView

INTENSITY_ALLOWANCE = 0.03
"""Change of K in the first step with the front at rest, over K_Ic."""
ERROR_ALLOWANCE = 0.001
"""Error of K that a step with the front at rest makes, over K_Ic: half of what the change of dK/dt is worth in it."""
FAR_ALLOWANCE = 0.01
"""The same far below K_Ic, where it does not decide anything."""
STRIPPED_ALLOWANCE = 0.25
"""Part of its lithium that a flaw loses in a step: nodes run dry and faces come to touch then, which K may not tell."""
LARGEST_MOVE = 0.25
"""Change of K in any step with the front at rest, over K_Ic."""
LEAST_ADVANCE = 1.0e-6
"""Advance over the length of the flaw that is more than rounding."""
LARGEST_WAY = 0.01
"""Part of the electrolyte's thickness over which lithium advances in a step where the crack is through."""
LARGEST_CHANGE = 4.0
"""A step whose change is larger than this many allowances is tried again."""
EASY_ITERATIONS = 4
"""A step that Newton's method solves in as many may be followed by one as long as the error of K lets it be."""


@dataclass(frozen=True)
class FrontTrial(Trial[FrontState]):
    """A trial with the move of the front that it rests on."""

    move: Move
    at_rest: bool = False
    """Whether the front rests in it, so that the error of K says how long the next step may be."""

    @property
    @override
    def effort(self) -> int:
        return 1 if self.at_rest and self.iterations <= EASY_ITERATIONS else self.iterations


class SharpFrontEngine(ProtocolRun[FrontState]):
    """Runs one cell. Not collective: the problem is small and lives on one rank.

    Parameters
    ----------
    problem : CellProblem
    state : FrontState, optional
        Where to start; default: the assembled cell at rest.
    quantities : sequence of Quantity
        What this cell is measured for, besides what is registered; each with its function.
    """

    @classmethod
    def resumed(
        cls, problem: CellProblem, values: Values, arrays: Arrays, quantities: Sequence[Quantity] = ()
    ) -> "SharpFrontEngine":
        """Return the engine that `restart_values` and `arrays` were taken from."""
        order = node_order(arrays, problem.surface.x)
        path = problem.elasticity.nodes
        on_path = {name: arrays[name][order][path] for name in (*ARRAYS, "nodal_current")}
        nodal_current = on_path.pop("nodal_current")
        on_path["full"] = on_path["full"] > 0.5
        currents = arrays["electrode_current"][order]
        charge = problem.charge
        electrodes = ElectrodeState(
            np.concatenate([currents[charge.anode], arrays["counter_current"][order][charge.counter]]),
            **values["levels"],
        )
        state = FrontState(
            crack=CrackState(**on_path, **values["crack"]),
            electrodes=electrodes,
            nodal_current=nodal_current,
            laws=law_states(values["laws"], arrays, order),
            **values["march"],
            **values["cell"],
        )
        engine = cls(problem, state, quantities)
        engine.restore(values)
        return engine

    def __init__(
        self, problem: CellProblem, state: FrontState | None = None, quantities: Sequence[Quantity] = ()
    ) -> None:
        super().__init__(problem.model, problem.opening, quantities)
        self.problem, self.model = problem, problem.model
        self.tightness = problem.model.control.step_factor
        """Factor on the length of steps with the front at rest; their error may be larger by its square."""
        self.balances = Balances(problem)
        self.state = state if state is not None else self._at_rest()
        self.state.laws = problem.initial_laws(self.state.laws)
        problem.charge.begin_step(self.state.laws, 0.0)
        self.measures = self._measure(self.state)
        self.path_end = problem.path_end
        self.start(thickness=problem.thickness)
        self.detector.grows = self._grows

    def _grows(self, m: Measures) -> bool:
        """Whether the front has come to where it moves, or has moved."""
        moved = m.advance > LEAST_ADVANCE * self.model.flaw.length
        return moved or m["stress_intensity"] >= (1.0 - AT_TOUGHNESS) * self._toughness(self.state)

    def _at_rest(self) -> FrontState:
        problem, pressure = self.problem, self.model.loads.stack_pressure
        crack, note = problem.at_rest(pressure)
        if note:
            self.notes.append(note)
        state = FrontState(
            crack=crack,
            electrodes=ElectrodeState(np.zeros(problem.charge.count)),
            nodal_current=np.zeros(problem.elasticity.size),
            stack_pressure=pressure,
            largest_stack_pressure=pressure,
            laws=problem.initial_laws(),
        )
        state.initial_lithium = problem.stored(crack)
        state.work["start"] = self.balances.elastic_energy(state)
        return state

    # -- what a run asks for -----------------------------------------------------------------------------------------

    @property
    @override
    def areas(self) -> Areas:
        return self.problem.areas

    @property
    @override
    def laws(self) -> FaceLaws:
        return self.problem.laws

    @override
    def restart_values(self) -> Values:
        state = self.state
        return super().restart_values() | {
            "crack": state.crack.numbers(),
            "levels": {"level": state.electrodes.level, "voltage": state.electrodes.voltage},
            "march": {name: getattr(state, name) for name in ("pace", "advanced", "rate", "running")},
        }

    @override
    def arrays(self) -> Arrays:
        state, problem = self.state, self.problem
        anode, counter = problem.currents_of(state.electrodes)
        found: Arrays = {"nodes": problem.surface.x, "electrode_current": anode, "counter_current": counter}
        for name, values in state.crack.arrays().items():
            found[name] = problem.on_surface(values.astype(float))
        found["nodal_current"] = problem.on_surface(state.nodal_current)
        return found | law_arrays(state.laws)

    def snapshot(self) -> SurfaceSnapshot:
        """Return what the fields of the last accepted state are recovered from."""
        return self.problem.snapshot(self.state)

    # -- steps -------------------------------------------------------------------------------------------------------

    def _toughness(self, state: FrontState, dt: float = 0.0) -> float:
        """K at growth [MPa sqrt(um)] in a step of `dt` [s] from a state."""
        return self.problem.toughness * float(self.laws.coefficient(TOUGHNESS, state.laws, dt)) ** 0.5

    @override
    def _attempt(self, dt: float, control: Control, stack_pressure: float, failures: int) -> FrontTrial:
        longest = dt if failures else self._longest
        self.problem.charge.begin_step(self.state.laws, dt)
        start = self.state
        if self._at.voltage is None:  # the current may have jumped
            current = control.foreseen(0.0) * self.areas.anode
            start = replace(start, electrodes=self.problem.charge.uniform(current))
        move = self.problem.march.propose(start, dt, longest, control, stack_pressure, self._toughness(self.state, dt))
        at_rest = move.front == self.state.crack.front and not self.problem.march.through(self.state)
        return FrontTrial(
            self._proposal(move, control, stack_pressure), move.solution.iterations, move, at_rest, dt=move.solution.dt
        )

    def _proposal(self, move: Move, control: Control, stack_pressure: float) -> FrontState:
        found, old = move.solution, self.state
        current = control.flowed(self.problem.charge.counter_current(found.electrodes) / self.areas.anode)
        moved = found.crack.intensity - old.crack.intensity
        new = replace(
            old,
            crack=found.crack,
            rate=moved / found.dt if move.front == old.crack.front else None,
            electrodes=found.electrodes,
            nodal_current=found.nodal_current,
            pace=move.pace,
            advanced=move.advanced,
            running=move.running,
            cell_voltage=found.electrodes.voltage,
            current_density=current,
            stack_pressure=stack_pressure,
            largest_stack_pressure=max(stack_pressure, old.largest_stack_pressure),
            time=old.time + found.dt,
            charge=old.charge + current * found.dt,
            throughput=old.throughput + abs(current) * found.dt,
            work=dict(old.work),
        )
        anode, counter = self.problem.currents_of(found.electrodes)
        anode[self.problem.elasticity.nodes[1:]] = found.crack.current[1:]
        step = FaceStep(
            found.dt,
            stack_pressure,
            old.largest_stack_pressure,
            anode - counter,
            lambda: self.problem.tip_current(found.crack),
        )
        new.laws = self.laws.advance(old.laws, step)
        return new

    @override
    def _check(self, trial: Trial[FrontState], dt: float, failures: int) -> tuple[float, str]:
        assert isinstance(trial, FrontTrial)
        new = trial.state
        change = self._change(trial)
        if change > LARGEST_CHANGE**0.5 and not self.problem.march.is_short(self.state, dt):
            reason = "lithium front" if self.problem.march.through(self.state) else "stress intensity"
            return max(1.0 / change, 0.1), reason
        part = self.detector.overshoot(self.state, new, self._at) if failures < 8 else None
        return (part, "event") if part is not None else self._check_laws(new, dt, failures)

    def _change(self, trial: FrontTrial) -> float:
        """Return how much longer than allowed a step is; those that move the front of the crack choose themselves.

        With the front at rest the error goes with the square of the length; in a parted body lithium's way counts.
        """
        old, new = self.state, trial.state
        if self.problem.march.through(old):
            way = (new.crack.lithium_front - old.crack.lithium_front) / self.problem.thickness
            return max(way, 0.0) / (self.tightness * LARGEST_WAY)
        if not trial.at_rest:
            return 0.0
        allowed = self.tightness * self.problem.toughness
        moved = abs(new.crack.intensity - old.crack.intensity) / allowed
        if old.rate is None or new.rate is None:
            return (moved / INTENSITY_ALLOWANCE) ** 0.5
        error = 0.5 * abs(new.rate - old.rate) * (new.time - old.time) / (self.tightness * allowed)
        below = min(max(1.0 - max(old.crack.intensity, new.crack.intensity) / self.problem.toughness, 0.0), 1.0)
        most = ERROR_ALLOWANCE + below * (FAR_ALLOWANCE - ERROR_ALLOWANCE)
        return max((error / most) ** 0.5, moved / LARGEST_MOVE)

    def _stripped(self, new: FrontState) -> float:
        """Return how much more of its lithium than allowed the crack loses in a step to a state."""
        held, flaw = self.problem.stored(self.state.crack), self.model.flaw
        least = STRIPPED_ALLOWANCE * flaw.aperture * flaw.length
        return max(held - self.problem.stored(new.crack), 0.0) / (STRIPPED_ALLOWANCE * max(held, least))

    @override
    def _finalise(self, trial: Trial[FrontState], dt: float) -> Measures:
        assert isinstance(trial, FrontTrial)
        self.balances.accumulate(self.state, trial.state, dt, trial.move.solution.mouth_inflow)
        return self._measure(trial.state)

    def _measure(self, state: FrontState) -> Measures:
        return SharpFrontView(self.balances, state).measured(self.quantities, self.laws.outputs(state.laws))

    @override
    def _change_ratio(self, trial: Trial[FrontState], measures: Measures) -> float:
        assert isinstance(trial, FrontTrial)
        laws = self.laws.largest_change(self.state.laws, trial.state.laws)
        return max(self._change(trial), self._stripped(trial.state), laws)

    @override
    def _gained(self, state: FrontState) -> float:
        # The anode of what is meshed faces one half of the crack, whose lithium is counted whole.
        return (self.problem.stored(state.crack) - state.initial_lithium) / (2.0 * self.areas.anode)

    @override
    def _forget(self) -> None:
        self.state.rate = None
