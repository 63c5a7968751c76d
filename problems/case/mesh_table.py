"""The table `[mesh]`: element sizes, or a mesh of the user's own."""

from collections.abc import Iterator
from typing import Annotated

from lifrac.problems.quantities import units as u
from pydantic import StrictBool, model_validator

from .schema_tools import Problem, Problems, Strict, default


class Mesh(Strict):
    """Element sizes, or a mesh of your own; everything has a default. Sizes of one engine mean nothing to the other."""

    crack_size: u.PositiveLength | None = None
    """Plane engine: element edge on the flaw. Default: a twenty-fifth of the flaw at the default `solver.accuracy`."""
    tip_size: u.PositiveLength | None = None
    """Plane engine: element edge about the tip of the flaw, from 0.9 to 1.5 flaw lengths. Default: `crack_size` where
    that is stated, else a hundredth of the flaw."""
    path_growth: Annotated[u.Quantity, u.NUMBER.within(ge=0.0, le=0.2)] | None = None
    """Plane engine: increase of the element edge on the crack plane per distance ahead of the flaw tip. Default:
    crack_size / flaw length, which keeps the number of elements per crack length while the crack grows, or 2 tip_size /
    flaw length where that is less; 0: equally spaced."""
    path_size: u.PositiveLength | None = None
    """Plane engine: largest element edge on the crack plane. Default: a hundredth of the thickness, or `crack_size`
    where that is more."""
    band_size: u.PositiveLength | None = None
    """Phase field: element edge h where the crack can go, and width of the starting crack; at most a third of
    `fracture.length`. In a mesh of your own: the size of its cells there. Default: a quarter of `fracture.length`, a
    third in 3D."""
    reach: u.PositiveLength | None = None
    """Phase field: how far from the flaw, and from the straight way from its tip to the counter electrode, elements
    are `band_size` long; in 3D and with `adaptive`, how far from the flaw. Default: four internal lengths, with
    `adaptive` three, and for flaws that need not grow straight at least half the flaw without it."""
    adaptive: StrictBool = False
    """Phase field: refine the mesh to `band_size` during the run, wherever a crack is and goes: its path need not be
    known. Coarse elements must still be fine enough for stress and potential (`far_size`, `growth`)."""
    far_size: u.PositiveLength | None = None
    """Largest element edge. Default: a tenth of the thickness, or `crack_size` or `band_size` where that is more."""
    growth: Annotated[u.Quantity, u.NUMBER.within(gt=0.0, le=1.0)] | None = None
    """Increase of element size per distance from the crack plane, or from the region within `reach`. Default: 0.1,
    with the phase-field engine 0.2."""
    half_width: u.PositiveLength | None = None
    """Extent normal to the crack plane; half the extent of the body where it is meshed whole. Default: the larger of
    the thickness and five flaw lengths."""
    breadth: u.PositiveLength | None = None
    """3D: extent of the modelled half along the anode face. Default: `half_width`."""
    file: str | None = None
    """A mesh of your own (gmsh .msh or a meshio format), relative to the case file; replaces the sizes."""
    length_unit: u.PositiveLength = default("1 um")
    """Length of one unit of the coordinates in `file`."""

    @model_validator(mode="after")
    def _check(self) -> "Mesh":
        if self.file is None:
            return self
        found = [
            Problem(name, "has no effect on a mesh file", getattr(self, name).text, "Remove it or mesh.file")
            for name in self.stated()
            if name != "band_size"  # what cells of the file measure where the crack can go
        ]
        if found:
            raise Problems(found)
        return self

    def stated(self) -> Iterator[str]:
        """Sizes that the user stated."""
        sizes = (name for name in type(self).model_fields if name not in ("adaptive", "file", "length_unit"))
        yield from (name for name in sizes if getattr(self, name) is not None)
