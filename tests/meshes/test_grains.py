"""Voronoi grains: numbers and exact distances, the same wherever they are made."""

import math

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes.geometries.grains import Grains, grain_count

BOX = ((-30.0, 30.0), (0.0, 40.0))


def grid(n: int = 121) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(-30, 30, n), np.linspace(0, 40, n))
    return np.column_stack([x.ravel(), y.ravel(), 0 * x.ravel()])


def test_two_grains_share_the_plane_half_way() -> None:
    grains = Grains(BOX, 2, seed=3)
    (a, b), points = grains.seeds, grid()
    number, distance = grains.locate(points)
    along = (points[:, :2] - 0.5 * (a + b)) @ (b - a) / math.dist(a, b)
    np.testing.assert_array_equal(number, (along > 0).astype(int))
    np.testing.assert_allclose(distance, np.abs(along), atol=1e-9)


@pytest.mark.parametrize("periodic", [False, True])
def test_distance_is_that_to_the_nearest_point_of_another_grain(periodic: bool) -> None:
    """Against a fine grid of points: no nearer point of another grain, and one about there."""
    grains = Grains(BOX, 12, seed=1, periodic=periodic)
    fine = grid(121)
    # Grains reach beyond the box, and so does the boundary between them.
    around = np.concatenate([fine + np.array([dx, dy, 0.0]) for dx in (-60, 0, 60) for dy in (-40, 0, 40)])
    owner = grains.locate(around)[0]
    number, distance = grains.locate(points := grid(13) * [0.9, 0.9, 0])
    for point, own, d in zip(points, number, distance, strict=True):
        other = around[owner != own]
        nearest = np.linalg.norm(other - point, axis=1).min()
        assert d - 1e-9 <= nearest <= d + 0.7


def test_same_values_give_the_same_grains() -> None:
    first, second = Grains(BOX, 40, 7), Grains(BOX, 40, 7)
    np.testing.assert_array_equal(first.seeds, second.seeds)
    np.testing.assert_array_equal(first.seeds[:2].round(6), [[7.505728, 35.888552], [-27.859183, 20.595553]])
    assert not np.array_equal(first.seeds, Grains(BOX, 40, 8).seeds)


def test_points_are_located_one_by_one_or_together(monkeypatch: pytest.MonkeyPatch) -> None:
    grains, points = Grains(BOX, 30, 2, periodic=True), grid(21)
    together = grains.locate(points)
    monkeypatch.setattr("lifrac.meshes.geometries.grains.MOST_PAIRS", 90)
    for a, b in zip(together, grains.locate(points), strict=True):
        np.testing.assert_array_equal(a, b)


def test_periodic_grains_go_on_at_the_other_end() -> None:
    grains, points = Grains(BOX, 15, 4, periodic=True), grid(31)
    for shift in (60.0, -60.0):
        for a, b in zip(grains.locate(points), grains.locate(points + np.array([shift, 0, 0])), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-9)
    open_grains = Grains(BOX, 15, 4)
    ends = [open_grains.locate(np.array([[x, 5.0], [x, 20.0], [x, 33.0]]))[0] for x in (-30.0, 30.0)]
    assert np.all(ends[0] != ends[1])


@pytest.mark.parametrize("periodic", [False, True])
def test_one_grain_has_no_boundary(periodic: bool) -> None:
    number, distance = Grains(BOX, 1, periodic=periodic).locate(grid(11))
    assert np.all(number == 0)
    assert np.all(np.isinf(distance))


def test_grains_are_of_a_size() -> None:
    """Areas add up, the mean is that asked for, and none is tiny."""
    size = 6.0
    count = grain_count(BOX, size)
    assert count == round(60 * 40 / (math.pi * 9))
    number, _ = Grains(BOX, count, 5).locate(grid(301))
    shares = np.bincount(number, minlength=count) / len(number)
    assert shares.min() > 0.25 / count
    assert shares.max() < 2.5 / count
    assert grain_count(((0, 10), (0, 10), (0, 10)), 2.0) == round(1000 / (math.pi * 8 / 6))


def test_grains_of_a_block() -> None:
    grains = Grains(((0, 10), (0, 12), (0, 14)), 20, 1)
    points = np.random.default_rng(0).random((50, 3)) * [10, 12, 14]
    number, distance = grains.locate(points)
    for point, own, d in zip(points, number, distance, strict=True):
        away = np.linalg.norm(grains.seeds - point, axis=1)
        assert own == np.argmin(away)
        assert 0 <= d <= 0.5 * (np.sort(away)[1] - away[own]) * 50


@pytest.mark.parametrize("cells", [7, 100, 1000])
def test_band_of_a_boundary_is_as_wide_as_stated(cells: int) -> None:
    """Cells across one boundary, coarse or fine: their shares add up to its width."""
    grains = Grains(BOX, 2, seed=3)
    a, b = grains.seeds
    across, size = (b - a) / math.dist(a, b), 10.0 / cells
    middles = 0.5 * (a + b) + np.outer(size * (np.arange(cells) + 0.5) - 5.0, across)
    share = grains.boundary_share(middles, size, 1.5)
    assert np.sum(share) * size == pytest.approx(1.5, rel=1e-9)
    assert share.min() >= 0.0
    assert share.max() <= 1.0


@pytest.mark.parametrize(
    ("values", "key"), [((BOX, 0), "count"), ((BOX, 3, -1), "seed"), ((((0.0, 0.0), (0.0, 1.0)), 2), "bounds")]
)
def test_impossible_grains_are_refused(values: tuple, key: str) -> None:
    with pytest.raises(InputError, match=key):
        Grains(*values)


@pytest.mark.parametrize("size", [0.0, -2.0, math.nan])
def test_impossible_size_is_refused(size: float) -> None:
    with pytest.raises(InputError, match="size"):
        grain_count(BOX, size)
