"""Signals that ask a computation to stop: SIGTERM, SIGUSR1 and Ctrl-C.

A command ends at once (`ending_at_signals`), but for what wants to end in good order (`heeding_signals`): a run its
time step, with a checkpoint. Who does not get there is ended by the watchdog. It is the same on every rank, since
mpiexec hands signals to all of them.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from .watchdog import SECOND_SIGNAL, Watchdog

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
ORDERLY = 25.0
"""Time [s] in which a time step may end in good order; schedulers kill 30 s after they have asked."""
AT_ONCE = 8.0
"""Time [s] in which anything else has to end: longer than ranks wait for each other."""
RANK_NAMES = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MPI_LOCALRANKID")
"""Environment variables of launchers with the rank of a process."""


class Stopped(KeyboardInterrupt):
    """Somebody has asked to stop: exit code 4. Raised wherever the program is."""


@dataclass
class _Manner:
    """How signals are answered while a `with` lasts."""

    patience: float
    checkpoint: Path | None = None
    orderly: bool = True
    asked: list[int] = field(default_factory=list)


_MANNERS: list[_Manner] = []
"""The last one holds."""
_WATCHDOGS: list[Watchdog] = []
"""At most one."""
_LAST = {"asked": 0.0, "raised": 0.0}
"""When the first signal came, and when `Stopped` was raised [s]; zero for never."""


def rank_by_launcher() -> str | None:
    """Return the rank that the launcher has given this process, as it says.

    None for a process that was started alone.
    """
    return next((os.environ[name] for name in RANK_NAMES if name in os.environ), None)


def watched() -> None:
    """From now on this process ends some time after a signal, whatever it is doing: for what may take long in C.

    Only where signals are answered (`ending_at_signals`, `heeding_signals`), and for as long.
    """
    if not _MANNERS:
        return
    if not _WATCHDOGS:
        _WATCHDOGS.append(Watchdog())
    signal.set_wakeup_fd(_WATCHDOGS[0].pipe, warn_on_full_buffer=False)
    _tell()


def _tell() -> None:
    if _WATCHDOGS and _MANNERS:
        manner = _MANNERS[-1]
        _WATCHDOGS[0].order(manner.patience, rank_by_launcher() in (None, "0"), manner.checkpoint)


def _handler(number: int, frame: FrameType | None) -> None:
    now, manner = time.monotonic(), _MANNERS[-1]
    again = _LAST["asked"] > 0.0 and now - _LAST["asked"] > SECOND_SIGNAL
    _LAST["asked"] = _LAST["asked"] or now
    manner.asked.append(number)
    if (again or not manner.orderly) and not _LAST["raised"]:
        _LAST["raised"] = now
        raise Stopped(f"asked to stop by {signal.Signals(number).name}")


@contextmanager
def _answering(manner: _Manner) -> Iterator[list[int]]:
    if threading.current_thread() is not threading.main_thread():
        yield manner.asked
        return
    outermost = not _MANNERS
    _MANNERS.append(manner)
    try:
        if outermost:
            _LAST.update(asked=0.0, raised=0.0)
            before = {number: signal.signal(number, _handler) for number in SIGNALS}
        _tell()
        yield manner.asked
    finally:
        if outermost:
            signal.set_wakeup_fd(-1)
            for number, old in before.items():
                signal.signal(number, old)
            for watchdog in _WATCHDOGS:
                watchdog.calm()
        _MANNERS.pop()
        _tell()


@contextmanager
def ending_at_signals() -> Iterator[None]:
    """Raise `Stopped` at a signal."""
    with _answering(_Manner(AT_ONCE, orderly=False)):
        yield


@contextmanager
def heeding_signals(checkpoint: Path | None = None, patience: float = ORDERLY) -> Iterator[list[int]]:
    """Note the first signal only, so that what is under way ends in good order; raise `Stopped` at a second one.

    Parameters
    ----------
    checkpoint : Path, optional
        File that a run goes on from; named if it has to be ended in another way.
    patience : float
        Time [s] after which the process is ended.

    Yields
    ------
    list of int
        Received signals are added to it; the first rank looks at its own.
    """
    with _answering(_Manner(patience, checkpoint)) as asked:
        watched()
        yield asked
