"""A Li | electrolyte face: charge transfer and contact, at temperature."""

from dataclasses import dataclass, field

from lifrac.solver.physics.constants import LITHIUM_MOLAR_VOLUME, surface_velocity_per_current
from lifrac.solver.physics.kinetics import ButlerVolmer, ChargeTransferLaw

from .stated import HASHED_IF_STATED


@dataclass(frozen=True)
class Kinetics:
    """Charge transfer of one Li | electrolyte interface by a law, with a series film."""

    exchange_current: float
    """i0 at temperature [A/m2]."""
    temperature: float
    """[K]."""
    alpha_a: float = 0.5
    alpha_c: float = 0.5
    film_resistance: float = 0.0
    """Series film resistance [V m2/A]."""
    contact_fraction: float = 1.0
    """theta: the current through a face of nominal density j is j/theta where metal touches."""
    spot_radius: float = 0.0
    """Radius a_s [um] of the spots in which a face touches (`physics.constriction`); 0: no constriction."""
    molar_volume: float = LITHIUM_MOLAR_VOLUME
    law: ChargeTransferLaw = field(default=ButlerVolmer(), metadata=HASHED_IF_STATED)
    """How the current follows from the overpotential."""


@dataclass(frozen=True)
class ContactLaw:
    """How an electrode face touches, loses and recovers contact (`physics.contact`), at temperature."""

    void_height: float
    """h* [um]: thickness of metal whose removal opens the whole face."""
    reference_current: float
    """J_ref: critical stripping current density [A/m2] at `reference_pressure`; 0: Norton creep alone."""
    reference_pressure: float = 1.0
    """P_ref [MPa]."""
    pressure_exponent: float = 1.0
    """mu: J_c ~ P^mu of the linear (diffusional) mechanism; measured 0.8 to 1.9."""
    norton_prefactor: float = 0.0
    """A(T) [1/s/MPa^n] of Norton creep that closes voids in parallel; 0: none."""
    norton_exponent: float = 6.56
    """n."""
    unrecoverable: float = 0.0
    """Share of lost contact that neither creep nor plating brings back, 0..1."""
    minimum: float = 0.05
    """Mean contact of a face, as a share of its static contact, below which contact counts as lost."""
    molar_volume: float = LITHIUM_MOLAR_VOLUME
    full_contact_pressure: float = 0.0
    """P_full [MPa]: pressure that presses a face whole; 0: whole at any pressure."""
    static_exponent: float = 0.5
    """q: below P_full a pressed face touches to the part (P/P_full)^q."""
    largest_pressure: float = 0.0
    """Largest pressure the faces have seen [MPa], at assembly; below the stack pressure it means nothing."""
    retention: float = 0.0
    """Share of the static contact gained at the largest pressure that stays at a lower one, 0..1."""

    def static_contact(self, pressure: float) -> float:
        """theta_s = theta_e(P) + retention [theta_e(P_max) - theta_e(P)], theta_e(P) = min(1, (P/P_full)^q)."""
        pressed = self._pressed(pressure)
        return pressed + self.retention * (self._pressed(max(self.largest_pressure, pressure)) - pressed)

    def _pressed(self, pressure: float) -> float:
        """theta_e(P)."""
        if pressure >= self.full_contact_pressure:
            return 1.0
        return float((pressure / self.full_contact_pressure) ** self.static_exponent)

    def critical_current(self, pressure: float) -> float:
        """J_c(P) = J_ref (P/P_ref)^mu + (F h*/Omega) (A/2) (3P/(2n))^n [A/m2].

        The second term is the rate at which a spherical void closes in a Norton solid (exact), so a pure Norton law
        gives the exponent n.
        """
        n = self.norton_exponent
        closing = 0.5 * self.norton_prefactor * (1.5 * pressure / n) ** n
        linear = self.reference_current * (pressure / self.reference_pressure) ** self.pressure_exponent
        return float(linear + closing * self.void_height / surface_velocity_per_current(self.molar_volume))
