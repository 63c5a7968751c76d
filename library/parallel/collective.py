"""Results that all ranks have to see alike: work of rank 0 and its failure, and largest values."""

import contextlib
import pickle
from collections.abc import Callable

from mpi4py import MPI


def on_root[T](comm: MPI.Comm, work: Callable[[], T]) -> T | None:
    """Call `work` on rank 0 only; give its result there and None elsewhere.

    Raises
    ------
    Exception
        Whatever `work` raised on rank 0, on every rank.
    """
    result: T | None = None
    failure: Exception | None = None
    if comm.rank == 0:
        try:
            result = work()
        except Exception as error:
            failure = error
    theirs = comm.bcast(None if failure is None else _portable(failure), root=0)
    if theirs is not None:
        raise failure or theirs
    return result


def decided[T](comm: MPI.Comm, work: Callable[[], T]) -> T:
    """Call `work` on rank 0 only; give its result on every rank (collective).

    Raises
    ------
    Exception
        Whatever `work` raised on rank 0, on every rank.
    """
    result: T = comm.bcast(on_root(comm, work), root=0)
    return result


def _portable(error: Exception) -> Exception:
    """Return the error as other ranks can be given it: some cannot be pickled, or not be made again."""
    with contextlib.suppress(Exception):
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    return RuntimeError(f"{type(error).__name__}: {error}")


def largest(comm: MPI.Comm, value: float) -> float:
    """Return the largest value of all ranks, infinite where one is no number (collective).

    Which operand MPI takes for the larger one if one is no number may differ from rank to rank, and what they decide
    with it.
    """
    return float(comm.allreduce(value if value == value else float("inf"), op=MPI.MAX))
