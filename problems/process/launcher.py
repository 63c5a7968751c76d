"""Notices a launcher whose processes do not find each other: each would compute the whole run."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lifrac.errors import InputError

COUNTS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")
"""Environment variables of launchers with the number of started processes; Slurm's is set within `srun` only."""


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
