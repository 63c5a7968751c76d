"""Current density is per area of the anode, however large the counter electrode is: both engines, 2D and 3D."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.cohesive_problem import SurfaceProblem
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import ContactLaw, Kinetics
from lifrac.solver.model.loads import Loads
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseFieldProblem
from lifrac.solver.physics.constants import thermal_voltage
from lifrac.solver.plane.bulk import Bulk
from lifrac.solver.plane.surface import gather_surface
from lifrac.solver.reference.full_field import solve_conduction, solve_elasticity
from mpi4py import MPI
from support.diffuse_cell import CELL, mesh_of
from support.diffuse_cell import model as diffuse
from support.narrow_electrodes import BLOCK, SLAB, body
from support.plane_cell import LLZO, cell, constant

COMM = MPI.COMM_SELF
J = 40.0
"""[A/m2]."""
RT_F = thermal_voltage(298.15)
FACES: dict[str, dict[str, float]] = {
    "whole": {},
    "half counter": {"counter": 20.0},
    "half anode": {"anode": 20.0},
    "unequal": {"anode": 28.0, "counter": 12.0},
}


def plane(tagged: TaggedMesh, model: CohesiveModel) -> CohesiveEngine:
    surface = gather_surface(tagged)
    bulk = Bulk(tagged, surface, LLZO.poisson_ratio, model.loads)
    return CohesiveEngine(SurfaceProblem(surface, bulk.response(), model))


def first_steps(engine: CohesiveEngine | PhaseFieldEngine, count: int = 2) -> None:
    """Some steps, each with the currents that it must have."""
    for report, _ in zip(engine.run(), range(count), strict=False):
        m, areas = report.measures, engine.areas
        assert m.anode_current_density == pytest.approx(report.current_density, rel=1.0e-8)
        assert m.counter_current_density * areas.counter == pytest.approx(
            report.current_density * areas.anode, rel=1.0e-8
        )
        assert m.charge_balance_error < 1.0e-10
    state = engine.state
    assert state.charge_in == pytest.approx(state.charge * engine.areas.anode, rel=1.0e-9)


@pytest.mark.parametrize("name", FACES)
def test_plane_engine(name: str) -> None:
    tagged = body(COMM, SLAB, **FACES[name])
    engine = plane(tagged, cell(constant(J, 100.0)))
    upto = {"anode": 40.0, "counter": 40.0} | FACES[name]
    areas = engine.areas
    assert (areas.anode, areas.counter) == pytest.approx((upto["anode"], upto["counter"]), abs=4.0)
    assert (tagged.report.anode_area, tagged.report.counter_area) == pytest.approx((areas.anode, areas.counter))
    first_steps(engine)
    again = CohesiveEngine.resumed(engine.problem, engine.restart_values(), engine.arrays())
    assert again.measures.counter_current_density == pytest.approx(engine.measures.counter_current_density, rel=1.0e-9)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("upto", [{"counter": 20.0}, {"anode": 20.0}])
def test_phase_field_engine(upto: dict[str, float], whole: bool) -> None:
    """The half model and the whole body: the same densities."""
    model = diffuse()
    if whole:
        model = replace(model, diffuse=replace(model.diffuse, cell_size=2.0 * CELL))
    engine = PhaseFieldEngine(PhaseFieldProblem(body(COMM, mesh_of(COMM, whole), **upto), model))
    areas = engine.areas
    narrow, wide = (areas.counter, areas.anode) if "counter" in upto else (areas.anode, areas.counter)
    assert wide == pytest.approx(40.0 * (2.0 if whole else 1.0))
    assert narrow == pytest.approx(0.5 * wide, rel=0.2)
    first_steps(engine, 1)
    again = PhaseFieldEngine.resumed(COMM, model, engine.restart_values(), engine.arrays())
    for name in ("anode_current_density", "counter_current_density", "charge_balance_error"):
        assert getattr(again.measures, name) == pytest.approx(getattr(engine.measures, name), rel=1.0e-9)


def test_block() -> None:
    engine = plane(body(COMM, BLOCK, counter=12.0), cell(constant(J, 100.0), flaw=Flaw(8.0, 0.02)))
    assert engine.areas.anode == pytest.approx(24.0**2)
    assert engine.areas.counter < 0.7 * engine.areas.anode
    first_steps(engine)


def strain_free(**changes: Any) -> Kinetics:
    """Metal that takes no volume: conduction alone."""
    return Kinetics(51.0, 298.15, 0.4, 0.6, film_resistance=1.0e-4, molar_volume=1.0e-14, **changes)


@pytest.mark.parametrize("name", FACES)
def test_voltage_is_that_of_the_full_field(name: str) -> None:
    tagged, face = body(COMM, SLAB, **FACES[name]), strain_free()
    engine = plane(
        tagged, replace(cell(constant(J, 100.0), loads=Loads(0.0, lateral="free")), anode=face, counter=face)
    )
    voltage = engine.problem.solve(engine.state, 1.0, ConstantCurrent(J)).voltage
    found = solve_conduction(tagged, LLZO.conductivity, face, face, J, flaw_length=10.0)
    assert found.cell_voltage == pytest.approx(voltage, rel=1.0e-9)
    assert found.flaw_current == pytest.approx(engine.diagnostics.currents()[0], rel=1.0e-8)


@pytest.mark.parametrize("name", FACES)
def test_voltage_of_a_good_conductor_is_that_of_its_faces(name: str) -> None:
    """The anode sees J, the counter electrode what is left of it by the ratio of the areas."""
    tagged = body(COMM, SLAB, **FACES[name])
    ratio = tagged.report.anode_area / tagged.report.counter_area
    slow = Kinetics(1.0, 298.15)
    found = solve_conduction(tagged, 10.0 * LLZO.conductivity, slow, slow, 1.0)
    faces = [2.0 * RT_F * np.arcsinh(0.5 * j) for j in (1.0, ratio)]
    assert found.cell_voltage == pytest.approx(sum(faces), rel=4.0e-3)


def test_stripped_face_of_half_the_width_loses_contact_twice_as_fast() -> None:
    """Per area of that face: as one of the whole width does at twice the current."""
    law = ContactLaw(void_height=1.0, reference_current=5.0)
    conductor = replace(LLZO, conductivity=1.0e4 * LLZO.conductivity)
    left = {}
    for name in ("whole", "half counter"):
        tagged = body(COMM, SLAB, **FACES[name])
        at = 2.0 * J * tagged.report.counter_area / tagged.report.anode_area
        engine = plane(tagged, replace(cell(constant(at, 1.0e4)), electrolyte=conductor, contact=law))
        trial = engine.problem.solve(engine.state, 5.0, ConstantCurrent(at))
        after = engine.problem.laws_after(engine.state, trial.values, 5.0, engine.state.stack_pressure, lambda: 0.0)
        left[name] = engine.laws.outputs(after)["contact_counter"]
    assert left["whole"] < 0.99
    assert left["half counter"] == pytest.approx(left["whole"], abs=1.0e-4)


@pytest.mark.parametrize("geometry", [SLAB, BLOCK])
def test_sides_are_what_rollers_and_stress_act_on(geometry: Any) -> None:
    """Uniform strain whatever of the faces is bare: lateral stress acts at x = W only, and so do rollers."""
    tagged = body(COMM, geometry, anode=20.0, counter=12.0)
    loads = Loads(0.0, "free", 7.0)
    u = solve_elasticity(tagged, LLZO, loads)
    dim = tagged.mesh.geometry.dim
    x, nu, e = u.function_space.tabulate_dof_coordinates(), LLZO.poisson_ratio, LLZO.youngs_modulus
    expected = np.zeros((len(x), dim))
    expected[:, 0] = 7.0 * (1 - nu**2) / e * x[:, 0]
    expected[:, 1] = -7.0 * nu * (1 + nu) / e * (x[:, 1] - geometry.thickness)
    assert np.abs(u.x.array.reshape(-1, dim) - expected).max() < 1.0e-9 * np.abs(expected).max()
    free = [solve_elasticity(tagged, LLZO, Loads(5.0, lateral)) for lateral in ("free", "die")]  # type: ignore[arg-type]
    part = (x[:, 0] > 0.6 * geometry.half_width) & (x[:, 0] < 0.9 * geometry.half_width)
    at_counter = (x[:, 1] == geometry.thickness) & part
    for found in free:
        assert np.abs(found.x.array.reshape(-1, dim)[at_counter, 0]).min() > 0.0
