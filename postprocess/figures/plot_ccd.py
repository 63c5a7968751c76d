"""Critical current density of a study, with brackets: over stack pressure, capacity, temperature, flaw length."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from lifrac.errors import InputError
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .arrhenius import celsius_axis, inverse_temperature, slope_text
from .axes import CURVES, grid, letter, log_ticks, some_of
from .outcomes import addresses
from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, WIDTH
from .threshold_lines import CLOSED, ERROR, THRESHOLD, draw_curve, draw_levels, draw_limits, limit_handles, limits

COLUMNS = (
    "temperature_C",
    "stack_pressure_MPa",
    "areal_capacity_mAh_per_cm2",
    "ccd_lower_mA_per_cm2",
    "ccd_upper_mA_per_cm2",
    "failure_mode",
)
"""Columns of `ccd.csv`."""
T, P, Q, LOWER, UPPER = COLUMNS[:5]
BEST = "ccd_mA_per_cm2"
LATER = (BEST, "ccd_error", "lower_end", THRESHOLD, ERROR, CLOSED)
"""Columns that folders of former versions lack."""
CRACKED = "cracked_by_loads"
"""Failure mode of a flaw that its loads alone crack."""
FLAW = ["flaw_length_um", "flaw_aperture_um"]
LENGTH, APERTURE = FLAW
TIMED = 0.0
"""Stands for the capacity of a ramp whose half-steps last a stated time: it grows with the level."""
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, GREY)
SHAPES = ("o", "s", "D", "P", "X", "h")
"""Colour tells temperatures apart, shape what the legend of the panel says."""

EMPTIED = "2"
"""Marks the largest current survived with lithium in the flaw, where it was empty above."""
WIDE = 4.0
"""Capacities over a wider range than this stand on a logarithmic axis."""
APART = 0.03
"""Distance of curves of one temperature that would hide each other, in widths of the panel."""


@dataclass(frozen=True)
class Panel:
    """CCD over one column, a curve for each temperature and each value of another."""

    column: str
    label: str
    shapes: str
    """Column that shapes tell apart."""
    log: bool = False


PANELS = (
    Panel(P, "Stack pressure (MPa)", Q),
    Panel(Q, "Areal capacity (mAh cm$^{-2}$)", P),
    Panel(T, "1000/T (K$^{-1}$)", P),
)
BY_LENGTH = Panel(LENGTH, "Flaw length (µm)", Q, log=True)


def read_ccd(file: Path) -> pd.DataFrame:
    """Return the table of a study; raise InputError if it is none."""
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
    if "point" in table.columns:
        table["url"] = ("../points/" + table["point"].astype(str) + "/").where(table["point"].notna(), None)
    for name in LATER:
        if name not in table.columns:
            table[name] = np.nan
    return table.fillna({Q: TIMED})


def by_flaw(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each flaw, by the name of their figure.

    The name is `ccd` if there is one flaw, and `ccd_20um_20nm` and so on if there are several.
    """
    flaws = table[FLAW].drop_duplicates() if set(FLAW) <= set(table.columns) else table.iloc[:0]
    if len(flaws) <= 1:
        return {"ccd": table}
    return {f"ccd_{length:g}um_{1000.0 * aperture:g}nm": rows for (length, aperture), rows in table.groupby(FLAW)}


def ccd_figure(table: pd.DataFrame, runs: pd.DataFrame | None = None) -> Figure:
    """CCD over what varies of stack pressure, areal capacity and temperature, a panel for each.

    A mark stands at the best value, or else at the geometric mean of the largest current that survived and the smallest
    that failed; its bar is their bracket, no narrower than the numerical error. A broad line is the threshold current
    J*, a thin dashed one its closed form. An arrow up stands at the largest current tried where none failed, an arrow
    down at the smallest where none survived. Over temperature the axis is that of Arrhenius, with apparent activation
    energies.

    Parameters
    ----------
    table
        `ccd.csv` of a study, for one flaw.
    runs
        Its runs at constant current, from `plot_map.read_runs`: they make a curve over areal capacity.
    """
    panels = [panel for panel in PANELS if table[panel.column].nunique() > 1] or [PANELS[0]]
    return _figure(table, [(panel, table) for panel in panels], runs)


def flaw_figure(table: pd.DataFrame) -> Figure:
    """CCD over flaw length, a panel for each aperture; at the smallest stack pressure."""
    table = table[table[P] == table[P].min()]
    figure = _figure(table, [(BY_LENGTH, table[table[APERTURE] == w]) for w in some_of(table[APERTURE].unique())])
    for axis, w in zip(figure.axes, some_of(table[APERTURE].unique()), strict=False):
        note = f"{1000.0 * w:g} nm wide, {table[P].min():g} MPa"
        axis.text(0.97, 0.97, note, transform=axis.transAxes, ha="right", va="top")
    return figure


def _figure(table: pd.DataFrame, panels: list[tuple[Panel, pd.DataFrame]], runs: pd.DataFrame | None = None) -> Figure:
    """Return the panels side by side over one axis of current density."""
    widths = {1: 0.52, 2: 0.85}
    figure = Figure(figsize=(WIDTH * widths.get(len(panels), 1.0), 3.4), layout="constrained")
    axes = list(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0])
    temperatures = sorted(table[T].unique())
    _current_axis(axes[0], table)
    for axis, (panel, rows), which in zip(axes, panels, "abcdef", strict=False):
        if panel.column == T:
            _arrhenius(axis, rows, temperatures)
        else:
            _over(axis, panel, rows, temperatures, runs if panel.column == Q else None)
        axis.set_xlabel(panel.label)
        grid(axis)
        if len(panels) > 1:
            letter(axis, which)
    _legend(figure, table, temperatures, columns=2 + 2 * len(panels))
    return figure


def _over(
    axis: Axes, panel: Panel, table: pd.DataFrame, temperatures: list[float], runs: pd.DataFrame | None = None
) -> None:
    """Draw a panel over a column of the table."""
    values = some_of(table[panel.shapes].unique())
    _range(axis, panel, table)
    apart = _apart(table, panel.column)
    drawn = temperatures if len(temperatures) <= len(COLOURS) else some_of(temperatures)
    for i, temperature in enumerate(drawn):
        colour = _colour(temperature, temperatures)
        for k, (shape, value) in enumerate(zip(SHAPES, values, strict=False)):
            shift = 0.012 * (i - 0.5 * (len(drawn) - 1)) + apart * (k - 0.5 * (len(values) - 1))
            rows = table[(table[T] == temperature) & (table[panel.shapes] == value)].sort_values(panel.column)
            x = _shifted(axis, rows[panel.column].to_numpy(dtype=float), shift)
            if runs is None:
                axis.plot(x, _middle(rows), color=colour, lw=1.0, alpha=0.7)
            else:
                x = rows[panel.column].to_numpy(dtype=float)
                draw_curve(axis, runs[(runs[T] == temperature) & (runs[panel.shapes] == value)], rows, colour)
            _marks(axis, rows, x, [colour] * len(rows), shape)
            if panel.column == Q or (k == 0 and len(rows) == 1):
                draw_levels(axis, rows, colour)
            elif k == 0:
                draw_limits(axis, rows[panel.column].to_numpy(dtype=float), rows, colour)
    numbers = [f"{value:g}" for value in values[:-1]]
    _shape_legend(axis, [*numbers, _value(panel.shapes, values[-1])])


def _arrhenius(axis: Axes, table: pd.DataFrame, temperatures: list[float]) -> None:
    """Draw a panel over temperature, at one areal capacity; colours are those of the other panels."""
    capacity = some_of(table[Q].unique())[len(some_of(table[Q].unique())) // 2]
    table = table[table[Q] == capacity]
    names = []
    pressures = some_of(table[P].unique())
    celsius_axis(axis, temperatures)
    for k, (shape, pressure) in enumerate(zip(SHAPES, pressures, strict=False)):
        rows = table[table[P] == pressure].sort_values(T)
        x = inverse_temperature(rows[T].to_numpy(dtype=float))
        x = _shifted(axis, x, _apart(table, T) * (k - 0.5 * (len(pressures) - 1)))
        axis.plot(x, _middle(rows), color=GREY, lw=1.0, alpha=0.7)
        draw_limits(axis, x, rows, GREY)
        _marks(axis, rows, x, [_colour(t, temperatures) for t in rows[T]], shape)
        names.append(_value(P, pressure) + slope_text(rows[T], rows[LOWER], rows[UPPER]))
    handles = [_shape(shape, name) for shape, name in zip(SHAPES, names, strict=False)]
    title = None if capacity == TIMED else f"at {_value(Q, capacity)}"
    axis.legend(
        handles=handles,
        title=title,
        loc="best",
        alignment="left",
        borderpad=0.1,
        handletextpad=0.0,
        fontsize=6.5,
        title_fontsize=6.5,
    )


def _colour(temperature: float, temperatures: list[float]) -> str:
    """Return the colour of a temperature; a scale from dark to bright where there are many."""
    i = temperatures.index(temperature)
    if len(temperatures) <= len(COLOURS):
        return COLOURS[i]
    return to_hex(colormaps["viridis"](0.9 * i / (len(temperatures) - 1)))


def _middle(rows: pd.DataFrame) -> np.ndarray:
    """Best value, or else the geometric mean of the bracket; nan where one end is open."""
    lower, upper, best = (rows[name].to_numpy(dtype=float) for name in (LOWER, UPPER, BEST))
    known = (lower > 0) & np.isfinite(upper)
    middle = np.where(known, np.sqrt(lower * np.where(known, upper, 1.0)), np.nan)
    return np.where(known & np.isfinite(best), best, middle)


def _marks(axis: Axes, rows: pd.DataFrame, x: np.ndarray, colours: list[str], shape: str) -> None:
    """Brackets: a mark with a bar, or an arrow where one end is open; each linked to its deciding run."""
    lower, upper, middle = rows[LOWER].to_numpy(dtype=float), rows[UPPER].to_numpy(dtype=float), _middle(rows)
    urls, empty = addresses(rows), _emptied(rows)
    for i, colour in enumerate(colours):
        if np.isfinite(middle[i]):
            bar = [[middle[i] - lower[i]], [upper[i] - middle[i]]]
            axis.errorbar(x[i], middle[i], yerr=bar, fmt="none", ecolor=colour, capsize=3, elinewidth=1.0)
            axis.scatter(x[i], middle[i], s=22, marker=shape, color=colour, zorder=3).set_urls([urls[i]])
        elif upper[i] == 0.0:
            axis.plot(x[i], 0.03, "x", color=colour, ms=6.0, transform=axis.get_xaxis_transform())
        elif lower[i] > 0 or np.isfinite(upper[i]):
            y, arrow = (lower[i], EMPTIED if empty[i] else "^") if lower[i] > 0 else (upper[i], "v")
            axis.plot(x[i], y, arrow, color=colour, ms=7.5, mfc="none")
            axis.scatter(x[i], y, s=5, marker=shape, color=colour, zorder=3).set_urls([urls[i]])


def _emptied(rows: pd.DataFrame) -> np.ndarray:
    """Whether the run that decides a row was survived with an empty flaw only."""
    return (rows["failure_mode"] == "flaw_empty").to_numpy()


def _apart(table: pd.DataFrame, column: str) -> float:
    """How far apart curves of one temperature are drawn: where they stay clear of each other, not at all."""
    same = pd.DataFrame({"t": table[T], "x": table[column], "y": np.round(_middle(table), 9)}).dropna().duplicated()
    return APART if same.any() else 0.0


def _shifted(axis: Axes, x: np.ndarray, shift: float) -> np.ndarray:
    """Curves are drawn a little apart so that their bars do not hide each other."""
    low, high = axis.get_xlim()
    return x * (high / low) ** shift if axis.get_xscale() == "log" else x + shift * (high - low)


def _range(axis: Axes, panel: Panel, table: pd.DataFrame) -> None:
    low, high = float(table[panel.column].min()), float(table[panel.column].max())
    if (panel.log and high > low) or (panel.column == Q and high > WIDE * low > 0.0):
        axis.set_xscale("log")
        limits = low / (high / low) ** 0.1, high * (high / low) ** 0.1
        axis.set_xlim(limits)
        log_ticks(axis.xaxis, limits)
        return
    margin = 0.08 * (high - low) or 0.5 * high or 1.0
    axis.set_xlim(low - margin, high + margin)
    axis.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def _current_axis(axis: Axes, table: pd.DataFrame) -> None:
    axis.set_yscale("log")
    axis.set_ylabel("Critical current density (mA cm$^{-2}$)")
    values = table[[LOWER, UPPER]].to_numpy(dtype=float)
    values = np.concatenate([values[np.isfinite(values) & (values > 0)], limits(table)])
    span = (values.min() / 1.35, values.max() * 1.35) if values.size else (0.1, 10.0)
    axis.set_ylim(span)
    log_ticks(axis.yaxis, span)


def _value(column: str, value: float) -> str:
    """Return a value with its unit."""
    if column == Q and value == TIMED:
        return "fixed time"
    return f"{value:g} MPa" if column == P else f"{value:g} mAh cm$^{{-2}}$"


def _shape(shape: str, label: str) -> Line2D:
    return Line2D([], [], color="black", marker=shape, ms=4, ls="", label=label)


def _shape_legend(axis: Axes, names: list[str]) -> None:
    """Explain the shapes on top of the panel."""
    handles = [_shape(shape, name) for shape, name in zip(SHAPES, names, strict=False)]
    axis.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=CURVES,
        columnspacing=0.6,
        borderpad=0.1,
        handletextpad=0.0,
    )


def _legend(figure: Figure, table: pd.DataFrame, temperatures: list[float], columns: int) -> None:
    """Temperatures and, where there are any, what the arrows mean, above all panels."""
    handles = [Line2D([], [], color=_colour(t, temperatures), lw=2, label=f"{t:g} °C") for t in temperatures]
    lower, upper = table[LOWER].to_numpy(dtype=float), table[UPPER].to_numpy(dtype=float)
    open_above, empty = (lower > 0) & ~np.isfinite(upper), _emptied(table)
    if (open_above & empty).any():
        handles.append(Line2D([], [], color=GREY, marker=EMPTIED, ls="", label="flaw empty above: nothing known"))
    if (open_above & ~empty).any():
        handles.append(Line2D([], [], color=GREY, marker="^", mfc="none", ls="", label="all currents survive"))
    handles += limit_handles(table)
    if (table["failure_mode"] == CRACKED).any():
        handles.append(Line2D([], [], color=GREY, marker="x", ls="", label="the loads crack the flaw"))
    if (~(lower > 0) & (upper > 0)).any():
        handles.append(Line2D([], [], color=GREY, marker="v", mfc="none", ls="", label="all currents fail"))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(columns, 6), columnspacing=1.4)
