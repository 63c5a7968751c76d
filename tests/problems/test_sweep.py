"""Sweeps: files that are refused, points and columns, folders, jobs, the table; test_sweep_engine.py computes some."""

import csv
import errno
import fcntl
import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lifrac.errors import InputError, NumericalFailure
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.cli.main import main
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.studies import tables as study_tables
from lifrac.problems.studies.executors import choice, point_log, worker
from lifrac.problems.studies.executors import snakemake_engine as engine
from lifrac.problems.studies.executors.job import compute_job
from lifrac.problems.studies.executors.point_log import PointLog
from lifrac.problems.studies.executors.ranks import run_on_ranks
from lifrac.problems.studies.executors.snakemake_engine import Engine, find_engine
from lifrac.problems.studies.executors.snakemake_rounds import jobs_of, run_through_snakemake
from lifrac.problems.studies.point_folder import CLAIM, PointFolder
from lifrac.problems.studies.recording import FULL
from lifrac.problems.studies.study_folder import StudyFolder
from lifrac.problems.studies.sweep.sweep import Sweep, load_sweep
from lifrac.problems.studies.sweep.sweep_table import RESULTS

SWEEP = """
[sweep]
case = "llzo_holds"
[sweep.grid]
"operation.temperature" = ["25 degC", "60 degC"]
protocol.current_density = ["10 A/m^2", "2 mA/cm^2", "3 mA/cm^2"]
[case.mesh]
crack_size = "1 um"
"""


def written(folder: Path, text: str = SWEEP) -> Path:
    path = folder / "my.toml"
    path.write_text(text)
    return path


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return load_sweep(written(tmp_path))


# -- points ----------------------------------------------------------------------------------------


def test_every_combination_is_a_point_named_by_its_case(sweep: Sweep) -> None:
    values = [(p.case.temperature, p.case.engine_model().protocol[0].current_density) for p in sweep.points]
    assert values == [(t, j) for t in (298.15, 333.15) for j in (10.0, 20.0, 30.0)]
    assert [p.number for p in sweep.points] == [1, 2, 3, 4, 5, 6]
    lines = ['operation.temperature="60 degC"', 'protocol.current_density="1 mA/cm^2"', 'mesh.crack_size="1 um"']
    assert sweep.points[3].key == load_case("llzo_holds", lines).content_hash()[:16]


def test_columns_name_the_unit_of_quantities(sweep: Sweep) -> None:
    assert sweep.columns == {
        "operation.temperature_C": ["25.0"] * 3 + ["60.0"] * 3,
        "protocol.current_density_mA_per_cm2": ["1.0", "2.0", "3.0"] * 2,
    }


def test_columns_without_a_unit_are_what_was_stated(tmp_path: Path) -> None:
    text = '[sweep]\ncase = "llzo_holds"\n[sweep.grid]\n"electrodes.mouth" = ["open", "closed"]\n'
    text += '"defect.filling" = [0.5, 1.0]\n"electrolyte.properties.conductivity" = ["0.4 mS/cm", "0.5 mS/cm"]\n'
    columns = load_sweep(written(tmp_path, text)).columns
    assert columns["electrodes.mouth"] == ["open"] * 4 + ["closed"] * 4
    assert columns["defect.filling"] == ["0.5", "0.5", "1.0", "1.0"] * 2
    assert columns["electrolyte.properties.conductivity"] == ["0.4 mS/cm", "0.5 mS/cm"] * 4


def test_listed_points_come_with_every_combination_of_the_grid(tmp_path: Path) -> None:
    text = """
    [sweep]
    case = "llzo_holds"
    grid = {"operation.temperature" = ["25 degC", "60 degC"]}
    [[sweep.points]]
    "defect.length" = "20 um"
    mesh.crack_size = "1 um"
    [[sweep.points]]
    "defect.length" = "15 um"
    mesh.crack_size = "0.8 um"
    """
    sweep = load_sweep(written(tmp_path, text))
    found = [(p.case.engine_model().flaw.length, p.case.temperature) for p in sweep.points]
    assert found == [(20.0, 298.15), (20.0, 333.15), (15.0, 298.15), (15.0, 333.15)]
    again = tmp_path / "again.toml"
    again.write_text(sweep.resolved_toml())
    assert [p.key for p in load_sweep(again).points] == [p.key for p in sweep.points]


def test_set_reaches_the_sweep_its_grid_and_the_case(tmp_path: Path) -> None:
    sets = ["sweep.ranks=3", 'sweep.grid.operation.temperature=["30 degC"]', 'defect.length="15 um"']
    sweep = load_sweep(written(tmp_path), sets)
    assert sweep.team == 3
    assert {p.case.temperature for p in sweep.points} == {303.15}
    assert {p.case.engine_model().flaw.length for p in sweep.points} == {15.0}


def test_ready_sweep_has_24_points() -> None:
    assert len({p.key for p in load_sweep("llzo_24").points}) == 24


# -- refusals --------------------------------------------------------------------------------------

GRID = '"operation.temperature" = ["25 degC", "60 degC"]'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (GRID, '"operation.temperature" = []', ['sweep.grid."operation.temperature"', "is empty"]),
        (GRID, '"operation.temperature" = ["60 degC", "25 degC"]', ["is not ascending", "25 degC comes after 60 degC"]),
        (GRID, '"defect.filling" = [1.0, 0.5]', ["is not ascending", "Sort"]),
        (GRID, '"operation.temperature" = ["25 degC", "25 degC"]', ["twice", "Remove"]),
        (GRID, '"operation.temperature" = ["25 degC", "298.15 K"]', ["points 1 and 4 are the same case"]),
        (GRID, '"operation.temperature" = "25 degC"', ["a list of values is wanted"]),
        (GRID, '"operation.temprature" = ["25 degC"]', ["operation.temprature", "Did you mean operation.temperature?"]),
        (GRID, '"operation.temperature" = ["25 MPa"]', ["operation.temperature", '"MPa" is not a unit of temperature']),
        (GRID, '"operation.temperature" = ["25 degC", "900 degC"]', ["point 4", "melts at", "Stay below"]),
        (GRID, '"two words" = [1]', ["is no key of a case"]),
        (GRID, '"mesh.crack_size" = ["1 um"]', ["case.mesh.crack_size", "is varied by the sweep"]),
        (GRID, '"output.fields" = [1, 2]', ["are the same case", "[output]"]),
        ('case = "llzo_holds"', 'case = "llzo_hold"', ["sweep.case", "Did you mean llzo_holds?"]),
        ('case = "llzo_holds"', "", ["sweep.case", "is required"]),
        ("[sweep.grid]", "rank = 2\n[sweep.grid]", ["sweep.rank", "Did you mean sweep.ranks?"]),
        ("[sweep.grid]", "ranks = 0\n[sweep.grid]", ["sweep.ranks", "greater than or equal to 1"]),
        ("[sweep.grid]", "[[sweep.points]]\n[sweep.grid]", ["sweep.points[0]", "is empty"]),
        ("[case.mesh]", "[case.mesh]\nfar = 1", ["mesh.far", "unknown key"]),
    ],
)
def test_a_sweep_that_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    assert old in SWEEP
    path = written(tmp_path, SWEEP.replace(old, new))
    with pytest.raises(InputError) as refused:
        load_sweep(path)
    for word in [str(path), *words]:
        assert word in str(refused.value)


def test_a_sweep_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, '[sweep]\ncase = "llzo_holds"\n[sweep.grid]\n')
    assert main(["sweep", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "sweep.grid: is empty: nothing is varied" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_points_with_different_keys_are_refused(tmp_path: Path) -> None:
    text = '[sweep]\ncase = "llzo_holds"\n[[sweep.points]]\ndefect.length = "15 um"\n'
    text += '[[sweep.points]]\ndefect.aperture = "15 nm"\n'
    with pytest.raises(InputError, match=r"defect\.aperture, defect\.length is not in every point"):
        load_sweep(written(tmp_path, text))


@pytest.mark.parametrize("profile", ["nowhere", "", "folder"])
def test_a_profile_that_does_not_exist_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], profile: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert main(["sweep", str(written(tmp_path)), "--out", "out", "--profile", profile]) == 2
    assert f"--profile = {profile!r}: no such profile" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_profile_by_path_or_where_snakemake_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "snakemake" / "mine"
    profile.mkdir(parents=True)
    (profile / "config.yaml").write_text("cores: 1\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert find_engine("mine", None, 8) == find_engine(str(profile), None, 8) == Engine(profile, None)


def test_without_slurm_its_profile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_check_installed", lambda module, extra: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no Slurm on this computer"):
        find_engine("slurm", None, 8)


@pytest.mark.parametrize(("code", "options"), [(0, ()), (1, ("--slurm-status-command", "squeue"))])
def test_a_slurm_without_accounts_is_asked_by_squeue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, options: tuple[str, ...]
) -> None:
    for name in ("sbatch", "sacct"):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(engine, "_check_installed", lambda module, extra: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_engine("slurm", None, 8).options == options


def test_more_ranks_than_cores_are_refused() -> None:
    with pytest.raises(InputError, match=r"sweep\.ranks = 3: is more than the 2 cores"):
        find_engine("local", 2, 3)
    with pytest.raises(InputError, match="--cores = 0"):
        find_engine("local", 0, 1)


def test_missing_snakemake_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"snakemake is not installed\. Install it: .*lifrac\[sweep\]"):
        find_engine("local", 1, 1)


@pytest.mark.parametrize("command", [["sweep", "llzo_24"], ["ccd", "llzo"]])
def test_snakemake_is_refused_under_mpiexec(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setenv("PMI_SIZE", "2")
    for options in (["--profile", "slurm"], ["--cores", "2"], ["--prepare"]):
        assert main([*command, *options]) == 2
        assert "Snakemake starts its ranks itself" in capsys.readouterr().err


def test_what_computes_a_sweep_follows_from_how_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweep: Sweep
) -> None:
    used = []
    for name in ("ranks.run_on_ranks", "snakemake_rounds.run_through_snakemake"):
        monkeypatch.setattr(
            f"lifrac.problems.studies.executors.{name}", lambda *a, _name=name, **k: used.append(_name) or 0
        )
    command = ["sweep", str(sweep.path), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(choice, "is_installed", lambda: True)
    assert main(command) == main([*command, "--cores", "1"]) == 0
    monkeypatch.setenv("PMI_SIZE", "2")
    assert main(command) == 0
    monkeypatch.delenv("PMI_SIZE")
    monkeypatch.setattr(choice, "is_installed", lambda: False)
    assert main(command) == 0
    assert [name.partition(".")[0] for name in used] == ["snakemake_rounds", "snakemake_rounds", "ranks", "ranks"]


def test_dry_run_lists_points_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(written(tmp_path)), "--dry-run"]) == 0
    assert "6 points, 6 to be computed in 6 jobs on 1 ranks" in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ["my.toml"]


# -- the folder ------------------------------------------------------------------------------------


class Nothing(Engine):
    """An engine that cannot start."""

    def start(self, folder: Path, lock: int) -> Any:
        raise AssertionError("there was nothing to start")


NOTHING = Nothing(None, 1)


@pytest.mark.parametrize("name", ["summary.json", "study.json", "sweep.csv"])
def test_a_folder_of_something_else_is_refused(tmp_path: Path, sweep: Sweep, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(InputError, match="the folder holds"):
        run_through_snakemake(sweep, tmp_path, NOTHING)


def test_a_folder_of_another_sweep_is_refused(tmp_path: Path, sweep: Sweep) -> None:
    run_through_snakemake(sweep, tmp_path / "out", NOTHING, prepare=True)
    other = load_sweep(sweep.path, ['defect.length="15 um"'])
    with pytest.raises(InputError, match="belongs to another sweep"):
        run_through_snakemake(other, tmp_path / "out", NOTHING, prepare=True)
    same = load_sweep(sweep.path, ["sweep.points_per_job=4"])
    assert run_through_snakemake(same, tmp_path / "out", NOTHING, prepare=True) == 0


def test_two_sweeps_in_one_folder_are_refused(tmp_path: Path, sweep: Sweep) -> None:
    holder = StudyFolder(tmp_path / "out", sweep)
    assert fcntl.fcntl(holder.lock, fcntl.F_GETFD) >= 0
    for compute in (run_on_ranks, partial(run_through_snakemake, engine=NOTHING)):
        with pytest.raises(InputError, match="another process is computing this sweep"):
            compute(sweep, tmp_path / "out")
    holder.release()
    assert run_through_snakemake(sweep, tmp_path / "out", NOTHING, prepare=True) == 0


def test_neighbours_share_a_job(sweep: Sweep) -> None:
    jobs = jobs_of(sweep.points, 4)
    assert [len(points) for points in jobs.values()] == [4, 2]
    assert [name for points in jobs.values() for name in points] == [p.key for p in sweep.points]


# -- jobs and the table ----------------------------------------------------------------------------


class Runs:
    """Stands in for `full_run`: what becomes of the points, in the order in which they are computed."""

    def __init__(self, *endings: str | Exception | int) -> None:
        self.endings = list(endings)
        self.computed: list[str] = []
        self.resumed: list[bool] = []

    def __call__(self, case: Case, out: Path, comm: Any, interrupts: list[int], *, resume: bool = False) -> int:
        self.computed.append(case.content_hash()[:16])
        self.resumed.append(resume)
        ending = self.endings.pop(0) if self.endings else "protocol_end"
        (out / "checkpoints").mkdir(exist_ok=True)
        (out / "manifest.json").write_text(json.dumps({"code_hash": code_hash()}))
        if isinstance(ending, Exception):
            raise ending
        if isinstance(ending, int):
            return ending
        summary = {"outcome": "completed", "termination": ending, "charge_mAh_per_cm2": 0.1, "steps": 7}
        (out / "summary.json").write_text(json.dumps({**summary, "wall_time_s": 1.5, "ranks": 1}))
        (out / "events.jsonl").write_text(json.dumps({"event": "end", "detail": f"{ending}: why"}) + "\n")
        return 3 if ending == "numerical_failure" else 0


@pytest.fixture
def job(tmp_path: Path, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Runs]]:
    """Computes all points in one job with the endings given; exit code and what was computed."""

    def compute(*endings: str | Exception | int) -> tuple[int, Runs]:
        all_in_one = load_sweep(sweep.path, ["sweep.points_per_job=100"])
        run_through_snakemake(all_in_one, tmp_path / "out", NOTHING, prepare=True)
        runs = Runs(*endings)
        monkeypatch.setattr(worker, "full_run", runs)
        return compute_job(tmp_path / "out", "job00001"), runs

    return compute


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_finished_sweep_is_collected_without_the_engine(tmp_path: Path, sweep: Sweep, job: Any) -> None:
    code, runs = job()
    assert (code, runs.computed) == (0, [p.key for p in sweep.points])
    assert compute_job(tmp_path / "out", "job00001") == 0
    assert len(runs.computed) == 6
    assert run_through_snakemake(sweep, tmp_path / "out", NOTHING) == 0
    rows = table(tmp_path / "out")
    assert [(row["status"], row["steps"], row["charge_mAh_per_cm2"]) for row in rows] == [("finished", "7", "0.1")] * 6
    assert [row["point"] for row in rows] == [p.key for p in sweep.points]
    assert (tmp_path / "out" / rows[0]["folder"] / "summary.json").is_file()
    assert "wall_time_s" not in (*rows[0], *RESULTS)
    assert (tmp_path / "out" / "timing.csv").read_text().splitlines()[1] == f"{sweep.points[0].key},1.5,1"


def test_a_failed_point_is_no_finished_one_and_hinders_no_other(
    tmp_path: Path, sweep: Sweep, job: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    out, endings = tmp_path / "out", (NumericalFailure("singular bulk"), full, "numerical_failure")
    code, _ = job(*endings)
    assert code == 3
    first, second = (PointLog(out, point.key).reason() for point in sweep.points[:2])
    assert (first, second.endswith("No space left on device")) == ("singular bulk", True)
    monkeypatch.setattr(worker, "full_run", runs := Runs(endings[0]))
    assert run_on_ranks(sweep, out) == 3  # the second point of the job is the first that is left
    assert (len(runs.computed), "1 failed: singular bulk" in capsys.readouterr().err) == (2, True)
    rows = table(out)
    assert [row["status"] for row in rows] == ["failed", "finished", "failed"] + ["finished"] * 3
    assert [rows[i]["reason"] for i in (0, 2)] == ["singular bulk", "numerical_failure: why"]
    assert [row["folder"] != "" for row in rows] == [False, True, True, True, True, True]
    assert run_through_snakemake(sweep, out, NOTHING, prepare=True, retry_failed=True) == 0
    jobs = json.loads((out / "plan.json").read_text())["jobs"]
    assert list(jobs.values()) == [[sweep.points[i].key] for i in (0, 2)]


def test_a_stop_keeps_what_is_finished_and_the_next_command_goes_on(tmp_path: Path, job: Any, sweep: Sweep) -> None:
    code, runs = job("protocol_end", 4)
    assert (code, len(runs.computed)) == (4, 2)
    left = {p.name for p in (tmp_path / "out" / "points").iterdir()}
    assert left == {sweep.points[0].key, f".{sweep.points[1].key}.kept"}
    code, runs = job()
    assert (code, runs.resumed) == (0, [True, False, False, False, False])
    assert not list((tmp_path / "out" / "points").glob(".*"))


def test_a_run_that_cannot_be_gone_on_with_begins_anew(tmp_path: Path, job: Any) -> None:
    job(4)
    code, runs = job(InputError("the run was begun by other code"))
    assert (code, runs.resumed[:3]) == (0, [True, False, False])


def test_rests_of_a_kill_are_set_aside_and_its_point_comes_last(tmp_path: Path, sweep: Sweep, job: Any) -> None:
    job(*[OSError("no")] * 6)
    out = tmp_path / "out"
    first, log = PointFolder(out, sweep.points[0].key, FULL), PointLog(out, sweep.points[0].key)
    assert first.claim() is not None  # what was kept of the first try
    first.path.mkdir()
    with log.file.open("a") as file:
        file.write('{"event": "start"}\n{"event": "fini')
    assert (log.kills(), log.reason()) == (1, point_log.NOT_ENDED)
    first.clear()
    assert (first.scratch / CLAIM).is_file()  # a process that lives keeps its claim, across commands
    first._lock.close()  # type: ignore[union-attr]
    code, runs = job()
    assert (code, runs.computed) == (0, [p.key for p in (*sweep.points[1:], sweep.points[0])])
    assert first.summary() is not None


def test_a_case_that_was_changed_is_not_taken_for_the_point(tmp_path: Path, sweep: Sweep, job: Any) -> None:
    run_through_snakemake(sweep, tmp_path / "out", NOTHING, prepare=True)
    one, other = (tmp_path / "out" / "cases" / f"{point.key}.toml" for point in sweep.points[:2])
    one.write_text(other.read_text())
    code, runs = job()
    assert (code, len(runs.computed)) == (3, 5)
    assert "is not what the study has written" in PointLog(tmp_path / "out", one.stem).reason()


def test_disk_full_while_collecting_loses_nothing(
    tmp_path: Path, sweep: Sweep, job: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job()
    write = study_tables.write_aside

    def full(path: Path, text: str) -> None:
        if path.suffix == ".csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, text)

    monkeypatch.setattr(study_tables, "write_aside", full)
    monkeypatch.setattr(logging.getLogger("lifrac"), "handlers", [caplog.handler])
    assert run_through_snakemake(sweep, tmp_path / "out", NOTHING) == 3
    assert "No space left on device. Nothing that was computed is lost" in caplog.text
    assert not (tmp_path / "out" / "sweep.csv").exists()
    monkeypatch.setattr(study_tables, "write_aside", write)
    assert run_through_snakemake(sweep, tmp_path / "out", NOTHING) == 0
    assert [row["status"] for row in table(tmp_path / "out")] == ["finished"] * 6
