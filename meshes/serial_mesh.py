"""Meshes as plain arrays on one rank: what gmsh, meshio and the checks exchange before distribution."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CELL_GROUP = "electrolyte"
FACET_GROUPS = {"anode": 1, "counter": 2, "crack_plane": 3, "lateral": 4, "side": 5, "pore": 6, "bare": 7}
"""Names of the facet groups and the tags they always carry."""

CELL_GROUPS = {"flaw": 1}
"""Names of the groups of some cells (all are in `CELL_GROUP`) and the tags they always carry."""

SIMPLICES = ("vertex", "line", "triangle", "tetra")
"""First-order shapes by dimension, in meshio's names."""


@dataclass(frozen=True)
class NamedCells:
    """A mesh as a file holds it, before any check.

    Attributes
    ----------
    points : (n, 3) float
        Coordinates in the file's unit of length.
    cells : dict of (m, k) int
        Shape in meshio's names -> node numbers.
    groups : dict of dict of int
        Group name -> shape -> row numbers in `cells`.
    """

    points: Floats
    cells: dict[str, Ints]
    groups: dict[str, dict[str, Ints]] = field(default_factory=dict)


@dataclass(frozen=True)
class RawMesh:
    """First-order simplices with named groups of facets and of cells.

    Attributes
    ----------
    points : (n, dim) float
        Coordinates [um].
    cells : (m, dim + 1) int
        Node numbers of the cells.
    groups : dict of (k, dim) int
        Node numbers of the facets of each group.
    cell_groups : dict of (k,) int
        Numbers of the cells of each group, the one of all cells left out.
    unknown_groups : tuple of str
        Groups of the file that are none of ours and mean nothing here.
    """

    points: Floats
    cells: Ints
    groups: dict[str, Ints]
    cell_groups: dict[str, Ints] = field(default_factory=dict)
    unknown_groups: tuple[str, ...] = ()

    @property
    def dim(self) -> int:
        """Dimension of the cells, and of the space they lie in."""
        return self.cells.shape[1] - 1


def merged(named: NamedCells) -> NamedCells:
    """Keep each element once: some formats write it again for every group it is in. Its groups are united."""
    cells, kept = {}, {}
    for shape, nodes in named.cells.items():
        _, first, where = np.unique(np.sort(nodes, axis=1), axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first)  # the file's order
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        cells[shape], kept[shape] = nodes[first[order]], number[where.ravel()]
    groups = {
        name: {shape: np.unique(kept[shape][rows]) for shape, rows in of_name.items() if shape in kept}
        for name, of_name in named.groups.items()
    }
    return NamedCells(named.points, cells, groups)


def to_raw(named: NamedCells, dim: int, scale: float = 1.0, unknown_groups: tuple[str, ...] = ()) -> RawMesh:
    """Keep cells, known groups and used nodes; `scale` is the file's unit of length [um]."""
    cells = named.cells[SIMPLICES[dim]]
    used = np.unique(cells)
    number = np.full(len(named.points), -1, dtype=np.int64)
    number[used] = np.arange(used.size)
    facets = SIMPLICES[dim - 1]
    groups = {
        name: number[named.cells[facets][rows[facets]]]
        for name, rows in named.groups.items()
        if name in FACET_GROUPS and name not in unknown_groups and len(rows.get(facets, ())) > 0
    }
    cell_groups = {
        name: np.unique(rows[SIMPLICES[dim]])
        for name, rows in named.groups.items()
        if name in CELL_GROUPS and len(rows.get(SIMPLICES[dim], ())) > 0
    }
    return RawMesh(named.points[used, :dim] * scale, number[cells], groups, cell_groups, unknown_groups)


def facet_numbers(rows: Ints, nodes: int) -> tuple[Ints, Ints]:
    """Give facets a number that are listed by their sorted node numbers.

    Returns
    -------
    first : int array
        First row of each facet.
    number : int array
        Number of the facet in every row.
    """
    key = rows[:, 0]
    for column in rows.T[1:]:
        if len(key) and int(key.max() + 1) * nodes >= 2**62:
            key = np.unique(key, return_inverse=True)[1]
        key = key * nodes + column
    _, first, facet = np.unique(key, return_index=True, return_inverse=True)
    return first, facet


def facets_of(cells: Ints) -> Ints:
    """Return the sorted node numbers of the facets of cells, corner by corner.

    The facet opposite the first corner of all cells comes first, then that of the second, and so on.
    """
    return np.sort(np.concatenate([np.delete(cells, corner, axis=1) for corner in range(cells.shape[1])]), axis=1)


def exterior(raw: RawMesh) -> tuple[Ints, Ints, Ints]:
    """Compare the facets of the cells with those in groups.

    Returns
    -------
    outer : (k, dim) int
        Node numbers of the facets that belong to one cell only.
    tagged : (k,) int
        In how many groups each of them is.
    astray : (l, dim) int
        Facets in a group that are not exterior.
    """
    of_cells = facets_of(raw.cells)
    of_groups = np.concatenate([np.empty((0, raw.dim), dtype=np.int64), *raw.groups.values()])
    rows = np.concatenate([of_cells, np.sort(of_groups, axis=1)])
    first, facet = facet_numbers(rows, len(raw.points))
    owners = np.bincount(facet[: len(of_cells)], minlength=len(first))
    tags = np.bincount(facet[len(of_cells) :], minlength=len(first))
    return rows[first[owners == 1]], tags[owners == 1], rows[first[(owners != 1) & (tags > 0)]]
