"""Contact between metal and electrolyte: lost by stripping, recovered by creep under stack pressure and by plating.

theta is the part of a face that touches, J the current density per nominal area, h* the thickness of metal whose
removal opens the whole face (docs/model.md):

    dtheta/dt = (Omega/(F h*)) [ -J_strip + (theta_max - theta) (J_c(P) + J_plate) ] / theta

so that theta_ss = 1 - J/J_c below the critical stripping current J_c, and above it the contact is lost after
Q = (F h*/Omega) [1/k + (1-k) ln(1-k)/k^2], k = J_c/J. theta_max = 1 - u (1 - lowest theta of the past): a share u of
what was lost does not come back (hysteresis of the interface resistance). Pure NumPy, node by node.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..constants import surface_velocity_per_current
from ..parameters import ContactLaw

Floats = NDArray[np.float64]

NEARLY_CONSTANT = 1.0e-2
"""b/a below which integrals of theta/(a - b theta) are summed as series: their closed forms would cancel."""
TERMS = 6
"""Terms of those series: the rest is 1e-13."""
BISECTIONS = 48
"""Halvings of an interval of at most 1: to 4e-15."""
SHARINGS, SHARED = 30, 1.0e-10
"""Iterations for the common factor of a face's currents, and the change of its logarithm that ends them."""
FLOOR_SHARE = 0.5
"""theta of a node stays above this share of the minimum of its face's mean, at which contact counts as lost."""


@dataclass(frozen=True)
class Contact:
    """State of the contact at every surface node; 1 off the electrode faces."""

    now: Floats
    """theta (n,), in (0, 1]."""
    lowest: Floats
    """Smallest theta of the past (n,)."""

    @classmethod
    def whole(cls, size: int) -> "Contact":
        """Faces that touch everywhere."""
        return cls(np.ones(size), np.ones(size))


def advanced(
    law: ContactLaw, contact: Contact, local: Floats, area: Floats, pressure: float, dt: float
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
    """
    if contact.now.min() == 1.0 and local.min() >= 0.0:
        return contact
    total = float(area @ (local * contact.now))
    logarithm, change = 0.0, [0.0, 0.0]
    now = contact.now
    for step in range(SHARINGS):
        now = _held_pattern(law, contact, np.exp(logarithm) * local, pressure, dt)
        shared = float(area @ (local * now))
        if shared * total <= 0.0:  # no net current: nothing to share out
            break
        change = [change[1], float(np.log(total / shared)) - logarithm]
        if abs(change[1]) < SHARED:
            break
        # s follows its own fixed point, whose slope lies in [0, 1): every second time extrapolated.
        slope = change[1] / change[0] if step % 2 == 1 and 0.0 < change[1] / change[0] < 1.0 else 0.0
        logarithm += change[1] / (1.0 - slope)
    return Contact(now, np.minimum(contact.lowest, now))


def _held_pattern(law: ContactLaw, contact: Contact, local: Floats, pressure: float, dt: float) -> Floats:
    """theta after `dt` with J = theta j, the theta of the end."""
    speed = surface_velocity_per_current(law.molar_volume) / law.void_height
    critical, most = law.critical_current(pressure), 1.0 - law.unrecoverable * (1.0 - contact.lowest)
    plating, stripping = speed * np.maximum(local, 0.0), speed * np.maximum(-local, 0.0)

    def coefficients(theta: Floats) -> tuple[Floats, Floats]:
        recovery = speed * critical + plating * theta
        return most * recovery - stripping * theta, recovery

    return integrated(contact.now, coefficients, dt, FLOOR_SHARE * law.minimum)


def integrated(
    start: Floats, coefficients: Callable[[Floats], tuple[Floats, Floats]], dt: float, floor: float
) -> Floats:
    """theta after `dt` [s] by the exact solution of theta dtheta/dt = a - b theta, kept in [floor, 1].

    a, b [1/s] are those of the theta that is reached. The time to reach theta grows monotonically with the distance
    from `start`: bisection.
    """
    a, b = coefficients(start)
    rate = a - b * start
    near, far = start, np.where(rate > 0.0, 1.0, floor)
    for _ in range(BISECTIONS):
        middle = 0.5 * (near + far)
        reached = _time(start, middle, *coefficients(middle)) <= dt
        near, far = np.where(reached, middle, near), np.where(reached, far, middle)
    return np.where(rate == 0.0, start, 0.5 * (near + far))


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
    terms = sum(x**m * (end ** (m + 2) - start ** (m + 2)) / (m + 2) for m in range(TERMS)) / divisor
    return np.asarray(np.where(series, np.where(terms < 0.0, np.inf, terms), closed))


def charge_to_loss(law: ContactLaw, current_density: float, pressure: float) -> float:
    """Q_loss [C/m2] from whole contact to none at constant J > J_c (nothing unrecoverable); infinite below J_c."""
    k = law.critical_current(pressure) / current_density
    thickness = law.void_height / surface_velocity_per_current(law.molar_volume)
    if k >= 1.0:
        return float("inf")
    if k < NEARLY_CONSTANT:
        return thickness * sum(k**m / ((m + 1) * (m + 2)) for m in range(TERMS))
    return float(thickness * (1.0 / k + (1.0 - k) * np.log1p(-k) / k**2))
