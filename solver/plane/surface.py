"""The surface mesh: crack plane and electrode faces, the same on every rank and for every rank count.

What is nonlinear lives here. The facets are gathered from the distributed bulk mesh, ordered by the node numbers of
the mesh file (which do not depend on the partition), and built as a mesh of its own on each rank.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import basix.ufl
import numpy as np
import ufl
from dolfinx import fem, mesh
from dolfinx.mesh import MeshTags
from lifrac.errors import InputError
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.physics.lithium import LUMPED
from mpi4py import MPI
from numpy.typing import NDArray

CRACK, ANODE, COUNTER = 1, 2, 3
TAGS = {"crack_plane": CRACK, "anode": ANODE, "counter": COUNTER}

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SurfaceMesh:
    """Surface cells with tags; dofs of a P1 space are its nodes."""

    mesh: mesh.Mesh
    tags: MeshTags
    space: fem.FunctionSpace
    node_ids: Ints
    """Node number in the mesh file of each P1 dof."""
    x: Floats
    """Coordinates of each P1 dof (n, 3) [um]."""

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.node_ids)

    def measure(self) -> ufl.Measure:
        """Measure of the surface, with the tags of its parts."""
        return ufl.Measure("dx", domain=self.mesh, subdomain_data=self.tags)

    def dofs(self, tag: int) -> Ints:
        """P1 dofs on the cells of a tag, ascending."""
        return np.unique(self.cell_dofs(tag))

    def cell_dofs(self, tag: int) -> Ints:
        """Dofs of each cell of a tag (cells, nodes per cell)."""
        return np.asarray(self.space.dofmap.list[self.tags.find(tag)], dtype=np.int64)

    def lumped_area(self, tag: int) -> Floats:
        """Area (length in 2D) of a tagged part that belongs to each P1 dof [um]."""
        v = ufl.TestFunction(self.space)
        form = fem.form(v * self.measure()(tag, metadata=LUMPED))
        return np.array(fem.assemble_vector(form).array)

    @cached_property
    def crack(self) -> Ints:
        """Dofs of the crack plane."""
        return self.dofs(CRACK)

    @cached_property
    def anode(self) -> Ints:
        """Dofs of the anode face."""
        return self.dofs(ANODE)

    @cached_property
    def counter(self) -> Ints:
        """Dofs of the counter electrode."""
        return self.dofs(COUNTER)

    @cached_property
    def mouth(self) -> Ints:
        """Dofs shared by the crack plane and the anode face."""
        return np.intersect1d(self.crack, self.anode)


def _owned_facets(tagged: TaggedMesh, name: str) -> tuple[Ints, Floats]:
    """File node numbers (facets, k) and coordinates (facets*k, 3) of this rank's own facets of a group."""
    msh = tagged.mesh
    fdim = msh.topology.dim - 1
    facets = tagged.facets(name)
    facets = facets[facets < msh.topology.index_map(fdim).size_local]
    msh.topology.create_connectivity(fdim, msh.topology.dim)
    nodes = mesh.entities_to_geometry(msh, fdim, facets.astype(np.int32))
    ids = np.asarray(msh.geometry.input_global_indices, dtype=np.int64)[nodes]
    return ids.reshape(-1, msh.topology.dim), msh.geometry.x[nodes.ravel()].reshape(-1, 3)


def gather_surface(tagged: TaggedMesh) -> SurfaceMesh:
    """Collect the tagged facets of all ranks into a SurfaceMesh (collective).

    Raises
    ------
    InputError
        If the mesh has no crack plane.
    """
    if "crack_plane" not in tagged.groups:
        raise InputError(
            "the mesh has no crack_plane, in which the crack of the plane engine grows",
            key="fracture.engine",
            value="plane",
            remedy='Write engine = "phase_field", or mesh the half x >= 0 with its facets at x = 0 in this group',
        )
    comm = tagged.mesh.comm
    local = {name: _owned_facets(tagged, name) for name in TAGS}
    everyone = comm.allgather(local)
    ids, tags = [], []
    points: dict[int, Floats] = {}
    for part in everyone:
        for name, (facet_ids, coordinates) in part.items():
            ids.append(np.sort(facet_ids, axis=1))
            tags.append(np.full(len(facet_ids), TAGS[name]))
            points.update(zip(facet_ids.ravel().tolist(), coordinates, strict=True))
    cells = np.concatenate(ids)
    tag = np.concatenate(tags)
    order = np.lexsort((*cells.T[::-1], tag))
    return _build(cells[order], tag[order], points, tagged.mesh.geometry.dim)


def _build(cells: Ints, tag: Ints, points: dict[int, Floats], gdim: int) -> SurfaceMesh:
    nodes = np.unique(cells)
    x = np.array([points[i] for i in nodes.tolist()])
    shape = "interval" if cells.shape[1] == 2 else "triangle"
    element: Any = basix.ufl.element("Lagrange", shape, 1, shape=(gdim,))
    numbered = np.searchsorted(nodes, cells)
    msh = mesh.create_mesh(MPI.COMM_SELF, numbered, element, np.ascontiguousarray(x[:, :gdim]))
    tdim = msh.topology.dim
    tags = mesh.meshtags(
        msh,
        tdim,
        np.arange(len(cells), dtype=np.int32),
        tag[msh.topology.original_cell_index].astype(np.int32),
    )
    space = fem.functionspace(msh, ("Lagrange", 1))
    dof_node = np.empty(len(nodes), dtype=np.int64)
    dof_node[space.dofmap.list.ravel()] = msh.geometry.dofmaps[0].ravel()
    node_ids = nodes[np.asarray(msh.geometry.input_global_indices)[dof_node]]
    return SurfaceMesh(msh, tags, space, node_ids, msh.geometry.x[dof_node].copy())
