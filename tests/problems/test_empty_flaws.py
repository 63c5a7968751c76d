"""A pass that is none: what was survived with an empty flaw is labelled everywhere and narrows no bracket."""

import json
from pathlib import Path

import pandas as pd
import pytest
from lifrac.postprocess.figures.outcomes import LOOKS, looks
from lifrac.postprocess.figures.plot_ccd import ccd_figure, read_ccd
from lifrac.postprocess.figures.plot_history import EVENTS
from lifrac.postprocess.figures.plot_map import read_runs
from lifrac.postprocess.figures.plot_sweep import read_sweep
from lifrac.problems.cli.main import main
from lifrac.problems.studies.ccd.display import beyond, describe
from lifrac.problems.studies.ccd.points import CurrentPoint, Finished
from lifrac.problems.studies.ccd.search import plan
from lifrac.problems.studies.ccd.study import load_study
from lifrac.problems.studies.ccd.tables import ccd_row
from lifrac.problems.studies.sweep.sweep_table import RESULTS
from lifrac.solver.protocol.events import GRAVEST
from support.small_study import ONE, STUDY, runs_in, table, write

PELLET = """
[electrolyte]
material = "Li6PS5Cl"
thickness = "700 um"
[electrolyte.properties]
conductivity = "2.4 mS/cm"
interface_resistance = "12 ohm*cm^2"
[defect]
length = "15 um"
aperture = "20 nm"
[operation]
temperature = "60 degC"
stack_pressure = "10 MPa"
lateral = "free"
[protocol]
current_density = "1 mA/cm^2"
areal_capacity = "0.25 mAh/cm^2"
[fracture]
engine = "cohesive"
[mesh]
crack_size = "1.5 um"
path_size = "30 um"
far_size = "100 um"
"""
"""By the engine in which an emptied flaw stays empty."""
RAMP = """
[study]
case = "pellet.toml"
driver = "ramp"
temperatures = ["60 degC"]
stack_pressures = ["10 MPa"]
areal_capacities = ["0.25 mAh/cm^2"]
current_max = "1.6 mA/cm^2"
[study.ramp]
current_step = "0.8 mA/cm^2"
refinements = 1
"""


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a ramp whose flaw the first strip empties."""
    folder = tmp_path_factory.mktemp("ramp")
    (folder / "pellet.toml").write_text(PELLET)
    assert main(["ccd", str(write(folder, RAMP)), "--out", str(folder / "out")]) == 0
    return folder / "out"


def test_a_ramp_with_an_emptied_flaw_has_survived_its_first_level_only(ramp: Path) -> None:
    """At 0.8 mA/cm2 the cell stood with lithium in its flaw; what it did at 1.6 nobody knows."""
    (row,) = table(ramp / "ccd.csv")
    assert (row["ccd_lower_mA_per_cm2"], row["ccd_upper_mA_per_cm2"]) == ("0.8", "")
    mode = row["failure_mode"], row["cycle_at_failure"], row["half_cycle_at_failure"]
    assert mode == ("flaw_empty", "2", "plating")
    (run,) = table(ramp / "runs.csv")
    assert (run["outcome"], run["termination"], run["flaw_empty_since_cycle"]) == ("flaw_empty", "protocol_end", "2")


def test_summary_and_events_say_so(ramp: Path) -> None:
    (point,) = runs_in(ramp)
    summary = json.loads((point / "summary.json").read_text())
    assert (summary["flaw_empty_since_protocol_step"], summary["flaw_empty_since_cycle"]) == (2, 2)
    assert summary["ramp_current_density_survived_mA_per_cm2"] == 0.8
    history = pd.read_csv(point / "history.csv")
    plating = history[history["protocol_step"] == 2]
    assert (plating["lithium_volume_um2"] / plating["flaw_volume_um2"]).max() < 0.25
    events = [json.loads(line) for line in (point / "events.jsonl").read_text().splitlines()]
    (told,) = [event for event in events if event["event"] == "flaw_empty"]
    assert told["time_s"] == pytest.approx(plating["time_s"].iloc[-1])
    assert "(cycle 2, 1.6 mA/cm2)" in told["detail"]


def test_plots_mark_it(ramp: Path) -> None:
    assert read_runs(ramp / "runs.csv", ramp=True)["look"].tolist() == ["flaw_empty"]
    labels = [text.get_text() for text in ccd_figure(read_ccd(ramp / "ccd.csv")).legends[0].get_texts()]
    assert "flaw empty above: nothing known" in labels
    assert "all currents survive" not in labels


def test_log_of_a_run_and_resume(ramp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lifrac run` of the point gives the same label, and its last lines tell a person."""
    (point,) = runs_in(ramp)
    arguments = ["run", str(point / "case.toml"), "--out", str(tmp_path / "run"), "--set", "output.plots=false"]
    assert main(arguments) == 0
    told = capsys.readouterr().err
    assert "case: flaw_empty after" in told
    assert "flaw empty since cycle 2: nothing pressed it open" in told
    ours, theirs = (json.loads((folder / "summary.json").read_text()) for folder in (tmp_path / "run", point))
    keys = [key for key in ours if "flaw_empty" in key or "survived" in key]
    assert len(keys) == 3
    assert [ours[key] for key in keys] == [theirs[key] for key in keys]


def test_check_names_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0.25 mAh/cm2 are 121 times the 0.00206 mAh/cm2 that fill 20 nm."""
    path = tmp_path / "pellet.toml"
    path.write_text(PELLET)
    ramp = 'steps = [{ type = "ramp", current_density = "0.1 mA/cm^2", current_step = "0.1 mA/cm^2", current_max = '
    ramp += '"3 mA/cm^2", areal_capacity = "0.25 mAh/cm^2" }]'
    path.write_text(PELLET.partition("[protocol]")[0] + "[protocol]\n" + ramp)
    assert main(["check", str(path)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "stripping 1.2e+02 times the charge that the flaw holds (F w0/(2 Omega) = 0.00206" in told
    assert "Write defect.residual = 0.05" in told
    assert main(["check", str(path), "--set", "defect.residual=0.0005"]) == 0
    assert "with defect.residual = 0.0005" in " ".join(capsys.readouterr().out.split())


# -- strategies, without computing -------------------------------------------------------------------------------


def survived(point: CurrentPoint, empty: int | None) -> Finished:
    """A point that came to the end of its protocol, with an empty flaw since a step."""
    steps = point.case.engine_model().protocol
    cycle = None if empty is None else steps[empty].cycle or None
    summary = {
        "outcome": "completed" if empty is None else "flaw_empty",
        "termination": "protocol_end",
        "wall_time_s": 0.0,
        "charge_mAh_per_cm2": 0.05,
        "protocol_step": len(steps) - 1,
        "flaw_empty_since_protocol_step": empty,
        "flaw_empty_since_cycle": cycle,
        "reason": "",
        "steps": 1,
    }
    return Finished(point, summary)


CYCLING = 'driver = "cycling"\n[study.cycling]\ncycles = 3\n'


@pytest.mark.parametrize(("driver", "since"), [(CYCLING, "cycle 2"), ("", "protocol step 1")])
def test_currents_survived_with_an_empty_flaw_narrow_no_bracket(tmp_path: Path, driver: str, since: str) -> None:
    """2 mA/cm2 is survived, 8 and 32 only because the flaw was empty: CCD is above 2, and nothing is known beyond."""
    text = STUDY.replace("[case.electrolyte]", f"{driver}\n[case.electrolyte]", 1)
    study = load_study(write(tmp_path, text), ONE[1::2])
    (condition,) = study.conditions
    step = 2 if driver else 0
    known = {p.key: survived(p, None if p.current < 30.0 else step) for p in study.strategy.begin(condition)}
    done = plan(study.strategy, condition, known)
    rows = study.strategy.rows(condition, done.done)
    assert not done.wanted
    for row in rows:
        assert (row.bracket.lower, row.bracket.upper) == (20.0, None)
        assert ccd_row(row)["failure_mode"] == "flaw_empty"
        assert row.decided_by is not None
        assert row.decided_by.point.current == pytest.approx(80.0)
        assert beyond(row) == f" (nothing known above: flaw empty since {since})"
    assert describe(rows[0].decided_by).startswith(f"says nothing: flaw empty since {since}")  # type: ignore[arg-type]
    assert list(study.strategy.consistency_warnings(done.done)) == []


def test_words_of_a_cell_that_holds_with_a_crack(tmp_path: Path) -> None:
    """Said plainly: it stood, and what happened on the way; a failure says by what."""
    study = load_study(write(tmp_path), ONE[1::2])
    run = survived(study.strategy.begin(study.conditions[0])[0], None)
    cracked = {"outcome": "fracture", "capacity_at_fracture_mAh_per_cm2": 0.011}
    held = describe(Finished(run.point, {**run.summary, **cracked}))
    assert held == "holds to the end of the protocol, 0.05 mAh/cm2, with fracture on the way at 0.011 (0.0 s)"
    through = {"outcome": "crack_through", "termination": "stop_rule", "charge_mAh_per_cm2": 0.02}
    assert describe(Finished(run.point, {**run.summary, **through})) == "fails by crack through at 0.02 mAh/cm2 (0.0 s)"


# -- tables and pictures --------------------------------------------------------------------------------------


def test_sweep_tables_show_it(tmp_path: Path) -> None:
    """Also where the flaw was emptied after a fracture, which stays the outcome; older tables are read."""
    assert "flaw_empty_since_protocol_step" in RESULTS
    columns = ["number", "defect.residual", "status", "outcome", "termination", "charge_mAh_per_cm2", "reason", "point"]
    rows = [
        (1, 0.0, "finished", "fracture", "protocol_end", 0.1, None, "a", 2),
        (2, 0.05, "finished", "completed", "protocol_end", 0.1, None, "b", None),
    ]
    frame = pd.DataFrame(rows, columns=[*columns, "flaw_empty_since_protocol_step"])
    frame.to_csv(tmp_path / "sweep.csv", index=False)
    assert read_sweep(tmp_path / "sweep.csv")[0]["look"].tolist() == ["flaw_empty", "completed"]
    frame[columns].to_csv(tmp_path / "sweep.csv", index=False)
    assert read_sweep(tmp_path / "sweep.csv")[0]["look"].tolist() == ["fracture", "completed"]


def test_pictures_know_every_outcome() -> None:
    assert set(EVENTS) == set(GRAVEST)
    assert set(LOOKS) >= {*GRAVEST, "completed"}


def test_a_failure_of_the_numerics_comes_first() -> None:
    assert looks(["flaw_empty", "fracture", "flaw_empty"], [True, False, False], [True, True, False]) == [
        "numerical",
        "flaw_empty",
        "flaw_empty",
    ]
