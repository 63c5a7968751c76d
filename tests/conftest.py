"""Settings and fixtures of all tests; what they share is in `tests/support`."""

import os

import pytest
from support.mpi import WAITING_RANKS, MpiRun, mpi_run
from support.session import SESSION_FOLDER

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(WAITING_RANKS | os.environ)  # before anything loads MPI, which reads them once


@pytest.fixture(name="mpi_run")
def mpi_run_fixture() -> MpiRun:
    """`mpi_run(what, ranks, *args, timeout=PATIENCE, check=True, env=None)`, see the function."""
    return mpi_run


@pytest.fixture(scope="session", autouse=True)
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder that all processes of a test session share, named by an environment variable."""
    own = tmp_path_factory.getbasetemp()
    os.environ[SESSION_FOLDER] = str(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)
