"""The launcher of MPI that belongs to this Python, and one whose processes do not find each other."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from lifrac.errors import InputError

COUNTS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")
"""Environment variables of launchers with the number of started processes; Slurm's is set within `srun` only."""

WAITING_RANKS = {"MPIR_CVAR_ENABLE_HEAVY_YIELD": "1", "MPIR_CVAR_POLLS_BEFORE_YIELD": "10"}
"""Settings of MPICH: a rank that waits sleeps between polls. Without them it polls on and takes the core away from the
rank that it waits for, where there are more ranks than cores."""


def waiting_settings(ranks: int) -> dict[str, str]:
    """Return how MPICH has to wait with so many ranks on the cores of this process.

    Ranks sleep between polls only where they outnumber the cores: a rank that sleeps wakes late at each of the
    thousands of meetings of a phase-field step, which makes two ranks on two cores four times slower.
    """
    return WAITING_RANKS if ranks > len(os.sched_getaffinity(0)) else {}


def find_mpiexec() -> str | None:
    """Return the mpiexec beside this interpreter, else the one on PATH; None if there is none."""
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.is_file() else shutil.which("mpiexec")


def refuse_copies(ranks: int, surroundings: Mapping[str, str] = os.environ) -> None:
    """Refuse to be one of several processes that each see one rank.

    Parameters
    ----------
    ranks : int
        Ranks that MPI sees.
    surroundings : Mapping
        Environment variables.

    Raises
    ------
    InputError
        In each of the processes, before anything is written.
    """
    started = {name: int(value) for name in COUNTS if (value := surroundings.get(name, "")).isdecimal()}
    name = next(iter(started), "")  # the innermost launcher comes first
    if ranks == 1 and name and started[name] > 1:
        raise InputError(
            "the launcher has started so many processes, but MPI lets each of them see itself alone: each would "
            "compute the whole run",
            key=name,
            value=started[name],
            remedy=f"Use the launcher that belongs to this MPI: {Path(sys.executable).parent / 'mpiexec'}",
        )
