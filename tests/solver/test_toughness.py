"""Toughness that falls with the current: the law, the cohesive law under it, and the engine with it on."""

from dataclasses import replace

import numpy as np
import pytest
import ufl
from lifrac.solver.interfaces.laws import laws_of
from lifrac.solver.interfaces.toughness import AssistedToughness
from lifrac.solver.model.control import Rest
from lifrac.solver.model.fracture import AssistedCracking
from lifrac.solver.model.protocol import ProtocolStep, StopRules
from lifrac.solver.physics.cohesive import LinearSoftening
from support.plane_cell import HOUR, Run, cell, constant, problem, run

LAW = AssistedCracking(current_density=10.0)


# -- the law ---------------------------------------------------------------------------------------


def test_limits_of_the_law() -> None:
    law = AssistedToughness(LAW)
    assert law.factor(0.0) == law.factor(-50.0) == 1.0
    assert law.factor(1e-3) == pytest.approx(1.0, abs=1e-7)
    assert law.factor(10.0) == pytest.approx(0.53, rel=1e-12)  # half of what can be lost
    assert law.factor(1e30) == pytest.approx(0.06, rel=1e-12)
    assert law.factor(1e6) ** 0.5 == pytest.approx(0.25, abs=0.006)
    assert law.factor(30.0) == pytest.approx(0.06 + 0.94 / (1.0 + 3.0**2), rel=1e-12)
    assert AssistedToughness(replace(LAW, exponent=1.0)).factor(30.0) == pytest.approx(0.06 + 0.94 / 4.0, rel=1e-12)
    assert laws_of(cell()) == ()


def test_the_law_falls_monotonically() -> None:
    g = [AssistedToughness(LAW).factor(j) for j in np.geomspace(1e-2, 1e4, 200)]
    assert (np.diff(g) < 0.0).all()


# -- the cohesive law under it ---------------------------------------------------------------------

COHESION = LinearSoftening(np.array([200.0]), 6.0)
CRITICAL = 0.06


def traction(opening: float, max_opening: float, factor: float) -> float:
    parts = (ufl.as_ufl(x) for x in (opening, max_opening, 200.0, factor**0.5))
    return float(COHESION.weakened(*parts)(()))


@pytest.mark.parametrize("factor", [1.0, 0.5, 0.06])
def test_area_is_the_fracture_energy_that_is_left(factor: float) -> None:
    critical = CRITICAL * factor**0.5
    w = np.linspace(0.0, critical, 2001)
    t = [traction(x, x / factor**0.5, factor) for x in w]
    assert np.trapezoid(t, w) == pytest.approx(6.0 * factor, rel=1e-6)
    assert traction(1.001 * critical, 0.0, factor) == 0.0


def test_unloading_does_not_feel_the_current() -> None:
    """Below the loading surface the traction is s_c (1-d)/(d w_c) w at any factor, up to the surface."""
    max_opening, opening = 0.4 * CRITICAL, 0.05 * CRITICAL
    expected = 200.0 * (1.0 - 0.4) * opening / max_opening
    for factor in (1.0, 0.5, 0.06):
        assert traction(opening, max_opening, factor) == pytest.approx(expected, rel=1e-12)
        edge = max_opening * factor**0.5
        below, above = (
            traction(edge * (1 - 1e-9), max_opening, factor),
            traction(edge * (1 + 1e-9), max_opening, factor),
        )
        assert below == pytest.approx(above, rel=1e-6)
    assert traction(0.5 * max_opening, max_opening, 0.06) < 200.0 * 0.06**0.5 * 0.6  # beyond it: softened further


# -- the engine ------------------------------------------------------------------------------------

HIGH = 60.0
"""[A/m2]."""


def plated(law: AssistedCracking | None) -> Run:
    return run(cell(constant(HIGH, 0.2 * HOUR * HIGH), assisted=law, stop=StopRules(at_crack_through=True)))


@pytest.fixture(scope="module")
def without() -> Run:
    return plated(None)


@pytest.fixture(scope="module")
def weakened() -> Run:
    return plated(LAW)


def test_off_leaves_the_forms_alone() -> None:
    p = problem(cell(constant(HIGH, 1.0)))
    assert p.local.sqrt_toughness is None
    assert p.laws.laws == ()


def test_a_law_that_takes_nothing_changes_nothing(without: Run) -> None:
    nothing = plated(replace(LAW, residual_fraction=1.0))
    assert len(nothing.reports) == len(without.reports)
    for name in ("crack_length", "max_lithium_pressure", "energy_balance_error"):
        np.testing.assert_allclose(nothing.column(name), without.column(name), rtol=1e-7, atol=1e-12)
    assert (without.column("toughness_factor") == 1.0).all()


def test_a_weakened_electrolyte_breaks_earlier_under_less_pressure(without: Run, weakened: Run) -> None:
    for event in ("fracture", "crack_through"):
        charges = [r.engine.counters.first_events[event].charge for r in (without, weakened)]
        assert charges[1] < 0.7 * charges[0]
    assert weakened.column("max_lithium_pressure").max() < 0.8 * without.column("max_lithium_pressure").max()
    assert weakened.column("toughness_factor").min() < 0.2


def test_balances_hold_while_the_toughness_varies(weakened: Run) -> None:
    assert np.ptp(weakened.column("toughness_factor")) > 0.8
    assert weakened.column("charge_balance_error").max() < 1e-8
    assert weakened.column("lithium_balance_error").max() < 1e-8
    assert weakened.column("energy_balance_error")[-1] < 0.02
    left = weakened.reports[-1].state.work["toughness_reduction"]
    dissipated = weakened.engine.diagnostics.cohesive_energy(weakened.reports[-1].state)[1]
    advance = 6.0 * (weakened.engine.measures.crack_length - 10.0)
    assert 0.06 * advance < dissipated < 0.5 * advance
    assert left + dissipated == pytest.approx(advance, rel=1e-12)


def test_what_broke_stays_broken_when_the_current_drops() -> None:
    grown = constant(HIGH, 0.004 * HOUR * HIGH)
    rest = ProtocolStep(Rest(), duration=20.0)
    both = run(cell(grown, rest, constant(5.0, 0.01 * HOUR * 5.0), constant(-5.0, 0.005 * HOUR * 5.0), assisted=LAW))
    diagnostics = both.engine.diagnostics
    damage = np.array([diagnostics.damage(r.state) for r in both.reports])
    assert (np.diff(damage, axis=0) >= 0.0).all()
    factor, step = both.column("toughness_factor"), np.array([r.protocol_step for r in both.reports])
    assert both.engine.measures.crack_length > 10.3
    assert factor[step == 0].min() < 0.4
    assert factor[step == 1][-1] == pytest.approx(1.0, abs=0.01)  # nothing plates at rest
    assert factor[step == 3][-1] == pytest.approx(1.0, abs=0.01)  # nor on stripping
    assert both.column("energy_balance_error").max() < 0.05
