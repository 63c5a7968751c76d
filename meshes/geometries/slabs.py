"""Parametrised geometries: what to mesh and how fine, in um. Plain data: needs neither gmsh nor DOLFINx.

x is normal to the crack plane (x = 0), y runs from the anode face (y = 0) to the counter electrode
(y = thickness), and in 3D z runs along the anode face with the symmetry plane of the flaw at z = 0.
"""

import math
from dataclasses import dataclass, fields, replace

from lifrac.errors import InputError

Refinement = tuple[tuple[float, float, float], ...]
"""Extra refinement on the crack plane: (from, to, size), distances from the mouth of the flaw [um]."""

DEFAULT_GROWTH = 0.1
"""Measured on a pressurised 20 um flaw with crack_size 0.5 um (docs/meshes.md): crack volume within 2 %."""


@dataclass(frozen=True)
class SlabEdgeFlaw:
    """2D half model of a slab with an edge flaw: 0 <= x <= half_width, 0 <= y <= thickness.

    The flaw is the part 0 <= y <= flaw_length of the crack plane; a mesh node lies at its tip.

    Parameters
    ----------
    thickness : float
        Distance from the anode face to the counter electrode [um].
    half_width : float
        Extent normal to the crack plane [um].
    flaw_length : float
        Length of the flaw from the anode face [um].
    crack_size : float
        Largest element edge on the crack plane [um]; equally spaced nodes unless `refine` is given.
    far_size : float
        Largest element edge anywhere [um].
    growth : float
        Increase of element size per distance from the crack plane [-].
    refine : tuple of (float, float, float)
        Finer parts of the crack plane: from, to, size, as distances from the mouth [um].
    path_growth : float
        Increase of the element edge on the crack plane per distance ahead of the flaw tip [-]; 0: equally spaced.
        A value of crack_size/flaw_length keeps the same number of elements per crack length while the crack grows.
    path_size : float, optional
        Largest element edge on the crack plane where it grows by `path_growth` [um].
    corridor : float
        Distance from the crack plane within which elements do not grow [um].
    reach : float
        Distance ahead of the flaw tip from which on the element edge grows by `path_growth` [um].
    flaw_row : bool
        The cells beside the flaw are one row of width crack_size, group `flaw`: nodes on both its sides, none inside.

    Raises
    ------
    InputError
        If a length is not positive, or the parts do not fit into each other.
    """

    thickness: float
    half_width: float
    flaw_length: float
    crack_size: float
    far_size: float
    growth: float = DEFAULT_GROWTH
    refine: Refinement = ()
    path_growth: float = 0.0
    path_size: float | None = None
    corridor: float = 0.0
    reach: float = 0.0
    flaw_row: bool = False

    def __post_init__(self) -> None:
        _check(self)

    @property
    def extent(self) -> tuple[float, ...]:
        """Lengths of the domain along x, y (and z) [um]."""
        return (self.half_width, self.thickness)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest coordinate along each axis [um]."""
        return tuple((0.0, length) for length in self.extent)


@dataclass(frozen=True)
class HalfPennyBlock:
    """3D block with a half-penny flaw: 0 <= x <= half_width, 0 <= y <= thickness, 0 <= z <= breadth.

    The flaw is the part y^2 + z^2 <= flaw_length^2 of the crack plane; its circular
    front is a curve of the mesh, so nodes lie on it. By symmetry in x and z this is a quarter of the body.
    Sizes are targets in 3D: single edges may be a third longer.

    Parameters
    ----------
    thickness, half_width, flaw_length, crack_size, far_size, growth, refine, path_growth, path_size, corridor, reach
        As in `SlabEdgeFlaw`; flaw_length is the radius of the flaw, `refine` and `reach` count radially.
    flaw_row : bool
        The cells beside the flaw are one layer of thickness crack_size, group `flaw`.
    breadth : float
        Extent along z [um].

    Raises
    ------
    InputError
        If a length is not positive, or the parts do not fit into each other.
    """

    thickness: float
    half_width: float
    breadth: float
    flaw_length: float
    crack_size: float
    far_size: float
    growth: float = DEFAULT_GROWTH
    refine: Refinement = ()
    path_growth: float = 0.0
    path_size: float | None = None
    corridor: float = 0.0
    reach: float = 0.0
    flaw_row: bool = False

    def __post_init__(self) -> None:
        _check(self)

    @property
    def extent(self) -> tuple[float, ...]:
        """Lengths of the domain along x, y (and z) [um]."""
        return (self.half_width, self.thickness, self.breadth)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest coordinate along each axis [um]."""
        return tuple((0.0, length) for length in self.extent)


Geometry = SlabEdgeFlaw | HalfPennyBlock


def finer[G: (SlabEdgeFlaw, HalfPennyBlock)](geometry: G, factor: float) -> G:
    """Return the same body with every element smaller by `factor`, for refinement studies.

    Divides the growth as well: elements at a distance r from the crack plane are about growth x r, so sizes
    on the crack plane alone do not make a solution converge.
    """
    return replace(
        geometry,
        crack_size=geometry.crack_size / factor,
        far_size=geometry.far_size / factor,
        growth=geometry.growth / factor,
        path_growth=geometry.path_growth / factor,
        path_size=None if geometry.path_size is None else geometry.path_size / factor,
        refine=tuple((start, end, size / factor) for start, end, size in geometry.refine),
    )


def crack_span(geometry: Geometry) -> float:
    """Longest straight way a flaw can grow from its mouth on the crack plane [um]."""
    return min(geometry.extent[1:])


def break_points(geometry: Geometry) -> list[float]:
    """Distances from the mouth where the crack plane is divided [um]: flaw tip and ends of refined parts."""
    span = crack_span(geometry)
    points = [geometry.flaw_length]
    for start, end, size in geometry.refine:
        for r in (start, end):
            if size < r < span - size and all(abs(r - p) > size for p in points):
                points.append(r)
    return sorted(points)


def intervals(length: float, size: float) -> int:
    """Return the number of equal intervals no longer than `size` that fill `length` (rounding error forgiven)."""
    return max(1, math.ceil(length / size * (1 - 1e-9)))


def size_expression(geometry: Geometry) -> str:
    """Target element edge [um] as a formula in x, y, z that gmsh's MathEval field understands.

    On the crack plane it is crack_size (or the finer size of a refined part); away from there it grows
    linearly with distance, which keeps neighbouring elements alike, up to far_size.
    """
    radius = "y" if len(geometry.extent) == 2 else "sqrt(y*y+z*z)"
    path = f"{geometry.crack_size!r}"
    if geometry.path_growth:
        path += f"+{geometry.path_growth!r}*max(0,{radius}-{geometry.flaw_length + geometry.reach!r})"
    if geometry.path_size is not None:
        path = f"min({geometry.path_size!r},{path})"
    sizes = [f"{geometry.far_size!r}", f"{path}+{geometry.growth!r}*max(0,abs(x)-{geometry.corridor!r})"]
    for start, end, size in geometry.refine:
        gap = f"max(0,{start!r}-{radius},{radius}-{end!r})"
        sizes.append(f"{size!r}+{geometry.growth!r}*sqrt(x*x+({gap})*({gap}))")
    return f"min({','.join(sizes)})"


def _check(geometry: Geometry) -> None:
    """Refuse lengths that cannot be meshed, naming the parameter."""
    for field in fields(geometry):
        value = getattr(geometry, field.name)
        if field.name in ("refine", "flaw_row") or value is None:
            continue
        lowest_allowed = value >= 0 if field.name in ("path_growth", "corridor", "reach") else value > 0
        if not (math.isfinite(value) and lowest_allowed):
            raise InputError("must be a positive number", key=field.name, value=value)
    span = crack_span(geometry)
    if geometry.flaw_length >= span:
        raise InputError(
            f"the flaw does not fit: it must be shorter than {span:g} um",
            key="flaw_length",
            value=geometry.flaw_length,
            remedy="Shorten the flaw or enlarge the body",
        )
    room = min(geometry.flaw_length, span - geometry.flaw_length)
    finest = min([geometry.crack_size, *(size for _, _, size in geometry.refine)])
    if finest > room:
        raise InputError(
            f"elements must not be longer than the flaw or the path ahead of it, {room:g} um",
            key="crack_size",
            value=geometry.crack_size,
            remedy="Choose a smaller crack_size",
        )
    if geometry.far_size < geometry.crack_size:
        raise InputError(
            f"must not be smaller than crack_size, {geometry.crack_size:g} um",
            key="far_size",
            value=geometry.far_size,
        )
    if geometry.flaw_row and geometry.refine:
        remedy = "Choose crack_size instead, or flaw_row = False"
        raise InputError("does not go with a flaw that is one row of cells", key="refine", remedy=remedy)
    _check_refinement(geometry, span)


def _check_refinement(geometry: Geometry, span: float) -> None:
    """Refuse a refined part that is empty, off the crack plane or not finer."""
    for part in geometry.refine:
        start, end, size = part
        if not (0 <= start < end <= span and size > 0):
            raise InputError(f"needs 0 <= from < to <= {span:g} um and a positive size", key="refine", value=part)
        if size > geometry.crack_size:
            raise InputError(
                f"the size must not exceed crack_size, {geometry.crack_size:g} um", key="refine", value=part
            )
