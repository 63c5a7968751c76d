"""Runs on several ranks: scripts under mpiexec that cannot hang for ever, and what one rank alone finds."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lifrac.problems.process.launcher import find_mpiexec, waiting_settings

if TYPE_CHECKING:
    from mpi4py import MPI

TESTS = Path(__file__).parents[1]
PATIENCE = 1500.0
"""After this time [s], many times what any test takes on a busy machine, a process is taken to hang."""


@dataclass(frozen=True)
class MpiResult:
    """The output of a parallel run, all ranks together, and its exit code."""

    returncode: int
    output: str


MpiRun = Callable[..., MpiResult]


def mpi_run(
    what: str | Path | Sequence[str],
    ranks: int,
    *args: str,
    timeout: float = PATIENCE,
    check: bool = True,
    env: dict[str, str] | None = None,
) -> MpiResult:
    """Run a Python file, Python source text or the interpreter's arguments on several ranks.

    Parameters
    ----------
    what : str, Path or sequence of str
        A path ending in `.py`; source text; or arguments for the interpreter, such as
        `["-m", "pytest", "tests/meshes/test_build.py::test_volume"]`.
    ranks : int
        Number of ranks.
    *args : str
        Arguments for the file or the text.
    timeout : float
        Wall time after which the whole process group is killed and the test fails [s]. It only ends hangs: no test
        may depend on how fast the machine is.
    check : bool
        Fail the test unless every rank ends with 0.
    env : dict, optional
        Further environment variables.
    """
    mpiexec = find_mpiexec()
    if mpiexec is None:
        pytest.skip("no mpiexec")
    if isinstance(what, str | Path):
        what = [str(what)] if str(what).endswith(".py") else ["-c", str(what)]
    command = [mpiexec, "-n", str(ranks), sys.executable, *what, *args]
    ours = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(TESTS)} | waiting_settings(ranks)
    surroundings = os.environ | ours | (env or {})
    process = subprocess.Popen(
        command,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _end_group(process)
        output = process.communicate(timeout=PATIENCE)[0]
        pytest.fail(f"{ranks} ranks hang: still running after {timeout:g} s\n{output}", pytrace=False)
    except BaseException:
        _end_group(process)
        raise
    if check and process.returncode != 0:
        pytest.fail(f"{ranks} ranks: exit code {process.returncode}\n{output}", pytrace=False)
    return MpiResult(process.returncode, output)


def _end_group(process: subprocess.Popen[str]) -> None:
    """End mpiexec and everything it started: politely, so that it ends its ranks, then for certain."""
    for number, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def alone[T](comm: "MPI.Comm", work: Callable[["MPI.Comm"], T]) -> T:
    """Result of the same work on one rank by itself, handed to all ranks (collective).

    Rank 0 works on `MPI.COMM_SELF` while the others wait; a failure there is raised on every rank. What is compared
    with it has to be picklable.
    """
    from lifrac.parallel.collective import decided
    from lifrac.parallel.ufl_counts import level
    from mpi4py import MPI

    result = decided(comm, lambda: work(MPI.COMM_SELF))
    level(comm)  # forms that all ranks make from here on have one name
    return result
