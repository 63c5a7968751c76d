"""Studies that are computed: folder, restart, lock, ranks, numerical failures, other drivers."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lifrac.errors import NumericalFailure
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.cli.main import main
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.studies.ccd.study import load_study
from lifrac.problems.studies.ccd.tables import CCD_COLUMNS, RUN_COLUMNS
from lifrac.problems.studies.executors import worker
from lifrac.problems.studies.executors.light_run import compute
from lifrac.problems.studies.point_folder import PointFolder
from lifrac.problems.studies.recording import LIGHT
from lifrac.problems.studies.study_folder import StudyFolder
from lifrac.solver.model.control import Control
from lifrac.solver.sharp_front.march import March
from support.mpi import mpi_run
from support.small_study import COARSE, ONE, QUICK, STUDY, runs_in, table, write


def without_times(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """A table without what no two computations share."""
    return [{key: value for key, value in row.items() if key != "wall_time_s"} for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Study file and folder of a study of one condition."""
    folder = tmp_path_factory.mktemp("study")
    assert main(["ccd", str(write(folder)), "--out", str(folder / "out"), *QUICK]) == 0
    return folder


def test_folder(finished: Path) -> None:
    out = finished / "out"
    names = {"study.toml", "study.json", "ccd.csv", "runs.csv", "threshold.csv", "plots", "points", ".lock"}
    assert {p.name for p in out.iterdir()} == names
    assert {p.name for p in (out / "plots").iterdir()} == {"ccd.png", "ccd.pdf", "index.html"}
    again = load_study(out / "study.toml")
    assert again.content_hash() == load_study(finished / "small.toml", QUICK[1::2]).content_hash()


def test_table_and_runs_agree(finished: Path) -> None:
    rows, runs = table(finished / "out" / "ccd.csv"), table(finished / "out" / "runs.csv")
    assert (tuple(rows[0]), tuple(runs[0])) == (CCD_COLUMNS, RUN_COLUMNS)
    assert [float(row["areal_capacity_mAh_per_cm2"]) for row in rows] == pytest.approx([0.003, 0.01])
    failed_at = {
        float(r["current_density_mA_per_cm2"]): float(r["capacity_at_fracture_mAh_per_cm2"] or "inf") for r in runs
    }
    assert {2.0, 8.0, 32.0} <= {round(j, 9) for j in failed_at}
    for row in rows:
        lower, upper = (float(row[f"ccd_{side}_mA_per_cm2"]) for side in ("lower", "upper"))
        capacity = float(row["areal_capacity_mAh_per_cm2"])
        below = max(current for current, failed in failed_at.items() if failed > capacity)
        above = min(current for current, failed in failed_at.items() if failed <= capacity)
        assert above / below == pytest.approx(2.0)
        assert lower <= below * (1.0 + 1e-12)  # no bracket is narrower than its numerical error
        assert upper >= above * (1.0 - 1e-12)
        assert row["failure_mode"] == "fracture"
    assert float(rows[0]["ccd_lower_mA_per_cm2"]) > float(rows[1]["ccd_lower_mA_per_cm2"])


def test_run_ends_at_the_failure(finished: Path) -> None:
    failed = [r for r in table(finished / "out" / "runs.csv") if r["outcome"] == "fracture"]
    assert len(failed) == 3
    for run in failed:
        assert run["charge_mAh_per_cm2"] == run["capacity_at_fracture_mAh_per_cm2"]
        assert (run["termination"], run["capacity_at_crack_through_mAh_per_cm2"]) == ("stop_rule", "")


def test_points_are_light_run_folders(finished: Path) -> None:
    """Each can be run again, plotted, and says what the table says; the table names it."""
    out = finished / "out"
    runs = table(out / "runs.csv")
    assert {p.name for p in runs_in(out)} == {run["point"] for run in runs}
    (threshold,) = table(out / "threshold.csv")
    assert {p.name for p in (out / "points" / threshold["point"]).iterdir()} == {"case.toml", "summary.json"}
    assert {row["point"] for row in table(out / "ccd.csv")} <= {run["point"] for run in runs}
    for run in runs:
        folder = out / "points" / run["point"]
        assert {p.name for p in folder.iterdir()} == {"case.toml", "summary.json", "history.csv", "events.jsonl"}
        assert load_case(folder / "case.toml").content_hash()[:16] == run["point"]
        summary = json.loads((folder / "summary.json").read_text())
        assert repr(summary["charge_mAh_per_cm2"]) == run["charge_mAh_per_cm2"]
        last = table(folder / "history.csv")[-1]
        assert float(last["charge_mAh_per_cm2"]) == pytest.approx(summary["charge_mAh_per_cm2"])
        assert int(last["step"]) == summary["steps"] == int(run["steps"])


def test_a_point_is_what_a_run_of_its_case_gives(finished: Path, tmp_path: Path) -> None:
    folder = runs_in(finished / "out")[0]
    assert main(["run", str(folder / "case.toml"), "--out", str(tmp_path / "run"), "--set", "output.plots=false"]) == 0
    mine, theirs = (json.loads((path / "summary.json").read_text()) for path in (folder, tmp_path / "run"))
    assert {key: mine[key] for key in theirs if key != "wall_time_s"} == {
        key: value for key, value in theirs.items() if key != "wall_time_s"
    }
    assert (folder / "history.csv").read_text() == (tmp_path / "run" / "history.csv").read_text()


def test_restart_computes_only_what_is_missing(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs are lost, one of them half written as by a kill: just these are computed again, with the same tables."""
    out = finished / "out"
    before, runs = (out / "ccd.csv").read_bytes(), table(out / "runs.csv")
    for number, run in enumerate(runs[-2:]):
        folder = out / "points" / run["point"]
        (folder / "summary.json").unlink()
        folder.rename(folder.with_name(f".{folder.name}.part" if number else folder.name))
    (out / "ccd.csv").unlink()
    computed = []

    def count(case: Case, *arguments: Any) -> Any:
        computed.append(case.content_hash()[:16])
        return compute(case, *arguments)

    monkeypatch.setattr(worker, "compute", count)
    again = ["ccd", str(finished / "small.toml"), "--out", str(out), *QUICK]
    assert main(again) == 0
    assert sorted(computed) == sorted(run["point"] for run in runs[-2:])
    assert (out / "ccd.csv").read_bytes() == before
    assert without_times(table(out / "runs.csv")) == without_times(runs)
    assert main(again) == 0
    assert len(computed) == 2


def test_folder_in_use_is_refused(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second process does not touch the folder; the lock ends with the process that holds it."""
    out = finished / "out"
    holder = StudyFolder(out, load_study(finished / "small.toml", QUICK[1::2]))
    before = {p: p.stat().st_mtime_ns for p in out.iterdir()}
    again = ["ccd", str(finished / "small.toml"), "--out", str(out), *QUICK]
    try:
        assert main(again) == 2
        assert "another process is computing this study" in capsys.readouterr().err
        assert {p: p.stat().st_mtime_ns for p in out.iterdir()} == before
    finally:
        holder.release()
    assert main(again) == 0


def test_a_point_is_claimed_once(tmp_path: Path) -> None:
    (tmp_path / "points").mkdir()
    point, other = PointFolder(tmp_path, "a"), PointFolder(tmp_path, "a")
    assert point.claim() is not None
    assert other.claim() is None
    point.give_up()
    scratch = other.claim()
    assert scratch is not None
    whole = dict.fromkeys(LIGHT.needed, 0) | {"reason": "", "code_hash": code_hash()}
    (scratch / "summary.json").write_text(json.dumps(whole))
    other.complete()
    assert point.claim() is None
    assert point.summary() == whole
    assert PointFolder(tmp_path, "b").summary() is None


@pytest.mark.parametrize("text", ["", '{"outcome": "comp', "[]", "null", '{"outcome": "completed"}'])
def test_damaged_point_is_computed_again(tmp_path: Path, text: str) -> None:
    """A summary that says nothing is no result; it goes when the point is claimed."""
    point = PointFolder(tmp_path, "a")
    point.path.mkdir(parents=True)
    (point.path / "summary.json").write_text(text)
    assert point.summary() is None
    assert point.claim() is not None
    assert not point.path.exists()


def test_refinement_outlives_a_lost_first_run(finished: Path, tmp_path: Path) -> None:
    """A run of the first round is lost, those of the refinement that it led to are not."""
    out = tmp_path / "out"
    shutil.copytree(finished / "out", out)
    runs = table(out / "runs.csv")
    first = min(runs, key=lambda run: float(run["current_density_mA_per_cm2"]))
    shutil.rmtree(out / "points" / first["point"])
    assert main(["ccd", str(finished / "small.toml"), "--out", str(out), *QUICK]) == 0
    assert (out / "ccd.csv").read_bytes() == (finished / "out" / "ccd.csv").read_bytes()
    assert without_times(table(out / "runs.csv")) == without_times(runs)


def test_run_does_not_settle_in_a_study(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {p.name for p in (finished / "out").iterdir()}
    assert main(["run", "llzo_holds", "--out", str(finished / "out")]) == 2
    assert "holds a study already" in capsys.readouterr().err
    assert {p.name for p in (finished / "out").iterdir()} == before


@pytest.mark.parametrize("command", ["run", "check", "mesh"])
def test_study_given_as_a_case(finished: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    study = finished / "small.toml"
    assert main([command, str(study)]) == 2
    assert f"`lifrac ccd {study} --dry-run`" in capsys.readouterr().err


def test_folder_of_another_study_is_refused(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = finished / "out"
    before = {p: p.read_bytes() for p in out.iterdir() if p.is_file()}
    again = ["ccd", str(finished / "small.toml"), "--out", str(out), *QUICK]
    assert main([*again, "--set", "study.refinements=3"]) == 2
    assert "belongs to another study" in capsys.readouterr().err
    assert main([*again, "--set", "defect.aperture=21 nm"]) == 2
    assert {p: p.read_bytes() for p in out.iterdir() if p.is_file()} == before


@pytest.mark.parametrize(
    ("name", "words"), [("summary.json", "holds a run"), ("runs.csv", "unknown study"), ("study.json", "damaged")]
)
def test_folder_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("{}")
    assert main(["ccd", str(write(tmp_path)), "--out", str(tmp_path / "out"), *QUICK]) == 2
    assert words in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "out").iterdir()] == [name]


def test_numerical_failure_is_listed_and_narrows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run whose numerics fail, here on purpose at the largest current, is a row with a reason, no failure."""
    propose = March.propose

    def fail(self: March, state: Any, dt: float, longest: float, control: Control, *rest: Any) -> Any:
        if control.current_density > 300.0:
            raise NumericalFailure("made to fail")
        return propose(self, state, dt, longest, control, *rest)

    monkeypatch.setattr(March, "propose", fail)
    arguments = ["ccd", str(write(tmp_path)), "--out", str(tmp_path / "out"), *QUICK, "--set", "study.refinements=0"]
    assert main(arguments) == 0
    runs = table(tmp_path / "out" / "runs.csv")
    assert [bool(r["reason"]) for r in runs] == [False, False, True]
    assert runs[-1]["termination"] == "numerical_failure"
    assert "left out: 25 degC, 1 MPa, 32 mA/cm2" in capsys.readouterr().err
    for row in table(tmp_path / "out" / "ccd.csv"):
        assert row["ccd_upper_mA_per_cm2"] in ("", "8.0", "8.000000000000002", "7.999999999999999")


def test_lost_contact_is_a_failure_of_the_cell(tmp_path: Path) -> None:
    """The largest current that the counter electrode can be stripped at, 0.2 mA/cm2 by the law, is the CCD."""
    law = '\n[case.electrodes.contact]\nvoid_height = "1 um"\ncritical_current = "0.2 mA/cm^2"\n'
    text = (
        STUDY.replace('"2 mA/cm^2"', '"0.15 mA/cm^2"')
        .replace('"32 mA', '"0.3 mA')
        .replace("currents = 3", "currents = 2")
    )
    path = write(tmp_path, text + law)
    arguments = [*COARSE, "--set", 'study.areal_capacities=["0.3 mAh/cm^2"]']
    assert main(["ccd", str(path), "--out", str(tmp_path / "out"), *ONE, *arguments]) == 0
    (row,) = table(tmp_path / "out" / "ccd.csv")
    assert float(row["ccd_lower_mA_per_cm2"]) < 0.2 < float(row["ccd_upper_mA_per_cm2"])
    assert row["failure_mode"] == "contact_lost"


def test_asked_to_stop_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that is under way is given up, exit code 4; the same command goes on."""
    path, out = write(tmp_path), tmp_path / "out"
    begun: list[str] = []

    def ask_in_the_second(case: Case, folder: Path, body: Any, asked: list[int], *rest: Any) -> Any:
        begun.append(case.content_hash()[:16])
        if len(begun) == 2:
            asked.append(15)
        return compute(case, folder, body, asked, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(worker, "compute", ask_in_the_second)
        assert main(["ccd", str(path), "--out", str(out), *QUICK]) == 4
    assert [run["point"] for run in table(out / "runs.csv")] == begun[:1]
    assert [p.name for p in runs_in(out)] == begun[:1]
    assert main(["ccd", str(path), "--out", str(out), *QUICK]) == 0
    assert len(table(out / "ccd.csv")) == 2


def test_trouble_with_files_ends_the_study_and_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk is no failure of a run: exit code 3 with the reason, and no half point."""
    path, out = write(tmp_path), tmp_path / "out"
    begun: list[Path] = []

    def fill_the_disk(case: Case, folder: Path, *rest: Any) -> Any:
        begun.append(folder)
        if len(begun) == 2:
            raise OSError(28, "No space left on device")
        return compute(case, folder, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(worker, "compute", fill_the_disk)
        assert main(["ccd", str(path), "--out", str(out), *QUICK]) == 3
    assert "No space left on device" in capsys.readouterr().err
    assert len(runs_in(out)) == 1
    assert main(["ccd", str(path), "--out", str(out), *QUICK]) == 0


def one_capacity(text: str) -> str:
    return text.replace('["0.03 mAh/cm^2", "0.05 mAh/cm^2"]', '["0.03 mAh/cm^2"]')


def test_ramp_fails_between_two_levels(tmp_path: Path) -> None:
    """Plating only, 8 mA/cm2 higher every 0.03 mAh/cm2: the lithium of all levels adds up, so the ramp fails below what
    constant current stands at 0.03 mAh/cm2 (above 16 mA/cm2)."""
    ramp = 'driver = "ramp"\nramp = {current_step = "8 mA/cm^2", alternate = false}'
    text = STUDY.replace("currents = 3", ramp).replace("refinements = 1", "").replace('current_min = "2 mA/cm^2"', "")
    out = tmp_path / "out"
    assert main(["ccd", str(write(tmp_path, one_capacity(text))), "--out", str(out), *ONE, *COARSE]) == 0
    (row,), (run,) = table(out / "ccd.csv"), table(out / "runs.csv")
    assert (row["ccd_lower_mA_per_cm2"], row["ccd_upper_mA_per_cm2"]) == ("8.0", "16.0")
    assert (row["failure_mode"], row["point"]) == ("crack_through", run["point"])
    assert run["last_current_density_mA_per_cm2"] == "16.0"
    assert 0.03 < float(run["charge_mAh_per_cm2"]) < 0.06


def test_cycling_says_in_which_half_the_cell_failed(tmp_path: Path) -> None:
    cycling = 'currents = 2\ndriver = "cycling"\ncycling = {cycles = 2}'
    text = STUDY.replace("currents = 3", cycling).replace("refinements = 1", "refinements = 0")
    out = tmp_path / "out"
    file, keeping = write(tmp_path, one_capacity(text)), ["--set", "defect.residual=0.05"]  # else strips empty the flaw
    assert main(["ccd", str(file), "--out", str(out), *ONE, *COARSE, *keeping]) == 0
    (row,) = table(out / "ccd.csv")
    assert (row["ccd_lower_mA_per_cm2"], row["ccd_upper_mA_per_cm2"]) == ("2.0", "32.0")
    assert (row["cycle_at_failure"], row["half_cycle_at_failure"]) == ("1", "plating")
    runs = {run["current_density_mA_per_cm2"]: run for run in table(out / "runs.csv")}
    assert runs["2.0"]["termination"] == "protocol_end"
    assert abs(float(runs["2.0"]["charge_mAh_per_cm2"])) < 1.0e-12


def test_dry_run_counts_and_writes_nothing(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ccd", str(finished / "small.toml"), "--out", str(tmp_path / "no"), "--dry-run"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "4 conditions, 12 runs to begin with (0 finished" in text
    assert "at most 20 with all refinements" in text
    assert "fewer than 20 elements" in text
    assert not (tmp_path / "no").exists()
    assert main(["ccd", str(finished / "small.toml"), "--out", str(finished / "out"), "--dry-run", *QUICK]) == 0
    assert "3 runs to begin with (3 finished" in " ".join(capsys.readouterr().out.split())


def test_plot_recognises_a_study(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(finished / "out")]) == 0
    plots = finished / "out" / "plots"
    assert capsys.readouterr().out.split() == [str(plots / name) for name in ("ccd.png", "ccd.pdf", "index.html")]


def same(mine: str, theirs: str) -> bool:
    """Equal, or equal numbers but for the rounding of a bulk that was condensed on another number of ranks."""
    try:
        return float(mine) == pytest.approx(float(theirs), rel=1.0e-6)
    except ValueError:
        return mine == theirs


def alike(one: Path, other: Path) -> None:
    """Two studies have the same critical current densities."""
    for mine, theirs in zip(*(table(out / "ccd.csv") for out in (one, other)), strict=True):
        for key in CCD_COLUMNS:
            assert same(mine[key], theirs[key]), (key, mine, theirs)


ON_RANKS = """
import json, sys, time
from pathlib import Path
from lifrac.problems.studies.executors import worker
from lifrac.problems.cli.main import main
from mpi4py import MPI
comm, compute = MPI.COMM_WORLD, worker.compute
folder, arguments = Path(sys.argv[1]), sys.argv[2:]
def trouble(case, path, body, asked, *rest):
    met = folder / f"{kind}.met"  # the others wait for rank 1, which else might be late and find nothing to compute
    while comm.rank != 1 and not met.exists():
        time.sleep(0.01)
    if comm.rank == 1 and not met.exists():
        met.touch()
        if kind == "signal":
            asked.append(15)
        elif kind == "disk":
            raise OSError(28, "No space left on device")
    return compute(case, path, body, asked, *rest)
worker.compute = trouble
codes = {}
for kind in ("none", "signal", "disk"):
    codes[kind] = main([*arguments, "--out", str(folder / kind)])
    assert comm.allgather(codes) == [codes] * comm.size
    if comm.rank == 0:
        (folder / "codes.json").write_text(json.dumps(codes))
"""
"""The study three times on these ranks: undisturbed, with a signal to one rank, and with a full disk for one rank,
which ends all processes."""


@dataclass(frozen=True)
class OnRanks:
    """What became of the study on three ranks: folders and exit codes by trouble, and what was told of all."""

    folder: Path
    codes: dict[str, int]
    output: str


@pytest.fixture(scope="module")
def on_ranks(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> OnRanks:
    folder = tmp_path_factory.mktemp("on_ranks")
    done = mpi_run(ON_RANKS, 3, str(folder), "ccd", str(finished / "small.toml"), *QUICK, check=False)
    codes = json.loads((folder / "codes.json").read_text())
    return OnRanks(folder, codes | {"disk": done.returncode}, done.output)


@pytest.mark.mpi
def test_study_on_three_ranks_gives_the_same_tables(finished: Path, on_ranks: OnRanks) -> None:
    """All ranks condense, and share the runs out."""
    out = on_ranks.folder / "none"
    assert on_ranks.codes["none"] == 0
    alike(finished / "out", out)
    for mine, theirs in zip(*(table(each / "runs.csv") for each in (finished / "out", out)), strict=True):
        for key in set(RUN_COLUMNS) - {"wall_time_s"}:
            assert same(mine[key], theirs[key]), (key, mine, theirs)
    assert not list((out / "points").glob(".*"))


@pytest.mark.parametrize(("kind", "code", "words"), [("signal", 4, "asked to stop"), ("disk", 3, "No space left")])
def test_trouble_on_one_rank_ends_all_alike(
    finished: Path, on_ranks: OnRanks, kind: str, code: int, words: str
) -> None:
    """Nobody hangs or decides alone; what is finished is kept, and the study goes on."""
    out = on_ranks.folder / kind
    assert on_ranks.codes[kind] == code
    assert words in on_ranks.output
    assert len(runs_in(out)) < 5
    assert main(["ccd", str(finished / "small.toml"), "--out", str(out), *QUICK]) == 0
    assert not list((out / "points").glob(".*"))
    alike(finished / "out", out)


HALTS = """
import pathlib, sys, time
from lifrac.problems.studies.executors import worker
from lifrac.problems.cli.main import main
compute, begun = worker.compute, []
def halting(*arguments):
    begun.append(1)
    if len(begun) == 3:
        pathlib.Path(sys.argv[1]).touch()
        time.sleep(86400)
    return compute(*arguments)
worker.compute = halting
sys.exit(main(sys.argv[2:]))
"""
"""A study that stands still in its third run, and says so by a file."""


def test_killed_study_goes_on(finished: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle of a run: no half point, nothing finished is computed again, the same table."""
    out, halted = tmp_path / "out", tmp_path / "halted"
    arguments = ["ccd", str(finished / "small.toml"), "--out", str(out), *QUICK]
    process = subprocess.Popen([sys.executable, "-c", HALTS, str(halted), *arguments], stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and not halted.exists():
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    times = {path: path.stat().st_mtime_ns for path in out.glob("points/[!.]*/summary.json")}
    assert len(times) == 3
    assert list(out.glob("points/.*.part"))
    assert main(arguments) == 0
    alike(finished / "out", out)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert not list(out.glob("points/.*"))
