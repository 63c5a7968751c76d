"""The stack pressure: what a protocol sets, what a fixture adds, and that everything sees the same one."""

import json
from dataclasses import replace

import numpy as np
import pytest
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.unknowns import PRESSURE
from lifrac.solver.model.control import ConstantVoltage, Rest
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.model.loads import ConstantPressure, FixedGap, Fixture, Loads, Spring
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.constants import lithium_thickness_per_capacity, surface_velocity_per_current
from lifrac.solver.physics.elasticity import through_thickness_modulus
from lifrac.solver.protocol.cell_state import CellState
from lifrac.solver.protocol.loading import Loading
from support.plane_cell import LLZO, Run, cell, constant, problem, run

THICKNESS = 60.0


def held(fixture: Fixture, counter_volume: float = 0.0) -> Loads:
    """1 MPa in a fixture."""
    return Loads(1.0, fixture=fixture, counter_volume=counter_volume, lateral="free")


def pressures(found: Run) -> np.ndarray:
    return np.array([r.state.stack_pressure for r in found.reports])


def test_modulus_between_plates() -> None:
    """Uniaxial and confined compression in plane strain, from Hooke's law with eps_z = 0."""
    e, nu = 150.0e3, 0.26
    law = np.array([[1.0, -nu, -nu], [-nu, 1.0, -nu], [-nu, -nu, 1.0]]) / e  # eps = law sigma
    free = np.linalg.solve(law[1:, 1:], [1.0, 0.0])[0]  # y, z with sigma_x = 0 and eps_z = 0
    assert through_thickness_modulus(e, nu, "free") == pytest.approx(free)
    rollers = np.linalg.solve(law, [0.0, 1.0, 0.0])[1]
    assert through_thickness_modulus(e, nu, "die") == pytest.approx(rollers)


def test_stiffness_of_a_fixture_and_its_stack() -> None:
    stack = through_thickness_modulus(LLZO.youngs_modulus, LLZO.poisson_ratio, "free") / THICKNESS
    fixtures = (ConstantPressure(), Spring(0.0), Spring(stack), Spring(1.0e30), FixedGap())
    found = [Loading(cell(loads=held(f)), THICKNESS).stiffness for f in fixtures]
    assert found == pytest.approx([0.0, 0.0, 0.5 * stack, stack, stack])


def test_growth_of_the_electrodes() -> None:
    """4.850 um per mAh/cm2 against a host, nothing against lithium, less what a flaw holds."""
    model = cell(loads=held(Spring(2.0)))
    loading = Loading(model, THICKNESS)
    assert loading.growth(3.6e4, 0.0) == pytest.approx(lithium_thickness_per_capacity())
    assert loading.growth(3.6e4, 1.0) == pytest.approx(lithium_thickness_per_capacity() - 1.0)
    assert Loading(replace(model, loads=held(Spring(2.0), 1.0)), THICKNESS).growth(3.6e4, 0.0) == 0.0
    assert loading.pressure(0.0, 0.5) == pytest.approx(1.0 + 0.5 * loading.stiffness)
    assert loading.pressure(0.0, -5.0) == 0.0  # no fixture pulls


def test_a_ramp_of_the_set_pressure_starts_from_what_acts() -> None:
    loading = Loading(cell(loads=held(Spring(2.0))), THICKNESS)
    state = CellState(stack_pressure=3.0, time=100.0)
    loading.begin(ProtocolStep(Rest(), duration=1.0), state, 1.0)
    assert loading.pressure(100.0, 0.0) == 1.0  # no word of the pressure: left alone
    loading.begin(ProtocolStep(Rest(), duration=1.0, stack_pressure=7.0, pressure_ramp=10.0), state, 1.0)
    assert [loading.pressure(100.0 + t, 1.0) for t in (0.0, 5.0, 10.0, 50.0)] == [3.0, 5.0, 7.0, 7.0]
    again = Loading(cell(loads=held(Spring(2.0))), THICKNESS)
    again.restore(json.loads(json.dumps(loading.values())))
    assert again.pressure(103.0, 1.3) == loading.pressure(103.0, 1.3)


PLATED = 1500.0


@pytest.mark.parametrize("limits", [(Spring(0.0), ConstantPressure()), (Spring(1.0e30), FixedGap())])
def test_a_spring_of_no_and_of_infinite_stiffness(limits: tuple[Fixture, Fixture]) -> None:
    """It is a constant pressure, and a fixed gap, in every step."""
    spring, limit = (run(cell(constant(4.0, 200.0), loads=held(fixture))) for fixture in limits)
    for name in ("max_lithium_pressure", "lithium_volume", "mouth_opening"):
        assert spring.column(name) == pytest.approx(limit.column(name), rel=1e-12)
    assert pressures(spring) == pytest.approx(pressures(limit), rel=1e-12)


@pytest.fixture(scope="module")
def sprung() -> Run:
    """Plating, then stripping to below the start, on a spring."""
    return run(cell(constant(4.0, PLATED), constant(-4.0, 2.0 * PLATED), loads=held(Spring(3.0))))


def test_pressure_on_a_spring_by_hand(sprung: Run) -> None:
    """P = 1 MPa + k (plated on the face + extruded - stripped), both halves of the model by their own volumes."""
    stack = LLZO.youngs_modulus / (1.0 - LLZO.poisson_ratio**2) / THICKNESS
    stiffness = 1.0 / (1.0 / 3.0 + 1.0 / stack)
    for r in sprung.reports:
        whole = 2.0 * sprung.engine.areas.anode
        thickness = surface_velocity_per_current() * r.state.charge
        thickness += (r.state.extruded - r.state.plated_in_flaw) / whole
        assert r.state.stack_pressure == pytest.approx(1.0 + stiffness * thickness, rel=1e-3)
    assert pressures(sprung).max() > 1.5
    assert pressures(sprung)[-1] < 0.5


def test_balances_hold_while_the_pressure_changes(sprung: Run) -> None:
    for name in ("charge_balance_error", "lithium_balance_error"):
        assert sprung.column(name).max() < 1e-8
    assert sprung.column("energy_balance_error").max() < 1e-2


def test_everything_sees_the_pressure_that_acts() -> None:
    """A cell whose pressure was raised without current is like one that was assembled at it: metal, kinetics, bulk."""
    rest = ProtocolStep(Rest(), duration=200.0, stack_pressure=9.0, pressure_ramp=50.0)
    risen = run(cell(rest))
    there = CohesiveEngine(problem(cell(loads=Loads(9.0, lateral="free"))))
    at = risen.engine.state
    assert at.stack_pressure == 9.0
    mouth = risen.engine.problem.rule.mouth
    assert at.values[mouth, PRESSURE] == pytest.approx(9.0)
    assert risen.engine.problem.load == pytest.approx(there.problem.load)
    assert at.cell_voltage == pytest.approx(0.0, abs=1e-7)  # kinetics at another pressure: 8 MPa/(F/Omega) = 1 mV
    times = np.array([r.state.time for r in risen.reports])
    assert pressures(risen) == pytest.approx(1.0 + 8.0 * np.minimum(times / 50.0, 1.0))
    assert risen.column("energy_balance_error").max() < 1e-2


def test_contact_follows_the_pressure_that_acts() -> None:
    """J_c = J_ref P/P_ref: a face loses contact at 1 MPa, and not where the pressure is raised to 4 MPa first."""
    law = ContactLaw(void_height=0.05, reference_current=5.0, minimum=0.05)
    step = constant(10.0, 900.0)
    lost = run(cell(step, contact=law))
    kept = run(cell(replace(step, stack_pressure=4.0), contact=law))
    assert (lost.engine.outcome, kept.engine.outcome) == ("contact_lost", "completed")
    assert kept.column("contact_counter").min() > 0.45  # 1 - 10/20
    assert pressures(kept)[0] == 4.0


def test_run_goes_on_within_a_ramp_on_a_spring() -> None:
    """And under a held voltage, where the charge of a step is not known beforehand."""
    hold = ProtocolStep(ConstantVoltage(0.02, 9.0), duration=40.0, stack_pressure=5.0, pressure_ramp=30.0)
    model = cell(constant(4.0, 40.0), hold, loads=held(Spring(50.0)))
    whole = run(model)
    first = CohesiveEngine(problem(model))
    for report in first.run():
        if report.protocol_step == 1 and report.state.time > 20.0:
            break
    second = CohesiveEngine.resumed(problem(model), json.loads(json.dumps(first.restart_values())), first.arrays())
    rest = list(second.run())
    assert len(rest) == len(whole.reports) - report.number
    for ours, theirs in zip(rest, whole.reports[report.number :], strict=True):
        assert ours.state.stack_pressure == pytest.approx(theirs.state.stack_pressure, rel=1e-10)
        assert ours.state.charge == pytest.approx(theirs.state.charge, rel=1e-10)
    assert pressures(whole).max() > 5.0
