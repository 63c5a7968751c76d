"""Held voltage and changing stack pressure with a diffuse crack: the same rules as in the plane engine."""

import json

import numpy as np
import pytest
from lifrac.solver.model.control import ConstantCurrent, ConstantVoltage
from lifrac.solver.model.loads import Loads, Spring
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseState
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.protocol.stepper import StepReport
from mpi4py import MPI
from support.diffuse_cell import LLZO, SIZE, adaptive_engine, engine, model, problem

COMM = MPI.COMM_SELF
Sprung = tuple[PhaseFieldEngine, list[StepReport[PhaseState]]]
LOW = 4.0
"""[A/m2], at which the flaw does not grow."""
SPRUNG = Loads(1.0, "free", -20.0, Spring(400.0))
HOLD = ProtocolStep(ConstantVoltage(0.02, 9.3), capacity=20.0, stack_pressure=6.0, pressure_ramp=2.0)
PLATE = ProtocolStep(ConstantCurrent(LOW), capacity=60.0)


@pytest.fixture(scope="module")
def sprung() -> Sprung:
    """Plating on a spring, then a held voltage while the pressure is raised."""
    cell = engine(COMM, model(PLATE, HOLD, loads=SPRUNG))
    return cell, list(cell.run())


def test_pressure_on_a_spring_by_hand(sprung: Sprung) -> None:
    """P = 1 MPa + (plated - in the flaw)/(1/k + L (1 - nu^2)/E); both halves of the model share the flaw."""
    cell, reports = sprung
    stiffness = 1.0 / (1.0 / 400.0 + SIZE * (1.0 - LLZO.poisson_ratio**2) / LLZO.youngs_modulus)
    plated = [r for r in reports if r.protocol_step == 0]
    for r in plated:
        in_flaw = (r.measures.lithium_volume - r.state.initial_lithium) / (2.0 * cell.areas.anode)
        hand = 1.0 + stiffness * (surface_velocity_per_current() * r.state.charge - in_flaw)
        assert r.state.stack_pressure == pytest.approx(hand, rel=1e-3)
    assert plated[-1].state.stack_pressure > 3.0
    assert cell.problem.cell.stack_pressure == reports[-1].state.stack_pressure > 6.0


def test_what_flows_under_a_held_voltage(sprung: Sprung) -> None:
    _, reports = sprung
    held = [r for r in reports if r.protocol_step == 1]
    assert [r.state.cell_voltage for r in held] == pytest.approx([0.02] * len(held), rel=1e-9)
    assert sum(r.current_density * r.dt for r in held) == pytest.approx(20.0, rel=2e-3)
    assert max(r.measures.charge_balance_error for r in reports) < 1e-8
    assert max(r.measures.lithium_balance_error for r in reports) < 1e-8
    assert max(r.measures.energy_balance_error for r in reports) < 2e-2


def test_the_intact_body_is_the_one_that_is_assembled_at_that_pressure() -> None:
    """Linear in the stack pressure, beside a lateral stress."""
    raised = problem(COMM, model(PLATE, loads=SPRUNG)).cell
    raised.press(6.0)
    there = problem(COMM, model(PLATE, loads=Loads(6.0, "free", -20.0))).cell
    assert not there.intact_parts
    size = np.abs(there.intact.x.array).max()
    assert np.abs(raised.intact.x.array - there.intact.x.array).max() < 1e-9 * size
    assert raised.fill.prescribed_pressure == pytest.approx(there.fill.prescribed_pressure)


def test_run_goes_on_within_a_ramp_under_a_held_voltage(sprung: Sprung) -> None:
    _, reports = sprung
    first = engine(COMM, model(PLATE, HOLD, loads=SPRUNG))
    for report in first.run():
        if report.protocol_step == 1:
            break
    kept = json.loads(json.dumps(first.restart_values()))
    second = PhaseFieldEngine.resumed(COMM, first.model, kept, first.arrays())
    rest = list(second.run())
    assert len(rest) == len(reports) - report.number
    for ours, theirs in zip(rest, reports[report.number :], strict=True):
        assert ours.state.stack_pressure == pytest.approx(theirs.state.stack_pressure, rel=1e-6)
        assert ours.current_density == pytest.approx(theirs.current_density, rel=1e-6)


def test_the_pressure_goes_along_to_a_finer_mesh() -> None:
    """The stress of the intact body, uniform here, is that of the pressure that acts, on every mesh."""
    cell = adaptive_engine(COMM, protocol=(ProtocolStep(ConstantCurrent(80.0), 600.0),), loads=SPRUNG)
    nodes = len(cell.diagnostics.x)
    for _ in cell.run():
        if len(cell.diagnostics.x) > nodes:
            break
    assert len(cell.diagnostics.x) > nodes
    pressure = cell.state.stack_pressure
    assert pressure > 2.0
    at_state = cell.at_state().cell
    strain = -pressure * (1.0 - LLZO.poisson_ratio**2) / LLZO.youngs_modulus  # along y, and what -20 MPa across adds
    strain += 20.0 * LLZO.poisson_ratio * (1.0 + LLZO.poisson_ratio) / LLZO.youngs_modulus
    intact = at_state.intact.x.array.reshape(-1, 2)[:, 1]
    assert intact == pytest.approx(strain * (cell.diagnostics.x[:, 1] - SIZE), rel=1e-6, abs=1e-12)
