"""Nodal values and cells of a distributed mesh, gathered on rank 0 in an order that does not depend on the ranks."""

import numpy as np
from dolfinx import fem
from mpi4py import MPI
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class NodeGather:
    """Order of the nodes by their number in the mesh file (collective).

    Parameters
    ----------
    space : fem.FunctionSpace
        P1, scalar.
    comm : MPI.Comm
    """

    def __init__(self, space: fem.FunctionSpace, comm: MPI.Comm) -> None:
        self.comm = comm
        msh, dofmap = space.mesh, space.dofmap
        self.owned = dofmap.index_map.size_local
        node_of_dof = np.empty(self.owned + dofmap.index_map.num_ghosts, dtype=np.int64)
        node_of_dof[dofmap.list.ravel()] = msh.geometry.dofmaps[0].ravel()
        ids = np.asarray(msh.geometry.input_global_indices, dtype=np.int64)
        local = msh.topology.index_map(msh.topology.dim).size_local
        mine = node_of_dof[: self.owned]
        parts = comm.gather((ids[mine], msh.geometry.x[mine], ids[msh.geometry.dofmaps[0][:local]]))
        self.order: Ints | None = None
        """Rank 0: rows of what is gathered, in the order of the file."""
        self.points: Floats | None = None
        self.cells: Ints | None = None
        if parts is not None:
            numbers = np.concatenate([p[0] for p in parts])
            self.order = np.argsort(numbers)
            cells = np.concatenate([p[2] for p in parts])
            cells = cells[np.lexsort(np.sort(cells, axis=1).T[::-1])]
            self.points = np.concatenate([p[1] for p in parts])[self.order]
            self.cells = np.searchsorted(numbers[self.order], cells)

    def rows(self, local: Floats) -> Floats | None:
        """Rank 0: one row for each node in the order of the file, from the rows of all ranks' owned nodes."""
        parts = self.comm.gather(local)
        return None if parts is None else np.concatenate(parts)[self.order]
