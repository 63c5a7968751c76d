"""Stack pressure alone: short circuit without current at 75 MPa, none at 25 MPa."""

import math
from pathlib import Path

import pandas as pd
from book import Row
from lifrac.postprocess.figures.axes import log_scale
from lifrac.postprocess.figures.style import BLUE, GREEN, RED
from matplotlib.axes import Axes

RUNS = (("sweep", "sweep.toml"),)
REST_H = 1000.0
UNTIL = "no short without current (Doux), duration not stated"
PRESSURE, FLAW = "operation.stack_pressure_MPa", "defect.length_um"


def table(out: Path) -> pd.DataFrame:
    """Points with their time in hours; a rest that was completed did not fail."""
    points = pd.read_csv(out / "sweep" / "sweep.csv")
    points["time_h"] = points["time_s"] / 3600.0
    points["failed"] = points["outcome"] == "short_circuit"
    return points


def rows(data: pd.DataFrame, out: Path) -> list[Row]:
    found = []
    for point in table(out).to_dict("records"):
        pressure, flaw = point[PRESSURE], point[FLAW]
        text = f"time to short at {pressure:g} MPa without current, {flaw:g} um flaw"
        model = (point["time_h"], point["time_h"]) if point["failed"] else (REST_H, math.nan)
        held = flaw == 20.0
        if pressure > 50.0:
            found.append(Row(text, "h", 13.0, *model, "predicted", "below", "before any current (Doux), 13 h (Duan)"))
        else:
            kind = "fitted" if held else "predicted"
            found.append(Row(text, "h", math.nan, *model, kind, note=UNTIL))
    return found


def draw(axes: Axes, data: pd.DataFrame, rows: list[Row], out: Path) -> None:
    points = table(out)
    for (flaw, group), colour, size in zip(points.groupby(FLAW), (RED, GREEN), (7, 4), strict=True):
        failed, held = group[group["failed"]], group[~group["failed"]]
        axes.plot(failed[PRESSURE], failed["time_h"], "s", color=colour, ms=size, label=f"model, {flaw:g} um flaw")
        axes.plot(held[PRESSURE], held["time_h"], "^", color=colour, ms=size, mfc="none")
    axes.plot([75.0], [13.0], "v", color=BLUE, mfc="none", label="measured (Duan), at most")
    axes.annotate("model: no short in 1000 h", (25.0, REST_H), textcoords="offset points", xytext=(8, -3))
    axes.set(xlabel="stack pressure [MPa]", ylabel="time to short without current [h]", xlim=(15, 85), ylim=(0.1, 4e3))
    log_scale(axes)
    axes.legend(loc="center left")
