"""Equilibrium of a flaw full of lithium at K = K_Ic: the current that makes it crack in the end.

Unknown are the pressure p and the current density j on the faces at each node of the flaw up to its tip, the current
densities on both electrodes, a constant of the potential, the cell voltage V and the mean current density J. Where
nothing changes any more (docs/theory/front.md, Threshold)

    q_e     = - sum over nodes beyond e of 2 (Omega/F) A_i j_i     flow in a cell e; p = P at an open mouth
    0       = charge transfer (j, phi, p - P)                      on all faces
    phi     = c - G f/kappa,   sum f = 0                           f: nodal currents into the faces
    J A     = current of the counter electrode
    w       = w0 + C (A (p + sigma))/E'                            sigma: stress of the outer loads
    K_Ic    = int m (p + sigma) dy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from lifrac.solver.interfaces.toughness import AssistedToughness
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.plane.surface import ANODE, COUNTER
from numpy.typing import NDArray

from .body import FrontBody
from .faces import CellFaces, faces_at_rest
from .flow import CellFlow, cell_flow

Floats = NDArray[np.float64]
TOUGHNESS_STEP = 1.0e-4
"""Of differences in the current density at the tip, over its scale."""


class FlawGeometry:
    """What an equilibrium of a crack up to a given node takes from the body; it serves every model.

    Parameters
    ----------
    body : FrontBody
    tip : int
        Number of the node at the tip, from the mouth.
    """

    def __init__(self, body: FrontBody, tip: int) -> None:
        crack = body.crack
        self.body, self.size = body, tip + 1
        self.length = float(crack.y[tip])
        self.y, self.cells = crack.y[: self.size], crack.cells[:tip]
        self.area = crack.area[: self.size].copy()
        self.area[-1] = 0.5 * self.cells[-1]
        opened = crack.at(self.length)
        self.opening_by_force = opened.compliance[: self.size, : self.size]
        self.weights = body.weights.at(self.length)
        surface = body.plane.surface
        anode, counter = surface.dofs(ANODE), surface.dofs(COUNTER)
        nodes = np.concatenate([body.crack_dofs[: self.size], anode, counter])
        self.potential_by_current = body.plane.response.conduction_inverse[np.ix_(nodes, nodes)]
        self.mouth = self.size + int(np.flatnonzero(anode == body.crack_dofs[0])[0])
        self.counts = (self.size, self.size, len(anode), len(counter), 1, 1, 1)
        self.anode_places, self.counter_places = surface.x[anode, 0], surface.x[counter, 0]
        self.anode_area = float(body.electrode_areas[ANODE].sum())

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Places of p, j, anode and counter currents, c, V and J among the unknowns."""
        ends = np.cumsum(self.counts)
        return tuple(slice(int(end) - count, int(end)) for end, count in zip(ends, self.counts, strict=True))

    def fields(self, x: Floats) -> "Fields":
        """Return the unknowns by name."""
        p, j, anode, counter, c, v, mean = (x[part] for part in self.slices)
        return Fields(p, j, anode, counter, float(c[0]), float(v[0]), float(mean[0]))


@dataclass(frozen=True)
class Fields:
    """Unknowns of an equilibrium, by name."""

    pressure: Floats
    """p along the flaw (n,) [MPa]."""
    current: Floats
    """j on the faces of the flaw (n,) [A/m2]."""
    anode: Floats
    """j on the anode where it touches [A/m2]."""
    counter: Floats
    """j on the counter electrode where it touches [A/m2]."""
    level: float
    """c [V]."""
    voltage: float
    """V [V]."""
    mean_current: float
    """J over the anode as meshed [A/m2]."""

    def moved(self, old: "FlawGeometry", new: "FlawGeometry") -> "Fields":
        """Return them on a flaw of another mesh or length, linear between nodes."""
        depth = new.y / new.length
        p, j = (np.interp(depth, old.y / old.length, each) for each in (self.pressure, self.current))
        anode = _along(old.anode_places, self.anode, new.anode_places)
        counter = _along(old.counter_places, self.counter, new.counter_places)
        return replace(self, pressure=p, current=j, anode=anode, counter=counter)

    def packed(self) -> Floats:
        """Return all unknowns in one array."""
        numbers = [self.level, self.voltage, self.mean_current]
        return np.concatenate([self.pressure, self.current, self.anode, self.counter, numbers])


def _along(old: Floats, values: Floats, new: Floats) -> Floats:
    order = np.argsort(old)
    return np.interp(new, old[order], values[order])


class Equilibrium:
    """Residual and derivative of the equations above, scaled to one.

    Parameters
    ----------
    geometry : FlawGeometry
    model : CellModel
        In internal units.
    current_scale : float
        Of current densities [A/m2].
    mobility : float
        Factor on the flow of lithium, for continuation [-].
    """

    def __init__(self, geometry: FlawGeometry, model: CellModel, current_scale: float, mobility: float = 1.0) -> None:
        self.geometry, self.model = geometry, model
        self.current_scale, self.mobility = current_scale, mobility
        body, e = geometry.body, model.electrolyte
        self.stress = body.stress_under(model)[: geometry.size]
        self.faces: CellFaces = faces_at_rest(body, model, geometry.area)
        self.toughness = e.fracture_toughness
        self.critical = self.toughness / geometry.weights.uniform
        self.compliance = geometry.opening_by_force * geometry.area / e.plane_strain_modulus
        self.speed = 2.0 * surface_velocity_per_current(model.anode.molar_volume)
        self.resistance = geometry.potential_by_current / e.conductivity
        self.assisted = None if model.assisted is None else AssistedToughness(model.assisted)
        faces = self.faces
        self.current_area = np.concatenate([faces.crack.area, faces.anode.area, -faces.counter.area])

        self.flow_scale = self.speed * current_scale * geometry.length / geometry.size

    def with_mobility(self, factor: float) -> "Equilibrium":
        """Return the same equations with another factor on the flow of lithium."""
        return Equilibrium(self.geometry, self.model, self.current_scale, factor)

    # -- parts ---------------------------------------------------------------------------------------------------

    def aperture(self, pressure: Floats) -> Floats:
        """Return w at the nodes (n,) [um]."""
        return np.asarray(self.model.flaw.aperture + self.compliance @ (pressure + self.stress))

    def intensity(self, pressure: Floats) -> float:
        """Return the stress intensity of a pressure and of the loads [MPa um^0.5]."""
        return float(self.geometry.weights.coefficients @ (pressure + self.stress))

    def resistance_to_growth(self, tip_current: float) -> float:
        """Return the toughness that a current density at the tip leaves [MPa um^0.5]."""
        return self.toughness * (1.0 if self.assisted is None else self.assisted.factor(tip_current) ** 0.5)

    def potential(self, fields: Fields) -> Floats:
        """Return phi at the nodes of crack, anode and counter electrode [V]."""
        currents = self.current_area * np.concatenate([fields.current, fields.anode, fields.counter])
        return np.asarray(fields.level - self.resistance @ currents)

    def flow(self, fields: Fields) -> CellFlow:
        """Return the flow of lithium between nodes."""
        fixed = self.model.creep.fixed_aperture
        w = np.full(self.geometry.size, self.model.flaw.aperture) if fixed else self.aperture(fields.pressure)
        found = cell_flow(self.model.creep, w, fields.pressure, self.geometry.cells)
        if self.mobility == 1.0:
            return found
        return CellFlow(*(self.mobility * part for part in vars(found).values()))

    def plated_beyond(self, fields: Fields) -> Floats:
        """Return what is plated from each node to the tip (n,) [um2/s]; what enters the first node is not in it."""
        return np.asarray(np.cumsum((self.speed * self.geometry.area * fields.current)[::-1])[::-1])

    def _damped(self, rate: Floats) -> tuple[Floats, Floats]:
        """Return a flow as it enters its equation, and the derivative of that.

        It is linear where the flow is small, and goes with |q|^(1/n), as the pressure gradient does, where it is large:
        there the power law would let Newton's method come down by (1 - 1/n)^n an iteration only.
        """
        n, size = self.model.creep.exponent, np.abs(rate) / self.flow_scale
        root = (1.0 + size) ** (1.0 / n)
        return np.sign(rate) * n * (root - 1.0), root / (1.0 + size) / self.flow_scale

    def _drops(self, phi: Floats, fields: Fields) -> tuple[Floats, Floats, Floats]:
        n = self.geometry.size
        m = n + len(fields.anode)
        return phi[:n], phi[n:m], fields.voltage - phi[m:]

    # -- equations -----------------------------------------------------------------------------------------------

    def parts(self, x: Floats) -> Mapping[str, Floats]:
        """Return the scaled residual by the equation it is of."""
        fields = self.geometry.fields(x)
        excess = fields.pressure - self.model.loads.stack_pressure
        drops, faces = self._drops(self.potential(fields), fields), self.faces
        plated, rate = self.plated_beyond(fields), self.flow(fields).rate
        at_mouth = excess[0] / self.critical if self.model.flaw.mouth == "open" else plated[0] / self.flow_scale
        lithium = np.append(at_mouth, self._damped(rate)[0] + self._damped(plated[1:])[0])
        through = self.geometry.anode_area * self.current_scale
        currents = np.concatenate([fields.current, fields.anode, fields.counter])
        supplied = faces.counter.area @ fields.counter - fields.mean_current * self.geometry.anode_area
        growth = self.intensity(fields.pressure) - self.resistance_to_growth(float(fields.current[-1]))
        return {
            "lithium": lithium,
            "flaw kinetics": faces.crack.residual(fields.current, drops[0], excess),
            "anode kinetics": faces.anode.residual(fields.anode, drops[1], 0.0),
            "counter kinetics": faces.counter.residual(fields.counter, drops[2], 0.0),
            "charge": np.array([self.current_area @ currents, supplied]) / through,
            "toughness": np.array([growth / self.toughness]),
        }

    def residual(self, x: Floats) -> Floats:
        """Return the scaled residual of all equations."""
        return np.concatenate(list(self.parts(x).values()))

    def jacobian(self, x: Floats) -> Floats:
        """Return its derivative."""
        fields = self.geometry.fields(x)
        matrix = np.zeros((len(x), len(x)))
        self._lithium_rows(fields, matrix)
        self._kinetics_rows(fields, matrix)
        self._closing_rows(fields, matrix)
        return matrix

    def _lithium_rows(self, fields: Fields, matrix: Floats) -> None:
        n, rows = self.geometry.size, matrix[: self.geometry.size]
        flow, cells = self.flow(fields), self.geometry.cells
        by_pressure = np.zeros((n - 1, n))
        if not self.model.creep.fixed_aperture:
            by_pressure += flow.by_left[:, None] * self.compliance[:-1] + flow.by_right[:, None] * self.compliance[1:]
        at = np.arange(n - 1)
        by_pressure[at, at] += flow.by_gradient / cells
        by_pressure[at, at + 1] -= flow.by_gradient / cells
        rows[1:, :n] = self._damped(flow.rate)[1][:, None] * by_pressure
        plated = np.triu(np.broadcast_to(self.speed * self.geometry.area, (n, n)))
        slope = self._damped(self.plated_beyond(fields)[1:])[1]
        rows[1:, n : 2 * n] = slope[:, None] * plated[1:]
        if self.model.flaw.mouth == "open":
            rows[0, 0] = 1.0 / self.critical
        else:
            rows[0, n : 2 * n] = plated[0] / self.flow_scale

    def _kinetics_rows(self, fields: Fields, matrix: Floats) -> None:
        n, faces = self.geometry.size, self.faces
        excess = fields.pressure - self.model.loads.stack_pressure
        drops = self._drops(self.potential(fields), fields)
        slopes = (
            faces.crack.slopes(fields.current, drops[0], excess),
            faces.anode.slopes(fields.anode, drops[1], 0.0),
            faces.counter.slopes(fields.counter, drops[2], 0.0),
        )
        by_current, by_drop = (np.concatenate([face[k] for face in slopes]) for k in (0, 1))
        level, voltage = self.geometry.slices[4].start, self.geometry.slices[5].start
        count = len(by_drop)
        rows, first = matrix[n : n + count], n
        by_potential = by_drop.copy()
        by_potential[n + len(fields.anode) :] *= -1.0  # the counter electrode feels V - phi
        rows[:, first : first + count] = -by_potential[:, None] * self.resistance * self.current_area
        rows[np.arange(count), first + np.arange(count)] += by_current
        rows[:, level] = by_potential
        rows[n + len(fields.anode) :, voltage] = by_drop[n + len(fields.anode) :]
        rows[np.arange(n), np.arange(n)] += slopes[0][2]

    def _closing_rows(self, fields: Fields, matrix: Floats) -> None:
        n, through = self.geometry.size, self.geometry.anode_area * self.current_scale
        counter, mean = self.geometry.slices[3], self.geometry.slices[6].start
        matrix[-3, n : n + len(self.current_area)] = self.current_area / through
        matrix[-2, counter] = self.faces.counter.area / through
        matrix[-2, mean] = -self.geometry.anode_area / through
        matrix[-1, :n] = self.geometry.weights.coefficients / self.toughness
        if self.assisted is not None:
            tip, step = float(fields.current[-1]), TOUGHNESS_STEP * self.current_scale
            change = self.resistance_to_growth(tip + step) - self.resistance_to_growth(tip - step)
            matrix[-1, 2 * n - 1] = -change / (2.0 * step) / self.toughness
