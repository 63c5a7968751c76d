"""One run: mesh, engine, run folder."""

import logging
import time
from pathlib import Path

from lifrac.meshes.builder import build
from lifrac.meshes.collective import on_root
from lifrac.meshes.errors import InputError
from lifrac.meshes.reader import read_mesh
from lifrac.meshes.tagged import TaggedMesh
from mpi4py import MPI

from .case import Case
from .checkpoint import Checkpoint, read_checkpoint
from .drive import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE, Session
from .phase_field_run import run_phase_field
from .plane_run import run_plane
from .run_folder import RunFolder
from .schema_tools import refuse
from .signals import watched

LOG = logging.getLogger("lifrac")


def make_mesh(case: Case, comm: MPI.Comm) -> TaggedMesh:
    """The case's mesh: parametrised, or the user's own (collective)."""
    geometry = case.geometry()
    if isinstance(geometry, Path):
        try:
            tagged = read_mesh(geometry, comm, gdim=case.dimension, scale=case.mesh_scale)
        except InputError as error:
            raise InputError(
                f"{geometry.name}: {error.message}", file=case.path, key="mesh.file", value=case.file.mesh.file,
                remedy=error.remedy,
            ) from None  # fmt: skip
        engine = case.file.engine
        refuse(engine.unfit_mesh(case.file, {*tagged.groups, *tagged.cell_groups}, tagged.report), case.path)
        return tagged
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
    watched()
    folder = on_root(comm, lambda: RunFolder.interrupted(out, case)) if resume else None
    checkpoint = _last_checkpoint(out, comm) if resume else None
    tagged = make_mesh(case, comm)
    if not resume:
        folder = on_root(comm, lambda: RunFolder(out))
    session = Session(comm, case, out, folder, begun, checkpoint)
    code = runs[case.file.fracture.engine](session, tagged)
    if case.plots and comm.rank == 0:
        draw_plots(out)
    return code


def _last_checkpoint(out: Path, comm: MPI.Comm) -> Checkpoint:
    """Of a run folder, with its arrays on rank 0 (collective)."""
    found = on_root(comm, lambda: read_checkpoint(out))
    kept = comm.bcast(None if found is None else found.kept, root=0)
    return found or Checkpoint(kept, {})


def draw_plots(out: Path) -> None:
    """Pictures are an extra: a run is not lost because one cannot be drawn."""
    from lifrac.postprocess.plots import plot_run

    try:
        plot_run(out)
    except Exception as error:
        LOG.warning("the plots could not be drawn (%s); `lifrac plot %s` tries again", error, out)


__all__ = ["ASKED_TO_STOP", "DONE", "NUMERICAL_FAILURE", "draw_plots", "make_mesh", "run_case"]
