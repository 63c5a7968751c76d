"""The look all figures share: sizes and fonts of a paper, colours that survive colour blindness."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

WIDTH = 7.1
"""Width [inch] of a figure over two columns of a journal page."""

# Okabe and Ito's palette: told apart in the common kinds of colour blindness.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#5F5F5F"

_RC: Any = {
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.5,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "legend.frameon": False,
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "axes.formatter.useoffset": False,
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Figures made inside look alike; the caller's matplotlib settings come back afterwards."""
    with matplotlib.rc_context(_RC):
        yield


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `name.png` (300 dpi) and `name.pdf` (vector) into `folder`; return both paths.

    The figure is laid out once: finding room for all texts takes longer than drawing them, and both files then look
    the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png", folder / f"{name}.pdf"]
    for path in paths:
        figure.savefig(path)
        figure.set_layout_engine("none")
    return paths


@dataclass(frozen=True)
class Progress:
    """The quantity a run is plotted against: areal charge, or time where charge does not tell states apart.

    Attributes
    ----------
    column
        Column of the history.
    label
        Axis label with unit.
    unit
        The unit alone.
    scale
        Factor from the column to the axis.
    """

    column: str
    label: str
    unit: str
    scale: float

    @classmethod
    def of(cls, history: pd.DataFrame) -> "Progress":
        """Charge if it rises and never falls, else time in a unit that suits its length."""
        charge = history["charge_mAh_per_cm2"].to_numpy()
        if np.all(np.diff(charge) >= 0) and np.ptp(charge) > 0:
            return cls("charge_mAh_per_cm2", "Areal capacity plated (mAh cm$^{-2}$)", "mAh cm$^{-2}$", 1.0)
        end = float(history["time_s"].iloc[-1])
        name, seconds = ("h", 3600.0) if end > 7200 else ("min", 60.0) if end > 300 else ("s", 1.0)
        return cls("time_s", f"Time ({name})", name, 1 / seconds)

    @property
    def is_charge(self) -> bool:
        """Whether the axis is charge."""
        return self.column.startswith("charge")

    def values(self, table: pd.DataFrame) -> np.ndarray:
        """Return the axis values of a history or of events."""
        return table[self.column].to_numpy(dtype=float) * self.scale

    def at(self, history: pd.DataFrame, time: float) -> float:
        """Return the axis value at `time` [s], interpolated in the history."""
        return float(np.interp(time, history["time_s"], self.values(history)))

    def text(self, history: pd.DataFrame, time: float) -> str:
        """Return the axis value at `time` [s] with unit, for titles and legends."""
        return f"{self.at(history, time):.3g} {self.unit}"
