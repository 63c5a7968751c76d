"""Time to short of a cell that is cycled at 0.075 mA/cm2, against stack pressure."""

import math
from pathlib import Path

import pandas as pd
from book import Row
from lifrac.postprocess.figures.axes import log_scale
from lifrac.postprocess.figures.style import BLUE, RED
from matplotlib.axes import Axes

RUNS = (("sweep", "sweep.toml"),)
PRESSURE = "operation.stack_pressure_MPa"


def table(out: Path) -> pd.DataFrame:
    points = pd.read_csv(out / "sweep" / "sweep.csv")
    points["time_h"] = points["time_s"] / 3600.0
    points["failed"] = points["outcome"] == "short_circuit"
    return points[points["status"] == "finished"]


def rows(data: pd.DataFrame, out: Path) -> list[Row]:
    points = table(out).set_index(PRESSURE)
    found = []
    for entry in data.itertuples():
        point = points.loc[entry.stack_pressure_MPa]
        time = float(point["time_h"])
        model = (time, time) if point["failed"] else (time, math.nan)
        bound = entry.bound if isinstance(entry.bound, str) else ""
        note = "" if point["failed"] else f"no short in {time:.0f} h; {point['outcome']}"
        measured = float(entry.time_to_short_h)
        text = f"time to short at {entry.stack_pressure_MPa:g} MPa"
        found.append(Row(text, "h", measured, *model, "predicted", bound, note))
    return found


def draw(axes: Axes, data: pd.DataFrame, rows: list[Row], out: Path) -> None:
    points = table(out)
    seen = data[data["time_to_short_h"] > 0.0]
    axes.plot(seen["stack_pressure_MPa"], seen["time_to_short_h"], "o", color=BLUE, label="measured (Doux 2020)")
    failed = points[points["failed"]]
    axes.plot(failed[PRESSURE], failed["time_h"], "s", color=RED, label="model, short circuit")
    held = points[~points["failed"]]
    axes.plot(held[PRESSURE], held["time_h"], "^", color=RED, mfc="none", label="model, no short until then")
    lower = data[data["bound"] == "above"]
    axes.plot(lower["stack_pressure_MPa"], lower["time_to_short_h"] * 1.25, "^", color=BLUE, mfc="none")
    axes.set(xlabel="stack pressure [MPa]", ylabel="time to short [h]", ylim=(0.2, 3e3))
    log_scale(axes)
    axes.legend(loc="lower left")
