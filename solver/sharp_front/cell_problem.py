"""The discrete cell of the sharp-front engine: its crack path, its currents, its laws, and numbers of a state."""

from functools import cached_property

import numpy as np
from lifrac.solver.interfaces.laws import FaceLaws, LawStates, laws_of
from lifrac.solver.model.cell_model import PlaneModel
from lifrac.solver.physics.flaw_scales import opening_at_growth
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.plane.bulk import Response
from lifrac.solver.plane.plane_faces import SUPPORTED, faces_of, touching
from lifrac.solver.plane.plane_fields import SurfaceSnapshot
from lifrac.solver.plane.surface import ANODE, COUNTER, SurfaceMesh
from lifrac.solver.protocol.measures import Areas
from numpy.typing import NDArray

from .charge import Charge, ElectrodeState
from .elasticity import CrackElasticity
from .march import March
from .state import CrackState, FrontState
from .step import StepProblem

Floats = NDArray[np.float64]
HALF_FULL = 0.5
"""Fill fraction from which on a node counts as reached by lithium."""
FILM, ROUNDING, MOST_SETS = 1.0e-3, 1.0e-12, 50
"""Film over the aperture on which closed faces of an empty flaw rest; rounding; trials of which nodes rest."""
TIP_PART = 0.1
"""The tip current is a mean over this part of the lithium's length behind its front, weighted towards the front."""


class CellProblem:
    """Everything about one cell that does not change while it is run.

    Parameters
    ----------
    surface : SurfaceMesh
    response : Response
        The condensed bulk, for unit kappa and E.
    model : PlaneModel
    crack_kinetics : FaceKinetics, optional
        Replaces the charge transfer of the crack faces (verification).
    """

    def __init__(
        self,
        surface: SurfaceMesh,
        response: Response,
        model: PlaneModel,
        crack_kinetics: FaceKinetics | None = None,
    ) -> None:
        self.surface, self.model = surface, model
        e = model.electrolyte
        sides_hold = model.loads.lateral == "die"
        self.elasticity = CrackElasticity(surface, response, e, parts=sides_hold)
        self.resistance = response.conduction_inverse / e.conductivity
        self.laws = FaceLaws(laws_of(model), faces_of(surface, model), SUPPORTED, model.control.step_factor)
        areas = (surface.lumped_area(ANODE)[surface.anode], surface.lumped_area(COUNTER)[surface.counter])
        self.charge = Charge(
            self.resistance,
            self.elasticity.nodes,
            (surface.anode, surface.counter),
            areas=areas,
            faces=(model.anode, model.counter),
            laws=self.laws,
            conductivity=e.conductivity,
        )
        self.charge.other = crack_kinetics
        self.areas = Areas(float(areas[0].sum()), float(areas[1].sum()))
        self.steps = StepProblem(self.elasticity, self.charge, model)
        self.march = March(self.steps, self.areas.anode)
        self.toughness = e.fracture_toughness
        self.opening = opening_at_growth(model)
        self.flaw_front = self.elasticity.front_at(model.flaw.length)

    @cached_property
    def thickness(self) -> float:
        """Distance of the electrodes [um]."""
        return float(self.surface.x[self.surface.counter, 1].max())

    @cached_property
    def path_end(self) -> float:
        """Distance from the mouth [um] at which crack or lithium count as through."""
        last = self.march.last
        return min(self.elasticity.tip(last), self.crack_tip(last)) * (1.0 - 1.0e-9)

    def initial_laws(self, known: LawStates | None = None) -> LawStates:
        """States of the laws on the faces as assembled; those that are `known` stay."""
        return self.laws.initial(self.model.loads.stack_pressure, known)

    def at_rest(self, stack_pressure: float) -> tuple[CrackState, str]:
        """Return the crack as assembled, and what is worth knowing of it.

        A flaw that is full of lithium and open has come to the pressure of the loads, if it stands that.
        """
        model, n, e = self.model, self.flaw_front, self.elasticity
        load = self.steps.load_force(stack_pressure)
        relaxed = model.flaw.filling == 1.0 and model.flaw.mouth == "open"
        if relaxed:
            pressure = max(stack_pressure, -model.loads.lateral_stress)
            p = np.where(np.arange(e.size) < n, pressure, 0.0)
            found = self._pressed(n, p, load, p > 0.0)
            if found.intensity < self.toughness:
                return found, ""
        note = (
            "no equilibrium with lithium at stack pressure all over the flaw: its lithium starts at the pressure that "
            "keeps its faces apart"
        )
        return self._pressed(n, *self._carried(n, load)), note if relaxed else ""

    def _carried(self, n: int, load: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return the pressure with which the lithium that a flaw was filled with keeps its faces apart under loads.

        Pressure (N,) [MPa], load, and the nodes where there is any: p >= 0 and w >= h, one of them without slack. Faces
        of an empty flaw rest on a film.
        """
        e, w0 = self.elasticity, self.steps.flaw_aperture[:n]
        least = max(self.model.flaw.filling, FILM) * w0
        by_pressure = e.compliance(n) * e.area[:n]
        free = w0 + e.compliance(n) @ load[:n]
        p, resting = np.zeros(e.size), free < least * (1.0 - ROUNDING)
        for _ in range(MOST_SETS):
            p[:n] = 0.0
            p[:n][resting] = np.linalg.solve(by_pressure[np.ix_(resting, resting)], (least - free)[resting])
            aperture = free + by_pressure @ p[:n]
            now = (resting & (p[:n] > 0.0)) | (~resting & (aperture < least * (1.0 - ROUNDING)))
            if np.array_equal(now, resting):
                break
            resting = now
        return p, load, np.append(resting, np.zeros(e.size - n, dtype=bool))

    def _pressed(self, n: int, p: Floats, load: Floats, full: NDArray[np.bool_]) -> CrackState:
        """Return the flaw under a pressure; where it is not full it has the lithium that it was filled with."""
        e = self.elasticity
        inside = np.arange(e.size) < n
        force = e.area * p
        aperture = np.where(inside, self.steps.flaw_aperture, 0.0)
        aperture[:n] += e.compliance(n) @ (force + load)[:n]
        filled = self.model.flaw.filling * self.steps.flaw_aperture
        weights = e.weights(n)
        return CrackState(
            front=n,
            pressure=p,
            thickness=np.where(full, aperture, np.where(inside, filled, 0.0)),
            aperture=aperture,
            full=full,
            current=np.zeros(e.size),
            force=force,
            lithium_front=weights.tip,
            intensity=float(weights.at_nodes() @ p[:n]) + e.load_intensity(n, load),
        )

    # -- numbers of a state ------------------------------------------------------------------------------------------

    def crack_tip(self, front: int) -> float:
        """Distance of the tip from the mouth [um]; the flaw's length before it grows."""
        e = self.elasticity
        return self.model.flaw.length + (e.tip(front) - e.tip(self.flaw_front))

    def stored(self, crack: CrackState) -> float:
        """Lithium in the crack [um2 per depth]."""
        return float(self.elasticity.area @ crack.thickness)

    def lithium_length(self, crack: CrackState) -> float:
        """How far lithium that is connected to the anode fills the crack [um]."""
        fill, y = crack.fill(), self.elasticity.y
        below = np.flatnonzero((fill < HALF_FULL) | (crack.thickness < self.steps.film))  # faces may touch, too
        k = int(below[0]) if len(below) else len(y)
        if k == 0:
            return 0.0
        if k == len(y) or k >= crack.front:
            half_full = crack.lithium_front
        else:
            half_full = float(y[k - 1] + (y[k] - y[k - 1]) * np.clip(fill[k] / HALF_FULL, 0.0, 1.0))
        sharp = bool(crack.full[:k].all() and not crack.full[k:].any())
        return crack.lithium_front if sharp else half_full

    def tip_current(self, crack: CrackState) -> float:
        """Return the plating current density of the crack faces at the front of the lithium [A/m2]."""
        length = self.lithium_length(crack)
        if length <= 0.0:
            return 0.0
        e, fill = self.elasticity, crack.fill()
        connected = np.arange(e.size) < crack.connected(self.steps.film)
        weight = e.area * fill * connected * np.clip(1.0 - (length - e.y) / (TIP_PART * length), 0.0, 1.0)
        total = float(weight.sum())
        return float(weight @ crack.current) / total if total > 0.0 else 0.0

    # -- on the surface mesh -----------------------------------------------------------------------------------------

    def on_surface(self, values: Floats) -> Floats:
        """Return an array over the path as one over the surface nodes, 0 elsewhere."""
        found = np.zeros(self.surface.size)
        found[self.elasticity.nodes] = values
        return found

    def currents_of(self, electrodes: ElectrodeState) -> tuple[Floats, Floats]:
        """Local current densities of anode and counter electrode over the surface nodes [A/m2]."""
        charge = self.charge
        anode, counter = np.zeros(self.surface.size), np.zeros(self.surface.size)
        anode[charge.anode] = electrodes.current[: charge.anode_count]
        counter[charge.counter] = electrodes.current[charge.anode_count :]
        return anode, counter

    def potential(self, state: FrontState) -> Floats:
        """Return phi [V] at the surface nodes."""
        leaving = self.on_surface(state.nodal_current)
        nodes = np.concatenate([self.charge.anode, self.charge.counter])
        np.add.at(leaving, nodes, self.charge.weights * state.electrodes.current)
        return np.asarray(state.electrodes.level - self.resistance @ leaving)

    def snapshot(self, state: FrontState) -> SurfaceSnapshot:
        """Return what the fields of a state are recovered from."""
        self.charge.begin_step(state.laws, 0.0)
        crack, places = state.crack, np.arange(self.elasticity.size)
        anode, counter = self.currents_of(state.electrodes)
        inside = places < crack.front
        return SurfaceSnapshot(
            time=state.time,
            potential=self.potential(state),
            opening=self.on_surface(crack.aperture - np.where(inside, self.steps.flaw_aperture, 0.0)),
            lithium_thickness=self.on_surface(crack.thickness),
            lithium_pressure=self.on_surface(crack.pressure),
            # The mouth is a node of the anode face, and carries its current.
            current=anode - counter + self.on_surface(np.where(places > 0, crack.current, 0.0)),
            aperture=self.on_surface(crack.aperture),
            damage=self.on_surface(inside.astype(float)),
            contact=touching(self.surface, self.model, self.laws, state.laws),
            stack_pressure=state.stack_pressure,
        )
