"""The threshold current of a flaw as an equilibrium."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from lifrac.errors import InputError, NumericalFailure
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.solver.front.body import FrontBody
from lifrac.solver.front.budget import FLOW, OHMIC, toughness_budget
from lifrac.solver.front.closed_form import threshold_formula
from lifrac.solver.front.dense import DenseProblem, ScaledMatrix
from lifrac.solver.front.equilibrium import Equilibrium, FlawGeometry
from lifrac.solver.front.faces import FaceNumbers
from lifrac.solver.front.flow import cell_flow
from lifrac.solver.front.sensitivity import Adjoint, length_sensitivity, sensitivities, with_number
from lifrac.solver.front.threshold import NoThreshold, Solution, find_threshold, flaw_geometry
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import AssistedCracking
from lifrac.solver.model.interface import ContactLaw, Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.numerics.newton import Convergence, Newton
from lifrac.solver.physics.kinetics import MarcusHushChidsey
from lifrac.solver.plane.body import condense
from mpi4py import MPI
from support.plane_cell import FACE, LITHIUM, LLZO

CELL = CellModel(LLZO, FACE, FACE, LITHIUM, Flaw(10.0, 0.02), Loads(1.0, lateral="free"))


@pytest.fixture(scope="module")
def geometry() -> FlawGeometry:
    """A flaw of 10 um with 16 cells in 60 um."""
    slab = SlabEdgeFlaw(
        thickness=60.0,
        half_width=60.0,
        flaw_length=10.0,
        crack_size=0.625,
        far_size=6.0,
        refine=((0.0, 13.0, 0.625), (0.0, 0.2, 0.1)),
        path_growth=0.1,
    )
    body = FrontBody(condense(build(slab, MPI.COMM_SELF), LLZO.poisson_ratio), reach=15.0)
    return flaw_geometry(body, 10.0)


@pytest.fixture(scope="module")
def solution(geometry: FlawGeometry) -> Solution:
    """Its threshold."""
    return find_threshold(geometry, CELL)


def test_threshold_beside_the_closed_form(solution: Solution) -> None:
    """Half-plane formula; the finite body takes some of it, and lithium that flows out adds more."""
    assert solution.current_density == pytest.approx(threshold_formula(CELL), rel=0.1)
    assert solution.equilibrium.intensity(solution.fields.pressure) == pytest.approx(LLZO.fracture_toughness, rel=1e-9)


def test_closed_mouth_holds_lithium_at_its_blocking_pressure(geometry: FlawGeometry) -> None:
    """No flow and no plating: the pressure is that of the potential, and nothing flows."""
    closed = replace(CELL, flaw=replace(CELL.flaw, mouth="closed"))
    found = find_threshold(geometry, closed)
    assert found.current_density == pytest.approx(found.equilibrium.current_scale, rel=1e-3)
    assert np.abs(found.fields.current).max() < 1e-3 * found.current_density
    assert toughness_budget(found)[FLOW] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(
    "model",
    [
        CELL,
        replace(CELL, flaw=replace(CELL.flaw, mouth="closed")),
        replace(
            CELL, creep=Creep(7.7e-3, 6.56, linear_viscosity=1.0, stress_cap=5.0, size_length=0.1, size_exponent=1.0)
        ),
        replace(CELL, anode=replace(FACE, law=MarcusHushChidsey(3.0e4), film_resistance=1e-4)),
        replace(CELL, assisted=AssistedCracking(0.1), creep=Creep(7.7e2, 6.56)),
    ],
)
def test_derivative_of_the_residual(geometry: FlawGeometry, model: CellModel) -> None:
    """The matrix of Newton's method against differences, column by column, away from a solution."""
    start = find_threshold(geometry, model).fields
    rng = np.random.default_rng(1)
    x = start.packed()
    x = x * (1.0 + 0.02 * rng.random(len(x)))
    equations = Equilibrium(geometry, model, 20.0)
    exact = equations.jacobian(x)
    floors = (10.0, 1.0, 1.0, 1.0, 0.01, 0.01, 1.0)  # MPa, A/m2, V
    step = 1e-6 * np.maximum(np.abs(x), np.repeat(floors, geometry.counts))
    found = np.empty_like(exact)
    for k, h in enumerate(step):
        e = np.zeros_like(x)
        e[k] = h
        found[:, k] = (equations.residual(x + e) - equations.residual(x - e)) / (2.0 * h)
    scale = np.abs(exact).max(axis=0)
    assert np.abs((found - exact) / scale).max() < 1e-4


def test_derivatives_of_the_threshold(solution: Solution) -> None:
    """Adjoint against differences of solutions; the order is by effect; absent numbers are left out."""
    found = {entry.name: entry for entry in sensitivities(solution)}
    for name in ("electrolyte.conductivity", "anode.exchange_current", "creep.exponent", "loads.stack_pressure"):
        step = 1e-4 * found[name].value
        ends = [find_threshold(solution.equilibrium.geometry, with_number(CELL, name, found[name].value + way * step),
                               solution).current_density for way in (-1.0, 1.0)]  # fmt: skip
        assert (ends[1] - ends[0]) / (2.0 * step) == pytest.approx(found[name].derivative, rel=1e-6)
    # An exact relation: conductivity and exchange current scale all currents together, where nothing flows.
    together = found["electrolyte.conductivity"].logarithmic + found["anode.exchange_current"].logarithmic
    together += found["counter.exchange_current"].logarithmic + found["creep.prefactor"].logarithmic
    assert together == pytest.approx(1.0, rel=1e-6)
    assert "flaw.residual" not in found
    assert "loads.counter_volume" not in found
    sizes = [abs(entry.logarithmic) for entry in sensitivities(solution) if entry.value != 0.0]
    assert sizes == sorted(sizes, reverse=True)


def test_film_that_is_not_there_has_a_derivative(solution: Solution) -> None:
    """dJ/dR at R = 0 against a difference."""
    derivative = Adjoint(solution).by("anode.film_resistance")
    film = with_number(CELL, "anode.film_resistance", 1e-7)
    found = find_threshold(solution.equilibrium.geometry, film, solution)
    assert derivative == pytest.approx((found.current_density - solution.current_density) / 1e-7, rel=1e-3)


def test_longer_flaws_crack_at_less(solution: Solution) -> None:
    """The exponent of the length against thresholds of the nodes next to the tip."""
    found = length_sensitivity(solution)
    geometry = solution.equilibrium.geometry
    ends = [FlawGeometry(geometry.body, geometry.size - 1 + way) for way in (-1, 1)]
    currents = [find_threshold(end, with_number(CELL, "flaw.length", end.length)).current_density for end in ends]
    exponent = np.log(currents[1] / currents[0]) / np.log(ends[1].length / ends[0].length)
    assert -1.2 < found.logarithmic < -0.6
    assert found.logarithmic == pytest.approx(exponent, abs=0.05)


def test_parts_of_the_toughness_add_up(solution: Solution) -> None:
    """To one; the ohmic part grows as the conductivity falls."""
    parts = toughness_budget(solution)
    assert sum(parts.values()) == pytest.approx(1.0, abs=1e-12)
    poor = with_number(CELL, "electrolyte.conductivity", 0.2 * LLZO.conductivity)
    assert toughness_budget(find_threshold(solution.equilibrium.geometry, poor))[OHMIC] > 1.5 * parts[OHMIC]


@pytest.mark.parametrize("factor", [1e-6, 1e3, 1e6])
def test_continuation_finds_every_rate_of_flow(geometry: FlawGeometry, solution: Solution, factor: float) -> None:
    """The faster lithium flows, the more a flaw stands."""
    creep = replace(LITHIUM, prefactor=factor * LITHIUM.prefactor)
    found = find_threshold(geometry, replace(CELL, creep=creep)).current_density
    assert (found > solution.current_density) == (factor > 1.0)


def test_contact_laws_count(geometry: FlawGeometry, solution: Solution) -> None:
    """A face that touches to a part at this pressure carries more where it touches."""
    law = ContactLaw(1.0, 100.0, full_contact_pressure=4.0)  # (1/4)^0.5
    by_law = find_threshold(geometry, replace(CELL, contact=law))
    half = replace(FACE, contact_fraction=0.5)
    stated = find_threshold(geometry, replace(CELL, anode=half, counter=half))
    assert by_law.current_density == pytest.approx(stated.current_density, rel=1e-9)
    assert by_law.current_density < 0.8 * solution.current_density


def test_refusals(geometry: FlawGeometry) -> None:
    """Loads that crack the flaw, lithium that always leaves, a tip without a node, three dimensions."""
    with pytest.raises(NoThreshold, match="loads alone crack the flaw, whose K is 1") as caught:
        find_threshold(geometry, replace(CELL, loads=Loads(200.0, lateral="free")))
    assert 1.0 < caught.value.loads_ratio < 2.0
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.loads_ratio) == (NoThreshold, str(caught.value), caught.value.loads_ratio)
    with pytest.raises(NoThreshold, match="no threshold up to"):
        find_threshold(geometry, replace(CELL, flaw=Flaw(10.0, 5.0)))
    with pytest.raises(InputError, match="no node at the tip"):
        flaw_geometry(geometry.body, 9.7)
    block = HalfPennyBlock(thickness=4.0, half_width=4.0, breadth=4.0, flaw_length=1.0, crack_size=1.0, far_size=2.0)
    with pytest.raises(InputError, match="two dimensions"):
        FrontBody(condense(build(block, MPI.COMM_SELF), 0.3))


def test_flow_between_nodes_is_the_slot_law() -> None:
    """Linear flow through a slot, w^3/(12 eta), and the harmonic mean of the apertures."""
    creep = Creep(0.0, 1.0, linear_viscosity=2.0)
    flow = cell_flow(creep, np.array([1.0, 0.5]), np.array([3.0, 1.0]), np.array([4.0]))
    mean = 2.0 / 3.0
    assert flow.rate[0] == pytest.approx(mean**3 / 24.0 * 0.5, rel=1e-9)
    assert flow.by_gradient[0] == pytest.approx(mean**3 / 24.0, rel=1e-6)
    assert flow.by_left[0] == pytest.approx(3.0 * mean**2 / 24.0 * 0.5 * 2.0 / 9.0, rel=1e-6)


def test_slopes_of_charge_transfer() -> None:
    """Derivatives against differences, with a film."""
    face = FaceNumbers(Kinetics(50.0, 300.0, film_resistance=1e-4), np.ones(1))
    j, drop, excess = np.array([30.0]), np.array([0.02]), np.array([40.0])
    slopes = face.slopes(j, drop, excess)
    for slope, step in zip(slopes, ((1e-3, 0, 0), (0, 1e-6, 0), (0, 0, 1e-3)), strict=True):
        ends = [face.residual(j + way * step[0], drop + way * step[1], excess + way * step[2]) for way in (-1, 1)]
        assert slope == pytest.approx((ends[1] - ends[0]) / (2.0 * max(step)), rel=1e-6)


class Square:
    """x^2 = target."""

    def __init__(self, target: float) -> None:
        self.target = target

    def parts(self, x: np.ndarray) -> dict[str, np.ndarray]:
        return {"square": x**2 - self.target}

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return np.diag(2.0 * x)


def test_newton_on_a_dense_system() -> None:
    """A root in few iterations; an increment that is cut, and none that is finite."""
    newton = Newton("square", Convergence(1e-12, 12))
    problem = DenseProblem(Square(4.0), np.array([3.0]), lambda x, d: 1.0)
    assert newton.solve(problem).iterations <= 5
    assert problem.unknowns == pytest.approx([2.0], rel=1e-12)
    halved = DenseProblem(Square(4.0), np.array([3.0]), lambda x, d: 0.5)
    with pytest.raises(NumericalFailure, match="square"):
        newton.solve(halved)
    assert DenseProblem(Square(1.0), np.array([1.0]), lambda x, d: 1.0).limit(np.array([np.nan])) != 1.0


def test_scaled_solutions() -> None:
    """Badly scaled systems and their transposes."""
    matrix = np.array([[1e8, 2.0], [3e-3, 4e-9]])
    right = np.array([1.0, 2.0])
    exact = np.array([4e-9 * 1.0 - 2.0 * 2.0, 1e8 * 2.0 - 3e-3 * 1.0]) / (1e8 * 4e-9 - 2.0 * 3e-3)
    assert ScaledMatrix(matrix).solve(right) == pytest.approx(exact, rel=1e-12)
    assert matrix.T @ ScaledMatrix(matrix).solve_transposed(right) == pytest.approx(right, rel=1e-9)
