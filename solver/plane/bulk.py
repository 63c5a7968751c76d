"""Bulk conduction and elasticity of the electrolyte, and their response condensed onto the surface mesh.

Both problems are linear and scale with one number each (kappa, E), so that temperature, pressure, current and
protocol reuse one condensation, which is cached on disk by content.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import ufl
from dolfinx import fem, mesh
from dolfinx.fem import petsc as fem_petsc
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.model.loads import Loads
from lifrac.solver.numerics.cache import Arrays, cached, content_key
from lifrac.solver.numerics.condensation import CondensedOperator, Partition, neumann_inverse
from lifrac.solver.numerics.linear import rigid_body_modes
from lifrac.solver.numerics.presets import Preset
from lifrac.solver.physics.conduction import conduction_form
from lifrac.solver.physics.elasticity import pressure_load, stiffness_form
from numpy.typing import NDArray
from petsc4py import PETSc

from .side_plate import SidePlate
from .surface import SurfaceMesh

Floats = NDArray[np.float64]
Held = tuple[NDArray[np.int32], int]
"""Local facets, and the displacement component that is held on them."""
SCHEME = "P1-1"
"""Part of the cache key: raise it when the discretisation changes."""


@dataclass(frozen=True)
class Response:
    """Condensed bulk: everything the surface problem needs, for unit kappa and unit E.

    With w' = opening of the crack plane (both faces) and half-model displacement u_x = w'/2:
    nodal forces that open the half model = stiffness u_x - P load_stack - s load_lateral.
    """

    conduction: Floats
    """S_phi (n, n) on all surface dofs for kappa = 1."""
    conduction_inverse: Floats
    """G (n, n): phi = G f/kappa + const for nodal currents f that sum to zero."""
    stiffness: Floats
    """S_u (m, m) on the crack dofs for E = 1."""
    load_stack: Floats
    """(m,) nodal forces of a unit stack pressure."""
    load_lateral: Floats
    """(m,) nodal forces of a unit (tensile) lateral stress."""


def assemble_conduction(space: fem.FunctionSpace) -> PETSc.Mat:
    """Assemble int grad phi . grad q: kappa = 1, no face condition (collective)."""
    phi, q = ufl.TrialFunction(space), ufl.TestFunction(space)
    matrix = fem_petsc.assemble_matrix(fem.form(conduction_form(phi, q, 1.0, ufl.dx)))
    matrix.assemble()
    return matrix


def assemble_stiffness(space: fem.FunctionSpace, poisson_ratio: float) -> PETSc.Mat:
    """Assemble int sigma(u) : eps(v) for E = 1, no condition applied; it knows its rigid-body modes (collective)."""
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    matrix = fem_petsc.assemble_matrix(fem.form(stiffness_form(u, v, 1.0, poisson_ratio, ufl.dx)))
    matrix.assemble()
    matrix.setNearNullSpace(rigid_body_modes(space))
    return matrix


def face_load(space: fem.FunctionSpace, face: ufl.Measure, pressure: float) -> PETSc.Vec:
    """Nodal forces of a pressure [MPa] on a face (collective)."""
    v = ufl.TestFunction(space)
    vector = fem_petsc.assemble_vector(fem.form(pressure_load(v, fem.Constant(space.mesh, pressure), face)))
    vector.ghostUpdate(addv=PETSc.InsertMode.ADD, mode=PETSc.ScatterMode.REVERSE)
    return vector


def support(tagged: TaggedMesh, loads: Loads) -> list[Held]:
    """Return what every body rests on: u_y on the counter electrode, u_x on sides not free, u_z on 3D sides."""
    held = [(tagged.facets("counter"), 1)]
    if loads.lateral != "free":
        held.append((tagged.facets("lateral"), 0))
    if "side" in tagged.groups:
        held.append((tagged.facets("side"), 2))
    return held


def held_rows(space: fem.FunctionSpace, held: list[Held]) -> NDArray[np.int32]:
    """Global matrix rows, owned here, of displacement components held at zero on facets (collective)."""
    fdim = space.mesh.topology.dim - 1
    space.mesh.topology.create_connectivity(fdim, fdim + 1)
    rows = [fem.locate_dofs_topological(space.sub(i), fdim, facets) for facets, i in held]
    local = np.unique(np.concatenate(rows))
    gdim = space.dofmap.index_map_bs
    owned = space.dofmap.index_map.size_local * gdim
    first = space.dofmap.index_map.local_range[0] * gdim
    return (local[local < owned] + first).astype(np.int32)


class Bulk:
    """Assembled bulk problems on a distributed mesh.

    Parameters
    ----------
    tagged : TaggedMesh
        The electrolyte.
    surface : SurfaceMesh
        Its crack plane and electrode faces.
    poisson_ratio : float
    loads : Loads
        What holds the sides.
    preset : {"direct", "multigrid"}
    symmetric_anode : bool
        Hold u_y on the anode face: it is then a symmetry plane (half of an inner crack).
    """

    def __init__(
        self,
        tagged: TaggedMesh,
        surface: SurfaceMesh,
        poisson_ratio: float,
        loads: Loads,
        preset: Preset = "direct",
        symmetric_anode: bool = False,
    ) -> None:
        self.tagged = tagged
        self.surface = surface
        self.nu = poisson_ratio
        self.loads = loads
        self.preset = preset
        self.symmetric_anode = symmetric_anode
        self.from_cache = False
        gdim = tagged.mesh.geometry.dim
        self.potential_space = fem.functionspace(tagged.mesh, ("Lagrange", 1))
        self.displacement_space = fem.functionspace(tagged.mesh, ("Lagrange", 1, (gdim,)))
        self._ds = ufl.Measure("ds", domain=tagged.mesh, subdomain_data=tagged.facet_tags)

    @property
    def dofs(self) -> int:
        """Bulk unknowns of both problems."""
        return int(self.potential_space.dofmap.index_map.size_global * (1 + self.tagged.mesh.geometry.dim))

    @cached_property
    def _surface_dofs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Surface dof and global bulk node (block) number of each surface node owned by this rank."""
        msh = self.tagged.mesh
        node = np.full(len(msh.geometry.x), -1, dtype=np.int64)
        node[msh.geometry.dofmaps[0].ravel()] = self.potential_space.dofmap.list.ravel()
        order = np.argsort(self.surface.node_ids)
        ids = np.asarray(msh.geometry.input_global_indices, dtype=np.int64)
        at = np.searchsorted(self.surface.node_ids, ids, sorter=order)
        at = order[np.minimum(at, self.surface.size - 1)]
        on_surface = self.surface.node_ids[at] == ids
        index_map = self.potential_space.dofmap.index_map
        here = on_surface & (node >= 0) & (node < index_map.size_local)
        return at[here], node[here] + index_map.local_range[0]

    def _fixed_dofs(self) -> NDArray[np.int32]:
        """Global rows held at zero: u_y on the counter electrode, u_x on sides not free, u_z on 3D sides."""
        held = support(self.tagged, self.loads)
        if self.symmetric_anode:
            held.append((self.tagged.facets("anode"), 1))
        return held_rows(self.displacement_space, held)

    @cached_property
    def conduction_matrix(self) -> PETSc.Mat:
        """Matrix of int grad phi . grad q: kappa = 1, no face condition."""
        return assemble_conduction(self.potential_space)

    @cached_property
    def stiffness_matrix(self) -> PETSc.Mat:
        """Matrix of int sigma(u) : eps(v) for E = 1, no condition applied."""
        return assemble_stiffness(self.displacement_space, self.nu)

    def _load(self, group: str, pressure: float) -> PETSc.Vec:
        return face_load(self.displacement_space, self._ds(self.tagged.groups[group]), pressure)

    @cached_property
    def stack_load(self) -> PETSc.Vec:
        """Load vector of a unit stack pressure on the anode."""
        return self._load("anode", 1.0)

    @cached_property
    def lateral_load(self) -> PETSc.Vec:
        """Load vector of a unit stress that pulls on the lateral face."""
        return self._load("lateral", -1.0)

    @cached_property
    def conduction_operator(self) -> CondensedOperator:
        """Condensation of conduction onto the surface dofs."""
        at, row = self._surface_dofs
        partition = Partition(row.astype(np.int32), at, np.empty(0, dtype=np.int32), self.surface.size)
        return CondensedOperator(self.conduction_matrix, partition, self.preset, "conduction")

    @cached_property
    def elastic_operator(self) -> CondensedOperator:
        """Condensation of elasticity onto the dofs of the crack."""
        at, row = self._surface_dofs
        crack = self.surface.crack
        position = np.searchsorted(crack, at)
        inside = crack[np.minimum(position, len(crack) - 1)] == at
        gdim = self.displacement_space.dofmap.index_map_bs
        retained = (row[inside] * gdim).astype(np.int32)
        fixed = np.setdiff1d(self._fixed_dofs(), retained)
        partition = Partition(retained, position[inside], fixed, len(crack))
        return CondensedOperator(self.stiffness_matrix, partition, self.preset, "elasticity")

    @cached_property
    def plate(self) -> SidePlate | None:
        """How the sides move together, if they do (collective)."""
        if self.loads.lateral != "plate":
            return None
        shift = self.stack_load.duplicate()
        shift.set(0.0)
        rows = held_rows(self.displacement_space, [(self.tagged.facets("lateral"), 0)])
        shift.setValues(rows, np.ones(len(rows)))
        shift.assemble()
        return SidePlate(self.elastic_operator, shift, self.stack_load, self.lateral_load)

    def _key(self) -> str:
        """Content hash that does not depend on the partition: sums of hashes of nodes and cells."""
        msh = self.tagged.mesh
        ids = np.asarray(msh.geometry.input_global_indices, dtype=np.uint64)
        owned = msh.geometry.index_map().size_local
        bits = np.ascontiguousarray(msh.geometry.x[:owned] + 0.0).view(np.uint64)
        cells = msh.topology.index_map(msh.topology.dim).size_local
        corners = np.sort(ids[msh.geometry.dofmaps[0][:cells]], axis=1)
        sides = np.sort(ids[self._own_facets("lateral")], axis=1)
        local = np.array(
            [_digest(np.column_stack([ids[:owned], bits]), s) for s in (1, 2)]
            + [_digest(corners, s) for s in (3, 4)]
            + [_digest(sides, 5)],
            dtype=np.uint64,
        )
        total = np.sum(np.array(msh.comm.allgather(local)), axis=0, dtype=np.uint64)  # wraps around on purpose
        s = self.surface
        return content_key(
            SCHEME,
            total,
            s.node_ids,
            s.x,
            s.cell_dofs(1),
            s.cell_dofs(2),
            s.cell_dofs(3),
            self.nu,
            self.loads.lateral,
            self.symmetric_anode,
            sorted(self.tagged.groups),
        )

    def _own_facets(self, group: str) -> NDArray[np.int32]:
        """Geometry nodes of the facets of a group that this rank owns; none where the mesh has no such group."""
        msh = self.tagged.mesh
        fdim = msh.topology.dim - 1
        facets = self.tagged.facets(group) if group in self.tagged.groups else np.empty(0, dtype=np.int32)
        own = facets[facets < msh.topology.index_map(fdim).size_local].astype(np.int32)
        msh.topology.create_connectivity(fdim, msh.topology.dim)
        return np.asarray(mesh.entities_to_geometry(msh, fdim, own)).reshape(-1, msh.topology.dim)

    def response(self) -> Response:
        """Condense, or take the arrays of an equal problem from the cache (collective)."""
        arrays, self.from_cache = cached(self.tagged.mesh.comm, self._key(), self._condense)
        return Response(**arrays)

    def _condense(self) -> Arrays:
        conduction, elastic = self.conduction_operator.schur(), self.elastic_operator
        stiffness, stack, lateral = elastic.schur(), elastic.load(self.stack_load), elastic.load(self.lateral_load)
        if self.plate is not None:
            stiffness, stack, lateral = self.plate.released(stiffness, stack, lateral)
        return {
            "conduction": conduction,
            "conduction_inverse": neumann_inverse(conduction),
            "stiffness": stiffness,
            "load_stack": stack,
            "load_lateral": lateral,
        }

    def recover_potential(self, values: Floats) -> fem.Function:
        """Return phi [V] in the bulk from its values on the surface dofs."""
        phi = fem.Function(self.potential_space, name="potential")
        self.conduction_operator.recover(values, None, phi.x.petsc_vec)
        phi.x.scatter_forward()
        return phi

    def recover_displacement(self, opening: Floats, youngs_modulus: float, stack_pressure: float) -> fem.Function:
        """Return u [um] in the bulk from the opening (m,) of the crack dofs and the loads."""
        u = fem.Function(self.displacement_space, name="displacement")
        stack, lateral = stack_pressure / youngs_modulus, self.loads.lateral_stress / youngs_modulus
        load = self.stack_load.copy()
        load.scale(stack)
        load.axpy(lateral, self.lateral_load)
        moved = 0.0
        if self.plate is not None:
            moved = self.plate.displacement(0.5 * opening, stack, lateral)
            load.axpy(-moved, self.plate.force)
        self.elastic_operator.recover(0.5 * opening, load, u.x.petsc_vec)
        if self.plate is not None:
            u.x.petsc_vec.axpy(moved, self.plate.shift)
        u.x.scatter_forward()
        load.destroy()
        return u


def _digest(rows: NDArray[np.uint64], seed: int) -> np.uint64:
    """Order-independent 64-bit hash of a set of rows."""
    h = np.full(len(rows), (0x9E3779B97F4A7C15 * seed) % 2**64, dtype=np.uint64)
    for column in rows.T:
        h = (h ^ column) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
        h ^= h >> np.uint64(29)
    return np.sum(h, dtype=np.uint64)
