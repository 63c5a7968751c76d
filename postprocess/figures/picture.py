"""Parts of every picture of a body with a crack: the drawn body, its magnification, the profiles along the crack."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from lifrac.postprocess.read.field_file import Section
from lifrac.quantities import Quantity, Unit
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.tri import Triangulation

LITHIUM, COUNTER_GREY = "#F5C710", "#B0B0B0"
OPENING_DRAWN = 0.025
"""Half opening of the crack in the picture, as a part of the electrolyte thickness."""
LARGEST_FACTOR = 5000.0
_VIEW = 0.75
"""Half width of the picture, as a part of the electrolyte thickness, if the body is as wide."""


@dataclass(frozen=True)
class Body:
    """The whole body at one stored time, as drawn.

    Attributes
    ----------
    mesh
        Triangles with deformed coordinates [um].
    ids
        Point of the file that each node of `mesh` shows.
    face
        Of each node: -1 at the anode, 1 at the counter electrode, else 0.
    thickness
        Of the electrolyte [um].
    aside
        How far the crack goes from x = 0 [um].
    """

    mesh: Triangulation
    ids: np.ndarray
    face: np.ndarray
    thickness: float
    aside: float = 0.0

    @property
    def half_view(self) -> float:
        """Half width [um] of the picture: the part of the body near the crack."""
        return min(float(self.mesh.x.max()), max(_VIEW * self.thickness, 1.2 * self.aside))


@dataclass(frozen=True)
class Profile:
    """The line of the crack at one stored time.

    Attributes
    ----------
    along
        Distance [um] from the anode along the crack, rising.
    ids
        Points of the file there.
    """

    along: np.ndarray
    ids: np.ndarray


@dataclass(frozen=True)
class Row:
    """A panel of the figure of profiles: a scalar array; lengths are drawn in nm if all of them are small."""

    quantity: Quantity
    largest: float | None = None

    @property
    def array(self) -> str:
        """Its name in the file."""
        return self.quantity.key

    @property
    def unit(self) -> str:
        """As it stands on an axis."""
        return Unit.of(self.quantity.unit).label


class Picture(ABC):
    """How one kind of crack is drawn.

    Attributes
    ----------
    factor
        How much the opening of the crack is enlarged.
    rows
        Arrays along the crack that tell its story.
    across
        Label of the horizontal axis.
    """

    factor: float
    rows: tuple[Row, ...]
    across: str = "Distance from the crack plane (µm)"

    @abstractmethod
    def body(self, step: int) -> Body:
        """Return the body at a stored step."""

    @abstractmethod
    def draw_crack(self, axis: Axes, body: Body, step: int) -> None:
        """Draw the crack and the lithium in it over the body."""

    @abstractmethod
    def crack_handle(self, label: str) -> Artist:
        """Return what stands for the crack in the legend."""

    @abstractmethod
    def profile(self, step: int) -> Profile:
        """Return the crack at a stored step, from its mouth on."""

    def reach(self, steps: list[int]) -> float:
        """How far along the crack the figure of profiles goes [um]."""
        return 1.15 * max((float(self.profile(k).along.max(initial=0.0)) for k in steps), default=0.0)

    def more_handles(self) -> list[Artist]:
        """Further entries of the legend."""
        return []


def whole(section: Section, displacement: np.ndarray, thickness: float, *, half: bool) -> Body:
    """Return the body from the section at rest and displacements as drawn (n, 2) [um].

    A half model is drawn with its mirror image.
    """
    x, y = (section.xy + displacement).T
    at_rest, near = section.xy[:, 1], 1e-9 * thickness
    face = np.where(at_rest <= near, -1, np.where(at_rest >= thickness - near, 1, 0))
    if not half:
        return Body(Triangulation(x, y, section.triangles), section.ids, face, thickness)
    triangles = np.vstack([section.triangles, section.triangles + len(x)])
    mesh = Triangulation(np.concatenate([x, -x]), np.tile(y, 2), triangles)
    return Body(mesh, np.tile(section.ids, 2), np.tile(face, 2), thickness)


def magnification(half_opening: float, thickness: float) -> float:
    """Factor that makes the widest crack visible; 1, 2 or 5 times a power of ten, 1 if nothing opened.

    Parameters
    ----------
    half_opening
        The widest [um].
    thickness
        Of the electrolyte [um].
    """
    if half_opening <= 0:
        return 1.0
    wanted = min(max(OPENING_DRAWN * thickness / half_opening, 1.0), LARGEST_FACTOR)
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(power * max(m for m in (1, 2, 5) if m * power <= wanted * (1 + 1e-12)))
