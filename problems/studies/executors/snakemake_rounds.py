"""Snakemake computes the points of a study, of whatever kind, round by round, here or on a cluster.

A round is what the study wants at present: its jobs and resolved cases are written into the folder, Snakemake runs the
jobs, and what is finished is collected. Then the study is asked again. Snakemake only starts jobs; which points are
finished is decided by their folders alone.
"""

import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lifrac.problems.process.launcher import find_mpiexec
from lifrac.problems.process.signals import heeding_signals
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.run.files import write_aside
from lifrac.problems.studies.kind import StudyKind
from lifrac.problems.studies.point import Point
from lifrac.problems.studies.study_folder import StudyFolder, refusal

from .point_log import NOT_BEGUN, PointLog
from .snakemake_engine import PATIENCE, PROFILES, RETRIES, Engine, stop
from .standing import DONE, Standing, left, take_over

LOG = logging.getLogger("lifrac")
SNAKEFILE = PROFILES / "Snakefile"
SHORTEST, LONGEST = 0.2, 2.0
"""Time between two looks at what is finished [s]; looks become rarer while nothing happens."""
STOPPING = PATIENCE + 15.0
"""Time [s] that a study which is asked to stop may take: its jobs keep what they have first."""


def run_through_snakemake(
    study: StudyKind,
    out: Path,
    engine: Engine,
    *,
    recompute: bool = False,
    retry_failed: bool = False,
    prepare: bool = False,
) -> int:
    """Compute a study, or what is left of it.

    Parameters
    ----------
    study : StudyKind
    out : Path
        Folder of the study.
    engine : Engine
    recompute : bool
        Compute points again that other code has computed.
    retry_failed : bool
        Compute points again in which the numerics failed.
    prepare : bool
        Write the folder with the present round and start nothing.

    Returns
    -------
    int
        Exit code: 0 done, 3 if the study has failed, a point has no result or tables could not be written, 4 asked to
        stop.

    Raises
    ------
    InputError
        Before anything is computed, for a folder that cannot be used.
    """
    with heeding_signals(patience=STOPPING) as interrupts:
        folder = StudyFolder(out, study, recompute=recompute, retry_failed=retry_failed)
        try:
            return _SnakemakeRun(study, folder, engine, interrupts).run(prepare=prepare)
        finally:
            folder.release()


def jobs_of(points: Sequence[Point], size: int) -> dict[str, list[str]]:
    """Neighbouring points in jobs of at most `size`; neighbours mostly share mesh and condensation."""
    parts = [points[i : i + size] for i in range(0, len(points), size)]
    return {f"job{number:05d}": [point.key for point in part] for number, part in enumerate(parts, 1)}


def write_round(folder: StudyFolder, wanted: Sequence[Point]) -> None:
    """Write everything that the jobs of a round need.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    study, path = folder.study, folder.path
    plan = {
        "recording": study.recording.name,
        "ranks": study.team,
        "retries": RETRIES,
        "python": sys.executable,
        "mpiexec": find_mpiexec() or "mpiexec",
        "code_hash": code_hash(),
        "jobs": jobs_of(wanted, study.points_per_job),
        "tasks": {point.key: point.task for point in wanted if point.task != "run"},
    }
    try:
        for name in ("cases", "logs", "work"):
            (path / name).mkdir(exist_ok=True)
        for point in wanted:
            file = path / "cases" / f"{point.key}.toml"
            if not file.is_file():
                write_aside(file, point.case.resolved_toml())
        for done in (path / "work").glob("*.done"):
            done.unlink()
        write_aside(path / "plan.json", json.dumps(plan, indent=2) + "\n")
        write_aside(path / "Snakefile", SNAKEFILE.read_text(encoding="utf-8"))
    except OSError as error:
        raise refusal(path, f"cannot be written: {error.strerror}") from None


class _SnakemakeRun:
    """One command: Snakemake works, this looks on and collects."""

    def __init__(self, study: StudyKind, folder: StudyFolder, engine: Engine, interrupts: list[int]) -> None:
        self.study, self.folder, self.engine, self.interrupts = study, folder, engine, interrupts
        self.standing = Standing(study, folder, take_over(study, folder.points.finished))

    def run(self, *, prepare: bool) -> int:
        """All rounds; returns the exit code."""
        wanted = self._left()
        LOG.info("%s: %d points to be computed; %s", self.study.name, len(wanted), self.folder.path)
        if prepare:
            write_round(self.folder, wanted)
            return DONE
        with self.study.display(enabled=True) as self.standing.display:
            self.standing.write()
            while wanted and not self.interrupts:
                self._round(wanted)
                wanted = self._left()
        return self.standing.end(stopped=bool(self.interrupts))

    def _left(self) -> list[Point]:
        return left(self.study, self.standing.known, self.standing.failures)

    def _round(self, wanted: Sequence[Point]) -> None:
        """Until everything has a result, or Snakemake gives up."""
        write_round(self.folder, wanted)
        process = self.engine.start(self.folder.path, self.folder.lock)
        pause = SHORTEST
        try:
            while not self.interrupts and process.poll() is None:
                pause = SHORTEST if self.standing.look(wanted) else min(1.2 * pause, LONGEST)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(pause)
        except KeyboardInterrupt:
            stop(process, patience=0.0)
            raise
        finally:
            if process.poll() is None:
                stop(process)
        self.standing.look(wanted)
        if not self.interrupts:
            self._fail(wanted)
        self.standing.write()

    def _fail(self, wanted: Sequence[Point]) -> None:
        """Take note of the points that Snakemake has left without a result."""
        missing = (point.key for point in wanted if point.key not in self.standing.known)
        reasons = {key: PointLog(self.folder.path, key).reason() for key in missing}
        self.standing.fail(wanted, reasons)
        if NOT_BEGUN in reasons.values():
            LOG.error("Snakemake ended early:\n%s", _tail(self.folder.path / "logs" / "snakemake.log"))


def _tail(path: Path, lines: int = 12) -> str:
    try:
        return "\n".join(f"    {line}" for line in path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return f"    (there is no {path})"
