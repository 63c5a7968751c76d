"""One job of a sweep, as `python -m lifrac.problems.studies.sweep.sweep_point JOB` starts it in the sweep's folder.

Computes the points of the job one after another on the ranks it was started with. Every run is made in a scratch
folder that takes its name when it is complete, so that a kill at any time leaves a whole point or none.
"""

import json
import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from lifrac.errors import InputError, NumericalFailure
from lifrac.parallel.collective import decided
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.parallel.notice import FailedAlone
from lifrac.problems.case.case import load_case
from lifrac.problems.process.ending import ending_together
from lifrac.problems.process.launcher import refuse_copies
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.run.files import try_lock
from lifrac.problems.run.loop import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE
from lifrac.problems.run.runner import run_case
from mpi4py import MPI

from .sweep_folder import JobFolder

LOG = logging.getLogger("lifrac")
Outcome = Literal["finished", "failed", "stopped"]


def compute_job(sweep: Path, job: str, comm: MPI.Comm = MPI.COMM_WORLD) -> int:
    """Compute what is left of a job (collective).

    Returns
    -------
    int
        Exit code: 0 every point has a result, 3 at least one has none, 4 asked to stop.
    """
    refuse_copies(comm.size)
    code = DONE
    for name in decided(comm, lambda: _order(sweep, job)):
        outcome = _compute(JobFolder(sweep, name), comm)
        if outcome == "stopped":
            return ASKED_TO_STOP
        if outcome == "failed":
            code = NUMERICAL_FAILURE
    return code


def _order(sweep: Path, job: str) -> list[str]:
    """Return the points of a job.

    Those that have brought a process down before come last, so that they hinder no other.
    """
    plan = json.loads((sweep / "plan.json").read_text(encoding="utf-8"))
    if plan.get("code_hash", code_hash()) != code_hash():
        raise InputError(
            "was prepared by other code",
            file=(sweep / "plan.json").resolve(),
            remedy="Start it by `lifrac sweep` again",
        )
    return sorted(plan["jobs"][job], key=lambda name: _crashes(JobFolder(sweep, name)))


def _crashes(point: JobFolder) -> int:
    events = [entry.get("event") for entry in point.events()]
    return events.count("start") - sum(events.count(end) for end in ("finished", "failed", "stopped"))


def _compute(point: JobFolder, comm: MPI.Comm) -> Outcome:
    """Compute one point unless it is finished; the first rank decides for all."""
    with _held(point) if comm.rank == 0 else nullcontext():
        first = decided(comm, lambda: _begin(point))
        if first is not None:
            return first
        try:
            code, reason = _run(point, comm)
        except KeyboardInterrupt:  # somebody asked to stop where there is nothing to keep
            if comm.rank == 0:
                _end(point, ASKED_TO_STOP, "")
            raise
        return decided(comm, lambda: _end(point, code, reason))


def _begin(point: JobFolder) -> Outcome | None:
    """Return what became of a point before it is computed; None if it has to be."""
    if point.summary() is not None:
        return "finished"
    point.remove()
    point.give_up()
    _note(point, "start")
    return None


def _run(point: JobFolder, comm: MPI.Comm) -> tuple[int, str]:
    """Exit code of the run and, where there was none, the reason (collective)."""
    try:
        case = load_case(point.case)
        if case.content_hash()[: len(point.key)] != point.key:
            raise InputError(
                "is not what the sweep has written, or its mesh file has changed",
                file=point.case,
                remedy="Start the sweep again in another folder",
            )
        return run_case(case, point.scratch, comm), ""
    except Exception as error:
        reason = str(error)
        if not isinstance(error, InputError | NumericalFailure):
            reason = f"{type(error).__name__}: {error}"
            LOG.exception("point %s", point.key)
        try:
            shared(meeting_of(comm), error)
        except FailedAlone:
            _note(point, "failed", reason)
            raise
        return NUMERICAL_FAILURE, reason


def _end(point: JobFolder, code: int, reason: str) -> Outcome:
    """Keep a complete run under its name; clear away anything else."""
    outcome: Outcome = "stopped" if code == ASKED_TO_STOP else "failed"
    if outcome == "failed" and (point.scratch / "summary.json").is_file() and not reason:
        point.complete()
        outcome = "finished"
    else:
        point.give_up()
    _note(point, outcome, reason)
    return outcome


def _note(point: JobFolder, event: str, reason: str = "") -> None:
    """Append to the log of the point; a disk that is full must not hide why."""
    entry = {"event": event, "time": datetime.now(UTC).isoformat(), "host": platform.node(), "process": os.getpid()}
    try:
        with point.log.open("a") as file:
            file.write(json.dumps({**entry, "reason": reason} if reason else entry) + "\n")
    except OSError as error:
        LOG.error("point %s: %s %s (not in its log: %s)", point.key, event, reason, error)


@contextmanager
def _held(point: JobFolder) -> Iterator[None]:
    """Keep other processes off a point: a job of an earlier, killed sweep may still be computing it."""
    with point.lock.open("w") as file:
        waiting = False
        # On a file system without locks the rename still leaves one whole result.
        while try_lock(file.fileno()) is False:
            if not waiting:
                LOG.info("point %s is being computed by another process; waiting for it", point.key)
            waiting = True
            time.sleep(0.5)
        yield


def main() -> int:
    """Compute the job that the command line names, in the present folder."""
    logging.basicConfig(level=logging.INFO if MPI.COMM_WORLD.rank == 0 else logging.CRITICAL, format="%(message)s")
    return ending_together(lambda: compute_job(Path(), sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
