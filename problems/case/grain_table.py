"""The table `[electrolyte.grains]`: a polycrystal whose grain boundaries differ from its grains."""

from collections.abc import Mapping
from typing import Annotated

from lifrac.meshes.geometries.grains import LEAST_ROWS, Grains, grain_count
from lifrac.problems.quantities import units as u
from lifrac.solver.model.electrolyte import GrainBoundaries
from pydantic import Field, StrictBool, model_validator

from .schema_tools import Problem, Problems, Strict, default

Ratio = Annotated[u.Quantity, u.NUMBER.within(gt=0.0, le=100.0)]
WIDTH_IN_CELLS = LEAST_ROWS
"""Width of the band of a grain boundary, by default and at least."""


class GrainTable(Strict):
    """Grains of a polycrystal, drawn at random (Voronoi), for the phase-field engine.

    Off unless this table is given.
    """

    count: Annotated[int, Field(strict=True)] | None = None
    """Number of grains, at least 1; or state `size`."""
    size: u.PositiveLength | None = None
    """Mean grain size: diameter of the circle as large as the mean grain."""
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    """Seed of the random numbers: the same seed gives the same grains."""
    periodic: StrictBool = False
    """Grains that leave the body at one side come in at the other."""
    toughness_ratio: Ratio = default(1.0)
    """Energy of a crack along a grain boundary over that of a crack through a grain."""
    boundary_resistance: u.FilmResistance = default("0 ohm*cm^2")
    """Area-specific resistance of a grain boundary, besides that of the grain in its place."""
    boundary_width: u.PositiveLength | None = None
    """Width of the band that stands for a boundary; at least six times `mesh.band_size`, the default."""

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, data: object) -> object:
        """Refuse a ratio of conductivities: it meant another resistance with each width of the band."""
        if isinstance(data, Mapping) and "conductivity_ratio" in data:
            said = "is not read any more: the resistance it meant went with the width of the band"
            remedy = 'State boundary_resistance = "0.2 ohm cm^2": boundary_width (1/ratio - 1)/conductivity'
            raise Problems([Problem("conductivity_ratio", said, data["conductivity_ratio"], remedy)])
        return data

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
        """Return the grains in a box, with cells of a size where the crack can go; all in um."""
        return GrainBoundaries(
            self.drawn(bounds),
            self.width(cell_size),
            float(self.toughness_ratio),
            float(self.boundary_resistance),
        )

    def mean_size(self, bounds: tuple[tuple[float, float], ...]) -> float:
        """[um], in a box."""
        return float(self.size) if self.size is not None else self.drawn(bounds).mean_size

    def drawn(self, bounds: tuple[tuple[float, float], ...]) -> Grains:
        """Return the grains of a box."""
        count = self.count if self.size is None else grain_count(bounds, float(self.size))
        return Grains(bounds, count or 1, self.seed, self.periodic)

    def width(self, cell_size: float) -> float:
        """Return the width of the band of a grain boundary [um]."""
        return float(self.boundary_width or WIDTH_IN_CELLS * cell_size)
