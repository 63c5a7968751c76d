"""Axes of several figures: logarithmic ones with plain numbers, letters, grids, and the choice of panels."""

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

CURVES = 3
"""Most curves of a kind in a panel, or panels of a kind in a figure: the first, one in the middle, the last of more."""


def some_of(values: Iterable[float]) -> list[float]:
    """All values, or the first, the middle and the last of many."""
    ordered = sorted(values)
    if len(ordered) <= CURVES:
        return ordered
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]]


def log_scale(axis: Axes, which: str = "y") -> None:
    """Make an axis logarithmic and label it 0.1, 0.2, 0.5, 1, ... as far as there is room."""
    (axis.set_yscale if which == "y" else axis.set_xscale)("log")
    log_ticks(axis.yaxis if which == "y" else axis.xaxis, axis.get_ylim() if which == "y" else axis.get_xlim())


def log_ticks(axis: Axis, limits: tuple[float, float]) -> None:
    """Ticks for limits that are known; wide ranges get powers of ten only, narrow ones more steps."""
    ratio = limits[1] / limits[0]
    steps = (1.0,) if ratio > 2e3 else (1.0, 2.0, 5.0) if ratio > 5.0 else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def letter(axis: Axes, which: str) -> None:
    """Write the name of a panel beside its upper left corner."""
    axis.text(-0.02, 1.02, f"({which})", transform=axis.transAxes, ha="right", fontweight="bold")


def grid(axis: Axes) -> None:
    """Faint lines behind the data."""
    axis.grid(which="major", color="0.9", lw=0.5)
    axis.set_axisbelow(True)
