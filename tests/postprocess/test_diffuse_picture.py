"""Pictures of diffuse cracks: what is drawn is what was stored, and the way along the crack is the crack's."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from lifrac.meshes.geometries.grains import Grains, grain_count
from lifrac.postprocess.crack.crack_path import crack_path
from lifrac.postprocess.crack.grain_lines import boundary_lines
from lifrac.postprocess.crack.pore_outlines import pore_outlines
from lifrac.postprocess.figures.all_figures import plot_run
from lifrac.postprocess.figures.diffuse_picture import DiffusePicture
from lifrac.postprocess.figures.plot_fields import fields_figure
from lifrac.postprocess.read.run_result import RunResult
from lifrac.solver.output.vtkhdf import TemporalGrid
from matplotlib.tri import Triangulation
from support.synthetic_diffuse import ARRAYS, CELL, HALF_WIDTH, THICKNESS, DiffuseCrack
from support.synthetic_run import MakeRun

ALL = {f"{n}.{s}" for n in ("history", "fields", "crack_profile") for s in ("png", "pdf")}
STRAIGHT, INCLINED = DiffuseCrack(inclination=0.0, half=True), DiffuseCrack()


def load(folder: Path, steps: tuple[int, ...] = (3, 6)) -> DiffusePicture:
    run = RunResult.load(folder)
    fields = run.fields()
    assert fields is not None
    assert fields.diffuse
    return DiffusePicture(run, fields, steps)


def draw(folder: Path) -> Path:
    """The picture of the fields alone."""
    run = RunResult.load(folder)
    fields = run.fields()
    assert fields is not None
    path = folder / "fields.png"
    fields_figure(run, fields).savefig(path)
    return path


@pytest.mark.parametrize(
    ("crack", "kind", "rows", "stored"),
    [
        (INCLINED, "through", 60, 4),
        (STRAIGHT, "rest", 10, 2),
        (INCLINED, "holds", 1, 1),
        (DiffuseCrack(wet=-1.0), "holds", 10, 2),
    ],
)
@pytest.mark.filterwarnings("error")
def test_every_kind_of_run_is_drawn(
    make_diffuse: MakeRun, crack: DiffuseCrack, kind: str, rows: int, stored: int
) -> None:
    written = plot_run(make_diffuse(crack, kind, rows, stored))
    assert {p.name for p in written} == ALL
    for path in written:
        assert path.stat().st_size > 4000


@pytest.mark.filterwarnings("error")
def test_picture_shows_crack_and_lithium(make_diffuse: MakeRun) -> None:
    """The crack black, the lithium in it yellow: pixels as many as the drawn areas say, within a factor of 1.5."""
    folder = make_diffuse(INCLINED, stored=2)
    picture = (255 * plt.imread(draw(folder))[..., :3]).astype(int)
    width = 0.45 * picture.shape[1]  # of the last column, at the right, less its colour bar
    panel = picture[picture.shape[0] // 2 :, picture.shape[1] // 2 :]
    yellow = (np.abs(panel - [0xF5, 0xC7, 0x10]) < 6).all(axis=-1).sum()
    scale = 0.85 * width / (1.5 * THICKNESS)  # pixels per um, roughly
    lithium = 2.0 * (CELL + 0.1) * INCLINED.wet * 30.0
    electrode = 0.04 * THICKNESS * 1.5 * THICKNESS
    opened = 0.7 * 0.2 * load(folder, (0, 1)).factor * INCLINED.wet * 30.0
    assert 1 / 1.5 < yellow / scale**2 / (lithium + electrode + opened) < 1.5


@pytest.mark.parametrize("crack", [INCLINED, STRAIGHT, DiffuseCrack(squeeze=-2.0)])
def test_drawn_opening_is_the_stored_one_enlarged(make_diffuse: MakeRun, crack: DiffuseCrack) -> None:
    """Faces of the crack move apart by the enlarged opening; nodes adrift and the squeezed thickness do not show."""
    picture = load(make_diffuse(crack))
    assert picture.half == crack.half
    assert 0.4 * 0.025 * THICKNESS <= 0.5 * picture.factor * crack.opening <= 1.1 * 0.025 * THICKNESS
    body, xy = picture.body(6), picture.section(6).xy
    n = len(xy)
    moved = np.column_stack([body.mesh.x, body.mesh.y])[:n] - xy
    assert np.abs(moved).max() < 0.6 * picture.factor * crack.opening
    angle = np.radians(crack.inclination)
    normal = np.array([np.cos(angle), -np.sin(angle)])
    s, across = xy @ np.array([np.sin(angle), np.cos(angle)]), xy @ normal
    near = np.linspace(3.0, 20.0, 18)
    gap = np.zeros(18)
    for side in (1.0,) if crack.half else (1.0, -1.0):
        face = np.flatnonzero((side * across >= CELL * (1 - 1e-9)) & (side * across < 1.9 * CELL) & (s > 1) & (s < 23))
        face = face[np.argsort(s[face])]
        gap += side * np.interp(near, s[face], moved[face] @ normal) * (2.0 if crack.half else 1.0)
    expected = picture.factor * crack.opening * np.sqrt(1 - near / 30.0)
    np.testing.assert_allclose(gap, expected, rtol=0.04)
    if crack.half:
        np.testing.assert_allclose(np.sort(body.mesh.x), np.sort(-body.mesh.x))
        at_plane = xy[:, 0] == 0.0
        np.testing.assert_array_equal(body.mesh.x[:n][at_plane], 0.0)


def test_view_holds_the_crack(make_diffuse: MakeRun) -> None:
    """A crack that ends 26 um from the normal is in the usual view of 45 um, one that ends 60 um off needs more."""
    body = load(make_diffuse(DiffuseCrack(inclination=60.0))).body(6)
    assert body.aside == pytest.approx(30.0 * np.sin(np.pi / 3), abs=2 * CELL)
    assert body.half_view == 0.75 * THICKNESS
    assert 48.0 <= replace(body, aside=40.0).half_view < 50.0


def test_lithium_is_where_crack_and_share_say(make_diffuse: MakeRun) -> None:
    picture = load(make_diffuse(INCLINED))
    filled = picture.filled(6)
    xy = picture.fields.grid().points[filled]
    s = xy @ np.array([0.5, np.sqrt(0.75), 0.0])
    assert filled.sum() > 30
    assert 0.9 * 0.8 * 30.0 < s.max() <= 0.8 * 30.0
    assert np.abs(xy @ np.array([np.sqrt(0.75), -0.5, 0.0])).max() < 1.5 * CELL
    assert not load(make_diffuse(DiffuseCrack(wet=-1.0), "holds")).filled(6).any()


def test_manifest_tells_a_half_model_from_a_body_that_begins_at_zero(make_diffuse: MakeRun) -> None:
    folder = make_diffuse(STRAIGHT)
    for nodes, half in ((12, True), (0, False)):
        (folder / "manifest.json").write_text(json.dumps({"mesh": {"crack_plane_nodes": nodes}}), encoding="utf-8")
        assert load(folder).half == half


@pytest.mark.parametrize("crack", [INCLINED, STRAIGHT])
def test_profile_follows_the_crack(make_diffuse: MakeRun, crack: DiffuseCrack) -> None:
    """Pressure rises linearly along the crack: read along the way, it gives the place on the crack back."""
    picture = load(make_diffuse(crack))
    profile = picture.profile(6)
    assert profile.along[0] == 0.0
    assert np.all(np.diff(profile.along) > 0)
    assert profile.along[-1] == pytest.approx(30.0 + CELL, rel=0.05)
    place = picture.fields.array("lithium_pressure_MPa", 6)[profile.ids] / 100.0 * 30.0
    np.testing.assert_allclose(profile.along, place, atol=1.5 * CELL)
    assert picture.reach([0, 6]) == pytest.approx(1.15 * profile.along[-1])


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    xy = np.stack(np.meshgrid(np.arange(size + 1.0), np.arange(size + 1.0)), axis=-1).reshape(-1, 2)
    return xy, Triangulation(xy[:, 0], xy[:, 1]).triangles


def test_way_takes_the_longest_branch_and_bridges_gaps() -> None:
    xy, triangles = grid(40)
    x, y = xy.T
    trunk, short = (x == 10) & (y <= 20), (y == 20) & (x <= 10) & (x >= 5)
    long, other = (y == 20) & (x >= 10) & (x <= 30), (x == 35) & (y <= 25)
    hole = (y == 20) & (x > 15) & (x < 19)
    damage = (trunk | short | long | other) & ~hole
    nodes, along = crack_path(xy, triangles, damage.astype(float), y == 0)
    np.testing.assert_array_equal(xy[nodes[[0, -1]]], [[10, 0], [30, 20]])
    assert 40.0 - 1.5 < along[-1] <= 40.0  # the corner is cut by about a cell
    assert not np.any(hole[nodes])
    assert np.linalg.norm(np.diff(xy[nodes], axis=0), axis=1).max() == 4.0  # from x = 15 to 19


def test_crack_that_returns_to_the_face_is_followed_from_its_mouth() -> None:
    xy, triangles = grid(20)
    x, y = xy.T
    arch = ((x == 5) & (y <= 8)) | ((y == 8) & (x >= 5) & (x <= 15)) | ((x == 15) & (y <= 8))
    nodes, _ = crack_path(xy, triangles, arch.astype(float), (y == 0) & (x == 5))
    np.testing.assert_array_equal(xy[nodes[[0, -1]]], [[5, 0], [15, 0]])
    assert arch.sum() - 2 <= len(nodes) <= arch.sum()  # corners are cut


def test_no_crack_no_way() -> None:
    xy, triangles = grid(3)
    nodes, along = crack_path(xy, triangles, np.zeros(len(xy)), xy[:, 1] == 0)
    assert len(nodes) == len(along) == 0


@pytest.mark.parametrize("periodic", [False, True])
def test_grain_boundaries_are_those_of_the_run(periodic: bool) -> None:
    """Every piece lies half way between grains, and every change of grain along a line has its piece."""
    low, high = np.array([-60.0, 0.0]), np.array([60.0, 60.0])
    table = {"size": "14000 nm", "seed": 3, "periodic": periodic}
    pieces = boundary_lines({"electrolyte": {"grains": table}}, low, high)
    bounds = ((-60.0, 60.0), (0.0, 60.0))
    grains = Grains(bounds, grain_count(bounds, 14.0), 3, periodic)
    places = np.vstack([np.linspace(a, b, 50) for a, b in pieces])
    places = places[np.all((places > low) & (places < high), axis=1)]
    np.testing.assert_allclose(grains.locate(places)[1], 0.0, atol=1e-6)
    number = grains.locate(np.column_stack([np.linspace(-60, 60, 4001), np.full(4001, 31.7)]))[0]
    crossed = sum((a[1] - 31.7) * (b[1] - 31.7) < 0 and abs(_crossing(a, b, 31.7)) < 60.0 for a, b in pieces)
    assert crossed == np.count_nonzero(np.diff(number)) > 5


def _crossing(a: np.ndarray, b: np.ndarray, y: float) -> float:
    """x at which the line through a and b has this y."""
    return float(a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"electrolyte": {"grains": {"count": 1}}},
        {"electrolyte": {"grains": {"size": "0.1 bohr"}}},
        {"electrolyte": {"grains": {"count": 9}}, "mesh": {"file": "own.msh"}},
    ],
)
def test_no_grain_boundaries_where_they_cannot_be_told(case: dict[str, object]) -> None:
    assert boundary_lines(case, np.zeros(2), np.ones(2)) == []


@pytest.mark.filterwarnings("error")
def test_grains_are_drawn(make_diffuse: MakeRun) -> None:
    folder = make_diffuse(INCLINED, stored=1)
    (folder / "case.toml").write_text('[electrolyte.grains]\nsize = "14 um"\n', encoding="utf-8")
    draw(folder)
    assert [h.get_label() for h in load(folder, (0,)).more_handles()] == ["grain boundary"]


def test_pores_are_found_and_filled_where_lithium_presses(
    make_diffuse: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = load(make_diffuse(INCLINED))
    xy, triangles = picture.section(6).xy, picture.section(6).triangles
    middle = xy[triangles].mean(axis=1)
    centres = np.array([[-20.0, 20.0], [-10.0, 40.0]])
    inside = np.linalg.norm(middle[:, None] - centres, axis=2).min(axis=1) < 6.0
    loops = pore_outlines(xy, triangles[~inside])
    found = np.array([xy[loop].mean(axis=0) for loop in loops])
    np.testing.assert_allclose(found[np.argsort(found[:, 1])], centres, atol=0.5)
    assert all(np.linalg.norm(np.diff(xy[loop], axis=0), axis=1).max() <= 1.5 * CELL for loop in loops)
    assert pore_outlines(xy, triangles) == []
    walls = [np.flatnonzero(picture._read("damage", 6) >= 1.0)[20:30], loops[0]]
    monkeypatch.setattr(picture, "walls", lambda step: walls)
    colours = picture.pores(picture.body(6), 6).get_facecolor()
    np.testing.assert_allclose(colours[:, :3], [[0xF5 / 255, 0xC7 / 255, 0x10 / 255], [1, 1, 1]], atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_block_is_drawn_in_its_symmetry_plane(make_diffuse: MakeRun) -> None:
    """A wedge of two layers of tetrahedra over the half model: the picture is that of z = 0, mirrored."""
    folder = make_diffuse(STRAIGHT, "holds", 10, 2)
    xy, triangles = STRAIGHT.mesh()
    n = len(xy)
    points = np.vstack([np.column_stack([xy, np.full(n, z)]) for z in (0.0, 5.0)])
    a, b, c = triangles.T
    tetrahedra = np.vstack(
        [np.column_stack(t) for t in ((a, b, c, a + n), (b, c, a + n, b + n), (c, a + n, b + n, c + n))]
    )
    path = folder / "fields.vtkhdf"
    path.unlink()
    file = TemporalGrid(path, points, [(10, tetrahedra)], np.zeros(len(tetrahedra), int), ARRAYS)
    flat = STRAIGHT.at(xy, 20.0, 0.1)
    for time in (0.0, 720.0):
        file.append(time, {name: np.concatenate([v, 7.0 * v]) for name, v in flat.items()})
    file.close()
    assert {p.name for p in plot_run(folder)} == ALL
    picture = load(folder, (0, 1))
    assert len(picture.section(1).triangles) == len(triangles)
    assert picture.body(1).mesh.x.min() < -0.9 * HALF_WIDTH
    for one, other in itertools.pairwise(picture.profile(k).along for k in (0, 1)):
        np.testing.assert_array_equal(one, other)
    assert picture.profile(1).along[-1] == pytest.approx(20.0 + CELL, rel=0.1)


def test_states_on_finer_and_finer_meshes_are_drawn_each_on_its_own(make_diffuse: MakeRun) -> None:
    folder = make_diffuse(INCLINED)
    xy, triangles = INCLINED.mesh()
    near = np.abs(xy[triangles][..., 0]).max(axis=1) <= 20.0 * CELL
    middles = xy[triangles[near]].mean(axis=1)  # a node in the middle of every cell about the crack
    inner = len(xy) + np.arange(len(middles))
    parts = [np.column_stack([*pair, inner]) for pair in (triangles[near].T[k] for k in ([0, 1], [1, 2], [2, 0]))]
    finer, cells = np.vstack([xy, middles]), np.vstack([triangles[~near], *parts])
    path = folder / "fields.vtkhdf"
    path.unlink()
    flat = [np.column_stack([points, np.zeros(len(points))]) for points in (xy, finer)]
    file = TemporalGrid(path, flat[0], [(5, triangles)], np.zeros(len(triangles), int), ARRAYS)
    file.append(0.0, INCLINED.at(xy, 10.0, 0.1))
    file.remesh(flat[1], [(5, cells)], np.zeros(len(cells), int))
    file.append(720.0, INCLINED.at(finer, 30.0, 0.2))
    assert {p.name for p in plot_run(folder)} == ALL
    picture = load(folder, (0, 1))
    assert [len(picture.body(k).mesh.x) for k in (0, 1)] == [len(xy), len(finer)]
    assert picture.profile(0).along[-1] == pytest.approx(10.0 + CELL, rel=0.15)
    assert picture.profile(1).along[-1] == pytest.approx(30.0 + CELL, rel=0.15)
    assert np.linalg.norm(picture.fields.grid(1).points[picture.profile(1).ids[0], :2]) < 2.0 * CELL
