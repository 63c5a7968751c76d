"""Measures of a state: lengths, volumes, currents, energies and balances."""

import numpy as np
from dolfinx import fem
from lifrac.solver.physics import lithium
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.plane.surface import ANODE, COUNTER, CRACK

from .cohesive_problem import SurfaceProblem
from .unknowns import CURRENT, LITHIUM_THICKNESS, OPENING, PRESSURE, Floats, State

FILLED_FRACTION = 0.5
"""Share of the aperture from which on a node counts as reached by lithium."""
TIP_FRACTION = 0.1
"""The tip current is a mean over this part of the lithium's length behind its front, weighted towards the front."""


class CohesiveDiagnostics:
    """Reads lengths, currents and energies off states; integrals are compiled once."""

    def __init__(self, problem: SurfaceProblem) -> None:
        self.problem = problem
        local, surface = problem.local, problem.surface
        j, jc, dx = local.now.current, local.now.counter_current, surface.measure()
        lumped = lithium.LUMPED
        self._currents = [
            fem.form(local.plating_fraction() * j * dx(CRACK, metadata=lumped)),
            fem.form(local.coefficients.touching(local.anode) * j * dx(ANODE, metadata=lumped)),
            fem.form(local.coefficients.touching(local.counter) * jc * dx(COUNTER, metadata=lumped)),
        ]
        crack = surface.crack
        distance = np.hypot(surface.x[crack, 1], surface.x[crack, 2])
        order = np.argsort(distance, kind="stable")
        self.path_nodes = crack[order]
        self.distance = distance[order]
        self.planar = surface.mesh.topology.dim == 1
        self._viscous_old: Floats | None = None

    def currents(self) -> tuple[float, float, float]:
        """Return the currents of the last evaluated state [A/m2 um].

        They flow into one crack face, into the anode face, and out of the counter electrode.
        """
        crack, anode, counter = (float(np.real(fem.assemble_scalar(form))) for form in self._currents)
        return crack, anode, counter

    def front(self, values: Floats, threshold: float) -> float:
        """Distance from the anode face [um] to which `values` at the crack-path nodes stay at or above a threshold."""
        below = np.flatnonzero(values < threshold)
        if not self.planar:
            reached = values >= threshold
            return float(self.distance[reached].max(initial=0.0))
        if len(below) == 0:
            return float(self.distance[-1])
        k = int(below[0])
        if k == 0:
            return 0.0
        span = self.distance[k] - self.distance[k - 1]
        return float(self.distance[k - 1] + span * np.clip(values[k] / threshold, 0.0, 1.0))

    def damage(self, state: State) -> Floats:
        """Damage of every surface node; 1 in the flaw."""
        crack = self.problem.crack
        d = self.problem.law.damage(state.max_opening)
        return np.where(crack.intact_area > 0.0, d, np.where(crack.area > 0.0, 1.0, 0.0))

    def crack_length(self, state: State) -> float:
        """Length by damage [um]: a0 + int d ds; in 3D the radius of a half penny of equal area."""
        p = self.problem
        grown = float(p.crack.intact_area @ p.law.damage(state.max_opening))
        a0 = p.model.flaw.length
        return a0 + grown if self.planar else float(np.sqrt(a0**2 + 4.0 * grown / np.pi))

    def crack_tip(self, state: State) -> float:
        """End of the fully broken part [um]."""
        broken = self.front(self.damage(state)[self.path_nodes], 1.0 - 1.0e-9)
        return max(broken, self.problem.model.flaw.length)

    def lithium_length(self, state: State) -> float:
        """How far lithium that is connected to the anode fills the crack [um]."""
        v = state.values
        aperture = self.problem.crack.aperture + v[:, OPENING]
        filled = np.where(
            aperture > lithium.SMALL_APERTURE,
            v[:, LITHIUM_THICKNESS] / np.maximum(aperture, lithium.SMALL_APERTURE),
            0.0,
        )
        return self.front(filled[self.path_nodes], FILLED_FRACTION)

    def tip_current(self, state: State) -> float:
        """Return the plating current density of the crack faces at the front of the lithium [A/m2].

        The problem was last evaluated at `state`. The mean is over the lithium that is connected to the anode within
        TIP_FRACTION of its length behind the front, with a hat function as weight: it changes continuously when the
        front passes a node.
        """
        p, v = self.problem, state.values
        front = self.lithium_length(state)
        if front <= 0.0:
            return 0.0
        crack = self.path_nodes
        aperture = np.maximum(p.crack.aperture + v[:, OPENING], lithium.SMALL_APERTURE)
        filled = p.crack.area * p.local.old["connected"].x.array * np.maximum(v[:, LITHIUM_THICKNESS], 0.0) / aperture
        weight = filled[crack] * np.clip(1.0 - (front - self.distance) / (TIP_FRACTION * front), 0.0, 1.0)
        total = float(weight.sum())
        return float(weight @ v[crack, CURRENT]) / total if total > 0.0 else 0.0

    def elastic_energy(self, state: State) -> float:
        """Elastic energy of both halves less the work of the loads [MPa um2 per depth], up to a constant."""
        p = self.problem
        opening = state.values[p.surface.crack, OPENING]
        return float(0.5 * opening @ p.system.elastic_force(opening) - p.load_at(state.stack_pressure) @ opening)

    def cohesive_energy(self, state: State) -> tuple[float, float]:
        """Recoverable and dissipated energy of the cohesive zone [MPa um2 per depth]."""
        p = self.problem
        wc, d = p.law.critical_opening, p.law.damage(state.max_opening)
        peak = p.law.strength * (1.0 - d)
        opening = state.values[:, OPENING]
        traction = peak * np.divide(
            opening, state.max_opening, out=np.zeros_like(opening), where=state.max_opening > 0.0
        )
        stored = float(p.crack.intact_area @ (0.5 * traction * opening))
        return stored, float(p.crack.intact_area @ (0.5 * p.law.strength * wc * d)) - state.work["toughness_reduction"]

    def accumulate(self, old: State, new: State, dt: float, residual: Floats) -> None:
        """Add the step's charge, lithium and work to the balances of `new`, where the problem was last evaluated."""
        p = self.problem
        into_crack, anode, counter = self.currents()
        velocity = surface_velocity_per_current(p.model.anode.molar_volume)
        new.charge_in += counter * dt
        new.charge_out += (into_crack + anode) * dt
        new.plated_in_flaw += 2.0 * velocity * into_crack * dt
        new.exchanged += abs(2.0 * velocity * into_crack * dt)
        new.extruded -= float(residual[p.rule.mouth, LITHIUM_THICKNESS].sum()) * dt
        area = p.crack.area
        pressure = 0.5 * (old.values[:, PRESSURE] + new.values[:, PRESSURE])
        moved = new.values[:, OPENING] - old.values[:, OPENING]
        new.work["pressure"] += float(area @ (pressure * moved))
        # Loads that change at a given opening change the energy by what they act on there.
        crack = p.surface.crack
        opening = 0.5 * (old.values[crack, OPENING] + new.values[crack, OPENING])
        new.work["loads"] -= (new.stack_pressure - old.stack_pressure) * float(p.load_stack @ opening)
        undamaged = 1.0 - p.law.damage(old.max_opening)
        viscous = p.toughness_ratio(new) ** 0.5 * p.local.viscosity * undamaged * moved / dt
        mean = viscous if self._viscous_old is None else 0.5 * (viscous + self._viscous_old)
        new.work["viscous"] += float(p.crack.intact_area @ (mean * moved))
        self._viscous_old = viscous
        # The geometric mean makes what is dissipated exact when g changes at a fixed opening, too.
        left = (p.toughness_ratio(old) * p.toughness_ratio(new)) ** 0.5
        broken = p.law.damage(new.max_opening) - p.law.damage(old.max_opening)
        new.work["toughness_reduction"] += (1.0 - left) * p.law.fracture_energy * float(p.crack.intact_area @ broken)

    def stored(self, state: State) -> float:
        """Lithium in the flaw [um2 per depth]."""
        return float(self.problem.crack.area @ state.values[:, LITHIUM_THICKNESS])
