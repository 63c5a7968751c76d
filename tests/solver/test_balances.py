"""Conservation where it is easily lost: steps solved and thrown away, steps that plate more than a node holds."""

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.cohesive_problem import NewtonResult, SurfaceProblem
from lifrac.solver.cohesive.unknowns import LITHIUM_THICKNESS
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import Cohesion
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from lifrac.solver.physics.kinetics import PrescribedCurrent
from lifrac.solver.plane.body import PlaneBody
from lifrac.verification.support.plane_runs import LLZO, LLZO_FACE, condensed, edge_flaw, llzo_cell


@pytest.fixture(scope="module", name="body")
def small_body() -> PlaneBody:
    return condensed(edge_flaw(60.0, 4.0, 0.4), LLZO.poisson_ratio)


def test_balances_through_failed_steps(body: PlaneBody, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sixth step is solved, thrown away and reported as not converged."""
    problem = SurfaceProblem(body.surface, body.response, CohesiveModel(**vars(llzo_cell(StepControl()))))
    engine = CohesiveEngine(problem)
    solve, calls = problem.solve, 0

    def unreliable(*args: object) -> NewtonResult:
        nonlocal calls
        calls += 1
        result = solve(*args)  # type: ignore[arg-type]
        if calls % 6 == 0:
            raise NumericalFailure("thrown away")
        return result

    monkeypatch.setattr(problem, "solve", unreliable)
    errors = []
    for report in engine.run():
        errors.append((report.measures.charge_balance_error, report.measures.lithium_balance_error))
        if report.measures.crack_length > 25.0:
            break
    assert engine.counters.rejected >= 5
    assert np.max(errors) < 1e-8


def test_no_negative_metal_in_a_long_first_step(body: PlaneBody) -> None:
    """A step that plates more than the empty flaw holds fills it: there is no second solution with h < 0."""
    current, aperture = 10.0, 1.0e-4
    model = CohesiveModel(
        LLZO,
        LLZO_FACE,
        LLZO_FACE,
        Creep(7.7e-3, 6.56, linear_viscosity=1.0e-8),
        Flaw(20.0, aperture, mouth="closed"),
        cohesion=Cohesion(viscosity=0.0),
        control=StepControl(newton_tolerance=1.0e-8),
        protocol=(ProtocolStep(ConstantCurrent(current), duration=100.0),),
    )
    engine = CohesiveEngine(SurfaceProblem(body.surface, body.response, model, PrescribedCurrent(current)))
    for report in engine.run():
        assert report.state.values[:, LITHIUM_THICKNESS].min() >= -1e-9
        assert report.measures.lithium_volume == pytest.approx(report.measures.flaw_volume, rel=1e-6)
        if report.number == 5:
            break
