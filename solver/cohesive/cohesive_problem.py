"""One implicit step of the surface problem: scales, residual and its norms."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from lifrac.solver.interfaces.law import CONTACT, TOUGHNESS, FaceStep
from lifrac.solver.interfaces.laws import FaceLaws, LawStates, laws_of
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.control import Closure, Control
from lifrac.solver.numerics.newton_log import Norms
from lifrac.solver.physics.cohesive import LinearSoftening, process_zone_length, strength_for_zone
from lifrac.solver.physics.constants import thermal_voltage
from lifrac.solver.physics.flaw_scales import (
    EDGE_FACTOR,
    griffith_pressure,
    opening_at_growth,
    plating_speed,
)
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.plane.bulk import Response
from lifrac.solver.plane.plane_faces import SUPPORTED, faces_of, touching
from lifrac.solver.plane.surface import ANODE, COUNTER, CRACK, SurfaceMesh
from lifrac.solver.protocol.measures import Areas
from numpy.typing import NDArray

from .active import ActiveSetRule, Scales, connected_metal
from .numbering import Numbering
from .residual import Cohesion, SurfaceResidual, locate_flaw
from .surface_newton import SurfaceStep, method
from .system import BulkSystem, CondensedSystem
from .unknowns import COUNTER_CURRENT, CURRENT, LITHIUM_THICKNESS, OPENING, POTENTIAL, Floats, State

CELLS_PER_ZONE = 8.0
"""Cells of the crack path that the default cohesive strength makes the process zone span (at least 5)."""
VISCOUS_FRACTION = 1.0e-2
"""Part of the toughness that the default viscosity adds at the crack speed the current can feed."""


@dataclass(frozen=True)
class NewtonResult:
    """A solved step."""

    values: Floats
    voltage: float
    current_density: float
    """Mean over the anode [A/m2]."""
    iterations: int
    residual: Floats
    """(n, 6) local residual with the bulk forces in the momentum rows, at the solution."""
    history: tuple[float, ...]
    """Scaled residual of the start, and after each iteration."""


def local_cells(surface: SurfaceMesh) -> Floats:
    """Mean edge of the crack-plane cells around each node [um]; the overall mean off the crack."""
    cells = surface.cell_dofs(CRACK)
    length, count = np.zeros(surface.size), np.zeros(surface.size)
    for a, b in combinations(range(cells.shape[1]), 2):
        edge = np.linalg.norm(surface.x[cells[:, a]] - surface.x[cells[:, b]], axis=1)
        for node in (a, b):
            np.add.at(length, cells[:, node], edge)
            np.add.at(count, cells[:, node], 1.0)
    mean = length.sum() / count.sum()
    return np.where(count > 0.0, length / np.maximum(count, 1.0), mean)


def default_strength(model: CohesiveModel, cell: Floats) -> Floats:
    """Strength [MPa] whose process zone spans CELLS_PER_ZONE cells of size `cell` [um]."""
    e = model.electrolyte
    return strength_for_zone(e.plane_strain_modulus, e.fracture_energy, CELLS_PER_ZONE * cell)


def growth_speed(model: CohesiveModel) -> float:
    """Crack speed [um/s] that the protocol's largest current can feed: 2 v sqrt(a0)/(1.5 C); 0 at rest."""
    e = model.electrolyte
    c = EDGE_FACTOR * float(np.sqrt(np.pi)) * e.fracture_toughness / e.plane_strain_modulus
    return plating_speed(model) * float(np.sqrt(model.flaw.length)) / (1.5 * c)


def default_viscosity(model: CohesiveModel, law: LinearSoftening) -> Floats:
    """Viscosity [MPa s/um] that adds about VISCOUS_FRACTION to the toughness at the speed the current can feed.

    It slows unstable growth to a speed that steps can follow, in time units that scale with the current.
    """
    speed = growth_speed(model)
    if speed == 0.0:
        return np.ones_like(law.strength)
    e = model.electrolyte
    zone = process_zone_length(e.plane_strain_modulus, e.fracture_energy, law.strength)
    return VISCOUS_FRACTION * law.strength * zone / (law.critical_opening * speed)


class SurfaceProblem:
    """The discrete problem of one time step; `system` decides how the bulk enters (condensed or in full).

    Parameters
    ----------
    surface : SurfaceMesh
    response : Response
        Condensed bulk for unit kappa and E.
    model : CohesiveModel
    crack_kinetics : FaceKinetics, optional
        Replaces Butler-Volmer on the crack faces (verification).
    system : BulkSystem, optional
        How the bulk enters the Newton system; default: condensed.
    """

    def __init__(
        self,
        surface: SurfaceMesh,
        response: Response,
        model: CohesiveModel,
        crack_kinetics: FaceKinetics | None = None,
        system: BulkSystem | None = None,
    ) -> None:
        self.surface = surface
        self.model = model
        self.crack = locate_flaw(surface, model.flaw.length, model.flaw.aperture)
        self.cells = local_cells(surface)
        self.smallest = float(self.cells[surface.crack].min())
        strength = (
            default_strength(model, self.cells)
            if model.cohesion.strength is None
            else np.full(surface.size, model.cohesion.strength)
        )
        self.law = LinearSoftening(strength, model.electrolyte.fracture_energy)
        viscosity = (
            default_viscosity(model, self.law)
            if model.cohesion.viscosity is None
            else np.full(surface.size, model.cohesion.viscosity)
        )
        self.laws = FaceLaws(laws_of(model), faces_of(surface, model), SUPPORTED)
        self.local = SurfaceResidual(
            surface, model, Cohesion(self.law, viscosity), self.crack, self.laws, crack_kinetics
        )
        e = model.electrolyte
        self.system: BulkSystem = system or CondensedSystem(response, surface.crack, e.youngs_modulus, e.conductivity)
        self.load_stack, self._load_lateral = response.load_stack, model.loads.lateral_stress * response.load_lateral
        pressure = griffith_pressure(model)
        opening = opening_at_growth(model)
        self.scales = Scales(pressure, opening, thermal_voltage(model.anode.temperature))
        self.rule = ActiveSetRule(
            surface, self.crack, self.scales, e.youngs_modulus * response.stiffness, model.flaw.mouth == "open"
        )
        self.face_area = {tag: surface.lumped_area(tag) for tag in (ANODE, COUNTER)}
        self.plating_area = self.face_area[ANODE] + self.crack.area
        self.whole_counter_area = model.counter.contact_fraction * self.face_area[COUNTER]
        self.counter_area = self.whole_counter_area
        self.areas = Areas(*(float(self.face_area[tag].sum()) for tag in (ANODE, COUNTER)))
        self.given_pressure: Floats | None = None
        """p of held nodes [MPa] in place of the stack pressure at the mouth: a cell that comes to rest."""
        self.press(model.loads.stack_pressure)
        self.always_wet = np.zeros(surface.size, dtype=bool)
        self.always_wet[surface.anode] = True
        self.newton = method(model.control.newton_tolerance, model.control.max_newton)
        self.numbering: Numbering | None = None
        """Numbers of the unknowns of the last iteration; they are the same until the active sets change."""

    def press(self, stack_pressure: float) -> None:
        """Let a stack pressure [MPa] act: on the bulk, on lithium at the mouth, in the kinetics."""
        self.load = self.load_at(stack_pressure)
        at_mouth = np.where(self.rule.mouth, stack_pressure, 0.0)
        self.held_pressure = at_mouth if self.given_pressure is None else self.given_pressure
        self.local.stack_pressure.value = np.asarray(stack_pressure)

    def load_at(self, stack_pressure: float) -> Floats:
        """Nodal forces of the loads on the crack dofs at a stack pressure [MPa]."""
        return np.asarray(stack_pressure * self.load_stack + self._load_lateral)

    def cell_at(self, length: float) -> float:
        """Edge of the crack-plane cells at a distance from the mouth [um]."""
        distance = np.hypot(self.surface.x[:, 1], self.surface.x[:, 2])[self.surface.crack]
        return float(self.cells[self.surface.crack[int(np.argmin(np.abs(distance - length)))]])

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

    def begin_step(self, state: State, dt: float = 0.0, stack_pressure: float | None = None) -> NDArray[np.bool_]:
        """Point the forms at the state that a step of `dt` [s] starts from.

        The stack pressure is that of the state or another one [MPa]. Returns the nodes that may carry a face current.
        """
        self.press(state.stack_pressure if stack_pressure is None else stack_pressure)
        wet, connected = self.wet_nodes(state)
        self.local.begin_step(state.values, state.max_opening, connected)
        self.local.coefficients.update(state.laws, dt)
        if self.local.sqrt_toughness is not None:
            self.local.sqrt_toughness.value = np.asarray(self.toughness_ratio(state, dt) ** 0.5)
        self.counter_area = self.whole_counter_area * self.laws.coefficient(CONTACT, state.laws, dt)
        return wet

    def touching(self, state: State) -> Floats:
        """Part of each electrode face that touches, per surface node; 0 off the faces."""
        return touching(self.surface, self.model, self.laws, state.laws)

    def initial_laws(self, known: LawStates | None = None) -> LawStates:
        """States of the laws on the faces as assembled; those that are `known` stay."""
        return self.laws.initial(self.model.loads.stack_pressure, known)

    def toughness_ratio(self, state: State, dt: float = 0.0) -> float:
        """Gc_eff/Gc during a step of `dt` [s] from `state`; with dt = 0 in the step to it."""
        return float(self.laws.coefficient(TOUGHNESS, state.laws, dt))

    def laws_after(
        self, state: State, values: Floats, dt: float, stack_pressure: float, tip_current: Callable[[], float]
    ) -> LawStates:
        """Return the states of the laws after a step from `state`.

        The faces carried the currents of `values` in it, under a stack pressure [MPa].
        """
        current = values[:, CURRENT] - values[:, COUNTER_CURRENT]
        step = FaceStep(dt, stack_pressure, state.largest_stack_pressure, current, tip_current)
        return self.laws.advance(state.laws, step)

    def closure(self, values: Floats, voltage: float, control: Control) -> Closure:
        """Return the control's equation at a state."""
        current = float(self.counter_area @ values[:, COUNTER_CURRENT])
        return control.closure(current, voltage, self.areas.anode)

    def norms(self, r: Floats, values: Floats, dt: float, wet: NDArray[np.bool_], closure: Closure) -> Norms:
        """Largest scaled residual of each equation, the complementarity conditions with their fields."""
        area, volts, counter = self.crack.area, self.scales.voltage, self.surface.counter
        force = self.scales.pressure * np.maximum(area, 1.0e-12)
        opening, filling = self.rule.violations(values, r[:, OPENING], force)
        lithium = self.rule.nodes & ~self.rule.mouth
        stored = (
            float((area * np.maximum(values[:, LITHIUM_THICKNESS], 0.0)).sum()) + self.scales.length * self.smallest
        )
        plating = np.abs(r[wet, CURRENT]) / self.plating_area[wet]
        stripping = np.abs(r[counter, COUNTER_CURRENT] / self.counter_area[counter])
        current = float(self.counter_area @ values[:, COUNTER_CURRENT]) + closure.by_current * closure.missing
        total = self.local.model.anode.exchange_current * self.areas.anode * 1.0e-3 + abs(current)
        return Norms(
            {
                "opening": opening,
                "lithium": max(filling, float(np.abs(r[lithium, LITHIUM_THICKNESS]).sum()) * dt / stored),
                "charge transfer": max(float(plating.max(initial=0.0)), float(stripping.max())) / volts,
                "potential": self.system.potential_defect(values, r[:, POTENTIAL]) / volts,
                "current": abs(float(r[:, POTENTIAL].sum())) / total,
                "control": closure.defect(total, volts),
            }
        )

    def solve(
        self,
        state: State,
        dt: float,
        control: Control,
        guess: Floats | None = None,
        stack_pressure: float | None = None,
    ) -> NewtonResult:
        """Backward Euler from `state` over `dt` [s] under a control, and its stack pressure or another one [MPa].

        Raises
        ------
        NewtonFailure
            When Newton's method does not converge.
        """
        wet = self.begin_step(state, dt, stack_pressure)
        start = (state.values if guess is None else guess).copy()
        step = SurfaceStep(self, start, state.cell_voltage, dt, control, wet)
        found = self.newton.solve(step)
        current = float(self.counter_area @ step.values[:, COUNTER_CURRENT]) / self.areas.anode
        history = tuple(norms.largest for norms in found.norms)
        flowed = control.flowed(current)
        return NewtonResult(step.values, step.voltage, flowed, found.iterations, step.local_residual, history)
