"""Pictures of a sweep: outcomes over the first one or two numbers that vary."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from lifrac import quantities
from lifrac.errors import InputError
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .axes import grid, letter, log_ticks, some_of
from .outcomes import emptied, legend_handles, looks, marks
from .style import WIDTH

CHARGE = quantities.number("charge").key
REQUIRED = ("number", "status", "outcome", "termination", CHARGE, "reason", "point")
PANELS = 9
LOG_FROM = 5.0
"""Positive values that span at least this factor are drawn on a logarithmic axis."""


def read_sweep(file: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of a sweep and the names of its varied keys; raise InputError if it is damaged.

    The table has columns `look`, `failed` and `url` more; a point without a folder has no url.
    """
    try:
        table = pd.read_csv(file, dtype={"reason": str, "point": str, "outcome": str, "termination": str})
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a table ({error})", file=file) from error
    missing = [name for name in REQUIRED if name not in table.columns]
    if missing:
        raise InputError(f"columns are missing: {', '.join(missing)}", file=file)
    keys = list(table.columns[table.columns.get_loc("number") + 1 : table.columns.get_loc("status")])
    numerical = table["status"] == "failed"
    failed = (table["termination"] != "protocol_end") & ~numerical & (table["status"] == "finished")
    folder = "../points/" + table["point"] + "/"
    return table.assign(
        look=looks(table["outcome"].fillna("pending"), numerical, emptied(table) & ~failed),
        failed=failed,
        url=folder.where(table["folder"].notna(), None) if "folder" in table else folder,
    ), keys


def sweep_figure(table: pd.DataFrame, keys: list[str]) -> Figure | None:
    """Outcome over two numbers that vary, or charge over one; panels for what else varies. None without a number.

    Parameters
    ----------
    table, keys
        As `read_sweep` gives them.
    """
    varied = [key for key in keys if table[key].nunique() > 1]
    numbers = [key for key in varied if pd.api.types.is_numeric_dtype(table[key]) and table[key].dtype != bool]
    if not numbers:
        return None
    y, x = _axes_of(numbers)
    panels = _panels(table, [key for key in varied if key not in (x, y)])
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    size = WIDTH * (0.55, 0.85, 1.0)[columns - 1], 0.6 + 2.6 * rows
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axis, (title, part), which in zip(axes.flat, panels, "abcdefghi", strict=False):
        if y == CHARGE:
            axis.plot(*part.sort_values(x)[[x, y]].to_numpy().T, color="0.7", lw=0.8, zorder=1)
        marks(axis, part, x, y)
        axis.set_title(title)
        grid(axis)
        if len(panels) > 1:
            letter(axis, which)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    _scale(axes.flat[0], "x", table[x])
    _scale(axes.flat[0], "y", table[y])
    figure.supxlabel(_label(x), fontsize=8.5)
    figure.supylabel(_label(y) if y != CHARGE else "Areal capacity at the end (mAh cm$^{-2}$)", fontsize=8.5)
    figure.legend(handles=legend_handles(table), loc="outside upper center", ncols=1 + columns, columnspacing=1.2)
    return figure


def _axes_of(numbers: list[str]) -> tuple[str, str]:
    """Ordinate and abscissa: of two numbers, a current density is drawn upwards."""
    if len(numbers) == 1:
        return CHARGE, numbers[0]
    currents = [key for key in numbers if key.endswith("_mA_per_cm2")]
    y = currents[0] if currents else numbers[1]
    return y, next(key for key in numbers if key != y)


def _panels(table: pd.DataFrame, others: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """Return the points for each combination of what else varies."""
    values = [
        some_of(table[key].unique()) if pd.api.types.is_numeric_dtype(table[key]) else list(table[key].unique())
        for key in others
    ]
    found = []
    for combination in product(*values):
        chosen = np.ones(len(table), dtype=bool)
        for key, value in zip(others, combination, strict=True):
            chosen &= (table[key] == value).to_numpy()
        if chosen.any():
            words = [_words(key, value) for key, value in zip(others, combination, strict=True)]
            found.append((", ".join(words), table[chosen]))
    return found[:PANELS]


def _split(key: str) -> tuple[str, str]:
    """Return the last part of a key in words, and its unit."""
    name, unit = quantities.split(key)
    return name.rpartition(".")[2].replace("_", " "), unit.label


def heading(key: str) -> str:
    """Return a key for a table, with its unit."""
    name, unit = _split(key)
    unit = unit.replace(" cm$^{-2}$", "/cm²")
    return f"{name} ({unit})" if unit else name


def _label(key: str) -> str:
    name, unit = _split(key)
    return name.capitalize() + (f" ({unit})" if unit else "")


def _words(key: str, value: object) -> str:
    name, unit = _split(key)
    text = f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
    return f"{text} {unit}" if unit else f"{name} {text}"


def _scale(axis: Axes, which: str, values: pd.Series) -> None:
    low, high = float(values.min()), float(values.max())
    if low > 0.0 and high / low >= LOG_FROM:
        limits = low / (high / low) ** 0.08, high * (high / low) ** 0.08
        (axis.set_xscale if which == "x" else axis.set_yscale)("log")
        (axis.set_xlim if which == "x" else axis.set_ylim)(limits)
        log_ticks(axis.xaxis if which == "x" else axis.yaxis, limits)
        return
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    (axis.set_xlim if which == "x" else axis.set_ylim)(low - margin, high + margin)
    (axis.xaxis if which == "x" else axis.yaxis).set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
