"""Ramps and cycles on a small cell: how half-steps end, what becomes of the flaw, and how many time steps it takes."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from lifrac.solver.cohesive.unknowns import LITHIUM_THICKNESS, OPENING
from lifrac.solver.model.control import ConstantCurrent, Rest
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep, StopRules
from lifrac.solver.numerics.stepping import PREDICTED_ITERATIONS, StepController
from lifrac.solver.physics.constants import surface_velocity_per_current
from scipy.optimize import brentq
from support.plane_cell import HOUR, Run, cell, constant, run

LOW = 5.0  # A/m2, below the threshold
PASSAGE = 0.1 / surface_velocity_per_current()  # C/m2 of a void 0.1 um high


def cycles(current: float, charge: float, count: int, **limits: float) -> list[ProtocolStep]:
    """Plating and stripping in turn."""
    return [
        ProtocolStep(ConstantCurrent(sign * current), charge, cycle=n, **limits)
        for n in range(1, count + 1)
        for sign in (1.0, -1.0)
    ]


def ends(r: Run) -> list:
    """The last report of every protocol step."""
    return list({report.protocol_step: report for report in r.reports}.values())


@pytest.fixture(scope="module")
def partly() -> Run:
    """Plating, then cycles in which a fifth of the flaw is stripped."""
    return run(cell(constant(LOW, 300.0), *cycles(LOW, 20.0, 5)))


# -- half-steps --------------------------------------------------------------------------------------


def test_half_steps_end_exactly(partly: Run) -> None:
    last = ends(partly)
    assert [r.state.charge for r in last] == pytest.approx([300.0] + [320.0, 300.0] * 5, rel=1e-12)
    assert [r.state.time for r in last] == pytest.approx([60.0 + 4.0 * i for i in range(11)], rel=1e-12)
    assert [r.cycle for r in last] == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert partly.events == ["protocol_step"] * 10
    assert (partly.engine.termination, partly.engine.counters.ended) == ("protocol_end", 11)


def test_ramp_at_fixed_time_and_at_fixed_capacity() -> None:
    """At fixed time the charge of a level grows with the current, at fixed capacity its time falls."""
    levels = [
        ProtocolStep(ConstantCurrent(sign * j), level=n, cycle=n)
        for n, j in ((1, 2.0), (2, 4.0))
        for sign in (1.0, -1.0)
    ]
    timed = run(cell(*(replace(step, duration=10.0) for step in levels)))
    assert [r.state.charge for r in ends(timed)] == pytest.approx([20.0, 0.0, 40.0, 0.0], abs=1e-10)
    assert [r.state.time for r in ends(timed)] == pytest.approx([10.0, 20.0, 30.0, 40.0], rel=1e-12)
    filled = run(cell(*(replace(step, capacity=20.0) for step in levels)))
    assert [r.state.charge for r in ends(filled)] == pytest.approx([20.0, 0.0, 20.0, 0.0], abs=1e-10)
    assert [r.state.time for r in ends(filled)] == pytest.approx([10.0, 20.0, 25.0, 30.0], rel=1e-12)


def test_a_quiet_half_cycle_takes_few_time_steps() -> None:
    """Emptied by the first strip, the flaw does nothing more: 20 and more steps, then at most 8."""
    r = run(cell(*cycles(LOW, 1000.0, 12)))
    counts = Counter(report.protocol_step for report in r.reports)
    assert counts[0] >= 15
    assert max(counts[i] for i in range(18, 24)) <= 8
    first, last = ends(r)[3].measures, ends(r)[-1].measures
    assert last.lithium_volume == pytest.approx(first.lithium_volume, rel=1e-9)


def test_long_steps_are_for_predicted_states_only() -> None:
    c = StepController(1.0, 10.0, 5, usual=2.0)
    c.accepted(1.0, PREDICTED_ITERATIONS, 0.0)
    assert c.next_step == 2.0
    c.accepted(2.0, PREDICTED_ITERATIONS, 0.0)
    assert c.next_step == 4.0
    c.accepted(4.0, PREDICTED_ITERATIONS + 1, 0.0)
    assert c.next_step == 2.0


# -- the flaw ----------------------------------------------------------------------------------------


def test_a_flaw_that_was_partly_stripped_fills_again(partly: Run) -> None:
    """It settles into the same states cycle after cycle, and lithium is balanced all the way."""
    last = [r.measures for r in ends(partly)]
    stripped, plated = last[2::2], last[3::2]
    assert stripped[0].lithium_volume < 0.8 * last[1].lithium_volume
    assert [m.lithium_length for m in plated] == [10.0] * 4
    assert plated[-1].lithium_volume > 1.2 * stripped[-1].lithium_volume
    for states in (stripped, plated):
        change = np.abs(np.diff([m.lithium_volume for m in states]))
        assert (change[1:] < 0.7 * change[:-1]).all()
        assert change[-1] < 0.01 * states[-1].lithium_volume
    assert partly.column("lithium_balance_error").max() < 1e-8
    assert partly.column("charge_balance_error").max() < 1e-8
    assert partly.engine.measures.crack_tip == 10.0


def test_a_flaw_that_was_emptied_stays_empty() -> None:
    """A limit of the model (docs/model.md): lithium plates where lithium is."""
    r = run(cell(constant(LOW, 300.0), constant(-LOW, 1000.0), constant(LOW, 1000.0)))
    full, empty, again = (e.measures for e in ends(r))
    assert full.lithium_length == 10.0
    assert empty.lithium_volume < 0.05 * full.lithium_volume
    assert again.lithium_volume < 0.05 * full.lithium_volume
    assert r.column("lithium_balance_error").max() < 1e-8


def test_a_residue_makes_an_emptied_flaw_fill_again() -> None:
    """Stripping leaves the stated fraction of the aperture; plating then fills the flaw to its end."""
    flaw = Flaw(10.0, 0.02, residual=0.05)
    r = run(cell(constant(LOW, 300.0), constant(-LOW, 1000.0), constant(LOW, 500.0), flaw=flaw))
    full, empty, again = ends(r)
    p = r.engine.problem
    dry = p.surface.crack[(p.crack.aperture[p.surface.crack] > 0.0)]
    share = (empty.state.values[:, LITHIUM_THICKNESS] / (p.crack.aperture + empty.state.values[:, OPENING] + 1e-12))[
        dry
    ]
    distance = p.surface.x[dry, 1]
    assert share[(distance > 1.0) & (distance < 9.0)] == pytest.approx(0.05, rel=1e-3)
    assert again.measures.lithium_volume == pytest.approx(full.measures.lithium_volume, rel=0.01)
    assert again.measures.max_lithium_pressure == pytest.approx(full.measures.max_lithium_pressure, rel=0.01)
    assert r.column("lithium_balance_error").max() < 1e-8


def test_a_residue_changes_nothing_while_plating() -> None:
    plain = run(cell(constant(LOW, 300.0)))
    other = run(cell(constant(LOW, 300.0), flaw=Flaw(10.0, 0.02, residual=0.05)))
    for a, b in zip(plain.reports, other.reports, strict=True):
        assert a.state.values == pytest.approx(b.state.values, rel=1e-9, abs=1e-12)


# -- early ends --------------------------------------------------------------------------------------


def test_voltage_limit_of_a_step_ends_the_step_only() -> None:
    """Voids raise the voltage while stripping; the half-cycle ends there, the next one closes them again."""
    law = ContactLaw(0.1, 0.0)
    steps = cycles(10.0, 0.9 * PASSAGE, 2, voltage_limit=0.05)
    r = run(cell(*steps, contact=law, loads=Loads(1.0, lateral="free")))
    last = ends(r)
    assert len(last) == 4
    assert r.engine.termination == "protocol_end"
    assert "voltage_limit" not in r.events
    assert abs(last[0].state.cell_voltage) == pytest.approx(0.05, rel=0.02)
    assert abs(last[0].state.cell_voltage) >= 0.05
    assert last[0].state.charge < 0.9 * PASSAGE
    assert "voltage limit of 0.05 V" in last[0].events[-1].detail
    assert last[0].events[-1].passed == pytest.approx(last[0].state.charge)


def test_contact_lost_ends_the_half_cycle_only() -> None:
    """Half-cycles become shorter, as contact comes back more slowly than it is lost: theta d theta = -dQ while a
    face is stripped, theta d theta/(1 - theta) = dQ while it is plated, Q in passages of the void height."""
    low = 0.5
    law = ContactLaw(0.1, 0.0, minimum=low)
    steps = cycles(10.0, 1.5 * PASSAGE, 2)
    r = run(cell(*steps, contact=law, loads=Loads(1.0, lateral="free"), stop=StopRules(at_contact_lost=False)))
    last = ends(r)
    assert (r.engine.termination, r.engine.outcome, r.engine.failure) == ("protocol_end", "contact_lost", None)
    assert [np.sign(report.current_density) for report in last] == [1.0, -1.0, 1.0, -1.0]
    passed = np.diff([0.0, *(report.state.throughput for report in last)]) / PASSAGE
    # The counter electrode is stripped first; at the anode the flaw takes a part of the current. Contact at the end of
    # a half-step is known to 2 % of 0.5, which is 3.4 % of the third charge.
    assert passed[0] == pytest.approx(0.5 * (1.0 - low**2), rel=0.02)
    assert passed[2] == pytest.approx(0.5 * (healed(low, passed[1]) ** 2 - low**2), rel=0.04)
    assert passed[0] < passed[1] < 1.1 * passed[0]
    assert passed[3] < 0.6 * passed[2]
    assert r.events.count("contact_lost") == 1
    details = [e.detail for report in last[:3] for e in report.events if e.name == "protocol_step"]
    assert ["counter" in text for text in details] == [True, False, True]
    assert all("contact" in text for text in details)


def healed(theta: float, charge: float) -> float:
    """Contact of a plated face after a charge."""
    start = -theta - np.log(1.0 - theta)
    return float(brentq(lambda t: -t - np.log(1.0 - t) - start - charge, theta, 1.0 - 1e-9))


def test_contact_lost_ends_the_run_by_default() -> None:
    r = run(
        cell(
            *cycles(10.0, 1.5 * PASSAGE, 2), contact=ContactLaw(0.1, 0.0, minimum=0.5), loads=Loads(1.0, lateral="free")
        )
    )
    assert (r.engine.termination, len(ends(r))) == ("contact_lost", 1)
    assert r.engine.failure is not None
    assert r.engine.failure.step == ProtocolStep(ConstantCurrent(10.0), 1.5 * PASSAGE, cycle=1)


def test_a_step_that_would_strip_a_lost_face_is_skipped() -> None:
    """Twice the same direction: the second step takes no time; a rest and a reversal do."""
    law = ContactLaw(0.1, 0.0, minimum=0.5)
    again, back = constant(10.0, 10.0), constant(-10.0, 10.0)
    steps = constant(10.0, 1.5 * PASSAGE), again, ProtocolStep(Rest(), duration=10.0), back
    r = run(cell(*steps, contact=law, loads=Loads(1.0, lateral="free"), stop=StopRules(at_contact_lost=False)))
    assert [report.protocol_step for report in ends(r)] == [0, 2, 3]
    skipped = [e for report in r.reports for e in report.events if e.step == again]
    assert [e.passed for e in skipped] == [0.0]
    assert r.engine.counters.ended == 4


def test_voltage_drop() -> None:
    """Lithium through half of the cell takes a tenth off its voltage."""
    rule = StopRules(voltage_drop=0.1)
    r = run(cell(constant(60.0, 20000.0), stop=rule))
    assert (r.engine.termination, r.events[-1]) == ("voltage_drop", "voltage_drop")
    start = r.reports[0].state.cell_voltage
    assert r.reports[-1].state.cell_voltage == pytest.approx(0.9 * start, rel=0.02)
    assert r.reports[-1].state.cell_voltage <= 0.9 * start < r.reports[-2].state.cell_voltage
    assert r.engine.failure is not None
    assert r.engine.failure.passed == pytest.approx(r.engine.state.charge)


def test_a_drop_is_that_of_one_half_step() -> None:
    """Less current and none at all are no drop."""
    steps = constant(LOW, 20.0), constant(0.1 * LOW, 2.0), ProtocolStep(Rest(), duration=10.0), constant(-LOW, 10.0)
    r = run(cell(*steps, stop=StopRules(voltage_drop=0.5)))
    assert (r.engine.termination, r.engine.outcome) == ("protocol_end", "completed")


def test_time_limit_is_hit_exactly() -> None:
    steps = cycles(LOW, 20.0, 100)
    r = run(cell(*steps, stop=StopRules(time_limit=11.0)))
    assert (r.engine.termination, r.engine.outcome) == ("time_limit", "completed")
    assert r.engine.state.time == pytest.approx(11.0, rel=1e-12)
    assert r.engine.counters.ended == 2
    whole = run(cell(constant(LOW, 50.0), stop=StopRules(time_limit=HOUR)))
    assert whole.engine.termination == "protocol_end"
    before = run(cell(constant(LOW, 50.0), constant(-LOW, 5.0), stop=StopRules(time_limit=10.0)))
    assert (before.engine.termination, before.engine.counters.ended) == ("time_limit", 1)
