"""The table `[electrolyte.grains]`: a polycrystal whose grain boundaries differ from its grains."""

from typing import Annotated

from lifrac.meshes.grains import Grains, grain_count
from lifrac.solver.parameters import GrainBoundaries
from pydantic import Field, StrictBool, model_validator

from . import units as u
from .schema_tools import Problem, Problems, Strict, default

Ratio = Annotated[u.Quantity, u.NUMBER.within(gt=0.0, le=100.0)]
WIDTH_IN_CELLS = 2.0
"""Width of the band of a grain boundary, by default."""


class GrainTable(Strict):
    """Grains of a polycrystal, drawn at random (Voronoi), for the phase-field engine. Off unless this table is
    given."""

    count: Annotated[int, Field(strict=True)] | None = None
    """Number of grains, at least 1; or state `size`."""
    size: u.PositiveLength | None = None
    """Mean grain size: diameter of the circle as large as the mean grain."""
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    """Of the random numbers: the same seed gives the same grains."""
    periodic: StrictBool = False
    """Grains that leave the body at one side come in at the other."""
    toughness_ratio: Ratio = default(1.0)
    """Gc of grain boundaries over that of grains."""
    conductivity_ratio: Ratio = default(1.0)
    """Conductivity in the band of a grain boundary over that of grains."""
    boundary_width: u.PositiveLength | None = None
    """Width of the band that stands for a grain boundary; at least `mesh.band_size`. Default: twice that."""

    @model_validator(mode="after")
    def _check(self) -> "GrainTable":
        found = []
        if (self.count is None) == (self.size is None):
            said = "is required" if self.count is None else "cannot stand beside size"
            found.append(Problem("count", said, self.count, 'State either count = 40 or size = "10 um"'))
        if self.count is not None and self.count < 1:
            found.append(
                Problem("count", "there must be at least one grain", self.count, "Write 1, or leave the table out")
            )
        if found:
            raise Problems(found)
        return self

    def resolved(self, bounds: tuple[tuple[float, float], ...], cell_size: float) -> GrainBoundaries:
        """In a box, with cells of a size where the crack can go; all in um."""
        count = self.count if self.size is None else grain_count(bounds, float(self.size))
        return GrainBoundaries(
            Grains(bounds, count or 1, self.seed, self.periodic),
            self.width(cell_size),
            float(self.toughness_ratio),
            float(self.conductivity_ratio),
        )

    def width(self, cell_size: float) -> float:
        """Of the band of a grain boundary [um]."""
        return float(self.boundary_width or WIDTH_IN_CELLS * cell_size)
