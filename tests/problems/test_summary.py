"""`summary.json` says what its names say: every key against history and events, on every ready case cut short."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lifrac.problems.case.case import load_case
from lifrac.problems.quantities.units import capacity, current
from lifrac.problems.studies.ccd.tables import RUN_COLUMNS
from lifrac.problems.studies.sweep.sweep_table import RESULTS
from support.short_runs import ready_cases, short_run

AT_END = {
    "time_s": "time_s",
    "charge_mAh_per_cm2": "charge_mAh_per_cm2",
    "cell_voltage_V": "cell_voltage_V",
    "crack_length_um": "crack_length_um",
    "lithium_length_um": "lithium_length_um",
    "lithium_pressure_at_end_MPa": "max_lithium_pressure_MPa",
    "current_density_at_end_mA_per_cm2": "current_density_mA_per_cm2",
    "steps": "step",
}
LARGEST = {
    name: name
    for name in ("max_lithium_pressure_MPa", "charge_balance_error", "lithium_balance_error", "energy_balance_error")
}
EVENTS = {
    "capacity_at_fracture_mAh_per_cm2": "fracture",
    "capacity_at_crack_through_mAh_per_cm2": "crack_through",
    "capacity_at_short_mAh_per_cm2": "short_circuit",
    "capacity_at_contact_loss_mAh_per_cm2": "contact_lost",
}
ELSEWHERE = {
    "outcome",
    "termination",
    "ranks",
    "resumed",
    "states_not_stored",
    "dofs",
    "rejected_steps",
    "nonlinear_iterations",
    "wall_time_s",
    "first_current_density_mA_per_cm2",
    "cycles_completed",
    "ramp_current_density_survived_mA_per_cm2",
    "current_density_at_failure_mA_per_cm2",
    "half_step_capacity_at_failure_mAh_per_cm2",
    "anode_current_density_at_end_mA_per_cm2",
    "counter_current_density_at_end_mA_per_cm2",
    "anode_area_um",
    "counter_area_um",
    "plated_capacity_mAh_per_cm2",
    "protocol_steps_of_events",
    "flaw_empty_since_protocol_step",
    "flaw_empty_since_cycle",
    "error_estimate",
    *(f"{key.partition('_mAh')[0]}_error" for key in EVENTS),
}
"""Keys that the other checks of this file, and tests of cycles, resumed runs and errors, look at."""
CLOSE = {"rel": 1e-9, "abs": 1e-12}


def read(folder: Path) -> tuple[dict[str, Any], pd.DataFrame, list[dict[str, Any]]]:
    summary = json.loads((folder / "summary.json").read_text())
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return summary, pd.read_csv(folder / "history.csv"), events


@pytest.mark.parametrize("name", ready_cases())
def test_every_ready_case(name: str) -> None:
    summary, history, events = read(short_run(name))
    for key, column in AT_END.items():
        assert summary[key] == pytest.approx(history[column].iloc[-1], **CLOSE), key
    for key, column in LARGEST.items():
        assert summary[key] == pytest.approx(history[column].max(), **CLOSE), key
    first = {event["event"]: event["charge_mAh_per_cm2"] for event in reversed(events)}
    for key, event in EVENTS.items():
        assert summary[key] == first.get(event), key
    assert summary["nonlinear_iterations"] == history["newton_iterations"].sum()
    moved = history["charge_mAh_per_cm2"].diff().clip(lower=0.0).sum()
    assert summary["plated_capacity_mAh_per_cm2"] == pytest.approx(moved, rel=1e-9)
    currents = [step.current_density for step in load_case(name).cell().protocol if step.current_density]
    assert summary["first_current_density_mA_per_cm2"] == pytest.approx(current(currents[0]))
    assert events[-1]["event"] == "end"
    at_end, whole = summary["current_density_at_end_mA_per_cm2"], pytest.approx(summary["counter_area_um"], rel=1e-9)
    assert summary["anode_area_um"] == whole
    for electrode in ("anode", "counter"):
        assert summary[f"{electrode}_current_density_at_end_mA_per_cm2"] == pytest.approx(at_end, rel=1e-7, abs=1e-9)


def test_first_last_and_largest_differ_where_they_should() -> None:
    """A reversal strips at the end and has seen its largest pressure before; a ramp ends above its first level."""
    reversal, history, _ = read(short_run("llzo_rate_reversal"))
    assert reversal["first_current_density_mA_per_cm2"] == 1.0
    assert reversal["current_density_at_end_mA_per_cm2"] == history["current_density_mA_per_cm2"].iloc[-1] < 0.0
    assert reversal["max_lithium_pressure_MPa"] > 5.0 * reversal["lithium_pressure_at_end_MPa"]
    ramp, history, _ = read(short_run("llzo_ramp"))
    assert abs(ramp["current_density_at_end_mA_per_cm2"]) > ramp["first_current_density_mA_per_cm2"] == 0.5


def test_ready_cases_keep_lithium_in_their_flaws() -> None:
    """Also those that are cut short before a step has ended: pores, half-pennies and adaptive meshes begin full."""
    for name in ready_cases():
        summary, history, _ = read(short_run(name))
        assert summary["flaw_empty_since_protocol_step"] is None, name
        filled = history["lithium_volume_um2"] / history["flaw_volume_um2"]
        assert 0.9 < filled.iloc[0] < 1.01, name  # meshes so coarse leave a few percent


def test_every_key_is_looked_at() -> None:
    assert set(read(short_run("llzo_holds"))[0]) == {*AT_END, *LARGEST, *EVENTS, *ELSEWHERE}


def test_tables_of_sweeps_and_studies_take_keys_that_exist() -> None:
    """Twins: `sweep.csv` and `runs.csv` copy keys of the summary under the same name."""
    summary = read(short_run("llzo_holds"))[0]
    assert set(RESULTS) <= set(summary)
    own = {"current_density_mA_per_cm2", "last_current_density_mA_per_cm2", "cycle", "reason", "point", "code_hash"}
    own.add("capacity_error")
    conditions = set(RUN_COLUMNS[:5])
    assert set(RUN_COLUMNS) - own - conditions <= set(summary)
    assert capacity(3600.0) == pytest.approx(0.1)
