"""Charge transfer and conduction at the nodes of the surface; the electrodes are eliminated.

The electrolyte gives phi = c - G f/kappa for currents f that leave it at the nodes of crack, anode and counter
electrode. The electrodes' currents, c and the cell voltage V answer to the currents of the crack; that answer is
linearised with the slopes of a state of the electrodes and used again while they hardly change. Residuals are exact.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.linalg
from lifrac.solver.interfaces.law import CONTACT, EXCHANGE_CURRENT, FILM_RESISTANCE
from lifrac.solver.interfaces.laws import FaceLaws, LawStates
from lifrac.solver.model.control import Closure
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.physics.constants import pressure_per_volt, thermal_voltage
from lifrac.solver.physics.constriction import local_resistance
from lifrac.solver.physics.kinetics import ChargeTransfer, FaceKinetics
from lifrac.solver.physics.uniform_cell import overpotential
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WORN = 0.05
"""Relative change of an electrode's slopes from which on its answer is linearised anew."""


@dataclass(frozen=True)
class NodalKinetics:
    """Charge transfer at some nodes of a face.

    Parameters
    ----------
    face : Kinetics
    film : ndarray or float
        Resistance in series on the local current density [V m2/A].
    exchange : ndarray or float
        i0 [A/m2].
    plating : bool
        False reads overpotential and current as those of stripping.
    """

    face: Kinetics
    film: Floats | float
    exchange: Floats | float
    plating: bool = True

    def residual(self, drop: Floats, current: Floats, excess: Floats | float = 0.0) -> tuple[Floats, Floats, Floats]:
        """Residual [V], and its derivatives by drop and current.

        Parameters
        ----------
        drop : ndarray
            Potential difference that drives the current [V].
        current : ndarray
            Local current density [A/m2].
        excess : ndarray or float
            p - P [MPa].
        """
        vt = thermal_voltage(self.face.temperature)
        law = ChargeTransfer(self.face, self.plating)
        eta = drop - self.film * current - excess / pressure_per_volt(self.face.molar_volume)
        largest = self.face.law.reach(self.face) * vt
        near = np.clip(eta, -largest, largest)  # beyond it the law itself is only a bound, and the residual goes on
        scaled, by_drop = law.scaled(near)
        by_current = -self.film * by_drop - 2.0 * vt / np.sqrt(current**2 + 4.0 * self.exchange**2)
        found = scaled + by_drop * (eta - near) - 2.0 * vt * np.arcsinh(0.5 * current / self.exchange)
        return found, by_drop, by_current

    def drop(self, current: float) -> float:
        """Return the potential difference [V] that drives a local current density [A/m2], with mean film and i0."""
        film, exchange = float(np.mean(self.film)), float(np.mean(self.exchange))
        face = replace(self.face, film_resistance=film, exchange_current=exchange, contact_fraction=1.0)
        return math.copysign(overpotential(face, current, self.plating == (current >= 0.0)), current)

    def at(self, nodes: Ints) -> "NodalKinetics":
        """Return the kinetics of some of the nodes."""
        film, exchange = (v[nodes] if isinstance(v, np.ndarray) else v for v in (self.film, self.exchange))
        return NodalKinetics(self.face, film, exchange, self.plating)


@dataclass(frozen=True)
class OtherKinetics:
    """Kinetics of another kind (verification), differentiated by differences.

    Parameters
    ----------
    relation : FaceKinetics
    scale : float
        Of potentials [V] and, times 1 A/m2 per V, of currents.
    """

    relation: FaceKinetics
    scale: float

    def residual(self, drop: Floats, current: Floats, excess: Floats | float = 0.0) -> tuple[Floats, Floats, Floats]:
        """Residual [V], and its derivatives by drop and current."""
        relation, h = self.relation, 1.0e-3 * self.scale

        def at(more_drop: float, more_current: float) -> Floats:
            found: Any = relation.residual(current + more_current, drop + more_drop, excess)  # type: ignore[arg-type]
            return np.asarray(found) + np.zeros_like(current)

        by_drop = (at(h, 0.0) - at(-h, 0.0)) / (2.0 * h)
        by_current = (at(0.0, h) - at(0.0, -h)) / (2.0 * h)
        return at(0.0, 0.0), by_drop, by_current

    def at(self, nodes: Ints) -> "OtherKinetics":
        """Return the kinetics of some of the nodes."""
        return self


@dataclass
class ElectrodeState:
    """Currents of the electrodes where they touch, and the levels of the potential."""

    current: Floats
    """Local current densities of anode nodes, then of counter nodes [A/m2]."""
    level: float = 0.0
    """c [V]."""
    voltage: float = 0.0
    """V [V]."""

    def copy(self) -> "ElectrodeState":
        """Return a state of its own."""
        return ElectrodeState(self.current.copy(), self.level, self.voltage)

    def add(self, change: Floats) -> None:
        """Add changes of currents, c and V."""
        self.current = self.current + change[:-2]
        self.level += float(change[-2])
        self.voltage += float(change[-1])


@dataclass(frozen=True)
class Answer:
    """How the electrodes answer to the currents of the crack, and the potential there with them."""

    inverse: Floats
    by_crack: Floats
    """(ne + 2, N) inverse times the derivative of the electrodes' equations by the crack's nodal currents."""
    resistance: Floats
    """(N, N) fall of the potential at crack nodes per nodal current there [V per A/m2 um]."""
    of_residual: Floats
    """(N, ne + 2) change of the potential at crack nodes by the electrodes' residuals."""
    slopes: Floats
    """Derivatives of the kinetics by the currents that it rests on."""
    weights: Floats
    """Areas that touch that it rests on."""


class Charge:
    """The currents of a cell.

    Parameters
    ----------
    resistance : ndarray
        G/kappa on all surface nodes.
    crack, anode, counter : ndarray of int
        Surface nodes; those of the crack from the mouth on.
    areas : tuple of ndarray
        Area of the anode and of the counter electrode at their nodes [um].
    faces : tuple of Kinetics
        Anode and counter electrode.
    laws : FaceLaws
    conductivity : float
        kappa [A/m2 per V/um], for the constriction towards spots.
    """

    def __init__(
        self,
        resistance: Floats,
        crack: Ints,
        electrodes: tuple[Ints, Ints],
        *,
        areas: tuple[Floats, Floats],
        faces: tuple[Kinetics, Kinetics],
        laws: FaceLaws,
        conductivity: float,
    ) -> None:
        self.crack, self.anode, self.counter = crack, *electrodes
        self.areas, self.faces, self.laws, self.conductivity = areas, faces, laws, conductivity
        nodes = np.concatenate(electrodes)
        self.count = len(nodes)
        self._ee, self._ec = resistance[np.ix_(nodes, nodes)], resistance[np.ix_(nodes, crack)]
        self.resistance = resistance[np.ix_(crack, crack)]
        self.anode_count = len(self.anode)
        self._sign = np.where(np.arange(self.count) < self.anode_count, 1.0, -1.0)
        self._answer: Answer | None = None
        self.other: FaceKinetics | None = None
        """Kinetics of the crack faces instead of the anode's (verification)."""

    def begin_step(self, states: LawStates, dt: float) -> None:
        """Take the coefficients of the laws on the faces for a step of `dt` [s].

        What the electrodes answered before is forgotten, so that a step follows from the state it starts from alone.
        """
        self._answer = None

        def nodal(face: Kinetics, nodes: Ints, constricted: bool, plating: bool = True) -> NodalKinetics:
            touching = face.contact_fraction * contact[nodes]
            film = face.film_resistance + film_added[nodes]
            if constricted and face.spot_radius != 0.0:
                spots: Any = local_resistance(face.spot_radius, self.conductivity, touching)  # type: ignore[arg-type]
                film = film + spots
            return NodalKinetics(face, film, face.exchange_current * exchange[nodes], plating)

        contact = self.laws.coefficient(CONTACT, states, dt)
        film_added = self.laws.coefficient(FILM_RESISTANCE, states, dt)
        exchange = self.laws.coefficient(EXCHANGE_CURRENT, states, dt)
        anode, counter = self.faces
        self.on_anode = nodal(anode, self.anode, True)
        self.on_counter = nodal(counter, self.counter, True, plating=False)
        of_crack = nodal(anode, self.crack, False)
        film = np.array(np.broadcast_to(of_crack.film, self.crack.shape), dtype=float)
        if anode.spot_radius != 0.0:  # the mouth is a node of the anode face
            film[0] = np.asarray(nodal(anode, self.crack[:1], True).film)[0]
        self.on_crack: NodalKinetics | OtherKinetics = replace(of_crack, film=film)
        if self.other is not None:
            self.on_crack = OtherKinetics(self.other, thermal_voltage(anode.temperature))
        self.weights = np.concatenate(
            [
                self.areas[0] * anode.contact_fraction * contact[self.anode],
                -self.areas[1] * counter.contact_fraction * contact[self.counter],
            ]
        )
        """Nodal currents that leave the electrolyte per local current density [um]."""

    def uniform(self, current: float) -> ElectrodeState:
        """Return electrodes that carry a current I [A/m2 um] evenly: where Newton's method starts after a jump.

        Laws of charge transfer that are nearly saturated leave no other way.
        """
        k = self.anode_count
        anode, counter = current / self.weights[:k].sum(), -current / self.weights[k:].sum()
        local = np.where(self._sign > 0.0, anode, counter)
        ohmic = self._ee @ (self.weights * local)
        level = self.on_anode.drop(anode) + float(np.mean(ohmic[:k]))
        voltage = self.on_counter.drop(counter) + level - float(np.mean(ohmic[k:]))
        return ElectrodeState(local, level, voltage)

    def counter_current(self, state: ElectrodeState) -> float:
        """Return I, what the counter electrode carries [A/m2 um]."""
        k = self.anode_count
        return -float(self.weights[k:] @ state.current[k:])

    def anode_current(self, state: ElectrodeState) -> float:
        """Return the current into the anode face [A/m2 um]."""
        k = self.anode_count
        return float(self.weights[:k] @ state.current[:k])

    def evaluate(
        self, state: ElectrodeState, crack: Floats, control: Callable[[float, float], Closure]
    ) -> tuple[Floats, Floats, Closure]:
        """Residuals of the electrodes (ne + 2,), the potential at the crack nodes, and the control's equation.

        Parameters
        ----------
        state : ElectrodeState
        crack : ndarray
            (N,) nodal currents into the crack [A/m2 um].
        control : callable
            Its equation at a current through the counter electrode and a voltage.
        """
        k = self.anode_count
        leaving = self.weights * state.current
        phi = state.level - self._ee @ leaving - self._ec @ crack
        at_anode = self.on_anode.residual(phi[:k], state.current[:k])
        at_counter = self.on_counter.residual(state.voltage - phi[k:], state.current[k:])
        closure = control(self.counter_current(state), state.voltage)
        found = np.concatenate([at_anode[0], at_counter[0], [leaving.sum() + crack.sum(), -closure.missing]])
        self._by_drop = np.concatenate([at_anode[1], at_counter[1]])
        self._by_current = np.concatenate([at_anode[2], at_counter[2]])
        return found, state.level - self._ec.T @ leaving - self.resistance @ crack, closure

    def answer(self, closure: Closure) -> Answer:
        """Return how the electrodes answer, linearised about a state that is close to the last one evaluated."""
        known, slopes = self._answer, self._by_current
        kind = np.append(self.weights, [closure.by_current, closure.by_voltage])
        alike = known is not None and np.array_equal(known.weights, kind)
        if known is not None and alike and float(np.abs(slopes / known.slopes - 1.0).max()) < WORN:
            return known
        self._answer = self._linearised(closure, kind)
        return self._answer

    def _linearised(self, closure: Closure, kind: Floats) -> Answer:
        ne, k = self.count, self.anode_count
        by_phi = self._sign * self._by_drop
        matrix = np.zeros((ne + 2, ne + 2))
        matrix[:ne, :ne] = -by_phi[:, None] * self._ee * self.weights
        matrix[np.arange(ne), np.arange(ne)] += self._by_current
        matrix[:ne, ne] = by_phi
        matrix[k:ne, ne + 1] = self._by_drop[k:]
        matrix[ne, :ne] = self.weights
        matrix[ne + 1, k:ne] = -closure.by_current * self.weights[k:]
        matrix[ne + 1, ne + 1] = closure.by_voltage
        row = 1.0 / np.abs(matrix).max(axis=1)
        inverse = scipy.linalg.inv(matrix * row[:, None], check_finite=False) * row
        by_crack = np.zeros((ne + 2, len(self.crack)))
        by_crack[:ne] = -by_phi[:, None] * self._ec
        by_crack[ne] = 1.0
        by_crack = inverse @ by_crack
        to_crack = np.zeros((len(self.crack), ne + 2))
        to_crack[:, :ne] = -self._ec.T * self.weights
        to_crack[:, ne] = 1.0
        return Answer(
            inverse, by_crack, self.resistance + to_crack @ by_crack, to_crack @ inverse, self._by_current.copy(), kind
        )
