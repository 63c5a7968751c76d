"""A sweep from start to end: claim the folder, let the engine compute what is left, collect it into one table."""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lifrac.errors import InputError
from lifrac.problems.process.launcher import find_mpiexec
from lifrac.problems.process.signals import heeding_signals
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.run.progress import Reporter, progress_for

from .snakemake_engine import PATIENCE, RETRIES, Engine, stop
from .sweep import Sweep, SweepPoint
from .sweep_folder import NOT_BEGUN, SweepFolder

LOG = logging.getLogger("lifrac")
DONE, FAILED, ASKED_TO_STOP = 0, 3, 4
SHORTEST, LONGEST = 0.2, 2.0
"""Time between two looks at what is finished [s]; looks become rarer while nothing happens."""
STOPPING = PATIENCE + 15.0
"""Time [s] that a sweep which is asked to stop may take: its jobs keep what they have first."""
MOST_LISTED = 20


def run_sweep(
    sweep: Sweep,
    out: Path,
    engine: Engine,
    *,
    retry_failed: bool = False,
    recompute: bool = False,
    prepare: bool = False,
) -> int:
    """Compute a sweep, or what is left of it.

    Parameters
    ----------
    sweep : Sweep
    out : Path
        Folder of the sweep.
    engine : Engine
    retry_failed : bool
        Compute points again in which the numerics failed.
    recompute : bool
        Compute points again that other code has computed.
    prepare : bool
        Write the folder and start nothing.

    Returns
    -------
    int
        Exit code: 0 every point is finished, 3 some failed or the table could not be written, 4 asked to stop.

    Raises
    ------
    InputError
        Before anything is computed, for a folder that cannot be used.
    """
    folder = SweepFolder(out, sweep)
    with folder.claimed() as lock, heeding_signals(patience=STOPPING) as asked:
        if recompute:
            folder.forget(folder.of_other_code())
        again = folder.failed() if retry_failed else []
        ours = folder.settle(complete=not again and not folder.unfinished())
        folder.forget(again)
        todo = folder.unfinished()
        folder.prepare(jobs_of(todo, sweep.file.sweep.points_per_job), _plan(sweep), ours=ours)
        LOG.info("%s: %d points, %d of them to be computed; %s", sweep.name, len(sweep.points), len(todo), out)
        if prepare:
            return DONE
        return _Sweeping(folder, engine, asked).run(lock, todo)


def jobs_of(points: Sequence[SweepPoint], size: int) -> dict[str, list[str]]:
    """Neighbouring points in jobs of at most `size`; neighbours mostly share mesh and condensation."""
    parts = [points[i : i + size] for i in range(0, len(points), size)]
    return {f"job{number:05d}": [point.key for point in part] for number, part in enumerate(parts, 1)}


def _plan(sweep: Sweep) -> dict[str, object]:
    """Return what the Snakefile needs besides the jobs."""
    return {
        "ranks": sweep.ranks,
        "retries": RETRIES,
        "python": sys.executable,
        "mpiexec": find_mpiexec() or "mpiexec",
        "code_hash": code_hash(),
    }


class _Sweeping:
    """One invocation: the engine works, this looks on and collects."""

    def __init__(self, folder: SweepFolder, engine: Engine, asked: list[int]) -> None:
        self.folder, self.engine, self.asked = folder, engine, asked
        self.name = folder.sweep.name
        self.collected = -1
        self.trouble = ""

    def run(self, lock: int, todo: Sequence[SweepPoint]) -> int:
        """Until everything has a result, or the engine gives up; returns the exit code."""
        with progress_for(1.0, self.name) as progress:
            self._collect(progress)
            if todo:
                self._engine(lock, progress)
        if self.asked:
            self._collect(None, force=True)
            LOG.warning("asked to stop; the same command goes on from %s", self.folder.path)
            return ASKED_TO_STOP
        return self._finish()

    def _engine(self, lock: int, progress: Reporter) -> None:
        process = self.engine.start(self.folder.path, lock)
        pause = SHORTEST
        try:
            while not self.asked and process.poll() is None:
                pause = SHORTEST if self._collect(progress) else min(1.2 * pause, LONGEST)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(pause)
        except KeyboardInterrupt:
            stop(process, patience=0.0)
            raise
        finally:
            if process.poll() is None:
                stop(process)

    def _collect(self, progress: Reporter | None, force: bool = False, over: bool = False) -> bool:
        """Write the tables anew if there is something new; whether there was."""
        points = self.folder.sweep.points
        done = len(points) - len(self.folder.unfinished())
        if done == self.collected and not force and not self.trouble:
            return False
        news = done != self.collected
        self.collected = done
        try:
            self.folder.write_tables(over)
            self.trouble = ""
        except OSError as error:
            if not self.trouble:
                LOG.error("the table could not be written (%s); finished points are kept, and it is tried again", error)
            self.trouble = str(error)
        if progress is not None and news:
            progress.update(done / len(points), f"{done} of {len(points)} points")
        return news

    def _finish(self) -> int:
        """Return the last table, and what failed by reason."""
        folder = self.folder
        self._collect(None, force=True, over=True)
        results = [(point, folder.result(point)) for point in folder.sweep.points]
        reasons: dict[str, list[SweepPoint]] = {}
        for point, result in results:
            if result.status != "finished":
                reasons.setdefault(result.reason or NOT_BEGUN, []).append(point)
        for reason, points in reasons.items():
            LOG.warning("%d failed: %s", len(points), reason)
            for point in points[:MOST_LISTED]:
                LOG.warning("    point %d (%s), %s", point.number, point, point.key)
        if NOT_BEGUN in reasons:
            LOG.error("the engine ended early:\n%s", _tail(folder.path / "logs" / "snakemake.log"))
        failed = sum(map(len, reasons.values()))
        LOG.info(
            "%s: %d points finished, %d failed; %s", self.name, len(results) - failed, failed, folder.path / "sweep.csv"
        )
        if self.trouble:
            LOG.error(
                "sweep.csv could not be written: %s. Nothing that was computed is lost: make room and give the "
                "same command again",
                self.trouble,
            )
        return FAILED if failed or self.trouble else DONE


def _tail(path: Path, lines: int = 12) -> str:
    try:
        return "\n".join(f"    {line}" for line in path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return f"    (there is no {path})"


def print_plan(sweep: Sweep, out: Path) -> None:
    """Print for `--dry-run` every point, and what is left to be computed."""
    folder = SweepFolder(out, sweep)
    left = {point.key for point in folder.unfinished()}
    for point in sweep.points:
        print(f"{point.number:5d}  {folder.result(point).status:8s}  {point.key}  {point}")
    jobs = jobs_of(folder.unfinished(), sweep.file.sweep.points_per_job)
    print(f"{len(sweep.points)} points, {len(left)} to be computed in {len(jobs)} jobs on {sweep.ranks} ranks; {out}")
    folder.settle(complete=not left)


def refuse_mpi() -> None:
    """Refuse to be started by MPI: a sweep starts its ranks itself."""
    sizes = [os.environ.get(name, "1") for name in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")]
    if any(size != "1" for size in sizes):
        raise InputError(
            "is not started under mpiexec", key="lifrac sweep", remedy="Start it alone and state sweep.ranks"
        )
