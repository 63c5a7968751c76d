"""Pictures of a crack in a symmetry plane: drawn as its opening, which lithium fills."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from lifrac.postprocess.read.field_file import FieldFile
from lifrac.postprocess.read.run_result import RunResult
from lifrac.quantities import field
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from .picture import LITHIUM, Body, Picture, Profile, Row, magnification, whole

_WET = 0.05
"""Fill fraction above which the crack counts as holding lithium."""


@dataclass(frozen=True)
class Opening:
    """The opened crack at one stored time, as drawn.

    Attributes
    ----------
    gap
        Drawn half opening [um] at the points of the crack line.
    y
        Positions [um] of the points of the crack line.
    fill
        Part of the opening that lithium fills there, 0 to 1.
    tip
        Position [um] of the crack tip.
    """

    gap: np.ndarray
    y: np.ndarray
    fill: np.ndarray
    tip: float


class PlanePicture(Picture):
    """A crack whose surface the file holds as cells of their own.

    Parameters
    ----------
    run, fields
        The run and its stored fields.
    steps
        Stored steps that will be drawn; they share one magnification.
    """

    rows = (
        Row(field("aperture")),
        Row(field("lithium_thickness")),
        Row(field("lithium_pressure")),
    )

    def __init__(self, run: RunResult, fields: FieldFile, steps: Iterable[int]) -> None:
        self.run, self.fields, self.grid = run, fields, fields.grid()
        wall = np.flatnonzero(self.grid.section.xy[:, 0] <= 1e-9 * fields.thickness)
        self._wall = wall[np.argsort(self.grid.section.xy[wall, 1])]
        ids = self.grid.section.ids[self._wall]
        widest = max(float(fields.array("displacement", k)[ids, 0].max()) for k in steps)
        self.factor = magnification(widest, fields.thickness)

    def body(self, step: int) -> Body:
        """Both halves; normal displacements are enlarged."""
        # Only the opening is enlarged: what the slab as a whole does would drown it, and the faces stay flat.
        return whole(self.grid.section, self._drawn(step), self.fields.thickness, half=True)

    def _drawn(self, step: int) -> np.ndarray:
        displacement = self.fields.array("displacement", step)[self.grid.section.ids]
        return np.column_stack([self.factor * displacement[:, 0], np.zeros(len(displacement))])

    def opening(self, step: int) -> Opening:
        """Return the crack at a stored step."""
        fields, section = self.fields, self.grid.section
        line = self.grid.crack_line
        y = self.grid.points[line, 1]
        x = (section.xy + self._drawn(step))[self._wall, 0]
        gap = np.interp(y, section.xy[self._wall, 1], np.maximum(x, 0.0))
        aperture = fields.array("aperture", step)[line]
        metal = fields.array("lithium_thickness", step)[line]
        fill = np.clip(np.divide(metal, aperture, out=np.zeros_like(metal), where=aperture > 0), 0, 1)
        history = self.run.history
        tip = float(np.interp(fields.times[step], history["time_s"], history["crack_tip_um"]))
        return Opening(gap, y, fill, tip)

    def draw_crack(self, axis: Axes, body: Body, step: int) -> None:
        """Draw the faces of the crack up to its tip, and the lithium between them."""
        opening = self.opening(step)
        cracked = opening.y <= opening.tip * (1 + 1e-6)
        for side in (1.0, -1.0):
            axis.plot(side * opening.gap[cracked], opening.y[cracked], color="black", lw=0.6)
        axis.add_collection(_lithium(opening))

    def crack_handle(self, label: str) -> Artist:
        """Return a line."""
        return Line2D([], [], color="black", lw=0.9, label=label)

    def profile(self, step: int) -> Profile:
        """All of the crack plane at z = 0."""
        line = self.grid.crack_line
        return Profile(self.grid.points[line, 1], line)

    def reach(self, steps: list[int]) -> float:
        """Somewhat beyond the crack's end."""
        longest = float(self.run.history[["crack_tip_um", "crack_length_um"]].to_numpy().max())
        return min(self.fields.thickness, 1.15 * longest)


def _lithium(opening: Opening) -> PolyCollection:
    """Lithium in the crack, one polygon per stretch between two points that hold some."""
    y, half = opening.y, opening.gap * opening.fill
    wet = opening.fill > _WET
    strips = [
        [(-half[i], y[i]), (half[i], y[i]), (half[i + 1], y[i + 1]), (-half[i + 1], y[i + 1])]
        for i in range(len(y) - 1)
        if wet[i] and wet[i + 1]
    ]
    # The outline keeps metal in a flaw that has not opened visible as a line.
    return PolyCollection(strips, facecolors=LITHIUM, edgecolors=LITHIUM, linewidths=1.2, zorder=3)
