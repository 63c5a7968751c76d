"""A user's own mesh: read back what was written, other formats and units, and every refusal."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import meshio
import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes.builder import build, write_msh
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.reader import read_mesh
from lifrac.meshes.serial_mesh import FACET_GROUPS
from lifrac.meshes.tagged import TaggedMesh
from mpi4py import MPI

SLAB = SlabEdgeFlaw(thickness=20, half_width=15, flaw_length=6, crack_size=2, far_size=4)
BLOCK = HalfPennyBlock(thickness=20, half_width=15, breadth=18, flaw_length=6, crack_size=3, far_size=6)
COMM = MPI.COMM_SELF


@pytest.fixture(scope="module")
def slab_msh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("meshes") / "slab.msh"
    write_msh(SLAB, path)
    return path


@pytest.mark.parametrize(("geometry", "dim"), [(SLAB, 2), (BLOCK, 3)])
def test_written_mesh_reads_back_the_same(geometry: SlabEdgeFlaw | HalfPennyBlock, dim: int, tmp_path: Path) -> None:
    path = tmp_path / "mesh.msh"
    write_msh(geometry, path)
    assert path.read_text().startswith("$MeshFormat\n4.1")
    assert list(tmp_path.iterdir()) == [path]
    ours, theirs = build(geometry, COMM), read_mesh(path, COMM, gdim=dim)
    np.testing.assert_allclose(theirs.mesh.geometry.x, ours.mesh.geometry.x, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(theirs.mesh.geometry.dofmaps[0], ours.mesh.geometry.dofmaps[0])
    assert theirs.groups == ours.groups
    for name in ours.groups:
        np.testing.assert_array_equal(theirs.facets(name), ours.facets(name))
    assert_same_report(theirs, ours)


def test_old_msh_version_is_read(slab_msh: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.msh"
    with_gmsh(slab_msh, old, lambda gmsh: gmsh.option.setNumber("Mesh.MshFileVersion", 2.2))
    assert old.read_text().startswith("$MeshFormat\n2.2")
    assert read_mesh(old, COMM).report.cells == build(SLAB, COMM).report.cells


@pytest.mark.parametrize("suffix", [".inp", ".med"])
def test_other_formats_are_read_by_group_names(slab_msh: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"slab{suffix}"
    foreign(slab_msh).write(path)
    theirs, ours = read_mesh(path, COMM), build(SLAB, COMM)
    assert theirs.groups == ours.groups
    assert_same_report(theirs, ours)
    for name in ours.groups:
        assert len(theirs.facets(name)) == len(ours.facets(name))


def test_scale_converts_to_micrometres(slab_msh: Path, tmp_path: Path) -> None:
    path = tmp_path / "slab.inp"
    in_mm = foreign(slab_msh)
    in_mm.points = in_mm.points / 1000
    in_mm.write(path)
    report = read_mesh(path, COMM, scale=1000).report
    assert report.upper_corner == pytest.approx((15, 20))
    assert report.crack_plane_longest_edge == pytest.approx(2)


def assert_same_report(theirs: TaggedMesh, ours: TaggedMesh) -> None:
    """Equal but for rounding in the file."""
    for name, value in ours.report.as_dict().items():
        assert theirs.report.as_dict()[name] == pytest.approx(value, rel=1e-9), name


def foreign(msh: Path) -> Any:
    """The slab as meshio holds it, one block per shape, with cell sets and the families of a .med file."""
    source = meshio.read(msh)
    names = [name for name in source.cell_sets if not name.startswith("gmsh:")]
    blocks = {}
    for shape in ("line", "triangle"):
        parts = [i for i, block in enumerate(source.cells) if block.type == shape]
        families = [
            np.full(len(source.cells[i].data), -1 - names.index(n), dtype=int)
            for i in parts
            for n in names
            if source.cell_sets[n][i] is not None and len(source.cell_sets[n][i])
        ]
        blocks[shape] = (np.concatenate([source.cells[i].data for i in parts]), np.concatenate(families))
    mesh = meshio.Mesh(
        source.points[:, :2],
        [(shape, data) for shape, (data, _) in blocks.items()],
        cell_sets={
            name: [np.flatnonzero(family == -1 - i) for _, family in blocks.values()] for i, name in enumerate(names)
        },
        cell_data={"cell_tags": [family for _, family in blocks.values()]},
    )
    mesh.cell_tags = {-1 - i: [name] for i, name in enumerate(names)}
    return mesh


def with_gmsh(source: Path, target: Path, change: Callable[[Any], None]) -> None:
    """Load a mesh in gmsh, change it and save it."""
    import gmsh

    gmsh.initialize([], readConfigFiles=False, interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.merge(str(source))
        change(gmsh)
        gmsh.write(str(target))
    finally:
        gmsh.finalize()


def rename(old: str, new: str | None) -> Callable[[Any], None]:
    """Give a physical group another name, or take it away (its facets are then saved without a group)."""

    def change(gmsh: Any) -> None:
        for dim, tag in gmsh.model.getPhysicalGroups():
            if gmsh.model.getPhysicalName(dim, tag) == old:
                entities = gmsh.model.getEntitiesForPhysicalGroup(dim, tag)
                gmsh.model.removePhysicalGroups([(dim, tag)])
                if new is not None:
                    gmsh.model.addPhysicalGroup(dim, entities, 90, new)
        gmsh.option.setNumber("Mesh.SaveAll", int(new is None))

    return change


def unnamed(gmsh: Any) -> None:
    gmsh.model.removePhysicalGroups([])


def shifted(axis: int, by: float) -> Callable[[Any], None]:
    """Move the whole mesh along an axis."""
    matrix = np.eye(4)
    matrix[axis, 3] = by
    return lambda gmsh: gmsh.model.mesh.affineTransform(matrix.ravel()[:12].tolist())


def sloped(gmsh: Any) -> None:
    gmsh.model.mesh.affineTransform([1, 0, 0, 0, 0.1, 1, 0, 0, 0, 0, 1, 0])


def bent(gmsh: Any) -> None:
    gmsh.model.mesh.affineTransform([1, 0, 0, 0, 0, 1, 0, 0, 0.1, 0, 1, 0])


def second_order(gmsh: Any) -> None:
    gmsh.model.mesh.setOrder(2)


def recombined(gmsh: Any) -> None:
    gmsh.model.mesh.recombine()


def doubled(gmsh: Any) -> None:
    """Put the facets of all other groups into that of the lateral face as well."""
    gmsh.model.removePhysicalGroups([(1, FACET_GROUPS["lateral"])])
    gmsh.model.addPhysicalGroup(1, [tag for _, tag in gmsh.model.getEntities(1)], 90, "lateral")


REFUSALS: list[tuple[Callable[[Any], None], str]] = [
    (unnamed, "no named groups"),
    (rename("anode", "anodes"), r"'anodes'.*Did you mean 'anode'\?"),
    (rename("crack_plane", "Crack-Plane"), r"Did you mean 'crack_plane'\?"),
    (rename("counter", "xyzzy"), "Groups are electrolyte, flaw, anode"),
    (rename("lateral", "side"), "'side'.*is not a group lifrac knows"),
    (rename("lateral", None), r"boundary facets are in no group, one near \(15,"),
    (rename("electrolyte", None), "lacks the group 'electrolyte'"),
    (rename("anode", None), "lacks the group 'anode'"),
    (rename("crack_plane", None), "lacks the group 'crack_plane'"),
    (rename("electrolyte", "anode"), "'anode'.*must hold lines"),
    (shifted(0, 3.0), "'crack_plane'.*must lie on x = 0 um, but has a node at x = 3 um"),
    (shifted(1, -2.0), "'anode'.*must lie on y = 0 um"),
    (sloped, "'anode'.*must lie on y = 0"),
    (bent, "is not flat"),
    (second_order, "triangle 6.*first-order"),
    (recombined, "quad.*only first-order triangles"),
    (doubled, "boundary facets are in several groups"),
]


@pytest.mark.parametrize(("change", "message"), REFUSALS)
def test_unusable_mesh_is_refused(slab_msh: Path, tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    path = tmp_path / "bad.msh"
    with_gmsh(slab_msh, path, change)
    with pytest.raises(InputError, match=f"(?is){message}") as refusal:
        read_mesh(path, COMM)
    assert str(path) in str(refusal.value)


def test_facet_inside_the_body_is_refused(slab_msh: Path, tmp_path: Path) -> None:
    mesh = foreign(slab_msh)
    lines = mesh.cells[0].data
    outer = {tuple(sorted(line)) for line in lines}
    triangle = next(t for t in mesh.cells[1].data if not outer & {tuple(sorted((t[0], t[1])))})
    lines[0] = triangle[:2]
    path = tmp_path / "inside.inp"
    mesh.write(path)
    with pytest.raises(InputError, match="not on the boundary"):
        read_mesh(path, COMM)


def test_doubled_nodes_are_refused(slab_msh: Path, tmp_path: Path) -> None:
    mesh = foreign(slab_msh)
    triangles = mesh.cells[1].data
    mesh.points = np.vstack([mesh.points, mesh.points[triangles[0]]])
    triangles[0] = len(mesh.points) - 3 + np.arange(3)
    path = tmp_path / "torn.inp"
    mesh.write(path)
    with pytest.raises(InputError, match="doubled nodes"):
        read_mesh(path, COMM)


def test_flat_cell_is_refused(slab_msh: Path, tmp_path: Path) -> None:
    mesh = foreign(slab_msh)
    outer = np.unique(mesh.cells[0].data)
    a, b, c = next(t for t in mesh.cells[1].data if t[2] not in outer)
    mesh.points[c] = (mesh.points[a] + mesh.points[b]) / 2
    path = tmp_path / "flat.inp"
    mesh.write(path)
    with pytest.raises(InputError, match="have no volume"):
        read_mesh(path, COMM)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.msh", None, "no such mesh file"),
        ("text.msh", b"hello", "is not a gmsh mesh"),
        ("script.msh", b'SystemCall "touch owned";', "is not a gmsh mesh"),
        ("cut.msh", b"$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Nodes\n1 4 1 4\n", "cut.msh"),
        ("empty.msh", b"", "is not a gmsh mesh"),
        ("junk.inp", b"*nothing", "junk.inp"),
        ("mesh.unknown", b"1 2 3", "meshio cannot read it"),
    ],
)
def test_unreadable_file_is_refused(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_mesh(path, COMM)


def test_wrong_dimension_and_scale_are_refused(slab_msh: Path) -> None:
    with pytest.raises(InputError, match="has no tetra cells"):
        read_mesh(slab_msh, COMM, gdim=3)
    with pytest.raises(InputError, match="gdim = 1"):
        read_mesh(slab_msh, COMM, gdim=1)
    with pytest.raises(InputError, match="scale = 0"):
        read_mesh(slab_msh, COMM, scale=0)


def test_3d_mesh_where_2d_is_expected(tmp_path: Path) -> None:
    path = tmp_path / "block.msh"
    write_msh(BLOCK, path)
    with pytest.raises(InputError, match="3D mesh where a 2D one"):
        read_mesh(path, COMM)


def test_unwritable_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_msh(replace(SLAB, crack_size=3), tmp_path / "no" / "folder.msh")
