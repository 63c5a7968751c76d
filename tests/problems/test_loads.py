"""Loads of a flaw for the sides stated: the characteristic numbers against what the bulk does."""

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.run.meshing import make_mesh
from lifrac.solver.physics.flaw_scales import EDGE_FACTOR, PENNY_FACTOR, normal_stress
from lifrac.solver.plane.bulk import Bulk
from lifrac.solver.plane.surface import CRACK, gather_surface
from mpi4py import MPI

COARSE = ["mesh.crack_size=2 um", "mesh.far_size=20 um", "mesh.half_width=150 um", "electrolyte.thickness=100 um"]
SIDES = {
    "plate": ["operation.stack_pressure=20 MPa", "operation.lateral=plate"],
    "free": ["operation.stack_pressure=20 MPa", "operation.lateral=free"],
    "held": ["operation.stack_pressure=20 MPa"],
    "pressed": ["operation.stack_pressure=20 MPa", "operation.lateral=plate", "operation.lateral_stress=-100 MPa"],
    "pulled": ["operation.stack_pressure=20 MPa", "operation.lateral=free", "operation.lateral_stress=30 MPa"],
}


def case(*changes: str) -> Case:
    return load_case("llzo_holds", [*COARSE, *changes])


@pytest.mark.parametrize("sides", SIDES)
def test_the_normal_stress_is_that_of_the_bulk(sides: str) -> None:
    """Tractions that keep x = 0 closed, from the condensed bulk, in the middle of the electrolyte."""
    loaded = case(*SIDES[sides])
    model, tagged = loaded.engine_model(), make_mesh(loaded, MPI.COMM_SELF)
    surface = gather_surface(tagged)
    response = Bulk(tagged, surface, model.electrolyte.poisson_ratio, model.loads).response()
    force = model.loads.stack_pressure * response.load_stack + model.loads.lateral_stress * response.load_lateral
    area, y = surface.lumped_area(CRACK)[surface.crack], surface.x[surface.crack, 1]
    middle = (y > 30.0) & (y < 70.0)
    traction = float(np.sum(force[middle]) / np.sum(area[middle]))
    expected = normal_stress(model)
    assert traction == pytest.approx(expected, rel=0.01, abs=0.05)
    assert loaded.dimensionless()["normal_stress_on_flaw_MPa"] == expected


def test_numbers_for_the_sides() -> None:
    nu = 0.26
    plate, free, held, pressed, pulled = (case(*changes).dimensionless() for changes in SIDES.values())
    griffith = free["griffith_pressure_MPa"]
    assert {n["griffith_pressure_MPa"] for n in (plate, held, pressed, pulled)} == {griffith}
    assert free["cracking_pressure_MPa"] == plate["cracking_pressure_MPa"] == griffith
    assert held["cracking_pressure_MPa"] == pytest.approx(griffith + nu / (1 - nu) * 20.0, rel=1e-2)
    assert pressed["cracking_pressure_MPa"] == pytest.approx(griffith + 100.0)
    assert free["loads_to_fracture_toughness"] == pytest.approx(20.0 / griffith)
    assert held["loads_to_fracture_toughness"] == pytest.approx(20.0 * (1 - 2 * nu) / (1 - nu) / griffith, rel=1e-2)
    assert pulled["loads_to_fracture_toughness"] == pytest.approx(50.0 / griffith)
    assert pressed["loads_to_fracture_toughness"] == pytest.approx(-80.0 / griffith)


def test_an_inclined_flaw_and_a_half_penny() -> None:
    inclined = load_case("llzo_inclined_200MPa")
    model, angle = inclined.cell(), inclined.file.defect.angle
    across = -200.0 * np.cos(angle) ** 2 - model.loads.stack_pressure * np.sin(angle) ** 2
    assert inclined.dimensionless()["normal_stress_on_flaw_MPa"] == pytest.approx(across)
    penny = load_case("llzo_half_penny")
    e, a = penny.cell().electrolyte, penny.cell().flaw.length
    assert penny.dimensionless()["griffith_pressure_MPa"] == pytest.approx(
        e.fracture_toughness / (PENNY_FACTOR * np.sqrt(np.pi * a))
    )
    assert pytest.approx(EDGE_FACTOR * 2 / np.pi) == PENNY_FACTOR


def test_a_compression_with_the_wrong_sign_is_warned_of() -> None:
    pulled = ["operation.lateral=free", "operation.lateral_stress=200 MPa"]
    found = [w for w in load_case("llzo_holds", pulled).warnings if "K_Ic" in w]
    assert len(found) == 1
    assert "K is 1.8 K_Ic before any current flows" in found[0]
    assert 'did you mean "-200 MPa"?' in found[0]
    pressed = ["operation.lateral=free", "operation.lateral_stress=-200 MPa"]
    assert not any("K_Ic" in w for w in load_case("llzo_holds", pressed).warnings)
    held = ["operation.stack_pressure=130 MPa", "operation.lateral=die"]
    assert not any("K_Ic" in w for w in load_case("llzo_holds", held).warnings)
    assert any("K_Ic" in w for w in load_case("llzo_holds", [held[0], "operation.lateral=plate"]).warnings)


def test_pressures_outside_the_measured_range_are_told_of_once() -> None:
    found = [w for w in load_case("li6ps5cl_25MPa", ["operation.lateral=free"]).warnings if "creep_rate" in w]
    assert len(found) == 1
    assert "the pressure that would crack the flaw is 25.87 MPa and the stack pressure is 25 MPa" in found[0]


def test_former_names_are_read_with_a_message() -> None:
    old = case("operation.lateral=roller", "fracture.engine=sharp_front")
    new = case("operation.lateral=die", "fracture.engine=plane")
    assert old.engine_model() == new.engine_model()
    assert old.content_hash() == new.content_hash()
    assert [text for text in old.warnings if "present name" in text] == [
        'operation.lateral = "roller" is read as "die", its present name',
        'fracture.engine = "sharp_front" is read as "plane", its present name',
    ]
    assert not any("present name" in text for text in new.warnings)


def test_the_phase_field_has_no_sides_that_move_together() -> None:
    with pytest.raises(InputError, match=r'operation\.lateral = \'plate\'.*"die" or "free"'):
        load_case("llzo_half_penny", ["operation.lateral=plate"])
