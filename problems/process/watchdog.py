"""Ends a process that was asked to stop and does not get there, whatever it is doing.

Python runs signal handlers between two steps of the interpreter: never while it waits within MPI or PETSc, which keep
the interpreter's lock. The watchdog therefore lives in an interpreter of its own, with a lock of its own (or, where
this Python has none, in a thread). Signals reach it through a pipe: Python's C handler writes their numbers into it.
Imports nothing heavy, for the sake of that interpreter.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ASKED_TO_STOP = 4
SECOND_SIGNAL = 1.0
"""A signal that comes later than this [s] after the first is a second request; launchers send the same one twice."""
AT_ONCE = 2.0
"""Time [s] from a second request to the end."""
OTHERS_LATER = 1.5
"""Time [s] that ranks other than the first leave it to say why and to end the job."""
MADE_WITHIN = 10.0
"""Time [s] that is waited at most for the watchdog to be there."""
_END, _CALM, _ORDER = b"\0", b"\xfe", b"\xff"


class Watchdog:
    """The one watchdog of this process; it sleeps until a signal comes while `signal.set_wakeup_fd` names its pipe."""

    def __init__(self) -> None:
        read, self.pipe = os.pipe()
        os.set_blocking(self.pipe, False)
        ready, awake = os.pipe()
        self._thread = threading.Thread(target=_start, args=(read, awake), name="lifrac watchdog", daemon=True)
        self._thread.start()
        # Its interpreter is made under our lock, which whoever called may not give back.
        select.select([ready], [], [], MADE_WITHIN)
        os.close(ready)
        atexit.register(self._close)

    def order(self, patience: float, speaks: bool, checkpoint: Path | None) -> None:
        """Say what holds from now on.

        Parameters
        ----------
        patience : float
            Time [s] that an orderly end may take after the first signal.
        speaks : bool
            Whether this rank says why it ends.
        checkpoint : Path, optional
            File that the message names, with its time, when it is there.
        """
        order = json.dumps([patience, speaks, None if checkpoint is None else str(checkpoint.absolute())])
        self._write(_ORDER + order.encode("ascii") + b"\n")

    def calm(self) -> None:
        """Forget signals that have come: what was asked to stop has ended."""
        self._write(_CALM)

    def _write(self, order: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.pipe, order)

    def _close(self) -> None:
        self._write(_END)
        self._thread.join(2.0)


def _start(pipe: int, awake: int) -> None:
    """Watch in an interpreter with its own lock, or here."""
    run = _own_interpreter()
    if run is None:
        watch(pipe, awake)
    else:
        run(f"from {__name__} import watch\nwatch({pipe}, {awake})")


def _own_interpreter() -> Callable[[str], object] | None:
    """Return what runs a text in a new interpreter, or None (the modules have no public name before Python 3.14)."""
    try:
        if sys.version_info >= (3, 13):
            import _interpreters as them  # type: ignore[import-not-found,unused-ignore]

            number = them.create()
            return lambda text: them.exec(number, text)
        import _xxsubinterpreters as those

        identity = those.create()
        return lambda text: those.run_string(identity, text)
    except Exception:
        return None


def watch(pipe: int, awake: int) -> None:
    """Read signals and orders until the order to end; a signal sets the time at which the process ends."""
    os.close(awake)  # whoever waits for it sees the end of its pipe
    patience, speaks, checkpoint = 0.0, True, None
    first: float | None = None
    end: float | None = None
    while True:
        left = None if end is None else max(end - time.monotonic(), 0.0)
        if not select.select([pipe], [], [], left)[0]:
            _end(speaks, checkpoint)
        received = os.read(pipe, 1)
        if received == _ORDER:
            patience, speaks, checkpoint = json.loads(_line(pipe))
        elif received == _CALM:
            first = end = None
        elif received in (_END, b""):
            return
        elif received[0] in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
            now, late = time.monotonic(), 0.0 if speaks else OTHERS_LATER
            if first is None:
                first, end = now, now + patience + late
            elif now - first > SECOND_SIGNAL and end is not None:
                end = min(end, now + AT_ONCE + late)


def _line(pipe: int) -> bytes:
    found = b""
    while (byte := os.read(pipe, 1)) not in (b"\n", b""):
        found += byte
    return found


def _end(speaks: bool, checkpoint: str | None) -> None:
    """End the process without a look at what it is doing."""
    if speaks:
        why = "asked to stop, but what is under way does not end: ended at once"
        os.write(2, f"lifrac: {why}{_stands(checkpoint)}\n".encode())
    os._exit(ASKED_TO_STOP)


def _stands(checkpoint: str | None) -> str:
    """Return what is left of a run that had checkpoints."""
    if checkpoint is None:
        return ""
    try:
        when = time.strftime("%H:%M:%S", time.localtime(os.stat(checkpoint).st_mtime))
    except OSError:
        return "; there is no checkpoint yet"
    return f"; the checkpoint of {when} stands, --resume goes on from it: {checkpoint}"
