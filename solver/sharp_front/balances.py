"""Balances and energies of a cell with a sharp front."""

import numpy as np
from lifrac.solver.interfaces.law import TOUGHNESS

from .cell_problem import CellProblem
from .state import FrontState


class Balances:
    """Adds up what steps do, for the balances of a run."""

    def __init__(self, problem: CellProblem) -> None:
        self.problem = problem

    def currents(self, state: FrontState) -> tuple[float, float, float]:
        """Into one crack face, into the anode face, and out of the counter electrode [A/m2 um]."""
        charge = self.problem.charge
        return (
            float(state.nodal_current.sum()),
            charge.anode_current(state.electrodes),
            charge.counter_current(state.electrodes),
        )

    def elastic_energy(self, state: FrontState) -> float:
        """Elastic energy of both halves less the work of the loads [MPa um2 per depth], up to a constant."""
        crack, steps = state.crack, self.problem.steps
        n = crack.front
        load = steps.load_force(state.stack_pressure)[:n]
        opening = crack.aperture[:n] - steps.flaw_aperture[:n]
        # S opening = force + load
        return float(0.5 * opening @ (crack.force[:n] + load) - load @ opening)

    def fracture_energy(self, front: int) -> float:
        """Work of fracture up to a front [MPa um2 per depth] at full toughness."""
        e, problem = self.problem.elasticity, self.problem
        return problem.model.electrolyte.fracture_energy * (e.tip(front) - e.tip(problem.flaw_front))

    def accumulate(self, old: FrontState, new: FrontState, dt: float, mouth_inflow: float) -> None:
        """Add a step's charge, lithium and work to the balances of `new`."""
        problem = self.problem
        into_crack, anode, counter = self.currents(new)
        velocity = problem.steps.velocity
        new.charge_in += counter * dt
        new.charge_out += (into_crack + anode) * dt
        new.plated_in_flaw += 2.0 * velocity * into_crack * dt
        new.exchanged += abs(2.0 * velocity * into_crack * dt)
        new.extruded -= mouth_inflow * dt
        self._accumulate_work(old, new)

    def _accumulate_work(self, old: FrontState, new: FrontState) -> None:
        problem = self.problem
        moved = new.crack.aperture - old.crack.aperture
        # A node that has opened in the step was under the pressure of its lithium all the time it was open.
        opened = np.arange(len(moved)) >= old.crack.front
        force = np.where(opened, new.crack.force, 0.5 * (old.crack.force + new.crack.force))
        new.work["pressure"] += float(force @ moved)
        flaw = problem.steps.flaw_aperture
        opening = 0.5 * (old.crack.aperture + new.crack.aperture) - flaw
        inside = np.arange(len(flaw)) < new.crack.front
        change = new.stack_pressure - old.stack_pressure
        new.work["loads"] -= change * float(problem.elasticity.load_stack[inside] @ opening[inside])
        if new.crack.front == old.crack.front:
            return
        fracture = self.fracture_energy(new.crack.front) - self.fracture_energy(old.crack.front)
        left = float(problem.laws.coefficient(TOUGHNESS, new.laws))
        new.work["toughness_reduction"] += (1.0 - left) * fracture
        if new.running or new.crack.front == problem.elasticity.size:
            new.work["viscous"] += self._excess(old, new, left * fracture)

    def _excess(self, old: FrontState, new: FrontState, fracture: float) -> float:
        """Return what an unstable advance releases beyond the work of fracture [MPa um2 per depth]: it is lost.

        Where the crack parts the body there is no K, and all that is released beyond it counts.
        """
        e = self.problem.elasticity
        if new.crack.front == e.size:
            work = sum(new.work[k] - old.work[k] for k in ("pressure", "loads"))
            return work - (self.elastic_energy(new) - self.elastic_energy(old)) - fracture
        rate = 0.5 * (old.crack.intensity**2 + new.crack.intensity**2) / e.plane_modulus
        return max(rate * (e.tip(new.crack.front) - e.tip(old.crack.front)) - fracture, 0.0)
