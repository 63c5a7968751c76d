"""Li6PS5Cl of fine and coarse grains without stack pressure: CCD of a ramp at 0.3 mAh/cm2, and contact loss."""

from pathlib import Path

import pandas as pd
from book import Row
from ccd_rows import bracket, read
from lifrac.postprocess.figures.style import BLUE, RED
from matplotlib.axes import Axes

RUNS = (("ccd", "fine.toml"), ("ccd", "coarse.toml"), ("sweep", "contact_loss.toml"))
HELD, GRAIN = 20.0, 30.0
"""The material's flaw, and one as long as a coarse grain [um]."""


def measured(data: pd.DataFrame, quantity: str, grain: str) -> float:
    found = data[data["quantity"].str.startswith(quantity) & (data["grain"] == grain)]
    return float(found["value"].iloc[0])


def rows(data: pd.DataFrame, out: Path) -> list[Row]:
    found = []
    for grain, flaw, note in (
        ("fine", HELD, ""),
        ("coarse", HELD, "the model knows of grain size only what it does to conduction"),
        ("coarse", GRAIN, "flaw as long as a grain"),
    ):
        low, high = bracket(read(out, grain).set_index("flaw_length_um").loc[flaw])
        text = f"CCD at 0.3 mAh/cm2, {grain} grains, {flaw:g} um flaw"
        found.append(Row(text, "mA/cm2", measured(data, "critical", grain), low, high, "predicted", "", note))
    point = pd.read_csv(out / "contact_loss" / "sweep.csv").iloc[0]
    lost = float(point["charge_mAh_per_cm2"])
    note = "void height h* of the card is from this point"
    text = "capacity at contact loss, 0.2 mA/cm2"
    found.append(Row(text, "mAh/cm2", measured(data, "capacity at contact", "fine"), lost, lost, "fitted", "", note))
    return found


def draw(axes: Axes, data: pd.DataFrame, rows: list[Row], out: Path) -> None:
    shown = rows[:3]
    names = ["fine grains\n20 um flaw", "coarse grains\n20 um flaw", "coarse grains\n30 um flaw"]
    for shift, colour, label in ((-0.2, BLUE, "measured (Singh 2022)"), (0.2, RED, "model")):
        heights = [row.measured if shift < 0.0 else row.model for row in shown]
        axes.bar([i + shift for i in range(3)], heights, 0.35, color=colour, label=label)
    axes.set(ylabel="CCD at 0.3 mAh/cm2 [mA/cm2]", ylim=(0, 3.4), xticks=range(3), xticklabels=names)
    axes.legend()
