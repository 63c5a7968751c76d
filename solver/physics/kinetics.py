"""Stress-coupled charge transfer at a Li | electrolyte face.

Plating overpotential eta = phi - phi_Li - R_film j - (Omega/F)(p - P), and

    j = i0 [ exp(alpha_a F eta/RT) - exp(-alpha_c F eta/RT) ],    j > 0 plates.

The residual is written as (2RT/F) [asinh(j_BV(eta)/2 i0) - asinh(j/2 i0)] = 0 [V]: for alpha = 1/2 the first term is
eta itself, so Newton sees an almost linear equation at any current (Monroe-Newman kinetics; docs/model.md).
"""

from typing import Protocol

from lifrac.solver.model.interface import Kinetics
from ufl.core.expr import Expr

from .constants import pressure_per_volt, thermal_voltage
from .functions import Value, asinh, exp, larger, smaller

EXPONENT_LIMIT = 40.0
"""|alpha F eta/RT| beyond which the exponential goes on as its tangent (1 V at room temperature: never reached)."""


def bounded_exp(x: Value) -> Value:
    """exp(x) with a linear, once differentiable continuation above EXPONENT_LIMIT."""
    m = EXPONENT_LIMIT
    return exp(smaller(x, m)) * (1.0 + larger(x - m, 0.0))


def charge_transfer_resistance(kinetics: Kinetics) -> float:
    """RT/[F i0 (alpha_a + alpha_c)] of a face without current [V m2/A]: the slope of `ButlerVolmer` at zero."""
    return thermal_voltage(kinetics.temperature) / (kinetics.exchange_current * (kinetics.alpha_a + kinetics.alpha_c))


class FaceKinetics(Protocol):
    """A relation between face current density and potential drop, as a residual in volts."""

    def residual(self, j: Expr, drop: Expr, excess_pressure: Expr | float) -> Expr: ...


class ButlerVolmer:
    """Butler-Volmer with film and stress. `plating=False` reads the drop as a stripping one (counter electrode)."""

    def __init__(self, parameters: Kinetics, plating: bool = True) -> None:
        self.parameters = parameters
        self.plating = plating

    def current(self, eta: Value) -> Value:
        """j_BV(eta)/i0 [-]; eta [V] is an expression, a number or an array."""
        k = self.parameters
        f = 1.0 / thermal_voltage(k.temperature)
        forward, backward = (k.alpha_a, k.alpha_c) if self.plating else (k.alpha_c, k.alpha_a)
        return bounded_exp(forward * f * eta) - bounded_exp(-backward * f * eta)

    def residual(self, j: Expr, drop: Expr, excess_pressure: Expr | float) -> Expr:
        """[V]; `drop` = potential difference that drives j [V], `excess_pressure` = p - P [MPa]."""
        k = self.parameters
        eta = drop - k.film_resistance * j - excess_pressure / pressure_per_volt(k.molar_volume)
        scale = 2.0 * thermal_voltage(k.temperature)
        return scale * (asinh(0.5 * self.current(eta)) - asinh(j / (2.0 * k.exchange_current)))


class PrescribedCurrent:
    """A face current density set from outside: the limit of kinetics that do not feel stress or potential."""

    def __init__(self, current_density: Expr | float) -> None:
        self.current_density = current_density

    def residual(self, j: Expr, drop: Expr, excess_pressure: Expr | float) -> Expr:
        """j_set - j, with 1 V per A/m2 to keep the residual's unit."""
        return self.current_density - j
