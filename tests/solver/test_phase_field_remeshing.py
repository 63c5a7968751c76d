"""A cell whose mesh follows the crack: what is carried, balances, the same answer as on a mesh that is fine."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.meshes.gather_mesh import gather
from lifrac.meshes.refinement import SizeDemand, refine
from lifrac.meshes.tagged import distribute
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.numerics.adaptive import Adaptive
from lifrac.solver.phase_field.adaptive_cell import LARGEST_CELL, AdaptiveCell
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseFieldProblem, PhaseState
from lifrac.solver.protocol.stepper import StepReport
from mpi4py import MPI
from support.diffuse_cell import A0, CELL, CURRENT, LENGTH, adaptive_engine, mesh_of, model

GROWN = 15.0
"""Crack length [um] at which runs are ended."""


def _until_grown(cell: PhaseFieldEngine) -> list[StepReport[PhaseState]]:
    reports = []
    for report in cell.run():
        reports.append(report)
        if report.measures.crack_length > GROWN:
            break
    return reports


@cache
def grown() -> tuple[PhaseFieldEngine, list[StepReport[PhaseState]]]:
    cell = adaptive_engine(MPI.COMM_SELF)
    return cell, _until_grown(cell)


def test_charge_and_lithium_balance_while_the_mesh_follows_the_crack() -> None:
    cell, reports = grown()
    nodes = [len(report.state.damage) for report in reports]
    assert cell.mesh.rounds >= 3
    assert nodes == sorted(nodes)
    assert nodes[-1] > 1.2 * nodes[0]
    assert max(r.measures.charge_balance_error for r in reports) < 1.0e-8
    assert max(r.measures.lithium_balance_error for r in reports) < 1.0e-12
    assert max(r.measures.energy_balance_error for r in reports) < 0.01
    assert cell.problem.fields.violation() == 0.0


def test_crack_that_follows_its_mesh_is_that_of_a_fine_one() -> None:
    """The same mesh, refined from the start about the whole way of the crack."""
    _, reports = grown()
    way = np.stack([np.zeros(41), np.arange(41.0)], axis=1)
    raw = gather(mesh_of(MPI.COMM_SELF, coarse=True))
    assert raw is not None
    refined = refine(raw, [SizeDemand(way, 3.0 * LENGTH, 3.0 * LENGTH, LARGEST_CELL * CELL)])
    assert refined is not None
    fine = PhaseFieldEngine(PhaseFieldProblem(distribute(MPI.COMM_SELF, refined.raw), model()))
    assert len(fine.state.damage) > 1.4 * len(reports[0].state.damage)
    runs = (reports, _until_grown(fine))
    charge = [np.array([r.state.charge for r in rows]) for rows in runs]
    at = np.linspace(0.2, 1.0, 9) * min(charge[0][-1], charge[1][-1])
    for name in ("crack_length", "lithium_volume", "flaw_volume"):
        values = [np.array([getattr(r.measures, name) for r in rows]) for rows in runs]
        one, other = (np.interp(at, c, v) for c, v in zip(charge, values, strict=True))
        assert np.abs(one / other - 1.0).max() < 0.01, name


def _moved(body: AdaptiveCell) -> list[SizeDemand]:
    """Fine cells in all of the lower half of the body."""
    return [SizeDemand(np.array([[0.0, 0.0]]), 16.0, 16.0, 0.5 * CELL)]


def _carried() -> tuple[AdaptiveCell, AdaptiveCell]:
    """A cell after two steps, and the same on a mesh twice as fine about flaw and tip."""
    body = adaptive_engine(MPI.COMM_SELF).mesh
    for dt in (0.1, 0.4, 0.8, 0.8):
        problem = body.problem.problem
        step = problem.solve(problem.state(), dt, ConstantCurrent(CURRENT))
        problem.lithium_amount = step.lithium_amount
        body.problem.start = problem.state()
    before = body.problem
    before.restore(before.start)
    body._demands = _moved  # type: ignore[assignment]
    with pytest.raises(NumericalFailure, match="as wanted"):
        body.step(_fails_on(body, before))
    return before, body.problem


def _fails_on(body: Adaptive[AdaptiveCell], before: AdaptiveCell) -> Callable[[AdaptiveCell], None]:
    def solve(now: AdaptiveCell) -> None:
        if now is not before:
            raise NumericalFailure("as wanted")

    return solve


def test_metal_and_volumes_are_carried_and_full_nodes_stay_full() -> None:
    before, after = _carried()
    old, new = before.problem, after.problem
    assert len(new.lithium_amount) > 1.5 * len(old.lithium_amount)
    total_before, total_after = (p.cell.total(p.lithium_amount) for p in (old, new))
    assert total_after == pytest.approx(total_before, rel=1.0e-13)
    initial = [p.cell.total(p.cell.volume.initial) for p in (old, new)]
    assert initial[1] == pytest.approx(initial[0], rel=1.0e-13)
    volumes = [
        p.cell.total(p.cell.volume.capacity() - p.cell.volume.raised + p.cell.volume.translated) for p in (old, new)
    ]
    assert volumes[1] == pytest.approx(volumes[0], rel=1.0e-12)
    pressed = new.cell.pressure.x.array > 0.0
    x = new.fields.damage.function_space.tabulate_dof_coordinates()
    # Behind the tip, off the mouth, and off the rim of the band, which metal does not enter.
    inner = pressed & (x[:, 1] > 1.0) & (x[:, 1] < A0 - LENGTH) & (x[:, 0] < 2.0 * LENGTH)
    assert inner.sum() > 50
    volume = new.cell.volume.capacity()
    assert np.abs(volume - new.lithium_amount)[inner].max() < 1.0e-9 * volume[inner].max()
    assert after.start.charge == before.start.charge
    assert after.start.cell_voltage == before.start.cell_voltage
    beside = ~new.cell.band.inside
    assert np.abs(old.cell.volume.raised - old.cell.volume.translated).max() > 0.0
    assert np.abs(new.cell.volume.raised[beside]).max() == np.abs(new.lithium_amount[beside]).max() == 0.0
    assert new.cell.aperture.x.array.max() < 2.0 * old.cell.aperture.x.array.max()
    areas = [float((p.cell.band.open_cells.x.array * _areas(p)).sum()) for p in (old, new)]
    assert areas[1] >= areas[0] * (1.0 - 1.0e-12)


def _areas(problem: PhaseFieldProblem) -> np.ndarray:
    """Return the areas of the cells [um2], in the order of cellwise dofs."""
    msh = problem.tagged.mesh
    corners = msh.geometry.x[msh.geometry.dofmaps[0]][..., :2]
    a, b = (corners[:, k] - corners[:, 0] for k in (1, 2))
    areas = np.empty(len(corners))
    dofs = problem.cell.band.open_cells.function_space.dofmap.list[:, 0]
    areas[dofs] = 0.5 * np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    return areas


def test_failed_step_leaves_the_state_on_the_finer_mesh() -> None:
    cell = adaptive_engine(MPI.COMM_SELF)
    nodes = len(cell.state.damage)
    with pytest.raises(NumericalFailure, match="as wanted"):
        cell._on_fine_mesh(_grows_then_fails(cell))
    assert len(cell.state.damage) > nodes
    assert len(cell.state.damage) == len(cell.problem.fields.damage.x.array)
    assert cell.diagnostics.problem is cell.problem
    for dt in (1.0e-7, 1.0e-3):  # however short: metal still finds its place across the band
        cell._on_fine_mesh(lambda problem, start, dt=dt: problem.solve(start, dt, ConstantCurrent(CURRENT)))  # type: ignore[misc]
    report = next(iter(cell.run()))
    assert report.measures.charge_balance_error < 1.0e-8
    assert report.measures.lithium_balance_error < 1.0e-12


def _grows_then_fails(cell: PhaseFieldEngine) -> Callable[[PhaseFieldProblem, PhaseState], None]:
    first = cell.problem

    def solve(problem: PhaseFieldProblem, start: PhaseState) -> None:
        if problem is not first:
            raise NumericalFailure("as wanted")
        y = problem.fields.damage.function_space.tabulate_dof_coordinates()[:, :2]
        crack = np.hypot(y[:, 0], np.maximum(y[:, 1] - 18.0, 0.0))
        problem.fields.damage.x.array[:] = np.maximum(start.damage, np.clip(1.0 - crack / LENGTH, 0.0, 1.0))

    return solve
