"""One run, several definitions of failure (`study.definitions`)."""

from types import SimpleNamespace
from typing import Any

import pytest
from lifrac.problems.studies.ccd.brackets import Bracket
from lifrac.problems.studies.ccd.definitions import COLUMNS, critical, definitions_of
from lifrac.problems.studies.ccd.points import Finished
from lifrac.problems.studies.ccd.search import Row
from lifrac.problems.studies.ccd.study import load_study
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.protocol import ProtocolStep

ALTERNATING = [
    ProtocolStep(ConstantCurrent(sign * 10.0 * level), duration=1.0, cycle=level, level=level)
    for level in range(1, 5)
    for sign in (1.0, -1.0)
]
"""A ramp of four levels of 1 mA/cm2."""


def finished(current: float = 10.0, capacity: float | None = 36.0, **summary: Any) -> Finished:
    case = SimpleNamespace(cell=lambda: SimpleNamespace(protocol=ALTERNATING))
    point = SimpleNamespace(case=case, current=current, capacity=capacity, key="k")
    ended = {"termination": "stop_rule", "protocol_step": 6, "charge_mAh_per_cm2": 0.001, "outcome": "crack_through"}
    return Finished(point, ended | summary)  # type: ignore[arg-type]


def row(run: Finished | None = None, capacity: float = 36.0) -> Row:
    return Row(SimpleNamespace(), capacity, Bracket(0.0, None), run)  # type: ignore[arg-type]


def test_a_ramp_has_a_level_for_each_event() -> None:
    run = finished(protocol_steps_of_events={"fracture": 2, "crack_through": 6})
    assert critical("ramp", row(run), [run], "fracture") == Bracket(10.0, 20.0)
    assert critical("ramp", row(run), [run], "crack_through") == Bracket(30.0, 40.0)


def test_an_event_that_has_not_come_leaves_a_survivor_open() -> None:
    run = finished(termination="protocol_end", protocol_step=7, protocol_steps_of_events={"fracture": 2})
    assert critical("ramp", row(run), [run], "crack_through") == Bracket(40.0, None)


def test_what_was_survived_with_an_empty_flaw_does_not_count() -> None:
    run = finished(termination="protocol_end", protocol_step=7, flaw_empty_since_protocol_step=4)
    assert critical("ramp", row(run), [run], "fracture") == Bracket(20.0, None)


@pytest.mark.parametrize("driver", ["constant_current", "cycling"])
def test_each_event_brackets_the_currents_of_single_runs(driver: str) -> None:
    survives = finished(10.0, termination="protocol_end")
    cracks = finished(20.0, termination="protocol_end", capacity_at_fracture_mAh_per_cm2=0.0005)
    parts = finished(40.0, capacity_at_fracture_mAh_per_cm2=0.0002, capacity_at_crack_through_mAh_per_cm2=0.0006)
    runs = [survives, cracks, parts]
    assert critical(driver, row(), runs, "fracture") == Bracket(10.0, 20.0)
    assert critical(driver, row(), runs, "crack_through") == Bracket(20.0, 40.0)


def test_a_study_tells_of_its_failure_and_of_what_comes_before() -> None:
    assert load_study("li6ps5cl_die_ramp").grids.definitions
    study = load_study("llzo_ramp", ["study.definitions=true"])
    assert definitions_of(study.grids) == ("fracture", "crack_through")
    tables = study.tables({}, {})
    found = tables["definitions.csv"]
    assert found is not None
    assert found.columns == COLUMNS
    assert list(found.rows) == []
    assert "definitions.csv" not in load_study("llzo_ramp").tables({}, {})
