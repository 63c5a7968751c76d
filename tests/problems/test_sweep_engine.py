"""Sweeps with Snakemake, end to end: a kill of everything, a stop, failing processes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.mpi import PATIENCE

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
crack_size = "1 um"
[case.protocol]
areal_capacity = "0.05 mAh/cm^2"
[case.output]
plots = false
fields = 1
"""
POINTS = 4
LIFRAC = [sys.executable, "-c", "import sys; from lifrac.problems.cli.main import main; sys.exit(main())"]


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """`lifrac sweep` on two cores, with two points in a job."""
    file = folder / "tiny.toml"
    file.write_text(SWEEP)
    command = [*LIFRAC, "sweep", str(file), "--out", str(folder / "out"), "--cores", "2", *options]
    return subprocess.Popen(
        [*command, "--set", "sweep.points_per_job=2"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def complete(folder: Path, *options: str) -> tuple[int, str]:
    """The same to its end: exit code and messages."""
    process = start(folder, *options)
    try:
        messages = process.communicate(timeout=PATIENCE)[1]
        return process.returncode, messages
    finally:
        kill(process)


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


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def finished(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "out" / "points").glob("*/summary.json")}


def starts(folder: Path) -> dict[str, int]:
    """How often each point was begun."""
    logs = (folder / "out" / "logs").glob("*.jsonl")
    events = {log.stem: [json.loads(line)["event"] for line in log.read_text().splitlines()] for log in logs}
    return {name: found.count("start") for name, found in events.items()}


def test_a_killed_sweep_goes_on_to_the_same_table(tmp_path: Path) -> None:
    """All processes are killed in the middle; before, while they are halted, a second sweep is refused."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    process = start(killed)
    wait_for(lambda: len(finished(killed)) >= 1)
    signal_all(process, signal.SIGSTOP)
    code, messages = complete(killed)
    assert code == 2
    assert "another sweep is at work in this folder" in messages
    kill(process)
    before = finished(killed)
    counts = starts(killed)
    assert 1 <= len(before) < POINTS
    code, messages = complete(killed)
    assert (code, len(finished(killed))) == (0, POINTS), messages
    assert {name: starts(killed)[name] for name in before} == {name: counts[name] for name in before}
    assert complete(whole)[0] == 0
    assert set(starts(whole).values()) == {1}
    assert (killed / "out" / "sweep.csv").read_bytes() == (whole / "out" / "sweep.csv").read_bytes()


def test_asked_to_stop_it_stops_what_it_has_started(tmp_path: Path) -> None:
    process = start(tmp_path)
    wait_for(lambda: bool(starts(tmp_path)))
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    messages = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 4
    assert "asked to stop; the same command goes on" in messages
    assert len(started) >= 2
    assert not psutil.wait_procs(started, timeout=PATIENCE)[1]
    assert len(finished(tmp_path)) < POINTS
    assert (tmp_path / "out" / "sweep.csv").read_text().count("pending") == POINTS - len(finished(tmp_path))


def test_a_process_that_dies_is_started_again_and_then_listed(tmp_path: Path) -> None:
    """Snakemake is given a Python that dies: both tries of every job are seen, and every point is named."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho tried >> tries\nkill -9 $$\n")
    broken.chmod(0o755)
    code, messages = complete(tmp_path, "--prepare")
    assert code == 0, messages
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    plan["python"] = str(broken)
    (tmp_path / "out" / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--keep-going"]
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode != 0
    assert len((tmp_path / "out" / "tries").read_text().split()) == 2 * len(plan["jobs"])
    assert not finished(tmp_path)


def test_a_profile_that_cannot_work_is_reported_with_snakemakes_words(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "config.yaml").write_text("executor: no_such_scheduler\n")
    code, messages = complete(tmp_path, "--profile", str(profile))
    assert code == 3
    assert "no_such_scheduler" in messages
    assert "4 failed: its job ended before" in messages
