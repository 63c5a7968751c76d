"""Bodies with cracks of any path and pores: one row of cells, sizes where they are wanted, groups, every refusal."""

import math
from dataclasses import replace
from pathlib import Path

import meshio
import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes import builder
from lifrac.meshes.builder import build, write_msh
from lifrac.meshes.geometries.cracked import Corridor, CrackedSlab, Pore
from lifrac.meshes.geometries.polylines import distance_between, distance_to_point, lengths, segments, strip
from lifrac.meshes.reader import read_mesh
from lifrac.meshes.report import cell_quality
from lifrac.meshes.serial_mesh import RawMesh
from mpi4py import MPI

H = 0.5
INCLINED = ((2.0, 0.0), (12.0, 17.3))
KINKED = ((0.0, 0.0), (0.0, 9.0), (6.0, 14.0), (6.0, 18.0))
PORE = Pore(0.0, 12.0, 5.0)
JOINED = ((3.0, 8.0), (9.0, 0.0))
ABOVE = ((0.0, 17.0), (0.0, 22.0))
SLAB = CrackedSlab(thickness=60, half_width=40, band_size=H, far_size=6)
BODIES = {
    "inclined": replace(SLAB, cracks=(INCLINED,)),
    "kinked": replace(SLAB, cracks=(KINKED,)),
    "two": replace(SLAB, cracks=(((-5.0, 0.0), (-5.0, 10.0)), ((6.0, 0.0), (4.0, 8.0)))),
    "pore": replace(SLAB, cracks=(JOINED, ABOVE), pores=(PORE, Pore(-20.0, 30.0, 3.0))),
    "oblique": replace(SLAB, cracks=(((3.0, 8.0), (3.0, 0.0)),), pores=(PORE,)),
}


@pytest.fixture(scope="module", params=BODIES)
def body(request: pytest.FixtureRequest) -> tuple[CrackedSlab, RawMesh]:
    slab = BODIES[request.param]
    return slab, builder._mesh(slab)


def areas(raw: RawMesh, cells: np.ndarray | None = None) -> float:
    corners = raw.points[raw.cells if cells is None else raw.cells[cells]]
    return float(0.5 * np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])).sum())


def test_flaw_is_one_row_of_cells(body: tuple[CrackedSlab, RawMesh]) -> None:
    """Every node of a strip is half its width off the middle line, two cells to a station; the tips are square."""
    slab, raw = body
    cells = raw.cell_groups["flaw"]
    nodes = raw.points[np.unique(raw.cells[cells])]
    pieces = [piece for crack in slab.cracks for piece in segments(crack)]
    for node in nodes:
        off = [abs(_across(piece, node)) for piece in pieces]
        assert np.abs(np.array(off) - 0.5 * H).min() < 1e-9
    counts = [math.ceil(length / H - 1e-9) for crack in slab.cracks for length in lengths(crack)]
    assert len(cells) == 2 * sum(counts)
    wanted = H * sum(float(lengths(crack).sum()) for crack in slab.cracks)
    # Where a strip ends on a round wall that it meets at an angle, its middle line is not its mean length.
    assert areas(raw, cells) == pytest.approx(wanted, rel=1e-9 if not slab.pores else 0.02)


def _across(piece: np.ndarray, point: np.ndarray) -> float:
    way = (piece[1] - piece[0]) / np.linalg.norm(piece[1] - piece[0])
    return float(way[0] * (point[1] - piece[0, 1]) - way[1] * (point[0] - piece[0, 0]))


def test_strip_opens_over_its_whole_width(body: tuple[CrackedSlab, RawMesh]) -> None:
    """One facet of the anode face or the wall at each mouth, as wide as the strip is there."""
    slab, raw = body
    cells = raw.cells[raw.cell_groups["flaw"]]
    owners = {tuple(sorted(cell[[i, j]])) for cell in cells for i, j in ((0, 1), (1, 2), (0, 2))}
    for crack in slab.cracks:
        for anchor, end, way in zip(slab.anchors(crack), (crack[0], crack[-1]), _ways(crack), strict=True):
            if anchor is None:
                continue
            group = "pore" if isinstance(anchor, Pore) else "anode"
            facets = [f for f in raw.groups[group] if tuple(sorted(f)) in owners]
            middles = [raw.points[f].mean(axis=0) for f in facets]
            mouth = facets[int(np.argmin([math.dist(m, end) for m in middles]))]
            edge = raw.points[mouth[1]] - raw.points[mouth[0]]
            across = abs(way[0] * edge[1] - way[1] * edge[0])
            assert across == pytest.approx(H, rel=1e-9)
            assert math.dist(raw.points[mouth].mean(axis=0), end) < 0.05 * H


def _ways(crack: tuple) -> tuple[np.ndarray, np.ndarray]:
    along = [np.subtract(b, a) / math.dist(a, b) for a, b in (crack[:2], crack[-2:])]
    return along[0], along[1]


def test_cells_are_usable_and_fill_the_body(body: tuple[CrackedSlab, RawMesh]) -> None:
    slab, raw = body
    assert cell_quality(raw.points, raw.cells).min() > 0.2
    holes = sum(math.pi * pore.radius**2 for pore in slab.pores)
    assert areas(raw) == pytest.approx(80 * 60 - holes, rel=1e-3)
    if not slab.pores:
        assert areas(raw) == pytest.approx(80 * 60, rel=1e-12)
    assert set(raw.groups) == {"anode", "counter", "lateral"} | ({"pore"} if slab.pores else set())
    assert [np.abs(raw.points[raw.groups["lateral"], 0]).min(), raw.points[:, 0].min()] == [40, -40]


def test_fine_in_the_corridor_and_nowhere_else() -> None:
    path = ((0.0, 0.0), (0.0, 40.0))
    slab = replace(SLAB, cracks=(((0.0, 0.0), (0.0, 10.0)),), reach=(Corridor(path, 6.0),))
    raw = builder._mesh(slab)
    corners = raw.points[raw.cells]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    distance = np.array([distance_to_point(np.array(path), middle) for middle in corners.mean(axis=1)])
    assert longest[distance < 6.0].max() < 1.6 * H
    wanted = H + slab.growth * (distance - 6.0)
    far = distance > 12.0
    assert np.median(longest[far] / np.minimum(wanted[far], slab.far_size)) == pytest.approx(1.1, abs=0.2)
    fine = 2 / math.sqrt(3) * (40 * 12 + 18 * math.pi) / H**2
    assert len(raw.points) < 2.0 * fine


def test_meshing_is_reproducible() -> None:
    first, second = (builder._mesh(BODIES["pore"]) for _ in range(2))
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.cells, second.cells)


def test_groups_reach_the_distributed_mesh() -> None:
    slab = BODIES["pore"]
    tagged, raw = build(slab, MPI.COMM_SELF), builder._mesh(slab)
    assert tagged.cell_groups == {"flaw": 1}
    assert len(tagged.cells("flaw")) == len(raw.cell_groups["flaw"]) == tagged.report.flaw_cells
    assert len(tagged.facets("pore")) == len(raw.groups["pore"])
    assert tagged.report.crack_plane_nodes == 0
    assert tagged.report.flaw_cell_size == pytest.approx(H, rel=0.05)
    assert f"{tagged.report.flaw_cells} in the flaw" in tagged.report.as_text()
    assert "crack plane" not in tagged.report.as_text()
    original = tagged.mesh.topology.original_cell_index[tagged.cells("flaw")]
    np.testing.assert_array_equal(np.sort(original), raw.cell_groups["flaw"])
    with pytest.raises(KeyError, match="no group of cells 'hole'"):
        tagged.cells("hole")


@pytest.mark.parametrize("version", [4.1, 2.2])
def test_own_mesh_may_name_flaw_and_pore(tmp_path: Path, version: float) -> None:
    """Old files hold one group a cell: cells of the flaw are then in no other."""
    import gmsh

    path, old = tmp_path / "body.msh", tmp_path / "old.msh"
    write_msh(BODIES["pore"], path)
    gmsh.initialize([], readConfigFiles=False, interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.merge(str(path))
        if version < 4:
            gmsh.model.removePhysicalGroups([(2, 1)])
            flaw = set(gmsh.model.getEntitiesForPhysicalGroup(2, 2).tolist())
            rest = [tag for _, tag in gmsh.model.getEntities(2) if tag not in flaw]
            gmsh.model.addPhysicalGroup(2, rest, 1, "electrolyte")
        gmsh.option.setNumber("Mesh.MshFileVersion", version)
        gmsh.write(str(old))
    finally:
        gmsh.finalize()
    theirs, ours = read_mesh(old, MPI.COMM_SELF), build(BODIES["pore"], MPI.COMM_SELF)
    assert (theirs.groups, theirs.cell_groups) == (ours.groups, ours.cell_groups)
    assert theirs.report.flaw_cells == ours.report.flaw_cells
    assert len(theirs.facets("pore")) == len(ours.facets("pore"))
    assert "flaw" in meshio.read(path).cell_sets


def test_plane_engine_refuses_a_body_without_crack_plane() -> None:
    from lifrac.solver.plane.surface import gather_surface

    with pytest.raises(InputError, match=r"fracture.engine = 'plane'.*no crack_plane.*phase_field"):
        gather_surface(build(replace(SLAB, band_size=2.0, cracks=(INCLINED,)), MPI.COMM_SELF))


PORE_LOW = replace(PORE, y=5.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thickness": 0.0}, "thickness = 0.0: must be a positive number"),
        ({"band_size": -1.0}, "band_size"),
        ({"growth": math.nan}, "growth"),
        ({"far_size": 0.1}, "must not be smaller than band_size"),
        ({"pores": (Pore(0.0, 20.0, -2.0),)}, "pores.radius = -2.0"),
        ({"pores": (PORE_LOW,)}, "touches or crosses a face"),
        ({"pores": (replace(PORE, x=38.0),)}, "touches or crosses a face"),
        ({"pores": (PORE, replace(PORE, y=22.0))}, "touches another pore"),
        ({"reach": (Corridor(INCLINED, 0.0),)}, "reach.half_width"),
        ({"cracks": (((0.0, 0.0), (0.0, 61.0)),)}, "leaves the body"),
        ({"cracks": (((0.0, 0.0), (45.0, 20.0)),)}, "leaves the body"),
        ({"cracks": (((0.0, 0.0), (20.0, 0.5)),)}, "runs along its face"),
        ({"cracks": (((0.0, 0.0), (0.0, math.inf)),)}, "not numbers"),
        ({"cracks": (((0.0, 0.0), (0.0, 0.7)),)}, "two cells long"),
        ({"cracks": (((0.0, 0.0),),)}, "two cells long"),
        ({"cracks": (((0.0, 0.0), (20.0, 3.0)),)}, "less than 15 degrees"),
        ({"cracks": (((0.0, 0.0), (0.0, 10.0), (1.0, 2.0)),)}, "turns back"),
        ({"cracks": (((0.0, 5.0), (0.0, 15.0)),)}, "not connected to the anode face"),
        ({"cracks": (ABOVE,), "pores": (PORE,)}, "not connected to the anode face"),
        ({"cracks": (((0.0, 0.0), (0.0, 10.0)),), "pores": (PORE,)}, "runs into or along a pore"),
        ({"cracks": (((4.9, 0.0), (4.9, 30.0)),), "pores": (PORE,)}, "runs into or along a pore"),
        ({"cracks": (INCLINED, ((12.0, 0.0), (2.0, 17.0)))}, "closer than three cells"),
        ({"cracks": (INCLINED, ((3.0, 0.0), (13.0, 17.3)))}, "closer than three cells"),
        ({"cracks": (JOINED,), "pores": (PORE,), "band_size": 2.6}, "half the radius"),
    ],
)
def test_impossible_body_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(SLAB, **change)  # type: ignore[arg-type]


def test_buried_crack_is_allowed_where_no_connection_is_wanted() -> None:
    raw = builder._mesh(replace(SLAB, cracks=(((-4.0, 20.0), (5.0, 24.0)),), connected=False))
    assert areas(raw, raw.cell_groups["flaw"]) == pytest.approx(H * math.hypot(9, 4), rel=1e-9)


def test_distances_of_pieces() -> None:
    one = np.array([[0.0, 0.0], [4.0, 0.0]])
    assert distance_to_point(one, (2.0, 3.0)) == 3.0
    assert distance_to_point(one, (7.0, 4.0)) == 5.0
    assert distance_between(one, np.array([[2.0, 1.0], [2.0, 5.0]])) == 1.0
    assert distance_between(one, np.array([[2.0, -1.0], [2.0, 5.0]])) == 0.0
    assert distance_between(one, np.array([[5.0, -1.0], [5.0, 5.0]])) == 1.0


def test_strip_keeps_its_width_at_kinks() -> None:
    quads = strip(KINKED, 0.4, 1.0, 0.0)
    assert len(quads) == 3
    for quad, piece in zip(quads, segments(KINKED), strict=True):
        np.testing.assert_allclose([_across(piece, corner) for corner in quad], [0.2, -0.2, -0.2, 0.2])
    np.testing.assert_allclose(quads[0, :2], [[-0.2, -1.0], [0.2, -1.0]])
    np.testing.assert_array_equal(quads[0, [3, 2]], quads[1, :2])
