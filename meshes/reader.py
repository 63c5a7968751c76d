"""A user's own mesh, distributed over the ranks (collective)."""

import functools
from pathlib import Path

from lifrac.parallel.collective import on_root
from mpi4py import MPI

from .formats import load
from .tagged import TaggedMesh, distribute


def read_mesh(path: Path | str, comm: MPI.Comm, gdim: int = 2, scale: float = 1.0) -> TaggedMesh:
    """Read a mesh with named groups.

    Parameters
    ----------
    path : Path or str
        gmsh `.msh` (2.2, 4.1), or any format of meshio that keeps names of groups, such as Abaqus `.inp`
        or Salome `.med`.
    comm : MPI.Comm
        Ranks that share the mesh; collective. Only rank 0 reads the file.
    gdim : int
        2 or 3.
    scale : float
        The file's unit of length [um], such as 1000 for a mesh in mm.

    Raises
    ------
    InputError
        If the file cannot be read or the solver could not use the mesh; on every rank.
    RuntimeError
        If gmsh cannot be loaded; on every rank.
    """
    return distribute(comm, on_root(comm, functools.partial(load, Path(path), gdim, scale)))
