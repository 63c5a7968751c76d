"""The ranks of one MPI job compute the points of a study, of whatever kind.

With the plane engine all ranks mesh and condense together, once for each flaw length; with the phase-field engine each
rank, or each team of ranks, makes the meshes for itself (`domains`). The points that are wanted next are then shared
out: each rank or team takes the next one that nobody has claimed (`point_folder`). What is wanted follows from the
finished points alone, which all ranks know, so no rank decides for itself.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lifrac.errors import NumericalFailure
from lifrac.parallel.collective import decided, on_root
from lifrac.problems.process.launcher import refuse_copies
from lifrac.problems.process.signals import heeding_signals, watched
from lifrac.problems.run.loop import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE
from lifrac.problems.run.pictures import draw_plots
from lifrac.solver.cells import Domain
from mpi4py import MPI

from .domains import Domains, team_of
from .kind import StudyKind, Summary
from .light_run import compute
from .point import Point
from .point_folder import PointFolders
from .study_folder import StudyFolder

LOG = logging.getLogger("lifrac")
WAIT = 0.02
"""[s] between two looks at whether the other ranks are ready; they may need the core."""
TABLES_EVERY = 5.0
"""[s] between two writings of the tables while a round is under way."""


def run_study(study: StudyKind, out: Path, comm: MPI.Comm = MPI.COMM_WORLD, *, recompute: bool = False) -> int:
    """Compute a study, or what is left of it, and write its folder (collective).

    Parameters
    ----------
    study : StudyKind
    out : Path
    comm : MPI.Comm
    recompute : bool
        Compute points again that other code has computed.

    Returns
    -------
    int
        Exit code: 0 done, 3 if the numerics failed in every point, 4 asked to stop (finished points are kept).

    Raises
    ------
    InputError
        On every rank alike, before anything is computed, for a folder or mesh that cannot be used, or ranks that do not
        make whole teams.
    """
    refuse_copies(comm.size)
    watched()
    team = team_of(comm, study.team)
    folder = on_root(comm, lambda: StudyFolder(out, study, recompute=recompute))
    try:
        return _StudyRun(study, out, folder, comm, team).run()
    finally:
        if folder is not None:
            folder.release()


class _StudyRun:
    """One attempt at a study."""

    def __init__(self, study: StudyKind, out: Path, folder: StudyFolder | None, comm: MPI.Comm, team: MPI.Comm) -> None:
        self.study, self.out, self.comm, self.team = study, out, comm, team
        self.asked: list[int] = []
        """Signals received in the present round."""
        self.folder = folder
        self.points = PointFolders(out)
        self.known: dict[str, Summary] = {}
        """Summaries of finished points, the same on every rank."""
        self.seen: dict[str, Summary] = {}
        """Summaries of further ones that rank 0 has seen on disk in the present round."""
        self.computed = 0
        self.written = time.monotonic()

    def run(self) -> int:
        """All rounds; returns the exit code, on every rank the same."""
        wanted = self._taken_over()
        domains = Domains(self.comm, self.team)
        domains.make([point.case for point in wanted])
        stopped = False
        with self.study.display(enabled=self.folder is not None) as self.display:
            self._tell()
            while wanted and not stopped:
                with heeding_signals() as self.asked:
                    stopped = self._round(wanted, domains)
                self._tell()
                wanted = self.study.wanted(self.known)
                if not stopped:
                    domains.make([point.case for point in wanted])
        on_root(self.comm, lambda: self._report(stopped))
        if stopped:
            return ASKED_TO_STOP
        return NUMERICAL_FAILURE if all(summary.get("reason") for summary in self.known.values()) else DONE

    def _taken_over(self) -> Sequence[Point]:
        """Return what is wanted after all points that an earlier attempt has finished (collective)."""
        while True:
            wanted = self.study.wanted(self.known)
            found = self._on_disk([point.key for point in wanted])
            if not found:
                break
            self.known |= found
        if self.known and self.folder is not None:
            LOG.info("%s: %d finished runs are taken over", self.study.name, len(self.known))
        return wanted

    def _on_disk(self, keys: Sequence[str]) -> Mapping[str, Summary]:
        """Those that are finished, as rank 0 sees it (collective)."""
        return decided(self.comm, lambda: self.points.finished(keys))

    def _tell(self) -> None:
        """Tables and progress with what is known (collective)."""
        on_root(self.comm, lambda: self._write(self.known))

    def _write(self, summaries: Mapping[str, Summary]) -> None:
        if self.folder is not None:
            self.folder.write(self.study.tables(summaries))
        self.display.show(summaries)
        self.written = time.monotonic()

    # -- a round -------------------------------------------------------------------------------------------------

    def _round(self, wanted: Sequence[Point], domains: Domains) -> bool:
        """Compute all points that are wanted now (collective); True if somebody asked to stop."""
        mine: dict[str, Summary] = {}
        for point in wanted:
            if self.team.allreduce(bool(self.asked), op=MPI.LOR):
                break
            mine |= self._one(point, domains.of(point.case))
            self._look(wanted)
        self._wait(wanted)
        stopped = False
        for asked, theirs in self.comm.allgather((bool(self.asked), mine)):
            stopped = stopped or asked
            self.known |= theirs
            self.computed += len(theirs)
        # Finished by an earlier attempt, and wanted only since this round.
        self.known |= self._on_disk([point.key for point in wanted if point.key not in self.known])
        left = [point.key for point in wanted if point.key not in self.known]
        if left and not stopped:
            raise NumericalFailure(f"nobody has computed the points {', '.join(left)}; the same command tries again")
        self.seen.clear()
        return stopped

    def _one(self, point: Point, domain: Domain) -> dict[str, Summary]:
        """Compute a point, unless others have it.

        Its summary by its key, on the first rank of the team (collective on the team).
        """
        team, first, folder = self.team, self.team.rank == 0, self.points.of(point.key)
        path = decided(team, folder.claim)
        if path is None:
            return {}
        summary = None
        try:
            summary = compute(point.case, path, domain, self.asked, self.comm.size)
            if summary is not None:
                on_root(team, folder.complete)
        finally:
            if summary is None and first:
                folder.give_up()
        return {point.key: summary} if first and summary is not None else {}

    def _wait(self, wanted: Sequence[Point]) -> None:
        """Until all ranks are here (collective); rank 0 keeps the tables up to date."""
        request = self.comm.Ibarrier()
        while not request.Test():
            self._look(wanted)
            time.sleep(WAIT)
        self._look(wanted)

    def _look(self, wanted: Sequence[Point]) -> None:
        """Rank 0 takes note of what has been finished meanwhile, by whomever."""
        if self.folder is None:
            return
        points = {point.key: point for point in wanted if point.key not in self.seen}
        with suppress(OSError):  # the round ends with the same knowledge, and says so if it cannot be written
            for key, summary in self.points.finished(points).items():
                self.seen[key] = summary
                self.display.finished(points[key], summary, len(self.seen), len(wanted))
            if time.monotonic() - self.written > TABLES_EVERY:
                self._write(self.known | self.seen)

    # -- the end -------------------------------------------------------------------------------------------------

    def _report(self, stopped: bool) -> None:
        """Tell a user what to know at the end, or when stopped."""
        if stopped:
            LOG.warning("asked to stop; the same command goes on from %s", self.out)
            return
        draw_plots(self.out)
        for level, message in self.study.closing(self.known):
            LOG.log(level, "%s", message)
        LOG.info("%s: %d runs, %d of them computed now; %s", self.study.name, len(self.known), self.computed, self.out)
