"""The surface residual, its derivative, Newton's method and the active sets."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.cohesive_problem import SurfaceProblem
from lifrac.solver.cohesive.unknowns import (
    COMPONENTS,
    COUNTER_CURRENT,
    CURRENT,
    LITHIUM_THICKNESS,
    OPENING,
    POTENTIAL,
    PRESSURE,
    State,
)
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import StepControl
from support.plane_cell import LITHIUM, LLZO, cell, constant, problem, run, surface

NAMES = ("opening", "pressure", "metal", "current", "counter current", "potential")
RICH = CohesiveModel(
    LLZO,
    Kinetics(51.0, 298.15, 0.4, 0.6, film_resistance=1.0e-4, contact_fraction=0.8),
    Kinetics(30.0, 298.15, 0.7, 0.3, film_resistance=2.0e-4, contact_fraction=0.9),
    Creep(7.7e-3, 6.56, linear_viscosity=1.0e3, size_length=0.5, size_exponent=1.0),
    Flaw(10.0, 0.02),
    Loads(1.0, lateral="free"),
    protocol=(constant(20.0, 100.0),),
)


# -- derivative ------------------------------------------------------------------------------------


def generic_state(p: SurfaceProblem, rng: np.random.Generator) -> np.ndarray:
    """Values away from the kinks: partly filled, cohesive zone loaded in part, flow everywhere."""
    n = p.surface.size
    y = p.surface.x[:, 1]
    v = np.zeros((n, COMPONENTS))
    v[:, OPENING] = 0.01 * np.exp(-y / 20.0) * (1.0 + 0.02 * rng.standard_normal(n))
    v[:, PRESSURE] = 60.0 * np.exp(-y / 15.0) * (1.0 + 0.02 * rng.standard_normal(n))
    v[:, LITHIUM_THICKNESS] = 0.7 * (p.crack.aperture + v[:, OPENING])
    v[:, CURRENT] = 20.0 + rng.standard_normal(n)
    v[:, COUNTER_CURRENT] = 25.0 + rng.standard_normal(n)
    v[:, POTENTIAL] = 0.02 + 1e-3 * rng.standard_normal(n)
    return v


@pytest.mark.parametrize("component", range(COMPONENTS), ids=NAMES)
def test_derivative_against_finite_differences(component: int) -> None:
    rng = np.random.default_rng(component)
    p = problem(RICH)
    v = generic_state(p, rng)
    # Every other node of the cohesive zone has been open further than it is now.
    max_opening = v[:, OPENING] * np.where(np.arange(len(v)) % 2, 1.3, 0.8)
    p.local.begin_step(0.9 * v, max_opening, np.ones(len(v)))
    p.local.evaluate(v, 0.07, 0.5)
    rows, cols, blocks = p.local.linearise()
    blocks = blocks.copy()
    size = np.abs(v[:, component]).max()
    for _ in range(3):
        d = np.zeros_like(v)
        d[:, component] = rng.standard_normal(len(v)) * np.maximum(np.abs(v[:, component]), 1e-3 * size)
        product = np.zeros_like(v)
        np.add.at(product, rows, np.einsum("kij,kj->ki", blocks, d[cols]))
        ahead, behind = (p.local.evaluate(v + e * d, 0.07, 0.5) for e in (1e-5, -1e-5))
        difference = (ahead - behind) / 2e-5
        for equation in range(COMPONENTS):
            scale = np.abs(difference[:, equation]).max()
            assert np.abs(product[:, equation]).max() == pytest.approx(scale, rel=1e-5, abs=1e-12)
            if scale > 0.0:
                assert np.abs(product - difference)[:, equation].max() < 1e-6 * scale


# -- convergence -----------------------------------------------------------------------------------


def test_newton_converges_quadratically_on_a_smooth_step() -> None:
    model = cell(constant(20.0, 100.0), control=StepControl(newton_tolerance=1e-13))
    engine = CohesiveEngine(problem(model))
    history = engine.problem.solve(engine.state, 0.5, ConstantCurrent(20.0)).history[1:]
    tail = [(a, b) for a, b in pairwise(history) if 1e-6 < a < 0.1]
    assert len(tail) >= 1
    for before, after in tail:
        assert after < before**2 + 1e-13


def test_an_impossible_tolerance_is_a_named_failure() -> None:
    model = cell(constant(20.0, 100.0), control=StepControl(newton_tolerance=1e-30, max_newton=5))
    p = problem(model)
    state = State(
        np.zeros((p.surface.size, COMPONENTS)), np.zeros(p.surface.size), stack_pressure=p.model.loads.stack_pressure
    )
    with pytest.raises(NumericalFailure, match="no convergence after 5 iterations"):
        p.solve(state, 0.5, ConstantCurrent(20.0))


def test_the_guess_does_not_matter() -> None:
    engine = CohesiveEngine(problem(cell(constant(20.0, 100.0))))
    plain = engine.problem.solve(engine.state, 0.5, ConstantCurrent(20.0))
    guess = plain.values * (1.0 + 0.05 * np.sin(np.arange(len(plain.values))))[:, None]
    other = engine.problem.solve(engine.state, 0.5, ConstantCurrent(20.0), guess)
    for k in range(COMPONENTS):
        size = np.abs(plain.values[:, k]).max()
        assert np.abs(other.values - plain.values)[:, k].max() < 1e-7 * size
    assert other.voltage == pytest.approx(plain.voltage, rel=1e-9)


# -- active sets -----------------------------------------------------------------------------------


def empty(p: SurfaceProblem) -> State:
    return State(
        np.zeros((p.surface.size, COMPONENTS)), np.zeros(p.surface.size), stack_pressure=p.model.loads.stack_pressure
    )


def test_a_dry_crack_under_lateral_compression_closes_without_interpenetration() -> None:
    flaw = Flaw(10.0, 0.02, filling=0.0, mouth="closed")
    p = problem(cell(constant(20.0, 100.0), flaw=flaw, loads=Loads(0.0, "free", -300.0)))
    result = p.solve(empty(p), 1.0e3, ConstantCurrent(0.0))
    crack = surface().crack
    aperture = (p.crack.aperture + result.values[:, OPENING])[crack]
    inside = p.crack.floor[crack] < 0.0
    force = result.residual[crack, OPENING]
    assert aperture.min() >= -1e-15
    touching = inside & (aperture < 1e-12)
    assert 0 < touching.sum() < inside.sum()
    assert force[touching].min() > 0.0
    apart = inside & ~touching
    assert np.abs(force[apart]).max() < 1e-8 * force[touching].max()
    # The compressed path ahead holds together: closed, pressed.
    assert np.abs(result.values[crack[~inside], OPENING]).max() < 1e-12


def test_without_compression_the_same_crack_stays_open() -> None:
    flaw = Flaw(10.0, 0.02, filling=0.0, mouth="closed")
    p = problem(cell(constant(20.0, 100.0), flaw=flaw, loads=Loads(0.0, lateral="free")))
    result = p.solve(empty(p), 1.0e3, ConstantCurrent(0.0))
    assert np.abs(result.values[surface().crack, OPENING]).max() < 1e-12


def test_half_filled_flaw_is_full_at_the_front_and_dry_behind() -> None:
    flaw = Flaw(10.0, 0.02, filling=0.5, mouth="closed")
    model = cell(constant(20.0, 2000.0), flaw=flaw)
    engine = CohesiveEngine(problem(model))
    p, seen = engine.problem, set()
    for report in engine.run():
        v = report.state.values[p.surface.crack]
        aperture = p.crack.aperture[p.surface.crack] + v[:, OPENING]
        missing, pressure = aperture - v[:, LITHIUM_THICKNESS], v[:, PRESSURE]
        assert missing.min() > -1e-10 * p.scales.length
        assert pressure.min() > -1e-10 * p.scales.pressure
        assert np.minimum(missing / p.scales.length, pressure / p.scales.pressure).max() < 1e-9
        inside = p.crack.floor[p.surface.crack] < 0.0
        full = pressure[inside] > 0.0
        seen.add("dry" if not full.any() else "full" if full.all() else "both")
    assert {"dry", "full"} <= seen


def test_lithium_does_not_hold_tension() -> None:
    """Lateral tension opens a full flaw: metal thins out (h < w) instead of pulling the faces together."""
    flaw = Flaw(10.0, 0.02, mouth="closed")
    p = problem(cell(constant(20.0, 100.0), flaw=flaw, loads=Loads(0.0, "free", 20.0)))
    start = empty(p)
    start.values[:, LITHIUM_THICKNESS] = p.crack.aperture
    result = p.solve(start, 1.0e-3, ConstantCurrent(0.0))
    crack = surface().crack
    assert result.values[crack, PRESSURE].max() == 0.0
    inside = p.crack.floor[crack] < 0.0
    gap = (p.crack.aperture + result.values[:, OPENING] - result.values[:, LITHIUM_THICKNESS])[crack][inside]
    assert gap.min() > 0.0


def test_fixed_aperture_leaves_the_flow_of_the_initial_slot() -> None:
    """The flaw opens by about 1 %: flow through the initial aperture takes about (n+2)/n % more pressure."""
    moving, fixed = (
        run(cell(constant(20.0, 400.0), flaw=Flaw(10.0, 0.5), creep=replace(LITHIUM, fixed_aperture=flag)))
        for flag in (False, True)
    )
    assert fixed.engine.measures.mouth_opening > 0.504  # it does open
    ratio = fixed.engine.measures.max_lithium_pressure / moving.engine.measures.max_lithium_pressure
    assert 1.005 < ratio < 1.02
