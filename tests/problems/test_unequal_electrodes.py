"""A user's mesh with a counter electrode half as wide as the anode, through the command line."""

import json
from pathlib import Path

import pandas as pd
import pytest
from lifrac.postprocess.read.field_file import COUNTER, FieldFile
from lifrac.problems.cli.main import main
from lifrac.verification.support.field_bounds import check_fields
from support.narrow_electrodes import write

CASE = """
[electrolyte]
material = "LLZO"
thickness = "40 um"
[defect]
length = "10 um"
aperture = "20 nm"
[protocol]
current_density = "4 mA/cm^2"
areal_capacity = "0.02 mAh/cm^2"
[mesh]
file = "slab.inp"
[solver]
max_steps = 4
[output]
plots = false
"""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unequal")
    write(folder / "slab.inp", counter=20.0)
    (folder / "case.toml").write_text(CASE)
    return folder / "case.toml"


def test_check_states_both_areas_and_both_currents(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(case)]) == 0
    rows = [line.split("│") for line in capsys.readouterr().out.splitlines() if line.count("│") == 3]
    said = {row[1].strip(): row[2].strip() for row in rows}
    anode, counter = (float(said[f"{name} area, as meshed"].split()[0]) for name in ("anode", "counter electrode"))
    assert anode == pytest.approx(40.0)
    assert 15.0 < counter <= 20.0
    density = float(said["counter electrode, largest current density"].split()[0])
    assert density == pytest.approx(4.0 * anode / counter, rel=1e-3)


def test_run_says_what_each_electrode_carries(case: Path, tmp_path: Path) -> None:
    assert main(["run", str(case), "--out", str(tmp_path / "run")]) == 3  # its steps are used up
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    anode, counter = summary["anode_area_um"], summary["counter_area_um"]
    assert summary["anode_current_density_at_end_mA_per_cm2"] == pytest.approx(4.0, rel=1e-8)
    assert summary["counter_current_density_at_end_mA_per_cm2"] == pytest.approx(4.0 * anode / counter, rel=1e-8)
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert history["charge_balance_error"].max() < 1e-10
    charge = (history["current_density_mA_per_cm2"] * history["dt_s"]).sum() / 3600.0
    assert summary["charge_mAh_per_cm2"] == pytest.approx(charge, rel=1e-6)
    assert not check_fields(tmp_path / "run").excesses
    fields = FieldFile(tmp_path / "run" / "fields.vtkhdf")
    ends = fields.grid(-1).cells(COUNTER)
    density = fields.array("face_current_density_mA_per_cm2", -1)[ends].mean(axis=1)
    length = abs(fields.grid(-1).points[ends][:, 1, 0] - fields.grid(-1).points[ends][:, 0, 0])
    assert (density * length).sum() == pytest.approx(-4.0 * anode, rel=1e-5)
