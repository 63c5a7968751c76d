"""The command-line application: what its commands share.

Exit codes: 0 done (whatever became of the cell), 2 bad input, 3 numerical failure (last good state saved),
4 asked to stop.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from lifrac.problems.process.signals import rank_by_launcher

if TYPE_CHECKING:
    from lifrac.problems.case.case import Case

HELP = """Predicts when lithium metal cracks a solid electrolyte.

State electrolyte, flaw, current, temperature and pressure in a short TOML
file (docs/cases.md), then:

    lifrac check case.toml               what will be computed, with sources
    lifrac run case.toml                 compute it; writes runs/case
    mpiexec -n 4 lifrac run case.toml    the same on four ranks
    lifrac plot runs/case                draw the results again
    lifrac threshold case.toml           current below which the flaw holds for ever
    lifrac ccd study.toml                critical current density over grids
    lifrac sweep sweep.toml              any keys of a case over lists of values

Every command takes --log-level debug|info|warning|error (docs/numerics.md).

Ready cases answer to their names: lifrac run llzo_holds
"""

LOG_LEVEL = "--log-level"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
app = App(name="lifrac", help=HELP, help_format="plaintext", version_flags=[], suppress_keyboard_interrupt=False)

Set = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        negative="",
        help="Override a key, e.g. --set operation.temperature='60 degC'. Repeatable.",
    ),
]
Recompute = Annotated[bool, Parameter(negative="", help="Compute again what other code has computed.")]
RetryFailed = Annotated[bool, Parameter(negative="", help="Compute again where the numerics failed.")]
Profile = Annotated[
    str | None, Parameter(help="Compute through Snakemake: local, slurm, or a Snakemake profile of your own.")
]
Cores = Annotated[int | None, Parameter(help="Cores of this computer that Snakemake may use; all unless stated.")]
Prepare = Annotated[bool, Parameter(negative="", help="Write the folder for Snakemake, start nothing.")]
CaseArgument = Annotated[str, Parameter(help="A case file, or the name of a ready case.")]


def load(case: str, overrides: list[str] | None) -> "Case":
    """Return the case that a command names, with what `--set` changes."""
    from lifrac.problems.case.case import load_case

    return load_case(case, overrides or [])


def folder_of(out: Path | None, name: str) -> Path:
    """Return the folder to write."""
    from lifrac.errors import InputError

    if out is not None and not out.parts:
        raise InputError("is empty", key="--out", remedy="Name a folder, or leave --out away")
    return out or Path("runs") / name


def take_log_level(tokens: Sequence[str]) -> tuple[int, list[str]]:
    """Return the level that `--log-level` names, which any command may be given, and the words without it.

    Raises
    ------
    InputError
        For a level that there is not.
    """
    from lifrac.errors import InputError

    rest, level, words = [], "info", iter(tokens)
    for word in words:
        if word == LOG_LEVEL:
            level = next(words, "")
        elif word.startswith(f"{LOG_LEVEL}="):
            level = word.partition("=")[2]
        else:
            rest.append(word)
    if level not in LEVELS:
        raise InputError("is no level", key=LOG_LEVEL, value=level, remedy=f"Write one of: {', '.join(LEVELS)}")
    return LEVELS[level], rest


def is_root() -> bool:
    """Whether this process speaks for all ranks."""
    if "mpi4py.MPI" in sys.modules:
        return bool(sys.modules["mpi4py.MPI"].COMM_WORLD.rank == 0)
    return rank_by_launcher() in (None, "0")
