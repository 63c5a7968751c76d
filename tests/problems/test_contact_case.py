"""The table `[electrodes.contact]`: resolved into the model, refused where it makes no sense, followed by a run."""

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.postprocess.figures.plot_history import history_figure
from lifrac.postprocess.read.run_result import RunResult
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.cli import main as cli
from lifrac.solver.interfaces.contact import interface_resistance
from lifrac.solver.physics.constants import GAS_CONSTANT

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
    assert load(tmp_path, CASE).engine_model().contact is None


def test_resolved_at_temperature(tmp_path: Path) -> None:
    case = load(tmp_path, CASE + CONTACT)
    law = case.engine_model().contact
    assert law is not None
    rise = np.exp(50e3 / GAS_CONSTANT * (1 / 298.15 - 1 / 333.15))
    assert law.critical_current(2.0) == pytest.approx(0.2 * rise * (2 / 3) ** 1.9, rel=1e-12)
    assert (law.void_height, law.minimum, law.norton_prefactor) == (1.0, 0.05, 0.0)
    (tmp_path / "again").mkdir()
    assert load(tmp_path / "again", case.resolved_toml()).engine_model() == case.engine_model()
    creep = load(tmp_path, CASE + CONTACT + "norton = true").engine_model().contact
    assert creep is not None
    assert creep.norton_prefactor == case.engine_model().creep.prefactor
    assert creep.critical_current(2.0) > law.critical_current(2.0)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ('critical_current = "0 mA/cm^2"', "electrodes.contact.critical_current"),
        ('void_height = "-1 um"', "electrodes.contact.void_height"),
        ("minimum = 1.0", "electrodes.contact.minimum"),
        ("unrecoverable = 1.5", "electrodes.contact.unrecoverable"),
        ('void_heigth = "1 um"', "electrodes.contact.void_heigth"),
        ("retention = 1.5", "electrodes.contact.retention"),
        ('static_exponent = 5.0\nfull_contact_pressure = "25 MPa"', "operation.stack_pressure"),
    ],
)
def test_bad_input_names_its_key(tmp_path: Path, change: str, key: str) -> None:
    name = change.split(" ")[0]
    lines = [line for line in CONTACT.splitlines() if not line.startswith(name)]
    with pytest.raises(InputError, match=key):
        load(tmp_path, CASE + "\n".join([*lines, change, ""]))


def test_an_empty_table_takes_the_card(tmp_path: Path) -> None:
    """Li6PS5Cl: 0.2 mA/cm2 at 3 MPa and 1.0 at 7 MPa; 25 ohm cm2 at 5 MPa, less after 25 MPa."""
    text = CASE.replace("LLZO", "Li6PS5Cl").replace("60 degC", "25 degC") + "[electrodes.contact]\n"
    case = load(tmp_path, text)
    law = case.engine_model().contact
    assert law is not None
    assert law.critical_current(3.0) == pytest.approx(2.0)
    assert law.critical_current(7.0) == pytest.approx(10.0, rel=2e-3)
    resistance = interface_resistance(law, case.engine_model().anode, case.engine_model().electrolyte.conductivity, 5.0)
    assert resistance * 1e4 == pytest.approx(25.0, rel=0.01)
    pressed = load(tmp_path, text + 'assembly_pressure = "25 MPa"').engine_model().contact
    assert pressed is not None
    assert law.static_contact(2.0) < pressed.static_contact(2.0) < 1.0
    (tmp_path / "again").mkdir()
    assert load(tmp_path / "again", case.resolved_toml()).engine_model() == case.engine_model()


@pytest.mark.parametrize("spots", ["", "[electrodes]\nspot_radius = '0.1 um'\n"])
def test_a_resistance_holds_at_the_pressure_it_was_measured_at(tmp_path: Path, spots: str) -> None:
    """12 ohm cm2 measured at 10 MPa are 12 ohm cm2 there, with its constriction, and more at less pressure."""
    text = CASE.replace("LLZO", "Li6PS5Cl").replace("60 degC", "25 degC") + spots + "[electrodes.contact]\n"
    text += '[electrolyte.properties]\ninterface_resistance = { value = "12 ohm*cm^2", law = "constant" }\n'
    cell = load(tmp_path, text + 'interface_resistance_pressure = "10 MPa"').engine_model()
    assert cell.contact is not None
    kappa = cell.electrolyte.conductivity
    at = {p: 1.0e4 * interface_resistance(cell.contact, cell.anode, kappa, p) for p in (5.0, 10.0)}
    assert at[10.0] == pytest.approx(12.0, rel=1e-9)
    assert at[5.0] > (12.0 if spots else 18.0)
    full = load(tmp_path, text + 'interface_resistance_pressure = "25 MPa"').engine_model()
    assert full.contact is not None
    assert 1.0e4 * interface_resistance(full.contact, full.anode, 1.0, 25.0) == pytest.approx(12.0, rel=1e-9)


def test_a_constriction_beyond_what_was_measured_is_refused(tmp_path: Path) -> None:
    text = CASE.replace("LLZO", "Li6PS5Cl").replace("60 degC", "25 degC")
    text += "[electrodes]\nspot_radius = '500 um'\n[electrodes.contact]\n[electrolyte.properties]\n"
    with pytest.raises(InputError, match=r"electrodes\.spot_radius = '500 um': gives a constriction"):
        load(tmp_path, text + 'interface_resistance_pressure = "1 MPa"').engine_model()


def test_what_a_case_states_replaces_the_card(tmp_path: Path) -> None:
    """A stated critical current holds at 1 MPa unless stated; overridden entries of the card count."""
    text = CASE.replace("LLZO", "Li6PS5Cl").replace("60 degC", "25 degC")
    law = load(tmp_path, text + '[electrodes.contact]\ncritical_current = "0.5 mA/cm^2"').engine_model().contact
    assert law is not None
    assert (law.reference_current, law.reference_pressure, law.pressure_exponent) == (5.0, 1.0, 1.9)
    card = '[electrodes.contact]\n[electrolyte.properties]\nvoid_height = "12 um"\nfull_contact_pressure = "1 MPa"'
    law = load(tmp_path, text + card).engine_model().contact
    assert law is not None
    assert law.void_height == pytest.approx(12.0)
    assert law.static_contact(2.0) == 1.0


def test_what_neither_states_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"electrodes.contact.void_height: is not stated, and the card of LATP"):
        load(tmp_path, CASE.replace("LLZO", "LATP") + '[electrodes.contact]\ncritical_current = "1 mA/cm^2"')
    with pytest.raises(InputError, match=r"electrodes\.contact\.reference_pressure"):
        load(tmp_path, CASE + '[electrodes.contact]\nreference_pressure = "2 MPa"')


def test_spots_reach_the_faces(tmp_path: Path) -> None:
    spots = "[electrodes]\ncontact_fraction = 0.2\nspot_radius = '5 um'\n"
    with_spots, without = load(tmp_path, CASE + spots), load(tmp_path, CASE + "[electrodes]\ncontact_fraction = 0.2\n")
    assert with_spots.engine_model().counter.spot_radius == pytest.approx(5.0)
    name = "initial_cell_voltage_V"
    kappa = with_spots.engine_model().electrolyte.conductivity
    added = 2 * 10.0 * np.pi * 5.0 / (4 * kappa * 0.2) * (1 - 0.2**0.5) ** 1.5
    # `without` was read before the file was written again
    assert with_spots.dimensionless()[name] - without.dimensionless()[name] == pytest.approx(added, rel=1e-6)


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
    with h5py.File(out / "fields.vtkhdf") as file:
        points = file["VTKHDF/Points"]
        last = file["VTKHDF/PointData/contact"][-len(points) :]
        at_counter = np.isclose(points[:, 1], 60.0) & (last > 0.0)
        assert last[at_counter].mean() == pytest.approx(0.05, rel=0.1)
        assert set(last[np.isclose(points[:, 1], 0.0)]) == {0.0, 1.0}
        assert (last[(points[:, 1] > 1e-6) & (points[:, 1] < 60.0 - 1e-6)] == 0.0).all()
    history = history_figure(RunResult.load(out), 60.0)
    assert [axis.get_ylabel() for axis in history.axes][-1] == "Contact"
    with np.load(out / "checkpoints" / "last.npz") as state:
        assert state["contact"].min() == pytest.approx(0.05, rel=0.1)
        assert (state["lowest_contact"] <= state["contact"]).all()


def test_check_gives_the_resistance_that_results() -> None:
    """A stated resistance means full contact; with the card's static contact the face has more."""
    stated = ["electrolyte.properties.interface_resistance=12 ohm*cm^2", "operation.temperature=25 degC"]
    stated += ["operation.stack_pressure=5 MPa"]
    without = load_case("li6ps5cl_1MPa", stated).dimensionless()["face_resistance_ohm_cm2"]
    case = load_case("li6ps5cl_1MPa", stated, {"electrodes": {"contact": {}}})
    law = case.cell().contact
    assert law is not None
    contact = law.static_contact(5.0)
    assert 0.0 < contact < 1.0
    assert without == pytest.approx(12.0)
    assert case.dimensionless()["face_resistance_ohm_cm2"] == pytest.approx(12.0 / contact)
