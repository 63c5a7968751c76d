"""The flaw of a case: an edge flaw, straight, inclined or kinked, two of them, a pore, or a half-penny in 3D.

Each type is an object that knows its keys, what must hold between them, its length and its outline in the body.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, override

from lifrac.meshes.geometries.cracked import Pore
from lifrac.meshes.geometries.polylines import Point, Polyline
from lifrac.problems.quantities import units as u
from pydantic import model_validator

from .schema_tools import Kind, Problem, Problems, Strict, default

STEEPEST = 75.0
"""[deg]; flatter cracks cannot be meshed as strips (`lifrac.meshes.geometries.cracked`)."""
Inclination = Annotated[u.Quantity, u.ANGLE.within(ge=-STEEPEST, le=STEEPEST)]
KinkAngle = Annotated[u.Quantity, u.ANGLE.within(ge=-120.0, le=120.0)]


class Defect(Strict):
    """The flaw the crack starts from."""

    type: Literal["edge_flaw", "kinked_flaw", "pore", "two_flaws", "half_penny"] = "edge_flaw"
    """`edge_flaw`: a planar flaw open to the anode face, normal to it unless inclined. All others are for the
    phase-field engine. `kinked_flaw`: an edge flaw that turns once. `pore`: a round pore under the surface, joined to
    the anode face by a micro-crack. `two_flaws`: two edge flaws side by side. `half_penny`: a semicircular edge flaw,
    in 3D."""
    length: u.FlawLength | None = None
    """Length a0 of the flaw from the anode face, along the flaw; radius of a half-penny. Required, but not for a pore:
    the length of the micro-crack follows from `depth`, `radius` and `inclination`."""
    aperture: u.Aperture
    """Gap w0 between the faces of the unloaded flaw; of a pore: of its micro-crack."""
    filling: u.Fraction01 = default(1.0)
    """Part of the aperture that holds lithium at the start, 0 to 1."""
    residual: Annotated[u.Quantity, u.NUMBER.within(ge=0.0, le=0.5)] = default(0.0)
    """Part of the aperture whose lithium stripping leaves behind; it stays connected to the anode and plates again.
    With 0 stripping empties the flaw, which then hardly fills again: state it for ramps and cycles."""
    inclination: Inclination | None = None
    """Angle between the flaw, at its mouth, and the normal of the anode face, up to 75 deg either way; not 0 only with
    the phase-field engine. Default: 0 deg."""
    kink_position: u.PositiveLength | None = None
    """Kinked flaw: distance from the mouth, along the flaw, at which it turns."""
    kink_angle: KinkAngle | None = None
    """Kinked flaw: by how much it turns there, in the sense of `inclination`."""
    radius: u.PositiveLength | None = None
    """Pore: its radius."""
    depth: u.PositiveLength | None = None
    """Pore: distance of its centre from the anode face."""
    second_length: u.PositiveLength | None = None
    """Two flaws: length of the second one. Default: `length`."""
    offset: u.PositiveLength | None = None
    """Two flaws: distance between their mouths along the anode face."""

    @model_validator(mode="after")
    def _check(self) -> "Defect":
        found = [*self.kind.foreign(self, f"with a defect of type {self.type}", KINDS), *self.kind.missing(self)]
        found = found or list(self.kind.problems(self))
        if found:
            raise Problems(found)
        return self

    @property
    def kind(self) -> "Flaw":
        """The kind of flaw that its type names."""
        return KINDS[self.type]

    @property
    def flaw_length(self) -> float:
        """Length of the flaw, of a pore's micro-crack, of the longer of two flaws [um]."""
        return self.kind.length(self)

    @property
    def extent(self) -> u.Quantity:
        """Length of the flaw as stated, or as it follows."""
        return self.length if self.length is not None else u.LENGTH.internal(self.flaw_length)

    @property
    def angle(self) -> float:
        """Inclination [rad]."""
        return math.radians(float(self.inclination or 0.0))


@dataclass(frozen=True)
class Flaw(Kind):
    """One type of defect: which keys it may and must state, and what they mean. The base is the straight edge flaw."""

    dimension: int = 2
    """Dimension of the body."""

    def planar(self, defect: Defect) -> bool:
        """Whether the flaw lies in a plane of symmetry, which is the crack plane."""
        return defect.angle == 0.0

    def problems(self, defect: Defect) -> Iterator[Problem]:
        """Yield what contradicts itself."""
        if defect.aperture >= defect.flaw_length:
            yield Problem(
                "aperture",
                f"the flaw is wider than long ({defect.flaw_length:.4g} um)",
                defect.aperture.text,
                "A crack-like flaw is thin: check the unit",
            )

    def length(self, defect: Defect) -> float:
        """[um]."""
        return float(defect.length or 0.0)

    def depth(self, defect: Defect) -> float:
        """How far from the anode face it reaches [um]."""
        return max(y for crack in self.cracks(defect) for _, y in crack)

    def cracks(self, defect: Defect) -> tuple[Polyline, ...]:
        """Return where the cracks run, each from its mouth [um]."""
        return ((ORIGIN, _beyond(ORIGIN, self.length(defect), defect.angle)),)

    def pores(self, defect: Defect) -> tuple[Pore, ...]:
        """Round holes."""
        return ()

    def ways(self, defect: Defect, thickness: float) -> tuple[Polyline, ...]:
        """Flaws, each with the straight way on from its tip to the counter electrode [um]."""
        return tuple((*crack, (crack[-1][0], thickness)) for crack in self.cracks(defect))

    def scale(self, defect: Defect) -> float:
        """Length that a diffuse crack must be thin against [um]."""
        return self.length(defect)


@dataclass(frozen=True)
class KinkedFlaw(Flaw):
    """An edge flaw that turns once."""

    @override
    def planar(self, defect: Defect) -> bool:
        return False

    @override
    def problems(self, defect: Defect) -> Iterator[Problem]:
        yield from super().problems(defect)
        assert defect.length is not None
        assert defect.kink_position is not None
        if defect.kink_position >= defect.length:
            yield Problem(
                "kink_position",
                f"lies beyond the end of the flaw ({defect.length.text} long)",
                defect.kink_position.text,
                "Make it smaller, or the flaw longer",
            )

    @override
    def cracks(self, defect: Defect) -> tuple[Polyline, ...]:
        before, turn = float(defect.kink_position or 0.0), math.radians(float(defect.kink_angle or 0.0))
        kink = _beyond(ORIGIN, before, defect.angle)
        return ((ORIGIN, kink, _beyond(kink, self.length(defect) - before, defect.angle + turn)),)


@dataclass(frozen=True)
class TwoFlaws(Flaw):
    """Two edge flaws, each as far from the middle."""

    @override
    def planar(self, defect: Defect) -> bool:
        return False

    @override
    def length(self, defect: Defect) -> float:
        return max(self._lengths(defect))

    @override
    def cracks(self, defect: Defect) -> tuple[Polyline, ...]:
        half = 0.5 * float(defect.offset or 0.0)
        one, two = self._lengths(defect)
        return (((-half, 0.0), (-half, one)), ((half, 0.0), (half, two)))

    def _lengths(self, defect: Defect) -> tuple[float, float]:
        first = float(defect.length or 0.0)
        return first, float(defect.second_length or first)


@dataclass(frozen=True)
class SubsurfacePore(Flaw):
    """A pore whose centre lies on the line of the micro-crack, which so meets its wall squarely."""

    @override
    def planar(self, defect: Defect) -> bool:
        return False

    @override
    def problems(self, defect: Defect) -> Iterator[Problem]:
        assert defect.depth is not None
        assert defect.radius is not None
        if defect.depth <= defect.radius:
            yield Problem(
                "depth",
                f"the pore, of radius {defect.radius.text}, is cut by the anode face",
                defect.depth.text,
                "State the distance of its centre from the face, more than its radius",
            )
            return
        yield from super().problems(defect)

    @override
    def length(self, defect: Defect) -> float:
        return float(defect.depth or 0.0) / math.cos(defect.angle) - float(defect.radius or 0.0)

    @override
    def depth(self, defect: Defect) -> float:
        return float(defect.depth or 0.0) + float(defect.radius or 0.0)

    @override
    def cracks(self, defect: Defect) -> tuple[Polyline, ...]:
        mouth = (-float(defect.depth or 0.0) * math.tan(defect.angle), 0.0)
        return ((mouth, _beyond(mouth, self.length(defect), defect.angle)),)

    @override
    def ways(self, defect: Defect, thickness: float) -> tuple[Polyline, ...]:
        """Return the micro-crack, and the way on from the far side of the pore."""
        return (*self.cracks(defect), ((0.0, self.depth(defect)), (0.0, thickness)))

    @override
    def scale(self, defect: Defect) -> float:
        """Return what the pore and its crack are together, unless the crack is very short."""
        return min(self.depth(defect), 2.5 * self.length(defect))

    @override
    def pores(self, defect: Defect) -> tuple[Pore, ...]:
        return (Pore(0.0, float(defect.depth or 0.0), float(defect.radius or 0.0)),)


ORIGIN: Point = (0.0, 0.0)


def _beyond(start: Point, distance: float, angle: float) -> Point:
    """Return the point at a distance from `start` in a direction.

    The direction is inclined to the normal of the anode face by `angle` [rad].
    """
    return (start[0] + distance * math.sin(angle), start[1] + distance * math.cos(angle))


COMMON = ("aperture", "filling", "residual")
KINDS: Mapping[str, Flaw] = {
    "edge_flaw": Flaw((*COMMON, "length", "inclination"), ("length",)),
    "kinked_flaw": KinkedFlaw(
        (*COMMON, "length", "inclination", "kink_position", "kink_angle"), ("length", "kink_position", "kink_angle")
    ),
    "pore": SubsurfacePore((*COMMON, "inclination", "radius", "depth"), ("radius", "depth")),
    "two_flaws": TwoFlaws((*COMMON, "length", "second_length", "offset"), ("length", "offset")),
    "half_penny": Flaw((*COMMON, "length"), ("length",), dimension=3),
}
