"""How far a run has come: a bar on a terminal, plain lines in a log file, nothing on ranks other than 0."""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

LOG = logging.getLogger("lifrac")

_LINE_FRACTION = 0.1
_LINE_SECONDS = 20.0


class Reporter(Protocol):
    """A display that the runner tells how far it has come."""

    def update(self, done_fraction: float, text: str = "") -> None:
        """`done_fraction` of the protocol lies behind (0 to 1); `text` says where the cell is."""


class _Silent:
    """For all ranks but the first, and for `--quiet`."""

    def update(self, done_fraction: float, text: str = "") -> None:
        pass


class _Lines:
    """A log line about every tenth of the protocol, and at least every 20 s while something happens."""

    def __init__(self, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._clock = clock
        self._start = self._last_time = clock()
        self._last_fraction = 0.0

    def update(self, done_fraction: float, text: str = "") -> None:
        """Log if enough happened since the last line."""
        now = self._clock()
        moved = done_fraction - self._last_fraction >= _LINE_FRACTION
        finished = done_fraction >= 1.0 > self._last_fraction
        if not (moved or finished or now - self._last_time >= _LINE_SECONDS):
            return
        self._last_time, self._last_fraction = now, done_fraction
        left = remaining(done_fraction, now - self._start)
        about = f", about {_seconds(left)} left" if left > 0 and math.isfinite(left) else ""
        LOG.info("%s: %3.0f %%%s%s", self._label, 100 * done_fraction, about, f", {text}" if text else "")


class _Bar:
    """The same on a terminal, by rich."""

    def __init__(self, advance: Callable[[float, str], None]) -> None:
        self._advance = advance

    def update(self, done_fraction: float, text: str = "") -> None:
        """Move the bar."""
        self._advance(min(max(done_fraction, 0.0), 1.0), text)


def remaining(done_fraction: float, elapsed: float) -> float:
    """Estimated time left [s] after `elapsed` [s]; infinite before anything is done."""
    return elapsed * (1 - done_fraction) / done_fraction if done_fraction > 0 else math.inf


@contextmanager
def progress_for(total: float, label: str, enabled: bool = True) -> Iterator[Reporter]:
    """Report progress towards `total`, the charge or time the protocol asks for.

    Parameters
    ----------
    total
        Charge or time of the whole protocol; nothing is shown if there is none to do (not positive).
    label
        Name of the run.
    enabled
        True on rank 0 only.

    Yields
    ------
    Reporter
        Its `update(done_fraction, text)` may be called after every step.
    """
    if not enabled or not total > 0:
        yield _Silent()
    elif not sys.stderr.isatty():
        yield _Lines(label)
    else:
        with _rich_bar(label) as bar:
            yield bar


@contextmanager
def _rich_bar(label: str) -> Iterator[Reporter]:
    """Show a bar with estimated time left on standard error; log lines go above it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(label, total=1.0, text="")
        yield _Bar(lambda done, text: bars.update(task, completed=done, text=text))


def _seconds(value: float) -> str:
    """Return a duration in the unit a person would use."""
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"
