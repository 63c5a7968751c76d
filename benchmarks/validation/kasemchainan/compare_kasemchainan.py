"""Plating and stripping limits of Li6PS5Cl at 3 and 7 MPa."""

from pathlib import Path

import pandas as pd
from book import Row
from ccd_rows import bracket, read
from lifrac.postprocess.figures.axes import log_scale
from lifrac.postprocess.figures.style import BLUE, RED
from matplotlib.axes import Axes

RUNS = (("ccd", "plating.toml"), ("ccd", "stripping.toml"))
PREDICTED = {("plating", 7.0)}
"""Everything else was used for fitting."""
NOTES = {"stripping": "the contact law's two constants are these two points: shows that the engine returns them"}
SHAPES = {"plating": ("o", BLUE), "stripping": ("s", RED)}


def rows(data: pd.DataFrame, out: Path) -> list[Row]:
    found = []
    for entry in data.itertuples():
        model = read(out, entry.limit).set_index("stack_pressure_MPa")
        low, high = bracket(model.loc[float(entry.stack_pressure_MPa)])
        kind = "predicted" if (entry.limit, float(entry.stack_pressure_MPa)) in PREDICTED else "fitted"
        text = f"{entry.limit} limit at {entry.stack_pressure_MPa:g} MPa"
        note = NOTES.get(entry.limit, "")
        found.append(Row(text, "mA/cm2", entry.current_density_mA_per_cm2, low, high, kind, "", note))
    return found


def draw(axes: Axes, data: pd.DataFrame, rows: list[Row], out: Path) -> None:
    for limit, (shape, colour) in SHAPES.items():
        seen = data[data["limit"] == limit]
        axes.plot(
            seen["stack_pressure_MPa"],
            seen["current_density_mA_per_cm2"],
            shape,
            color=colour,
            ms=8,
            mfc="none",
            label=f"{limit}, measured (Kasemchainan 2019)",
        )
        model = [row for row, name in zip(rows, data["limit"], strict=True) if name == limit]
        axes.plot(
            seen["stack_pressure_MPa"], [row.model for row in model], shape, color=colour, ms=4, label=f"{limit}, model"
        )
    axes.set(xlabel="stack pressure [MPa]", ylabel="critical current density [mA/cm2]", xlim=(0, 10), ylim=(0.02, 4))
    log_scale(axes)
    axes.legend(loc="lower right")
