"""Flaws of every type, grains and sizes: from the case file to the geometry and the phase-field engine's parameters."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes.builder import build, write_msh
from lifrac.meshes.geometries.cracked import CrackedSlab, Pore
from lifrac.meshes.geometries.gmsh_model import Geometry
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.report import MeshReport
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.cli.main import main
from lifrac.solver.model.fracture import DiffuseCrack
from mpi4py import MPI

HEAD = """
[electrolyte]
material = "LLZO"
thickness = "100 um"
[protocol]
current_density = "2 mA/cm^2"
areal_capacity = "0.5 mAh/cm^2"
"""
FLAWS = {
    "straight": 'length = "20 um"',
    "inclined": 'length = "20 um"\ninclination = "30 deg"',
    "kinked": 'type = "kinked_flaw"\nlength = "20 um"\nkink_position = "12 um"\nkink_angle = "-40 deg"',
    "pore": 'type = "pore"\nradius = "8 um"\ndepth = "14 um"\ninclination = "20 deg"',
    "two": 'type = "two_flaws"\nlength = "20 um"\nsecond_length = "15 um"\noffset = "30 um"',
    "penny": 'type = "half_penny"\nlength = "20 um"',
}


def case_of(folder: Path, flaw: str, *overrides: str, engine: str = "phase_field") -> Case:
    path = folder / "case.toml"
    path.write_text(f'{HEAD}[defect]\naperture = "20 nm"\n{FLAWS[flaw]}\n[fracture]\nengine = "{engine}"\n')
    return load_case(path, overrides)


@cache
def mesh_report(geometry: Geometry) -> MeshReport:
    """Return the report of the mesh of a geometry; several tests ask for the same one."""
    return build(geometry, MPI.COMM_SELF).report


@pytest.mark.parametrize("flaw", FLAWS)
def test_case_round_trip(flaw: str, tmp_path: Path) -> None:
    case = case_of(tmp_path, flaw)
    (tmp_path / "again.toml").write_text(case.resolved_toml())
    again = load_case(tmp_path / "again.toml")
    assert again.geometry() == case.geometry()
    assert again.engine_model() == case.engine_model()
    assert again.content_hash() == case.content_hash()
    assert again.warnings == case.warnings


@pytest.mark.parametrize("flaw", FLAWS)
def test_mesh_has_the_flaw_and_about_the_forecast_nodes(flaw: str, tmp_path: Path) -> None:
    case = case_of(tmp_path, flaw, 'fracture.length="4 um"' if flaw == "penny" else "mesh.growth=0.2")
    geometry = case.geometry()
    assert not isinstance(geometry, Path)
    report = mesh_report(geometry)
    assert report.flaw_cells > 20
    forecast = int(case.file.engine.forecast(case.file).split("nodes")[0].split()[-1])
    assert report.nodes / 1.6 < forecast < 1.6 * report.nodes
    assert report.nodes < 25_000
    assert report.worst_quality > 0.2


def test_straight_flaw_is_a_half_model(tmp_path: Path) -> None:
    geometry = case_of(tmp_path, "straight").geometry()
    assert isinstance(geometry, SlabEdgeFlaw)
    assert (geometry.crack_size, geometry.corridor, geometry.flaw_row) == (0.5, 8.0, True)
    assert (geometry.growth, geometry.path_growth) == (0.2, 0.0)
    penny = case_of(tmp_path, "penny").geometry()
    assert isinstance(penny, HalfPennyBlock)
    assert penny.crack_size == pytest.approx(2.0 / 3.0)
    assert (penny.breadth, penny.reach, penny.flaw_row) == (100.0, 8.0, True)


def test_inclined_flaw(tmp_path: Path) -> None:
    geometry = case_of(tmp_path, "inclined").geometry()
    assert isinstance(geometry, CrackedSlab)
    ((mouth, tip),) = geometry.cracks
    assert mouth == (0.0, 0.0)
    assert tip == pytest.approx((10.0, 20.0 * math.cos(math.pi / 6)))
    (corridor,) = geometry.reach
    assert corridor.line == (mouth, tip, (tip[0], 100.0))
    assert corridor.half_width == 10.0


def test_kinked_flaw(tmp_path: Path) -> None:
    geometry = case_of(tmp_path, "kinked").geometry()
    assert isinstance(geometry, CrackedSlab)
    turn = math.radians(40.0)
    np.testing.assert_allclose(
        geometry.cracks[0], [[0, 0], [0, 12], [-8 * math.sin(turn), 12 + 8 * math.cos(turn)]], atol=1e-12
    )


def test_pore_and_its_micro_crack(tmp_path: Path) -> None:
    """The crack goes from the face straight to the pore's centre, and ends on the wall."""
    case = case_of(tmp_path, "pore")
    geometry = case.geometry()
    assert isinstance(geometry, CrackedSlab)
    assert geometry.pores == (Pore(0.0, 14.0, 8.0),)
    ((mouth, end),) = geometry.cracks
    assert mouth == pytest.approx((-14.0 * math.tan(math.radians(20.0)), 0.0))
    assert math.dist(end, (0.0, 14.0)) == pytest.approx(8.0, rel=1e-12)
    length = 14.0 / math.cos(math.radians(20.0)) - 8.0
    assert case.cell().flaw.length == pytest.approx(length, rel=1e-12)
    assert math.dist(mouth, end) == pytest.approx(length, rel=1e-12)
    assert case.engine_model().diffuse.length == pytest.approx(0.25 * length)


def test_two_flaws(tmp_path: Path) -> None:
    case = case_of(tmp_path, "two")
    geometry = case.geometry()
    assert isinstance(geometry, CrackedSlab)
    assert geometry.cracks == (((-15.0, 0.0), (-15.0, 20.0)), ((15.0, 0.0), (15.0, 15.0)))
    assert case.engine_model().diffuse.length == 2.0


def test_parameters_of_the_phase_field_engine(tmp_path: Path) -> None:
    diffuse = case_of(tmp_path, "inclined").engine_model().diffuse
    assert diffuse == DiffuseCrack(length=2.0, cell_size=0.5)
    sets = [
        'fracture.damage_model="AT2"',
        'fracture.length="1.2 um"',
        'fracture.split="star_convex"',
        "fracture.split_ratio=3",
        "fracture.correct_toughness=false",
        'mesh.band_size="0.4 um"',
    ]
    stated = case_of(tmp_path, "inclined", *sets).engine_model().diffuse
    assert stated == DiffuseCrack(1.2, 0.4, "AT2", "star_convex", 3.0, False)


def test_the_engine_is_the_only_change(tmp_path: Path) -> None:
    """A case of the plane engine with its own keys runs on the other engine, and back; unused keys are told of."""
    sets = ['fracture.cohesive_strength="300 MPa"', 'mesh.crack_size="0.5 um"', "mesh.path_growth=0.05"]
    plane = case_of(tmp_path, "straight", *sets, engine="plane")
    field = case_of(tmp_path, "straight", *sets)
    assert plane.cell() == field.cell()
    assert plane.content_hash() != field.content_hash()
    unused = [text for text in field.warnings if "no effect on the phase_field engine" in text]
    assert [text.split()[0] for text in unused] == ["fracture.cohesive_strength", "mesh.crack_size", "mesh.path_growth"]
    back = case_of(tmp_path, "straight", 'fracture.length="1 um"', 'mesh.band_size="0.2 um"', engine="plane")
    told = [text.split()[0] for text in back.warnings if "no effect on the plane engine" in text]
    assert told == ["fracture.length", "mesh.band_size"]
    assert not any("no effect" in text for text in case_of(tmp_path, "straight", engine="plane").warnings)


def test_warnings_say_what_follows(tmp_path: Path) -> None:
    wide = case_of(tmp_path, "inclined", 'fracture.length="25 um"').warnings
    assert any("exceeds the flaw (20 um)" in text and "results depend on fracture.length" in text for text in wide)
    pressed = ['operation.lateral="free"', 'operation.lateral_stress="-200 MPa"']
    assert any("star_convex" in text for text in case_of(tmp_path, "inclined", *pressed).warnings)
    cured = case_of(tmp_path, "inclined", *pressed, 'fracture.split="star_convex"').warnings
    assert not any("star_convex" in text for text in cured)
    many = case_of(tmp_path, "inclined", 'mesh.reach="60 um"').warnings
    assert any("nodes: a run takes long" in text for text in many)


def test_polycrystal(tmp_path: Path) -> None:
    sets = [
        'electrolyte.grains.size="10 um"',
        "electrolyte.grains.seed=3",
        "electrolyte.grains.toughness_ratio=0.5",
        'electrolyte.grains.boundary_resistance="0.2 ohm cm^2"',
        "electrolyte.grains.periodic=true",
    ]
    case = case_of(tmp_path, "straight", *sets)
    assert isinstance(case.geometry(), CrackedSlab), "grains break the symmetry"
    found = case.engine_model().boundaries
    assert found is not None
    assert (found.width, found.toughness_ratio, found.resistance) == (3.0, 0.5, pytest.approx(2.0e-5))
    assert found.grains.count == round(200 * 100 / (math.pi * 25))
    assert (found.grains.seed, found.grains.periodic) == (3, True)
    (tmp_path / "again.toml").write_text(case.resolved_toml())
    again = load_case(tmp_path / "again.toml")
    assert again.content_hash() == case.content_hash()
    other = case_of(tmp_path, "straight", *sets, "electrolyte.grains.seed=4")
    assert other.content_hash() != case.content_hash()
    with pytest.raises(InputError, match="not symmetric"):
        case_of(tmp_path, "penny", "electrolyte.grains.count=9")


@pytest.mark.parametrize(
    ("flaw", "change", "message"),
    [
        ("inclined", 'electrolyte.thickness="15 um"', r"defect.length = '20 um': the flaw reaches through"),
        ("pore", 'electrolyte.thickness="20 um"', r"defect.depth = '14 um': the flaw reaches through"),
        ("pore", 'defect.radius="15 um"', r"defect.depth = '14 um': the pore, of radius 15 um, is cut"),
        ("pore", 'mesh.half_width="8.2 um"', r"defect = .*touches or crosses a face"),
        ("kinked", 'defect.kink_position="30 um"', r"defect.kink_position = '30 um': lies beyond"),
        ("kinked", 'defect.kink_angle="119 deg"; defect.kink_position="4 um"', r"defect = .*leaves the body"),
        ("two", 'defect.offset="0.5 um"', r"defect = .*closer than three cells"),
        ("two", 'defect.offset="199.5 um"', r"defect = .*leaves the body"),
    ],
)
def test_flaws_that_do_not_fit(flaw: str, change: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        case_of(tmp_path, flaw, *change.split("; "))
    assert "case.toml" in str(refusal.value)


def test_plane_engine_refuses_other_flaws(tmp_path: Path) -> None:
    for flaw in set(FLAWS) - {"straight"}:
        with pytest.raises(InputError, match=r"has no crack plane.*phase_field"):
            case_of(tmp_path, flaw, engine="plane")


def test_adaptive_mesh_is_fine_about_the_flaw_only(tmp_path: Path) -> None:
    for flaw in ("straight", "inclined", "two"):
        case, fixed = (case_of(tmp_path, flaw, "mesh.growth=0.2", *more) for more in (["mesh.adaptive=true"], []))
        assert case.engine_model().adaptive
        assert not fixed.engine_model().adaptive
        few, many = (mesh_report(c.geometry()) for c in (case, fixed))  # type: ignore[arg-type]
        assert few.nodes < 0.8 * many.nodes, flaw
        assert few.flaw_cells == many.flaw_cells
        forecast = int(case.file.engine.forecast(case.file).split("nodes")[0].split()[-1])
        assert 0.5 < forecast / few.nodes < 2.0, flaw


def test_plane_engine_refuses_adaptive_meshes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mesh\.adaptive = 'true'.*plane engine.*Remove it, or write.*phase_field"):
        case_of(tmp_path, "straight", "mesh.adaptive=true", engine="plane")


@pytest.mark.parametrize("flaw", ["inclined", "penny"])
def test_check_and_mesh_take_the_cases(flaw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = case_of(tmp_path, flaw, 'fracture.length="5 um"')
    path = tmp_path / "resolved.toml"
    path.write_text(case.resolved_toml())
    assert main(["check", str(path)]) == 0
    text = capsys.readouterr().out
    assert "fracture.length" in text
    assert "nodes" in text
    assert main(["mesh", str(path)]) == 0
    assert "in the flaw" in capsys.readouterr().out


def test_own_mesh_must_suit_the_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, half = tmp_path / "whole.msh", tmp_path / "half.msh"
    write_msh(CrackedSlab(100.0, 60.0, 1.0, 10.0, cracks=(((0.0, 0.0), (12.0, 16.0)),)), whole)
    write_msh(SlabEdgeFlaw(100.0, 60.0, 20.0, 1.0, 10.0), half)
    path = tmp_path / "case.toml"

    def mesh(file: Path, engine: str, more: str = "") -> str:
        inclined = 'inclination = "36.87 deg"\n' if file == whole and engine == "phase_field" else ""
        text = f'{HEAD}[defect]\naperture = "20 nm"\nlength = "20 um"\n{inclined}[fracture]\nengine = "{engine}"\n'
        path.write_text(f'{text}length = "3 um"\n[mesh]\nfile = "{file.name}"\n{more}')
        code = main(["mesh", str(path)])
        captured = capsys.readouterr()
        assert (code == 0) == ("in the flaw" in captured.out or "on the crack plane" in captured.out)
        return captured.err

    assert "mesh.file = 'whole.msh': has no crack_plane" in mesh(whole, "plane")
    assert "mesh.file = 'half.msh': has no group of cells flaw" in mesh(half, "phase_field")
    assert "lifrac: " not in mesh(whole, "phase_field").replace("lifrac: warning", ""), "cells as the mesh has them"
    wrong = mesh(whole, "phase_field", 'band_size = "0.75 um"\n')
    assert "cells of the group flaw in whole.msh measure 1 um" in wrong
    assert 'Write band_size = "1 um"' in wrong
    assert "case.toml" in wrong
    assert "lifrac: " not in mesh(whole, "phase_field", 'band_size = "1 um"\n').replace("lifrac: warning", "")
    assert "lifrac: " not in mesh(half, "plane").replace("lifrac: warning", "")
