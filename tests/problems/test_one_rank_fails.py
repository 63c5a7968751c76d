"""One rank fails, all end: a few stages of benchmarks/robustness/ranks.py, and signals while ranks wait."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from support.mpi import PATIENCE

FOLDER = Path(__file__).parents[2] / "benchmarks" / "robustness"


@pytest.fixture(scope="module")
def ranks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ranks", FOLDER / "ranks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ranks"] = module
    spec.loader.exec_module(module)
    return module


def test_one_rank_that_fails_ends_the_job_with_its_reason(ranks: ModuleType, tmp_path: Path) -> None:
    """The others wait in PETSc; how soon it ends is measured in the benchmark, at all stages."""
    (stage,) = (stage for stage in ranks.STAGES if stage.name == "diffuse: a sweep")
    code, _, said = ranks.launched(stage, 2, ranks.prepared(tmp_path, stage.kind, 2), tmp_path)
    assert ranks.verdict(stage, code, 0.0, said, tmp_path / "out") == ""
    assert f"rank {stage.rank} of 2" in said


def test_a_signal_ends_ranks_that_wait_for_one_that_never_comes(ranks: ModuleType, tmp_path: Path) -> None:
    """The waiting rank is in MPI, where no handler of Python runs."""
    arguments = ranks.prepared(tmp_path, "plane", 2)
    mark = tmp_path / "injected"
    stop = f"""
import os, pathlib, signal, subprocess, sys, time
process = subprocess.Popen(sys.argv[2:])
while not pathlib.Path(sys.argv[1]).exists():
    assert process.poll() is None
    time.sleep(0.05)
process.send_signal(signal.SIGTERM)
sys.exit(process.wait({PATIENCE}))
"""
    launcher = [str(Path(sys.executable).with_name("mpiexec")), "-n", "2"]
    if not Path(launcher[0]).exists():
        pytest.skip("no mpiexec beside Python")
    hangs = [str(FOLDER / "inject.py"), "1", "lifrac.solver.plane.bulk:Bulk.response", "1", "forever"]
    surroundings = os.environ | {"INJECTED": str(mark), "OMP_NUM_THREADS": "1", "LIFRAC_CACHE": "off"}
    ended = subprocess.run(
        [sys.executable, "-c", stop, str(mark), *launcher, sys.executable, *hangs, *arguments],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 4, ended.stderr
    assert ended.stderr.count("rank 1 of 2: asked to stop by SIGTERM") == 1
    assert not (tmp_path / "out" / "summary.json").exists()


DEAF = """
import ctypes, pathlib, signal, sys
from lifrac.problems.process.signals import heeding_signals
with heeding_signals(pathlib.Path(sys.argv[1]), patience=float(sys.argv[2])) as asked:
    print("here", flush=True)
    libc, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(64)  # keeps the interpreter's lock
    signal.alarm(3600)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)
"""
"""Waits for ever, as ranks do that wait for each other; the alarm ends it if nothing else does."""


@pytest.mark.parametrize(
    ("again", "patience"), [(False, 0.5), (True, 7200.0)], ids=["patience is over", "second signal"]
)
def test_the_watchdog_ends_what_cannot_hear(tmp_path: Path, again: bool, patience: float) -> None:
    """A second request is a signal that is read some time after the first: it is sent until it is."""
    checkpoint = tmp_path / "last.npz"
    checkpoint.touch()
    command = [sys.executable, "-c", DEAF, str(checkpoint)]
    with subprocess.Popen([*command, str(patience)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as deaf:
        assert deaf.stdout is not None
        assert deaf.stdout.readline() == "here\n"
        time.sleep(0.3)
        deaf.send_signal(signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while again and deaf.poll() is None and time.monotonic() < end:
            time.sleep(1.2)
            deaf.send_signal(signal.SIGTERM)
        assert deaf.wait(PATIENCE) == 4
        assert deaf.stderr is not None
        said = deaf.stderr.read()
    assert said.count("asked to stop") == 1
    assert f"stands, --resume goes on from it: {checkpoint}" in said
