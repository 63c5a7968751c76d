"""The course of a run: voltage, crack and lithium length, and pressure, over one axis."""

from string import ascii_lowercase

import numpy as np
from lifrac import quantities
from lifrac.postprocess.read.run_result import RunResult
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, WIDTH, Progress

EVENTS = {
    "fracture": ("fracture starts", RED, "--"),
    "crack_through": ("crack through", PURPLE, "-."),
    "short_circuit": ("short circuit", "black", ":"),
    "contact_lost": ("contact lost", GREEN, (0, (5, 1))),
    "voltage_drop": ("voltage drop", GREY, "--"),
    "voltage_limit": ("voltage limit", GREY, (0, (1, 1))),
    "flaw_empty": ("flaw empty", ORANGE, (0, (1, 1))),
}
"""Events marked in the figure: name in the legend, colour, line style."""
CONTACT = {"contact_anode": ("anode face", BLUE, "-"), "contact_counter": ("counter electrode", GREEN, "--")}
"""Columns of contact: name in the legend, colour, line style."""

INTENSITY = "stress_intensity_MPa_sqrt_m"
"""Column of the plane engine's stress intensity."""
MOST_OWN = 4
"""Panels for quantities of the user's own."""


def history_figure(run: RunResult, thickness: float | None) -> Figure:
    """Draw a run over areal capacity (or time).

    Panels show cell voltage, lengths, largest lithium pressure, stress intensity where the engine has it, contact where
    it is not whole, and quantities of the user's own.

    Parameters
    ----------
    run
        The run.
    thickness
        Thickness of the electrolyte [um], drawn as the line a filament has to reach; None leaves it out.
    """
    progress = Progress.of(run.history)
    lost = any((run[name] != 1.0).any() for name in CONTACT)
    sharp = INTENSITY in run.history
    own = [name for name in run.history if name not in (*quantities.HISTORY_COLUMNS, INTENSITY)][:MOST_OWN]
    panels = 3 + sharp + lost + len(own)
    figure = Figure(figsize=(WIDTH * 0.62, 2.0 * panels), layout="constrained")
    axes = figure.subplots(panels, 1, sharex=True)
    x = progress.values(run.history)
    marker = "o" if len(x) < 25 else None
    _voltage(axes[0], run, x, marker)
    _lengths(axes[1], run, x, marker, thickness)
    _pressure(axes[2], run, x, marker)
    if sharp:
        _quantity(axes[3], run, INTENSITY, x, marker)
        axes[3].set_ylim(0.0, 1.1 * float(run.history[INTENSITY].max()) or 1.0)
    if lost:
        _contact(axes[3 + sharp], run, x, marker)
    for axis, name in zip(axes[3 + sharp + lost :], own, strict=True):
        _quantity(axis, run, name, x, marker)
    handles = _mark_events(list(axes), run, progress)
    if handles:
        title = f"Events (at {progress.unit})"
        figure.legend(handles=handles, loc="outside upper center", ncols=2, columnspacing=1.2, title=title)
    for axis, letter in zip(axes, ascii_lowercase, strict=False):
        axis.yaxis.set_major_locator(MaxNLocator(5))
        axis.margins(x=0.02)
        axis.text(-0.02, 1.02, f"({letter})", transform=axis.transAxes, ha="right", fontweight="bold")
    axes[-1].set_xlabel(progress.label)
    figure.align_ylabels(axes)
    return figure


def _voltage(axis: Axes, run: RunResult, x: np.ndarray, marker: str | None) -> None:
    volts = run["cell_voltage"].to_numpy()
    milli = np.abs(volts).max() < 1
    axis.plot(x, volts * (1e3 if milli else 1), color=BLUE, marker=marker, ms=3)
    axis.set_ylabel(f"{quantities.number('cell_voltage').display_name} ({'mV' if milli else 'V'})")
    _widen(axis, 1e-3)


def _lengths(axis: Axes, run: RunResult, x: np.ndarray, marker: str | None, thickness: float | None) -> None:
    axis.plot(x, run["crack_length"], color=RED, marker=marker, ms=3, label="crack")
    axis.plot(x, run["lithium_length"], color=BLUE, ls="--", marker=marker, ms=3, label="lithium")
    if thickness is not None:
        axis.axhline(thickness, color=GREY, lw=0.9, ls=(0, (6, 2)), label="electrolyte thickness")
        axis.set_ylim(0, 1.12 * thickness)
    axis.set_ylabel("Length (µm)")
    axis.legend(loc="best", frameon=True, framealpha=0.9, edgecolor="none")


def _pressure(axis: Axes, run: RunResult, x: np.ndarray, marker: str | None) -> None:
    pressure = run["max_lithium_pressure"]
    axis.plot(x, pressure, color=ORANGE, marker=marker, ms=3)
    axis.set_ylabel(quantities.number("max_lithium_pressure").label)
    axis.set_ylim(bottom=min(0.0, float(pressure.min())))
    _widen(axis, 1e-3)


def _contact(axis: Axes, run: RunResult, x: np.ndarray, marker: str | None) -> None:
    """Mean contact that voids and pressure leave on each face."""
    for name, (label, colour, dashes) in CONTACT.items():
        axis.plot(x, run[name], color=colour, ls=dashes, marker=marker, ms=3, label=label)
    axis.set_ylabel("Contact")
    axis.set_ylim(0.0, 1.05)
    axis.legend(loc="best", frameon=True, framealpha=0.9, edgecolor="none")


def _quantity(axis: Axes, run: RunResult, name: str, x: np.ndarray, marker: str | None) -> None:
    """Draw a quantity that not every run has."""
    axis.plot(x, run.history[name], color=PURPLE, marker=marker, ms=3)
    axis.set_ylabel(quantities.label(name))
    _widen(axis, 0.0)


def _widen(axis: Axes, least: float) -> None:
    """Keep rounding noise of a constant curve from filling the panel."""
    low, high = axis.get_ylim()
    least = max(least, 0.02 * max(abs(low), abs(high)))
    if high - low < least:
        axis.set_ylim((low + high - least) / 2, (low + high + least) / 2)


def _mark_events(axes: list[Axes], run: RunResult, progress: Progress) -> list[Line2D]:
    """Draw a vertical line in every panel at the first event of each kind; return the legend entries.

    A band about it is the numerical error of the charge at which it happens, where the axis is that charge.
    """
    handles = []
    by_event = {event: run.summary.get(f"{name}_error") for name, event in quantities.CAPACITIES.items()}
    for name, (text, colour, dashes) in EVENTS.items():
        rows = run.events[run.events["event"] == name]
        if rows.empty:
            continue
        at = progress.values(rows)[0]
        error = by_event.get(name) if progress.is_charge else None
        for axis in axes:
            line = axis.axvline(at, color=colour, ls=dashes, lw=1.0, zorder=0.5)
            if error is not None:
                axis.axvspan(at * (1.0 - error), at * (1.0 + error), color=colour, alpha=0.12, lw=0.0, zorder=0.4)
        line.set_label(f"{text} ({at:.3g}{'' if error is None else f' ± {100.0 * error:.2g} %'})")
        handles.append(line)
    return handles
