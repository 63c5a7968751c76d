"""Parametrised meshes: sizes, nodes in place, exact areas, reproducibility, the same on every rank."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes import builder
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw, finer
from lifrac.meshes.report import cell_quality
from lifrac.meshes.serial_mesh import FACET_GROUPS
from lifrac.meshes.tagged import TaggedMesh
from mpi4py import MPI

SLAB = SlabEdgeFlaw(thickness=60, half_width=50, flaw_length=13, crack_size=0.5, far_size=6)
BLOCK = HalfPennyBlock(thickness=60, half_width=40, breadth=50, flaw_length=15, crack_size=3, far_size=10)


@pytest.fixture(scope="module")
def slab() -> TaggedMesh:
    return build(SLAB, MPI.COMM_SELF)


@pytest.fixture(scope="module")
def block() -> TaggedMesh:
    return build(BLOCK, MPI.COMM_SELF)


def group_measures(tagged: TaggedMesh) -> dict[str, float]:
    """Length or area of each group, and of the body, by assembly."""
    import dolfinx.fem
    import ufl

    one = dolfinx.fem.Constant(tagged.mesh, 1.0)
    ds = ufl.Measure("ds", tagged.mesh, subdomain_data=tagged.facet_tags)
    forms = {name: one * ds(tag) for name, tag in tagged.groups.items()}
    forms["body"] = one * ufl.dx(tagged.mesh)
    return {
        name: tagged.mesh.comm.allreduce(dolfinx.fem.assemble_scalar(dolfinx.fem.form(form)))
        for name, form in forms.items()
    }


def nodes_of(tagged: TaggedMesh, group: str) -> np.ndarray:
    """Coordinates of the nodes of a group."""
    import dolfinx.mesh

    mesh = tagged.mesh
    mesh.topology.create_connectivity(mesh.topology.dim - 1, mesh.topology.dim)
    nodes = dolfinx.mesh.entities_to_geometry(mesh, mesh.topology.dim - 1, tagged.facets(group))
    return np.asarray(mesh.geometry.x[np.unique(nodes)])


def test_crack_plane_is_uniform_with_a_node_at_the_tip(slab: TaggedMesh) -> None:
    nodes = nodes_of(slab, "crack_plane")
    assert np.all(nodes[:, 0] == 0.0)
    y = np.sort(nodes[:, 1])
    assert np.abs(y - 13).min() < 1e-12
    np.testing.assert_allclose(np.diff(y), 0.5, rtol=1e-9)


def test_crack_plane_steps_stay_below_the_size_when_the_flaw_is_no_multiple() -> None:
    tagged = build(replace(SLAB, flaw_length=12.7), MPI.COMM_SELF)
    y = np.sort(nodes_of(tagged, "crack_plane")[:, 1])
    steps = np.diff(y)
    assert np.abs(y - 12.7).min() < 1e-12
    assert steps.max() <= 0.5 * (1 + 1e-9)
    np.testing.assert_allclose(steps[y[1:] <= 12.7], 12.7 / 26, rtol=1e-9)
    np.testing.assert_allclose(steps[y[:-1] >= 12.7 - 1e-9], 47.3 / 95, rtol=1e-9)


def test_refined_part_is_fine_and_joined_smoothly() -> None:
    fine = replace(SLAB, crack_size=3.0, refine=((11.0, 15.0, 0.1),))
    y = np.sort(nodes_of(build(fine, MPI.COMM_SELF), "crack_plane")[:, 1])
    steps = np.diff(y)
    inside = (y[:-1] >= 11 - 1e-9) & (y[1:] <= 15 + 1e-9)
    np.testing.assert_allclose(steps[inside], 0.1, rtol=0.05)
    assert np.abs(y - 13).min() < 1e-12
    assert steps.max() > 1.5
    assert np.max(np.maximum(steps[1:] / steps[:-1], steps[:-1] / steps[1:])) < 1.5


def test_group_lengths_are_exact(slab: TaggedMesh) -> None:
    found = group_measures(slab)
    expected = {"anode": 50, "counter": 50, "crack_plane": 60, "lateral": 60, "body": 3000}
    assert found == pytest.approx(expected, rel=1e-12)


def test_group_areas_of_the_block_are_exact(block: TaggedMesh) -> None:
    found = group_measures(block)
    expected = {
        "anode": 2000,
        "counter": 2000,
        "crack_plane": 3000,
        "lateral": 3000,
        "side": 4800,
        "body": 120000,
    }
    assert found == pytest.approx(expected, rel=1e-12)


def test_half_penny_front_carries_nodes(block: TaggedMesh) -> None:
    """The polygon of the nodes on the front has the flaw's area; no crack-plane facet crosses the front."""
    import dolfinx.mesh

    nodes = nodes_of(block, "crack_plane")
    radius = np.hypot(nodes[:, 1], nodes[:, 2])
    front = np.abs(radius - 15) < 1e-9
    angles = np.sort(np.arctan2(nodes[front, 2], nodes[front, 1]))
    assert len(angles) >= 8
    polygon = 0.5 * 15**2 * np.sin(np.diff(angles)).sum()
    assert polygon == pytest.approx(math.pi * 15**2 / 4, rel=0.01)
    facets = dolfinx.mesh.entities_to_geometry(block.mesh, 2, block.facets("crack_plane"))
    r = np.hypot(block.mesh.geometry.x[facets, 1], block.mesh.geometry.x[facets, 2])
    inside = np.all(r <= 15 + 1e-9, axis=1)
    assert not np.any(~inside & np.any(r < 15 - 1e-9, axis=1))
    corners = block.mesh.geometry.x[facets[inside]]
    edges = corners[:, 1:] - corners[:, :1]
    area = 0.5 * np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1).sum()
    assert area == pytest.approx(polygon, rel=1e-9)


def test_same_names_and_tags_in_2d_and_3d(slab: TaggedMesh, block: TaggedMesh) -> None:
    assert block.groups == {name: tag for name, tag in FACET_GROUPS.items() if name not in ("pore", "bare")}
    assert slab.groups == {name: tag for name, tag in block.groups.items() if name != "side"}
    assert slab.cell_groups == {}
    with pytest.raises(KeyError, match="no group 'side'"):
        slab.facets("side")


def test_report_agrees_with_the_mesh(slab: TaggedMesh) -> None:
    report = slab.report
    assert report.cells == slab.mesh.topology.index_map(2).size_global
    assert report.nodes == slab.mesh.geometry.index_map().size_global
    assert (report.lower_corner, report.upper_corner) == ((0, 0), (50, 60))
    assert report.crack_plane_nodes == 121
    assert report.crack_plane_shortest_edge == pytest.approx(0.5)
    assert report.crack_plane_longest_edge == pytest.approx(0.5)
    assert report.longest_edge < 1.5 * SLAB.far_size
    assert report.worst_quality > 0.5
    assert report.mean_quality > 0.95
    assert json.loads(json.dumps(report.as_dict()))["upper_corner"] == [50, 60]
    assert f"{report.cells} triangles" in report.as_text()


def test_tetrahedra_are_usable(block: TaggedMesh) -> None:
    assert block.report.worst_quality > 0.1
    assert block.report.mean_quality > 0.7


def test_a_fine_slab_has_a_moderate_number_of_nodes() -> None:
    big = SlabEdgeFlaw(thickness=200, half_width=200, flaw_length=20, crack_size=0.5, far_size=10)
    report = build(big, MPI.COMM_SELF).report
    assert 3000 < report.nodes < 12000
    assert report.crack_plane_nodes == 401


def test_finer_halves_every_element() -> None:
    coarse = replace(SLAB, refine=((12.0, 14.0, 0.2),))
    fine = finer(coarse, 2)
    assert (fine.crack_size, fine.far_size, fine.refine) == (0.25, 3, ((12.0, 14.0, 0.1),))
    assert fine.growth == coarse.growth / 2
    assert fine.extent == coarse.extent
    reports = [build(geometry, MPI.COMM_SELF).report for geometry in (coarse, fine)]
    assert reports[1].nodes / reports[0].nodes == pytest.approx(4, rel=0.25)


def test_quality_measure() -> None:
    """Equilateral 1; right isosceles 2 (sqrt 2 - 1); corner tetrahedron from its radii; flat 0."""
    points = np.array([[0, 0], [1, 0], [0.5, math.sqrt(3) / 2], [0, 1], [0.5, 0]])
    cells = np.array([[0, 1, 2], [0, 1, 3], [0, 4, 1]])
    expected = [1, 2 * (math.sqrt(2) - 1), 0]
    np.testing.assert_allclose(cell_quality(points, cells), expected, atol=1e-12)
    corner = np.vstack([np.zeros(3), np.eye(3)])
    inner, outer = 1 / (3 + math.sqrt(3)), math.sqrt(3) / 2
    np.testing.assert_allclose(cell_quality(corner, np.array([[0, 1, 2, 3]])), 3 * inner / outer)
    regular = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    np.testing.assert_allclose(cell_quality(regular, np.array([[0, 1, 2, 3]])), 1)


@pytest.mark.parametrize("geometry", [SLAB, BLOCK])
def test_meshing_is_reproducible(geometry: SlabEdgeFlaw | HalfPennyBlock) -> None:
    first, second = builder._mesh(geometry), builder._mesh(geometry)
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.cells, second.cells)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"thickness": 0.0}, "thickness"),
        ({"half_width": -1.0}, "half_width"),
        ({"growth": math.nan}, "growth"),
        ({"flaw_length": 60.0}, "flaw_length"),
        ({"crack_size": 20.0, "far_size": 20.0}, "crack_size"),
        ({"far_size": 0.1}, "far_size"),
        ({"refine": ((5.0, 4.0, 0.1),)}, "refine"),
        ({"refine": ((5.0, 6.0, 1.0),)}, "refine"),
    ],
)
def test_impossible_geometry_is_refused(change: dict[str, object], key: str) -> None:
    with pytest.raises(InputError, match=key):
        replace(SLAB, **change)  # type: ignore[arg-type]


@pytest.mark.mpi
def test_mpi_run_ends_a_hang(mpi_run: Any) -> None:
    deadlock = "from mpi4py import MPI; c = MPI.COMM_WORLD; c.rank or c.recv(source=1)"
    with pytest.raises(pytest.fail.Exception, match="hang"):
        mpi_run(deadlock, 2, timeout=3)
