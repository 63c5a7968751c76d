"""Sweeps end to end, on ranks and through Snakemake: a kill of everything, a stop, failing processes."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from lifrac.problems.cli.main import main
from support.interruptions import STOPPED
from support.mpi import PATIENCE
from support.mpi import mpi_run as on_ranks
from support.small_runs import history, summary
from support.small_study import table

psutil = pytest.importorskip("psutil")
pytest.importorskip("snakemake")

SWEEP = """
[sweep]
case = "llzo_holds"
[sweep.grid]
"protocol.current_density" = ["1 mA/cm^2", "1.5 mA/cm^2"]
"operation.stack_pressure" = ["1 MPa", "10 MPa"]
[case.electrolyte]
thickness = "60 um"
[case.mesh]
crack_size = "2 um"
[case.protocol]
areal_capacity = "0.01 mAh/cm^2"
[case.output]
plots = false
fields = 1
"""
POINTS = 4


def arguments(folder: Path, *options: str) -> list[str]:
    """`lifrac sweep` on two cores, with two points in a job."""
    file = folder / "tiny.toml"
    file.write_text(SWEEP)
    out = str(folder / "out")
    return ["sweep", str(file), "--out", out, "--cores", "2", *options, "--set", "sweep.points_per_job=2"]


STANDS_STILL = """
import sys
from pathlib import Path
from time import sleep
from lifrac.problems.run.writer import FolderWriter
from lifrac.problems.studies.executors import job
accepted = FolderWriter.accepted
def accept(self, report):
    accepted(self, report)
    while report.number == 4 and any(Path("points").glob("[!.]*/summary.json")):
        Path("still").touch()
        sleep(0.02)
FolderWriter.accepted = accept
sys.exit(job.main())
"""
"""A job that stands still in the middle of a run once any point is finished, and says so by a file."""
WAITS = """
import sys
from time import sleep
from lifrac.problems.studies.executors import job, worker
full_run = worker.full_run
def run(case, path, comm, interrupts, **options):
    while not interrupts:
        sleep(0.02)
    return full_run(case, path, comm, interrupts, **options)
worker.full_run = run
sys.exit(job.main())
"""
"""A job whose runs begin when it is asked to stop."""
STARTS = """
import sys
from lifrac.problems.cli.main import main
sys.executable = sys.argv.pop(1)
sys.exit(main())
"""
"""`lifrac` that starts another Python."""


def start(folder: Path, job: str) -> subprocess.Popen[str]:
    """In a process of its own, that a signal can meet; its jobs run this text."""
    (folder / "job.py").write_text(job)
    python = folder / "python"
    ours = f'case "$3" in *.job) exec {sys.executable} {folder}/job.py "$4";; esac'
    python.write_text(f'#!/bin/sh\n{ours}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    command = [sys.executable, "-c", STARTS, str(python), *arguments(folder)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def signal_all(process: subprocess.Popen[str], number: signal.Signals) -> list[psutil.Process]:
    """A signal to the process and all it has started."""
    try:
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    for each in tree:
        try:
            each.send_signal(number)
        except psutil.NoSuchProcess:
            continue
    return tree


def kill(process: subprocess.Popen[str]) -> None:
    tree = signal_all(process, signal.SIGKILL)
    psutil.wait_procs(tree, timeout=PATIENCE)
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def finished(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "out" / "points").glob("[!.]*/summary.json")}


def starts(folder: Path) -> dict[str, int]:
    """How often each point was begun."""
    logs = (folder / "out" / "logs").glob("*.jsonl")
    events = {log.stem: [json.loads(line)["event"] for line in log.read_text().splitlines()] for log in logs}
    return {name: found.count("start") for name, found in events.items()}


def rows(folder: Path) -> list[dict[str, str]]:
    return table(folder / "out" / "sweep.csv")


def assert_same(mine: list[dict[str, str]], whole: list[dict[str, str]]) -> None:
    """Two tables; a run that goes on from a checkpoint rounds otherwise."""
    for one, other in zip(mine, whole, strict=True):
        for name, value in other.items():
            if not name.endswith("_error"):
                numbers = value and not name.startswith(("point", "code", "folder"))
                with contextlib.suppress(ValueError):
                    if numbers:
                        assert float(one[name]) == pytest.approx(float(value), rel=1.0e-9, abs=1.0e-12), name
                        continue
                assert one[name] == value, name


ON_RANKS = f"""
import sys
from lifrac.problems.cli.main import main
arguments = ["sweep", sys.argv[1] + "/tiny.toml", "--out"]
assert main([*arguments, sys.argv[1] + "/out"]) == 0
sys.argv[1:] = ["4", "SIGTERM", *arguments, sys.argv[2] + "/out"]
{STOPPED}
"""
"""The sweep in one folder, and then in another one, where each of the ranks is asked to stop in its first point."""


@dataclass(frozen=True)
class OnRanks:
    """Two folders of the sweep on two ranks."""

    whole: Path
    stopped: Path


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> OnRanks:
    """Both from one start; no Snakemake is needed for it."""
    folders = [tmp_path_factory.mktemp(name) for name in ("whole", "stopped")]
    for folder in folders:
        (folder / "tiny.toml").write_text(SWEEP)
    done = on_ranks(ON_RANKS, 2, *map(str, folders), check=False)
    assert done.returncode == 4, done.output
    return OnRanks(*folders)


@pytest.fixture(scope="module")
def whole(two_ranks: OnRanks) -> list[dict[str, str]]:
    """The table of the sweep."""
    found = {path.name for path in (two_ranks.whole / "out").iterdir()}
    assert found == {".lock", "points", "sweep.csv", "sweep.json", "sweep.toml", "timing.csv"}
    return rows(two_ranks.whole)


def test_a_killed_sweep_goes_on_to_the_same_table(
    tmp_path: Path, whole: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """All processes are killed in the middle of runs; before, while they are halted, a second sweep is refused."""
    process = start(tmp_path, STANDS_STILL)
    wait_for((tmp_path / "out" / "still").exists)
    signal_all(process, signal.SIGSTOP)
    try:
        assert main(arguments(tmp_path)) == 2
        assert "another process is computing this sweep" in capsys.readouterr().err
    finally:
        kill(process)
    before = finished(tmp_path)
    counts = starts(tmp_path)
    assert 1 <= len(before) < POINTS
    assert (main(arguments(tmp_path)), len(finished(tmp_path))) == (0, POINTS)
    assert {name: starts(tmp_path)[name] for name in before} == {name: counts[name] for name in before}
    assert_same(rows(tmp_path), whole)
    assert not list((tmp_path / "out" / "points").glob(".*"))


def test_points_stopped_on_ranks_go_on_through_snakemake(two_ranks: OnRanks, whole: list[dict[str, str]]) -> None:
    """Two ranks are stopped within their points: each point goes on from its checkpoint, none from the start."""
    folder = two_ranks.stopped
    kept = list((folder / "out" / "points").glob(".*.kept"))
    assert (len(kept), finished(folder)) == (2, set())
    assert {len(history(each)["step"]) for each in kept} == {5}
    assert main(arguments(folder)) == 0
    resumed = [summary(folder / "out" / "points" / row["point"])["resumed"] for row in rows(folder)]
    assert sorted(resumed) == [0, 0, 1, 1]
    assert_same(rows(folder), whole)


def test_asked_to_stop_it_stops_what_it_has_started(tmp_path: Path) -> None:
    process = start(tmp_path, WAITS)
    wait_for(lambda: bool(starts(tmp_path)))
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    messages = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 4
    assert "asked to stop; the same command goes on" in messages
    assert len(started) >= 2
    assert not psutil.wait_procs(started, timeout=PATIENCE)[1]
    assert not finished(tmp_path)
    assert [row["status"] for row in rows(tmp_path)] == ["pending"] * POINTS


def test_a_process_that_dies_is_started_again_and_then_listed(tmp_path: Path) -> None:
    """Snakemake is given a Python that dies: both tries of every job are seen, and every point is named."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho tried >> tries\nkill -9 $$\n")
    broken.chmod(0o755)
    assert main(arguments(tmp_path, "--prepare")) == 0
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    plan["python"] = str(broken)
    (tmp_path / "out" / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--keep-going"]
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode != 0
    assert len((tmp_path / "out" / "tries").read_text().split()) == 2 * len(plan["jobs"])
    assert not finished(tmp_path)


def test_a_profile_that_cannot_work_is_reported_with_snakemakes_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "config.yaml").write_text("executor: no_such_scheduler\n")
    assert main(arguments(tmp_path, "--profile", str(profile))) == 3
    messages = capsys.readouterr().err
    assert "no_such_scheduler" in messages
    assert "4 failed: its job ended before" in messages
