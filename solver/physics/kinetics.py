"""Stress-coupled charge transfer at a Li | electrolyte face.

Plating overpotential eta = phi - phi_Li - R_film j - (Omega/F)(p - P), and a law of charge transfer

    j = i0 f(eta),    j > 0 plates.

The residual is written as (2RT/F) [asinh(f(eta)/2) - asinh(j/2 i0)] = 0 [V]: for Butler-Volmer kinetics with
alpha = 1/2 the first term is eta itself, so Newton sees an almost linear equation at any current (Monroe-Newman
kinetics; docs/model.md).

A further law is one more class here, with `@charge_transfer_law` and its own parameters as fields; a case states them
as keys of the same name (`problems.case.face_table`).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import cosh
from typing import TYPE_CHECKING, ClassVar, Protocol, override

import numpy as np
from numpy.typing import NDArray
from ufl.core.expr import Expr

from .constants import FARADAY, pressure_per_volt, thermal_voltage
from .functions import Value, asinh, exp, larger, smaller

if TYPE_CHECKING:
    from lifrac.solver.model.interface import Kinetics

Floats = NDArray[np.float64]
SLOPE_STEP = 1.0e-4
"""Half the difference [RT/F] over which a law that does not give its derivative is differentiated: right to 1e-9."""
EXPONENT_LIMIT = 40.0
"""|alpha F eta/RT| beyond which the exponential goes on as its tangent (1 V at room temperature: never reached)."""


def bounded_exp(x: Value) -> Value:
    """exp(x) with a linear, once differentiable continuation above EXPONENT_LIMIT."""
    m = EXPONENT_LIMIT
    return exp(smaller(x, m)) * (1.0 + larger(x - m, 0.0))


def _bounded_with_derivative(x: Floats) -> tuple[Floats, Floats]:
    """`bounded_exp` of an array and its derivative, with one exponential for both."""
    slope = np.exp(np.minimum(x, EXPONENT_LIMIT))
    return slope * (1.0 + np.maximum(x - EXPONENT_LIMIT, 0.0)), slope


class ChargeTransferLaw(ABC):
    """How the current of a face follows from its overpotential; a frozen dataclass of the law's own parameters."""

    is_law: ClassVar[bool] = True
    name: ClassVar[str]
    """As case files call it."""

    @abstractmethod
    def current(self, eta: Value, face: "Kinetics", plating: bool) -> Value:
        """Return f = j/i0 [-] at eta [V], which is an expression, a number or an array.

        `plating` False: eta and j are those of stripping (counter electrode).
        """

    @abstractmethod
    def slope(self, face: "Kinetics") -> float:
        """df/d(F eta/RT) at zero [-]."""

    def with_derivative(self, eta: Floats, face: "Kinetics", plating: bool) -> tuple[Floats, Floats]:
        """Return f at overpotentials [V], and df/d(F eta/RT); laws that know their derivative override this."""
        step = SLOPE_STEP * thermal_voltage(face.temperature)
        more, less = (self.current(eta + s, face, plating) for s in (step, -step))  # type: ignore[arg-type]
        difference = np.asarray(more) - np.asarray(less)
        return np.asarray(self.current(eta, face, plating)), difference / (2.0 * SLOPE_STEP)  # type: ignore[arg-type]

    def reach(self, face: "Kinetics") -> float:
        """Overpotential [RT/F] up to which `current` is the law; beyond it a law may keep its numbers bounded."""
        return math.inf


LAWS: dict[str, type[ChargeTransferLaw]] = {}
"""Laws of charge transfer by name."""


def charge_transfer_law[T: type[ChargeTransferLaw]](name: str) -> Callable[[T], T]:
    """Make the decorated class the law of that name."""

    def keep(law: T) -> T:
        law.name = name
        LAWS[name] = law
        return law

    return keep


@charge_transfer_law("butler_volmer")
@dataclass(frozen=True)
class ButlerVolmer(ChargeTransferLaw):
    """f = exp(alpha_a F eta/RT) - exp(-alpha_c F eta/RT)."""

    @override
    def current(self, eta: Value, face: "Kinetics", plating: bool) -> Value:
        """Anodic and cathodic branch; those of plating change places on stripping."""
        f = 1.0 / thermal_voltage(face.temperature)
        forward, backward = self._branches(face, plating)
        return bounded_exp(forward * f * eta) - bounded_exp(-backward * f * eta)

    @override
    def with_derivative(self, eta: Floats, face: "Kinetics", plating: bool) -> tuple[Floats, Floats]:
        x = eta / thermal_voltage(face.temperature)
        forward, backward = self._branches(face, plating)
        (ahead, by_ahead), (behind, by_behind) = map(_bounded_with_derivative, (forward * x, -backward * x))
        return ahead - behind, forward * by_ahead + backward * by_behind

    def _branches(self, face: "Kinetics", plating: bool) -> tuple[float, float]:
        return (face.alpha_a, face.alpha_c) if plating else (face.alpha_c, face.alpha_a)

    @override
    def slope(self, face: "Kinetics") -> float:
        """alpha_a + alpha_c."""
        return face.alpha_a + face.alpha_c

    @override
    def reach(self, face: "Kinetics") -> float:
        return 0.99 * EXPONENT_LIMIT / max(face.alpha_a, face.alpha_c)


@charge_transfer_law("linear")
@dataclass(frozen=True)
class Linear(ChargeTransferLaw):
    """f = (alpha_a + alpha_c) F eta/RT: Butler-Volmer kinetics at small overpotential, a constant resistance."""

    @override
    def current(self, eta: Value, face: "Kinetics", plating: bool) -> Value:
        """Return a current in proportion to eta."""
        return self.slope(face) * eta / thermal_voltage(face.temperature)

    @override
    def slope(self, face: "Kinetics") -> float:
        """alpha_a + alpha_c."""
        return face.alpha_a + face.alpha_c


LOWEST_LEVEL, HIGHEST_LEVEL = -40, 60
"""Energies of electrons in the metal, in RT from the Fermi level, over which `MarcusHushChidsey` sums in steps of one.
What lies beyond is e^-20 of the integral at most, for |F eta/RT| up to 40; steps of one leave e^(-2 pi^2) = 3e-9."""


@charge_transfer_law("marcus_hush_chidsey")
@dataclass(frozen=True)
class MarcusHushChidsey(ChargeTransferLaw):
    """Electron transfer from all levels of a metal, with a reorganization energy lambda.

    Chidsey, Science 251 (1991) 919; the rates are integrals of Marcus rates over the Fermi distribution,

        k(+-x) = int exp(-(e - lambda -+ x)^2/(4 lambda)) / (1 + exp(e)) de,     x = F eta/RT, energies in RT,

    whose difference over the exchange rate k(0) is, exactly,

        f = 2 sinh(x/2) I(x)/I(0),    I(x) = int exp(-(e - x)^2/(4 lambda)) sech(e/2) de.

    For lambda -> infinity I(x) = I(0), Butler-Volmer kinetics with alpha = 1/2; at large |eta| f saturates.

    Parameters
    ----------
    reorganization_energy : float
        lambda [J/mol], at least RT/2: levels are summed in steps of RT.
    """

    reorganization_energy: float

    @override
    def current(self, eta: Value, face: "Kinetics", plating: bool) -> Value:
        """Return the same for plating and stripping."""
        rt = FARADAY * thermal_voltage(face.temperature)
        x = larger(smaller(eta / thermal_voltage(face.temperature), EXPONENT_LIMIT), -EXPONENT_LIMIT)
        width = 4.0 * self.reorganization_energy / rt
        return (exp(0.5 * x) - exp(-0.5 * x)) * _levels(abs(x), width) / _levels(0.0 * x, width)

    @override
    def slope(self, face: "Kinetics") -> float:
        """1."""
        return 1.0

    @override
    def reach(self, face: "Kinetics") -> float:
        return 0.99 * EXPONENT_LIMIT


def _levels(x: Value, width: Value) -> Value:
    """I(x) for x >= 0, with 4 lambda in RT, by the trapezoidal rule."""
    return sum(exp(-((x - e) ** 2) / width) / cosh(0.5 * e) for e in range(LOWEST_LEVEL, HIGHEST_LEVEL + 1))


def charge_transfer_resistance(kinetics: "Kinetics") -> float:
    """RT/(F i0 f'(0)) of a face without current [V m2/A]: the slope of its law at zero."""
    return thermal_voltage(kinetics.temperature) / (kinetics.exchange_current * kinetics.law.slope(kinetics))


class FaceKinetics(Protocol):
    """A relation between face current density and potential drop, as a residual in volts."""

    def residual(self, j: Expr, drop: Expr, excess_pressure: Expr | float) -> Expr:
        """Return the residual [V] at a current density [A/m2], potential drop [V] and excess pressure [MPa]."""
        ...


class ChargeTransfer:
    """Charge transfer of a face by its law, with film and stress.

    Parameters
    ----------
    parameters : Kinetics
        Numbers, or expressions (`symbolic`).
    plating : bool
        False reads the drop as a stripping one (counter electrode).
    """

    def __init__(self, parameters: "Kinetics", plating: bool = True) -> None:
        self.parameters = parameters
        self.plating = plating

    def current(self, eta: Value) -> Value:
        """Return f = j/i0 [-]; eta [V] is an expression, a number or an array."""
        return self.parameters.law.current(eta, self.parameters, self.plating)

    def scaled(self, eta: Floats) -> tuple[Floats, Floats]:
        """Return (2RT/F) asinh(f/2) [V] at overpotentials [V], and its derivative."""
        k = self.parameters
        f, slope = k.law.with_derivative(eta, k, self.plating)
        scale = 2.0 * thermal_voltage(k.temperature)
        return scale * np.arcsinh(0.5 * f), 2.0 * slope / np.sqrt(4.0 + f**2)

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
