"""Compliance and stress intensity of a crack with a sharp front."""

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.solver.front.compliance import CrackCompliance
from lifrac.solver.front.loads import PlaneStress
from lifrac.solver.front.weights import TipWeights, WeightFunction
from lifrac.solver.model.loads import Loads
from lifrac.solver.plane.body import PlaneBody, condense
from lifrac.verification.support import edge_crack
from mpi4py import MPI

NU = 0.26


@pytest.fixture(scope="module")
def body() -> PlaneBody:
    """A body of 40 crack lengths, 16 cells per length, between rollers far away."""
    geometry = SlabEdgeFlaw(
        thickness=400.0,
        half_width=400.0,
        flaw_length=10.0,
        crack_size=0.625,
        far_size=40.0,
        growth=0.08,
        refine=((0.0, 15.0, 0.625),),
        path_growth=0.1,
    )
    return condense(build(geometry, MPI.COMM_SELF), NU, Loads(2.0, lateral="die"))


@pytest.fixture(scope="module")
def crack(body: PlaneBody) -> CrackCompliance:
    """The crack of that body."""
    return CrackCompliance.of_body(body)


def test_one_factor_gives_every_compliance(body: PlaneBody, crack: CrackCompliance) -> None:
    """Leading blocks are the compliances of shorter cracks, for E' = 1."""
    order = np.argsort(body.surface.x[body.surface.crack, 1])
    for n in (3, 10, 40):
        block = body.response.stiffness[np.ix_(order[:n], order[:n])]
        exact = 2.0 * np.linalg.inv(block) / (1.0 - NU**2)
        found = crack.at(crack.tips[n]).compliance[:n, :n]
        assert found == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_energy_is_released_along_the_way(crack: CrackCompliance) -> None:
    """The compliance between two tips is linear in the tip, and G the energy released over it."""
    a, b = crack.tips[12], crack.tips[13]
    force = np.ones(13)
    energy = [0.5 * force[: c.size] @ c.compliance @ force[: c.size] for c in map(crack.at, (a, 0.5 * (a + b)))]
    row = crack.inverse_factor[12, :13] @ force
    assert energy[1] - energy[0] == pytest.approx(0.25 * row**2, rel=1e-9)


@pytest.mark.parametrize("tip", [9.7, 10.0, 10.41])
@pytest.mark.parametrize("ratio", [0.4, 0.8, 1.0])
def test_stress_intensity_of_partial_pressure(crack: CrackCompliance, tip: float, ratio: float) -> None:
    """Loads and tips anywhere, 16 cells."""
    found = WeightFunction(crack).at(tip).intensity(np.array([0.0, ratio * tip]), np.ones(2))
    assert found == pytest.approx(np.sqrt(np.pi * tip) * edge_crack.partial_factor(ratio), rel=8e-3)


def test_opening_up_to_a_node(crack: CrackCompliance) -> None:
    """Mouth, volume, and the opening three cells behind the tip."""
    opened = crack.at(10.0)
    force = crack.area[: opened.size].copy()
    force[-1] = 0.5 * crack.cells[opened.size - 2]
    w = opened.compliance @ force
    n = opened.size - 4
    assert w[0] / 10.0 == pytest.approx(edge_crack.opening(0.0), rel=1e-2)
    assert force @ w / 100.0 == pytest.approx(edge_crack.volume(), rel=1.5e-2)
    assert w[n] / 10.0 == pytest.approx(edge_crack.opening(crack.y[n] / 10.0), rel=3e-2)


def test_integrals_are_exact_for_linear_pressure_and_shape() -> None:
    """K of p = y on a weight function with g = 1 + (a - y), and of the same load in parts that end between points."""
    points = np.array([0.0, 0.3, 0.7, 1.0])
    weights = TipWeights(points, 2.0 - points)
    exact = np.sqrt(2.0 / np.pi) * (2.0 + 2.0 / 3.0 - 2.0 / 3.0 - 2.0 / 5.0)  # int (1 - s)(1 + s) s^-1/2 ds
    assert weights.coefficients @ points == pytest.approx(exact, rel=1e-12)
    parts = [weights.intensity(np.array(p), np.array(p)) for p in ([0.0, 0.45], [0.45, 0.7], [0.7, 1.0])]
    assert sum(parts) == pytest.approx(exact, rel=1e-12)
    step = weights.intensity(np.array([0.0, 0.5, 0.5, 1.0]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert step == pytest.approx(weights.intensity(np.array([0.0, 0.5]), np.ones(2)), rel=1e-12)


def test_held_sides_press_with_their_share_of_the_stack_pressure(body: PlaneBody) -> None:
    """-nu/(1 - nu) P at every node."""
    assert PlaneStress.of_body(body).under(body.bulk.loads) == pytest.approx(-2.0 * NU / (1.0 - NU), rel=1e-9)


def test_refusals(crack: CrackCompliance) -> None:
    """Tips beyond the nodes, and a body that nothing holds."""
    with pytest.raises(ValueError, match="the tip must lie between"):
        crack.at(1000.0)
    with pytest.raises(ValueError, match="no two rows"):
        WeightFunction(crack).at(0.0)
    with pytest.raises(NumericalFailure, match="not held"):
        CrackCompliance(np.arange(4.0), np.zeros((4, 4)))
