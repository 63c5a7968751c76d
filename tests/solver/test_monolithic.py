"""The condensed and the full Newton system are the same linear algebra."""

import numpy as np
import pytest
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.cohesive_problem import SurfaceProblem
from lifrac.solver.cohesive.unknowns import OPENING
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.protocol import StepControl
from lifrac.solver.plane.body import PlaneBody
from lifrac.solver.reference.monolithic_step import MonolithicSystem
from lifrac.verification.support.plane_runs import LLZO, condensed, edge_flaw, llzo_cell


@pytest.fixture(scope="module", name="body")
def small_body() -> PlaneBody:
    return condensed(edge_flaw(60.0, 4.0, 0.4), LLZO.poisson_ratio)


def both(body: PlaneBody) -> tuple[SurfaceProblem, SurfaceProblem]:
    model = CohesiveModel(**vars(llzo_cell(StepControl())))
    full = MonolithicSystem(body.bulk, LLZO.youngs_modulus, LLZO.conductivity)
    return (
        SurfaceProblem(body.surface, body.response, model),
        SurfaceProblem(body.surface, body.response, model, system=full),
    )


def test_force_and_potential_defect(body: PlaneBody) -> None:
    """For arbitrary openings, and for currents whose sum is not zero."""
    one, two = both(body)
    rng = np.random.default_rng(1)
    opening = rng.random(len(body.surface.crack))
    force = one.system.elastic_force(opening)
    np.testing.assert_allclose(two.system.elastic_force(opening), force, atol=1e-9 * np.abs(force).max())
    values, leaving = rng.random((body.surface.size, 6)), rng.random(body.surface.size)
    defect = one.system.potential_defect(values, leaving)
    assert two.system.potential_defect(values, leaving) == pytest.approx(defect, rel=1e-9)


def test_one_step_from_a_growing_crack(body: PlaneBody) -> None:
    """The same iterations to the same state, every field."""
    one, two = both(body)
    engine = CohesiveEngine(one)
    for report in engine.run():
        if report.measures.crack_length > 22.0:
            break
    assert report.state.values[:, OPENING].max() > 0.0
    a = one.solve(report.state, report.dt, ConstantCurrent(40.0))
    b = two.solve(report.state, report.dt, ConstantCurrent(40.0))
    assert a.iterations == b.iterations > 2
    scale = np.abs(a.values).max(axis=0)
    assert (np.abs(a.values - b.values).max(axis=0) / scale).max() < 1e-8
    assert b.voltage == pytest.approx(a.voltage, rel=1e-8)
