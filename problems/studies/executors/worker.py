"""One point at a time, on the ranks of a team: claimed, computed, and complete or given up."""

import logging
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, override

from lifrac.errors import InputError, NumericalFailure
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import decided, on_root
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.problems.case.case import Case
from lifrac.problems.run.accuracy import companion
from lifrac.problems.run.checkpoint import MANIFEST
from lifrac.problems.run.loop import ASKED_TO_STOP
from lifrac.problems.studies.kind import Summary
from lifrac.problems.studies.point import Point
from lifrac.problems.studies.point_folder import CLAIM, PointFolder
from lifrac.problems.studies.recording import FULL, LIGHT, Recording
from lifrac.simulation import Simulation
from mpi4py import MPI

from .domains import Domains
from .light_run import compute
from .threshold_run import ThresholdBodies, record_threshold

LOG = logging.getLogger("lifrac")


@dataclass(frozen=True)
class Outcome:
    """What became of a point, alike on every rank of the team."""

    status: Literal["finished", "failed", "stopped", "taken"]
    """`failed`: there is no result, by `reason`; `stopped`: somebody asked to stop; `taken`: by another process, or it
    was finished already."""
    summary: Summary | None = None
    reason: str = ""


class Worker(ABC):
    """Computes points on a team of ranks (collective on it).

    Parameters
    ----------
    study : Path
        Folder of the study.
    comm : MPI.Comm
        All ranks that work at the study.
    team : MPI.Comm
        Ranks that compute a point together.

    Attributes
    ----------
    interrupts : list of int
        Signals received; a run ends after its present step when there is one.
    """

    recording: Recording

    def __init__(self, study: Path, comm: MPI.Comm, team: MPI.Comm) -> None:
        self.study, self.comm, self.team = study, comm, team
        self.interrupts: list[int] = []
        self.meeting = meeting_of(team)

    def make(self, points: Sequence[Point]) -> None:
        """Make what these points share (collective on `comm`)."""
        return

    def point(self, point: Point) -> Outcome:
        """Compute a point, unless another process has it."""
        folder = PointFolder(self.study, point.key, self.recording)
        path = decided(self.team, folder.claim)
        if path is None:
            return Outcome("taken")
        complete = False
        try:
            if not self._compute(point, path):
                return Outcome("stopped")
            on_root(self.team, folder.complete)
            complete = True
        except (InputError, NumericalFailure) as error:
            shared(self.meeting, error)
            return Outcome("failed", reason=str(error) or type(error).__name__)
        finally:
            if not complete and self.team.rank == 0:
                folder.give_up()
        return Outcome("finished", decided(self.team, folder.summary))

    @abstractmethod
    def _compute(self, point: Point, path: Path) -> bool:
        """Compute a point into a folder; False if somebody asked to stop."""


class LightWorker(Worker):
    """Records tables and summary; runs share meshes and condensed bulks, and so do thresholds."""

    recording = LIGHT

    def __init__(self, study: Path, comm: MPI.Comm, team: MPI.Comm) -> None:
        super().__init__(study, comm, team)
        self.domains, self.bodies = Domains(comm, team), ThresholdBodies(comm)

    @override
    def make(self, points: Sequence[Point]) -> None:
        self.bodies.make([point.case for point in points if point.task == "threshold"])
        self.domains.make([point.case for point in points if point.task == "run"])

    @override
    def _compute(self, point: Point, path: Path) -> bool:
        case = point.case
        if point.task == "threshold":
            decided(self.team, lambda: record_threshold(case, path, self.bodies.of(case)))
            return True
        domain, coarse = self.domains.of(case), companion(case)
        coarse_domain = None if coarse is None else self.domains.of(coarse)

        def run() -> bool:
            return compute(case, path, domain, self.interrupts, self.comm.size, coarse_domain) is not None

        # A plane cell is stepped by one rank, others of a team have nothing to do.
        return run() if isinstance(domain, TaggedMesh) else decided(self.team, run)


class FullWorker(Worker):
    """Records what `lifrac run` does; a run that was interrupted goes on from its last checkpoint."""

    recording = FULL

    @override
    def _compute(self, point: Point, path: Path) -> bool:
        case = point.case
        if decided(self.team, lambda: (path / MANIFEST).is_file()):
            try:
                return self._run(case, path, resume=True)
            except InputError as error:  # on every rank alike, before anything was written
                if self.team.rank == 0:
                    LOG.info("point %s begins anew: %s", case.name, error)
                on_root(self.team, lambda: _emptied(path))
        return self._run(case, path, resume=False)

    def _run(self, case: Case, path: Path, *, resume: bool) -> bool:
        return full_run(case, path, self.team, self.interrupts, resume=resume) != ASKED_TO_STOP


def full_run(case: Case, path: Path, comm: MPI.Comm, interrupts: list[int], *, resume: bool = False) -> int:
    """Compute a case into a run folder, or go on with one; returns the exit code of the run (collective)."""
    simulation = Simulation(case, comm)
    return simulation.run(path, resume=resume, check=False, stopping=lambda: nullcontext(interrupts)).code


def _emptied(path: Path) -> None:
    """Remove a run from its folder, which stays claimed."""
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != CLAIM:
            entry.unlink()


WORKERS: dict[str, type[Worker]] = {worker.recording.name: worker for worker in (LightWorker, FullWorker)}
"""Workers by how they record."""


def worker_for(recording: str, study: Path, comm: MPI.Comm, team: MPI.Comm) -> Worker:
    """Return what computes points that are recorded so (collective)."""
    return WORKERS[recording](study, comm, team)
