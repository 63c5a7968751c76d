"""How outcomes look in every picture: colour and shape tell them apart; hollow marks got to the end of their run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED


@dataclass(frozen=True)
class Look:
    """An outcome in a picture."""

    description: str
    colour: str
    shape: str


LOOKS = {
    "completed": Look("completed", BLUE, "o"),
    "fracture": Look("fracture", ORANGE, "^"),
    "crack_through": Look("crack through", PURPLE, "D"),
    "short_circuit": Look("short circuit", RED, "s"),
    "contact_lost": Look("contact lost", GREEN, "v"),
    "voltage_drop": Look("voltage drop", GREY, "P"),
    "voltage_limit": Look("voltage limit", GREY, "h"),
    "flaw_empty": Look("flaw empty: says nothing", GREY, "1"),
    "numerical": Look("numerics failed", "black", "x"),
    "pending": Look("not finished", "0.6", "+"),
}
"""Looks of outcomes in the order of legends.

A failure of the numerics says nothing about the cell and is no outcome of it.
"""
STROKES = ("flaw_empty", "numerical", "pending")
"""Marks without a face."""
VOID = ("flaw_empty", "numerical")
"""Outcomes that say nothing about the cell."""


def marks(axis: Axes, runs: pd.DataFrame, x: str, y: str) -> None:
    """Draw a mark for each run, linked to its folder (column `url`, in SVG).

    Parameters
    ----------
    axis
    runs
        Columns `look` (a key of LOOKS), `failed`, `url` and those named by `x` and `y`.
    """
    for (name, failed), some in runs.groupby(["look", "failed"]):
        look = LOOKS[name]
        face = look.colour if failed or name in STROKES else "white"
        drawn = axis.scatter(some[x], some[y], s=26, marker=look.shape, linewidths=1.1, zorder=3, facecolors=face)
        if name not in STROKES:
            drawn.set_edgecolor(look.colour)
        drawn.set_urls(addresses(some))


def addresses(rows: pd.DataFrame) -> list[str | None]:
    """Return what each row links: its column `url`, if it has one."""
    urls = rows["url"].tolist() if "url" in rows else [None] * len(rows)
    return [url if isinstance(url, str) else None for url in urls]


def legend_handles(runs: pd.DataFrame) -> list[Line2D]:
    """Legend entries for what occurs; the same outcome may have ended a run or not."""
    occurs = set(zip(runs["look"], runs["failed"], strict=True))
    return [
        _handle(name, failed, both=(name, not failed) in occurs)
        for name in LOOKS
        for failed in (False, True)
        if (name, failed) in occurs
    ]


def _handle(name: str, failed: bool, both: bool) -> Line2D:
    look = LOOKS[name]
    label = look.description
    if name not in ("completed", *STROKES) and (both or not failed):
        label += ", run ended" if failed else ", run went on"
    face = look.colour if failed or name in STROKES else "white"
    return Line2D([], [], ls="", marker=look.shape, color=look.colour, mfc=face, ms=5, label=label)


def emptied(runs: pd.DataFrame) -> pd.Series:
    """Whether the flaw of each run was empty while it plated; False where the table of an earlier version is silent."""
    found = [name for name in ("flaw_empty_since_cycle", "flaw_empty_since_protocol_step") if name in runs]
    return (runs["outcome"] == "flaw_empty") | runs[found].notna().any(axis=1)


def looks(outcomes: Iterable[str], numerical: Iterable[bool], empty: Iterable[bool]) -> list[str]:
    """Return the key of LOOKS for each run; outcomes nobody knows are taken for unfinished.

    Parameters
    ----------
    outcomes
    numerical
        Whether the numerics failed.
    empty
        Whether it was survived with an empty flaw, whatever had happened before.
    """
    return [
        "numerical" if bad else "flaw_empty" if void else name if name in LOOKS else "pending"
        for name, bad, void in zip(outcomes, numerical, empty, strict=True)
    ]


def midpoints(values: Sequence[float] | np.ndarray, log: bool = False) -> np.ndarray:
    """Edges of cells around ascending values: half-way between neighbours, as far beyond the ends."""
    v = np.log(values) if log else np.asarray(values, dtype=float)
    if len(v) == 1:
        half = 0.1 if log else 0.5 * abs(v[0]) or 0.5
        ends = np.array([v[0] - half, v[0] + half])
    else:
        inner = 0.5 * (v[:-1] + v[1:])
        ends = np.concatenate([[2 * v[0] - inner[0]], inner, [2 * v[-1] - inner[-1]]])
    return np.exp(ends) if log else ends
