"""Contact between metal and electrolyte: lost by stripping, recovered by creep under stack pressure and by plating.

theta is the part of a face that touches, J the current density per nominal area, h* the thickness of metal whose
removal opens the whole face, theta_s the static contact of a face that was only pressed (1 unless the law states it;
docs/model.md):

    dtheta/dt = (Omega/(F h*)) [ -J_strip + (theta_max - theta)/theta_s (J_c(P) + J_plate) ] / theta

Contact starts at theta_s, and neither creep nor plating brings it above. theta_max = theta_s - u (theta_s - theta_low)
with the lowest theta of the past: a share u of what was lost does not come back. With theta = theta_s x and
h* -> theta_s^2 h* this is the law of a whole face for x, so that with u = 0

    steady stripping      theta_ss = theta_s (1 - J/J_c)             below the critical stripping current J_c
    charge to loss        Q = theta_s^2 (F h*/Omega) [1/k + (1-k) ln(1-k)/k^2],    k = J_c/J, above it
    symmetric cycling     theta_ss = theta_s 2 J_c/(J + 2 J_c)       from the mean of both: -J + (1-x)(2 J_c + J) = 0

The last holds for half-cycles that each change theta little: no J loses all contact, yet J/theta grows as J^2/(2 J_c).
Pure NumPy, node by node. `FaceContact` is the law as engines hold it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from lifrac.solver.model.interface import ContactLaw, Kinetics
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.constriction import constricted
from lifrac.solver.physics.kinetics import charge_transfer_resistance
from numpy.typing import NDArray

from .law import CONTACT, Coefficient, Faces, FaceStep, InterfaceLaw, LawState, Limit

Floats = NDArray[np.float64]

NEARLY_CONSTANT = 1.0e-2
"""b/a below which integrals of theta/(a - b theta) are summed as series: their closed forms would cancel."""
SERIES_TERMS = 6
"""Terms of those series: the rest is 1e-13."""
RESOLUTION = 4.0e-15
"""To which theta at the end of a step is found."""
MAX_SHARING_ITERATIONS, SHARING_TOLERANCE = 30, 1.0e-10
"""Iterations for the common factor of a face's currents, and the change of its logarithm that ends them."""
CONTACT_ALLOWANCE = 0.05
"""Change of contact per step at any node: currents see the contact of the step's start."""
TOUCHING_PRESSURE = 1.0e-6
"""Pressure [MPa] of faces that only just touch: the law divides by what a pressure presses into contact."""
FLOOR_FRACTION = 0.5
"""theta of a node stays above this share of the minimum of its face's mean, at which contact counts as lost."""


@dataclass(frozen=True)
class Contact:
    """State of the contact at every surface node; 1 off the electrode faces."""

    now: Floats
    """theta (n,), in (0, 1]."""
    lowest: Floats
    """Smallest theta of the past (n,)."""


def advanced(
    law: ContactLaw,
    contact: Contact,
    local: Floats,
    area: Floats,
    pressure: float,
    dt: float,
    total: Callable[[float], float] = float,
) -> Contact:
    """Contact of one face after a time during which its total current and the pattern of j = J/theta are held.

    J = s j theta at the end of the step, with one s for the face so that the sum of area J stays. Implicit in theta:
    J held node by node would make a node that has lost a little more overshoot where theta < J/J_c.

    Parameters
    ----------
    local : ndarray (n,)
        J/theta at the start of the step [A/m2]; negative strips.
    area : ndarray (n,)
        Area of the face that belongs to each node [um].
    pressure : float
        Stack pressure P [MPa].
    dt : float
        [s].
    total : callable
        Sum of a number over all ranks, where the face lies on several (collective).
    """
    if total(float(np.count_nonzero((contact.now < law.static_contact(pressure)) | (local < 0.0)))) == 0.0:
        return contact
    current = total(float(area @ (local * contact.now)))
    logarithm, change = 0.0, [0.0, 0.0]
    now = contact.now
    for step in range(MAX_SHARING_ITERATIONS):
        now = _held_pattern(law, contact, np.exp(logarithm) * local, pressure, dt)
        shared = total(float(area @ (local * now)))
        if shared * current <= 0.0:  # no net current: nothing to share out
            break
        change = [change[1], float(np.log(current / shared)) - logarithm]
        if abs(change[1]) < SHARING_TOLERANCE:
            break
        # s follows its own fixed point, whose slope lies in [0, 1): every second time extrapolated.
        slope = change[1] / change[0] if step % 2 == 1 and 0.0 < change[1] / change[0] < 1.0 else 0.0
        logarithm += change[1] / (1.0 - slope)
    return Contact(now, np.minimum(contact.lowest, now))


@dataclass(frozen=True)
class FaceContact(InterfaceLaw):
    """The law on both electrode faces: what touches carries the current, and lost contact is an event."""

    parameters: ContactLaw
    name = "contact"
    coefficients_of = (CONTACT,)

    def initial(self, faces: Faces, stack_pressure: float) -> LawState:
        """Return the static contact of faces that were only pressed."""
        static = faces.uniform(self.parameters.static_contact(stack_pressure), elsewhere=1.0)
        return LawState({"contact": static, "lowest_contact": static.copy()})

    def advance(self, state: LawState, faces: Faces, step: FaceStep) -> LawState:
        """Each face by itself, with its total current and the pattern of it held (`advanced`)."""
        now, lowest = state.nodal["contact"].copy(), state.nodal["lowest_contact"].copy()
        largest = max(self.parameters.largest_pressure, step.largest_stack_pressure)
        law, pressure = replace(self.parameters, largest_pressure=largest), max(step.stack_pressure, TOUCHING_PRESSURE)
        for face in faces.electrodes.values():
            nodes = face.nodes
            local = face.contact_fraction * step.current[nodes]
            before = Contact(now[nodes], lowest[nodes])
            after = advanced(law, before, local, face.area, pressure, step.dt, face.total)
            now[nodes], lowest[nodes] = after.now, after.lowest
        return LawState({"contact": now, "lowest_contact": lowest})

    def coefficients(self, state: LawState, dt: float) -> Mapping[Coefficient, Floats | float]:
        """Return theta at each node."""
        return {CONTACT: state.nodal["contact"]}

    def change(self, old: LawState, new: LawState) -> float:
        """Largest change of theta at a node, in allowances."""
        change = np.abs(new.nodal["contact"] - old.nodal["contact"])
        return float(change.max(initial=0.0)) / CONTACT_ALLOWANCE

    def outputs(self, state: LawState, faces: Faces) -> Mapping[str, float]:
        """Mean contact of each face [-]."""
        return {f"contact_{name}": face.mean(state.nodal["contact"]) for name, face in faces.electrodes.items()}

    def limits(self, stack_pressure: float) -> Sequence[Limit]:
        """Contact of a face counts as lost."""
        least = lost_below(self.parameters, stack_pressure)
        faces = {"anode": "anode face", "counter": "counter electrode"}
        return [Limit(f"contact_{k}", least, "contact_lost", k, f"contact of the {v}") for k, v in faces.items()]


def _held_pattern(law: ContactLaw, contact: Contact, local: Floats, pressure: float, dt: float) -> Floats:
    """Return theta after `dt` with J = theta j, the theta of the end."""
    if not local.size:  # no node of the face on this rank
        return contact.now
    speed = surface_velocity_per_current(law.molar_volume) / law.void_height
    critical, static = law.critical_current(pressure), law.static_contact(pressure)
    most = static - law.unrecoverable * (static - contact.lowest)
    plating, stripping = speed * np.maximum(local, 0.0), speed * np.maximum(-local, 0.0)

    def coefficients(theta: Floats, most: Floats, plating: Floats, stripping: Floats) -> tuple[Floats, Floats]:
        recovery = (speed * critical + plating * theta) / static
        return most * recovery - stripping * theta, recovery

    floor = FLOOR_FRACTION * lost_below(law, pressure)
    return integrated(contact.now, coefficients, (most, plating, stripping), dt, floor)


def integrated(
    start: Floats,
    coefficients: Callable[..., tuple[Floats, Floats]],
    nodal: tuple[Floats, ...],
    dt: float,
    floor: float,
) -> Floats:
    """Return theta after `dt` [s] by the exact solution of theta dtheta/dt = a - b theta, kept in [floor, 1].

    a, b [1/s] = coefficients(theta, *nodal) are those of the theta that is reached. The time to reach theta grows
    monotonically with the distance from `start` and is infinite at the steady value: what is sought is the zero of
    1/2 - dt/(dt + time), which is not.
    """
    a, b = coefficients(start, *nodal)
    rate = a - b * start
    far = np.where(rate > 0.0, 1.0, np.where(rate < 0.0, floor, start))

    def early(theta: Floats, start: Floats, *nodal: Floats) -> Floats:
        time = np.where(theta == start, 0.0, _time(start, theta, *coefficients(theta, *nodal)))
        return 0.5 - dt / (dt + time)

    end = np.where(far == start, 0.0, early(far, start, *nodal))
    if not (end > 0.0).any():
        return far
    from scipy.optimize.elementwise import find_root  # half a second of imports, which most cells do without

    tolerances = {"xatol": RESOLUTION, "xrtol": RESOLUTION}
    found = find_root(early, (start, far), args=(start, *nodal), tolerances=tolerances)
    return np.where(end > 0.0, found.x, far)


def _time(start: Floats, end: Floats, a: Floats, b: Floats) -> Floats:
    """int_start^end theta/(a - b theta) dtheta [s]; infinite at and beyond the steady value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        left = (a - b * end) / (a - b * start)
        closed = (start - end) / b - a / b**2 * np.log(left)
        closed = np.where((left > 0.0) & ((end - start) * (a - b * end) > 0.0), closed, np.inf)
        x = b / a
    series = np.abs(x) < NEARLY_CONSTANT
    if not series.any():
        return closed
    x, divisor = np.where(series, x, 0.0), np.where(series, a, 1.0)
    terms, factor, upper, lower = np.zeros_like(x), np.ones_like(x), end**2, start**2
    for m in range(SERIES_TERMS):
        terms = terms + factor * (upper - lower) / (m + 2)
        factor, upper, lower = factor * x, upper * end, lower * start
    terms = terms / divisor
    return np.asarray(np.where(series, np.where(terms < 0.0, np.inf, terms), closed))


def charge_to_loss(law: ContactLaw, current_density: float, pressure: float) -> float:
    """Q_loss [C/m2] from static contact to none at constant J > J_c (nothing unrecoverable); infinite below J_c."""
    k = law.critical_current(pressure) / current_density
    thickness = law.void_height / surface_velocity_per_current(law.molar_volume) * law.static_contact(pressure) ** 2
    if k >= 1.0:
        return float("inf")
    if k < NEARLY_CONSTANT:
        return thickness * sum(k**m / ((m + 1) * (m + 2)) for m in range(SERIES_TERMS))
    return float(thickness * (1.0 / k + (1.0 - k) * np.log1p(-k) / k**2))


def cycled_contact(law: ContactLaw, current_density: float, pressure: float) -> float:
    """theta_s 2 J_c/(J + 2 J_c): mean contact after many half-cycles of +-J that each change it little (u = 0)."""
    twice = 2.0 * law.critical_current(pressure)
    return law.static_contact(pressure) * twice / (abs(current_density) + twice)


def lost_below(law: ContactLaw, pressure: float) -> float:
    """Mean contact of a face at which contact counts as lost."""
    return law.minimum * law.static_contact(pressure)


def face_at_rest(law: ContactLaw | None, kinetics: Kinetics, conductivity: float, pressure: float) -> Kinetics:
    """Kinetics of a face that was only pressed: static contact and constriction in its constant numbers."""
    static = 1.0 if law is None else law.static_contact(pressure)
    return constricted(replace(kinetics, contact_fraction=kinetics.contact_fraction * static), conductivity)


def interface_resistance(
    law: ContactLaw, kinetics: Kinetics, conductivity: float, pressure: float, largest_pressure: float | None = None
) -> float:
    """Resistance of one face at small current, (R_ct + R_film)/theta + R_constr per nominal area [V m2/A].

    R_ct = RT/(F i0 (alpha_a + alpha_c)); theta is the static contact times the constant contact fraction.

    Parameters
    ----------
    conductivity : float
        kappa [A/m2 per V/um], for the constriction towards spots of radius `kinetics.spot_radius`.
    pressure, largest_pressure : float
        Pressure P and the largest of the past [MPa] (default: that of the law): hysteresis.
    """
    if largest_pressure is not None:
        law = replace(law, largest_pressure=largest_pressure)
    face = face_at_rest(law, kinetics, conductivity, pressure)
    transfer = charge_transfer_resistance(face)
    return (transfer + face.film_resistance) / face.contact_fraction
