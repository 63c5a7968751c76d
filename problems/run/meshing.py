"""The mesh of a case: parametrised, or the user's own."""

from pathlib import Path

from lifrac.meshes.builder import build
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.parallel.collective import on_root
from lifrac.problems.case.case import Case
from lifrac.problems.case.own_mesh import read_own
from mpi4py import MPI


def make_mesh(case: Case, comm: MPI.Comm) -> TaggedMesh:
    """Make or read the case's mesh (collective).

    Raises
    ------
    InputError
        On every rank alike, for a mesh that cannot be used.
    """
    geometry = case.geometry()
    if isinstance(geometry, Path):
        return distribute(comm, on_root(comm, lambda: read_own(case)[0]))
    return build(geometry, comm)
