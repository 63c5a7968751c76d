"""Tables whose `type` decides which keys they have: what the JSON Schema says of them, and the hashes of cases."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lifrac.errors import InputError
from lifrac.problems.case.case import load_case
from lifrac.problems.case.reference import HERE
from lifrac.problems.case.schema import CaseFile
from lifrac.problems.case.schema_tools import find_field, leaf_paths, tables_at, type_name, typed_keys

SCHEMA = Draft202012Validator(json.loads((HERE / "case.schema.json").read_text(encoding="utf-8")))
HEAD = '[electrolyte]\nmaterial = "LLZO"\nthickness = "200 um"\n'
PROTOCOL = '[protocol]\ncurrent_density = "1 mA/cm^2"\nareal_capacity = "0.1 mAh/cm^2"\n'
FLAW = '[defect]\naperture = "20 nm"\nlength = "20 um"\n'
PHASE_FIELD = '[fracture]\nengine = "phase_field"\n'
CURRENT = 'current_density = "0.1 mA/cm^2"\nduration = "1 h"\n'


def defect(text: str) -> str:
    return f'{HEAD}[defect]\naperture = "20 nm"\n{text}\n{PHASE_FIELD}{PROTOCOL}'


def step(text: str) -> str:
    return f"{HEAD}{FLAW}[[protocol.steps]]\n{text}\n"


def fixture(text: str) -> str:
    return f"{HEAD}{FLAW}[operation.fixture]\n{text}\n{PROTOCOL}"


CASES = {
    # every type with the beginning of its content hash, by which finished folders and points of studies are found
    "edge_flaw": (defect('length = "20 um"\nfilling = 0.5\nresidual = 0.05'), "89395753"),
    "kinked_flaw": (
        defect('type = "kinked_flaw"\nlength = "20 um"\nkink_position = "12 um"\nkink_angle = "-40 deg"'),
        "ac5e0674",
    ),
    "pore": (defect('type = "pore"\nradius = "8 um"\ndepth = "14 um"\ninclination = "20 deg"'), "94bb5942"),
    "two_flaws": (
        defect('type = "two_flaws"\nlength = "20 um"\nsecond_length = "15 um"\noffset = "30 um"'),
        "decf95bd",
    ),
    "half_penny": (defect('type = "half_penny"\nlength = "20 um"'), "044319a9"),
    "constant_current": (step(f'type = "constant_current"\n{CURRENT}stack_pressure = "2 MPa"'), "9dd73837"),
    "constant_voltage": (step('type = "constant_voltage"\nvoltage = "50 mV"\nduration = "1 h"'), "d820e323"),
    "rest": (step('type = "rest"\nduration = "1 h"'), "9b681d45"),
    "ramp": (
        step(f'type = "ramp"\n{CURRENT}current_step = "0.1 mA/cm^2"\ncurrent_max = "0.3 mA/cm^2"\nrest = "1 min"'),
        "a17cfa8b",
    ),
    "cycle": (step(f'type = "cycle"\n{CURRENT}cycles = 2\nstripping_current_density = "-1 mA/cm^2"'), "eb41c499"),
    "constant_pressure": (fixture('type = "constant_pressure"'), "ee170abf"),
    "spring": (fixture('type = "spring"\nstiffness = "200 kPa/um"\ncounter_volume_change = 0.3'), "6702800d"),
    "fixed_gap": (fixture('type = "fixed_gap"\ncounter_volume_change = 1'), "302fd0ee"),
}


@pytest.mark.parametrize(("text", "digits"), CASES.values(), ids=CASES)
def test_each_type_has_its_content_hash_and_fits_the_schema(tmp_path: Path, text: str, digits: str) -> None:
    path = tmp_path / "case.toml"
    path.write_text(text)
    assert load_case(path).content_hash()[:8] == digits
    assert not list(SCHEMA.iter_errors(tomllib.loads(text)))


TABLES = ("defect", "protocol.steps", "operation.fixture")


def misplaced() -> Iterator[tuple[str, str, str]]:
    """Every key that one type of a table has not and another one has."""
    for table in TABLES:
        types = tables_at(CaseFile, table.split("."))
        for one in types:
            keys = dict.fromkeys(key for other in types for key in typed_keys(other) if key not in one.model_fields)
            yield from ((table, type_name(one), key) for key in keys)


VALUES: dict[str, Any] = {"alternate": True, "cycles": 2, "counter_volume_change": 0.5}


@pytest.mark.parametrize(("table", "name", "key"), list(misplaced()))
def test_a_key_of_another_type_is_refused_by_name_and_by_the_schema(
    tmp_path: Path, table: str, name: str, key: str
) -> None:
    text = CASES[name][0]
    head = f"[[{table}]]\n" if table.endswith("steps") else f"[{table}]\n"
    field = find_field(CaseFile, f"{table}.{key}")
    assert field is not None
    value = VALUES.get(key) or (field.examples or ["20 um"])[0]
    changed = text.replace(head, f"{head}{key} = {json.dumps(value)}\n", 1)
    path = tmp_path / "case.toml"
    path.write_text(changed)
    with pytest.raises(InputError) as refusal:
        load_case(path)
    place = table + ("[0]" if table.endswith("steps") else "")
    owners = [type_name(other) for other in tables_at(CaseFile, table.split(".")) if key in typed_keys(other)]
    assert f"{place}.{key} = {value!r}: has no meaning" in str(refusal.value)
    assert f"of type {name}. Remove it; it belongs to {' or '.join(owners)}" in str(refusal.value)
    assert list(SCHEMA.iter_errors(tomllib.loads(changed)))


def test_keys_of_all_types_are_keys_of_the_case() -> None:
    known = list(leaf_paths(CaseFile))
    assert len(known) == len(set(known))
    assert {"defect.depth", "defect.kink_angle", "protocol.steps.cycles", "operation.fixture.stiffness"} <= set(known)
    assert find_field(CaseFile, "protocol.steps[3].voltage") is not None
    assert find_field(CaseFile, "protocol.steps[3].depth") is None
