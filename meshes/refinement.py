"""Local refinement of a mesh on one rank by longest-edge bisection (Plaza & Carey, Appl. Numer. Math. 32 (2000) 195).

Old nodes stay and new ones halve old edges: what is linear on the old cells is so on the new ones, so that P1 fields
carry over exactly, their bounds and integrals with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from mpi4py import MPI
from scipy.spatial import cKDTree

from .serial_mesh import Floats, Ints, RawMesh
from .tagged import TaggedMesh, distribute

import lifrac.backend  # noqa: F401  isort: skip
import dolfinx.mesh

ROUNDING = 1.0e-6
"""A cell larger than wanted by this fraction of its size is as wanted: halved coordinates are rounded."""
MAX_LEVELS = 40


@dataclass(frozen=True)
class SizeDemand:
    """Cells near some points are to be no larger than a size.

    What is wanted farther ahead only matters once something near is too large; otherwise every small move of the
    points would ask for a few more cells.

    Parameters
    ----------
    points : (k, dim) float
        [um]; those of this rank where ranks share the demand.
    near, ahead : float
        Distances [um] from the points: within which a larger cell makes the mesh unfit, and within which cells are
        refined then.
    size : float
        Leg of the cells [um], see `cell_sizes`.
    """

    points: Floats
    near: float
    ahead: float
    size: float


@dataclass(frozen=True)
class Refined:
    """A refined mesh and where it comes from.

    Attributes
    ----------
    raw : RawMesh
    parent : (m,) int
        The cell of the mesh before that each cell is part of.
    levels : tuple of (n, 2) int
        For each round of bisection, the two nodes of the mesh before it in whose middle each node lies; twice the same
        for an old node.
    """

    raw: RawMesh
    parent: Ints
    levels: tuple[Ints, ...]

    def nodal(self, values: Floats) -> Floats:
        """Values at the new nodes of a P1 field, from those at the old ones: (n,) or (n, components).

        Exact, so that an amount per volume keeps its integral, and a value between bounds stays between them.
        """
        for pairs in self.levels:
            values = 0.5 * (values[pairs[:, 0]] + values[pairs[:, 1]])
        return values

    def cellwise[T: np.generic](self, values: npt.NDArray[T]) -> npt.NDArray[T]:
        """Values in the new cells of what is constant in each old one."""
        return values[self.parent]


def cell_sizes(points: Floats, cells: npt.NDArray[np.integer]) -> Floats:
    """(dim! volume)^(1/dim) [um]: the leg of a right-angled triangle, or of a sixth of a cube, as large as the cell."""
    corners = points[cells]
    dim = cells.shape[1] - 1
    edges = corners[:, 1:, :dim] - corners[:, :1, :dim]
    return np.asarray(np.abs(np.linalg.det(edges)) ** (1.0 / dim))


def refine(raw: RawMesh, demands: Sequence[SizeDemand]) -> Refined | None:
    """Halve cells until every demand is met; None if nothing near the points is too large.

    A cell twice as large as wanted, or more, has all its edges halved, a smaller one the longest only; neighbours are
    bisected as longest edges ask for. Angles stay above half of the smallest one in 2D.
    """
    if not any((_excess(raw, demand, demand.near) > 1.0).any() for demand in demands):
        return None
    levels: list[Ints] = []
    parent = np.arange(len(raw.cells))
    for _ in range(MAX_LEVELS):
        excess = np.stack([_excess(raw, demand, demand.ahead) for demand in demands]).max(axis=0)
        if excess.max() <= 1.0:
            break
        raw, of_cell, pairs = _halve(raw, excess)
        parent = parent[of_cell]
        levels.append(pairs)
    return Refined(raw, parent, tuple(levels))


def _excess(raw: RawMesh, demand: SizeDemand, distance: float) -> Floats:
    """Size of each cell over the wanted one where it reaches closer than a distance to the points, else 0."""
    excess = cell_sizes(raw.points, raw.cells) / (demand.size * (1.0 + ROUNDING))
    rows = np.flatnonzero(excess > 1.0)
    if len(demand.points) == 0 or len(rows) == 0:
        return np.zeros(len(raw.cells))
    corners = raw.points[raw.cells[rows]]
    middle = corners.mean(axis=1)
    reach = np.linalg.norm(corners - middle[:, None], axis=2).max(axis=1)
    away, _ = cKDTree(demand.points).query(middle)
    excess[rows[away > distance + reach]] = 0.0
    return excess


def _halve(raw: RawMesh, excess: Floats) -> tuple[RawMesh, Ints, Ints]:
    """One round of bisection: the new mesh, the old cell of each new one, the pair of old nodes of each new one."""
    tagged = distribute(MPI.COMM_SELF, raw)
    old, dim = tagged.mesh, raw.dim
    old_cells = np.asarray(old.topology.original_cell_index)
    new, parent, parent_facet = dolfinx.mesh.refine(
        old, _edges(old, excess[old_cells]), option=dolfinx.mesh.RefinementOption.parent_cell_and_facet
    )
    of_cell = old_cells[parent[new.topology.original_cell_index]]  # parents come in the order of input
    new_cells = np.asarray(new.geometry.dofmaps[0], dtype=np.int64)
    pairs = _pairs(raw, new.geometry.x[:, :dim], new_cells, of_cell)
    points = 0.5 * (raw.points[pairs[:, 0]] + raw.points[pairs[:, 1]])
    groups = _facet_groups(tagged, new, parent, parent_facet)
    cell_groups = {name: np.flatnonzero(np.isin(of_cell, rows)) for name, rows in raw.cell_groups.items()}
    return RawMesh(points, new_cells, groups, cell_groups), of_cell, pairs


def _edges(mesh: dolfinx.mesh.Mesh, excess: Floats) -> npt.NDArray[np.int32]:
    """Edges to be halved: all of the cells with an excess of two or more, the longest of the other ones above one."""
    topology = mesh.topology
    topology.create_entities(1)
    topology.create_connectivity(1, topology.dim)
    of_cell = topology.connectivity(topology.dim, 1).array.reshape(len(excess), -1)
    ends = dolfinx.mesh.entities_to_geometry(mesh, 1, np.arange(of_cell.max() + 1, dtype=np.int32))
    length = np.linalg.norm(mesh.geometry.x[ends[:, 0]] - mesh.geometry.x[ends[:, 1]], axis=1)
    longest = of_cell[np.arange(len(of_cell)), length[of_cell].argmax(axis=1)]
    far = excess > 2.0 * (1.0 - 2.0 * ROUNDING)
    return np.unique(np.concatenate([of_cell[far].ravel(), longest[(excess > 1.0) & ~far]]))


def _pairs(raw: RawMesh, points: Floats, cells: Ints, of_cell: Ints) -> Ints:
    """Return the two old nodes in whose middle each new one lies (n, 2).

    Its barycentric coordinates in an old cell are 0, 1/2 and 1.
    """
    _, first = np.unique(cells, return_index=True)
    around = raw.cells[of_cell[first // cells.shape[1]]]
    corners = raw.points[around]
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    inner = np.linalg.solve(edges, (points - corners[:, 0])[..., None])[..., 0]
    share = np.column_stack([1.0 - inner.sum(axis=1), inner])
    order = np.argsort(share, axis=1)
    rows = np.arange(len(share))
    largest = around[rows, order[:, -1]]
    second = np.where(share[rows, order[:, -2]] > 0.25, around[rows, order[:, -2]], largest)
    return np.column_stack([largest, second])


def _facet_groups(
    tagged: TaggedMesh, new: dolfinx.mesh.Mesh, parent: npt.NDArray[np.int32], parent_facet: npt.NDArray[np.int8]
) -> dict[str, Ints]:
    """Nodes of the new facets in each group."""
    dim = new.topology.dim
    for a, b in pairwise((dim, dim - 1, dim)):
        new.topology.create_connectivity(a, b)
        tagged.mesh.topology.create_connectivity(a, b)
    tags = dolfinx.mesh.transfer_meshtag(tagged.facet_tags, new, parent, parent_facet)
    names = {tag: name for name, tag in tagged.groups.items()}
    facets = {tag: dolfinx.mesh.entities_to_geometry(new, dim - 1, tags.find(tag)) for tag in names}
    return {name: np.unique(np.sort(facets[tag].astype(np.int64), axis=1), axis=0) for tag, name in names.items()}
