"""A flaw that stripping has emptied: the run says from when on nothing pressed it open, with either engine."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.protocol.events import EMPTY_FILL_FRACTION
from mpi4py import MPI
from support.diffuse_cell import engine, model
from support.plane_cell import Run, cell, constant, problem, run

LOW = 5.0  # A/m2, below the threshold
EMPTYING = (constant(LOW, 50.0), constant(-LOW, 800.0), constant(LOW, 1000.0), constant(LOW, 10.0))


def emptied(events: list[Any]) -> list[tuple[int, float]]:
    """Protocol steps that were told to have plated beside an empty flaw, and how long they had gone on [C/m2]."""
    return [(event.index, event.passed) for event in events if event.name == "flaw_empty"]


def told(r: Run) -> list[tuple[int, float]]:
    return emptied([event for report in r.reports for event in report.events])


def test_quarter_of_a_flaw_next_to_the_mouth_exerts_less_than_a_fifth() -> None:
    """EMPTY_FILL_FRACTION is justified by Tada's weight function of an edge crack, integrated over the filled part."""

    def exerted(filled: float) -> float:
        angle = (np.arange(2000) + 0.5) / 2000.0 * np.arcsin(filled)  # x = sin(angle) takes the singularity away
        return float((1.3 - 0.3 * np.sin(angle) ** 1.25).mean() * np.arcsin(filled))

    assert exerted(1.0) == pytest.approx(1.1215 * np.pi / 2.0, rel=2e-3)
    assert exerted(EMPTY_FILL_FRACTION) / exerted(1.0) == pytest.approx(0.183, abs=1e-3)


def test_a_flaw_that_was_emptied_is_told_once_and_is_the_outcome() -> None:
    r = run(cell(*EMPTYING))
    assert told(r) == [(2, pytest.approx(1000.0))]
    assert r.engine.outcome == "flaw_empty"
    assert r.engine.termination == "protocol_end"


@pytest.mark.parametrize("flaw", [Flaw(10.0, 0.02, residual=0.05), Flaw(10.0, 0.02, filling=0.3)])
def test_a_flaw_that_fills_again_is_not_told_of(flaw: Flaw) -> None:
    """Twins that begin below the limit and fill: a stated residue, and a flaw that is filled in part at the start."""
    short = constant(LOW, 20.0), constant(-LOW, 300.0), constant(LOW, 100.0)
    protocol = short if flaw.residual else (constant(LOW, 300.0),)
    r = run(cell(*protocol, flaw=flaw))
    assert told(r) == []
    assert r.engine.outcome == "completed"


def test_a_flaw_that_was_stripped_in_part_is_not_told_of() -> None:
    assert told(run(cell(constant(LOW, 20.0), constant(-LOW, 20.0), constant(LOW, 20.0)))) == []


@pytest.mark.parametrize("flaw", [Flaw(10.0, 0.02, filling=0.0), Flaw(10.0, 0.02, residual=5e-4)])
def test_twins_that_never_fill(flaw: Flaw) -> None:
    """An empty flaw from the start, and a residue that is thinner than what counts as cut off."""
    r = run(cell(*EMPTYING, flaw=flaw))
    assert [index for index, _ in told(r)] == [0 if flaw.filling == 0.0 else 2]
    assert r.engine.outcome == "flaw_empty"


def test_a_time_limit_within_the_step_tells_as_well() -> None:
    whole = cell(*EMPTYING[:3])
    r = run(replace(whole, stop=replace(whole.stop, time_limit=270.0)))
    assert r.engine.termination == "time_limit"
    assert told(r) == [(2, pytest.approx(LOW * 100.0))]


def test_going_on_within_the_empty_step_tells_the_same() -> None:
    """A checkpoint keeps the filling so far, and the volume of the flaw at the start."""
    plain = run(cell(*EMPTYING))
    first = CohesiveEngine(problem(cell(*EMPTYING)))
    for report in first.run():
        if report.protocol_step == 2:
            break
    kept = json.loads(json.dumps(first.restart_values()))
    later = CohesiveEngine.resumed(problem(cell(*EMPTYING)), kept, first.arrays())
    events = [event for report in later.run() for event in report.events]
    assert emptied(events) == told(plain)
    assert later.counters.first_events["flaw_empty"] == plain.engine.counters.first_events["flaw_empty"]


def test_phase_field_tells_of_an_emptied_flaw() -> None:
    run_ = engine(MPI.COMM_SELF, model(constant(10.0, 10.0), constant(-10.0, 600.0), constant(10.0, 100.0)))
    events = [event for report in run_.run() for event in report.events]
    assert emptied(events) == [(2, pytest.approx(100.0))]
    assert run_.outcome == "flaw_empty"
