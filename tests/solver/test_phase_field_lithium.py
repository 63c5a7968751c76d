"""Lithium in a diffuse crack: balances, bounds, symmetry, what metal that flows or does not flow comes to."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from lifrac.errors import Interrupted
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.numerics.anderson import Anderson
from lifrac.solver.numerics.nodal import NodalRelation, values_of
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseFieldProblem, PhaseState
from lifrac.solver.physics.constants import pressure_per_volt
from lifrac.solver.physics.kinetics import ChargeTransfer
from lifrac.solver.protocol.stepper import StepReport
from mpi4py import MPI
from support.diffuse_cell import A0, CURRENT, LENGTH, engine, model, problem

from dolfinx import fem, mesh  # isort: skip
import ufl

Floats = np.ndarray
GROWN = 12.0
"""Crack length [um] at which runs are ended."""
BELOW_GROWTH = 10.0
"""[A/m2]."""


@cache
def grown() -> tuple[PhaseFieldEngine, list[StepReport[PhaseState]]]:
    """A run until the flaw has grown by two cells, and its steps."""
    cell = engine(MPI.COMM_SELF, model())
    reports = []
    for report in cell.run():
        reports.append(report)
        if report.measures.crack_length > GROWN:
            break
    return cell, reports


def test_charge_and_lithium_balance_in_every_step_of_a_growing_crack() -> None:
    _, reports = grown()
    assert reports[-1].measures.crack_length > GROWN
    assert max(r.measures.charge_balance_error for r in reports) < 1.0e-8
    assert max(r.measures.lithium_balance_error for r in reports) < 1.0e-8
    assert reports[-1].state.plated_in_flaw > 0.2


def test_bounds_hold_exactly() -> None:
    cell, reports = grown()
    before = np.zeros_like(reports[0].state.damage)
    for report in reports:
        state = report.state
        assert state.damage.min() >= 0.0
        assert state.damage.max() <= 1.0
        assert (state.damage >= before).all()
        assert state.pressure.min() >= 0.0
        before = state.damage
    assert cell.problem.fields.violation() == 0.0


def test_no_slice_of_the_crack_owes_metal_or_holds_more_than_fits() -> None:
    """Behind the tip; single nodes, and slices at the tip, may, where the crack moves along itself (docs/model.md)."""
    cell, reports = grown()
    problem = cell.problem
    for report in reports:
        problem.load(report.state)
        inner = problem.cell.band.open & (cell.diagnostics.x[:, 1] < report.measures.crack_tip - LENGTH)
        inner[problem.cell.fill.mouth] = False
        held = problem.cell.band.project(report.state.lithium_amount)
        space = problem.cell.band.project(problem.cell.volume.capacity() - report.state.lithium_amount)
        assert held[inner].min() > 0.0
        assert space[inner].min() > -0.01 * held.max()
    problem.load(cell.state)


def test_energy_is_accounted_for() -> None:
    """To what steps leave: the work of the pressure is that of the mean of both ends of a step."""
    _, reports = grown()
    assert reports[-1].measures.energy_balance_error < 0.01


def _stepped(whole: bool) -> tuple[PhaseFieldProblem, Floats]:
    """Growth in steps that are given: crack, metal, volume and voltage after each."""
    cell = problem(MPI.COMM_SELF, model(), whole)
    rows = []
    for dt in (0.1, 0.4, 0.8, 0.8, 0.4, 0.4):
        step = cell.solve(cell.state(), dt, ConstantCurrent(CURRENT))
        cell.lithium_amount = step.lithium_amount
        amounts = (step.lithium_amount, cell.cell.volume.capacity(), cell.fields.damage.x.array * cell.cell.node_volume)
        rows.append([cell.cell.voltage, *(cell.copies * cell.cell.total(a) for a in amounts)])
    return cell, np.array(rows)


def test_whole_body_is_symmetric_and_as_its_half() -> None:
    (_, half), (cell, whole) = _stepped(False), _stepped(True)
    assert half[-1, 3] > 1.05 * half[0, 3]  # the crack has grown
    # The direction of the crack is smoothed: its odd component is zero on x = 0 in the whole body, free in the half.
    assert np.abs(whole / half - 1.0).max() < 0.03
    x = cell.fields.damage.function_space.tabulate_dof_coordinates()[:, :2].round(9)
    order, mirrored = np.lexsort((x[:, 1], x[:, 0])), np.lexsort((x[:, 1], -x[:, 0]))
    assert np.abs(x[order] * [-1.0, 1.0] - x[mirrored]).max() < 1.0e-8
    state = cell.state()
    for values in (state.damage, state.pressure, state.lithium_amount):
        assert np.abs(values[order] - values[mirrored]).max() < 2.0e-3 * np.abs(values).max()


def _steady(creep: Creep, current: float) -> tuple[Floats, Floats]:
    """Pressure [MPa] of full nodes of a closed flaw after a long time at a current, and F phi/Omega + P there."""
    cell = problem(MPI.COMM_SELF, model(creep=creep, flaw=Flaw(A0, 0.02, mouth="closed")))
    for dt in (0.1, 1.0, 10.0, 100.0, 100.0):
        cell.lithium_amount = cell.solve(cell.state(), dt, ConstantCurrent(current)).lithium_amount
    y = cell.fields.damage.function_space.tabulate_dof_coordinates()[:, 1]
    pressure, potential = values_of(cell.cell.pressure), values_of(cell.cell.potential)
    full = (pressure > 0.0) & (y < A0)
    return pressure[full], model().loads.stack_pressure + potential[full] * pressure_per_volt()


def test_metal_that_does_not_flow_ends_at_the_pressure_of_the_overpotential() -> None:
    """To what the finite mobility across the band leaves: phi is not the same on the crack and beside it."""
    pressure, sustained = _steady(Creep(1.0e-30, 6.56), BELOW_GROWTH)
    assert np.ptp(sustained) > 0.2 * sustained.mean()
    assert np.abs(pressure / sustained - 1.0).max() < 0.05
    assert pressure.mean() == pytest.approx(sustained.mean(), rel=0.005)


def test_metal_that_flows_freely_has_one_pressure() -> None:
    """Between the least and the largest that the overpotential sustains: metal plates where that is, strips here."""
    pressure, sustained = _steady(Creep(1.0e-30, 6.56, linear_viscosity=1.0e-5), BELOW_GROWTH)
    assert np.ptp(pressure) < 5.0e-3 * pressure.mean()
    assert sustained.min() < pressure.mean() < sustained.max()


def test_anderson_solves_a_linear_problem_in_as_many_steps_as_unknowns() -> None:
    matrix = np.diag([0.9, -0.8, 0.5, 0.1]) + 0.05
    right, x = np.arange(1.0, 5.0), np.zeros(4)
    acceleration = Anderson(MPI.COMM_SELF, depth=6, damping=0.7)
    first = acceleration.propose(x, right - x + matrix @ x)
    assert np.allclose(first, 0.7 * right)
    x = first
    for _ in range(5):
        x = acceleration.propose(x, right - x + matrix @ x)
    assert np.abs(x - np.linalg.solve(np.eye(4) - matrix, right)).max() < 1.0e-6
    acceleration.restart()
    assert np.allclose(acceleration.propose(x, right), x + 0.7 * right)


@pytest.mark.parametrize("start", [0.0, 1.0e-8, -1.0e5, 1.0e7])
def test_butler_volmer_with_a_film_is_inverted_from_any_start(start: float) -> None:
    msh = mesh.create_unit_interval(MPI.COMM_SELF, 40)
    space = fem.functionspace(msh, ("Lagrange", 1))
    face = Kinetics(51.0, 298.15, alpha_a=0.3, alpha_c=0.7, film_resistance=1.0e-4)
    relation = NodalRelation(ChargeTransfer(face).residual, space, 2, ufl.Measure("dx", domain=msh))
    exact = np.concatenate([-np.geomspace(1.0e4, 1.0e-3, 20), [0.0], np.geomspace(1.0e-3, 1.0e4, 20)])
    eta = np.array([_overpotential(j, face) for j in exact])
    pressure = np.linspace(-200.0, 300.0, len(exact))
    drop = eta + face.film_resistance * exact + pressure / pressure_per_volt()
    relation.y.x.array[:] = start
    found, (by_drop, by_pressure) = relation.solve([drop, pressure])
    assert np.abs(found - exact).max() < 1.0e-12 * 51.0 * 1.0e5
    ahead, behind = (relation.solve([drop + s * 1.0e-6, pressure])[0] for s in (1.0, -1.0))
    assert np.allclose(by_drop, (ahead - behind) / 2.0e-6, rtol=1.0e-5)
    assert np.allclose(by_pressure, -by_drop / pressure_per_volt(), rtol=1.0e-9)


def _overpotential(current: float, face: Kinetics) -> float:
    """eta of a current by bisection [V]."""
    f = 96485.33212 / (8.314462618 * face.temperature)
    low, high = -1.0, 1.0
    for _ in range(200):
        eta = 0.5 * (low + high)
        j = face.exchange_current * (np.exp(face.alpha_a * f * eta) - np.exp(-face.alpha_c * f * eta))
        low, high = (eta, high) if j < current else (low, eta)
    return 0.5 * (low + high)


def test_film_and_spots_of_the_faces_show_in_the_voltage() -> None:
    """Constriction counts on the faces, not in the flaw (docs/model.md)."""
    plain, spots = (replace(model().anode, contact_fraction=0.1, spot_radius=radius) for radius in (0.0, 5.0))
    empty = Flaw(A0, 0.02, filling=0.0, mouth="closed")
    voltages = []
    for face in (plain, spots):
        cell = problem(MPI.COMM_SELF, model(anode=face, counter=face, flaw=empty, loads=Loads(lateral="free")))
        cell.solve(cell.state(), 1.0, ConstantCurrent(CURRENT))
        voltages.append(cell.cell.voltage)
    resistance = 0.25 * np.pi * 5.0 / 5.0e4 * (1.0 - np.sqrt(0.1)) ** 1.5
    assert voltages[1] - voltages[0] == pytest.approx(2.0 * resistance * CURRENT / 0.1, rel=0.02)


SIDEWAYS = -200.0
"""Lateral stress [MPa]."""


def pressed_sideways() -> PhaseFieldModel:
    diffuse = replace(model().diffuse, split="star_convex")
    return model(ProtocolStep(ConstantCurrent(200.0), 3.0e3), loads=Loads(1.0, "free", SIDEWAYS), diffuse=diffuse)


def test_a_full_flaw_carries_the_lateral_compression_at_the_aperture_it_has() -> None:
    """The exact solution of a flaw across the compression: p = |S|, and no opening; off by l near the tip (0.3 a0)."""
    cell = engine(MPI.COMM_SELF, pressed_sideways())
    assert cell.notes == []
    problem = cell.problem
    inner = problem.cell.band.open & (cell.diagnostics.x[:, 1] < A0 - LENGTH)
    assert np.abs(cell.state.pressure[inner] / -SIDEWAYS - 1.0).max() < 0.005
    inner[problem.cell.fill.mouth] = False
    held = problem.cell.volume.capacity()[inner].sum() / problem.cell.band.area[inner].sum()
    assert held == pytest.approx(problem.model.flaw.aperture, rel=0.03)  # falls faster than l (docs/model.md)
    assert cell.measures.crack_length == pytest.approx(A0, abs=0.02 * LENGTH)  # compression damages nothing


def test_pressures_stay_smooth_beside_an_open_mouth_under_lateral_compression() -> None:
    """Metal at |S| and more leaks out of a mouth at P; what does not leak carries the load of what has leaked.

    The pressure rises steeply, falls a little, and rises to the tip, as in the plane engine; nothing oscillates.
    """
    cell = engine(MPI.COMM_SELF, pressed_sideways())
    reports = [report for report, _ in zip(cell.run(), range(8), strict=False)]
    state, x = reports[-1].state, cell.diagnostics.x
    assert reports[-1].measures.lithium_balance_error < 1.0e-8
    assert state.extruded > 0.0
    on_crack = (np.abs(x[:, 0]) < 1.0e-9) & (x[:, 1] <= A0 + 1.0e-9)
    pressure = state.pressure[on_crack][np.argsort(x[on_crack, 1])]
    assert pressure[0] == 1.0
    assert pressure.max() > -1.5 * SIDEWAYS
    turns = np.count_nonzero(np.diff(np.sign(np.diff(pressure))))
    assert turns <= 2


def test_a_run_that_is_asked_to_stop_within_a_step_is_at_its_start() -> None:
    cell = engine(MPI.COMM_SELF, model())
    before = cell.state
    asked = iter([False, False, False])  # before the first try, and in two of its sweeps
    cell.interrupted = lambda: next(asked, True)
    with pytest.raises(Interrupted):
        list(cell.run())
    assert cell.state is before
    cell.at_state()
    assert (cell.problem.fields.damage.x.array == before.damage).all()
    assert (cell.problem.lithium_amount == before.lithium_amount).all()
