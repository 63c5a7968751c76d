"""Work done on rank 0 whose failure must be raised on every rank alike."""

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
    failure = comm.bcast(failure, root=0)
    if failure is not None:
        raise failure
    return result
