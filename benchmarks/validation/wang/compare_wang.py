"""Critical stack pressure of LLZO against stripping current."""

from pathlib import Path

import numpy as np
import pandas as pd
from book import Row
from ccd_rows import bracket, read
from lifrac.postprocess.figures.axes import log_scale
from lifrac.postprocess.figures.style import BLUE, RED
from matplotlib.axes import Axes

RUNS = (("ccd", "study.toml"),)
FITTED_AT = 1.0


def rows(data: pd.DataFrame, out: Path) -> list[Row]:
    model = read(out, "study").set_index("stack_pressure_MPa")
    found = []
    for entry in data.itertuples():
        low, high = bracket(model.loc[entry.critical_stack_pressure_MPa])
        kind = "fitted" if entry.critical_stack_pressure_MPa == FITTED_AT else "predicted"
        text = f"stripping limit at {entry.critical_stack_pressure_MPa:g} MPa"
        found.append(Row(text, "mA/cm2", entry.current_density_mA_per_cm2, low, high, kind))
    return found


def draw(axes: Axes, data: pd.DataFrame, rows: list[Row], out: Path) -> None:
    pressure = data["critical_stack_pressure_MPa"]
    axes.plot(pressure, data["current_density_mA_per_cm2"], "o", color=BLUE, label="measured (Wang 2019)")
    axes.plot(pressure, [row.model for row in rows], "s", color=RED, label="model, fitted at 1 MPa")
    fine = np.geomspace(0.3, 3.0, 20)
    axes.plot(fine, rows[list(pressure).index(FITTED_AT)].model * fine, "-", color=RED, lw=0.8, label="slope 1")
    axes.set(xlabel="stack pressure [MPa]", ylabel="stripping limit [mA/cm2]", xlim=(0.25, 4), ylim=(0.05, 1))
    log_scale(axes, "x")
    log_scale(axes)
    axes.legend()
