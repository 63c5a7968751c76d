"""CCD of LLZO from 30 to 160 degC."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from book import Row
from ccd_rows import bracket, read
from lifrac.postprocess.figures.axes import log_scale
from lifrac.postprocess.figures.style import BLUE, RED
from matplotlib.axes import Axes

RUNS = (("ccd", "study.toml"),)


def rows(data: pd.DataFrame, out: Path) -> list[Row]:
    model = read(out, "study").set_index("temperature_C")
    found = []
    for entry in data.itertuples():
        low, high = bracket(model.loc[entry.temperature_C])
        note = "reading from memory" if "low" in entry.confidence else ""
        text = f"CCD at {entry.temperature_C:g} degC"
        found.append(Row(text, "mA/cm2", entry.ccd_mA_per_cm2, low, high, "predicted", "", note))
    return found


def slope(temperature: "pd.Series[float]", current: "pd.Series[float]") -> float:
    """Apparent activation energy [eV] of a CCD."""
    inverse = 1.0 / (8.617333e-5 * (temperature.to_numpy() + 273.15))
    return float(-np.polyfit(inverse, np.log(current.to_numpy()), 1)[0])


def draw(axes: Axes, data: pd.DataFrame, rows: list[Row], out: Path) -> None:
    model = read(out, "study")
    middle = pd.Series([row.model for row in rows])
    x = 1000.0 / (data["temperature_C"] + 273.15)
    sure = data["confidence"].str.startswith("medium")
    axes.plot(x[sure], data["ccd_mA_per_cm2"][sure], "o", color=BLUE, label="measured (Sharafi 2016)")
    label = "the same, from memory of a figure"
    axes.plot(x[~sure], data["ccd_mA_per_cm2"][~sure], "o", color=BLUE, mfc="none", label=label)
    error = [middle - [row.low for row in rows], pd.Series([row.high for row in rows]) - middle]
    label = f"model, nothing fitted ({slope(model['temperature_C'], middle):.2f} eV)"
    axes.errorbar(x, middle, yerr=error, fmt="s", color=RED, capsize=2, label=label)
    axes.set(xlabel="1000 K / temperature", ylabel="CCD [mA/cm2]", xlim=(2.25, 3.35), ylim=(0.02, 200))
    log_scale(axes)
    assert all(math.isfinite(row.model) for row in rows)
    axes.legend()
