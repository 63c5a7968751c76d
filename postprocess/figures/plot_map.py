"""Map of failure: every run of a study over stack pressure (or temperature, or flaw length) and current density."""

from pathlib import Path

import numpy as np
import pandas as pd
from lifrac.errors import InputError
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from .axes import letter, log_ticks, some_of
from .outcomes import LOOKS, VOID, emptied, legend_handles, looks, marks, midpoints
from .plot_ccd import LENGTH, P, Q, T
from .style import GREY, WIDTH
from .threshold_lines import BROAD, FAINT, THRESHOLD

CURRENT = "current_density_mA_per_cm2"
LAST = "last_current_density_mA_per_cm2"
REQUIRED = (T, P, Q, CURRENT, "outcome", "termination", "reason", "point")
ACROSS = {
    P: ("Stack pressure (MPa)", "{:g} MPa"),
    T: ("Temperature (°C)", "{:g} °C"),
    LENGTH: ("Flaw length (µm)", "{:g} µm flaw"),
}
"""Columns that the map may extend over, with labels of an axis and a panel.

The first that varies is its axis; others make panels.
"""
TINT = 0.22
BEYOND = 1.0e4
"""Factor by which the uppermost cell reaches beyond its run: to the top of the panel."""


def read_runs(file: Path, ramp: bool = False) -> pd.DataFrame:
    """Return the runs of a study; raise InputError if the table is damaged.

    Parameters
    ----------
    file
        `runs.csv`.
    ramp
        Whether the current of a run is the one in which it ended, not the one it began with.

    Returns
    -------
    pandas.DataFrame
        With columns `current` [mA/cm2], `look`, `failed` and `url` more.
    """
    try:
        runs = pd.read_csv(file, dtype={"reason": str, "point": str})
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a table ({error})", file=file) from error
    missing = [name for name in REQUIRED if name not in runs.columns]
    if missing:
        raise InputError(f"columns are missing: {', '.join(missing)}", file=file)
    numerical = runs["reason"].notna()
    failed = (runs["termination"] != "protocol_end") & ~numerical
    return runs.fillna({Q: 0.0}).assign(
        current=runs[LAST].abs() if ramp else runs[CURRENT],
        look=looks(runs["outcome"].astype(str), numerical, emptied(runs) & ~failed),
        failed=failed,
        url="../points/" + runs["point"] + "/",
    )


def map_figure(runs: pd.DataFrame) -> Figure | None:
    """Draw runs to the largest areal capacity as marks, on cells coloured by failure; None if nothing varies.

    Parameters
    ----------
    runs
        As `read_runs` gives them, of one flaw or one aperture. With a column `threshold_mA_per_cm2`, cells end there:
        below J* the flaw holds.
    """
    varied = [name for name in ACROSS if name in runs and runs[name].nunique() > 1]
    if not varied:
        return None
    x = varied[0]
    panels = [runs]
    for name in varied[1:]:
        panels = [part[part[name] == value] for part in panels for value in some_of(runs[name].unique())]
    panels = panels[:6]
    capacity = runs[Q].max()
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    size = (WIDTH * (0.55, 0.8, 1.0)[columns - 1], 0.55 + 2.75 * rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axis, part, which in zip(grid.flat, panels, "abcdef", strict=False):
        some = part[part[Q] == capacity]
        _panel(axis, some, runs, x)
        title = ", ".join(ACROSS[name][1].format(some[name].iloc[0]) for name in varied[1:] if len(some))
        axis.set_title(title, loc="left" if not title else "center")
        if len(panels) > 1:
            letter(axis, which)
    for axis in grid.flat[len(panels) :]:
        axis.set_visible(False)
    for axis in grid[-1]:
        axis.set_xlabel(ACROSS[x][0])
    for axis in grid[:, 0]:
        axis.set_ylabel("Current density (mA cm$^{-2}$)")
    handles = legend_handles(runs[runs[Q] == capacity])
    if THRESHOLD in runs and runs[THRESHOLD].notna().any():
        handles.append(Line2D([], [], color=GREY, lw=BROAD, alpha=FAINT, label="threshold $J^*$"))
    above = f"to {capacity:g} mAh cm$^{{-2}}$" if capacity else None
    figure.legend(handles=handles, title=above, loc="outside upper center", ncols=1 + columns, columnspacing=1.2)
    return figure


def _panel(axis: Axes, runs: pd.DataFrame, everything: pd.DataFrame, x: str) -> None:
    values = np.sort(everything[x].unique())
    log = x == LENGTH
    edges = midpoints(values, log=log)
    if not log and len(values) > 1:  # a margin is enough beyond the first and the last
        margin = 0.12 * (values[-1] - values[0])
        edges[0], edges[-1] = max(edges[0], values[0] - margin), min(edges[-1], values[-1] + margin)
    for value, left, right in zip(values, edges[:-1], edges[1:], strict=True):
        column = runs[runs[x] == value].sort_values("current").drop_duplicates("current")
        if not column.empty:
            _column(axis, column, float(left), float(right))
    marks(axis, runs, x, "current")
    if log:
        axis.set_xscale("log")
        log_ticks(axis.xaxis, (edges[0], edges[-1]))
    else:
        axis.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_xlim(edges[0], edges[-1])
    axis.set_yscale("log")
    least = everything["current"].min()
    if THRESHOLD in everything and (everything[THRESHOLD] > 0.0).any():
        least = min(least, everything[THRESHOLD][everything[THRESHOLD] > 0.0].min())
    limits = least / 1.4, everything["current"].max() * 1.4
    axis.set_ylim(limits)
    log_ticks(axis.yaxis, limits)


def _column(axis: Axes, runs: pd.DataFrame, left: float, right: float) -> None:
    """Cells around the runs at one abscissa, half-way to their neighbours; those that survived stay white."""
    edges = midpoints(runs["current"].to_numpy(dtype=float), log=True)
    edges[0], edges[-1] = edges[0] / 10.0, edges[-1] * BEYOND
    threshold = float(runs[THRESHOLD].iloc[0]) if THRESHOLD in runs else np.nan
    if 0.0 < threshold < runs["current"].min():
        edges[0] = threshold
        axis.plot([left, right], [threshold] * 2, color=GREY, lw=BROAD, alpha=FAINT, solid_capstyle="butt", zorder=1.2)
    for (_, run), low, high in zip(runs.iterrows(), edges[:-1], edges[1:], strict=True):
        hatched = run["look"] in VOID
        if run["failed"] or hatched:
            axis.add_patch(
                Rectangle(
                    (left, low),
                    right - left,
                    high - low,
                    alpha=TINT,
                    lw=0,
                    hatch="////" if hatched else None,
                    facecolor="white" if hatched else LOOKS[run["look"]].colour,
                    edgecolor="black" if hatched else "none",
                )
            )
