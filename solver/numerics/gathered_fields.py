"""Fields as plain arrays on rank 0, in the numbering of the mesh they were distributed with.

On rank 0 nothing depends on the number of ranks: there fields are carried to a refined mesh, and kept in checkpoints.
"""

from collections.abc import Mapping

import numpy as np
from dolfinx import fem
from lifrac.meshes.gather_mesh import cell_numbers, gather_rows, node_numbers
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Fields = Mapping[str, fem.Function]


def gather_fields(fields: Fields) -> dict[str, Floats]:
    """Values on rank 0, (n,) or (n, components); an empty dict elsewhere (collective).

    Parameters
    ----------
    fields : mapping of fem.Function
        P1 (values at the nodes) or DG0 (values in the cells), in the same order on all ranks.
    """
    found = {}
    for name, field in fields.items():
        whole = gather_rows(field.function_space.mesh.comm, *_numbered(field))
        if whole is not None:
            found[name] = whole if field.function_space.dofmap.index_map_bs > 1 else whole[:, 0]
    return found


def scatter_fields(values: Mapping[str, Floats], fields: Fields) -> None:
    """Fill fields, ghosts included, with values that rank 0 holds by the same names (collective)."""
    for name, field in fields.items():
        comm = field.function_space.mesh.comm
        whole = comm.bcast(values[name] if comm.rank == 0 else None, root=0)
        size = field.function_space.dofmap.index_map_bs
        field.x.array.reshape(-1, size)[:] = np.reshape(whole, (-1, size))[_numbers(field)]


def is_cellwise(field: fem.Function) -> bool:
    """Whether a field holds values in cells (DG0), not at nodes (P1)."""
    return bool(field.function_space.element.basix_element.degree == 0)


def _numbered(field: fem.Function) -> tuple[NDArray[np.int64], Floats]:
    """Numbers and values (n, components) of the dofs of this rank, ghosts included."""
    return _numbers(field), field.x.array.reshape(-1, field.function_space.dofmap.index_map_bs)


def _numbers(field: fem.Function) -> NDArray[np.int64]:
    """Return the number of the node or cell of each dof of this rank, ghosts included."""
    space = field.function_space
    msh, dofs = space.mesh, np.asarray(space.dofmap.list)
    given = cell_numbers(msh)[:, None] if is_cellwise(field) else node_numbers(msh)[msh.geometry.dofmaps[0]]
    index_map = space.dofmap.index_map
    numbers = np.empty(index_map.size_local + index_map.num_ghosts, dtype=np.int64)
    numbers[dofs] = given
    return numbers
