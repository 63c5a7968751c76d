"""Critical current density of a study: against stack pressure and against areal capacity, with its brackets."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from lifrac.meshes.errors import InputError
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, WIDTH

COLUMNS = (
    "temperature_C", "stack_pressure_MPa", "areal_capacity_mAh_per_cm2", "ccd_lower_mA_per_cm2", "ccd_upper_mA_per_cm2",
    "failure_mode",
)  # fmt: skip
"""Columns of `ccd.csv`."""
T, P, Q, LOWER, UPPER = COLUMNS[:5]
FLAW = ["flaw_length_um", "flaw_aperture_um"]
TIMED = 0.0
"""Stands for the capacity of a ramp whose half-steps last a stated time: it grows with the level."""
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, GREY)
SHAPES = ("o", "s", "D", "P", "X", "h")
"""Colour tells temperatures apart, shape stack pressures (b) or capacities (a)."""
CURVES = 3
"""Most stack pressures in (b), and capacities in (a): the first, one in the middle and the last of more."""


def read_ccd(file: Path) -> pd.DataFrame:
    """The table of a study; raise InputError if it is none."""
    remedy = "Give a folder made by `lifrac ccd`"
    try:
        table = pd.read_csv(file)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a table ({error})", file=file, remedy=remedy) from error
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise InputError(f"columns are missing: {', '.join(missing)}", file=file, remedy=remedy)
    if table.empty:
        raise InputError("holds no value yet", file=file, remedy="Wait for the first condition of the study")
    return table.fillna({Q: TIMED})


def by_flaw(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each flaw, by the name of their figure: `ccd` if there is one flaw, `ccd_20um_20nm` and so on."""
    flaws = table[FLAW].drop_duplicates() if set(FLAW) <= set(table.columns) else table.iloc[:0]
    if len(flaws) <= 1:
        return {"ccd": table}
    return {f"ccd_{length:g}um_{1000.0 * aperture:g}nm": rows for (length, aperture), rows in table.groupby(FLAW)}


def ccd_figure(table: pd.DataFrame) -> Figure:
    """Two panels: (a) CCD against stack pressure, (b) against areal capacity.

    A mark stands at the geometric mean of the largest current that survived and the smallest that failed, its bar
    reaches from one to the other. An arrow up stands at the largest current tried where none failed, an arrow down at
    the smallest where none survived.

    Parameters
    ----------
    table
        `ccd.csv` of a study.
    """
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    temperatures = sorted(table[T].unique())
    capacities, pressures = _some(table[Q].unique()), _some(table[P].unique())
    for i, temperature in enumerate(temperatures):
        colour = COLOURS[i % len(COLOURS)]
        shift = 0.006 * (i - 0.5 * (len(temperatures) - 1))
        at = table[table[T] == temperature]
        for shape, capacity in zip(SHAPES, capacities, strict=False):
            _curve(left, at[at[Q] == capacity], P, colour, shape, shift)
        for shape, pressure in zip(SHAPES, pressures, strict=False):
            _curve(right, at[at[P] == pressure], Q, colour, shape, shift)
    _axes(left, right, table)
    _legends(figure, left, right, temperatures, capacities, pressures)
    return figure


def _some(values: Iterable[float]) -> list[float]:
    """All values, or the first, the middle and the last of many."""
    ordered = sorted(values)
    if len(ordered) <= CURVES:
        return ordered
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]]


def _curve(axis: Axes, rows: pd.DataFrame, column: str, colour: str, shape: str, shift: float) -> None:
    """Brackets over `column`; temperatures are shifted a little so that their bars do not hide each other."""
    rows = rows.sort_values(column)
    span = float(np.ptp(axis.dataLim.intervalx)) if np.isfinite(axis.dataLim.intervalx).all() else 0.0
    x = rows[column].to_numpy(dtype=float) + shift * (span or float(np.ptp(rows[column])))
    lower, upper = rows[LOWER].to_numpy(dtype=float), rows[UPPER].to_numpy(dtype=float)
    known = (lower > 0) & np.isfinite(upper)
    middle = np.where(known, np.sqrt(lower * np.where(known, upper, 1.0)), np.nan)
    bars = np.vstack([middle - lower, upper - middle])[:, known]
    axis.plot(x, middle, color=colour, lw=1.0, alpha=0.7)
    axis.errorbar(x[known], middle[known], yerr=bars, fmt=shape, color=colour, ms=4.5, capsize=3, elinewidth=1.0)
    stands, falls = (lower > 0) & ~np.isfinite(upper), ~(lower > 0) & np.isfinite(upper)
    for some, y, arrow in ((stands, lower, "^"), (falls, upper, "v")):
        axis.plot(x[some], y[some], arrow, color=colour, ms=7, mfc="none")
        axis.plot(x[some], y[some], shape, color=colour, ms=2)


def _axes(left: Axes, right: Axes, table: pd.DataFrame) -> None:
    left.set_yscale("log")
    left.set_ylabel("Critical current density (mA cm$^{-2}$)")
    left.set_xlabel("Stack pressure (MPa)")
    right.set_xlabel("Areal capacity (mAh cm$^{-2}$)")
    values = table[[LOWER, UPPER]].to_numpy(dtype=float)
    values = values[np.isfinite(values) & (values > 0)]
    if values.size:
        left.set_ylim(values.min() / 1.35, values.max() * 1.35)
    left.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.yaxis.set_minor_formatter(NullFormatter())
    for axis, column, letter in ((left, P, "a"), (right, Q, "b")):
        low, high = float(table[column].min()), float(table[column].max())
        margin = 0.08 * (high - low) or 0.5 * high or 1.0
        axis.set_xlim(low - margin, high + margin)
        axis.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.text(-0.02, 1.02, f"({letter})", transform=axis.transAxes, ha="right", fontweight="bold")
        axis.grid(which="major", color="0.9", lw=0.5)
        axis.set_axisbelow(True)


def _legends(
    figure: Figure, left: Axes, right: Axes, temperatures: list[float], capacities: list[float], pressures: list[float]
) -> None:
    """Temperatures and what the arrows mean above both panels, the shapes on top of each."""
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(temperatures))]
    handles = [Line2D([], [], color=c, lw=2, label=f"{t:g} °C") for c, t in zip(colours, temperatures, strict=True)]
    handles.append(Line2D([], [], color=GREY, marker="^", mfc="none", ls="", label="all currents survive"))
    handles.append(Line2D([], [], color=GREY, marker="v", mfc="none", ls="", label="all currents fail"))
    figure.legend(handles=handles, loc="outside upper center", ncols=6, columnspacing=1.4)
    for axis, values, unit in ((left, capacities, "mAh cm$^{-2}$"), (right, pressures, "MPa")):
        timed = axis is left and values == [TIMED]
        marks = [Line2D([], [], color="black", marker=s, ms=4, ls="", label="fixed time" if timed else f"{v:g} {unit}")
                 for s, v in zip(SHAPES, values, strict=False)]  # fmt: skip
        axis.legend(
            handles=marks,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=CURVES,
            columnspacing=1.0,
            borderpad=0.1,
            handletextpad=0.1,
        )
