"""Size and quality of a mesh, the same numbers on every rank."""

from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from .serial_mesh import RawMesh

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MeshReport:
    """Size and quality of a mesh.

    Attributes
    ----------
    dim, cells, nodes : int
        Dimension, number of cells and of nodes.
    shortest_edge, longest_edge : float
        Over all cells [um].
    worst_quality, mean_quality : float
        dim x inscribed radius / circumscribed radius of the cells: 1 for equal edges, 0 for a flat cell.
    lower_corner, upper_corner : tuple of float
        Bounding box [um].
    crack_plane_nodes : int
        Number of nodes on the crack plane; 0 where the mesh has none.
    crack_plane_shortest_edge, crack_plane_longest_edge : float
        Over the facets of the crack plane [um]; 0 where the mesh has none.
    flaw_cells : int
        Number of cells in the group `flaw`.
    flaw_cell_size : float
        Edge of the squares (cubes) that they are halves (sixths) of, on average [um]; 0 where there are none.
    anode_area, counter_area : float
        Of the electrodes as meshed, a half or a quarter of them where the body is one [um2; um per depth in 2D].
    """

    dim: int
    cells: int
    nodes: int
    shortest_edge: float
    longest_edge: float
    worst_quality: float
    mean_quality: float
    lower_corner: tuple[float, ...]
    upper_corner: tuple[float, ...]
    crack_plane_nodes: int
    crack_plane_shortest_edge: float
    crack_plane_longest_edge: float
    flaw_cells: int = 0
    flaw_cell_size: float = 0.0
    anode_area: float = 0.0
    counter_area: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """All numbers by name, ready for JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    def as_text(self) -> str:
        """Return the report as a short table for people."""
        box = " x ".join(f"[{low:g}, {high:g}]" for low, high in zip(self.lower_corner, self.upper_corner, strict=True))
        shape = "triangles" if self.dim == 2 else "tetrahedra"
        rows = [
            ("cells", f"{self.cells} {shape}" + (f", {self.flaw_cells} in the flaw" if self.flaw_cells else "")),
            ("nodes", f"{self.nodes}, {self.crack_plane_nodes} on the crack plane"),
            ("edges", f"{self.shortest_edge:.4g} to {self.longest_edge:.4g} um"),
            (
                "crack plane",
                f"edges {self.crack_plane_shortest_edge:.4g} to {self.crack_plane_longest_edge:.4g} um",
            ),
            ("quality", f"worst {self.worst_quality:.3f}, mean {self.mean_quality:.3f} (1 is best)"),
            ("box", f"{box} um"),
            ("electrodes", f"anode {self.anode_area:.6g}, counter {self.counter_area:.6g} {area_unit(self.dim)}"),
        ]
        if not self.crack_plane_nodes:
            rows[1] = ("nodes", f"{self.nodes}")
            del rows[3]
        return "\n".join(f"{name:<12} {value}" for name, value in rows)


def measure(raw: RawMesh) -> MeshReport:
    """Measure a mesh held on one rank."""
    edges = _edge_lengths(raw.points, raw.cells)
    quality = cell_quality(raw.points, raw.cells)
    crack = raw.groups.get("crack_plane", np.empty((0, raw.dim), dtype=np.int64))
    crack_edges = _edge_lengths(raw.points, crack)
    return MeshReport(
        dim=raw.dim,
        cells=len(raw.cells),
        nodes=len(raw.points),
        shortest_edge=float(edges.min()),
        longest_edge=float(edges.max()),
        worst_quality=float(quality.min()),
        mean_quality=float(quality.mean()),
        lower_corner=tuple(float(v) for v in raw.points.min(axis=0)),
        upper_corner=tuple(float(v) for v in raw.points.max(axis=0)),
        crack_plane_nodes=int(np.unique(crack).size),
        crack_plane_shortest_edge=float(crack_edges.min()) if len(crack) else 0.0,
        crack_plane_longest_edge=float(crack_edges.max(initial=0.0)),
        flaw_cells=len(raw.cell_groups.get("flaw", ())),
        flaw_cell_size=cell_size(raw.points, raw.cells[raw.cell_groups.get("flaw", [])]),
        anode_area=group_area(raw, "anode"),
        counter_area=group_area(raw, "counter"),
    )


def area_unit(dim: int) -> str:
    """Return the unit of areas of a body in 2D or 3D."""
    return "um (per depth)" if dim == 2 else "um2"


def group_area(raw: RawMesh, group: str) -> float:
    """Return the area of the facets of a group [um2; um per depth in 2D]; 0 where the mesh has none."""
    corners = raw.points[raw.groups.get(group, np.empty((0, raw.dim), dtype=np.int64))]
    if raw.dim == 2:
        return float(np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1).sum())
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(0.5 * np.linalg.norm(normals, axis=1).sum())


def cell_quality(points: Array, cells: npt.NDArray[np.int64]) -> Array:
    """Radius ratio dim r_in / r_out of triangles or tetrahedra [-].

    The inscribed radius is dim V / (sum of facet areas). The circumscribed radius follows from the centre c,
    which solves 2 e_i . c = e_i . e_i for the edges e_i from one corner.
    """
    dim = cells.shape[1] - 1
    corners = points[cells]
    edges = corners[:, 1:] - corners[:, :1]
    measure = np.abs(np.linalg.det(edges)) / (2 if dim == 2 else 6)
    scale = np.max(np.sum(edges**2, axis=2), axis=1) ** (dim / 2)
    flat = measure <= 1e-14 * scale
    edges[flat] = np.eye(dim)
    centre = np.linalg.solve(2 * edges, np.sum(edges**2, axis=2)[..., None])[..., 0]
    outer = np.linalg.norm(centre, axis=1)
    quality = dim * dim * measure / _surface(corners) / outer
    return np.asarray(np.where(flat, 0.0, quality))


def cell_size(points: Array, cells: npt.NDArray[np.int64]) -> float:
    """(dim! x mean measure)^(1/dim): h of a row of right-angled triangles with legs h."""
    if not len(cells):
        return 0.0
    corners = points[cells]
    return float(np.mean(np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))) ** (1.0 / corners.shape[2]))


def _surface(corners: Array) -> Array:
    """Perimeter of triangles [um] or surface of tetrahedra [um2] given by their corners."""
    faces = combinations(range(corners.shape[1]), corners.shape[1] - 1)
    if corners.shape[1] == 3:
        parts = [np.linalg.norm(corners[:, b] - corners[:, a], axis=1) for a, b in faces]
    else:
        parts = [
            np.linalg.norm(np.cross(corners[:, b] - corners[:, a], corners[:, c] - corners[:, a]), axis=1) / 2
            for a, b, c in faces
        ]
    return np.asarray(np.sum(parts, axis=0))


def _edge_lengths(points: Array, simplices: npt.NDArray[np.int64]) -> Array:
    """Lengths of all edges of the simplices [um]; edges that are shared appear more than once."""
    pairs = combinations(range(simplices.shape[1]), 2)
    return np.concatenate([np.linalg.norm(points[simplices[:, b]] - points[simplices[:, a]], axis=1) for a, b in pairs])
