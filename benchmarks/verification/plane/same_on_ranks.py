"""The answer does not depend on the number of ranks: the bulk is distributed, its condensed response is not.

`python -m lifrac.verification.plane.same_on_ranks FILE LEVEL` under mpiexec makes the run of one rank count.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from lifrac.errors import NumericalFailure
from lifrac.problems.process.launcher import find_mpiexec, waiting_settings
from lifrac.solver.model.protocol import StepControl
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import (
    FIGURES,
    LLZO,
    History,
    condensed,
    difference,
    edge_flaw,
    follow,
    llzo_cell,
)
from mpi4py import MPI

TOLERANCE = 1.0e-8
PATIENCE = 1800.0
"""Time [s], many times what a run takes on a busy machine, after which it counts as hung."""


def run_here(file: Path, level: Level) -> None:
    """Follow the crack for a while on all ranks of COMM_WORLD; rank 0 saves the history."""
    quick = level == "quick"
    geometry = edge_flaw(100.0, 6.0 if quick else 16.0, 0.25 if quick else 0.1)
    body = condensed(geometry, LLZO.poisson_ratio, comm=MPI.COMM_WORLD)
    history = follow(body, llzo_cell(StepControl(newton_tolerance=1.0e-11)), until_length=60.0)
    if MPI.COMM_WORLD.rank == 0:
        np.save(file, history.table)


def run_on(ranks: int, level: Level, folder: Path, module: str = __name__) -> History:
    """Return the history on some ranks, in processes of their own that are ended when they hang; `module` makes it.

    Raises
    ------
    NumericalFailure
        The run failed or hung, or there is no mpiexec.
    """
    mpiexec = find_mpiexec()
    if mpiexec is None:
        raise NumericalFailure("mpiexec was not found, neither beside the interpreter nor on PATH")
    file = folder / f"history_{ranks}.npy"
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", module, str(file), level]
    surroundings = waiting_settings(ranks) | os.environ | {"OMP_NUM_THREADS": "1", "LIFRAC_CACHE": "off"}
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
        said, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise NumericalFailure(f"{ranks} ranks hang: no end after {PATIENCE:g} s") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        raise NumericalFailure(f"{ranks} ranks: exit code {process.returncode}: {said.strip()[-300:]}")
    return History(np.load(file), 0, 0, "")


@check("ranks", engine="plane", title="Ranks 1, 2, 3", source="invariance", quick=False)
def ranks(level: Level, folder: Path | None) -> list[Row]:
    """Histories of a growing crack with the bulk on 1, 2 and 3 ranks, nothing taken from the cache.

    Not among the quick ones: the collective tests compare a small run on all ranks with that of one.
    """
    with tempfile.TemporaryDirectory() as name:
        one, *others = (run_on(n, level, Path(name)) for n in (1, 2, 3))
    return [
        Row(
            f"{n} ranks: history of {figure}, {len(run.table)} steps",
            difference(one, run, figure),
            0.0,
            TOLERANCE,
            kind="below",
        )
        for n, run in zip((2, 3), others, strict=True)
        for figure in FIGURES
        if not figure.endswith("error")
    ]


if __name__ == "__main__":
    run_here(Path(sys.argv[1]), "quick" if sys.argv[2] == "quick" else "full")
