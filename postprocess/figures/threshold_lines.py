"""The threshold current and its closed form beside critical current densities: limits that need no run."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .style import GREY

CHARGE = "charge_mAh_per_cm2"

THRESHOLD, ERROR, CLOSED = "threshold_mA_per_cm2", "threshold_error", "closed_form_mA_per_cm2"
"""Columns of `ccd.csv`; folders of former versions lack them."""
BROAD, THIN = 4.0, 0.9
"""Widths of the line of J* and of its closed form [points]."""
FAINT = 0.32


def limits(table: pd.DataFrame) -> np.ndarray:
    """Return all thresholds and closed forms above zero that a figure has to show."""
    values = table[[THRESHOLD, CLOSED]].to_numpy(dtype=float).ravel()
    return np.asarray(values[np.isfinite(values) & (values > 0.0)])


def draw_limits(axis: Axes, x: np.ndarray, rows: pd.DataFrame, colour: str) -> None:
    """Draw J* as a broad faint line, of its error where that is broader, and the closed form as a thin dashed one.

    Parameters
    ----------
    axis
    x
        Abscissas of the rows, ascending or descending.
    rows
        Of one curve; where J* is zero or unknown the lines have a gap.
    colour
    """
    threshold, closed = (_positive(rows[name]) for name in (THRESHOLD, CLOSED))
    error = np.nan_to_num(rows[ERROR].to_numpy(dtype=float))
    if np.isfinite(threshold).any():
        style: dict[str, Any] = {"color": colour, "alpha": FAINT, "zorder": 1.2}
        axis.plot(x, threshold, lw=BROAD, solid_capstyle="butt", **style)
        axis.fill_between(x, threshold / (1.0 + error), threshold * (1.0 + error), lw=0.0, **style)
    if np.isfinite(closed).any():
        axis.plot(x, closed, color=colour, lw=THIN, ls=(0, (4, 2.5)), zorder=1.3)


def draw_levels(axis: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Draw the same as levels across a panel whose abscissa has no part in them."""
    if not rows.empty:
        draw_limits(axis, np.array(axis.get_xlim()), rows.iloc[[0, 0]], colour)


def draw_curve(axis: Axes, runs: pd.DataFrame, rows: pd.DataFrame, colour: str) -> None:
    """Draw current over capacity at failure through the runs, each a small ring, down to J* at large capacities.

    Runs that stand more than one at a smaller current are left out: the smaller current decides.

    Parameters
    ----------
    axis
    runs
        Of one condition, as `plot_map.read_runs` gives them.
    rows
        Of the same condition in `ccd.csv`.
    colour
    """
    failed = runs[runs["failed"]].sort_values("current")
    capacity, current = (failed[name].to_numpy(dtype=float) for name in (CHARGE, "current"))
    decisive = capacity < np.concatenate([[np.inf], np.minimum.accumulate(capacity)[:-1]])
    capacity, current = capacity[decisive], current[decisive]
    axis.plot(capacity, current, "o", color=colour, ms=2.6, mfc="white", mew=0.7, zorder=2.2)
    threshold = float(rows[THRESHOLD].iloc[0]) if len(rows) else np.nan
    if current.size and threshold < current[0]:
        beyond = max(axis.get_xlim()[1], capacity[0])
        capacity, current = np.append([beyond, capacity[0]], capacity), np.append([threshold, threshold], current)
    axis.plot(capacity, current, color=colour, lw=1.0, alpha=0.7, zorder=2.1)


def limit_handles(table: pd.DataFrame) -> list[Line2D]:
    """Return what a legend says of the lines that are there."""
    handles = []
    if np.isfinite(_positive(table[THRESHOLD])).any():
        handles.append(Line2D([], [], color=GREY, lw=BROAD, alpha=FAINT, label="threshold $J^*$"))
    if np.isfinite(_positive(table[CLOSED])).any():
        handles.append(Line2D([], [], color=GREY, lw=THIN, ls=(0, (4, 2.5)), label="closed form"))
    return handles


def _positive(column: pd.Series) -> np.ndarray:
    values = column.to_numpy(dtype=float)
    return np.where(values > 0.0, values, np.nan)
