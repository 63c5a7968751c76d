"""The mesh that the solver takes: distributed over the ranks, with facet groups by name."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from mpi4py import MPI

import lifrac.meshes.backend  # noqa: F401  isort: skip
import basix.ufl
import dolfinx.graph
import dolfinx.mesh
import ufl
from dolfinx.io import distribute_entity_data
from lifrac.meshes.raw import FACET_GROUPS, RawMesh
from lifrac.meshes.report import MeshReport, measure


@dataclass(frozen=True)
class TaggedMesh:
    """A distributed mesh with named facet groups.

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
    """

    mesh: dolfinx.mesh.Mesh
    facet_tags: dolfinx.mesh.MeshTags
    groups: dict[str, int]
    report: MeshReport

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


def distribute(comm: MPI.Comm, raw: RawMesh | None) -> TaggedMesh:
    """Distribute a mesh that rank 0 holds (None elsewhere) over the ranks of `comm`."""
    about = None if raw is None else (raw.dim, [n for n in FACET_GROUPS if n in raw.groups], measure(raw))
    dim, names, report = comm.bcast(about, root=0)
    if raw is None:
        raw = RawMesh(np.empty((0, dim)), np.empty((0, dim + 1), dtype=np.int64), {})
    shape = "triangle" if dim == 2 else "tetrahedron"
    domain = ufl.Mesh(basix.ufl.element("Lagrange", shape, 1, shape=(dim,)))
    partitioner = dolfinx.mesh.create_cell_partitioner(
        dolfinx.graph.partitioner(), dolfinx.mesh.GhostMode.shared_facet, 2
    )
    mesh = dolfinx.mesh.create_mesh(comm, raw.cells, domain, raw.points, partitioner)
    mesh.name = "electrolyte"
    tags = _tag_facets(mesh, raw)
    return TaggedMesh(mesh, tags, {name: FACET_GROUPS[name] for name in names}, report)


def _tag_facets(mesh: dolfinx.mesh.Mesh, raw: RawMesh) -> dolfinx.mesh.MeshTags:
    """Send each group's facets to the ranks that hold them."""
    dim = mesh.topology.dim - 1
    facets = np.concatenate([np.empty((0, dim + 1), dtype=np.int64), *raw.groups.values()])
    values = np.concatenate(
        [np.empty(0, dtype=np.int32)]
        + [np.full(len(nodes), FACET_GROUPS[name], dtype=np.int32) for name, nodes in raw.groups.items()]
    )
    local_facets, local_values = distribute_entity_data(mesh, dim, facets, values)
    mesh.topology.create_connectivity(dim, 0)
    mesh.topology.create_connectivity(dim, dim + 1)
    tags = dolfinx.mesh.meshtags_from_entities(
        mesh, dim, dolfinx.graph.adjacencylist(local_facets), local_values.astype(np.int32)
    )
    tags.name = "facet_groups"
    return tags
