"""A cell without a flaw: the exact relation of its voltage and its uniform current density.

    V = j L/kappa + eta_anode(j) + eta_counter(j),   eta of charge transfer and film at the density j/theta

For Butler-Volmer kinetics with alpha = 1/2 and equal faces V = j L/kappa + (4RT/F) asinh(j/(2 i0)).
"""

from collections.abc import Callable

from lifrac.solver.model.interface import Kinetics

from .constants import thermal_voltage
from .kinetics import EXPONENT_LIMIT, ChargeTransfer

MAX_BISECTIONS = 200
"""Bisections at most, until the last bit."""


def _bisected(below: Callable[[float], bool], low: float, high: float) -> float:
    """Return where `below` turns from true to false between two numbers."""
    for _ in range(MAX_BISECTIONS):
        middle = 0.5 * (low + high)
        if middle in (low, high):  # no number lies between them
            break
        low, high = (middle, high) if below(middle) else (low, middle)
    return 0.5 * (low + high)


def overpotential(kinetics: Kinetics, current_density: float, plating: bool = True) -> float:
    """Return overpotential plus film drop [V], as a magnitude, of a face that plates or strips.

    `current_density` is the nominal one [A/m2].
    """
    local = abs(current_density) / kinetics.contact_fraction
    face, ratio = ChargeTransfer(kinetics, plating), local / kinetics.exchange_current
    unit = thermal_voltage(kinetics.temperature)
    low, high = 0.0, unit
    while face.current(high) < ratio:
        if high > 1.0e3 * EXPONENT_LIMIT * unit:  # beyond what the kinetics can carry
            return float("inf")
        high *= 2.0
    eta = _bisected(lambda trial: bool(face.current(trial) < ratio), low, high)
    return eta + local * kinetics.film_resistance


def voltage_at(
    anode: Kinetics, counter: Kinetics, thickness: float, conductivity: float, current_density: float
) -> float:
    """Cell voltage [V] at a uniform current density [A/m2], same sign; thickness L [um], kappa [A/m2 per V/um]."""
    size, plates = abs(current_density), current_density >= 0.0
    faces = overpotential(anode, size, plates) + overpotential(counter, size, not plates)
    voltage = size * thickness / conductivity + faces
    return voltage if plates else -voltage


def current_density_at(
    anode: Kinetics, counter: Kinetics, thickness: float, conductivity: float, voltage: float
) -> float:
    """Uniform current density [A/m2] at a cell voltage [V], same sign; thickness L [um], kappa [A/m2 per V/um]."""
    sign = 1.0 if voltage >= 0.0 else -1.0

    def below(size: float) -> bool:
        return abs(voltage_at(anode, counter, thickness, conductivity, sign * size)) < abs(voltage)

    without_overpotential = abs(voltage) * conductivity / thickness
    return sign * _bisected(below, 0.0, without_overpotential)
