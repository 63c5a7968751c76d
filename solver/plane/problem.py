"""One implicit step of the surface problem: scales, residual, semismooth Newton iteration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bulk import Response
from ..constants import thermal_voltage
from ..errors import NumericalFailure
from ..parameters import PlaneModel
from ..physics.cohesive import LinearSoftening, strength_for_zone
from ..physics.kinetics import FaceKinetics
from ..surface import COUNTER, SurfaceMesh
from .active import ActiveSetRule, Scales, connected_metal
from .fields import COUNTER_CURRENT, CURRENT, METAL, OPENING, POTENTIAL, PRESSURE, Floats, State
from .residual import SurfaceResidual, locate_flaw
from .system import CondensedSystem, LocalSystem, reduce

CELLS_PER_ZONE = 10.0
"""Cells of the crack path that the default cohesive strength makes the process zone span (at least 5)."""
EDGE_FACTOR = 1.1215
"""Stress-intensity factor of an edge crack over that of a line crack."""


CYCLE_DAMPING = (0.5, 0.7, 1.0)


@dataclass(frozen=True)
class NewtonResult:
    """A solved step."""

    values: Floats
    voltage: float
    iterations: int
    residual: Floats
    """(n, 6) local residual with the bulk forces in the momentum rows, at the solution."""
    history: tuple[float, ...]
    """Scaled residual norm before each iteration."""


def griffith_pressure(model: PlaneModel) -> float:
    """p_c = K_Ic/(1.1215 sqrt(pi a0)) of the flaw under uniform pressure [MPa]."""
    return model.electrolyte.fracture_toughness / (EDGE_FACTOR * float(np.sqrt(np.pi * model.flaw.length)))


def default_strength(model: PlaneModel, cell: float) -> float:
    """Strength [MPa] whose process zone spans CELLS_PER_ZONE cells of size `cell` [um]."""
    e = model.electrolyte
    return strength_for_zone(e.plane_strain_modulus, e.fracture_energy, CELLS_PER_ZONE * cell)


class SurfaceProblem:
    """The discrete problem of one time step; `system` decides how the bulk enters (condensed or in full).

    Parameters
    ----------
    surface : SurfaceMesh
    response : Response
        Condensed bulk for unit kappa and E.
    model : PlaneModel
    crack_kinetics : FaceKinetics, optional
        Replaces Butler-Volmer on the crack faces (verification).
    """

    def __init__(
        self, surface: SurfaceMesh, response: Response, model: PlaneModel, crack_kinetics: FaceKinetics | None = None
    ) -> None:
        self.surface = surface
        self.model = model
        self.crack = locate_flaw(surface, model.flaw.length, model.flaw.aperture)
        self.cell = float(np.median(self.crack.area[surface.crack]))
        strength = model.cohesion.strength or default_strength(model, self.cell)
        self.law = LinearSoftening(strength, model.electrolyte.fracture_energy)
        self.local = SurfaceResidual(surface, model, self.law, self.crack, crack_kinetics)
        e = model.electrolyte
        self.system = CondensedSystem(response, surface.crack, e.youngs_modulus, e.conductivity)
        self.load = (
            model.loads.stack_pressure * response.load_stack + model.loads.lateral_stress * response.load_lateral
        )
        pressure = griffith_pressure(model)
        opening = 4.0 * pressure * model.flaw.length / e.plane_strain_modulus
        self.scales = Scales(pressure, opening, thermal_voltage(model.anode.temperature))
        self.rule = ActiveSetRule(
            surface, self.crack, self.scales, e.youngs_modulus * response.stiffness, model.flaw.mouth == "open"
        )
        self.counter_area = model.counter.contact_fraction * surface.lumped_area(COUNTER)
        self.width = float(surface.lumped_area(COUNTER).sum())
        self.held_pressure = np.zeros(surface.size)
        self.held_pressure[self.rule.mouth] = model.loads.stack_pressure
        self.always_wet = np.zeros(surface.size, dtype=bool)
        self.always_wet[surface.anode] = True

    def residual(self, values: Floats, voltage: float, dt: float) -> Floats:
        """(n, 6) local residual plus the bulk's forces in the momentum rows."""
        r = self.local.evaluate(values, voltage, dt)
        crack = self.surface.crack
        r[crack, OPENING] += self.system.elastic_force(values[crack, OPENING]) - self.load
        return r

    def wet_nodes(self, state: State) -> tuple[NDArray[np.bool_], Floats]:
        """Nodes that may carry a face current during a step from `state`, and the connection mask behind it."""
        connected = connected_metal(self.surface, state.values, self.crack.aperture)
        wet = self.always_wet.copy()
        wet[self.surface.crack] |= connected[self.surface.crack] > 0.0
        return wet, connected

    def norm(self, r: Floats, values: Floats, dt: float, wet: NDArray[np.bool_], current: float) -> float:
        """Largest scaled residual of all equations and complementarity conditions; 1 is of the size of the terms."""
        area = self.crack.area
        force = self.scales.pressure * np.maximum(area, 1.0e-12)
        worst = self.rule.violation(values, r[:, OPENING], force)
        lithium = self.rule.nodes & ~self.rule.mouth
        stored = float((area * np.maximum(values[:, METAL], 0.0)).sum()) + self.scales.length * self.cell
        worst = max(worst, float(np.abs(r[lithium, METAL]).sum()) * dt / stored)
        anode_area = np.maximum(np.where(area > 0, area, self.cell), 1.0e-12)
        drop = np.abs(r[wet, CURRENT]) / anode_area[wet]
        worst = max(worst, float(drop.max(initial=0.0)) / self.scales.voltage)
        counter = self.surface.counter
        worst = max(worst, float(np.abs(r[counter, COUNTER_CURRENT] / self.counter_area[counter]).max()) / self.scales.voltage)
        level = values[:, POTENTIAL] + self.system.compliance @ r[:, POTENTIAL]
        worst = max(worst, float(np.ptp(level)) / self.scales.voltage)
        total = self.local.model.anode.exchange_current * self.width * 1.0e-3 + abs(current)
        return max(worst, abs(float(r[:, POTENTIAL].sum())) / total)

    def solve(self, state: State, dt: float, current_density: float, guess: Floats | None = None) -> NewtonResult:
        """Backward Euler from `state` over `dt` [s] at a mean current density [A/m2].

        Raises
        ------
        NumericalFailure
            When Newton's method does not converge.
        """
        wet, connected = self.wet_nodes(state)
        self.local.begin_step(state.values, state.largest, connected)
        values = (state.values if guess is None else guess).copy()
        voltage = state.cell_voltage
        total = current_density * self.width
        tolerance = self.model.control.newton_tolerance
        history: list[float] = []
        r = self.residual(values, voltage, dt)
        for iteration in range(self.model.control.max_newton + 1):
            history.append(self.norm(r, values, dt, wet, total) if iteration else np.inf)
            if history[-1] < tolerance:
                return NewtonResult(values, voltage, iteration, r, tuple(history))
            if iteration == self.model.control.max_newton:
                break
            dx, dv = self.system.solve(
                self._linearise(r, values, wet), self.counter_area, self._missing(values, total), values
            )
            factor = _damping(history)
            values, voltage, r = self._update(values, voltage, factor * dx, factor * dv, dt, wet, total)
        raise NumericalFailure(
            f"Newton's method stopped at a scaled residual of {history[-1]:.1e} after {len(history) - 1} iterations"
        )

    def _missing(self, values: Floats, total: float) -> float:
        return total - float(self.counter_area @ values[:, COUNTER_CURRENT])

    def _linearise(self, r: Floats, values: Floats, wet: NDArray[np.bool_]) -> LocalSystem:
        sets = self.rule.classify(values, r[:, OPENING])
        return reduce(
            r, self.local.linearise(), values, sets, wet, self.surface.counter,
            self.crack.floor, self.crack.aperture, self.held_pressure,
        )

    def _update(
        self, values: Floats, voltage: float, dx: Floats, dv: float, dt: float, wet: NDArray[np.bool_], total: float
    ) -> tuple[Floats, float, Floats]:
        """The full step, or the best of a few shorter ones when it blows the residual up."""
        factor, best = 1.0, None
        for _ in range(4):
            trial = values + factor * dx
            np.maximum(trial[:, OPENING], self.crack.floor, out=trial[:, OPENING])
            v = voltage + factor * dv
            r = self.residual(trial, v, dt)
            n = self.norm(r, trial, dt, wet, total)
            if best is None or n < best[0]:
                best = (n, trial, v, r)
            if n < 10.0:
                break
            factor *= 0.5
        assert best is not None
        # linearise() works at the last evaluated state
        if best[1] is not trial:
            best = (best[0], best[1], best[2], self.residual(best[1], best[2], dt))
        return best[1], best[2], best[3]


def _damping(history: list[float]) -> float:
    """Full steps, but a fraction once the iteration has begun to cycle between two pieces of a kinked law."""
    cycling = len(history) > 6 and history[-1] > 0.5 * min(history[-5:-1])
    return CYCLE_DAMPING[len(history) % len(CYCLE_DAMPING)] if cycling else 1.0


__all__ = ["NewtonResult", "SurfaceProblem", "default_strength", "griffith_pressure"]
_ = PRESSURE
