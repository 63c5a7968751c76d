"""A mesh of the user's own and the case must say the same: thickness, unit, crack plane, flaw."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gmsh
import meshio
import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes.builder import write_msh
from lifrac.meshes.geometries.cracked import CrackedSlab
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.problems.case.case import load_case
from lifrac.problems.case.own_mesh import check_own
from lifrac.problems.cli import main as cli
from lifrac.problems.studies.sweep.sweep import load_sweep

PLANE = """
[electrolyte]
material = "LLZO"
thickness = "40 um"
[defect]
length = "10 um"
aperture = "20 nm"
[protocol]
current_density = "4 mA/cm^2"
areal_capacity = "0.001 mAh/cm^2"
[mesh]
file = "own.msh"
[output]
plots = false
"""
DIFFUSE = PLANE.replace(
    "[output]", 'band_size = "0.36 um"\n[fracture]\nengine = "phase_field"\nlength = "2 um"\n[output]'
)
STUDY = """
[study]
case = "{}"
temperatures = ["25 degC"]
stack_pressures = ["1 MPa"]
areal_capacities = ["0.001 mAh/cm^2"]
current_min = "1 mA/cm^2"
current_max = "2 mA/cm^2"
"""
SLAB = SlabEdgeFlaw(thickness=40, half_width=30, flaw_length=10, crack_size=1, far_size=8)


def whole_body(path: Path, *, start: float = 0.0, length: float = 10.0, both: bool = True, msh: float = 4.1) -> None:
    """A whole body of 60 x 40 um with a row of flaw cells from y = start on, in one or in two groups of cells."""
    gmsh.initialize()
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        occ = gmsh.model.occ
        body, row = occ.addRectangle(-30, 0, 0, 60, 40), occ.addRectangle(-0.25, start, 0, 0.5, length)
        out, parts = occ.fragment([(2, body)], [(2, row)])
        occ.synchronize()
        flaw = [t for d, t in parts[1] if d == 2]
        rest = [t for d, t in out if d == 2 and t not in flaw]
        gmsh.model.addPhysicalGroup(2, rest + (flaw if both else []), 10, "electrolyte")
        gmsh.model.addPhysicalGroup(2, flaw, 11, "flaw")

        def curves(*box: float) -> list[int]:
            return [t for _, t in gmsh.model.getEntitiesInBoundingBox(box[0], box[1], -1, box[2], box[3], 1, 1)]

        e = 1e-4
        gmsh.model.addPhysicalGroup(1, curves(-30 - e, -e, 30 + e, e), 1, "anode")
        gmsh.model.addPhysicalGroup(1, curves(-30 - e, 40 - e, 30 + e, 40 + e), 2, "counter")
        sides = curves(-30 - e, -e, -30 + e, 40 + e) + curves(30 - e, -e, 30 + e, 40 + e)
        gmsh.model.addPhysicalGroup(1, sides, 4, "lateral")
        field = gmsh.model.mesh.field
        field.add("Box", 1)
        sizes = {"VIn": 0.5, "VOut": 6, "XMin": -1, "XMax": 1, "YMin": 0, "YMax": start + length + 1, "Thickness": 20}
        for name, value in sizes.items():
            field.setNumber(1, name, value)
        field.setAsBackgroundMesh(1)
        for name in ("MeshSizeExtendFromBoundary", "MeshSizeFromPoints"):
            gmsh.option.setNumber(f"Mesh.{name}", 0)
        gmsh.model.mesh.generate(2)
        gmsh.option.setNumber("Mesh.MshFileVersion", msh)
        gmsh.write(str(path))
    finally:
        gmsh.finalize()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plane")
    write_msh(SLAB, folder / "own.msh")
    (folder / "case.toml").write_text(PLANE)
    return folder / "case.toml"


@pytest.fixture(scope="module")
def diffuse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diffuse")
    whole_body(folder / "own.msh")
    (folder / "case.toml").write_text(DIFFUSE)
    return folder / "case.toml"


def refused(case: Path, *changes: str) -> InputError:
    with pytest.raises(InputError) as refusal:
        check_own(load_case(case, changes))
    assert refusal.value.remedy
    return refusal.value


def test_what_agrees_is_shown(plane: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "mesh"):
        assert cli.main([command, str(plane)]) == 0
        told = capsys.readouterr().out
        assert "thickness    40 um in the mesh, 40 um in the case: they agree" in told
        assert "flaw         10 facets in the mesh, at least 4 in the case: they agree" in told
        assert "differ" not in told


def test_a_mesh_without_sides_is_refused(plane: Path, tmp_path: Path) -> None:
    """Its sides are called bare, on which nothing acts: it read well and then failed in the run."""
    content = plane.with_name("own.msh").read_bytes()
    assert b'"lateral"' in content
    (tmp_path / "own.msh").write_bytes(content.replace(b'"lateral"', b'"bare"'))
    (tmp_path / "case.toml").write_text(PLANE)
    found = refused(tmp_path / "case.toml")
    assert found.key == "mesh.file"
    assert "has no sides" in found.message


LEFT_OUT = ('thickness = "40 um"\n', 'length = "10 um"\n', 'band_size = "0.36 um"\n')


def without(text: str, *lines: str) -> str:
    for line in lines:
        assert line in text
        text = text.replace(line, "", 1)
    return text


def test_thickness_left_out_is_that_of_the_mesh(plane: Path) -> None:
    """The same case to the last bit, and the resolved one states it."""
    short = plane.with_name("short.toml")
    short.write_text(without(PLANE, LEFT_OUT[0]))
    found = load_case(short)
    assert found.content_hash() == load_case(plane).content_hash()
    assert 'thickness = "40.0 um"' in found.resolved_toml()
    short.write_text(without(PLANE, *LEFT_OUT[:2]))
    with pytest.raises(InputError, match=r"defect\.length"):  # the plane engine's mesh does not say
        load_case(short)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_flaw_left_out_is_that_of_the_mesh(tmp_path: Path, scale: float) -> None:
    """Thickness, length, direction and cells; also of a file in other units."""
    whole_body(tmp_path / "um.msh", both=False)
    own = meshio.read(tmp_path / "um.msh")
    own.points = own.points / scale
    own.write(tmp_path / "own.msh", file_format="gmsh22", binary=False)
    (tmp_path / "case.toml").write_text(
        without(DIFFUSE, *LEFT_OUT).replace("[mesh]", f'[mesh]\nlength_unit = "{scale:g} um"')
    )
    case = load_case(tmp_path / "case.toml")
    check_own(case)
    assert float(case.file.electrolyte.thickness) == pytest.approx(40.0)
    assert (case.file.defect.flaw_length, case.file.defect.angle) == (pytest.approx(10.0), 0.0)
    assert float(case.file.mesh.band_size or 0.0) == pytest.approx(0.36, rel=0.25)
    assert all(key in case.resolved_toml() for key in ("thickness", "inclination", "band_size"))


def test_inclined_flaw_left_out_is_that_of_the_mesh(tmp_path: Path) -> None:
    """As meshed by ourselves, 12 um at 30 degrees; what is stated beside it is held against the mesh."""
    tip = (12.0 * np.sin(np.pi / 6.0), 12.0 * np.cos(np.pi / 6.0))
    write_msh(CrackedSlab(40.0, 30.0, 0.5, 6.0, cracks=(((0.0, 0.0), tip),)), tmp_path / "own.msh")
    (tmp_path / "case.toml").write_text(without(DIFFUSE, *LEFT_OUT))
    case = load_case(tmp_path / "case.toml")
    check_own(case)
    assert case.file.defect.flaw_length == pytest.approx(12.0, abs=0.25)
    assert np.degrees(case.file.defect.angle) == pytest.approx(30.0, abs=1.0)
    assert refused(tmp_path / "case.toml", "defect.inclination=-30 deg").key == "defect.length"


@pytest.mark.parametrize("case", ["plane", "diffuse"])
def test_another_thickness_is_refused(case: str, request: pytest.FixtureRequest) -> None:
    found = refused(request.getfixturevalue(case), "electrolyte.thickness=80 um")
    assert found.key == "electrolyte.thickness"
    assert found.value == "80 um"
    assert "is 40 um thick" in found.message
    assert 'thickness = "40 um"' in str(found.remedy)
    check_own(load_case(request.getfixturevalue(case), ["electrolyte.thickness=40.02 um"]))  # 0.05 %


@pytest.mark.parametrize(("unit", "thickness"), [("1 mm", "40 um"), ("1 nm", "40 um"), ("1 um", "40 mm")])
def test_a_wrong_unit_is_recognised(plane: Path, unit: str, thickness: str) -> None:
    changes = [f"mesh.length_unit={unit}", f"electrolyte.thickness={thickness}"]
    if thickness == "40 mm":  # the file would be in mm then
        changes.append("defect.length=10 mm")
    found = refused(plane, *changes)
    assert found.key == "mesh.length_unit"
    assert f'length_unit = "{"1 mm" if thickness == "40 mm" else "1 um"}"' in str(found.remedy)


@pytest.mark.parametrize(
    ("length", "message"), [("3 um", "too coarse"), ("2.5 um", "too coarse"), ("10.4 um", "no node")]
)
def test_a_flaw_that_the_crack_plane_does_not_resolve_is_refused(plane: Path, length: str, message: str) -> None:
    found = refused(plane, f"defect.length={length}")
    assert message in found.message
    assert found.key == "defect.length"
    if message == "no node":
        assert 'length = "10 um"' in str(found.remedy)


@pytest.mark.parametrize("change", ["length=20 um", "length=5 um", "inclination=30 deg"])
def test_another_flaw_than_that_of_the_mesh_is_refused(diffuse: Path, change: str) -> None:
    check_own(load_case(diffuse))
    found = refused(diffuse, f"defect.{change}")
    assert "is 10 um long, but the flaw of the case is" in found.message
    assert found.key == "defect.length"


def test_a_flaw_that_does_not_begin_at_the_anode_is_refused(tmp_path: Path) -> None:
    whole_body(tmp_path / "own.msh", start=5.0)
    (tmp_path / "case.toml").write_text(DIFFUSE)
    assert "does not begin at the anode" in refused(tmp_path / "case.toml").message


def test_cells_that_a_file_holds_twice_are_merged(tmp_path: Path, diffuse: Path) -> None:
    whole_body(tmp_path / "own.msh", msh=2.2)
    (tmp_path / "case.toml").write_text(DIFFUSE)
    ours, theirs = (check_own(load_case(path)) for path in (diffuse, tmp_path / "case.toml"))
    assert [c.as_text() for c in ours] == [c.as_text() for c in theirs]


def test_every_command_refuses(plane: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = ["--set", "electrolyte.thickness=80 um"]
    for command in (["check"], ["mesh"], ["run", "--out", str(tmp_path / "out")]):
        assert cli.main([command[0], str(plane), *command[1:], *other]) == 2
        assert "is 40 um thick" in capsys.readouterr().err
    study, swept = tmp_path / "study.toml", tmp_path / "sweep.toml"
    study.write_text(STUDY.format(plane))
    swept.write_text(f'[sweep]\ncase = "{plane}"\n[sweep.grid]\n"electrolyte.thickness" = ["40 um", "80 um"]\n')
    for command in (
        ["ccd", str(study), "--out", str(tmp_path / "out"), *other],
        ["ccd", str(study), "--dry-run", *other],
        ["sweep", str(swept), "--dry-run"],
    ):
        assert cli.main(command) == 2, command
        assert "is 40 um thick" in capsys.readouterr().err
    assert not (tmp_path / "out").exists() or not any(
        p.name != ".lock" for p in (tmp_path / "out").iterdir() if p.name not in ("study.toml", "study.json", "points")
    )
    with pytest.raises(InputError):
        load_sweep(swept)


def in_gmsh(plane: Path, target: Path, change: Callable[[Any], None]) -> Path:
    """The case with its mesh changed by gmsh and written to another file."""
    gmsh.initialize()
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.merge(str(plane.parent / "own.msh"))
        change(gmsh)
        gmsh.write(str(target))
    finally:
        gmsh.finalize()
    (target.parent / "case.toml").write_text(PLANE.replace("own.msh", target.name))
    return target.parent / "case.toml"


def test_sets_of_others_are_let_pass(plane: Path, tmp_path: Path) -> None:
    def save_all(gmsh: Any) -> None:
        gmsh.option.setNumber("Mesh.SaveGroupsOfElements", -110)  # gmsh's Line1, Surface1 beside ours

    case = in_gmsh(plane, tmp_path / "own.inp", save_all)
    assert "Surface1" in (tmp_path / "own.inp").read_text()
    assert all(c.problem is None for c in check_own(load_case(case)))


def test_a_refusal_keeps_the_group(plane: Path, tmp_path: Path) -> None:
    text = (plane.parent / "own.msh").read_text()
    (tmp_path / "own.msh").write_text(text.replace('"counter"', '"countre"'))
    (tmp_path / "case.toml").write_text(PLANE)
    found = refused(tmp_path / "case.toml")
    assert "group = 'countre'" in found.message
    assert "Did you mean 'counter'" in str(found.remedy)
    assert (found.key, found.value) == ("mesh.file", "own.msh")


def test_a_crack_plane_with_a_gap_is_refused(plane: Path, tmp_path: Path) -> None:
    """All of x = 0 above y = 30 um is in the lateral face instead."""
    (tmp_path / "case.toml").write_text(PLANE)
    mesh = meshio.read(plane.parent / "own.msh")
    names = {name: value[0] for name, value in mesh.field_data.items()}
    for block, tags in zip(mesh.cells, mesh.cell_data["gmsh:physical"], strict=True):
        if block.type == "line":
            middle = mesh.points[block.data].mean(axis=1)
            tags[(tags == names["crack_plane"]) & (middle[:, 1] > 30.0)] = names["lateral"]
    mesh.cell_sets.clear()
    mesh.cell_data["gmsh:geometrical"] = [np.asarray(tags) for tags in mesh.cell_data["gmsh:physical"]]
    meshio.write(tmp_path / "own.msh", mesh, file_format="gmsh22", binary=False)
    found = refused(tmp_path / "case.toml")
    assert "group = 'lateral': 10 facets of it lie on x = 0" in found.message
