"""The ranks of one MPI job compute the points of a study, of whatever kind.

What points share is made by all ranks together (`worker`). The points that are wanted next are then shared out: each
rank, or team of ranks, takes the next one that nobody has claimed (`point_folder`). What is wanted follows from the
finished points alone, which all ranks know, so no rank decides for itself.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lifrac.parallel.collective import decided, on_root
from lifrac.problems.process.launcher import refuse_copies
from lifrac.problems.process.signals import heeding_signals, watched
from lifrac.problems.studies.kind import StudyKind, Summary
from lifrac.problems.studies.point import Point
from lifrac.problems.studies.point_folder import PointFolders
from lifrac.problems.studies.study_folder import StudyFolder
from mpi4py import MPI

from .domains import team_of
from .standing import Standing, left, take_over
from .worker import worker_for

LOG = logging.getLogger("lifrac")
WAIT = 0.02
"""[s] between two looks at whether the other ranks are ready; they may need the core."""
ELSEWHERE = "another process computes it, or has left it; the same command tries again"


def run_on_ranks(
    study: StudyKind,
    out: Path,
    comm: MPI.Comm = MPI.COMM_WORLD,
    *,
    recompute: bool = False,
    retry_failed: bool = False,
) -> int:
    """Compute a study, or what is left of it, and write its folder (collective).

    Parameters
    ----------
    study : StudyKind
    out : Path
    comm : MPI.Comm
    recompute : bool
        Compute points again that other code has computed.
    retry_failed : bool
        Compute points again in which the numerics failed.

    Returns
    -------
    int
        Exit code: 0 done, 3 if the study has failed, a point has no result or tables could not be written, 4 asked to
        stop (finished points are kept).

    Raises
    ------
    InputError
        On every rank alike, before anything is computed, for a folder or mesh that cannot be used, or ranks that do not
        make whole teams.
    """
    refuse_copies(comm.size)
    watched()
    team = team_of(comm, study.team, study.noun)
    folder = on_root(comm, lambda: StudyFolder(out, study, recompute=recompute, retry_failed=retry_failed))
    try:
        return _RanksRun(study, out, folder, comm, team).run()
    finally:
        if folder is not None:
            folder.release()


class _RanksRun:
    """One attempt at a study."""

    def __init__(self, study: StudyKind, out: Path, folder: StudyFolder | None, comm: MPI.Comm, team: MPI.Comm) -> None:
        self.study, self.comm, self.team = study, comm, team
        self.points = PointFolders(out, study.recording)
        self.worker = worker_for(study.recording.name, out, comm, team)
        self.known: dict[str, Summary] = take_over(study, self._on_disk)
        """Summaries of finished points, the same on every rank."""
        self.failures: dict[str, str] = {}
        """Why points have no result, the same on every rank."""
        self.standing = None if folder is None else Standing(study, folder, self.known)
        """Where the study stands as rank 0 tells it."""

    def run(self) -> int:
        """All rounds; returns the exit code, on every rank the same."""
        wanted, stopped = left(self.study, self.known, self.failures), False
        self.worker.make(wanted)
        with self.study.display(enabled=self.standing is not None) as display:
            if self.standing is not None:
                self.standing.display = display
            self._tell()
            while wanted and not stopped:
                with heeding_signals() as self.worker.interrupts:
                    stopped = self._round(wanted)
                self._tell()
                wanted = left(self.study, self.known, self.failures)
                if not stopped:
                    self.worker.make(wanted)
        return decided(self.comm, lambda: 0 if self.standing is None else self.standing.end(stopped=stopped))

    def _on_disk(self, keys: Iterable[str]) -> Mapping[str, Summary]:
        """Those that are finished, as rank 0 sees it (collective)."""
        return decided(self.comm, lambda: self.points.finished(keys))

    def _tell(self) -> None:
        """Tables and progress with what is known (collective)."""
        on_root(self.comm, lambda: None if self.standing is None else self.standing.write())

    # -- a round -------------------------------------------------------------------------------------------------

    def _round(self, wanted: Sequence[Point]) -> bool:
        """Compute all points that are wanted now (collective); True if somebody asked to stop."""
        failures: dict[str, str] = {}
        for point in wanted:
            if self.team.allreduce(bool(self.worker.interrupts), op=MPI.LOR):
                break
            with _brief():
                outcome = self.worker.point(point)
            if outcome.status == "failed":
                failures[point.key] = outcome.reason
            self._look(wanted)
        self._wait(wanted)
        stopped = False
        for interrupted, theirs in self.comm.allgather((bool(self.worker.interrupts), failures)):
            stopped = stopped or interrupted
            self.failures |= theirs
        self.known |= self._on_disk([point.key for point in wanted if point.key not in self.known])
        if not stopped:
            missing = (point.key for point in wanted if point.key not in self.known)
            self.failures |= {key: ELSEWHERE for key in missing if key not in self.failures}
        if self.standing is not None:
            self.standing.known |= self.known
            self.standing.fail(wanted, {p.key: self.failures[p.key] for p in wanted if p.key in self.failures})
        return stopped

    def _wait(self, wanted: Sequence[Point]) -> None:
        """Until all ranks are here (collective); rank 0 keeps the tables up to date."""
        request = self.comm.Ibarrier()
        while not request.Test():
            self._look(wanted)
            time.sleep(WAIT)
        self._look(wanted)

    def _look(self, wanted: Sequence[Point]) -> None:
        """Rank 0 takes note of what has been finished meanwhile, by whomever."""
        if self.standing is not None:
            with suppress(OSError):  # the round ends with the same knowledge, and says so if it cannot be read
                self.standing.look(wanted)


@contextmanager
def _brief() -> Iterator[None]:
    """Let runs tell warnings only, unless everything is asked for: how far the study is says enough."""
    level = LOG.level
    if level == logging.INFO:
        LOG.setLevel(logging.WARNING)
    try:
        yield
    finally:
        LOG.setLevel(level)
