"""Pictures of stored fields: the electrolyte with its crack, and what lies along the crack."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, TriMesh
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.tri import Triangulation

from .fields import FieldFile
from .results import RunResult
from .style import WIDTH, Progress

LITHIUM, COUNTER_GREY = "#F5C710", "#B0B0B0"
_ELECTRODE_DRAWN = 0.04
"""Height of the electrodes in the picture, as a part of the electrolyte thickness."""
_OPENING_DRAWN = 0.025
"""Half opening of the crack in the picture, as a part of the electrolyte thickness."""
_LARGEST_FACTOR = 5000.0
_WET = 0.05
"""Fill fraction above which the crack counts as holding lithium."""


@dataclass(frozen=True)
class Shape:
    """The deformed section at one stored time, as drawn.

    Attributes
    ----------
    x, y
        Deformed coordinates [um] of the right half.
    gap
        Drawn half opening [um] at the points of the crack line.
    crack_y
        Positions [um] of the points of the crack line.
    fill
        Part of the opening that lithium fills there, 0 to 1.
    tip
        Position [um] of the crack tip.
    """

    x: np.ndarray
    y: np.ndarray
    gap: np.ndarray
    crack_y: np.ndarray
    fill: np.ndarray
    tip: float


def fields_figure(run: RunResult, fields: FieldFile) -> Figure:
    """Potential and normal stress around the crack, half-way and at the end; the crack is drawn opened."""
    last = len(fields.times) - 1
    middle = fields.nearest(0.5 * (fields.times[0] + fields.times[-1])) if last > 0 else 0
    steps = sorted({middle, last})
    factor = magnification(fields, steps)
    progress = Progress.of(run.history)
    figure = Figure(figsize=(WIDTH, 5.3), layout="compressed")
    axes = figure.subplots(2, len(steps), squeeze=False, sharex=True, sharey=True)
    rows = (
        ("Potential (mV)", 1e3, "cividis", False, lambda k: fields.array("potential_V", k)),
        (r"Stress $\sigma_{xx}$ (MPa)", 1.0, "RdBu_r", True, lambda k: fields.array("stress_MPa", k)[:, 0]),
    )
    shapes = [deformed(run, fields, k, factor) for k in steps]
    for row, (label, scale, colours, signed, read) in zip(axes, rows, strict=True):
        values = [scale * read(k)[fields.section.ids] for k in steps]
        norm, extend = _norm(values, shapes, fields.thickness, signed)
        for axis, shape, value in zip(row, shapes, values, strict=True):
            image = _draw(
                axis, fields, shape, value, norm, matplotlib.colormaps[colours], contours=not signed
            )
        figure.colorbar(image, ax=row, label=label, extend=extend, pad=0.015)
    for axis, k in zip(axes[0], steps, strict=True):
        seconds = "" if progress.column == "time_s" else f" ({fields.times[k]:.4g} s)"
        axis.set_title(progress.text(run.history, fields.times[k]) + seconds)
    _label(figure, axes, fields, factor)
    return figure


def magnification(fields: FieldFile, steps: list[int]) -> float:
    """Factor that makes the widest crack visible; 1, 2 or 5 times a power of ten, 1 if nothing opened."""
    section = fields.section
    wall = section.ids[section.xy[:, 0] <= 1e-9 * fields.thickness]
    widest = max(float(fields.array("displacement_um", k)[wall, 0].max()) for k in steps)
    if widest <= 0:
        return 1.0
    wanted = min(max(_OPENING_DRAWN * fields.thickness / widest, 1.0), _LARGEST_FACTOR)
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(power * max(m for m in (1, 2, 5) if m * power <= wanted * (1 + 1e-12)))


def deformed(run: RunResult, fields: FieldFile, step: int, factor: float) -> Shape:
    """The section at a stored step with normal displacements `factor` times enlarged."""
    section = fields.section
    displacement = fields.array("displacement_um", step)[section.ids]
    # Only the opening is enlarged: what the slab as a whole does would drown it, and the faces stay flat.
    x = section.xy[:, 0] + factor * displacement[:, 0]
    wall = np.flatnonzero(section.xy[:, 0] <= 1e-9 * fields.thickness)
    wall = wall[np.argsort(section.xy[wall, 1])]
    line = fields.crack_line
    crack_y = fields.points[line, 1]
    gap = np.interp(crack_y, section.xy[wall, 1], np.maximum(x[wall], 0.0))
    aperture = fields.array("aperture_um", step)[line]
    metal = fields.array("metal_thickness_um", step)[line]
    fill = np.clip(np.divide(metal, aperture, out=np.zeros_like(metal), where=aperture > 0), 0, 1)
    tip = float(np.interp(fields.times[step], run.history["time_s"], run.history["crack_tip_um"]))
    return Shape(x, section.xy[:, 1], gap, crack_y, fill, tip)


def _norm(
    values: list[np.ndarray], shapes: list[Shape], thickness: float, signed: bool
) -> tuple[Normalize, str]:
    """Colour range over all panels; stress is centred on zero and its singular tip does not set the range."""
    seen = np.concatenate([v[s.x <= _half_view(s, thickness)] for v, s in zip(values, shapes, strict=True)])
    if not signed:
        low, high = float(seen.min()), float(seen.max())
        return (Normalize(low, high) if high > low else Normalize(low - 0.5, high + 0.5)), "neither"
    limit = float(np.percentile(np.abs(seen), 98)) or 1.0
    return TwoSlopeNorm(0.0, -limit, limit), "both" if np.abs(seen).max() > limit else "neither"


def _half_view(shape: Shape, thickness: float) -> float:
    """Half width [um] of the picture: the part of the slab near the crack."""
    return min(float(shape.x.max()), 0.75 * thickness)


def _draw(
    axis: Axes,
    fields: FieldFile,
    shape: Shape,
    value: np.ndarray,
    norm: Normalize,
    colours: Colormap,
    *,
    contours: bool,
) -> TriMesh:
    """One panel: both halves, the crack and the lithium in it; returns what a colour bar needs."""
    for side in (1.0, -1.0):
        mesh = Triangulation(side * shape.x, shape.y, fields.section.triangles)
        image = axis.tripcolor(mesh, value, norm=norm, cmap=colours, shading="gouraud", rasterized=True)
        if contours and np.ptp(value) > 0:
            levels = np.linspace(norm.vmin, norm.vmax, 13)[1:-1]  # type: ignore[arg-type]
            axis.tricontour(mesh, value, levels=levels, colors="white", linewidths=0.4, alpha=0.7)
        cracked = shape.crack_y <= shape.tip * (1 + 1e-6)
        axis.plot(side * shape.gap[cracked], shape.crack_y[cracked], color="black", lw=0.6)
    axis.add_collection(_lithium(shape))
    axis.set_aspect("equal")
    half = _half_view(shape, fields.thickness)
    top = fields.thickness
    band = _ELECTRODE_DRAWN * top
    axis.axhspan(-band, 0, color=LITHIUM, lw=0)
    axis.axhspan(top, top + band, color=COUNTER_GREY, lw=0)
    axis.set(xlim=(-half, half), ylim=(-band, top + band))
    return image


def _lithium(shape: Shape) -> PolyCollection:
    """Lithium in the crack, one polygon per stretch between two points that hold some."""
    y, half = shape.crack_y, shape.gap * shape.fill
    wet = shape.fill > _WET
    strips = [
        [(-half[i], y[i]), (half[i], y[i]), (half[i + 1], y[i + 1]), (-half[i + 1], y[i + 1])]
        for i in range(len(y) - 1)
        if wet[i] and wet[i + 1]
    ]
    # The outline keeps metal in a flaw that has not opened visible as a line.
    return PolyCollection(strips, facecolors=LITHIUM, edgecolors=LITHIUM, linewidths=1.2, zorder=3)


def _label(figure: Figure, axes: np.ndarray, fields: FieldFile, factor: float) -> None:
    """Axis labels, panel letters and the legend."""
    for axis, letter in zip(axes.flat, "abcd", strict=False):
        axis.text(
            0.02, 0.925, f"({letter})", transform=axis.transAxes, va="top", fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
        )  # fmt: skip
        axis.tick_params(direction="out", top=False, right=False)
    for axis in axes[-1]:
        axis.set_xlabel("Distance from the crack plane (µm)")
    for axis in axes[:, 0]:
        axis.set_ylabel("Distance from the anode (µm)")
    crack = f"crack, opening × {factor:.0f}" if factor > 1 else "crack"
    handles = [
        Patch(color=LITHIUM, label="lithium"),
        Line2D([], [], color="black", lw=0.9, label=crack),
        Patch(color=COUNTER_GREY, label="counter electrode"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)


def profile_figure(run: RunResult, fields: FieldFile, thickness: float) -> Figure:
    """Aperture, metal thickness and lithium pressure along the crack at up to six stored times."""
    progress = Progress.of(run.history)
    steps = fields.spread(6)
    figure = Figure(figsize=(WIDTH * 0.75, 5.6), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    line = fields.crack_line
    y = fields.points[line, 1]
    nano = fields.largest("aperture_um", line, steps) < 1.0
    length, unit = (1e3, "nm") if nano else (1.0, "µm")
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.88, len(steps)))
    rows = (
        ("aperture_um", length, f"Aperture ({unit})"),
        ("metal_thickness_um", length, f"Lithium thickness ({unit})"),
        ("lithium_pressure_MPa", 1.0, "Lithium pressure (MPa)"),
    )
    for axis, (name, scale, label), letter in zip(axes, rows, "abc", strict=True):
        for k, colour in zip(steps, colours, strict=True):
            values = scale * fields.array(name, k)[line]
            axis.plot(y, values, color=colour, label=progress.text(run.history, fields.times[k]))
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.text(
            0.985, 0.94, f"({letter})", transform=axis.transAxes, va="top", ha="right", fontweight="bold"
        )
    if axes[0].get_ylim()[1] <= 0:
        axes[0].set_ylim(0, 1)
    reach = 1.15 * float(run.history[["crack_tip_um", "crack_length_um"]].to_numpy().max())
    axes[-1].set_xlim(0, min(thickness, reach) if reach > 0 else thickness)
    axes[-1].set_xlabel("Distance from the anode along the crack (µm)")
    figure.align_ylabels(axes)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure
