"""The mesh that the solver takes: distributed over the ranks, with groups of facets and cells by name."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from mpi4py import MPI

import lifrac.backend  # noqa: F401  isort: skip
import basix.ufl
import dolfinx.graph
import dolfinx.mesh
import ufl
from dolfinx.io import distribute_entity_data

from .report import MeshReport, measure
from .serial_mesh import CELL_GROUPS, FACET_GROUPS, Ints, RawMesh


@dataclass(frozen=True)
class TaggedMesh:
    """A distributed mesh with named groups of facets and of cells.

    Attributes
    ----------
    mesh : dolfinx.mesh.Mesh
        First-order simplices; coordinates in um; ghost cells shared through facets.
    facet_tags : dolfinx.mesh.MeshTags
        Tags of the exterior facets.
    groups : dict of str to int
        Facet group name -> tag; a name has the same tag in every mesh.
    report : MeshReport
        Size and quality.
    cell_tags : dolfinx.mesh.MeshTags
        Tags of the cells that are in a group of their own, such as `flaw`.
    cell_groups : dict of str to int
        Cell group name -> tag; a name has the same tag in every mesh.
    """

    mesh: dolfinx.mesh.Mesh
    facet_tags: dolfinx.mesh.MeshTags
    groups: dict[str, int]
    report: MeshReport
    cell_tags: dolfinx.mesh.MeshTags
    cell_groups: dict[str, int]

    def facets(self, name: str) -> npt.NDArray[np.int32]:
        """Local numbers of the facets in a group on this rank, ghosts included.

        Raises
        ------
        KeyError
            If the mesh has no such group.
        """
        if name not in self.groups:
            raise KeyError(f"the mesh has no group {name!r}; it has {', '.join(self.groups)}")
        return np.asarray(self.facet_tags.find(self.groups[name]))

    def cells(self, name: str) -> npt.NDArray[np.int32]:
        """Local numbers of the cells in a group on this rank, ghosts included.

        Raises
        ------
        KeyError
            If the mesh has no such group of cells.
        """
        if name not in self.cell_groups:
            raise KeyError(f"the mesh has no group of cells {name!r}; it has {', '.join(self.cell_groups) or 'none'}")
        return np.asarray(self.cell_tags.find(self.cell_groups[name]))


def distribute(comm: MPI.Comm, raw: RawMesh | None) -> TaggedMesh:
    """Distribute a mesh that rank 0 holds (None elsewhere) over the ranks of `comm`."""
    about = None if raw is None else (raw.dim, _names(raw), measure(raw))
    dim, (facet_groups, cell_groups), report = comm.bcast(about, root=0)
    if raw is None:
        raw = RawMesh(np.empty((0, dim)), np.empty((0, dim + 1), dtype=np.int64), {})
    shape = "triangle" if dim == 2 else "tetrahedron"
    domain = ufl.Mesh(basix.ufl.element("Lagrange", shape, 1, shape=(dim,)))
    partitioner = dolfinx.mesh.create_cell_partitioner(
        dolfinx.graph.partitioner(), dolfinx.mesh.GhostMode.shared_facet, 2
    )
    mesh = dolfinx.mesh.create_mesh(comm, raw.cells, domain, raw.points, partitioner)
    mesh.name = "electrolyte"
    facets = _tag(mesh, dim - 1, raw.groups, FACET_GROUPS, "facet_groups")
    nodes_of_cells = {name: raw.cells[rows] for name, rows in raw.cell_groups.items()}
    cells = _tag(mesh, dim, nodes_of_cells, CELL_GROUPS, "cell_groups")
    return TaggedMesh(mesh, facets, facet_groups, report, cells, cell_groups)


def _names(raw: RawMesh) -> tuple[dict[str, int], dict[str, int]]:
    """Facet and cell groups that are there, with their tags."""
    return (
        {name: tag for name, tag in FACET_GROUPS.items() if name in raw.groups},
        {name: tag for name, tag in CELL_GROUPS.items() if name in raw.cell_groups},
    )


def _tag(
    mesh: dolfinx.mesh.Mesh, dim: int, groups: dict[str, Ints], tags: dict[str, int], name: str
) -> dolfinx.mesh.MeshTags:
    """Send each group's facets or cells, given by their nodes, to the ranks that hold them."""
    entities = np.concatenate([np.empty((0, dim + 1), dtype=np.int64), *groups.values()])
    values = np.concatenate(
        [np.empty(0, dtype=np.int32)]
        + [np.full(len(nodes), tags[group], dtype=np.int32) for group, nodes in groups.items()]
    )
    local_entities, local_values = distribute_entity_data(mesh, dim, entities, values)
    mesh.topology.create_connectivity(dim, 0)
    mesh.topology.create_connectivity(dim, mesh.topology.dim)
    found = dolfinx.mesh.meshtags_from_entities(
        mesh, dim, dolfinx.graph.adjacencylist(local_entities), local_values.astype(np.int32)
    )
    found.name = name
    return found
