"""Pictures of stored fields: the electrolyte with its crack, and what lies along the crack."""

from collections.abc import Iterable

import matplotlib
import numpy as np
from lifrac.postprocess.read.field_file import FieldFile
from lifrac.postprocess.read.run_result import RunResult
from matplotlib.axes import Axes
from matplotlib.collections import TriMesh
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .diffuse_picture import DiffusePicture
from .picture import COUNTER_GREY, LITHIUM, Body, Picture
from .plane_picture import PlanePicture
from .style import WIDTH, Progress

_ELECTRODE_DRAWN = 0.04
"""Height of the electrodes in the picture, as a part of the electrolyte thickness."""


def picture(run: RunResult, fields: FieldFile, steps: Iterable[int]) -> Picture:
    """How the crack of this run is drawn at some stored steps."""
    return (DiffusePicture if fields.diffuse else PlanePicture)(run, fields, steps)


def fields_figure(run: RunResult, fields: FieldFile) -> Figure:
    """Potential and normal stress around the crack, half-way and at the end; the crack is drawn opened."""
    last = len(fields.times) - 1
    middle = fields.nearest(0.5 * (fields.times[0] + fields.times[-1])) if last > 0 else 0
    steps = sorted({middle, last})
    drawn = picture(run, fields, steps)
    bodies = [drawn.body(k) for k in steps]
    progress = Progress.of(run.history)
    figure = Figure(figsize=(WIDTH, 5.3), layout="compressed")
    axes = figure.subplots(2, len(steps), squeeze=False, sharex=True, sharey=True)
    rows = (
        ("Potential (mV)", 1e3, "cividis", False, lambda k: fields.array("potential", k)),
        (r"Stress $\sigma_{xx}$ (MPa)", 1.0, "RdBu_r", True, lambda k: fields.array("stress", k)[:, 0]),
    )
    for row, (label, scale, colours, signed, read) in zip(axes, rows, strict=True):
        values = [scale * read(k)[b.ids] for k, b in zip(steps, bodies, strict=True)]
        norm, extend = _norm(values, bodies, signed)
        for axis, body, value, k in zip(row, bodies, values, steps, strict=True):
            image = _draw(axis, body, value, norm, matplotlib.colormaps[colours], contours=not signed)
            drawn.draw_crack(axis, body, k)
        figure.colorbar(image, ax=row, label=label, extend=extend, pad=0.015)
    for axis, k in zip(axes[0], steps, strict=True):
        seconds = "" if progress.column == "time_s" else f" ({fields.times[k]:.4g} s)"
        axis.set_title(progress.text(run.history, fields.times[k]) + seconds)
    half_view = max(body.half_view for body in bodies)
    axes[0, 0].set_xlim(-half_view, half_view)
    _label(figure, axes, drawn)
    return figure


def _norm(values: list[np.ndarray], bodies: list[Body], signed: bool) -> tuple[Normalize, str]:
    """Colour range over all panels; stress is centred on zero and its singular tip does not set the range."""
    seen = np.concatenate([v[np.abs(b.mesh.x) <= b.half_view] for v, b in zip(values, bodies, strict=True)])
    if not signed:
        low, high = float(seen.min()), float(seen.max())
        return (Normalize(low, high) if high > low else Normalize(low - 0.5, high + 0.5)), "neither"
    limit = float(np.percentile(np.abs(seen), 98)) or 1.0
    return TwoSlopeNorm(0.0, -limit, limit), "both" if np.abs(seen).max() > limit else "neither"


def _draw(axis: Axes, body: Body, value: np.ndarray, norm: Normalize, colours: Colormap, *, contours: bool) -> TriMesh:
    """One panel without the crack; returns what a colour bar needs."""
    image = axis.tripcolor(body.mesh, value, norm=norm, cmap=colours, shading="gouraud", rasterized=True)
    if contours and np.ptp(value) > 0:
        levels = np.linspace(norm.vmin, norm.vmax, 13)[1:-1]  # type: ignore[arg-type]
        axis.tricontour(body.mesh, value, levels=levels, colors="white", linewidths=0.4, alpha=0.7)
    axis.set_aspect("equal")
    top, band = body.thickness, _ELECTRODE_DRAWN * body.thickness
    # Below the body, and up to it where enlarged displacements lift it off y = 0 or y = L.
    floor, ceiling = (body.mesh.y[body.face == face] for face in (-1, 1))
    axis.axhspan(-band, max(0.0, float(floor.max())), color=LITHIUM, lw=0, zorder=0)
    axis.axhspan(min(top, float(ceiling.min())), top + band, color=COUNTER_GREY, lw=0, zorder=0)
    axis.set_ylim(-band, top + band)
    return image


def _label(figure: Figure, axes: np.ndarray, drawn: Picture) -> None:
    """Axis labels, panel letters and the legend."""
    for axis, letter in zip(axes.flat, "abcd", strict=False):
        axis.text(
            0.02,
            0.925,
            f"({letter})",
            transform=axis.transAxes,
            va="top",
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
        )
        axis.tick_params(direction="out", top=False, right=False)
    for axis in axes[-1]:
        axis.set_xlabel(drawn.across)
    for axis in axes[:, 0]:
        axis.set_ylabel("Distance from the anode (µm)")
    handles = [
        Patch(color=LITHIUM, label="lithium"),
        drawn.crack_handle(f"crack, opening × {drawn.factor:.0f}" if drawn.factor > 1 else "crack"),
        *drawn.more_handles(),
        Patch(color=COUNTER_GREY, label="counter electrode"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))


def profile_figure(run: RunResult, fields: FieldFile) -> Figure:
    """Aperture, lithium and its pressure along the crack at up to six stored times."""
    progress = Progress.of(run.history)
    steps = fields.spread(6)
    drawn = picture(run, fields, steps)
    profiles = [drawn.profile(k) for k in steps]
    figure = Figure(figsize=(WIDTH * 0.75, 5.6), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    first = drawn.rows[0].array
    widest = max(fields.largest(first, p.ids, [k]) for k, p in zip(steps, profiles, strict=True))
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.88, len(steps)))
    for axis, row, letter in zip(axes, drawn.rows, "abc", strict=True):
        scale, unit = (1e3, "nm") if row.unit == "µm" and widest < 1.0 else (1.0, row.unit)
        for k, profile, colour in zip(steps, profiles, colours, strict=True):
            values = scale * fields.array(row.array, k)[profile.ids]
            axis.plot(profile.along, values, color=colour, label=progress.text(run.history, fields.times[k]))
        axis.set_ylabel(f"{row.quantity.display_name} ({unit})" if unit else row.quantity.display_name)
        axis.set_ylim(0, None if row.largest is None else 1.06 * row.largest)
        axis.text(0.985, 0.94, f"({letter})", transform=axis.transAxes, va="top", ha="right", fontweight="bold")
    if axes[0].get_ylim()[1] <= 0:
        axes[0].set_ylim(0, 1)
    axes[-1].set_xlim(0, drawn.reach(steps) or fields.thickness)
    axes[-1].set_xlabel("Distance from the anode along the crack (µm)")
    figure.align_ylabels(axes)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure
