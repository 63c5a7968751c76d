"""Real runs of a small case: the run folder, exit codes, trouble, ranks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.problems.cli import main as cli
from lifrac.quantities import HISTORY_COLUMNS as COLUMNS
from lifrac.solver.sharp_front.step import StepProblem
from support.mpi import PATIENCE
from support.small_runs import CASE, OWN, POINT_ARRAYS, RUN, events, fields, history, summary, write_case

SUMMARY = {
    "outcome",
    "termination",
    "ranks",
    "resumed",
    "states_not_stored",
    "dofs",
    "steps",
    "rejected_steps",
    "nonlinear_iterations",
    "wall_time_s",
    "time_s",
    "first_current_density_mA_per_cm2",
    "current_density_at_end_mA_per_cm2",
    "protocol_steps_of_events",
    "flaw_empty_since_protocol_step",
    "flaw_empty_since_cycle",
    "anode_current_density_at_end_mA_per_cm2",
    "counter_current_density_at_end_mA_per_cm2",
    "anode_area_um",
    "counter_area_um",
    "charge_mAh_per_cm2",
    "lithium_pressure_at_end_MPa",
    "capacity_at_fracture_mAh_per_cm2",
    "capacity_at_crack_through_mAh_per_cm2",
    "capacity_at_short_mAh_per_cm2",
    "crack_length_um",
    "lithium_length_um",
    "max_lithium_pressure_MPa",
    "cell_voltage_V",
    "charge_balance_error",
    "lithium_balance_error",
    "energy_balance_error",
    "capacity_at_contact_loss_mAh_per_cm2",
    "capacity_at_fracture_error",
    "capacity_at_crack_through_error",
    "capacity_at_short_error",
    "capacity_at_contact_loss_error",
    "error_estimate",
    "cycles_completed",
    "ramp_current_density_survived_mA_per_cm2",
    "current_density_at_failure_mA_per_cm2",
    "half_step_capacity_at_failure_mAh_per_cm2",
    "plated_capacity_mAh_per_cm2",
}


@pytest.fixture(scope="module", autouse=True)
def no_cache() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIFRAC_CACHE", "off")
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run through the fracture to the end of its protocol."""
    folder = tmp_path_factory.mktemp("run")
    out = folder / "out"
    assert cli.main(["run", str(write_case(folder)), "--out", str(out)]) == 0
    return out


# -- the run folder --------------------------------------------------------------------------------


def test_files(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {
        ".lock",
        "case.toml",
        "manifest.json",
        "history.csv",
        "events.jsonl",
        "summary.json",
        "fields.vtkhdf",
        "checkpoints",
    }
    assert {path.name for path in (finished / "checkpoints").iterdir()} == {"last.npz", "before.npz"}


def test_history(finished: Path) -> None:
    table = history(finished)
    assert tuple(table) == (*COLUMNS, "stress_intensity_MPa_sqrt_m")
    assert table["step"].tolist() == list(range(len(table["step"])))
    assert [table[name][0] for name in ("time_s", "dt_s", "charge_mAh_per_cm2")] == [0.0, 0.0, 0.0]
    assert table["crack_length_um"][0] == pytest.approx(10.0)
    assert np.diff(table["time_s"]) == pytest.approx(table["dt_s"][1:], rel=1e-6)
    assert table["charge_mAh_per_cm2"] == pytest.approx(6.0 * table["time_s"] / 3600.0, rel=1e-9)
    assert set(table["current_density_mA_per_cm2"][1:]) == {6.0}
    assert table["charge_balance_error"].max() < 1e-8
    assert table["lithium_balance_error"].max() < 1e-8


def test_protocol_ends_exactly(finished: Path) -> None:
    assert history(finished)["charge_mAh_per_cm2"][-1] == pytest.approx(0.02, rel=1e-11)


def test_summary(finished: Path) -> None:
    found, table = summary(finished), history(finished)
    assert set(found) == SUMMARY
    assert (found["outcome"], found["termination"], found["ranks"]) == ("fracture", "protocol_end", 1)
    assert found["steps"] == len(table["step"]) - 1
    assert found["nonlinear_iterations"] == table["newton_iterations"].sum()
    assert found["first_current_density_mA_per_cm2"] == 6.0
    assert found["capacity_at_short_mAh_per_cm2"] is None
    assert found["capacity_at_crack_through_mAh_per_cm2"] is None
    for key, column in (
        ("time_s", "time_s"),
        ("charge_mAh_per_cm2", "charge_mAh_per_cm2"),
        ("crack_length_um", "crack_length_um"),
        ("lithium_length_um", "lithium_length_um"),
        ("lithium_pressure_at_end_MPa", "max_lithium_pressure_MPa"),
        ("current_density_at_end_mA_per_cm2", "current_density_mA_per_cm2"),
        ("cell_voltage_V", "cell_voltage_V"),
    ):
        assert found[key] == pytest.approx(table[column][-1], rel=1e-9)


def test_events(finished: Path) -> None:
    found = events(finished)
    assert all(set(event) == {"time_s", "charge_mAh_per_cm2", "event", "detail"} for event in found)
    assert [event["event"] for event in found] == ["fracture", "end"]
    assert found[-1]["detail"].startswith("protocol_end")
    assert found[0]["charge_mAh_per_cm2"] == summary(finished)["capacity_at_fracture_mAh_per_cm2"]
    at = found[0]["charge_mAh_per_cm2"]
    assert np.isclose(history(finished)["charge_mAh_per_cm2"], at, rtol=1e-11).any()


def test_fields_hold_t_0_the_asked_capacities_and_the_last_state(finished: Path) -> None:
    data, table = fields(finished), history(finished)
    for name, components in POINT_ARRAYS.items():
        assert data[name].shape[2] == components
        assert np.isfinite(data[name]).all()
    times = data["times"]
    assert times[0] == 0.0
    assert times[-1] == pytest.approx(table["time_s"][-1])
    for capacity in (0.005, 0.01):
        assert np.isclose(times, capacity / 6.0 * 3600.0, rtol=1e-9).any()
        assert np.isclose(table["charge_mAh_per_cm2"], capacity, rtol=1e-11).any()
    fracture = events(finished)[0]["time_s"]
    assert np.isclose(times, fracture, rtol=1e-9).any()
    assert sorted(set(data["region"])) == [0, 1, 2, 3]


def test_fields_agree_with_the_history(finished: Path) -> None:
    data, table = fields(finished), history(finished)
    rows = [int(np.argmin(np.abs(table["time_s"] - t))) for t in data["times"]]
    highest = data["lithium_pressure_MPa"].max(axis=(1, 2))
    assert highest == pytest.approx(table["max_lithium_pressure_MPa"][rows], rel=1e-5)
    y = data["points"][:, 1]
    # Potential rises from the anode to the counter electrode, which lies below the cell voltage.
    last = data["potential_V"][-1, :, 0]
    bulk = np.abs(data["current_density_mA_per_cm2"][-1]).max(axis=1) > 0.0
    assert last[bulk & (y < 1e-6)].mean() < last[bulk & (y > 59.99)].mean() < table["cell_voltage_V"][-1]
    # Far from the crack 6 mA/cm2 flow towards the anode, against y.
    far = bulk & (data["points"][:, 0] > 55.0) & (np.abs(y - 30.0) < 10.0)
    assert data["current_density_mA_per_cm2"][-1][far, 1].mean() == pytest.approx(-6.0, rel=0.03)


def test_manifest_and_case_can_be_run_again(finished: Path, tmp_path: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["ranks"] == 1
    assert "lifrac" in manifest["versions"]
    assert manifest["mesh"]["cells"] > 100
    out = tmp_path / "again"
    assert cli.main(["run", str(finished / "case.toml"), "--out", str(out)]) == 0
    assert (out / "history.csv").read_text() == (finished / "history.csv").read_text()
    assert json.loads((out / "manifest.json").read_text())["case_hash"] == manifest["case_hash"]


def test_set_works_end_to_end(tmp_path: Path, finished: Path) -> None:
    out = tmp_path / "out"
    case = write_case(tmp_path)
    changes = ("protocol.current_density=0.5 mA/cm^2", "operation.stack_pressure=5 MPa", "output.fields=3")
    arguments = [word for change in changes for word in ("--set", change)]
    assert cli.main(["run", str(case), "--out", str(out), *arguments]) == 0
    table = history(out)
    assert set(table["current_density_mA_per_cm2"][1:]) == {0.5}
    assert table["max_lithium_pressure_MPa"][0] == pytest.approx(5.0)
    assert summary(out)["outcome"] == "completed"
    assert len(fields(out)["times"]) == 3
    assert "5 MPa" in (out / "case.toml").read_text()


def test_plots_are_made(tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = CASE.replace("plots = false", "plots = true").replace('"0.02 mAh', '"0.002 mAh')
    case = write_case(tmp_path, text)
    assert cli.main(["run", str(case), "--out", str(out)]) == 0
    assert {"history.png", "fields.png", "crack_profile.png"} <= {p.name for p in (out / "plots").iterdir()}


# -- the user's own mesh ---------------------------------------------------------------------------


def test_own_mesh_gives_the_same_result(tmp_path: Path, finished: Path) -> None:
    case = write_case(tmp_path)
    assert cli.main(["mesh", str(case), "--out", str(tmp_path / "slab.msh")]) == 0
    own = tmp_path / "own.toml"
    own.write_text(OWN.replace("own.msh", "slab.msh") + "\n[output]" + CASE.partition("[output]")[2])
    out = tmp_path / "out"
    assert cli.main(["run", str(own), "--out", str(out)]) == 0
    a, b = history(finished), history(out)
    assert len(a["step"]) == len(b["step"])
    for name in ("time_s", "cell_voltage_V", "crack_length_um", "lithium_length_um", "lithium_volume_um2"):
        assert b[name] == pytest.approx(a[name], rel=1e-6), name


# -- bad input -------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], case: Path, out: Path) -> str:
    assert cli.main(["run", str(case), "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


def test_a_folder_that_holds_a_run(tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*")}
    message = refused(capsys, write_case(tmp_path), finished)
    assert "holds a run already" in message
    assert str(finished) in message
    assert "--out" in message
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*")} == before


def test_a_file_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("in the way")
    assert "is a file, not a folder" in refused(capsys, write_case(tmp_path), tmp_path / "out")
    assert "out" in refused(capsys, write_case(tmp_path), tmp_path / "out" / "below")
    assert (tmp_path / "out").read_text() == "in the way"


def test_a_mesh_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, write_case(tmp_path, OWN), tmp_path / "out")
    assert "own.msh" in message
    assert [p.name for p in tmp_path.iterdir()] == ["small.toml"]


def test_a_mesh_without_the_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = write_case(tmp_path)
    assert cli.main(["mesh", str(case), "--out", str(tmp_path / "own.msh")]) == 0
    text = (tmp_path / "own.msh").read_text(errors="surrogateescape")
    (tmp_path / "own.msh").write_text(text.replace('"anode"', '"anodes"'), errors="surrogateescape")
    capsys.readouterr()
    message = refused(capsys, write_case(tmp_path, OWN), tmp_path / "out")
    assert "own.msh" in message
    assert "anode" in message
    assert not (tmp_path / "out").exists()


# -- trouble ---------------------------------------------------------------------------------------


def check_saved(out: Path, termination: str) -> dict[str, np.ndarray]:
    """A run that did not get to its end: everything there, the last good state saved, the reason told."""
    table, found = history(out), summary(out)
    assert found["termination"] == termination
    assert found["outcome"] != "completed"
    assert set(found) == SUMMARY
    assert events(out)[-1]["event"] == "end"
    assert events(out)[-1]["detail"].startswith(termination)
    with np.load(out / "checkpoints" / "last.npz") as saved:
        assert json.loads(str(saved["kept"]))["cell"]["time"] == pytest.approx(table["time_s"][-1])
        assert np.isfinite(saved["aperture"]).all()
    assert fields(out)["times"][-1] == pytest.approx(table["time_s"][-1])
    return table


def test_a_failure_from_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def solve(self: StepProblem, *arguments: Any) -> Any:
        raise NumericalFailure("not even once")

    monkeypatch.setattr(StepProblem, "solve", solve)
    out = tmp_path / "out"
    assert cli.main(["run", str(write_case(tmp_path)), "--out", str(out)]) == 3
    table = check_saved(out, "numerical_failure")
    assert len(table["step"]) == 1
    assert "rejected in a row" in events(out)[-1]["detail"]
    assert "Traceback" not in capsys.readouterr().err


def test_failure_on_the_way_keeps_the_last_good_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, count = StepProblem.solve, [0]

    def solve(self: StepProblem, *arguments: Any) -> Any:
        count[0] += 1
        if count[0] > 15:
            raise NumericalFailure("no more")
        return good(self, *arguments)

    monkeypatch.setattr(StepProblem, "solve", solve)
    out = tmp_path / "out"
    assert cli.main(["run", str(write_case(tmp_path)), "--out", str(out)]) == 3
    table = check_saved(out, "numerical_failure")
    assert len(table["step"]) > 5
    assert summary(out)["rejected_steps"] > 20


def test_a_run_cut_by_max_steps_is_not_done(tmp_path: Path) -> None:
    out = tmp_path / "out"
    change = ["--set", "solver.max_steps=5"]
    assert cli.main(["run", str(write_case(tmp_path)), "--out", str(out), *change]) == 3
    assert len(check_saved(out, "max_steps")["step"]) == 6
    assert "solver.max_steps = 5" in events(out)[-1]["detail"]


def test_sigterm_saves_and_ends_with_4(tmp_path: Path) -> None:
    out = tmp_path / "out"
    long = [
        "--set",
        "protocol.areal_capacity=2 mAh/cm^2",
        "--set",
        "protocol.current_density=0.1 mA/cm^2",
        "--set",
        "solver.max_step=1 s",
    ]
    command = [sys.executable, "-c", "import sys; from lifrac.problems.cli.main import main; sys.exit(main())"]
    process = subprocess.Popen(
        [*command, "run", str(write_case(tmp_path)), "--out", str(out), *long],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            if (out / "history.csv").exists() and len((out / "history.csv").read_text().splitlines()) > 5:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 4, said
    table = check_saved(out, "asked_to_stop")
    assert 0.0 < table["charge_mAh_per_cm2"][-1] < 2.0


# -- ranks -----------------------------------------------------------------------------------------


@pytest.mark.mpi
def test_bad_input_on_two_ranks_is_told_once(mpi_run: Any, tmp_path: Path) -> None:
    case = write_case(tmp_path, OWN)
    result = mpi_run(RUN, 2, "run", str(case), "--out", str(tmp_path / "out"), check=False)
    assert result.returncode == 2
    assert result.output.count("lifrac: ") == 1
    assert not (tmp_path / "out").exists()
