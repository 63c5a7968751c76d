"""One job of a study, as `python -m lifrac.problems.studies.executors.job JOB` starts it in the study's folder.

Computes the points of the job one after another on the ranks it was started with. What lies in the folder says all: the
plan which points and how they are recorded, `cases/` what each is, so that points of any kind of study are computed.
"""

import json
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifrac.errors import InputError, NumericalFailure
from lifrac.parallel.collective import decided
from lifrac.parallel.meeting import shared
from lifrac.parallel.notice import FailedAlone
from lifrac.problems.case.case import load_case
from lifrac.problems.process.ending import ending_together
from lifrac.problems.process.launcher import refuse_copies
from lifrac.problems.process.signals import heeding_signals, watched
from lifrac.problems.run.checkpoint import CHECKPOINT
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.run.loop import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE
from lifrac.problems.studies.point import BarePoint, Point, Task
from lifrac.problems.studies.point_folder import PointFolder
from lifrac.problems.studies.recording import FULL
from mpi4py import MPI

from .point_log import PointLog
from .worker import Outcome, Worker, worker_for

LOG = logging.getLogger("lifrac")
WAIT = 0.5
"""[s] between two looks at a point that another process computes."""


@dataclass(frozen=True)
class _Job:
    """The points of a job by name, and how they are recorded."""

    points: list[str]
    recording: str
    tasks: dict[str, Task]
    """What is computed of those points that are no runs."""


def compute_job(study: Path, name: str, comm: MPI.Comm = MPI.COMM_WORLD) -> int:
    """Compute what is left of a job (collective).

    Returns
    -------
    int
        Exit code: 0 every point has a result, 3 at least one has none, 4 asked to stop.

    Raises
    ------
    InputError
        If other code has prepared it, on every rank alike.
    """
    refuse_copies(comm.size)
    watched()
    job = decided(comm, lambda: _read(study, name))
    worker, code = worker_for(job.recording, study, comm, comm), DONE
    for key in job.points:
        outcome = _compute(worker, key, job.tasks.get(key, "run"))
        if outcome.status == "stopped":
            return ASKED_TO_STOP
        if outcome.status == "failed":
            code = NUMERICAL_FAILURE
    return code


def _read(study: Path, name: str) -> _Job:
    """Return a job of the plan.

    Those points that have brought a process down before come last, so that they hinder no other.
    """
    plan: dict[str, Any] = json.loads((study / "plan.json").read_text(encoding="utf-8"))
    if plan.get("code_hash", code_hash()) != code_hash():
        raise InputError(
            "was prepared by other code",
            file=(study / "plan.json").resolve(),
            remedy="Give the command that has prepared it again",
        )
    points = sorted(plan["jobs"][name], key=lambda key: PointLog(study, key).kills())
    return _Job(points, plan.get("recording", FULL.name), plan.get("tasks", {}))


def _compute(worker: Worker, key: str, task: Task) -> Outcome:
    """Compute one point unless it is finished; the first rank decides for all."""
    folder, log = PointFolder(worker.study, key, worker.recording), PointLog(worker.study, key)
    comm, outcome = worker.team, Outcome("taken")

    def note(event: str, reason: str = "") -> None:
        if comm.rank == 0:
            log.note(event, reason)

    while outcome.status == "taken" and decided(comm, lambda: _is_left(folder)):
        note("start")
        try:
            with heeding_signals(folder.scratch / CHECKPOINT) as worker.interrupts:
                outcome = _attempt(worker, key, task, log)
        except KeyboardInterrupt:  # somebody asked to stop where there is nothing to keep
            note("stopped")
            raise
        note("stopped" if outcome.status == "taken" else outcome.status, outcome.reason)
    return outcome


def _is_left(folder: PointFolder) -> bool:
    """Whether a point is to be computed; one that another process is computing is waited for.

    A job of an earlier command, which was killed, may still be at work.
    """
    waiting = False
    while folder.summary() is None:
        folder.clear()
        if not folder.scratch.exists():
            return True
        if not waiting:
            LOG.info("point %s is being computed by another process; waiting for it", folder.key)
        waiting = True
        time.sleep(WAIT)
    return False


def _attempt(worker: Worker, key: str, task: Task, log: PointLog) -> Outcome:
    """Compute a point; whatever hinders it hinders no other (collective)."""
    try:
        point = _point(worker.study / "cases" / f"{key}.toml", key, task)
        worker.make([point])
        return worker.point(point)
    except Exception as error:
        reason = str(error)
        if not isinstance(error, InputError | NumericalFailure):
            reason = f"{type(error).__name__}: {error}"
            LOG.exception("point %s", key)
        try:
            shared(worker.meeting, error)
        except FailedAlone:
            log.note("failed", reason)
            raise
        return Outcome("failed", reason=reason)


def _point(file: Path, key: str, task: Task) -> Point:
    point = BarePoint(load_case(file), task)
    if point.key != key:
        raise InputError(
            "is not what the study has written, or its mesh file has changed",
            file=file,
            remedy="Start it again in another folder",
        )
    return point


def main() -> int:
    """Compute the job that the command line names, in the present folder."""
    logging.basicConfig(level=logging.INFO if MPI.COMM_WORLD.rank == 0 else logging.CRITICAL, format="%(message)s")
    return ending_together(lambda: compute_job(Path(), sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
