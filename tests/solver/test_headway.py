"""A run that makes no headway says so once a protocol step, with why its tries were refused."""

import math

import pytest
from lifrac.errors import NumericalFailure
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine, PlaneTrial
from lifrac.solver.model.control import ConstantCurrent, Control
from lifrac.solver.numerics.stepping import STALLED_REFUSALS, StepController
from support.plane_cell import cell, constant, problem


def test_refusals_are_counted_by_reason_the_most_frequent_first() -> None:
    c = StepController(1.0, 10.0, 25)
    for reason in ("event", "not converged", "not converged"):
        c.reject(1.0, 0.5, reason)
    c.accepted(0.1, 3, 0.5)
    assert c.refusals() == "3 of 4 tries refused: 2 not converged, 1 event"


def test_a_run_that_is_given_up_says_why() -> None:
    c = StepController(1.0, 10.0, max_rejections=3)
    why = r"4 steps rejected in a row .*; 4 of 4 tries refused: 4 crack advance\)"
    for _ in range(3):
        c.reject(1.0, 0.5, "crack advance")
    with pytest.raises(NumericalFailure, match=why):
        c.reject(1.0, 0.5, "crack advance")


def test_short_steps_are_no_fault_unless_many_were_refused() -> None:
    """A protocol step begins with short steps; an event refuses some; only both together, for long, are told of."""
    c = StepController(1.0e-6, 10.0, 100)
    assert not c.stuck(100.0)
    for _ in range(STALLED_REFUSALS):
        c.reject(1.0e-6, 0.9, "event")
    assert c.stuck(100.0)
    assert not c.stuck(1.0e-3)
    assert not math.isinf(c.next_step)
    for _ in range(4 * STALLED_REFUSALS):  # refusals that are few among many steps are no fault either
        c.accepted(1.0e-6, 3, 1.0)
    assert not c.stuck(100.0)


class Reluctant(CohesiveEngine):
    """Does not converge with steps above a microsecond from the second protocol step on."""

    def _attempt(self, dt: float, control: Control, stack_pressure: float, failures: int) -> PlaneTrial:
        if self._at.index > 0 and dt > 1.0e-6:
            raise NumericalFailure("made to fail")
        return super()._attempt(dt, control, stack_pressure, failures)


def test_the_engine_tells_once_and_its_end_says_so() -> None:
    model = cell(constant(5.0, 10.0), constant(-5.0, 10.0))
    engine = Reluctant(problem(model))
    told: list[str] = []
    engine.warn = told.append
    for report in engine.run():
        if report.number > 200:
            break
    (words,) = told
    assert words.startswith("no headway in protocol step 2 of 2: steps of ")
    assert "not converged)" in words
    assert engine.refusals().endswith("not converged")


def test_steps_that_are_used_up_say_what_was_refused() -> None:
    from dataclasses import replace

    model = cell(constant(5.0, 10.0), constant(-5.0, 10.0))
    engine = Reluctant(problem(replace(model, control=replace(model.control, max_steps=60))))
    list(engine.run())
    assert engine.termination == "max_steps"
    assert engine.used_up().startswith("solver.max_steps = 60 is used up before the end of the protocol (")
    assert "not converged" in engine.used_up()


def test_histories_count_the_iterations_of_newton_in_both_engines() -> None:
    """The phase field steers by sweeps, but what it shows are iterations, as docs/results.md says."""
    from mpi4py import MPI
    from support.diffuse_cell import engine, model

    diffuse = engine(MPI.COMM_SELF, model(constant(10.0, 5.0)))
    trial = diffuse._attempt(0.1, ConstantCurrent(10.0), 1.0, 0)
    assert trial.iterations == trial.step.newton_iterations > trial.step.sweeps
    assert trial.effort == round(trial.step.sweeps / 3.0)
