"""The way back from a distributed mesh to plain arrays on rank 0, in the numbering that it was distributed from."""

import numpy as np
import numpy.typing as npt
from mpi4py import MPI

from .serial_mesh import Ints, RawMesh
from .tagged import TaggedMesh

import lifrac.backend  # noqa: F401  isort: skip
import dolfinx.mesh


def gather(tagged: TaggedMesh) -> RawMesh | None:
    """Return the mesh on rank 0, None elsewhere (collective); node by node and cell by cell what was distributed."""
    mesh, dim = tagged.mesh, tagged.mesh.topology.dim
    nodes, cells = node_numbers(mesh), cell_numbers(mesh)
    points = gather_rows(mesh.comm, nodes, mesh.geometry.x[:, :dim])
    corners = gather_rows(mesh.comm, cells, nodes[mesh.geometry.dofmaps[0]])
    groups = {name: _facets(tagged, name, nodes) for name in tagged.groups}
    cell_groups = {name: _together(mesh.comm, cells[tagged.cells(name)]) for name in tagged.cell_groups}
    if points is None or corners is None:
        return None
    return RawMesh(
        points,
        corners,
        {name: facets for name, facets in groups.items() if facets is not None},
        {name: rows for name, rows in cell_groups.items() if rows is not None},
    )


def node_numbers(mesh: dolfinx.mesh.Mesh) -> Ints:
    """Return the number of each node of this rank, ghosts included, in the arrays that the mesh was made from."""
    return np.asarray(mesh.geometry.input_global_indices, dtype=np.int64)


def cell_numbers(mesh: dolfinx.mesh.Mesh) -> Ints:
    """Return the number of each cell of this rank, ghosts included, in the arrays that the mesh was made from."""
    return np.asarray(mesh.topology.original_cell_index, dtype=np.int64)


def gather_rows[T: np.generic](comm: MPI.Comm, numbers: Ints, rows: npt.NDArray[T]) -> npt.NDArray[T] | None:
    """Rows by number on rank 0, None elsewhere (collective); a row that several ranks give is the same on each."""
    parts = comm.gather((numbers, rows), root=0)
    if parts is None:
        return None
    count = max((int(n.max()) + 1 for n, _ in parts if len(n)), default=0)
    whole = np.empty((count, *rows.shape[1:]), dtype=rows.dtype)
    for part, values in parts:
        whole[part] = values
    return whole


def _facets(tagged: TaggedMesh, name: str, nodes: Ints) -> Ints | None:
    mesh, dim = tagged.mesh, tagged.mesh.topology.dim
    corners = dolfinx.mesh.entities_to_geometry(mesh, dim - 1, tagged.facets(name))
    return _together(mesh.comm, np.sort(nodes[corners].reshape(-1, dim), axis=1))


def _together(comm: MPI.Comm, rows: Ints) -> Ints | None:
    """All ranks' rows on rank 0, each once, in order; None elsewhere (collective)."""
    parts = comm.gather(rows, root=0)
    return None if parts is None else np.unique(np.concatenate(parts), axis=0)
