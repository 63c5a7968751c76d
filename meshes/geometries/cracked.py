"""A whole 2D body with cracks of any path and pores, lengths in um. Plain data: needs neither gmsh nor DOLFINx.

y runs from the anode face (y = 0) to the counter electrode (y = thickness); x = 0 is the middle of the body.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from lifrac.errors import InputError

from .polylines import (
    Point,
    Polyline,
    directions,
    distance_between,
    distance_to_point,
    lengths,
    segments,
    turning_angles,
)

DEFAULT_GROWTH = 0.2
REACH_IN_CELLS = 12.0
"""Half-width of the fine corridor about a crack, in cells: 3 l at four cells per l."""
CELLS_PER_PORE = 6.0
"""Cells along the radius of a pore, at its wall."""
STEEPEST_TURN, FLATTEST_MOUTH = math.radians(120.0), math.radians(15.0)
"""Beyond these the cells of a strip get needles at a kink, or where it meets a face at a small angle."""


@dataclass(frozen=True)
class Pore:
    """A round hole."""

    x: float
    y: float
    radius: float

    @property
    def centre(self) -> Point:
        """[um]."""
        return (self.x, self.y)


@dataclass(frozen=True)
class Corridor:
    """A region whose cells have the size of the band: everything within `half_width` of a polyline (or of a point)."""

    line: Polyline
    half_width: float


@dataclass(frozen=True)
class CrackedSlab:
    """2D body -half_width <= x <= half_width, 0 <= y <= thickness with cracks and pores.

    Each crack is a strip of one row of cells, group `flaw`, about a polyline. It opens over its whole width onto the
    anode face or the wall of a pore where the polyline ends there, and is mitred where the polyline turns.

    Parameters
    ----------
    thickness, half_width : float
        Of the body [um].
    band_size : float
        Element edge in the corridors, and width of the strips [um].
    far_size : float
        Largest element edge anywhere [um].
    cracks : tuple of Polyline
        Each ends on the anode face, on the wall of a pore or inside the body, at either end.
    pores : tuple of Pore
        Round holes, group `pore`; their walls are fine enough to be round.
    reach : tuple of Corridor
        Where a crack can go, besides the cracks themselves. Empty: `REACH_IN_CELLS` about the cracks.
    growth : float
        Increase of element size per distance from the corridors [-].
    connected : bool
        Refuse cracks that do not reach the anode face, be it through pores and other cracks.

    Raises
    ------
    InputError
        If a length is not positive, a crack or pore does not fit into the body, or they are in each other's way.
    """

    thickness: float
    half_width: float
    band_size: float
    far_size: float
    cracks: tuple[Polyline, ...] = ()
    pores: tuple[Pore, ...] = ()
    reach: tuple[Corridor, ...] = ()
    growth: float = DEFAULT_GROWTH
    connected: bool = True

    def __post_init__(self) -> None:
        _check_sizes(self)
        for pore in self.pores:
            _check_pore(self, pore)
        for one, other in combinations(self.pores, 2):
            if math.dist(one.centre, other.centre) < one.radius + other.radius + 2.0 * self.band_size:
                raise InputError("touches another pore", key="pores", value=other, remedy="Move them apart")
        for crack in self.cracks:
            _check_crack(self, crack)
        _check_apart(self)
        if self.connected:
            _check_connected(self)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest coordinate along x and y [um]."""
        return ((-self.half_width, self.half_width), (0.0, self.thickness))

    def anchors(self, crack: Polyline) -> tuple[str | Pore | None, str | Pore | None]:
        """Return what a crack starts and ends on: "anode", a pore, or nothing."""
        return _anchor(self, crack[0]), _anchor(self, crack[-1])


def corridors(slab: CrackedSlab) -> tuple[Corridor, ...]:
    """Return where cells have the size of the band, the strips themselves included."""
    width = slab.band_size if slab.reach else REACH_IN_CELLS * slab.band_size
    return (*(Corridor(crack, width) for crack in slab.cracks), *slab.reach)


def slab_size_expression(slab: CrackedSlab) -> str:
    """Target element edge [um] as a formula in x, y that gmsh's MathEval field understands."""
    sizes = [f"{slab.far_size!r}"]
    for corridor in corridors(slab):
        for start, end in segments(corridor.line):
            gap = f"max(0,{_distance_expression(start, end)}-{corridor.half_width!r})"
            sizes.append(f"{slab.band_size!r}+{slab.growth!r}*{gap}")
    for pore in slab.pores:
        wall = max(pore.radius / CELLS_PER_PORE, slab.band_size)
        gap = f"max(0,sqrt((x-({pore.x!r}))^2+(y-({pore.y!r}))^2)-{pore.radius!r})"
        sizes.append(f"{wall!r}+{slab.growth!r}*{gap}")
    return f"min({','.join(sizes)})" if len(sizes) > 1 else sizes[0]


def _distance_expression(start: np.ndarray, end: np.ndarray) -> str:
    """Distance of (x, y) from a straight piece, as a formula."""
    (ax, ay), way = map(float, start), end - start
    length = float(np.linalg.norm(way))
    if length == 0.0:
        return f"sqrt((x-({ax!r}))^2+(y-({ay!r}))^2)"
    ux, uy = (float(v) for v in way / length)
    along = f"min({length!r},max(0,(x-({ax!r}))*({ux!r})+(y-({ay!r}))*({uy!r})))"
    return f"sqrt((x-({ax!r})-({ux!r})*{along})^2+(y-({ay!r})-({uy!r})*{along})^2)"


def _anchor(slab: CrackedSlab, point: Point) -> str | Pore | None:
    """Return what a point lies on."""
    near = 1e-6 * slab.thickness
    if abs(point[1]) < near:
        return "anode"
    return next((p for p in slab.pores if abs(math.dist(point, p.centre) - p.radius) < near), None)


def _check_sizes(slab: CrackedSlab) -> None:
    """All lengths positive, coordinates numbers."""
    for name in ("thickness", "half_width", "band_size", "far_size", "growth"):
        _check_positive(name, getattr(slab, name))
    for pore in slab.pores:
        _check_positive("pores.radius", pore.radius)
    for corridor in slab.reach:
        _check_positive("reach.half_width", corridor.half_width)
    lines = [*slab.cracks, *(corridor.line for corridor in slab.reach), *((pore.centre,) for pore in slab.pores)]
    for line in lines:
        if not np.all(np.isfinite(np.array(line))):
            raise InputError("has coordinates that are not numbers", value=line, remedy="Give numbers in um")
    if slab.far_size < slab.band_size:
        message = f"must not be smaller than band_size, {slab.band_size:g} um"
        remedy = f"At least {slab.band_size:g} um, or a smaller band_size"
        raise InputError(message, key="far_size", value=slab.far_size, remedy=remedy)


def _check_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InputError("must be a positive number", key=name, value=value, remedy="Give a length in um above 0")


def _check_pore(slab: CrackedSlab, pore: Pore) -> None:
    """Check that a pore lies inside the body, two cells off every face."""
    room = min(pore.y, slab.thickness - pore.y, slab.half_width - abs(pore.x)) - pore.radius
    if room < 2.0 * slab.band_size:
        raise InputError(
            f"touches or crosses a face of the body: {room:.4g} um of material are left, two cells are "
            f"{2.0 * slab.band_size:.4g} um",
            key="pores",
            value=pore,
            remedy="Move the pore inwards, or make it or band_size smaller",
        )


def _check_crack(slab: CrackedSlab, crack: Polyline) -> None:
    """Check that a crack lies inside the body, keeps off pores it does not end on, and can be made a strip of."""
    h = slab.band_size
    ends = slab.anchors(crack) if len(crack) > 1 else (None, None)
    if len(crack) < 2 or lengths(crack).min() < 2.0 * h:
        raise InputError(
            f"every straight part of a crack must be two cells long, {2.0 * h:.4g} um",
            key="cracks",
            value=crack,
            remedy="Choose a smaller band_size",
        )
    for i, (x, y) in enumerate(crack):
        on_face = (i == 0 and ends[0] == "anode") or (i == len(crack) - 1 and ends[1] == "anode")
        if abs(x) > slab.half_width - 2.0 * h or y > slab.thickness - 2.0 * h or (y < 2.0 * h and not on_face):
            raise InputError(
                f"leaves the body or runs along its face: ({x:.4g}, {y:.4g}) um must be two cells, {2.0 * h:.4g} um, "
                "inside unless it ends on the anode face",
                key="cracks",
                value=crack,
                remedy="Shorten or turn the crack, or enlarge the body",
            )
    if len(crack) > 2 and turning_angles(crack).max() > STEEPEST_TURN:
        raise InputError("turns back at a kink", key="cracks", value=crack, remedy="Kinks of at most 120 degrees")
    _check_mouths(slab, crack, ends)
    _check_pores_avoided(slab, crack, ends)


def _check_mouths(slab: CrackedSlab, crack: Polyline, ends: tuple[str | Pore | None, str | Pore | None]) -> None:
    """Check that a crack meets the face or the wall it ends on at an angle that leaves usable cells."""
    along = directions(crack)
    for anchor, point, outward in ((ends[0], crack[0], -along[0]), (ends[1], crack[-1], along[-1])):
        if anchor is None:
            continue
        normal = (0.0, -1.0)
        if isinstance(anchor, Pore):
            normal = ((anchor.x - point[0]) / anchor.radius, (anchor.y - point[1]) / anchor.radius)
            if slab.band_size > 0.5 * anchor.radius:
                raise InputError(
                    f"must not exceed half the radius of a pore that a crack ends on, {0.5 * anchor.radius:.4g} um",
                    key="band_size",
                    value=slab.band_size,
                    remedy=f"At most {0.5 * anchor.radius:.4g} um, or a larger pore",
                )
        if float(outward @ np.array(normal)) < math.sin(FLATTEST_MOUTH):
            raise InputError(
                f"meets a face or the wall of a pore at less than {math.degrees(FLATTEST_MOUTH):g} degrees",
                key="cracks",
                value=crack,
                remedy="Turn the crack",
            )


def _check_pores_avoided(slab: CrackedSlab, crack: Polyline, ends: tuple[str | Pore | None, ...]) -> None:
    """Check that a crack stays two cells off pores, except off the wall it ends on, near its end."""
    pieces = segments(crack)
    for pore in slab.pores:
        for i, piece in enumerate(pieces):
            own = (i == 0 and ends[0] == pore) or (i == len(pieces) - 1 and ends[1] == pore)
            room = distance_to_point(piece, pore.centre) - pore.radius
            if room < (-1e-6 * slab.thickness if own else 2.0 * slab.band_size):
                raise InputError(
                    "runs into or along a pore", key="cracks", value=crack, remedy="End the crack on the pore's wall"
                )


def _check_apart(slab: CrackedSlab) -> None:
    """Check that strips leave two cells between each other and themselves."""
    pieces = [(i, j, piece) for i, crack in enumerate(slab.cracks) for j, piece in enumerate(segments(crack))]
    for (i, j, one), (k, m, other) in combinations(pieces, 2):
        if i == k and abs(j - m) == 1:
            continue
        if distance_between(one, other) < 3.0 * slab.band_size:
            raise InputError(
                f"comes closer than three cells, {3.0 * slab.band_size:.4g} um, to another crack or to itself",
                key="cracks",
                value=slab.cracks[k],
                remedy="Move them apart, or choose a smaller band_size",
            )


def _check_connected(slab: CrackedSlab) -> None:
    """Every crack reaches the anode face, be it through pores and other cracks."""
    reached: set[str | Pore] = {"anode"}
    ends = [{end for end in slab.anchors(crack) if end is not None} for crack in slab.cracks]
    for _ in slab.cracks:
        reached |= {end for pair in ends if pair & reached for end in pair}
    for crack, pair in zip(slab.cracks, ends, strict=True):
        if not pair & reached:
            raise InputError(
                "is not connected to the anode face, where lithium comes from",
                key="cracks",
                value=crack,
                remedy="Let it end on the face (y = 0) or on the wall of a pore that a crack joins to the face",
            )


def mouth_extensions(slab: CrackedSlab, crack: Polyline) -> Iterator[float]:
    """Yield how far the strip must go on beyond its first and its last point [um].

    Its whole width is then cut off by what it ends on: the strip goes past the face, or to the middle of the chord
    through the pore.
    """
    along, h = directions(crack), slab.band_size
    for anchor, point, outward in zip(slab.anchors(crack), (crack[0], crack[-1]), (-along[0], along[-1]), strict=True):
        if anchor is None:
            yield 0.0
        elif isinstance(anchor, Pore):
            yield float(outward @ (np.array(anchor.centre) - np.array(point)))
        else:
            yield float(h + 0.5 * h * abs(outward[0] / outward[1]))
