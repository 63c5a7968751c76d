"""Physical constants in internal units (um, s, MPa, V, A/m2, K) and the four conversions of the field.

CODATA 2018 values are exact in the SI of 2019. Molar volume of lithium: Duan et al., docs/theory/model.md, Constants.
"""

FARADAY = 96485.33212
"""Faraday constant [C/mol] (CODATA 2018, exact)."""

GAS_CONSTANT = 8.31446261815324
"""Molar gas constant [J/(mol K)] (CODATA 2018, exact)."""

LITHIUM_MOLAR_VOLUME = 13.0e-6
"""Molar volume of lithium metal [m3/mol]."""


def surface_velocity_per_current(molar_volume: float = LITHIUM_MOLAR_VOLUME) -> float:
    """Omega/F: growth velocity of a plated face per current density [um/s per A/m2]."""
    return molar_volume / FARADAY * 1.0e6


def pressure_per_volt(molar_volume: float = LITHIUM_MOLAR_VOLUME) -> float:
    """F/Omega: pressure that stops plating, per volt of overpotential [MPa/V]."""
    return FARADAY / molar_volume * 1.0e-6


def thermal_voltage(temperature: float) -> float:
    """RT/F [V] at `temperature` [K]."""
    return GAS_CONSTANT * temperature / FARADAY


def lithium_thickness_per_capacity(molar_volume: float = LITHIUM_MOLAR_VOLUME) -> float:
    """Thickness of lithium per areal capacity [um per mAh/cm2]."""
    return surface_velocity_per_current(molar_volume) * COULOMB_PER_M2_PER_MAH_PER_CM2


COULOMB_PER_M2_PER_MAH_PER_CM2 = 3.6e4
"""Areal charge [C/m2] of 1 mAh/cm2."""

AMPERE_PER_M2_PER_MA_PER_CM2 = 10.0
"""Current density [A/m2] of 1 mA/cm2."""
