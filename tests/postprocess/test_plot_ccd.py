"""The picture of a study: what is drawn is what stands in ccd.csv, open brackets included."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifrac.errors import InputError
from lifrac.postprocess.figures.all_figures import plot_run
from lifrac.postprocess.figures.arrhenius import apparent_activation_energy
from lifrac.postprocess.figures.plot_ccd import COLUMNS, ccd_figure, read_ccd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

NONE = float("nan")


def write(folder: Path, rows: list[tuple[float, float, float, float, float]]) -> Path:
    """A ccd.csv of (T, P, Q, lower, upper)."""
    folder.mkdir(exist_ok=True)
    modes = ["short_circuit" if np.isfinite(row[-1]) else None for row in rows]
    table = pd.DataFrame([(*row, mode) for row, mode in zip(rows, modes, strict=True)], columns=list(COLUMNS))
    table.to_csv(folder / "ccd.csv", index=False)
    return folder


def full(folder: Path, temperatures: int, pressures: int, capacities: int) -> Path:
    return write(
        folder,
        [
            (25.0 + 20 * t, 1.0 + 4 * p, 0.1 * (q + 1), (1.0 + t) / (1 + p) / (1 + q), (1.2 + t) / (1 + p) / (1 + q))
            for t in range(temperatures)
            for p in range(pressures)
            for q in range(capacities)
        ],
    )


def bars(figure: Figure, panel: int) -> set[tuple[float, float]]:
    """(lower, upper) ends of all error bars."""
    found = [s for c in figure.axes[panel].collections if isinstance(c, LineCollection) for s in c.get_segments()]
    return {(round(float(s[0][1]), 6), round(float(s[1][1]), 6)) for s in found}


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 2), (1, 1, 4), (3, 1, 1), (8, 5, 2)])
@pytest.mark.filterwarnings("error")
def test_every_shape_of_study_is_drawn(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    written = plot_run(full(tmp_path / "study", *shape))
    assert written == [tmp_path / "study" / "plots" / name for name in ("ccd.png", "ccd.pdf", "index.html")]
    assert all(path.stat().st_size > 5000 for path in written)


def test_bars_are_the_brackets(tmp_path: Path) -> None:
    folder = full(tmp_path, 2, 3, 2)
    table = read_ccd(folder / "ccd.csv")
    stated = {(round(a, 6), round(b, 6)) for a, b in zip(table.iloc[:, 3], table.iloc[:, 4], strict=True)}
    figure = ccd_figure(table)
    assert bars(figure, 0) == stated
    assert bars(figure, 1) == stated
    assert bars(figure, 2) < stated


@pytest.mark.parametrize(("shape", "panels"), [((1, 1, 1), 1), ((1, 3, 1), 1), ((1, 2, 2), 2), ((2, 2, 2), 3)])
def test_panels_that_would_be_empty_are_left_out(tmp_path: Path, shape: tuple[int, int, int], panels: int) -> None:
    assert len(ccd_figure(read_ccd(full(tmp_path, *shape) / "ccd.csv")).axes) == panels


def test_apparent_activation_energy() -> None:
    """An Arrhenius law gives its energy; the width of brackets is how far it can be off at most."""
    celsius = np.array([0.0, 25.0, 60.0, 80.0])
    ccd = 3.0 * np.exp(-0.42 / (8.617333262e-5 * (celsius + 273.15)))
    energy, off = apparent_activation_energy(celsius, ccd / 1.1, ccd * 1.1)
    assert energy == pytest.approx(0.42, rel=1e-12)
    worst = max(
        apparent_activation_energy(celsius, moved, moved)[0]
        for signs in itertools.product((-1.0, 1.0), repeat=4)
        for moved in [ccd * 1.1 ** np.array(signs)]
    )
    assert worst == pytest.approx(energy + off)
    assert np.isnan(apparent_activation_energy(celsius[:2], np.array([1.0, 0.0]), ccd[:2])[0])


@pytest.mark.filterwarnings("error")
def test_open_brackets_are_arrows(tmp_path: Path) -> None:
    """No error bar; an arrow up at the largest current, down at the smallest; nothing where nothing is known."""
    brackets = [(0.1, 8.0, NONE), (0.2, 1.0, 2.0), (0.4, 0.0, 0.5), (0.8, 0.0, NONE)]
    write(tmp_path, [(25.0, 1.0, *bracket) for bracket in brackets])
    figure = ccd_figure(read_ccd(tmp_path / "ccd.csv"))
    assert bars(figure, 0) == {(1.0, 2.0)}
    drawn = {line.get_marker(): list(np.asarray(line.get_ydata())) for line in figure.axes[0].lines}
    assert (drawn["^"], drawn["v"]) == ([8.0], [0.5])
    assert len(plot_run(tmp_path)) == 3


@pytest.mark.filterwarnings("error")
def test_each_flaw_has_a_figure(tmp_path: Path) -> None:
    table = pd.read_csv(full(tmp_path, 1, 2, 1) / "ccd.csv")
    flaws = [table.assign(flaw_length_um=a, flaw_aperture_um=w) for a in (10.0, 20.0) for w in (0.005, 0.02)]
    pd.concat(flaws).to_csv(tmp_path / "ccd.csv", index=False)
    names = {path.stem for path in plot_run(tmp_path)}
    assert names == {"ccd_10um_5nm", "ccd_10um_20nm", "ccd_20um_5nm", "ccd_20um_20nm", "ccd_flaws", "index"}
    flaws[0].to_csv(tmp_path / "ccd.csv", index=False)
    assert {path.stem for path in plot_run(tmp_path)} == {"ccd", "index"}


@pytest.mark.filterwarnings("error")
def test_ramp_of_stated_duration_is_drawn(tmp_path: Path) -> None:
    """It has no areal capacity: one curve against stack pressure."""
    write(tmp_path, [(25.0, p, NONE, 1.0 / p, 1.2 / p) for p in (1.0, 5.0, 10.0)])
    figure = ccd_figure(read_ccd(tmp_path / "ccd.csv"))
    assert len(bars(figure, 0)) == 3
    assert "fixed time" in {text.get_text() for text in figure.axes[0].get_legend().get_texts()}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "cannot be read"), ("a,b\n1,2\n", "columns are missing"), (",".join(COLUMNS) + "\n", "holds no value yet")],
)
def test_damaged_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "ccd.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        plot_run(tmp_path)


def test_limits_and_runs_are_drawn(tmp_path: Path) -> None:
    """J* and its closed form across the panel of capacities, the runs as a curve that ends at J*; loads that crack."""
    write(
        tmp_path,
        [(25.0, 1.0, q, 2.0 / q, 2.4 / q) for q in (1.0, 2.0)] + [(25.0, 9.0, q, 0.0, 0.0) for q in (1.0, 2.0)],
    )
    table = read_ccd(tmp_path / "ccd.csv")
    cracked = table["stack_pressure_MPa"] == 9.0
    table = table.assign(
        threshold_mA_per_cm2=np.where(cracked, 0.0, 0.9), closed_form_mA_per_cm2=np.where(cracked, 0.0, 0.8)
    )
    table.loc[cracked, "failure_mode"] = "cracked_by_loads"
    runs = pd.DataFrame(
        {
            "temperature_C": 25.0,
            "stack_pressure_MPa": 1.0,
            "current": [1.0, 1.5, 2.0, 0.5],
            "charge_mAh_per_cm2": [2.2, 2.3, 1.1, 2.0],
            "failed": [True, True, True, False],
        }
    )
    figure = ccd_figure(table, runs)
    over_capacity = figure.axes[1]
    ends = {tuple(np.round(np.asarray(line.get_ydata(), dtype=float), 6)) for line in over_capacity.lines}
    assert {(0.9, 0.9), (0.8, 0.8)} <= ends
    assert (0.9, 0.9, 1.0, 2.0) in ends, "a current that stands more than a smaller one has no place on the curve"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["25 °C", "threshold $J^*$", "closed form", "the loads crack the flaw"]
