"""How a command ends on all ranks: alike if they can, at once if one of them fails alone."""

import logging
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from .signals import Stopped, ending_at_signals, rank_by_launcher
from .watchdog import ASKED_TO_STOP

if TYPE_CHECKING:
    from lifrac.meshes.meeting import Meeting, Notice

DONE, UNEXPECTED, BAD_INPUT, NUMERICAL_FAILURE = 0, 1, 2, 3
LONGER = 1.5
"""Time [s] that a rank which has failed leaves one of lower number that has failed as well to end the job."""


def ending_together(command: Callable[[], int]) -> int:
    """Run a command and give its exit code, the same on all ranks; one of them says why it has failed.

    Where one rank fails while others wait for it, it gives its reason and ends the job. An unexpected exception is
    raised on the rank that speaks, so that its traceback is seen, once.
    """
    with ending_at_signals():
        meeting = _meeting() if rank_by_launcher() is not None else None
        try:
            notice, error = _ended(command(), "", failed=False), None
        except (Exception, KeyboardInterrupt) as failure:
            notice, error = _of(failure), failure
        if meeting is None or meeting.comm.size == 1:
            return _speak(notice, error)
        return _meet(meeting, notice, error)


def _meeting() -> "Meeting":
    from lifrac.meshes.meeting import meeting_of
    from mpi4py import MPI

    return meeting_of(MPI.COMM_WORLD)


def _ended(code: int, words: str, failed: bool = True) -> "Notice":
    from lifrac.meshes.meeting import END, Notice

    return Notice(END, failed, code, words[:4000])


def _of(error: BaseException) -> "Notice":
    """Exit code and message; an unexpected exception has its traceback for a message."""
    from cyclopts import CycloptsError
    from lifrac.meshes.errors import InputError
    from lifrac.meshes.meeting import FailedAlone
    from lifrac.solver.errors import NumericalFailure

    if isinstance(error, CycloptsError):
        return _ended(BAD_INPUT, f"{error} Try lifrac --help")
    if isinstance(error, InputError):
        return _ended(BAD_INPUT, str(error))
    if isinstance(error, NumericalFailure):
        return _ended(NUMERICAL_FAILURE, f"numerical failure: {error}")
    if isinstance(error, FailedAlone) and error.__cause__ is not None:
        return _of(error.__cause__)
    if isinstance(error, OSError):
        return _ended(NUMERICAL_FAILURE, f"a file could not be read or written: {error}")
    if isinstance(error, MemoryError):
        return _ended(NUMERICAL_FAILURE, f"there is not enough memory {error}".rstrip())
    if isinstance(error, Stopped | KeyboardInterrupt):
        return _ended(ASKED_TO_STOP, str(error) or "asked to stop")
    return _ended(UNEXPECTED, "")


def _speak(notice: "Notice", error: BaseException | None, who: str = "") -> int:
    """Say why a command has failed; its exit code."""
    if error is not None and notice.code == UNEXPECTED:
        if not who:
            raise error
        print(f"lifrac: {who}an unexpected error", file=sys.stderr)
        traceback.print_exception(error)
    elif notice.failed:
        print(f"lifrac: {who}{notice.words}", file=sys.stderr)
    sys.stderr.flush()
    logging.shutdown()
    return notice.code


def _meet(meeting: "Meeting", notice: "Notice", error: BaseException | None) -> int:
    """The exit code of all ranks, if all have come; otherwise the job ends here."""
    from lifrac.meshes.meeting import END, PATIENCE
    from mpi4py import MPI

    rank, size = meeting.comm.rank, meeting.comm.size
    meeting.tell(notice)
    # A rank that has ended in good order waits as it would in MPI_Finalize: others may work for hours yet.
    found = meeting.wait(END, PATIENCE if notice.failed else None)
    failed = [number for number, theirs in enumerate(found) if theirs is not None and theirs.failed]
    if None not in found and not failed:
        return max(theirs.code for theirs in found if theirs is not None)
    speaker = failed[0]
    alike = len(failed) == size
    if rank == speaker:
        _speak(notice, error, "" if alike and notice.code != UNEXPECTED else f"rank {rank} of {size}: ")
    if None in found:
        if rank != speaker:
            meeting.wait("never", LONGER)
        MPI.COMM_WORLD.Abort(notice.code)
    spoken = found[speaker]
    return notice.code if spoken is None else spoken.code
