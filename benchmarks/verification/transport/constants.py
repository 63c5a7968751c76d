"""The conversions that everything else rests on."""

from pathlib import Path

from lifrac.solver.physics import constants as c
from lifrac.verification.support.book import Level, Row, check

FOUR_DIGITS = 1.0e-4
"""Half a unit of the fourth digit of the targets is 0.7e-4 to 3.7e-4 of them."""


@check(
    "constants",
    engine="none",
    title="Conversions of charge, volume and pressure",
    source="docs/theory/model.md, Constants",
    quick=True,
)
def constants(level: Level, folder: Path | None) -> list[Row]:
    """4.850 um per mAh/cm2, 1.347 nm/s per mA/cm2, 7.422 MPa/mV, 25.69 mV.

    The targets come from F = 96485.33 C/mol, Omega = 13.0e-6 m3/mol and R = 8.314463 J/(mol K), by hand.
    """
    velocity = c.surface_velocity_per_current() * c.AMPERE_PER_M2_PER_MA_PER_CM2 * 1.0e3
    return [
        Row(
            "lithium thickness per areal capacity",
            c.lithium_thickness_per_capacity(),
            4.8505,
            FOUR_DIGITS,
            "um per mAh/cm2",
        ),
        Row("velocity of a plated face", velocity, 1.3474, FOUR_DIGITS, "nm/s per mA/cm2"),
        Row("pressure per overpotential", 1.0e-3 * c.pressure_per_volt(), 7.4219, FOUR_DIGITS, "MPa/mV"),
        Row("RT/F at 298.15 K", 1.0e3 * c.thermal_voltage(298.15), 25.6926, FOUR_DIGITS, "mV"),
    ]
