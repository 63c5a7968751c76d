"""Local refinement: sizes, conformity, groups, shape, and what is carried over."""

import numpy as np
import pytest
from lifrac.meshes.builder import build
from lifrac.meshes.gather_mesh import gather
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.refinement import SizeDemand, cell_sizes, refine
from lifrac.meshes.report import cell_quality
from lifrac.meshes.serial_mesh import RawMesh, exterior
from mpi4py import MPI

NEAR, AHEAD = 2.0, 5.0
SIZE = {2: 0.25, 3: 1.0}


@pytest.fixture(scope="module", params=["2D", "3D"])
def raw(request: pytest.FixtureRequest) -> RawMesh:
    slab = SlabEdgeFlaw(60.0, 60.0, 10.0, 2.0, 10.0, growth=0.2, path_growth=0.1)
    block = HalfPennyBlock(40.0, 40.0, 40.0, 10.0, 4.0, 12.0, growth=0.3)
    found = gather(build(slab if request.param == "2D" else block, MPI.COMM_SELF))
    assert found is not None
    inside = np.flatnonzero(found.points[found.cells].mean(axis=1)[:, 1] < 15.0)
    return RawMesh(found.points, found.cells, found.groups, {"flaw": inside})


def at(raw: RawMesh, y: float, size: float) -> SizeDemand:
    points = np.zeros((1, raw.dim))
    points[0, 1] = y
    return SizeDemand(points, NEAR, AHEAD, size)


def volumes(points: np.ndarray, simplices: np.ndarray) -> np.ndarray:
    """Return the volumes of cells, up to a factor; those of facets by Gram's determinant."""
    edges = points[simplices[:, 1:]] - points[simplices[:, :1]]
    return np.sqrt(np.linalg.det(edges @ np.swapaxes(edges, 1, 2)))


def test_cells_near_the_points_are_as_small_as_wanted_and_the_mesh_stays_one(raw: RawMesh) -> None:
    size = SIZE[raw.dim]
    refined = refine(raw, [at(raw, 12.0, size)])
    assert refined is not None
    new = refined.raw
    middle = new.points[new.cells].mean(axis=1)
    sizes = cell_sizes(new.points, new.cells)
    away = np.linalg.norm(middle - at(raw, 12.0, size).points, axis=1)
    assert sizes[away < AHEAD].max() <= size * 1.00001
    assert sizes[away < AHEAD].mean() > 0.6 * size
    assert len(new.cells) < 0.2 * len(raw.cells) * (cell_sizes(raw.points, raw.cells).max() / size) ** raw.dim
    assert volumes(new.points, new.cells).sum() == pytest.approx(volumes(raw.points, raw.cells).sum(), rel=1e-12)
    outer, tagged, astray = exterior(new)  # a hanging node would make facets inside exterior ones
    assert (tagged == 1).all()
    assert len(astray) == 0
    before = volumes(raw.points, exterior(raw)[0]).sum()
    assert volumes(new.points, outer).sum() == pytest.approx(before, rel=1e-12)


def test_groups_keep_their_area_and_place(raw: RawMesh) -> None:
    refined = refine(raw, [at(raw, 12.0, SIZE[raw.dim]), at(raw, 0.0, SIZE[raw.dim])])
    assert refined is not None
    new = refined.raw
    assert set(new.groups) == set(raw.groups)
    for name, facets in raw.groups.items():
        area = volumes(raw.points, facets).sum()
        assert volumes(new.points, new.groups[name]).sum() == pytest.approx(area, rel=1e-12), name
    assert (new.points[new.groups["anode"]][..., 1] == 0.0).all()
    assert len(new.groups["anode"]) > len(raw.groups["anode"])
    flaw, of_flaw = volumes(raw.points, raw.cells), volumes(new.points, new.cells)
    rows = new.cell_groups["flaw"]
    assert of_flaw[rows].sum() == pytest.approx(flaw[raw.cell_groups["flaw"]].sum(), rel=1e-12)
    assert (refined.cellwise(np.isin(np.arange(len(raw.cells)), raw.cell_groups["flaw"]))[rows]).all()


def test_shapes_do_not_degenerate(raw: RawMesh) -> None:
    """The worst cell of seven levels is that of three."""
    worst = []
    for depth in (3, 7):
        refined = refine(raw, [SizeDemand(at(raw, 12.0, 1.0).points, 0.0, 16.0 / 2**depth, 8.0 / 2**depth)])
        assert refined is not None
        worst.append(cell_quality(refined.raw.points, refined.raw.cells).min())
    assert worst[0] >= 0.3 * cell_quality(raw.points, raw.cells).min()
    assert worst[1] >= 0.95 * worst[0]


def test_linear_fields_integrals_and_bounds_carry_over(raw: RawMesh) -> None:
    refined = refine(raw, [at(raw, 12.0, SIZE[raw.dim])])
    assert refined is not None
    new = refined.raw
    assert np.array_equal(refined.nodal(raw.points), new.points)
    random = np.random.default_rng(3)
    low, high = random.random((2, len(raw.points)))
    low, high = np.minimum(low, high), np.maximum(low, high)
    density = np.where(random.random(len(raw.points)) < 0.5, low, high)
    carried = [refined.nodal(v) for v in (low, density, high)]
    assert (carried[0] <= carried[1]).all()
    assert (carried[1] <= carried[2]).all()
    old_amount = (volumes(raw.points, raw.cells) * density[raw.cells].mean(axis=1)).sum()
    amount = (volumes(new.points, new.cells) * carried[1][new.cells].mean(axis=1)).sum()
    assert amount == pytest.approx(old_amount, rel=1e-13)
    per_cell = random.random(len(raw.cells))
    old_amount = (volumes(raw.points, raw.cells) * per_cell).sum()
    assert (volumes(new.points, new.cells) * refined.cellwise(per_cell)).sum() == pytest.approx(old_amount, rel=1e-13)


def test_what_is_only_ahead_asks_for_nothing(raw: RawMesh) -> None:
    """The points may move a little before the mesh is refined again, and then all around them is."""
    size = SIZE[raw.dim]
    refined = refine(raw, [at(raw, 12.0, size)])
    assert refined is not None
    assert refine(refined.raw, [at(raw, 12.0, size)]) is None
    assert refine(refined.raw, [at(raw, 12.0 + AHEAD - NEAR - 0.5, size)]) is None
    assert refine(refined.raw, [at(raw, 12.0 + AHEAD, size)]) is not None
    nowhere = SizeDemand(np.empty((0, raw.dim)), NEAR, AHEAD, size)
    assert refine(raw, [nowhere]) is None
