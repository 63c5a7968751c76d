"""Runs checks of the book one after another, or several at a time, each in a process of its own."""

import importlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from lifrac.errors import InputError
from lifrac.problems.process.signals import rank_by_launcher
from lifrac.problems.process.watchdog import ASKED_TO_STOP

from .book import REGISTRY, Check, Level, Row
from .runner import Outcome, run_check

GRACE = 2.0
"""Time [s] in which the processes may clear up what they have started before they are killed."""


def check_jobs(jobs: int) -> None:
    """Refuse a number of processes that cannot be.

    Raises
    ------
    InputError
        It is below one, or the command itself was started by a launcher of MPI, whose ranks start no processes.
    """
    if jobs < 1:
        raise InputError("not a number of processes", key="--jobs", value=str(jobs), remedy="State 1 or more")
    if jobs > 1 and rank_by_launcher() is not None:
        remedy = "Leave out mpiexec, or --jobs"
        raise InputError("the ranks of mpiexec start no processes", key="--jobs", value=str(jobs), remedy=remedy)


def outcomes(checks: Sequence[Check], level: Level, folder: Path | None, jobs: int) -> Iterator[Outcome]:
    """Outcomes of the checks as soon as they are there; with one process, in their order.

    Parameters
    ----------
    checks : sequence of Check
        Checks of the book.
    level : Level
        How fine their meshes are.
    folder : Path, optional
        Folder for figures; None draws none.
    jobs : int
        Number of processes that compute at the same time. With 1 this process computes.
    """
    if jobs == 1:
        yield from (run_check(check, level, folder) for check in checks)
        return
    # A copy of this process (fork) would share its MPI.
    fresh = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(checks)), mp_context=fresh, initializer=_answer_the_parent)
    try:
        # The last checks take longest: they begin first, so that no process is left alone with one of them.
        started = {pool.submit(_run, c.run.__module__, c.name, level, folder): c for c in reversed(checks)}
        for done in as_completed(started):
            yield Outcome(started[done], *done.result())
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        _end_children()
        raise
    pool.shutdown()


def _run(module: str, name: str, level: Level, folder: Path | None) -> tuple[tuple[Row, ...], float]:
    """Rows and time [s] of a check, in a process that has not loaded its module yet."""
    importlib.import_module(module)
    outcome = run_check(REGISTRY[name], level, folder)
    return outcome.rows, outcome.seconds


def _answer_the_parent() -> None:
    """Leave Ctrl-C, which reaches all processes of a terminal, to the parent; end at SIGTERM, or when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ASKED_TO_STOP))
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(ASKED_TO_STOP)


def _end_children() -> None:
    """Ask all to end, and kill those that are within C and do not hear it."""
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(GRACE / len(children))
        child.kill()
