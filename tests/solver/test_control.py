"""Constant voltage in a protocol: what flows, what ends it, and where a run goes on from within it."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.cohesive_problem import SurfaceProblem
from lifrac.solver.model.control import Closure, ConstantCurrent, ConstantVoltage, Rest
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.constants import thermal_voltage
from lifrac.solver.physics.flaw_scales import plating_speed
from lifrac.solver.physics.uniform_cell import current_density_at, overpotential, voltage_at
from lifrac.solver.reference.monolithic_step import MonolithicSystem
from scipy.optimize import brentq
from support.plane_cell import FACE, LLZO, SLAB, Run, bulk, cell, constant, problem, response, run, surface

V = 0.02
J = current_density_at(FACE, FACE, SLAB.thickness, LLZO.conductivity, V)
VOIDS = ContactLaw(void_height=0.1, reference_current=5.0, minimum=0.02)


def hold(voltage: float = V, cutoff: float | None = None, **limits: float) -> ProtocolStep:
    """A voltage held; 20 mV and its current unless stated."""
    return ProtocolStep(ConstantVoltage(voltage, J * voltage / V, cutoff), **limits)


def test_what_each_control_asks() -> None:
    """The counter electrode carries 3 on an anode of 2 um, at 0.1 V."""
    assert ConstantCurrent(2.0).closure(3.0, 0.1, 2.0) == Closure(1.0, 1.0, 0.0)
    assert Rest().closure(3.0, 0.1, 2.0) == Closure(-3.0, 1.0, 0.0)
    assert ConstantVoltage(0.4, 1.0).closure(3.0, 0.1, 2.0).missing == pytest.approx(0.3)
    assert [c.direction for c in (Rest(), ConstantVoltage(-1.0, -1.0), ConstantCurrent(3.0))] == [0, -1, 1]


def test_current_of_a_uniform_cell() -> None:
    """V = j L/kappa + (4RT/F) asinh(j/(2 i0)), solved another way; with unequal coefficients both directions differ."""
    unit = 4.0 * thermal_voltage(FACE.temperature)
    exact = brentq(lambda j: j * 60.0 / 5.0e4 + unit * np.arcsinh(j / 102.0) - 0.3, 0.0, 1.0e4)
    assert current_density_at(FACE, FACE, 60.0, 5.0e4, 0.3) == pytest.approx(exact, rel=1e-12)
    assert current_density_at(FACE, FACE, 60.0, 5.0e4, -0.3) == pytest.approx(-exact, rel=1e-12)
    skew = replace(FACE, alpha_a=0.3, alpha_c=0.7)
    assert overpotential(skew, 500.0) > overpotential(skew, 500.0, plating=False)
    assert voltage_at(skew, skew, 60.0, 5.0e4, 500.0) == pytest.approx(-voltage_at(skew, skew, 60.0, 5.0e4, -500.0))
    assert voltage_at(skew, FACE, 60.0, 5.0e4, 500.0) > -voltage_at(skew, FACE, 60.0, 5.0e4, -500.0)


@pytest.fixture(scope="module")
def decaying() -> Run:
    """Constant current, a hold that falls to its cut-off, and one that strips up to a charge; voids open."""
    steps = constant(20.0, 100.0), hold(cutoff=8.5, duration=3600.0), hold(-V, capacity=50.0)
    return run(cell(*steps, contact=VOIDS))


def test_a_hold_ends_at_its_cutoff_and_at_its_charge(decaying: Run) -> None:
    reports = decaying.reports
    ends = [e.detail for r in reports for e in r.events if e.name == "protocol_step"]
    assert ends == ["step 1 of 3 has ended", "step 2 of 3 has ended with its current at the cut-off"]
    held = [r for r in reports if r.protocol_step == 1]
    assert [r.state.cell_voltage for r in held] == pytest.approx([V] * len(held), abs=1e-15)
    assert 0.98 * 8.5 <= held[-1].current_density <= 8.5
    assert all(r.current_density > 8.5 for r in held[:-1])
    back = [r for r in reports if r.protocol_step == 2]
    assert all(r.current_density < 0.0 for r in back)
    assert back[-1].state.throughput - held[-1].state.throughput == pytest.approx(50.0, rel=1e-3)
    assert decaying.engine.termination == "protocol_end"


def test_charge_is_the_integral_of_the_current_that_flowed(decaying: Run) -> None:
    r = decaying
    charge = sum(report.current_density * report.dt for report in r.reports)
    assert r.engine.state.charge == pytest.approx(charge, rel=1e-12)
    assert r.column("charge_balance_error").max() < 1e-8
    assert r.engine.counters.current == r.reports[-1].current_density
    assert r.engine.counters.first_current == 20.0


def test_states_to_be_stored_are_hit_within_a_hold() -> None:
    engine = CohesiveEngine(problem(cell(hold(duration=20.0))))
    engine.output_capacities = [30.0, 90.0]
    passed = np.array([report.state.throughput for report in engine.run()])
    for mark in engine.output_capacities:
        assert passed[passed >= mark * (1.0 - 1e-9)].min() == pytest.approx(mark, rel=3e-3)


def test_run_goes_on_within_a_hold(decaying: Run) -> None:
    """From what is kept as JSON keeps it."""
    model = decaying.engine.cell_model
    first = CohesiveEngine(problem(model))
    reports = first.run()
    for report in reports:
        if report.protocol_step == 1:
            break
    kept = json.loads(json.dumps(first.restart_values()))
    second = CohesiveEngine.resumed(problem(model), kept, first.arrays())
    assert second.state.current_density == report.current_density
    rest = list(second.run())
    assert [r.number for r in rest] == [r.number for r in decaying.reports][report.number :]
    for ours, theirs in zip(rest, decaying.reports[report.number :], strict=True):
        assert ours.state.time == pytest.approx(theirs.state.time, rel=1e-12)
        assert ours.current_density == pytest.approx(theirs.current_density, rel=1e-9)


def test_the_full_system_finds_the_same_current() -> None:
    model = cell(hold(duration=1.0))
    condensed = problem(model)
    full = MonolithicSystem(bulk(), LLZO.youngs_modulus, LLZO.conductivity)
    other = SurfaceProblem(surface(), response(), model, system=full)
    state = CohesiveEngine(condensed).state
    a, b = (p.solve(state, 1.0, model.protocol[0].control) for p in (condensed, other))
    assert a.voltage == b.voltage == pytest.approx(V, abs=1e-15)
    assert b.current_density == pytest.approx(a.current_density, rel=1e-9)


@dataclass(frozen=True)
class BehindResistor(ConstantVoltage):
    """A source of constant voltage U with a resistance R [V m2/A] before the cell: V + R j = U."""

    resistance: float = 0.0

    def closure(self, current: float, voltage: float, area: float) -> Closure:
        """Return what is left of U."""
        return Closure(self.voltage - voltage - self.resistance * current / area, self.resistance / area, 1.0)


def test_a_control_of_ones_own_is_one_class() -> None:
    """Half of U is lost in a resistance like that of the cell; the current falls and the cell voltage with it."""
    source = BehindResistor(V, 0.5 * J, resistance=V / J)
    found = run(cell(ProtocolStep(source, duration=5.0)))
    for report in found.reports:
        assert report.state.cell_voltage + source.resistance * report.current_density == pytest.approx(V, rel=1e-9)
    assert found.reports[-1].current_density == pytest.approx(0.5 * J, rel=0.05)


def test_a_hold_without_an_expected_current_is_named() -> None:
    with pytest.raises(ValueError, match="expected_current_density"):
        plating_speed(cell(ProtocolStep(ConstantVoltage(V, 0.0), duration=1.0)))


def test_a_shorted_hold_is_no_voltage_drop() -> None:
    """|V| stays: `voltage_drop` is for currents that are held."""
    model = cell(hold(duration=5.0))
    found = run(replace(model, stop=replace(model.stop, voltage_drop=0.5)))
    assert found.engine.termination == "protocol_end"
