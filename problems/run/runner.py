"""One run as the command line does it: signals end it in good order, and its exit code says how it went."""

from pathlib import Path

from lifrac.problems.case.case import Case
from lifrac.problems.process.launcher import refuse_copies
from lifrac.problems.process.signals import heeding_signals, watched
from lifrac.simulation import Simulation
from mpi4py import MPI

from .checkpoint import CHECKPOINT


def run_case(case: Case, out: Path, comm: MPI.Comm = MPI.COMM_WORLD, *, resume: bool = False) -> int:
    """Compute a case and write its run folder, or go on with a run that was interrupted (collective).

    Returns
    -------
    int
        Exit code: 0 done, 3 numerical failure (last good state saved), 4 asked to stop (checkpointed).

    Raises
    ------
    InputError
        On every rank alike, before anything is written, for a folder or mesh that cannot be used, or a run that cannot
        be gone on with.
    """
    refuse_copies(comm.size)
    watched()
    simulation = Simulation(case, comm)
    return simulation.run(out, resume=resume, check=False, stopping=lambda: heeding_signals(out / CHECKPOINT)).code
