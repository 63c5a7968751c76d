"""Supports of a body, and the nodes of it that belong to the flaw."""

import numpy as np
from dolfinx import fem
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.model.loads import Loads
from lifrac.solver.numerics.nodal import nodes_of_cells
from lifrac.solver.plane.bulk import support
from mpi4py import MPI
from numpy.typing import NDArray

Nodes = NDArray[np.int32]


def prescribed_displacements(tagged: TaggedMesh, space: fem.FunctionSpace, loads: Loads) -> list[fem.DirichletBC]:
    """Displacements held at zero (collective).

    As in the plane engine, and u_x on a crack plane of symmetry; a body that nothing keeps from sliding along the
    counter electrode is held in the middle of it, at one point (one line in 3D).
    """
    msh = tagged.mesh
    prescribed = support(tagged, loads)
    if "crack_plane" in tagged.groups:
        prescribed.append((tagged.facets("crack_plane"), 0))
    zero = fem.Constant(msh, 0.0)
    fdim = msh.topology.dim - 1
    msh.topology.create_connectivity(fdim, fdim + 1)
    found = [
        fem.dirichletbc(zero, fem.locate_dofs_topological(space.sub(axis), fdim, facets), space.sub(axis))
        for facets, axis in prescribed
    ]
    if all(axis != 0 for _, axis in prescribed):
        dofs = _middle_of_counter(tagged, space)
        found.append(fem.dirichletbc(zero, dofs, space.sub(0)))
    return found


def _middle_of_counter(tagged: TaggedMesh, space: fem.FunctionSpace) -> Nodes:
    """Dofs of u_x at the node of the counter electrode nearest to x = 0 (collective)."""
    fdim = tagged.mesh.topology.dim - 1
    nodes = fem.locate_dofs_topological(space, fdim, tagged.facets("counter"))
    x = space.tabulate_dof_coordinates()[nodes, 0]
    nearest = float(tagged.mesh.comm.allreduce(float(np.abs(x).min(initial=np.inf)), op=MPI.MIN))
    # The right one of two that are equally near, on every rank.
    at = float(
        tagged.mesh.comm.allreduce(
            float(x[np.abs(x) <= nearest * (1.0 + 1.0e-9) + 1.0e-9].max(initial=-np.inf)), op=MPI.MAX
        )
    )
    chosen = nodes[np.abs(x - at) <= 1.0e-9 * max(1.0, abs(at)) + 1.0e-9]
    return np.asarray(chosen * space.dofmap.index_map_bs, dtype=np.int32)


def flaw_nodes(tagged: TaggedMesh, space: fem.FunctionSpace) -> Nodes:
    """Nodes of the group `flaw`, ghosts included: the row of cells that is broken at the start (collective)."""
    return nodes_of_cells(space, tagged.cells("flaw"))
