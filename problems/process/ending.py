"""How a command ends on all ranks: alike if they can, at once if one of them fails alone."""

import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from lifrac.parallel.notice import END, FailedAlone, Notice

from .signals import ending_at_signals, rank_by_launcher
from .watchdog import ASKED_TO_STOP

if TYPE_CHECKING:
    from lifrac.parallel.meeting import Meeting

DONE, UNEXPECTED, BAD_INPUT, NUMERICAL_FAILURE = 0, 1, 2, 3
HEARD = 0.3
"""Time [s] in which a launcher passes on what was said; it drops the rest when the job is ended."""
LONGER = 1.5
"""Time [s] that a rank which has failed leaves one of lower number that has failed as well to end the job."""


def ending_together(command: Callable[[], int]) -> int:
    """Run a command and give its exit code, the same on all ranks; one of them says why it has failed.

    Where one rank fails while others wait for it, it gives its reason and ends the job. The traceback of an unexpected
    exception is seen once.
    """
    with ending_at_signals():
        meeting = _meeting() if rank_by_launcher() is not None else None
        error: BaseException | None = None
        try:
            notice = _ended(command(), "", failed=False)
        except BaseException as failure:
            error = failure.__cause__ or failure if isinstance(failure, FailedAlone) else failure
            notice = _of(error)
        if meeting is None or meeting.comm.size == 1:
            return _alone(notice, error)
        return _meet(meeting, notice, error)


def _meeting() -> "Meeting":
    from lifrac.parallel.meeting import meeting_of
    from mpi4py import MPI

    return meeting_of(MPI.COMM_WORLD)


def _ended(code: int, message: str, failed: bool = True) -> Notice:

    return Notice(END, failed, code, message[:4000])


def _of(error: BaseException) -> Notice:
    """Exit code and message; an unexpected exception has its traceback for a message."""
    from cyclopts import CycloptsError
    from lifrac.errors import InputError, NumericalFailure

    code, message = UNEXPECTED, ""
    match error:
        case CycloptsError():
            code, message = BAD_INPUT, f"{error} Try lifrac --help"
        case InputError():
            code, message = BAD_INPUT, str(error)
        case NumericalFailure():
            code, message = NUMERICAL_FAILURE, f"numerical failure: {error}"
        case OSError():
            code, message = NUMERICAL_FAILURE, f"a file could not be read or written: {error}"
        case MemoryError():
            code, message = NUMERICAL_FAILURE, f"there is not enough memory {error}".rstrip()
        case KeyboardInterrupt():
            code, message = ASKED_TO_STOP, str(error) or "asked to stop"
    return _ended(code, message)


def _alone(notice: Notice, error: BaseException | None) -> int:
    """Return the exit code of a process without others.

    The first one speaks if a launcher has started several of them.
    """
    if error is not None and notice.code == UNEXPECTED:
        raise error
    if rank_by_launcher() in (None, "0"):
        _speak(notice, error, "")
    return notice.code


def _speak(notice: Notice, error: BaseException | None, who: str) -> None:
    """Say why a command has failed."""
    if error is not None and notice.code == UNEXPECTED:
        trace = "".join(traceback.format_exception(error))
        print(f"lifrac: {who}an unexpected error\n{trace}", end="", file=sys.stderr)
    elif notice.failed:
        print(f"lifrac: {who}{notice.message}", file=sys.stderr)
    sys.stderr.flush()


def _meet(meeting: "Meeting", notice: Notice, error: BaseException | None) -> int:
    """Return the exit code of all ranks, if all have come; otherwise the job ends here."""
    from lifrac.parallel.meeting import PATIENCE
    from mpi4py import MPI

    rank, size = meeting.comm.rank, meeting.comm.size
    meeting.tell(notice)
    # A rank that has ended in good order waits as it would in MPI_Finalize: others may work for hours yet.
    found = meeting.wait(END, PATIENCE if notice.failed else None)
    failed = [number for number, theirs in enumerate(found) if theirs is not None and theirs.failed]
    if None not in found and not failed:
        return max(theirs.code for theirs in found if theirs is not None)
    speaker = failed[0]
    alike = len({theirs.message for theirs in found if theirs is not None}) == 1 and None not in found
    if rank == speaker:
        _speak(notice, error, "" if alike else f"rank {rank} of {size}: ")
    if None in found:
        if rank != speaker:
            meeting.wait("never", LONGER)
        time.sleep(HEARD)
        MPI.COMM_WORLD.Abort(notice.code)
    spoken = found[speaker]
    return notice.code if spoken is None else spoken.code
