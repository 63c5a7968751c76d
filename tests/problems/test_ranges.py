"""Every quantity of every file has a range: right, refused or warned of, with a guess at what was meant."""

from collections.abc import Iterable, Iterator
from math import inf, isfinite, nextafter
from typing import Any

import pytest
from lifrac.errors import InputError
from lifrac.problems.case.case import CaseFile, load_case
from lifrac.problems.case.schema_tools import all_fields, dimension_of, tables_inside
from lifrac.problems.materials.cards import ElectrolyteCard, LithiumCard
from lifrac.problems.quantities.units import Dimension, QuantityError
from lifrac.problems.studies.ccd.study_file import StudyFile
from pydantic import BaseModel

MODELS: tuple[type[BaseModel], ...] = (CaseFile, ElectrolyteCard, LithiumCard, StudyFile)


def keys(tables: Iterable[type[BaseModel]], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Dimension]]:
    """Every key of a table, whatever its type, that holds a quantity."""
    for name, field in all_fields(tables).items():
        inner, dimension = tables_inside(field.annotation), dimension_of(field)
        if dimension is not None:
            yield f"{prefix}{name}", dimension
        elif inner and depth < 6:
            yield from keys(inner, f"{prefix}{name}.", depth + 1)


def of_models() -> Iterator[tuple[str, Dimension]]:
    for model in MODELS:
        for key, dimension in keys((model,)):
            yield f"{model.__name__}.{key}", dimension


ALL = dict(of_models())
EACH = {dimension: key for key, dimension in ALL.items()}
"""Every kind of quantity once, with one of its keys."""


def internal(dimension: Dimension, value: float) -> str | float:
    return dimension.internal(value).text if dimension.unit else value


def verdict(dimension: Dimension, text: object) -> str:
    try:
        value = dimension(text)
    except QuantityError as error:
        return "refused" if error.remedy else "refused without a remedy"
    assert isfinite(value)
    return "warned of" if value.doubt else "right"


def test_there_are_many_keys() -> None:
    assert len(ALL) > 100
    assert {"CaseFile.defect.aperture", "CaseFile.operation.lateral_stress"} <= set(ALL)


@pytest.mark.parametrize("key", EACH.values())
def test_both_ends_and_beyond(key: str) -> None:
    dimension = ALL[key]
    low = dimension.ge if dimension.ge is not None else dimension.gt
    high = dimension.le if dimension.le is not None else dimension.lt
    assert low is not None, "no lower bound"
    assert high is not None, "no upper bound"
    assert isfinite(low)
    assert isfinite(high)
    for bound, inclusive, away in ((low, dimension.ge, -inf), (high, dimension.le, inf)):
        inside = bound if inclusive is not None else nextafter(bound, -away)
        if inside > 1.0e-300 or inside <= 0.0:
            assert verdict(dimension, internal(dimension, inside)) != "refused", (key, inside)
        beyond = bound + (abs(bound) * 1.0e-6 or 1.0e-6) * (1 if away > 0 else -1)
        assert verdict(dimension, internal(dimension, beyond)) == "refused", (key, beyond)
    if dimension.likely is not None:
        assert verdict(dimension, internal(dimension, dimension.likely[1] * 1.000001)) != "right", key
        assert verdict(dimension, internal(dimension, dimension.likely[0] * 0.999999)) != "right", key


@pytest.mark.parametrize("key", EACH.values())
def test_what_is_no_quantity_is_refused(key: str) -> None:
    dimension = ALL[key]
    nonsense = (True, None, [], ["20 um"], {}, "", " ", "um", "nan", float("nan"), inf, "1e400", "1e999 um", "x" * 100)
    for value in nonsense:
        assert verdict(dimension, value) == "refused", (key, value)
    if dimension.unit:
        for value in (20, 20.0, "20", "20 apples", "20 um um um^-9"):
            assert verdict(dimension, value) == "refused", (key, value)
    comma = "0,5 " + dimension.usual
    with pytest.raises(QuantityError, match="decimal comma") as refusal:
        dimension(comma)
    assert "0.5" in str(refusal.value.remedy)


SLIPS: dict[str, list[tuple[str, str, str]]] = {
    "energy": [
        ("0.34 eV/mol", "refused", '"0.34 eV"'),
        ("33 kJ", "refused", '"33 kJ/mol"'),
        ("34 eV", "refused", '"34 kJ'),
        ("33 J/mol", "refused", '"33 kJ/mol"'),
        ("0.34 eV", "right", ""),
        ("33 kJ/mol", "right", ""),
        ("340 meV", "right", ""),
        ("0.34 meV", "refused", '"0.34 eV"'),
        ("-0.34 eV", "refused", ""),
    ],
    "aperture": [("20 mm", "refused", '"20 um"'), ("20 nm", "right", ""), ("200 um", "warned of", '"200 nm"')],
    "thickness": [("100 mm", "warned of", '"100 um"'), ("100 nm", "warned of", '"100 um"'), ("0.1 m", "warned of", "")],
    "stack": [
        ("5 GPa", "warned of", '"5 MPa"'),
        ("5 Pa", "warned of", '"5 MPa"'),
        ("-5 MPa", "refused", ""),
        ("0 MPa", "right", ""),
        ("5 kPa", "right", ""),
    ],
    "modulus": [("22 MPa", "warned of", '"22 GPa"'), ("22 kPa", "warned of", '"22 GPa"'), ("150 GPa", "right", "")],
    "temperature": [
        ("25 K", "refused", '"25 degC"'),
        ("298.15 degC", "warned of", '"298.15 K"'),
        ("60 degC", "right", ""),
    ],
    "current": [
        ("4 A/cm^2", "warned of", '"4 mA/cm^2"'),
        ("4 kA/cm^2", "refused", '"4 mA/cm^2"'),
        ("-2 mA/cm^2", "right", ""),
    ],
    "capacity": [("500 mAh/m^2", "right", ""), ("5 Ah/cm^2", "warned of", '"5 mAh/cm^2"')],
    "resistance": [
        ("1e300 ohm*cm^2", "refused", ""),
        ("12 ohm*m^2", "warned of", '"12 ohm*cm^2"'),
        ("12 ohm*cm2", "right", ""),
    ],
    "toughness": [("1 Pa*m^0.5", "warned of", '"1 MPa*m^0.5"'), ("1.25 MPa*sqrt(m)", "right", "")],
}
KEYS = {
    "energy": "ElectrolyteCard.properties.conductivity.activation_energy",
    "aperture": "CaseFile.defect.aperture",
    "thickness": "CaseFile.electrolyte.thickness",
    "stack": "CaseFile.operation.stack_pressure",
    "modulus": "ElectrolyteCard.properties.youngs_modulus.value",
    "temperature": "CaseFile.operation.temperature",
    "current": "CaseFile.protocol.current_density",
    "capacity": "CaseFile.protocol.areal_capacity",
    "resistance": "ElectrolyteCard.properties.interface_resistance.value",
    "toughness": "ElectrolyteCard.properties.fracture_toughness.value",
}


@pytest.mark.parametrize(
    ("kind", "text", "expected", "meant"), [(kind, *slip) for kind, slips in SLIPS.items() for slip in slips]
)
def test_slips_of_units(kind: str, text: str, expected: str, meant: str) -> None:
    dimension = ALL[KEYS[kind]]
    assert verdict(dimension, text) == expected
    try:
        said = dimension(text).doubt
    except QuantityError as error:
        said = str(error.remedy)
    assert meant in said


def test_every_slip_of_every_dimension_is_right_refused_or_warned_of() -> None:
    for dimension, key in EACH.items():
        for number in ("1e-3", "1", "20", "300", "1e6"):
            for unit in dimension.slips:
                assert verdict(dimension, f"{number} {unit}") in ("right", "refused", "warned of"), key


@pytest.mark.parametrize("text", ["\u221230 deg", "-30 deg"])
def test_a_typographic_minus_is_a_minus(text: str) -> None:
    assert ALL["CaseFile.defect.inclination"](text) == -30.0


@pytest.mark.parametrize("micro", ["u", "\u00b5", "\u03bc"])
def test_every_micro_sign_is_one(micro: str) -> None:
    assert ALL["CaseFile.electrolyte.thickness"](f"100 {micro}m") == 100.0


def test_a_case_tells_of_its_doubts() -> None:
    found = load_case("llzo_holds", ["operation.stack_pressure=5 GPa"]).warnings
    said = 'a stack pressure is 0.001 MPa to 2000 MPa as a rule. Did you mean "5 MPa"?'
    assert f"operation.stack_pressure = 5 GPa: {said}" in found
    assert not any("as a rule" in warning for warning in load_case("llzo_holds").warnings)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (
            'electrolyte.properties.conductivity={ value = "0.46 mS/cm", activation_energy = "0.34 eV/mol" }',
            "activation_energy",
        ),
        ("defect.filling=0,5", "defect.filling"),
        (
            'electrolyte.properties.interface_resistance={ value = "5 ohm*cm^2", activation_energy = "5 eV", '
            'reference_temperature = "2000 degC" }',
            "electrolyte.properties.interface_resistance",
        ),
    ],
)
def test_a_case_beyond_reason_is_refused(change: str, key: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_case("llzo_holds", [change])
    assert key in str(refusal.value)
    assert refusal.value.remedy


def test_a_missing_aperture_is_offered_as_one(tmp_path: Any) -> None:
    text = '[electrolyte]\nmaterial = "LLZO"\n[defect]\nlength = "20 um"\n[protocol]\n'
    text += 'current_density = "1 mA/cm^2"\nareal_capacity = "1 mAh/cm^2"\n'
    (tmp_path / "case.toml").write_text(text)
    with pytest.raises(InputError) as refusal:
        load_case(tmp_path / "case.toml")
    assert 'Add aperture = "20 nm"' in str(refusal.value)
    assert 'Add thickness = "100 um"' in str(refusal.value)
