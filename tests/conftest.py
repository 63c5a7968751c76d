"""Helpers for all tests: running a script or tests under mpiexec with a hard time-out."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@dataclass(frozen=True)
class MpiResult:
    """What a parallel run printed, all ranks together, and its exit code."""

    returncode: int
    output: str


MpiRun = Callable[..., MpiResult]


def find_mpiexec() -> str | None:
    """The mpiexec beside this interpreter, else the one on PATH."""
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def mpi_run(
    what: str | Path | Sequence[str],
    ranks: int,
    *args: str,
    timeout: float = 120.0,
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
        Wall time after which the whole process group is killed and the test fails [s].
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
    surroundings = os.environ | {"OMP_NUM_THREADS": "1"} | (env or {})
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
        output = process.communicate(timeout=10)[0]
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


@pytest.fixture(name="mpi_run")
def mpi_run_fixture() -> MpiRun:
    """`mpi_run(what, ranks, *args, timeout=120, check=True, env=None)`, see the function."""
    return mpi_run
