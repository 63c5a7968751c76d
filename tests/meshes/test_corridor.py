"""Half models for the phase field: a corridor of constant size about the crack plane, the flaw as one row of cells."""

import math
from dataclasses import replace

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes import builder
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw, finer
from lifrac.meshes.report import cell_quality
from lifrac.meshes.serial_mesh import RawMesh

H = 0.5
SLAB = SlabEdgeFlaw(60, 50, 12.3, H, 6, growth=0.2, corridor=5.0, flaw_row=True)
BLOCK = HalfPennyBlock(30, 25, 25, 8, 0.8, 5, growth=0.3, corridor=2.0, path_growth=0.3, reach=3.0, flaw_row=True)


def longest_edges(raw: RawMesh) -> tuple[np.ndarray, np.ndarray]:
    """Middle and longest edge of each cell."""
    corners = raw.points[raw.cells]
    edges = np.linalg.norm(corners[:, :, None] - corners[:, None], axis=3)
    return corners.mean(axis=1), edges.max(axis=(1, 2))


@pytest.mark.parametrize("geometry", [SLAB, replace(SLAB, path_growth=0.1, reach=10.0)], ids=["even", "graded"])
def test_flaw_of_the_half_model_is_one_row(geometry: SlabEdgeFlaw) -> None:
    raw = builder._mesh(geometry)
    cells = raw.cells[raw.cell_groups["flaw"]]
    assert len(cells) == 2 * math.ceil(12.3 / H)
    nodes = raw.points[np.unique(cells)]
    np.testing.assert_allclose(np.unique(nodes[:, 0].round(9)), [0.0, H])
    for x in (0.0, H):
        y = np.sort(nodes[np.abs(nodes[:, 0] - x) < 1e-9, 1])
        np.testing.assert_allclose(y, np.linspace(0.0, 12.3, 26), atol=1e-9)


def test_corridor_is_fine_and_the_rest_is_not() -> None:
    middle, longest = longest_edges(builder._mesh(SLAB))
    assert longest[middle[:, 0] < 5.0].max() < 1.6 * H
    assert longest[middle[:, 0] > 12.0].min() > 1.5 * H
    graded, edges = longest_edges(builder._mesh(replace(SLAB, path_growth=0.1, reach=10.0)))
    near = (graded[:, 0] < 5.0) & (graded[:, 1] < 22.3)
    assert edges[near].max() < 1.6 * H
    assert edges[graded[:, 1] > 40.0].min() > 1.5 * H
    assert len(graded) < 0.6 * len(middle)


def test_flaw_of_the_block_is_one_layer() -> None:
    raw = builder._mesh(BLOCK)
    cells = raw.cells[raw.cell_groups["flaw"]]
    nodes = raw.points[np.unique(cells)]
    inside = np.minimum(np.abs(nodes[:, 0]), np.abs(nodes[:, 0] - 0.8)) > 1e-9
    assert np.mean(inside) < 0.06
    assert np.hypot(nodes[:, 1], nodes[:, 2]).max() < 8 * (1 + 1e-9)
    corners = raw.points[cells]
    volume = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])).sum() / 6
    assert volume == pytest.approx(0.8 * math.pi * 8**2 / 4, rel=0.01)
    assert cell_quality(raw.points, raw.cells).min() > 0.15
    middle, longest = longest_edges(raw)
    near = (middle[:, 0] < 2.0) & (np.hypot(middle[:, 1], middle[:, 2]) < 11.0)
    corners = raw.points[raw.cells[near]]
    volumes = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6
    like_regular = np.cbrt(6 * math.sqrt(2) * volumes)
    assert np.median(like_regular) == pytest.approx(0.8, rel=0.15)
    assert longest[near].max() < 2.2 * 0.8


def test_finer_keeps_the_corridor() -> None:
    fine = finer(SLAB, 2)
    assert (fine.corridor, fine.crack_size, fine.flaw_row) == (5.0, 0.25, True)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"corridor": -1.0}, "corridor"),
        ({"reach": math.nan}, "reach"),
        ({"refine": ((11.0, 13.0, 0.1),)}, "refine"),
    ],
)
def test_impossible_corridor_is_refused(change: dict[str, object], key: str) -> None:
    with pytest.raises(InputError, match=key):
        replace(SLAB, **change)  # type: ignore[arg-type]
