"""Study files: what is refused, and which runs they stand for."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lifrac.errors import InputError
from lifrac.problems.case import reference
from lifrac.problems.case.case import load_case
from lifrac.problems.cli.main import main
from lifrac.problems.studies.ccd import study_file
from lifrac.problems.studies.ccd.study import READY_STUDIES, load_study
from support.small_study import STUDY, write

TAIL = STUDY[STUDY.index("refinements = 1") : STUDY.index("[case.mesh]")]
REFUSED = [
    ('temperatures = ["25 degC", "60 degC"]', "temperatures = []", "study.temperatures", "is empty"),
    ('temperatures = ["25 degC", "60 degC"]', "", "study.temperatures", "is required"),
    ('temperatures = ["25 degC", "60 degC"]', 'temperatures = "25 degC"', "study.temperatures", "a list of"),
    ('["25 degC", "60 degC"]', '["60 degC", "25 degC"]', "study.temperatures", "Sort the list"),
    ('["25 degC", "60 degC"]', '["25 degC", "298.15 K"]', "study.temperatures", "298.15 K twice"),
    ('["25 degC", "60 degC"]', '["25 degC", "60 MPa"]', "study.temperatures", "60 MPa"),
    ('["25 degC", "60 degC"]', '["25 degC", "190 degC"]', "190 degC", "melting point"),
    ('["25 degC", "60 degC"]', '["1 K", "60 degC"]', "study.temperatures", "at least 100 K"),
    ('["1 MPa", "5 MPa"]', '["-1 MPa", "5 MPa"]', "study.stack_pressures", "at least 0 MPa"),
    ('["1 MPa", "5 MPa"]', '["5 MPa", "1 MPa"]', "study.stack_pressures", "not ascending"),
    ('["1 MPa", "5 MPa"]', "[1, 5]", "study.stack_pressures", '"1 MPa"'),
    ('["0.03 mAh/cm^2", "0.05 mAh/cm^2"]', "[]", "study.areal_capacities", "nothing to compute"),
    ('["0.03 mAh/cm^2", "0.05 mAh/cm^2"]', '["0.05 mAh/cm^2", "0.05 mAh/cm^2"]', "study.areal_capacities", "twice"),
    ('"2 mA/cm^2"', '"32 mA/cm^2"', "study.current_min", "not below study.current_max"),
    ('"2 mA/cm^2"', '"0 mA/cm^2"', "study.current_min", "mA/cm^2"),
    ("currents = 3", "currents = 1", "study.currents", "greater than or equal to 2"),
    ("refinements = 1", "refinements = -1", "study.refinements", "greater than or equal to 0"),
    ("refinements = 1", "refinement = 1", "study.refinement", "Did you mean study.refinements?"),
    ('"crack_through"', '"short_circuits"', "study.failure", 'Did you mean "short_circuit"?'),
    ('"llzo_holds"', '"lzo_holds"', "study.case", "Did you mean llzo_holds?"),
    ('"llzo_holds"', '"nothing.toml"', "study.case", "no such case file"),
    ("[case.mesh]\ncrack_size", "[case.mesh]\ncrack_sise", "mesh.crack_sise", "Did you mean mesh.crack_size?"),
    ("[case.mesh]", "[case.mash]", "mash", "Did you mean mesh?"),
    ('crack_size = "1 um"', 'crack_size = "1 MPa"', "mesh.crack_size", '"20 um"'),
    (
        'lateral = "free"\n',
        'lateral = "free"\ntemperature = "30 degC"\n',
        "case.operation.temperature",
        "State study.temperatures",
    ),
    ("[case.mesh]", '[case.protocol]\nstop_at = "fracture"\n[case.mesh]', "case.protocol.stop_at", "study.current_min"),
    ("[study]", "[studies]", "studies", "Did you mean study?"),
    ("[case.mesh]", "[case.fracture.assisted]\n[case.mesh]", "fracture.assisted.current_density", "is required"),
    (
        TAIL,
        'flaw_lengths = ["50 um"]\n[case.electrolyte]\nthickness = "40 um"\n',
        "study.flaw_lengths",
        "reaches through",
    ),
    ("refinements = 1", 'refinements = 1\nflaw_lengths = ["5 um"]', "case.defect.length", "State study.flaw_lengths"),
    ("refinements = 1", "refinements = 1\nflaw_apertures = []", "study.flaw_apertures", "nothing to compute"),
    (
        "refinements = 1",
        'refinements = 1\nflaw_apertures = ["2 nm", "11 um"]',
        "study.flaw_apertures",
        "wider than long",
    ),
    ("refinements = 1", 'driver = "ramps"', "study.driver", 'Did you mean "ramp"?'),
    ("refinements = 1", 'driver = "cycling"', "study.cycling", "Add a table [study.cycling]"),
    ("refinements = 1", "[study.cycling]\ncycles = 3", "study.cycling", 'State driver = "cycling"'),
    (
        "refinements = 1",
        'driver = "cycling"\n[study.cycling]\ncycles = 0',
        "study.cycling.cycles",
        "greater than or equal",
    ),
    (
        "refinements = 1",
        'driver = "ramp"\n[study.ramp]\ncurrent_step = "1 mA/cm^2"',
        "study.currents",
        "State study.ramp.current_step",
    ),
    (
        "currents = 3",
        'driver = "ramp"\nramp = {duration = "1 h", current_step = "1 mA/cm^2"}',
        "study.areal_capacities",
        "no meaning for a ramp of stated duration",
    ),
    ('current_min = "2 mA/cm^2"', "", "study.current_min", "is required"),
    ('areal_capacities = ["0.03 mAh/cm^2", "0.05 mAh/cm^2"]', "", "study.areal_capacities", "is required"),
]


@pytest.mark.parametrize(("old", "new", "key", "words"), REFUSED)
def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, key: str, words: str) -> None:
    assert old in STUDY
    path = write(tmp_path, STUDY.replace(old, new, 1))
    assert main(["ccd", str(path), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert all(part in message for part in ("small.toml", key, words)), message
    assert [p.name for p in tmp_path.iterdir()] == ["small.toml"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("study.refinements", "key=value"),
        ("study.refinement=3", "study.refinements?"),
        ("defect.lenght=3 um", "defect.length?"),
        ("operation.temperature=30 degC", "study.temperatures"),
    ],
)
def test_refused_override(tmp_path: Path, capsys: pytest.CaptureFixture[str], override: str, words: str) -> None:
    assert main(["ccd", str(write(tmp_path)), "--out", str(tmp_path / "out"), "--set", override]) == 2
    assert words in capsys.readouterr().err


def test_missing_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ccd", "lzo"]) == 2
    assert "Did you mean llzo?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["llzo", "li6ps5cl"])
def test_ready_studies(name: str) -> None:
    study = load_study(name)
    assert study.grids.failure == "short_circuit"
    assert len(study.cases) == len(study.grids.temperatures)


def test_every_ready_study_can_be_read() -> None:
    for path in READY_STUDIES.glob("*.toml"):
        assert load_study(path.stem).conditions


def test_point_is_the_case_as_a_run_would_take_it(tmp_path: Path) -> None:
    """The numbers of a point are those of the case with the same keys set."""
    study = load_study(write(tmp_path), ["study.currents=4", "defect.aperture=30 nm"])
    condition = study.conditions[-1]
    assert len(study.strategy.begin(condition)) == 4
    point = study.strategy.begin(condition)[0].case
    same = load_case(
        "llzo_holds",
        [
            "operation.temperature=60 degC",
            "operation.stack_pressure=5 MPa",
            "operation.lateral=free",
            "electrolyte.thickness=40 um",
            "defect.length=10 um",
            "defect.aperture=30 nm",
            "mesh.crack_size=1 um",
            "protocol.current_density=2 mA/cm^2",
            "protocol.areal_capacity=0.05 mAh/cm^2",
            "protocol.stop_at=crack_through",
        ],
    )
    assert point.engine_model() == same.engine_model()
    assert point.content_hash() == same.content_hash()


def test_case_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(load_case("llzo_holds").path.read_text())
    study = load_study(write(tmp_path, STUDY.replace('"llzo_holds"', '"own.toml"')))
    assert study.cases[0].path == tmp_path / "own.toml"
    assert f'case = "{tmp_path / "own.toml"}"' in study.resolved_toml()
    assert study.content_hash() == load_study(write(tmp_path)).content_hash()


def test_load_study_raises_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        load_study(tmp_path / "nowhere.toml")


RAMP = (
    STUDY.replace("currents = 3", 'driver = "ramp"')
    .replace("refinements = 1", "")
    .replace("[case.electrolyte]", '[study.ramp]\ncurrent_step = "2 mA/cm^2"\nrefinements = 1\n[case.electrolyte]')
)
CYCLING = STUDY.replace("currents = 3", 'currents = 3\ndriver = "cycling"').replace(
    "[case.electrolyte]", '[study.cycling]\ncycles = 2\nrest = "1 min"\n[case.electrolyte]'
)
FLAWS = STUDY.replace('[case.defect]\nlength = "10 um"\n', "").replace(
    "currents = 3", 'currents = 3\nflaw_lengths = ["6 um", "10 um"]\nflaw_apertures = ["10 nm", "20 nm", "30 nm"]'
)


def test_contact_is_checked_at_every_pressure(tmp_path: Path) -> None:
    """The case's own pressure presses its faces together, one of the grid does not."""
    law = ["electrodes.contact={norton = true, void_height = '20 um', full_contact_pressure = '5 MPa'}"]
    assert load_study(write(tmp_path), law).conditions
    with pytest.raises(InputError, match=r"study.stack_pressures = '0 MPa'.*static contact of 0"):
        load_study(write(tmp_path), [*law, 'study.stack_pressures=["0 MPa", "5 MPa"]'])


@pytest.mark.parametrize("text", [STUDY, RAMP], ids=["constant", "ramp"])
def test_empty_table_switches_a_law_on(tmp_path: Path, text: str) -> None:
    """`[case.electrodes.contact]` with all constants from the card; nothing else of the case is lost."""
    text = text.replace('"llzo_holds"', '"li6ps5cl_1MPa"')
    without = load_study(write(tmp_path, text)).conditions[0].case.file
    study = load_study(write(tmp_path, f"{text}\n[case.electrodes.contact]\n[case.electrolyte.properties]\n"))
    case = study.conditions[0].case.file
    assert without.electrodes.contact is None
    assert case.electrodes.contact is not None
    assert case.electrolyte == without.electrolyte
    assert load_study(write(tmp_path, study.resolved_toml())).content_hash() == study.content_hash()


@pytest.mark.parametrize("change", ['current_step="1e-3 mA/cm^2"', "refinements=13"])
def test_ramp_of_too_many_levels_is_refused(tmp_path: Path, change: str) -> None:
    """Also where only its last refinement has so many, long after the study has begun."""
    with pytest.raises(InputError, match=r"study.ramp.current_step.*at most 10000 levels"):
        load_study(write(tmp_path, RAMP), [f"study.ramp.{change}"])


@pytest.mark.parametrize("text", [STUDY, RAMP, CYCLING, FLAWS], ids=["constant", "ramp", "cycling", "flaws"])
def test_resolved_study_is_the_same_study(tmp_path: Path, text: str) -> None:
    """The study that its folder keeps, with all defaults, stands for the same runs."""
    study = load_study(write(tmp_path, text))
    (tmp_path / "resolved.toml").write_text(study.resolved_toml())
    assert load_study(tmp_path / "resolved.toml").content_hash() == study.content_hash()


def test_what_changes_the_table_changes_the_hash(tmp_path: Path) -> None:
    texts = [
        STUDY,
        RAMP,
        CYCLING,
        FLAWS,
        STUDY.replace("refinements = 1", "refinements = 2"),
        STUDY.replace("0.03 mAh", "0.04 mAh"),
        STUDY.replace("crack_through", "fracture"),
        RAMP.replace("refinements = 1", "refinements = 2"),
        CYCLING.replace("cycles = 2", "cycles = 3"),
        CYCLING.replace('rest = "1 min"', ""),
    ]
    assert len({load_study(write(tmp_path, text)).content_hash() for text in texts}) == len(texts)


def test_flaw_grid(tmp_path: Path) -> None:
    """Lengths, apertures, temperatures and pressures, the last varying fastest."""
    study = load_study(write(tmp_path, FLAWS))
    where = [tuple(condition.where.values()) for condition in study.conditions]
    assert len(where) == 2 * 3 * 2 * 2
    assert where == sorted(where)
    assert where[0] == (6.0, 0.01, 25.0, 1.0)
    assert len({condition.name for condition in study.conditions}) == len(where)


@pytest.mark.parametrize("text", [STUDY, RAMP, CYCLING, FLAWS], ids=["constant", "ramp", "cycling", "flaws"])
def test_points_can_be_run_as_cases(tmp_path: Path, text: str) -> None:
    """The resolved case in a point's folder reads back to the same numbers."""
    study = load_study(write(tmp_path, text))
    for point in study.strategy.begin(study.conditions[-1]):
        (tmp_path / "case.toml").write_text(point.case.resolved_toml())
        assert load_case(tmp_path / "case.toml").content_hash()[:16] == point.key


def test_json_schema(tmp_path: Path) -> None:
    """The schema beside the code is what the models say; it takes ready studies and refuses nonsense."""
    import tomllib

    schema: dict[str, Any] = json.loads((READY_STUDIES.parents[1] / "study.schema.json").read_text())
    assert (READY_STUDIES.parents[1] / "study.schema.json").read_text() == reference.schema_text(
        study_file.json_schema()
    )
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for text in [*(path.read_text() for path in READY_STUDIES.glob("*.toml")), STUDY, RAMP, CYCLING, FLAWS]:
        validator.validate(tomllib.loads(text))
    for old, new in (("currents = 3", "currents = 1"), ("refinements", "refinement"), ("crack_through", "crack")):
        assert not validator.is_valid(tomllib.loads(STUDY.replace(old, new)))
