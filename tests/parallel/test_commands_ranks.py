"""`lifrac run` on all ranks: the folder that one rank writes, the same exit code on each, one voice."""

from collections.abc import Callable
from pathlib import Path

import lifrac
import numpy as np
import pytest
from lifrac.problems.case.case import load_case
from lifrac.problems.cli.main import main
from lifrac.quantities import HISTORY_COLUMNS as COLUMNS
from mpi4py import MPI
from support.mpi import alone
from support.small_runs import OWN, POINT_ARRAYS, events, fields, history, summary, write_case

COMM = MPI.COMM_WORLD
Told = Callable[..., tuple[int, int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One folder for all ranks, with the small case."""
    shared = Path(COMM.bcast(str(tmp_path), root=0))
    if COMM.rank == 0:
        write_case(shared)
    COMM.Barrier()
    return shared


@pytest.fixture
def told(folder: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """`told(case, *options)`: exit code of a run, the same on every rank, and number of messages of all ranks."""

    def run(case: Path, *options: str) -> tuple[int, int]:
        code = main(["run", str(case), "--out", str(folder / "out"), *options])
        assert COMM.allgather(code) == [code] * COMM.size
        return code, COMM.allreduce(capsys.readouterr().err.count("lifrac: "))

    return run


def test_the_folder_is_that_of_one_rank(folder: Path, told: Told) -> None:
    assert told(folder / "small.toml")[0] == 0
    alone(COMM, lambda comm: str(lifrac.Simulation(load_case(folder / "small.toml"), comm).run(out=folder / "one")))
    a, b = history(folder / "one"), history(folder / "out")
    for name in COLUMNS:
        if not name.endswith("error"):
            assert b[name] == pytest.approx(a[name], rel=1e-8, abs=1e-8 * np.abs(a[name]).max()), name
    assert summary(folder / "out")["ranks"] == COMM.size
    assert [e["event"] for e in events(folder / "out")] == [e["event"] for e in events(folder / "one")]
    one, other = fields(folder / "one"), fields(folder / "out")
    for name in ("points", "cells", "region"):
        assert np.array_equal(one[name], other[name]), name
    for name in POINT_ARRAYS:
        assert np.abs(other[name] - one[name]).max() <= 1e-6 * np.abs(one[name]).max(), name


def test_bad_input_is_told_once(folder: Path, told: Told) -> None:
    if COMM.rank == 0:
        (folder / "own.toml").write_text(OWN)  # its mesh is missing
    COMM.Barrier()
    assert told(folder / "own.toml") == (2, 1)
    assert not (folder / "out").exists()


def test_steps_used_up_end_with_3_on_every_rank(folder: Path, told: Told) -> None:
    assert told(folder / "small.toml", "--set", "solver.max_steps=3")[0] == 3
    assert summary(folder / "out")["termination"] == "max_steps"
