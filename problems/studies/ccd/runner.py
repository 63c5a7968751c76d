"""A study of the critical current density: all its runs on one condensation, shared out among the ranks.

All ranks mesh and condense together, once for each flaw length. The runs that are wanted next, at all conditions, are
then shared out: each rank takes the next one that nobody has claimed (`point_folder`). What is wanted follows from the
finished runs alone, which all ranks know, so no rank decides for itself.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lifrac.errors import NumericalFailure
from lifrac.parallel.collective import on_root
from lifrac.problems.case.case import Case
from lifrac.problems.process.launcher import refuse_copies
from lifrac.problems.process.signals import heeding_signals, watched
from lifrac.problems.run.loop import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE
from lifrac.problems.run.meshing import make_mesh
from lifrac.problems.run.pictures import draw_plots
from lifrac.problems.studies.point_folder import PointFolders, compute
from lifrac.problems.studies.points import Finished, Point
from lifrac.problems.studies.study import Study
from lifrac.problems.studies.study_folder import StudyFolder
from lifrac.solver.plane.body import PlaneBody, condense
from mpi4py import MPI

from .display import board_for
from .search import Plan, plan

LOG = logging.getLogger("lifrac")
WAIT = 0.02
"""[s] between two looks at whether the other ranks are ready; they may need the core."""
TABLES_EVERY = 5.0
"""[s] between two writings of the tables while a round is under way."""


def run_study(study: Study, out: Path, comm: MPI.Comm = MPI.COMM_WORLD, *, recompute: bool = False) -> int:
    """Compute a study, or what is left of it, and write its folder (collective).

    Parameters
    ----------
    study : Study
    out : Path
    comm : MPI.Comm
    recompute : bool
        Compute runs again that other code has computed.

    Returns
    -------
    int
        Exit code: 0 done, 3 if the numerics failed in every run, 4 asked to stop (finished runs are kept).

    Raises
    ------
    InputError
        On every rank alike, before anything is computed, for a folder or mesh that cannot be used.
    """
    refuse_copies(comm.size)
    watched()
    folder = on_root(comm, lambda: StudyFolder(out, study, recompute=recompute))
    try:
        return _StudyRun(study, out, folder, comm).run()
    finally:
        if folder is not None:
            folder.release()


class Bodies:
    """Meshes and condensed bulks of a study, each made once (collective)."""

    def __init__(self, comm: MPI.Comm) -> None:
        self.comm = comm
        self._bodies: dict[Any, PlaneBody] = {}

    def make(self, cases: Sequence[Case]) -> None:
        """Mesh and condense what these cases need."""
        for case in cases:
            mesh, key = self._keys(case)
            if key in self._bodies:
                continue
            alike = next((body for (other, *_), body in self._bodies.items() if other == mesh), None)
            tagged = make_mesh(case, self.comm) if alike is None else alike.tagged
            surface, model = None if alike is None else alike.surface, case.model()
            nu = model.electrolyte.poisson_ratio
            self._bodies[key] = condense(tagged, nu, model.loads, case.bulk_solver, surface=surface)

    def of(self, case: Case) -> PlaneBody:
        """The body of a case (not collective)."""
        return self._bodies[self._keys(case)[1]]

    def _keys(self, case: Case) -> tuple[Any, Any]:
        """What the mesh depends on, and what the condensed bulk does."""
        mesh, model = case.geometry(), case.model()
        return mesh, (mesh, model.electrolyte.poisson_ratio, model.loads.lateral)


class _StudyRun:
    """One attempt at a study."""

    def __init__(self, study: Study, out: Path, folder: StudyFolder | None, comm: MPI.Comm) -> None:
        self.study, self.out, self.comm = study, out, comm
        self.asked: list[int] = []
        """Signals received in the present round."""
        self.folder = folder
        self.points = PointFolders(out)
        self.known: dict[str, Finished] = {}
        """Finished points, the same on every rank."""
        self.seen: dict[str, Finished] = {}
        """Further ones that rank 0 has seen on disk in the present round."""
        self.computed = 0
        self.written = time.monotonic()

    def run(self) -> int:
        """All rounds; returns the exit code, on every rank the same."""
        plans = self._taken_over()
        bodies = Bodies(self.comm)
        bodies.make([p.wanted[0].case for p in plans if p.wanted])
        stopped = False
        with board_for(self.study, enabled=self.folder is not None) as self.board:
            self._tell(plans)
            while not stopped and any(p.wanted for p in plans):
                with heeding_signals() as self.asked:
                    stopped = self._round(plans, bodies)
                plans = self._plans(self.known)
                self._tell(plans)
        on_root(self.comm, lambda: self._report(plans, stopped))
        if stopped:
            return ASKED_TO_STOP
        runs = [run for p in plans for run in p.done]
        return NUMERICAL_FAILURE if all(run.numerical for run in runs) else DONE

    def _plans(self, known: dict[str, Finished]) -> list[Plan]:
        """Where every condition stands."""
        return [plan(self.study.driver, condition, known) for condition in self.study.conditions]

    def _taken_over(self) -> list[Plan]:
        """The plans after all rounds that an earlier attempt has finished (collective)."""
        while True:
            plans = self._plans(self.known)
            wanted = _by_key(plans)
            found = self.comm.bcast(on_root(self.comm, lambda: self._on_disk(wanted)), root=0)  # noqa: B023
            if not found:
                break
            self.known |= {key: Finished(wanted[key], summary) for key, summary in found.items()}
        if self.known and self.folder is not None:
            LOG.info("%s: %d finished runs are taken over", self.study.name, len(self.known))
        return plans

    def _on_disk(self, keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        found = {key: self.points.summary(key) for key in keys}
        return {key: summary for key, summary in found.items() if summary is not None}

    def _tell(self, plans: Sequence[Plan]) -> None:
        """Tables and progress as the plans stand (collective)."""
        on_root(self.comm, lambda: self._write(plans))

    def _write(self, plans: Sequence[Plan]) -> None:
        rows = [
            row
            for condition, p in zip(self.study.conditions, plans, strict=True)
            for row in self.study.driver.rows(condition, p.done)
        ]
        if self.folder is not None:
            self.folder.write(plans, rows)
        self.board.show(plans, rows)
        self.written = time.monotonic()

    # -- a round -------------------------------------------------------------------------------------------------

    def _round(self, plans: Sequence[Plan], bodies: Bodies) -> bool:
        """Compute all runs that are wanted now (collective); True if somebody asked to stop."""
        wanted = _by_key(plans)
        mine: dict[str, Mapping[str, Any]] = {}
        # The largest current first: cells that fail are followed through their failure, which takes longest.
        for point in sorted(wanted.values(), key=lambda point: -point.current):
            if self.asked:
                break
            mine |= self._one(point, bodies.of(point.case))
            self._look(wanted)
        self._wait(wanted)
        stopped = False
        for asked, theirs in self.comm.allgather((bool(self.asked), mine)):
            stopped = stopped or asked
            self.known |= {key: Finished(wanted[key], summary) for key, summary in theirs.items()}
            self.computed += len(theirs)
        left = [key for key in wanted if key not in self.known]
        # Finished by an earlier attempt, and wanted only since this round.
        found = self.comm.bcast(on_root(self.comm, lambda: self._on_disk(left)), root=0)
        self.known |= {key: Finished(wanted[key], summary) for key, summary in found.items()}
        left = [key for key in left if key not in found]
        if left and not stopped:
            raise NumericalFailure(f"nobody has computed the points {', '.join(left)}; the same command tries again")
        self.seen.clear()
        return stopped

    def _one(self, point: Point, body: PlaneBody) -> dict[str, Mapping[str, Any]]:
        """Compute a point, unless another rank has it; its summary by its key."""
        path = self.points.claim(point.key)
        if path is None:
            return {}
        summary = None
        try:
            summary = compute(point.case, path, body, self.asked, self.comm.size)
            if summary is not None:
                self.points.complete(point.key)
        finally:
            if summary is None:
                self.points.give_up(point.key)
        return {} if summary is None else {point.key: summary}

    def _wait(self, wanted: Mapping[str, Point]) -> None:
        """Until all ranks are here (collective); rank 0 keeps the tables up to date."""
        request = self.comm.Ibarrier()
        while not request.Test():
            self._look(wanted)
            time.sleep(WAIT)
        self._look(wanted)

    def _look(self, wanted: Mapping[str, Point]) -> None:
        """Rank 0 takes note of what has been finished meanwhile, by whomever."""
        if self.folder is None:
            return
        with suppress(OSError):  # the round ends with the same knowledge, and says so if it cannot be written
            for key, summary in self._on_disk(key for key in wanted if key not in self.seen).items():
                self.seen[key] = Finished(wanted[key], summary)
                self.board.finished(self.seen[key], len(self.seen), len(wanted))
            if time.monotonic() - self.written > TABLES_EVERY:
                self._write(self._plans(self.known | self.seen))

    # -- the end -------------------------------------------------------------------------------------------------

    def _report(self, plans: Sequence[Plan], stopped: bool) -> None:
        """What a user should know at the end, or when stopped."""
        name, study = self.study.name, self.study
        if stopped:
            LOG.warning("asked to stop; the same command goes on from %s", self.out)
            return
        draw_plots(self.out)
        for condition, p in zip(study.conditions, plans, strict=True):
            for words in study.driver.doubts(p.done):
                LOG.warning("not monotone at %s: %s", condition.name, words)
        for found in self.folder.distributions if self.folder is not None else ():
            LOG.info("%s", found.words())
        runs = [run for p in plans for run in p.done]
        LOG.info("%s: %d runs, %d of them computed now; %s", name, len(runs), self.computed, self.out)
        for run in runs:
            if run.emptied:
                LOG.warning("warning: says nothing about the cell, left out: %s: %s", run.point, run.void)
            if run.numerical:
                LOG.warning("not a failure of the cell but of the numerics, left out: %s: %s", run.point, run.numerical)


def _by_key(plans: Sequence[Plan]) -> dict[str, Point]:
    """The runs that are wanted next, each once."""
    return {point.key: point for p in plans for point in p.wanted}
