"""Runs that do not get to their end: processes that a signal meets, and the same in the test's own process."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from lifrac.problems.run.writer import FolderWriter
from lifrac.solver.protocol.stepper import StepReport

from support.mpi import PATIENCE

STOPPED = """
import os, signal, sys
from lifrac.problems.cli import main as cli
from lifrac.problems.run.writer import FolderWriter
accepted = FolderWriter.accepted
def stops(self, report):
    accepted(self, report)
    if report.number == int(sys.argv[1]):
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))
FolderWriter.accepted = stops
sys.exit(cli.main(sys.argv[3:]))
"""
"""`lifrac` that gets a signal after some steps."""


@contextmanager
def standing_still(after: int, case: Path, out: Path) -> Iterator[None]:
    """A process of a run that stands still after some steps, and is killed at the end."""
    command = [sys.executable, "-c", STOPPED, str(after), "SIGSTOP", "run", str(case), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(round(PATIENCE / 0.05)):
            state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "T":
                break
            signal.sigtimedwait([], 0.05)
        assert state == "T"
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def after_steps(acts: Mapping[int, Callable[[], object]]) -> Iterator[None]:
    """Do something once the step of some number has been written, in runs of this process."""
    accepted = FolderWriter.accepted

    def act(self: FolderWriter, report: StepReport) -> None:
        accepted(self, report)
        acts.get(report.number, lambda: None)()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderWriter, "accepted", act)
        yield


def copy_of(out: Path, copy: Path) -> Callable[[], object]:
    """What copies a run folder: a process that is killed there leaves just this (`test_resume` sees to it)."""
    return lambda: shutil.copytree(out, copy)


def asked_to_stop() -> None:
    """SIGTERM to this process, of which the watchdog is not told: it would end slow tests."""
    signal.set_wakeup_fd(-1)
    os.kill(os.getpid(), signal.SIGTERM)
