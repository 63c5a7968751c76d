"""Sizes of what is to be expected of a flaw, for tolerances and first steps."""

from dataclasses import dataclass

from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.physics.flaw_scales import griffith_pressure, opening_at_growth, plating_speed

PRESSURE_UNIFORMITY = 0.1
"""Difference of pressure across the band, in Griffith pressures of the flaw, at the speed of plating."""


@dataclass(frozen=True)
class Scales:
    """Those of an edge crack as long as the flaw."""

    pressure: float
    """Griffith pressure of the flaw [MPa]."""
    opening: float
    """Its opening then [um]."""
    length: float
    """a0 [um]."""
    plating_speed: float
    """[um/s]."""

    @classmethod
    def of(cls, model: CellModel) -> "Scales":
        """From the model."""
        return cls(griffith_pressure(model), opening_at_growth(model), model.flaw.length, plating_speed(model))

    def across_mobility(self, length: float) -> float:
        """M_n [um3/(MPa s)] that keeps the pressure uniform through a band of half width 2 l."""
        return 4.0 * length**2 * max(self.plating_speed, 1.0e-9) / (PRESSURE_UNIFORMITY * self.pressure)
