"""Meshing of the parametrised geometries: rank 0 meshes with gmsh, the mesh is distributed."""

import functools
from pathlib import Path

import numpy as np
from lifrac.errors import InputError
from lifrac.meshes.geometries.gmsh_model import Geometry
from lifrac.parallel.collective import on_root
from mpi4py import MPI

from .geometries import gmsh_model
from .serial_mesh import RawMesh
from .tagged import TaggedMesh, distribute
from .validate import validated


def build(geometry: Geometry, comm: MPI.Comm) -> TaggedMesh:
    """Mesh a geometry.

    The same geometry gives the same mesh, node by node, whenever and on however many ranks it is built.

    Parameters
    ----------
    geometry : SlabEdgeFlaw, HalfPennyBlock, CrackedSlab or Drawable
        What to mesh, lengths in um.
    comm : MPI.Comm
        Ranks that share the mesh; collective.

    Raises
    ------
    RuntimeError
        If gmsh cannot be loaded or fails; on every rank.
    """
    return distribute(comm, on_root(comm, functools.partial(_mesh, geometry)))


def write_msh(geometry: Geometry, path: Path | str, comm: MPI.Comm = MPI.COMM_SELF) -> None:
    """Mesh a geometry and write it as gmsh format 4.1.

    Rank 0 of `comm` works, the others wait; without `comm` the caller works alone.

    Raises
    ------
    InputError
        If the file cannot be written; on every rank.
    """
    on_root(comm, functools.partial(_mesh, geometry, Path(path)))


def _mesh(geometry: Geometry, path: Path | None = None) -> RawMesh:
    """Mesh on this rank, and write the mesh if a path is given."""
    try:
        with gmsh_model.session() as gmsh:
            gmsh_model.mesh_geometry(gmsh, geometry)
            if path is not None:
                _write(gmsh, path)
            named = gmsh_model.to_named(gmsh)
    except (RuntimeError, InputError):
        raise
    except Exception as error:  # gmsh raises bare Exceptions
        raise RuntimeError(f"gmsh could not mesh {geometry}: {error}") from error
    # The geometry kernel leaves rounding errors on the faces of the box; x = 0 shall mean x = 0.
    for axis, ends in enumerate(geometry.bounds):
        column = named.points[:, axis]
        for position in ends:
            column[np.abs(column - position) < 1e-9 * (ends[1] - ends[0])] = position
    return validated(named, len(geometry.bounds))


def _write(gmsh: object, path: Path) -> None:
    """Write the current model's mesh aside and rename it."""
    aside = path.with_name(f".{path.stem}.part.msh")
    try:
        aside.touch()
        gmsh.write(str(aside))  # type: ignore[attr-defined]
        aside.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", file=path) from error
