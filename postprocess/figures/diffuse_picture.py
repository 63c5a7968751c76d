"""Pictures of a diffuse crack: its damage is drawn dark over the body, the lithium in it in the colour of lithium."""

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from lifrac.postprocess.crack.crack_path import BROKEN, crack_path
from lifrac.postprocess.crack.grain_lines import boundary_lines
from lifrac.postprocess.crack.pore_outlines import pore_outlines
from lifrac.postprocess.read.field_file import FieldFile, Section
from lifrac.postprocess.read.run_result import RunResult
from lifrac.quantities import field
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.tri import LinearTriInterpolator, Triangulation
from scipy.spatial import cKDTree

from .picture import LITHIUM, Body, Picture, Profile, Row, magnification, whole

_OPEN, _FILLED = 0.9, 0.5
"""Damage and share of the aperture from which on a node shows lithium."""
_LEVELS = np.linspace(0.1, BROKEN, 18)
_DARKNESS = np.linspace(0.0, 1.0, 19)[1:] ** 1.5
"""Damage, and how dark the picture is from there on: black where the crack is broken."""
_GRAIN: Any = {"color": "#404040", "linewidth": 0.5, "alpha": 0.55}
_PIECE = 0.005
"""Distance of points along a grain boundary, by electrolyte thickness, so that it follows the deformed body."""


class DiffusePicture(Picture):
    """A crack that the file holds as damage of the bulk.

    Parameters
    ----------
    run, fields
        The run and its stored fields.
    steps
        Stored steps that will be drawn; they share one magnification.
    """

    rows = (
        Row(field("aperture")),
        Row(field("fill_fraction"), largest=1.0),
        Row(field("lithium_pressure")),
    )

    def __init__(self, run: RunResult, fields: FieldFile, steps: Iterable[int]) -> None:
        self.fields = fields
        self.half = _is_half(run, fields)
        if not self.half:
            self.across = "Position along the anode (µm)"
        self.factor = magnification(max(self._half_opening(k) for k in steps), fields.thickness)
        xy = self.section(0).xy
        self._boundaries = boundary_lines(run.case, xy.min(axis=0), xy.max(axis=0))

    def section(self, step: int) -> Section:
        """Return the body in the plane of the picture, on the mesh of a stored step."""
        return self.fields.grid(step).section

    def _read(self, name: str, step: int) -> np.ndarray:
        """Return a point array on the nodes of the section."""
        return self.fields.array(name, step)[self.section(step).ids]

    def _half_opening(self, step: int) -> float:
        """Return half of the largest opening [um].

        Displacement differs by this much within broken cells; it is at least half the usual aperture.
        """
        u = self.displacement(step)
        corners = u[self.section(step).triangles[self._broken_cells(step)]]
        jumps = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
        # Where a crack has not opened yet its initial aperture keeps noise from being enlarged.
        broken = self._read("damage", step) >= BROKEN
        aperture = float(np.median(self._read("aperture", step)[broken])) if broken.any() else 0.0
        return max(float(jumps.max(initial=0.0)) * (1.0 if self.half else 0.5), 0.5 * aperture)

    def _broken_cells(self, step: int) -> np.ndarray:
        """Which triangles of the section are broken at all corners."""
        return np.asarray((self._read("damage", step)[self.section(step).triangles] >= BROKEN).all(axis=1))

    def body(self, step: int) -> Body:
        """Return the whole body, displacements enlarged."""
        section = self.section(step)
        body = whole(section, self.factor * self.displacement(step), self.fields.thickness, half=self.half)
        broken = self._read("damage", step) >= BROKEN
        return replace(body, aside=float(np.abs(section.xy[broken, 0]).max(initial=0.0)))

    def displacement(self, step: int) -> np.ndarray:
        """Displacements (n, 2) [um] that show the crack.

        Nodes that only broken cells hold are adrift: they move with the nearest one that is held. Taken off is what the
        stack pressure does to the thickness: it would drown the crack in a soft electrolyte.
        """
        section = self.section(step)
        xy, triangles = section.xy, section.triangles
        u = self._read("displacement", step)[:, :2].copy()
        held = np.zeros(len(xy), dtype=bool)
        held[triangles[~self._broken_cells(step)]] = True
        u[~held] = u[held][cKDTree(xy[held]).query(xy[~held])[1]]
        if self.half:
            u[xy[:, 0] <= 1e-9 * self.fields.thickness, 0] = 0.0
        slope, rise = np.polyfit(xy[:, 1], u[:, 1], 1, w=np.sqrt(_areas(section)))
        u[:, 1] -= slope * xy[:, 1] + rise
        return u

    def draw_crack(self, axis: Axes, body: Body, step: int) -> None:
        """Grain boundaries, pores, damage, and what lithium has filled."""
        self._draw_boundaries(axis, body, step)
        axis.add_collection(self.pores(body, step))
        damage = np.clip(self.fields.array("damage", step)[body.ids], 0.0, 1.0)
        # Veils over each other, for colours side by side that are not opaque leave seams.
        for level, veil in zip(_LEVELS, _veils(_DARKNESS), strict=True):
            if damage.max() > level:
                axis.tricontourf(body.mesh, damage, levels=[level, 2.0], colors=[(0.0, 0.0, 0.0, veil)], zorder=2)
        filled = np.where(self.filled(step)[body.ids], damage, 0.0)
        if filled.any():
            axis.tricontourf(body.mesh, filled, levels=[_OPEN, 2.0], colors=[LITHIUM], zorder=3)
            # The outline keeps metal in a flaw that has not opened visible as a line.
            axis.tricontour(body.mesh, filled, levels=[_OPEN], colors=[LITHIUM], linewidths=0.6, zorder=3)

    def pores(self, body: Body, step: int) -> PolyCollection:
        """Pores, in the colour of lithium if it presses on their walls."""
        pressure = self.fields.array("lithium_pressure", step)[body.ids]
        copies = (0, len(self.section(step).ids)) if self.half else (0,)
        loops = [loop + first for loop in self.walls(step) for first in copies]
        colours = [LITHIUM if np.median(pressure[loop]) > 0.0 else "white" for loop in loops]
        outlines = [np.column_stack([body.mesh.x[loop], body.mesh.y[loop]]) for loop in loops]
        return PolyCollection(outlines, facecolors=colours, edgecolors="black", linewidths=0.5, zorder=2.5)

    def walls(self, step: int) -> list[np.ndarray]:
        """Nodes of the section about each pore, in order."""
        section = self.section(step)
        return pore_outlines(section.xy, section.triangles)

    def filled(self, step: int) -> np.ndarray:
        """Which points of the file lie in a crack full of lithium."""
        damage, share = (self.fields.array(name, step) for name in ("damage", "fill_fraction"))
        return np.asarray((damage > _OPEN) & (share > _FILLED))

    def _draw_boundaries(self, axis: Axes, body: Body, step: int) -> None:
        """Grain boundaries, moved with the body."""
        if not self._boundaries or self.half:
            return
        section = self.section(step)
        at_rest = Triangulation(section.xy[:, 0], section.xy[:, 1], section.triangles)
        moved = [LinearTriInterpolator(at_rest, values) for values in (body.mesh.x, body.mesh.y)]
        lines = []
        for start, end in self._boundaries:
            pieces = math.ceil(math.dist(start, end) / (_PIECE * body.thickness))
            places = np.linspace(start, end, pieces + 1)
            lines.append(np.column_stack([m(*places.T).filled(np.nan) for m in moved]))
        axis.add_collection(LineCollection(lines, zorder=1.5, **_GRAIN))

    def crack_handle(self, label: str) -> Artist:
        """Return a dark patch."""
        return Patch(color="black", label=label)

    def more_handles(self) -> list[Artist]:
        """Grain boundaries where there are any."""
        return [Line2D([], [], label="grain boundary", **_GRAIN)] if self._boundaries else []

    def profile(self, step: int) -> Profile:
        """From the mouth of the flaw along the longest branch of the crack."""
        section, first, damage = self.section(step), self.section(0), self._read("damage", step)
        near = 1e-9 * self.fields.thickness
        # What breaks later on the face is no mouth. Nodes stay when a mesh is refined.
        at_start = first.xy[(first.xy[:, 1] <= near) & (self._read("damage", 0) >= BROKEN)]
        mouth = np.zeros(len(section.xy), dtype=bool)
        if len(at_start):
            mouth = cKDTree(at_start).query(section.xy)[0] <= near
        nodes, along = crack_path(section.xy, section.triangles, damage, mouth)
        return Profile(along, section.ids[nodes])


def _areas(section: Section) -> np.ndarray:
    """Share of the section [um2] that belongs to each node."""
    triangles = section.triangles
    a, b, c = (section.xy[triangles[:, k]] for k in range(3))
    twice = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    return np.bincount(triangles.ravel(), np.repeat(twice / 6.0, 3), len(section.xy))


def _veils(darkness: np.ndarray) -> list[float]:
    """Opacity of each of several black veils, so that the first k together give `darkness[k - 1]`."""
    light = 1.0 - np.concatenate([[0.0], darkness])
    return [float(1.0 - after / before) for before, after in pairwise(light)]


def _is_half(run: RunResult, fields: FieldFile) -> bool:
    """Whether the mesh is one half of the body: only then has it a plane of symmetry that holds the crack."""
    on_plane = run.manifest.get("mesh", {}).get("crack_plane_nodes")
    if on_plane is not None:
        return bool(on_plane)
    return bool(fields.grid().section.xy[:, 0].min() >= -1e-9 * fields.thickness)
