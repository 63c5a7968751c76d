"""Pictures and pages of studies and sweeps: every run is there, linked, and drawn as what became of it."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifrac.errors import InputError
from lifrac.postprocess.figures.all_figures import plot_run
from lifrac.postprocess.figures.outcomes import LOOKS, midpoints
from lifrac.postprocess.figures.plot_distribution import distribution_figure, read_distribution
from lifrac.postprocess.figures.plot_map import map_figure, read_runs
from lifrac.postprocess.figures.plot_sweep import read_sweep, sweep_figure
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

pytestmark = pytest.mark.filterwarnings("error")
CURRENTS = (1.0, 2.0, 4.0, 8.0)


class Page(HTMLParser):
    """Addresses that a page names, and the text of its titles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.marks: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if tag == "a" and name == "xlink:href" and value:
                self.marks.append(value)


def study(folder: Path, lengths: tuple[float, ...] = (20.0,), pressures: tuple[float, ...] = (1.0, 10.0)) -> Path:
    """Runs at two temperatures: the larger currents fail, one run in its numerics, one by lost contact."""
    runs, ccd = [], []
    for a in lengths:
        for t in (25.0, 60.0):
            for p in pressures:
                for j in CURRENTS:
                    outcome = "completed" if j < 3.0 else "contact_lost" if p == 10.0 and j == 4.0 else "short_circuit"
                    bad = "no <script>convergence" if (t, p, j) == (60.0, 1.0, 8.0) else None
                    end = "protocol_end" if j < 3.0 else "numerical_failure" if bad else "stop_rule"
                    point = f"{len(runs):016x}"
                    runs.append((a, 0.02, t, p, 0.5, j, outcome, j, end, 0.4, bad, point))
                    (folder / "points" / point).mkdir(parents=True)
                    for name in ("case.toml", "summary.json", "history.csv"):
                        (folder / "points" / point / name).touch()
                ccd.append((a, 0.02, t, p, 0.5, 2.0, 4.0, "short_circuit", runs[-2][-1]))
    where = ["flaw_length_um", "flaw_aperture_um", "temperature_C", "stack_pressure_MPa", "areal_capacity_mAh_per_cm2"]
    pd.DataFrame(
        runs,
        columns=[
            *where,
            "current_density_mA_per_cm2",
            "outcome",
            "last_current_density_mA_per_cm2",
            "termination",
            "charge_mAh_per_cm2",
            "reason",
            "point",
        ],
    ).to_csv(folder / "runs.csv", index=False)
    pd.DataFrame(ccd, columns=[*where, "ccd_lower_mA_per_cm2", "ccd_upper_mA_per_cm2", "failure_mode", "point"]).to_csv(
        folder / "ccd.csv", index=False
    )
    return folder


def drawn(figure: Figure, panel: int) -> set[tuple[float, float, str, bool]]:
    """(x, y, colour, filled) of every mark."""
    found = set()
    for marks in figure.axes[panel].collections:
        if isinstance(marks, PathCollection):
            face = marks.get_facecolor()
            filled = to_hex(face[0]) != "#ffffff" if len(face) else False
            for x, y in np.asarray(marks.get_offsets()):
                found.add((float(x), float(y), to_hex(marks.get_edgecolor()[0]), filled))
    return found


def test_map_shows_what_became_of_each_run(tmp_path: Path) -> None:
    runs = read_runs(study(tmp_path) / "runs.csv")
    figure = map_figure(runs)
    assert figure is not None
    expected = set()
    for p in (1.0, 10.0):
        for j in CURRENTS:
            look = "completed" if j < 3.0 else "contact_lost" if (p, j) == (10.0, 4.0) else "short_circuit"
            expected.add((p, j, to_hex(LOOKS[look].colour), j > 3.0))
    assert drawn(figure, 0) == expected
    assert (1.0, 8.0, to_hex(LOOKS["short_circuit"].colour), True) not in drawn(figure, 1)
    names = {text.get_text() for text in figure.legends[0].get_texts()}
    assert names == {"completed", "short circuit", "contact lost", "numerics failed"}


def test_cells_are_coloured_from_half_way_between_the_runs(tmp_path: Path) -> None:
    figure = map_figure(read_runs(study(tmp_path) / "runs.csv"))
    assert figure is not None
    cells = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert len(cells) == 2 * 2  # the failed ones
    assert min(cell.get_y() for cell in cells) == pytest.approx(np.sqrt(2.0 * 4.0))
    assert {round(cell.get_x(), 6) for cell in cells} == {-0.08, 5.5}
    assert midpoints([1.0, 3.0]).tolist() == [0.0, 2.0, 4.0]
    assert midpoints([1.0, 4.0], log=True) == pytest.approx([0.5, 2.0, 8.0])


def test_map_over_what_varies(tmp_path: Path) -> None:
    """Stack pressure, else temperature, else flaw length; nothing where nothing varies."""
    runs = read_runs(study(tmp_path, (10.0, 20.0), (1.0,)) / "runs.csv")
    one_flaw, one_temperature = runs[runs["flaw_length_um"] == 10.0], runs[runs["temperature_C"] == 25.0]
    for rows, label in ((one_flaw, "Temperature"), (one_temperature, "Flaw length")):
        figure = map_figure(rows)
        assert figure is not None
        assert figure.axes[0].get_xlabel().startswith(label)
    assert map_figure(runs[(runs["temperature_C"] == 25.0) & (runs["flaw_length_um"] == 10.0)]) is None


def test_runs_of_a_ramp_stand_where_they_ended(tmp_path: Path) -> None:
    table = pd.read_csv(study(tmp_path) / "runs.csv").assign(current_density_mA_per_cm2=0.5)
    table["last_current_density_mA_per_cm2"] *= -1.0
    table.to_csv(tmp_path / "runs.csv", index=False)
    assert sorted(set(read_runs(tmp_path / "runs.csv", ramp=True)["current"])) == list(CURRENTS)


def check_page(folder: Path, points: int) -> str:
    """All addresses are relative and lead somewhere; each run can be reached from the tables."""
    text = (folder / "plots" / "index.html").read_text()
    page = Page(text)
    assert page.links
    for link in [*page.links, *page.marks]:
        if not link.startswith("#"):
            assert ":" not in link
            assert (folder / "plots" / link).exists(), link
    for point in (folder / "points").iterdir():
        assert f"../points/{point.name}/case.toml" in page.links
    assert len(set(page.marks) - {m for m in page.marks if m.startswith("#")}) == points
    assert "<script" not in text
    assert "url(http" not in text
    return text


def test_page_links_every_point_to_its_run(tmp_path: Path) -> None:
    """Texts of users are escaped."""
    plot_run(study(tmp_path))
    text = check_page(tmp_path, 16)
    assert "<title>25 °C, 10 MPa, 4 mA/cm²: contact_lost (failed)</title>" in text
    assert "no &lt;script&gt;convergence" in text


def distribution(folder: Path, areas: tuple[float, ...], conditions: int) -> Path:
    """Tables of a population: Weibull in j, with brackets of +- 10 %."""
    curves, quantiles = [], []
    for t in 25.0 + 10.0 * np.arange(conditions):
        for area in areas:
            scale = 3.0 / area**0.3
            for j in np.geomspace(0.5, 8.0, 40):
                low, high = (1.0 - np.exp(-((j / scale / f) ** 4.0)) for f in (1.1, 0.9))
                curves.append((t, 1.0, 0.5, area, j, low, high))
            for q, open_ in ((0.1, False), (0.5, False), (0.9, True)):
                ccd = scale * (-np.log(1.0 - q)) ** 0.25
                quantiles.append((t, 1.0, 0.5, area, q, 0.9 * ccd, None if open_ else 1.1 * ccd))
    where = ["temperature_C", "stack_pressure_MPa", "areal_capacity_mAh_per_cm2", "electrode_area_cm2"]
    names = ["current_density_mA_per_cm2", "failure_probability_lower", "failure_probability_upper"]
    pd.DataFrame(curves, columns=[*where, *names]).to_csv(folder / "failure_probability.csv", index=False)
    names = ["quantile", "ccd_lower_mA_per_cm2", "ccd_upper_mA_per_cm2"]
    pd.DataFrame(quantiles, columns=[*where, *names]).to_csv(folder / "ccd_distribution.csv", index=False)
    return folder


@pytest.mark.parametrize("conditions", [1, 2, 4])
def test_distribution_has_a_band_for_each_area(tmp_path: Path, conditions: int) -> None:
    figure = distribution_figure(*read_distribution(distribution(tmp_path, (0.5, 5.0), conditions)))
    assert figure is not None
    visible = [axis for axis in figure.axes if axis.get_visible()]
    assert len(visible) == min(conditions, 3)
    for axis in visible:
        assert len([line for line in axis.lines if len(np.asarray(line.get_xdata())) == 40]) == 2 * 2
        quantiles = [c for c in axis.containers if c.has_xerr]  # type: ignore[attr-defined]
        assert [len(c.lines[0].get_xdata()) for c in quantiles] == [2, 2]  # open brackets are left out
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0.5 cm$^2$", "5 cm$^2$"]


def test_page_of_several_flaws_and_their_population(tmp_path: Path) -> None:
    folder = distribution(study(tmp_path, (10.0, 20.0)), (1.0,), 1)
    flaws = {"ccd_flaws", "ccd_10um_20nm", "ccd_20um_20nm", "map_10um_20nm", "map_20um_20nm"}
    assert {path.stem for path in plot_run(folder)} == {*flaws, "ccd_distribution", "index"}
    assert "electrode area" in check_page(folder, 32)


SWEEP = "number,{keys},status,outcome,termination,charge_mAh_per_cm2,reason,point,folder\n"


def sweep(folder: Path, keys: str, values: list[str]) -> Path:
    """Points in turn completed, cracked through, short, failed in their numerics, and not finished."""
    ends = [
        "finished,completed,protocol_end,0.5,",
        "finished,crack_through,protocol_end,0.5,",
        "finished,short_circuit,stop_rule,0.2,",
        "failed,unfinished,numerical_failure,0.1,why",
        "pending,,,,",
    ]
    lines = []
    for i, value in enumerate(values):
        end, point = ends[i % len(ends)], f"{i:016x}"
        where = f"points/{point}" if not end.startswith("pending") else ""
        if where:
            (folder / where).mkdir(parents=True)
            for name in ("case.toml", "summary.json", "history.csv"):
                (folder / where / name).touch()
        lines.append(f"{i + 1},{value},{end},{point},{where}")
    (folder / "sweep.csv").write_text(SWEEP.format(keys=keys) + "\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("keys", "values", "labels"),
    [
        ("defect.length_um", ["5.0", "10.0", "20.0", "40.0"], ("Length (µm)", "Areal capacity at the end")),
        (
            "operation.temperature_C,protocol.current_density_mA_per_cm2",
            ["25.0,1.0", "25.0,8.0", "60.0,1.0", "60.0,8.0"],
            ("Temperature (°C)", "Current density (mA"),
        ),
        (
            "protocol.current_density_mA_per_cm2,operation.stack_pressure_MPa,electrolyte.card",
            ["1.0,1.0,LLZO", "1.0,9.0,LLZO", "2.0,1.0,LATP", "2.0,9.0,LATP", "4.0,1.0,LATP"],
            ("Stack pressure (MPa)", "Current density (mA"),
        ),
    ],
)
def test_sweep(tmp_path: Path, keys: str, values: list[str], labels: tuple[str, str]) -> None:
    table, found = read_sweep(sweep(tmp_path, keys, values) / "sweep.csv")
    assert found == keys.split(",")
    figure = sweep_figure(table, found)
    assert figure is not None
    assert figure.get_supxlabel() == labels[0]
    assert figure.get_supylabel().startswith(labels[1])
    assert {path.name for path in plot_run(tmp_path)} == {"outcomes.png", "outcomes.pdf", "index.html"}
    check_page(tmp_path, 4)


def test_sweep_without_a_number_is_a_table(tmp_path: Path) -> None:
    sweep(tmp_path, "electrolyte.card", ["LLZO", "LATP"])
    assert [path.name for path in plot_run(tmp_path)] == ["index.html"]
    check_page(tmp_path, 0)


@pytest.mark.parametrize("name", ["runs.csv", "ccd_distribution.csv", "sweep.csv"])
@pytest.mark.parametrize(("text", "words"), [("", "cannot be read"), ("a,b\n1,2\n", "columns are missing")])
def test_damaged_table_is_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    if name != "sweep.csv":
        distribution(study(tmp_path), (1.0,), 1)
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        plot_run(tmp_path)


def test_cells_of_a_map_end_at_the_threshold() -> None:
    """All runs stand above J*: what lies below it holds, and stays white."""
    runs = pd.DataFrame(
        {
            "temperature_C": 25.0,
            "stack_pressure_MPa": [1.0, 1.0, 9.0],
            "areal_capacity_mAh_per_cm2": 1.0,
            "current": [2.0, 4.0, 1.5],
            "look": "short_circuit",
            "failed": True,
            "url": "../points/a/",
            "threshold_mA_per_cm2": [1.9, 1.9, 1.4],
        }
    )
    figure = map_figure(runs)
    assert figure is not None
    low = sorted(round(float(patch.get_y()), 6) for patch in figure.axes[0].patches)
    assert low == [1.4, 1.9, round(8.0**0.5, 6)]
    assert figure.axes[0].get_ylim()[0] < 1.4
