"""Signals that ask a computation to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heeding_signals() -> Iterator[list[int]]:
    """SIGTERM, SIGUSR1 and the first Ctrl-C end the run after or within the present step, with a checkpoint.

    On every rank: mpiexec hands signals to all of them, and PETSc's own handler would abort. Yields the list that
    received signals are added to; rank 0 looks at its own.
    """
    asked: list[int] = []

    def handler(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and asked:
            raise KeyboardInterrupt
        asked.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {n: signal.signal(n, handler) for n in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, old in before.items():
            signal.signal(number, old)
