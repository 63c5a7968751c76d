"""The flaw of a case: an edge flaw, straight, inclined or kinked, two of them, a pore, or a half-penny in 3D.

Each type is a table of its own, which knows its keys, what must hold between them, its length and its outline in the
body.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self, override

from lifrac.meshes.geometries.cracked import Pore
from lifrac.meshes.geometries.polylines import Point, Polyline
from lifrac.problems.quantities import units as u
from pydantic import BeforeValidator, Field, model_validator

from .schema_tools import Problem, Problems, TypedTable, default

STEEPEST = 75.0
"""[deg]; flatter cracks cannot be meshed as strips (`lifrac.meshes.geometries.cracked`)."""
Inclination = Annotated[u.Quantity, u.ANGLE.within(ge=-STEEPEST, le=STEEPEST)]
KinkAngle = Annotated[u.Quantity, u.ANGLE.within(ge=-120.0, le=120.0)]
ORIGIN: Point = (0.0, 0.0)


def _beyond(start: Point, distance: float, angle: float) -> Point:
    """Return the point at a distance from `start` in a direction.

    The direction is inclined to the normal of the anode face by `angle` [rad].
    """
    return (start[0] + distance * math.sin(angle), start[1] + distance * math.cos(angle))


class Defect(TypedTable):
    """The flaw the crack starts from."""

    within: ClassVar[str] = "with a defect"
    dimension: ClassVar[int] = 2
    """Dimension of the body."""

    type: str
    """`edge_flaw`: a planar flaw open to the anode face, normal to it unless inclined. All others are for the
    phase-field engine. `kinked_flaw`: an edge flaw that turns once. `pore`: a round pore under the surface, joined to
    the anode face by a micro-crack. `two_flaws`: two edge flaws side by side. `half_penny`: a semicircular edge flaw,
    in 3D."""
    aperture: u.Aperture
    """Gap w0 between the faces of the unloaded flaw; of a pore: of its micro-crack."""
    filling: u.Fraction01 = default(1.0)
    """Part of the aperture that holds lithium at the start, 0 to 1."""
    residual: Annotated[u.Quantity, u.NUMBER.within(ge=0.0, le=0.5)] = default(0.0)
    """Part of the aperture whose lithium stripping leaves behind; it stays connected to the anode and plates again.
    With 0 stripping empties the flaw, which then hardly fills again: state it for ramps and cycles."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if found := list(self._problems()):
            raise Problems(found)
        return self

    def _problems(self) -> Iterator[Problem]:
        """Yield what contradicts itself."""
        if self.aperture >= self.flaw_length:
            yield Problem(
                "aperture",
                f"the flaw is wider than long ({self.flaw_length:.4g} um)",
                self.aperture.text,
                "A crack-like flaw is thin: check the unit",
            )

    @property
    @abstractmethod
    def flaw_length(self) -> float:
        """Length of the flaw, of a pore's micro-crack, of the longer of two flaws [um]."""

    @property
    @abstractmethod
    def size_key(self) -> str:
        """The key that says how far the flaw reaches into the body."""

    @property
    def extent(self) -> u.Quantity:
        """Length of the flaw as stated, or as it follows."""
        return self.stated("length") or u.LENGTH.internal(self.flaw_length)

    def stated(self, key: str) -> u.Quantity | None:
        """Return the value of a key that not every type has; None where it has none or leaves it out."""
        return getattr(self, key, None)

    @property
    def angle(self) -> float:
        """Inclination [rad]."""
        return math.radians(float(self.stated("inclination") or 0.0))

    @property
    def planar(self) -> bool:
        """Whether the flaw lies in a plane of symmetry, which is the crack plane."""
        return False

    @property
    def deepest(self) -> float:
        """Distance from the anode face up to which the flaw reaches [um]."""
        return max(y for crack in self.cracks() for _, y in crack)

    @property
    def length_scale(self) -> float:
        """Length that a diffuse crack must be thin against [um]."""
        return self.flaw_length

    @abstractmethod
    def cracks(self) -> tuple[Polyline, ...]:
        """Return the lines of the cracks, each from its mouth [um]."""

    def pores(self) -> tuple[Pore, ...]:
        """Return the outlines of round pores."""
        return ()

    def crack_paths(self, thickness: float) -> tuple[Polyline, ...]:
        """Return the cracks, each with the straight path from its tip to the counter electrode [um]."""
        return tuple((*crack, (crack[-1][0], thickness)) for crack in self.cracks())


class _LongFlaw(Defect):
    """A flaw whose length is stated."""

    length: u.FlawLength
    """Length a0 of the flaw from the anode face, along the flaw; radius of a half-penny. A pore has none: the length of
    its micro-crack follows from `depth`, `radius` and `inclination`."""

    @property
    @override
    def flaw_length(self) -> float:
        return float(self.length)

    @property
    @override
    def size_key(self) -> str:
        return "length"

    @override
    def cracks(self) -> tuple[Polyline, ...]:
        return ((ORIGIN, _beyond(ORIGIN, self.flaw_length, self.angle)),)


class EdgeFlaw(_LongFlaw):
    """A planar flaw open to the anode face, normal to it unless inclined."""

    type: Literal["edge_flaw"] = "edge_flaw"
    inclination: Inclination | None = None
    """Angle between the flaw, at its mouth, and the normal of the anode face, up to 75 deg either way; not 0 only with
    the phase-field engine. Default: 0 deg."""

    @property
    @override
    def planar(self) -> bool:
        return self.angle == 0.0


class KinkedFlaw(_LongFlaw):
    """An edge flaw that turns once; phase-field engine."""

    type: Literal["kinked_flaw"]
    inclination: Inclination | None = None
    """Angle between the flaw, at its mouth, and the normal of the anode face, up to 75 deg either way. Default: 0
    deg."""
    kink_position: u.PositiveLength
    """Distance from the mouth, along the flaw, at which it turns."""
    kink_angle: KinkAngle
    """Angle by which it turns there, in the sense of `inclination`."""

    @override
    def _problems(self) -> Iterator[Problem]:
        yield from super()._problems()
        if self.kink_position >= self.length:
            yield Problem(
                "kink_position",
                f"lies beyond the end of the flaw ({self.length.text} long)",
                self.kink_position.text,
                "Make it smaller, or the flaw longer",
            )

    @override
    def cracks(self) -> tuple[Polyline, ...]:
        before, turn = float(self.kink_position), math.radians(float(self.kink_angle))
        kink = _beyond(ORIGIN, before, self.angle)
        return ((ORIGIN, kink, _beyond(kink, self.flaw_length - before, self.angle + turn)),)


class SubsurfacePore(Defect):
    """A round pore under the surface, joined to the anode face by a micro-crack; phase-field engine.

    Its centre lies on the line of the micro-crack, which so meets its wall squarely.
    """

    type: Literal["pore"]
    inclination: Inclination | None = None
    """Angle between the micro-crack and the normal of the anode face, up to 75 deg either way. Default: 0 deg."""
    radius: u.PositiveLength
    """Radius of the pore."""
    depth: u.PositiveLength
    """Distance of the pore's centre from the anode face."""

    @override
    def _problems(self) -> Iterator[Problem]:
        if self.depth <= self.radius:
            yield Problem(
                "depth",
                f"the pore, of radius {self.radius.text}, is cut by the anode face",
                self.depth.text,
                "State the distance of its centre from the face, more than its radius",
            )
            return
        yield from super()._problems()

    @property
    @override
    def flaw_length(self) -> float:
        return float(self.depth) / math.cos(self.angle) - float(self.radius)

    @property
    @override
    def size_key(self) -> str:
        return "depth"

    @property
    @override
    def deepest(self) -> float:
        return float(self.depth) + float(self.radius)

    @property
    @override
    def length_scale(self) -> float:
        # What the pore and its crack are together, unless the crack is very short.
        return min(self.deepest, 2.5 * self.flaw_length)

    @override
    def cracks(self) -> tuple[Polyline, ...]:
        mouth = (-float(self.depth) * math.tan(self.angle), 0.0)
        return ((mouth, _beyond(mouth, self.flaw_length, self.angle)),)

    @override
    def pores(self) -> tuple[Pore, ...]:
        return (Pore(0.0, float(self.depth), float(self.radius)),)

    @override
    def crack_paths(self, thickness: float) -> tuple[Polyline, ...]:
        # The micro-crack, and the path from the far side of the pore.
        return (*self.cracks(), ((0.0, self.deepest), (0.0, thickness)))


class TwoFlaws(_LongFlaw):
    """Two edge flaws side by side, each as far from the middle; phase-field engine."""

    type: Literal["two_flaws"]
    second_length: u.PositiveLength | None = None
    """Length of the second flaw. Default: `length`."""
    offset: u.PositiveLength
    """Distance between the mouths of the flaws along the anode face."""

    @property
    @override
    def flaw_length(self) -> float:
        return max(self._lengths)

    @property
    def _lengths(self) -> tuple[float, float]:
        return float(self.length), float(self.second_length or self.length)

    @override
    def cracks(self) -> tuple[Polyline, ...]:
        half = 0.5 * float(self.offset)
        one, two = self._lengths
        return (((-half, 0.0), (-half, one)), ((half, 0.0), (half, two)))


class HalfPenny(_LongFlaw):
    """A semicircular edge flaw, in 3D; phase-field engine."""

    dimension: ClassVar[int] = 3
    type: Literal["half_penny"]

    @property
    @override
    def planar(self) -> bool:
        return True


def _with_type(table: object) -> object:
    """Return a table of a file with its type: a defect that states none is an edge flaw."""
    return {"type": "edge_flaw", **table} if isinstance(table, dict) and "type" not in table else table


AnyDefect = Annotated[
    EdgeFlaw | KinkedFlaw | SubsurfacePore | TwoFlaws | HalfPenny,
    Field(discriminator="type"),
    BeforeValidator(_with_type),
]
"""A defect of any type; `type` decides which keys it has."""
