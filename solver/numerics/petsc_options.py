"""PETSc's options of the solvers by their names: ours, unless the user states others.

Every solver has the prefix `lifrac_NAME_` in PETSc's database: `-lifrac_cell_ksp_view` in PETSC_OPTIONS reaches the
solver `cell`, and so does `[solver.petsc.cell]` of a case. Our own options are in the database only while a solver
reads them.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from lifrac.errors import InputError
from petsc4py import PETSc

from .presets import SOLVER_NAMES, OptionValue, StatedOptions

LOG = logging.getLogger("lifrac.solver")


def prefix_of(name: str) -> str:
    """Return the prefix of a solver in PETSc's database.

    Raises
    ------
    ValueError
        For a name that no case can state.
    """
    if name not in SOLVER_NAMES:
        raise ValueError(f"a solver is called {name!r}, which is none of {', '.join(SOLVER_NAMES)}")
    return f"lifrac_{name}_"


def is_stated(name: str, option: str) -> bool:
    """Whether the user has stated an option of a solver; `option` is without its prefix."""
    return bool(PETSc.Options().hasName(f"{prefix_of(name)}{option}"))


def reason_name(reasons: type, code: int) -> str:
    """Return PETSc's name of a reason for which a solver ended.

    Parameters
    ----------
    reasons : type
        `PETSc.KSP.ConvergedReason` or `PETSc.SNES.ConvergedReason`.
    code : int
        What the solver gives for a reason.
    """
    return next((name for name in sorted(vars(reasons)) if getattr(reasons, name) == code), f"reason {code}")


@contextmanager
def chosen(name: str, options: Mapping[str, OptionValue]) -> Iterator[str]:
    """Our options for a solver, while it reads them; what the user has stated stands.

    Yields
    ------
    str
        The solver's prefix.

    Raises
    ------
    InputError
        On every rank alike, if PETSc refuses an option that the user has stated.
    """
    database, prefix = PETSc.Options(), prefix_of(name)
    ours = {f"{prefix}{key}": value for key, value in options.items() if not database.hasName(f"{prefix}{key}")}
    for key, value in ours.items():
        database[key] = value
    try:
        yield prefix
    except PETSc.Error as error:
        stated = [key for key in database.getAll() if key.startswith(prefix) and key not in ours]
        if not stated:
            raise
        raise InputError(
            f"PETSc refuses what is stated for this solver ({', '.join(stated)}): {str(error).splitlines()[-1]}",
            key=f"solver.petsc.{name}",
            remedy="Correct the options, or leave them out",
        ) from None
    finally:
        for key in ours:
            database.delValue(key)


class Stated:
    """Options of a case, in PETSc's database from now until `withdraw`.

    Parameters
    ----------
    options : Mapping
        By the name of a solver, then by the option without its prefix.
    """

    def __init__(self, options: StatedOptions) -> None:
        self._keys = {
            f"{prefix_of(name)}{key}": f"solver.petsc.{name}.{key}" for name, table in options.items() for key in table
        }
        database = PETSc.Options()
        for name, table in options.items():
            for key, value in table.items():
                # An option that is on has no value: some take one for something else.
                database[f"{prefix_of(name)}{key}"] = None if value is True else value

    def withdraw(self) -> list[str]:
        """Take the options away; gives the keys of those that no solver has asked for."""
        database = PETSc.Options()
        unused = [key for option, key in self._keys.items() if not database.used(option)]
        for option in self._keys:
            database.delValue(option)
        self._keys = {}
        return unused
