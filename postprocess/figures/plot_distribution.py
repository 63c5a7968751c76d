"""Critical current density of electrodes with a flaw population: the share that fails over current density."""

from pathlib import Path

import numpy as np
import pandas as pd
from lifrac.errors import InputError
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from .axes import grid, letter, log_ticks, some_of
from .plot_ccd import COLOURS, LOWER, UPPER, P, Q, T
from .style import WIDTH

AREA = "electrode_area_cm2"
CURRENT = "current_density_mA_per_cm2"
LOW, HIGH = "failure_probability_lower", "failure_probability_upper"
QUANTILE = "quantile"
SHAPES = ("o", "s", "D")
PANELS = 6
"""Most conditions in a figure."""


def read_table(file: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table of a study; raise InputError if it is damaged."""
    try:
        table = pd.read_csv(file)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a table ({error})", file=file) from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"columns are missing: {', '.join(missing)}", file=file)
    return table.fillna({Q: 0.0})


def read_distribution(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and quantiles of a study folder."""
    return (
        read_table(folder / "failure_probability.csv", (T, P, Q, AREA, CURRENT, LOW, HIGH)),
        read_table(folder / "ccd_distribution.csv", (T, P, Q, AREA, QUANTILE, LOWER, UPPER)),
    )


def distribution_figure(curves: pd.DataFrame, quantiles: pd.DataFrame) -> Figure | None:
    """Return a panel for each temperature, stack pressure and capacity, a band for each area; None if nothing is known.

    The band reaches from the probability if all flaws fail at the upper ends of their brackets to that at the lower;
    marks stand at the quantiles of the table with their brackets.
    """
    conditions = [
        (t, p, q)
        for t in some_of(curves[T].unique())
        for p in some_of(curves[P].unique())
        for q in some_of(curves[Q].unique())
    ][:PANELS]
    if curves.empty:
        return None
    columns = min(len(conditions), 3)
    rows = -(-len(conditions) // columns)
    size = WIDTH * (0.55, 0.9, 1.0)[columns - 1], 0.5 + 2.8 * rows
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    areas = some_of(curves[AREA].unique())
    for axis, condition, which in zip(axes.flat, conditions, "abcdef", strict=False):
        for area, colour, shape in zip(areas, COLOURS, SHAPES, strict=False):
            at = (*condition, area)
            _area(axis, _at(curves, at), _at(quantiles, at), colour, shape)
        axis.set_title(_words(condition, curves))
        grid(axis)
        if len(conditions) > 1:
            letter(axis, which)
    for axis in axes.flat[len(conditions) :]:
        axis.set_visible(False)
    _scales(axes, curves)
    handles = [
        Line2D([], [], color=colour, marker=shape, ms=4.5, label=f"{area:g} cm$^2$")
        for area, colour, shape in zip(areas, COLOURS, SHAPES, strict=False)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(areas))
    return figure


def _at(table: pd.DataFrame, condition: tuple[float, ...]) -> pd.DataFrame:
    chosen = np.ones(len(table), dtype=bool)
    for name, value in zip((T, P, Q, AREA), condition, strict=True):
        chosen &= table[name].to_numpy() == value
    return table[chosen]


def _words(condition: tuple[float, float, float], curves: pd.DataFrame) -> str:
    """Return what tells a panel apart; everything where there is one."""
    units = ("{:g} °C", "{:g} MPa", "{:g} mAh cm$^{{-2}}$")
    roomy = len(curves[[T, P, Q]].drop_duplicates()) < 3
    return ", ".join(
        unit.format(value)
        for value, unit, name in zip(condition, units, (T, P, Q), strict=True)
        if not (name == Q and value == 0.0) and (roomy or curves[name].nunique() > 1)
    )


def _area(axis: Axes, curve: pd.DataFrame, quantiles: pd.DataFrame, colour: str, shape: str) -> None:
    """Draw the band of an area, and its quantiles."""
    axis.fill_between(curve[CURRENT], curve[LOW], curve[HIGH], color=colour, alpha=0.22, lw=0)
    for name in (LOW, HIGH):
        axis.plot(curve[CURRENT], curve[name], color=colour, lw=0.8)
    lower, upper = quantiles[LOWER].to_numpy(dtype=float), quantiles[UPPER].to_numpy(dtype=float)
    known = (lower > 0.0) & np.isfinite(upper)
    middle = np.sqrt(lower[known] * upper[known])
    bars = np.vstack([middle - lower[known], upper[known] - middle])
    q = quantiles[QUANTILE].to_numpy(dtype=float)[known]
    axis.errorbar(middle, q, xerr=bars, fmt=shape, color=colour, ms=4.5, capsize=2.5, elinewidth=1.2)


def _scales(axes: np.ndarray, curves: pd.DataFrame) -> None:
    limits = float(curves[CURRENT].min()) / 1.1, float(curves[CURRENT].max()) * 1.1
    for axis in axes.flat:
        axis.set_xscale("log")
        axis.set_xlim(limits)
        log_ticks(axis.xaxis, limits)
        axis.set_ylim(-0.03, 1.03)
        axis.yaxis.set_major_locator(MultipleLocator(0.2))
    for axis in axes[-1]:
        axis.set_xlabel("Current density (mA cm$^{-2}$)")
    for axis in axes[:, 0]:
        axis.set_ylabel("Share of electrodes that fail")
