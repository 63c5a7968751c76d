"""One run: mesh, engine, run folder."""

import logging
import time
from pathlib import Path

from lifrac.meshes.builder import build
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.parallel.collective import on_root
from lifrac.problems.case.case import Case
from lifrac.problems.case.own_mesh import read_own
from lifrac.problems.process.launcher import refuse_copies
from lifrac.problems.process.signals import watched
from mpi4py import MPI

from .checkpoint import Checkpoint, read_checkpoint, refuse_to_resume
from .driver import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE, Session
from .phase_field_run import run_phase_field
from .plane_run import run_plane
from .run_folder import RunFolder
from .wholeness import refuse_holes

LOG = logging.getLogger("lifrac")


def make_mesh(case: Case, comm: MPI.Comm) -> TaggedMesh:
    """The case's mesh: parametrised, or the user's own (collective)."""
    geometry = case.geometry()
    if isinstance(geometry, Path):
        return distribute(comm, on_root(comm, lambda: read_own(case)[0]))
    return build(geometry, comm)


def run_case(case: Case, out: Path, comm: MPI.Comm = MPI.COMM_WORLD, *, resume: bool = False) -> int:
    """Compute a case and write its run folder, or go on with a run that was interrupted (collective).

    Returns
    -------
    int
        Exit code: 0 done, 3 numerical failure (last good state saved), 4 asked to stop (checkpointed).

    Raises
    ------
    InputError
        On every rank alike, before anything is written, for a folder or mesh that cannot be used, or a run that cannot
        be gone on with.
    """
    begun = time.monotonic()
    runs = {"plane": run_plane, "phase_field": run_phase_field}
    refuse_copies(comm.size)
    watched()
    if resume and (ended := comm.bcast(on_root(comm, lambda: refuse_to_resume(out, case.content_hash())), root=0)):
        return _told_ended(out, ended, comm)
    folder = on_root(comm, lambda: RunFolder.interrupted(out)) if resume else None
    try:
        checkpoint = _last_checkpoint(out, comm) if resume else None
        tagged = make_mesh(case, comm)
        if not resume:
            folder = on_root(comm, lambda: RunFolder(out))
        session = Session(comm, case, out, folder, begun, checkpoint)
        code = runs[case.file.fracture.engine](session, tagged)
    finally:
        if folder is not None:
            folder.release()
    if case.plots and code != ASKED_TO_STOP and comm.rank == 0:
        draw_plots(out)
    return code


def _told_ended(out: Path, termination: str, comm: MPI.Comm) -> int:
    """Say that there is nothing left to compute: chains of jobs ask for it once more."""
    failed = termination == "numerical_failure"
    if comm.rank == 0:
        LOG.info("%s: the run has ended (%s); there is nothing left to compute", out, termination)
    return NUMERICAL_FAILURE if failed else DONE


def _last_checkpoint(out: Path, comm: MPI.Comm) -> Checkpoint:
    """The checkpoint that a run goes on from, with its arrays on rank 0, if what was written reaches up to it
    (collective)."""

    def read() -> Checkpoint:
        checkpoint = read_checkpoint(out)
        refuse_holes(out, checkpoint)
        return checkpoint

    found = on_root(comm, read)
    kept = comm.bcast(None if found is None else found.kept, root=0)
    return found or Checkpoint(kept, {})


def draw_plots(out: Path) -> None:
    """Pictures are an extra: a run is not lost because one cannot be drawn."""
    from lifrac.postprocess.figures.all_figures import plot_run

    try:
        plot_run(out)
    except Exception as error:
        LOG.warning("the plots could not be drawn (%s); `lifrac plot %s` tries again", error, out)


__all__ = ["ASKED_TO_STOP", "DONE", "NUMERICAL_FAILURE", "draw_plots", "make_mesh", "run_case"]
