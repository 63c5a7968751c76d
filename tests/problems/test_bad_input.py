"""Malformed cases: exit code 2, one message with file, key and remedy, and nothing written."""

from pathlib import Path

import pytest
from lifrac.problems.cli.main import main

GOOD = """
[electrolyte]
material = "LLZO"
thickness = "200 um"

[defect]
length = "20 um"
aperture = "20 nm"

[operation]
temperature = "25 degC"
stack_pressure = "1 MPa"

[protocol]
current_density = "2 mA/cm^2"
areal_capacity = "0.5 mAh/cm^2"
"""

REPLACED = [
    # what stands in the good case, what in the bad one; key and part of the remedy in the message
    ('thickness = "200 um"', 'thickness = "200 MPa"', "electrolyte.thickness", '"100 um"'),
    ('thickness = "200 um"', "thickness = 200", "electrolyte.thickness", '"200 um"'),
    ('thickness = "200 um"', 'thickness = "-200 um"', "electrolyte.thickness", "at least 0.01 um"),
    ('thickness = "200 um"', 'thickness = "0 um"', "electrolyte.thickness", "at least 0.01 um"),
    ('thickness = "200 um"', 'thickness = "nan um"', "electrolyte.thickness", '"100 um"'),
    ('thickness = "200 um"', "thickness = inf", "electrolyte.thickness", '"100 um"'),
    ('thickness = "200 um"', "", "electrolyte.thickness", 'Add thickness = "100 um"'),
    (
        'thickness = "200 um"',
        'thicknes = "200 um"',
        "electrolyte.thicknes",
        "Did you mean electrolyte.thickness?",
    ),
    ('thickness = "200 um"', 'thickness = "20 um"', "defect.length", "flaw shorter"),
    ('material = "LLZO"', 'material = "LZO"', "electrolyte.material", 'Did you mean "LLZO"?'),
    ('material = "LLZO"', 'material = "lithium"', "electrolyte.material", "lifrac materials"),
    ('material = "LLZO"', 'material = "own.toml"', "electrolyte.material", "lifrac materials"),
    ("[defect]", "[defects]", "defects", "Did you mean defect?"),
    ('length = "20 um"', 'length = "20 parsnips"', "defect.length", '"20 um"'),
    ('aperture = "20 nm"', 'aperture = "-20 nm"', "defect.aperture", "at least 0.0001 um"),
    ('aperture = "20 nm"', 'aperture = "20 mm"', "defect.aperture", 'Did you mean "20 um"?'),
    ('aperture = "20 nm"', 'aperture = "20 nm"\nfilling = 1.5', "defect.filling", "at most 1"),
    ('aperture = "20 nm"', 'aperture = "20 nm"\nfilling = -0.1', "defect.filling", "at least 0"),
    ('aperture = "20 nm"', 'aperture = "20 nm"\ntype = "edge"', "defect.type", 'Did you mean "edge_flaw"?'),
    ('aperture = "20 nm"', 'aperture = "20 nm"\ntype = "pore"', "defect.length", "belongs to edge_flaw or kinked_flaw"),
    ('aperture = "20 nm"', 'aperture = "20 nm"\nradius = "2 um"', "defect.radius", "belongs to pore"),
    ('length = "20 um"', "", "defect.length", 'Add length = "20 um"'),
    ('aperture = "20 nm"', 'aperture = "20 nm"\ninclination = "30 deg"', "defect.inclination", '"phase_field"'),
    ('aperture = "20 nm"', 'aperture = "20 nm"\ninclination = "80 deg"', "defect.inclination", "at most 75 deg"),
    ('aperture = "20 nm"', 'aperture = "20 nm"\ntype = "half_penny"', "defect.type = 'half_penny'", '"phase_field"'),
    ('temperature = "25 degC"', 'temperature = "200 degC"', "operation.temperature", "melting point"),
    ('temperature = "25 degC"', 'temperature = "1 K"', "operation.temperature", "at least 150 K"),
    ('temperature = "25 degC"', 'temperature = "25 C"', "operation.temperature", '"60 degC"'),
    (
        'temperature = "25 degC"',
        'stack_presure = "5 MPa"',
        "operation.stack_presure",
        "operation.stack_pressure?",
    ),
    ('stack_pressure = "1 MPa"', 'stack_pressure = "-1 MPa"', "operation.stack_pressure", "at least 0 MPa"),
    ('stack_pressure = "1 MPa"', 'lateral = "rolling"', "operation.lateral", 'Write "die", "plate" or "free"'),
    (
        'stack_pressure = "1 MPa"',
        'lateral = "die"\nlateral_stress = "5 MPa"',
        "operation.lateral_stress",
        "free",
    ),
    (
        'current_density = "2 mA/cm^2"',
        'current_density = "0 mA/cm^2"',
        "protocol.current_density",
        "State a current",
    ),
    ('current_density = "2 mA/cm^2"', "", "protocol.current_density", "1 mA/cm^2"),
    ('current_density = "2 mA/cm^2"', 'current_density = "2 mA"', "protocol.current_density", '"2 mA/cm^2"'),
    ('areal_capacity = "0.5 mAh/cm^2"', "", "protocol.areal_capacity", "duration"),
    (
        'areal_capacity = "0.5 mAh/cm^2"',
        'areal_capacity = "-1 mAh/cm^2"',
        "protocol.areal_capacity",
        "above 0",
    ),
    (
        "[protocol]",
        '[protocol]\nreversal_current_density = "-1 mA/cm^2"',
        "protocol.reversal_current_density",
        "reversal_capacity",
    ),
    ("[protocol]", '[protocol]\nvoltage_limit = "0 V"', "protocol.voltage_limit", "above 0 V"),
    ("[protocol]", '[protocol]\nstop_at = "short"', "protocol.stop_at", '"short_circuit"'),
]

PHASE_FIELD = '[fracture]\nengine = "phase_field"\n'
ADDED = [
    ('[[protocol.steps]]\ntype = "rest"\nduration = "1 h"', "protocol.current_density", "Move it into"),
    ('[fracture]\nengine = "phase"', "fracture.engine", 'Did you mean "phase_field"?'),
    (PHASE_FIELD + '[mesh]\nband_size = "1 um"', "mesh.band_size = '1 um'", "At most 0.6667 um"),
    (PHASE_FIELD + 'length = "0.1 um"\n[mesh]\nband_size = "0.1 um"', "mesh.band_size", "least 0.3 um"),
    (PHASE_FIELD + 'length = "0 um"', "fracture.length", "at least 0.0001 um"),
    (PHASE_FIELD + 'split = "miehe"', "fracture.split", '"spectral"'),
    (PHASE_FIELD + 'damage_model = "AT3"', "fracture.damage_model", 'Did you mean "AT'),
    (PHASE_FIELD + '[mesh]\nfar_size = "0.2 um"', "mesh.far_size", "below mesh.band_size"),
    (PHASE_FIELD + '[fracture.assisted]\ncurrent_density = "1 mA/cm^2"', "fracture.assisted", "not part of"),
    ('[electrodes]\nreorganization_energy = "3 meV"', "electrodes.reorganization_energy", "at least"),
    ('[electrodes]\nkinetics = "butler"', "electrodes.kinetics", "Did you mean butler_volmer?"),
    ('[electrodes]\nkinetics = "marcus_hush_chidsey"', "electrodes.reorganization_energy", "is required by"),
    ('[electrodes]\nreorganization_energy = "0.3 eV"', "electrodes.reorganization_energy", "no meaning with"),
    ('[electrodes.counter]\nreorganization_energy = "0.3 eV"', "electrodes.counter.reorganization_energy", "Remove it"),
    (
        '[electrodes.anode]\nexchange_current_density = "0 mA/cm^2"',
        "electrodes.anode.exchange_current_density",
        "at least",
    ),
    (
        '[electrodes.anode]\nkinetics = "marcus_hush_chidsey"\nreorganization_energy = "0.1 eV"\n'
        'exchange_current_density = "1e-4 mA/cm^2"',
        "electrodes.anode: ",
        "at any overpotential",
    ),
    (PHASE_FIELD + "[electrolyte.grains]\ncount = 0", "electrolyte.grains.count = 0", "at least one grain"),
    (PHASE_FIELD + "[electrolyte.grains]\nseed = 3", "electrolyte.grains.count", 'count = 40 or size = "10 um"'),
    (PHASE_FIELD + "[electrolyte.grains]\ncount = 9\ntoughness_ratio = 0.0", "toughness_ratio", "above 0"),
    (
        PHASE_FIELD + '[electrolyte.grains]\ncount = 9\nboundary_width = "2.9 um"',
        "electrolyte.grains.boundary_width",
        "At least 3 um, or mesh.band_size of at most 0.4833 um",
    ),
    (
        PHASE_FIELD + "[electrolyte.grains]\ncount = 9\ntoughness_ratio = 0.03",
        "electrolyte.grains.toughness_ratio = 0.03",
        "a larger boundary_width, or a smaller fracture.length",
    ),
    (
        PHASE_FIELD + "[electrolyte.grains]\ncount = 9\nconductivity_ratio = 0.5",
        "electrolyte.grains.conductivity_ratio = 0.5",
        "boundary_width (1/ratio - 1)/conductivity",
    ),
    ("[electrolyte.grains]\ncount = 9", "electrolyte.grains", 'fracture.engine = "phase_field"'),
    (
        '[electrolyte.properties]\nfracture_energy = "0 J/m^2"',
        "electrolyte.properties.fracture_energy",
        "at least 1e-06",
    ),
    ('[electrolyte.properties]\nyoungs_modulus = "-1 GPa"', "electrolyte.properties.youngs_modulus", "at least 0.001"),
    ('[fracture]\ncohesive_strength = "0 MPa"', "fracture.cohesive_strength", "at least 1e-09 MPa"),
    ('[mesh]\nfile = "missing.msh"', "mesh.file", "Give the path of a mesh"),
    ('[mesh]\nfile = "a.msh"\ncrack_size = "1 um"', "mesh.crack_size", "Remove it or mesh.file"),
    ('[mesh]\ncrack_size = "10 um"', "mesh.crack_size", "at most 5 um"),
    ('[mesh]\nhalf_width = "10 um"', "mesh.half_width", "five flaw lengths"),
    ('[solver]\nbulk = "multgrid"', "solver.bulk", 'Did you mean "multigrid"?'),
    ("[solver]\nmax_steps = 0", "solver.max_steps", "docs/cases.md"),
    ("[solver]\nnewton_tolerance = 0.1", "solver.newton_tolerance", "at most 0.0001"),
    ("[output]\nfields = 0", "output.fields", "fields = 20"),
    ('[output]\nfields = ["1 um"]', "output.fields", '"0.5 mAh/cm^2"'),
    (
        "[electrolyte.properties]\nconductivity = 0.5",
        "electrolyte.properties.conductivity.value",
        '"0.5 mS/cm"',
    ),
    (
        '[electrolyte.properties]\nconductivty = "1 mS/cm"',
        "electrolyte.properties.conductivty",
        "conductivity?",
    ),
    (
        '[electrolyte.properties]\nfracture_energy = "6 J/m^2"\nfracture_toughness = "1 MPa*m^0.5"',
        "electrolyte.properties.fracture_energy",
        "Give one of the two",
    ),
    (
        "[electrolyte.properties]\npoisson_ratio = 0.5",
        "electrolyte.properties.poisson_ratio.value",
        "below 0.5",
    ),
    ("[electrodes]\ncontact_fraction = 0", "electrodes.contact_fraction", "above 0"),
    ('[electrodes]\nmetal = "LLZO"', "electrodes.metal", 'metal = "lithium"'),
]

PROTOCOLS = [
    (
        'type = "constant_current"\ncurrent_density = "0 mA/cm^2"\nduration = "1 h"',
        "protocol.steps[0].current_density",
        'type = "rest"',
    ),
    ('type = "constant_current"\ncurrent_density = "1 mA/cm^2"', "protocol.steps[0].areal_capacity", "Add"),
    ('type = "rest"', "protocol.steps[0].duration", 'duration = "1 h"'),
    (
        'type = "rest"\nduration = "1 h"\ncurrent_density = "1 mA/cm^2"',
        "protocol.steps[0].current_density",
        "Remove",
    ),
    ('type = "rest"\nduration = "0 s"', "protocol.steps[0].duration", "above 0 s"),
    ('type = "pause"', "protocol.steps[0].type", '"rest"'),
]


def refused(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a bad case; returns the message after checking exit code and that nothing was written."""
    case = tmp_path / "bad.toml"
    case.write_text(text)
    out = tmp_path / "run"
    assert main(["run", str(case), "--out", str(out), *arguments]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lifrac: ")
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize(("old", "new", "key", "remedy"), REPLACED)
def test_wrong_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, key: str, remedy: str
) -> None:
    assert old in GOOD
    message = refused(tmp_path, GOOD.replace(old, new, 1), capsys)
    assert all(words in message for words in ("bad.toml", key, remedy)), message


@pytest.mark.parametrize(("text", "key", "remedy"), ADDED)
def test_wrong_addition(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, key: str, remedy: str) -> None:
    message = refused(tmp_path, f"{GOOD}\n{text}\n", capsys)
    assert all(words in message for words in ("bad.toml", key, remedy)), message


@pytest.mark.parametrize(("step", "key", "remedy"), PROTOCOLS)
def test_wrong_step(tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str, key: str, remedy: str) -> None:
    text = GOOD.partition("[protocol]")[0] + f"[[protocol.steps]]\n{step}\n"
    message = refused(tmp_path, text, capsys)
    assert all(words in message for words in ("bad.toml", key, remedy)), message


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("operation.temperature", ["--set", "key=value"]),
        ("=60 degC", ["--set", "key=value"]),
        ("operation.temperature=60", ["operation.temperature", '"60 degC"']),
        ("operation.temprature=60 degC", ["operation.temperature?"]),
        ("electrolyte.thickness.unit=3", ["electrolyte.thickness", "--set"]),
        ("protocol.steps[3].duration=1 s", ["protocol.steps"]),
    ],
)
def test_wrong_override(tmp_path: Path, capsys: pytest.CaptureFixture[str], override: str, words: list[str]) -> None:
    message = refused(tmp_path, GOOD, capsys, "--set", override)
    assert all(word in message for word in words), message


def test_syntax_error_names_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(tmp_path, GOOD.replace('"20 um"', "20 um"), capsys)
    assert "line 7" in message
    assert 'write "20 um"' in message


def test_value_where_a_table_belongs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(tmp_path, "solver = 3\n" + GOOD, capsys)
    assert "solver = 3: must be a table. Write [solver]" in message


def test_binary_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    assert main(["check", str(tmp_path / "bad.toml")]) == 2
    assert "bad.toml" in capsys.readouterr().err


def test_nested_too_deeply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is nested too deeply" in refused(tmp_path, "a = " + "[" * 5000 + "]" * 5000, capsys)


def test_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "windows.toml").write_text(GOOD, encoding="utf-8-sig")
    assert main(["check", str(tmp_path / "windows.toml")]) == 0


@pytest.mark.parametrize(("name", "words"), [("lzo_holds", "Did you mean llzo_holds?"), ("nothing.toml", "no such")])
def test_missing_case(capsys: pytest.CaptureFixture[str], name: str, words: str) -> None:
    assert main(["run", name]) == 2
    assert words in capsys.readouterr().err


def test_folder_as_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
