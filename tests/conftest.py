"""Settings and fixtures of all tests; what they share is in `tests/support`."""

import os
from collections.abc import Iterator

import pytest
from lifrac.problems.process.launcher import waiting_settings
from support.mpi import MpiRun, mpi_run
from support.pictures import COARSE
from support.session import SESSION_FOLDER

LONGEST_FIRST = (
    "test_phase_field_study",
    "test_study_runs",
    "test_sweep_engine",
    "test_resume",
    "test_diffuse_picture",
    "test_shared_folder",
    "test_one_rank_fails",
    "test_run",
    "test_phase_field_remeshing",
    "test_cycling",
    "test_engine",
    "test_toughness",
    "test_commands",
    "test_sharp_front",
    "test_contact",
    "test_defects",
    "test_study_kinds",
    "test_plots",
    "test_simulation",
    "test_plot_ccd",
    "test_plot_study",
    "test_field_bounds",
    "test_phase_field_lithium",
    "test_sweep",
    "test_ccd_from_threshold",
)
"""Files that take long start early: at the end no process of pytest-xdist is left alone with one of them."""

os.environ.setdefault("OMP_NUM_THREADS", "1")
RANKS = int(os.environ.get("PMI_SIZE", "1"))
os.environ.update(waiting_settings(RANKS) | os.environ)  # before anything loads MPI, which reads them once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first (with `--no-loadscope-reorder` pytest-xdist keeps the order)."""
    order = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(name="mpi_run")
def mpi_run_fixture() -> MpiRun:
    """`mpi_run(what, ranks, *args, timeout=PATIENCE, check=True, env=None)`, see the function."""
    return mpi_run


@pytest.fixture(scope="session", autouse=True)
def coarse_pictures() -> Iterator[None]:
    """Pictures have few pixels and quickly embedded fonts, but where a test sets `FINE`."""
    from lifrac.postprocess.figures import style

    with pytest.MonkeyPatch.context() as patch:
        for name, value in COARSE.items():
            patch.setitem(style._RC, name, value)
        yield


@pytest.fixture(scope="session", autouse=True)
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder that all processes of a test session share, named by an environment variable."""
    own = tmp_path_factory.getbasetemp()
    os.environ[SESSION_FOLDER] = str(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)
