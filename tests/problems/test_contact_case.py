"""The table `[electrodes.contact]`: resolved into the model, refused where it makes no sense, followed by a run."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from lifrac.meshes.errors import InputError
from lifrac.problems import cli
from lifrac.problems.case import Case, load_case
from lifrac.solver.constants import GAS_CONSTANT

CASE = """
[electrolyte]
material = "LLZO"
thickness = "60 um"
[defect]
length = "10 um"
aperture = "20 nm"
[operation]
temperature = "60 degC"
stack_pressure = "2 MPa"
[mesh]
crack_size = "1 um"
[protocol]
current_density = "1 mA/cm^2"
areal_capacity = "0.5 mAh/cm^2"
[output]
fields = 2
plots = false
"""
CONTACT = """
[electrodes.contact]
void_height = "1 um"
critical_current = "0.02 mA/cm^2"
reference_pressure = "3 MPa"
pressure_exponent = 1.9
activation_energy = "50 kJ/mol"
"""


def load(folder: Path, text: str) -> Case:
    (folder / "case.toml").write_text(text)
    return load_case(folder / "case.toml")


def test_off_by_default(tmp_path: Path) -> None:
    assert load(tmp_path, CASE).model().contact is None


def test_resolved_at_temperature(tmp_path: Path) -> None:
    case = load(tmp_path, CASE + CONTACT)
    law = case.model().contact
    assert law is not None
    rise = np.exp(50e3 / GAS_CONSTANT * (1 / 298.15 - 1 / 333.15))
    assert law.critical_current(2.0) == pytest.approx(0.2 * rise * (2 / 3) ** 1.9, rel=1e-12)
    assert (law.void_height, law.minimum, law.norton_prefactor) == (1.0, 0.05, 0.0)
    (tmp_path / "again").mkdir()
    assert load(tmp_path / "again", case.resolved_toml()).model() == case.model()
    creep = load(tmp_path, CASE + CONTACT + "norton = true").model().contact
    assert creep is not None
    assert creep.norton_prefactor == case.model().creep.prefactor
    assert creep.critical_current(2.0) > law.critical_current(2.0)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ('critical_current = "0 mA/cm^2"', "electrodes.contact.critical_current"),
        ('void_height = "-1 um"', "electrodes.contact.void_height"),
        ("minimum = 1.0", "electrodes.contact.minimum"),
        ("unrecoverable = 1.5", "electrodes.contact.unrecoverable"),
        ('void_heigth = "1 um"', "electrodes.contact.void_heigth"),
    ],
)
def test_bad_input_names_its_key(tmp_path: Path, change: str, key: str) -> None:
    name = change.split(" ")[0]
    lines = [line for line in CONTACT.splitlines() if not line.startswith(name)]
    with pytest.raises(InputError, match=key):
        load(tmp_path, CASE + "\n".join([*lines, change, ""]))


def test_a_run_ends_with_contact_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFRAC_CACHE", "off")
    (tmp_path / "case.toml").write_text(CASE + CONTACT)
    out = tmp_path / "out"
    assert cli.main(["run", str(tmp_path / "case.toml"), "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["outcome"] == summary["termination"] == "contact_lost"
    with (out / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["contact_counter"]) == 1.0
    assert float(rows[-1]["contact_counter"]) == pytest.approx(0.05, rel=0.03)
    assert {row["contact_anode"] for row in rows} == {"1"}
    assert "contact_lost" in (out / "events.jsonl").read_text()
    with np.load(out / "checkpoints" / "last.npz") as state:
        assert state["contact"].min() == pytest.approx(0.05, rel=0.1)
        assert (state["lowest_contact"] <= state["contact"]).all()
