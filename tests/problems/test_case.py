"""Reading, overriding and resolving cases."""

import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest
from lifrac.errors import InputError
from lifrac.problems.case import estimates, reference
from lifrac.problems.case.case import READY_CASES, Case, load_case
from lifrac.solver.model.cell_model import CohesiveModel, PlaneModel
from lifrac.solver.model.control import ConstantCurrent, Rest
from lifrac.solver.model.protocol import ProtocolStep, StopRules

READY = sorted(path.stem for path in READY_CASES.glob("*.toml"))
SHORT = """
[electrolyte]
material = "LLZO"
thickness = "200 um"
[defect]
length = "20 um"
aperture = "20 nm"
[protocol]
current_density = "2 mA/cm^2"
areal_capacity = "0.5 mAh/cm^2"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "case.toml"
    file.write_text(SHORT)
    return file


def same_numbers(one: Case, other: Case) -> bool:
    return one.engine_model() == other.engine_model() and one.geometry() == other.geometry()


def test_ready_cases_are_the_documented_ones() -> None:
    assert READY == [
        "li6ps5cl_1MPa",
        "li6ps5cl_25MPa",
        "llzo_grains",
        "llzo_half_penny",
        "llzo_holds",
        "llzo_inclined",
        "llzo_inclined_200MPa",
        "llzo_pore",
        "llzo_ramp",
        "llzo_rate_reversal",
        "llzo_runs_through",
    ]
    page = READY_CASES.parent / "README.md"
    if page.is_file():  # a checkout
        assert all(f"`{name}`" in page.read_text() for name in READY)


@pytest.mark.parametrize("name", READY)
def test_ready_case_round_trip(name: str, tmp_path: Path) -> None:
    """The resolved case reads back to identical numbers, and once more to an identical text."""
    case = load_case(name)
    (tmp_path / f"{name}.toml").write_text(case.resolved_toml())
    again = load_case(tmp_path / f"{name}.toml")
    assert same_numbers(case, again)
    assert again.content_hash() == case.content_hash()
    (tmp_path / f"{name}.toml").write_text(again.resolved_toml())
    assert load_case(tmp_path / f"{name}.toml").resolved_toml() == again.resolved_toml()


@pytest.mark.parametrize("name", READY)
def test_ready_cases_satisfy_the_json_schema(name: str) -> None:
    schema = json.loads((READY_CASES.parents[1] / "case.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(tomllib.loads((READY_CASES / f"{name}.toml").read_text()))
    validator.validate(tomllib.loads(load_case(name).resolved_toml()))


def test_json_schema_refuses() -> None:
    validator = jsonschema.Draft202012Validator(reference.json_schema())
    data = tomllib.loads(SHORT)
    assert validator.is_valid(data)
    for table, key, value in (
        ("defect", "length", 20),
        ("defect", "lenght", "20 um"),
        ("protocol", "stop_at", "x"),
    ):
        assert not validator.is_valid(data | {table: data[table] | {key: value}})


def test_generated_files_are_up_to_date() -> None:
    """`python -m lifrac.problems.case.reference` makes them."""
    assert (READY_CASES.parents[1] / "case.schema.json").read_text() == reference.schema_text()
    docs = Path(__file__).parents[2] / "docs"
    for name in reference.PAGES:
        assert (docs / name).read_text() == reference.filled((docs / name).read_text())


def test_overridden_and_derived_values_round_trip(path: Path, tmp_path: Path) -> None:
    overrides = [
        "operation.temperature=61.7 degC",
        "electrolyte.properties.conductivity=0.7 mS/cm",
        "electrodes.properties.stress_cap=3 MPa",
        "output.fields=['0.1 mAh/cm^2', '0.2 mAh/cm^2']",
        "electrolyte.thickness=0.3337 mm",
        "fracture.cohesive_strength=321 MPa",
        "solver.max_step=10 s",
    ]
    case = load_case(path, overrides)
    (tmp_path / "resolved.toml").write_text(case.resolved_toml())
    again = load_case(tmp_path / "resolved.toml")
    assert same_numbers(case, again)
    assert again.stored_states == case.stored_states == (3600.0, 7200.0)


def test_model_in_internal_units(path: Path) -> None:
    case = load_case(path, ["operation.stack_pressure=5 MPa", "electrodes.film_resistance=10 ohm*cm^2"])
    model = case.engine_model()
    assert (model.flaw.length, model.flaw.aperture, model.flaw.filling) == (20.0, 0.02, 1.0)
    assert model.loads.stack_pressure == 5.0
    assert model.electrolyte.conductivity == pytest.approx(4.6e4)
    assert model.anode.film_resistance == pytest.approx(1.0e-3)
    assert model.protocol == (ProtocolStep(ConstantCurrent(20.0), 18000.0),)
    cohesive = load_case(path, ["fracture.engine=cohesive"]).engine_model()
    assert (type(model), type(cohesive)) == (PlaneModel, CohesiveModel)
    assert cohesive.cohesion.strength is None
    assert all(type(value) is float for value in asdict(model.flaw).values() if not isinstance(value, str))


def test_mesh_defaults(path: Path) -> None:
    sizes = load_case(path).file.mesh_sizes()
    assert sizes == {
        "crack_size": 0.8,
        "tip_size": 0.2,
        "path_growth": 0.02,
        "path_size": 2.0,
        "far_size": 20.0,
        "growth": 0.1,
        "half_width": 200.0,
    }
    long = load_case(path, ["defect.length=60 um", "electrolyte.thickness=100 um"]).file.mesh_sizes()
    assert (long["crack_size"], long["half_width"]) == (2.4, 300.0)
    tiny = load_case(path, ["defect.length=1 um"]).file.mesh_sizes()
    assert (tiny["crack_size"], tiny["path_growth"]) == (0.04, 0.02)


def test_geometry(path: Path) -> None:
    geometry = load_case(path).geometry()
    assert not isinstance(geometry, Path)
    assert (geometry.thickness, geometry.crack_size) == (200.0, 0.8)
    assert geometry.flaw_length == pytest.approx(20.0 + 0.325 * 0.2)  # where the tip of the discrete crack is at 20
    cohesive = load_case(path, ["fracture.engine=cohesive"]).geometry()
    assert not isinstance(cohesive, Path)
    assert (cohesive.flaw_length, cohesive.crack_size) == (20.0, 0.4)


def test_short_form_of_the_protocol(path: Path) -> None:
    overrides = [
        "rest_before=1 min",
        "rest_after=2 min",
        "reversal_capacity=0.1 mAh/cm^2",
        "stop_at=fracture",
    ]
    model = load_case(path, [f"protocol.{text}" for text in overrides]).engine_model()
    assert model.protocol == (
        ProtocolStep(Rest(), duration=60.0),
        ProtocolStep(ConstantCurrent(20.0), 18000.0),
        ProtocolStep(Rest(), duration=120.0),
        ProtocolStep(ConstantCurrent(-20.0), 3600.0),
    )
    assert model.stop == StopRules(at_fracture=True)


def test_long_form_of_the_protocol(path: Path) -> None:
    head = SHORT.partition("[protocol]")[0]
    steps = """
    [[protocol.steps]]
    type = "constant_current"
    current_density = "1 mA/cm^2"
    duration = "10 s"
    [[protocol.steps]]
    type = "rest"
    duration = "1 min"
    """
    path.write_text(head + steps)
    case = load_case(path, ["protocol.steps[1].duration=2 min", "protocol.voltage_limit=0.5 V"])
    assert case.engine_model().protocol == (
        ProtocolStep(ConstantCurrent(10.0), None, 10.0),
        ProtocolStep(Rest(), duration=120.0),
    )
    assert case.engine_model().stop.voltage_limit == 0.5


def test_content_hash_is_of_numbers(path: Path) -> None:
    one, same = load_case(path), load_case(path, ["defect.length=0.02 mm", "output.plots=false"])
    other = load_case(path, ["defect.length=21 um"])
    assert one.content_hash() == same.content_hash() != other.content_hash()


def test_own_mesh(path: Path) -> None:
    (path.parent / "own.msh").write_text("a mesh")
    case = load_case(path, ["mesh.file=own.msh", "mesh.length_unit=1 mm"])
    assert case.geometry() == path.parent / "own.msh"
    assert case.mesh_scale == 1000.0
    first = case.content_hash()
    (path.parent / "own.msh").write_text("another mesh")
    assert case.content_hash() != first


def test_warnings(path: Path) -> None:
    assert any(
        "the loads alone crack the flaw" in text
        for text in load_case(path, ["operation.stack_pressure=150 MPa", "operation.lateral=free"]).warnings
    )
    assert any("125 degC" in text for text in load_case(path, ["operation.temperature=150 degC"]).warnings)


def test_all_problems_in_one_message(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_case(path, ["defect.length=20", "operation.temprature=60 degC", "protocol.stop_at=shot_circuit"])
    text = str(caught.value)
    assert text.startswith(f"{path}: 3 problems")
    assert "defect.length = 20: " in text
    assert "operation.temprature: unknown key. Did you mean operation.temperature?" in text
    assert 'Did you mean "short_circuit"?' in text


def test_characteristic_numbers(path: Path) -> None:
    """LLZO-like data of the design trial: 134 MPa at the flaw tip for 2 mA/cm2."""
    numbers = load_case("llzo_holds", ["protocol.current_density=2 mA/cm^2"]).dimensionless()
    assert numbers["griffith_pressure_MPa"] == pytest.approx(110.4, rel=1e-3)
    assert numbers["pressure_bound_tip_MPa"] == pytest.approx(135.0, rel=1e-2)
    assert numbers["wagner_number"] == pytest.approx(1.26, rel=1e-2)


@pytest.mark.parametrize(("exponent", "factor"), [(1.0, 0.8418), (6.56, 0.7195), (1e6, 0.6844)])
def test_slot_shape_factor(exponent: float, factor: float) -> None:
    assert estimates.slot_shape_factor(exponent) == pytest.approx(factor, abs=1e-4)


SLOT = {
    "electrolyte.properties.fracture_toughness": "0.23 MPa*m^0.5",
    "defect.length": "20 um",
    "defect.aperture": "1 um",
    "operation.lateral": "free",
}


@pytest.mark.parametrize(
    ("pressure", "current"), [(0, 1.42), (1, 1.10), (5, 0.347), (7, 0.179), (10, 0.058), (15, 0.005)]
)
def test_threshold_of_a_slot_under_stack_pressure(path: Path, pressure: float, current: float) -> None:
    """Table of the master scaling for w = 1 um, a = 20 um, K_Ic = 0.23 MPa m^0.5 (two to three digits)."""
    overrides = [f"{key}={value}" for key, value in SLOT.items()] + [f"operation.stack_pressure={pressure} MPa"]
    numbers = load_case(path, overrides).dimensionless()
    assert numbers["slot_threshold_current_mA_per_cm2"] == pytest.approx(current, rel=0.02, abs=6e-4)


def test_capacity_without_extrusion(path: Path) -> None:
    """0.109 mAh/cm2 through 1 mm of LLZO (K_Ic = 1 MPa m^0.5, 150 GPa, 0.26) from 10 um."""
    overrides = [
        "electrolyte.thickness=1 mm",
        "defect.length=10 um",
        "electrolyte.properties.youngs_modulus=150 GPa",
    ]
    numbers = load_case(path, overrides).dimensionless()
    assert numbers["capacity_without_extrusion_mAh_per_cm2"] == pytest.approx(0.109, rel=5e-3)


@pytest.mark.parametrize(("name", "command"), [("llzo", "lifrac ccd llzo"), ("llzo_24", "lifrac sweep llzo_24")])
def test_a_ready_study_is_no_case_but_told_how_to_run(name: str, command: str) -> None:
    with pytest.raises(InputError, match=command):
        load_case(name)
