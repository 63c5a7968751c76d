"""Contact of the electrode faces: the rate law against quadrature, and the engine with it on."""

from dataclasses import replace

import numpy as np
import pytest
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.interfaces.contact import (
    CONTACT_ALLOWANCE,
    RESOLUTION,
    Contact,
    advanced,
    charge_to_loss,
    cycled_contact,
    integrated,
    interface_resistance,
)
from lifrac.solver.model.control import Rest
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep, StopRules
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.constriction import local_resistance
from scipy.integrate import solve_ivp
from support.plane_cell import FACE, HOUR, LLZO, Run, cell, constant, problem, run

LAW = ContactLaw(void_height=1.0, reference_current=5.0)
PASSAGE = 1.0 / surface_velocity_per_current()
"""F h*/Omega for h* = 1 um [C/m2]."""


def one(value: float) -> np.ndarray:
    return np.array([value])


# -- the rate law ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"), [(-1.0, 2.0), (0.3, 1.0), (2.0, 2.0), (0.0, 1.0), (-1.0, 0.0), (1.0, 0.0), (-1.0, 1e-5), (1.0, 2e-3)]
)
def test_step_is_exact(a: float, b: float) -> None:
    """theta dtheta/dt = a - b theta against a fine quadrature; two half steps are one."""
    start, dt = 0.6, 0.08
    fine = solve_ivp(lambda t, x: (a - b * x) / x, (0.0, dt), [start], rtol=1e-12, atol=1e-14, method="DOP853")
    exact = min(fine.y[0, -1], 1.0)

    def held(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return one(a), one(b)

    whole = integrated(one(start), held, (), dt, 1e-6)
    half = integrated(one(start), held, (), 0.5 * dt, 1e-6)
    assert whole[0] == pytest.approx(exact, rel=1e-9)
    assert integrated(half, held, (), 0.5 * dt, 1e-6)[0] == pytest.approx(whole[0], rel=1e-10)


@pytest.mark.parametrize("dt", [1e-9, 1.0, 1e3, 1e9])
def test_any_step_stays_in_bounds(dt: float) -> None:
    rng = np.random.default_rng(1)
    start, local = rng.uniform(0.05, 1.0, 200), rng.normal(0.0, 20.0, 200)
    new = advanced(LAW, Contact(start, start), local, np.ones(200), 1.0, dt)
    assert new.now.min() >= 0.5 * LAW.minimum
    assert new.now.max() <= 1.0
    assert (new.lowest <= np.minimum(start, new.now)).all()


def test_rest_recovers_and_plating_recovers_faster() -> None:
    start = Contact(one(0.3), one(0.3))
    rest = advanced(LAW, start, one(0.0), one(1.0), 1.0, 100.0).now[0]
    plated = advanced(LAW, start, one(10.0), one(1.0), 1.0, 100.0).now[0]
    assert 0.3 < rest < plated < 1.0
    assert advanced(LAW, start, one(0.0), one(1.0), 0.0, 100.0).now[0] == 0.3  # no pressure, no creep
    assert advanced(LAW, start, one(0.0), one(1.0), 1.0, 1e9).now[0] == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("dt", [1.0, 10.0, 100.0])
def test_a_uniform_face_loses_contact_as_the_law_says(dt: float) -> None:
    """At constant J one step and the quadrature agree, however long: the current is shared out again."""
    fine = solve_ivp(lambda t, x: (5.0 * (1.0 - x) - 9.0) / PASSAGE / x, (0.0, dt), [0.7], rtol=1e-11, atol=1e-13)
    same = np.full(7, 0.7)
    new = advanced(LAW, Contact(same, same), np.full(7, -9.0 / 0.7), np.linspace(1.0, 2.0, 7), 1.0, dt)
    assert new.now == pytest.approx(fine.y[0, -1], rel=1e-8)


def test_what_differs_between_nodes_dies_out() -> None:
    """Near J_c, on an equipotential face, contact stays the same everywhere for steps of any length."""
    theta = np.full(20, 0.05) * (1.0 + 1e-3 * np.sin(np.arange(20.0)))
    contact, area = Contact(theta, theta), np.ones(20)
    spread = np.ptp(theta)
    for _ in range(10):
        local = -0.95 * LAW.reference_current / contact.now.mean()
        contact = advanced(LAW, contact, np.full(20, local), area, 1.0, 1e4)
        assert np.ptp(contact.now) <= max(spread, 2.0 * RESOLUTION)
        spread = np.ptp(contact.now)
    assert contact.now == pytest.approx(0.05, rel=1e-3)


def test_unrecoverable_share_leaves_a_hysteresis() -> None:
    law = replace(LAW, unrecoverable=0.25)
    after = advanced(law, Contact(one(0.4), one(0.2)), one(0.0), one(1.0), 1.0, 1e9)
    assert after.now[0] == pytest.approx(1.0 - 0.25 * 0.8)
    assert after.lowest[0] == 0.2


@pytest.mark.parametrize("k", [1e-6, 0.2, 0.5, 0.8, 0.999])
def test_charge_to_loss_against_quadrature(k: float) -> None:
    law = replace(LAW, reference_current=10.0 * k)
    theta = (np.arange(200000) + 0.5) / 200000
    integral = (theta / (1.0 - k * (1.0 - theta))).mean()
    assert charge_to_loss(law, 10.0, 1.0) == pytest.approx(PASSAGE * integral, rel=1e-5)
    assert charge_to_loss(law, 10.0 * k, 1.0) == np.inf


def test_norton_closing_is_that_of_a_sphere() -> None:
    """2.4e-7, 3.2e-4 and 8.4e-2 1/s at 1, 3 and 7 MPa (docs/theory/model.md, Contact of a face)."""
    law = ContactLaw(1.0, 0.0, norton_prefactor=7.7e-3, norton_exponent=6.56)
    for pressure, rate in ((1.0, 2.4e-7), (3.0, 3.2e-4), (7.0, 8.4e-2)):
        assert law.critical_current(pressure) / PASSAGE == pytest.approx(rate, rel=0.03)
    both = replace(law, reference_current=2.0, pressure_exponent=1.5)
    assert both.critical_current(4.0) == pytest.approx(16.0 + law.critical_current(4.0))


PRESSED = replace(LAW, full_contact_pressure=16.0, static_exponent=0.5)


def test_static_contact_grows_with_pressure_and_remembers_the_largest() -> None:
    """(P/16)^0.5 up to 1; a quarter of what the largest pressure gained stays."""
    assert [PRESSED.static_contact(p) for p in (0.0, 1.0, 4.0, 16.0, 50.0)] == pytest.approx([0.0, 0.25, 0.5, 1.0, 1.0])
    after = replace(PRESSED, largest_pressure=9.0, retention=0.25)
    assert after.static_contact(1.0) == pytest.approx(0.25 + 0.25 * (0.75 - 0.25))
    assert after.static_contact(9.0) == pytest.approx(0.75)
    assert after.static_contact(12.0) == PRESSED.static_contact(12.0)
    assert replace(after, retention=1.0).static_contact(0.0) == pytest.approx(0.75)


def test_static_contact_is_a_ceiling() -> None:
    """Neither rest nor plating brings more; a pressed face is a whole one for theta/theta_s and theta_s^2 h*."""
    for local in (0.0, 10.0):
        healed = advanced(PRESSED, Contact(one(0.2), one(0.1)), one(local), one(1.0), 4.0, 1e9)
        assert healed.now[0] == pytest.approx(0.5)
    partly = advanced(replace(PRESSED, unrecoverable=0.5), Contact(one(0.2), one(0.1)), one(0.0), one(1.0), 4.0, 1e9)
    assert partly.now[0] == pytest.approx(0.5 - 0.5 * (0.5 - 0.1))
    whole = advanced(replace(LAW, void_height=0.25), Contact(one(0.6), one(0.6)), one(-15.0), one(1.0), 4.0, 20.0)
    pressed = advanced(PRESSED, Contact(one(0.3), one(0.3)), one(-30.0), one(1.0), 4.0, 20.0)
    assert pressed.now[0] == pytest.approx(0.5 * whole.now[0], rel=1e-12)
    assert charge_to_loss(PRESSED, 40.0, 4.0) == pytest.approx(0.25 * charge_to_loss(LAW, 40.0, 4.0))


@pytest.mark.parametrize("current", [1.0, 30.0])
def test_cycled_contact_is_where_stripping_and_plating_cancel(current: float) -> None:
    theta, dt = cycled_contact(PRESSED, current, 4.0), 1e-3
    start = Contact(one(theta), one(theta))
    change = [advanced(PRESSED, start, one(j / theta), one(1.0), 4.0, dt).now[0] - theta for j in (current, -current)]
    assert abs(sum(change)) < 1e-4 * abs(change[0])


def test_constriction_from_one_spot_to_a_whole_face() -> None:
    """Few spots: N parallel resistors 1/(4 kappa a). The series of an isothermal spot in a flux tube (Negus,
    Yovanovich 1984) within 6 % up to e = 0.4. None on a whole face."""
    kappa, radius = 2.0e5, 3.0
    for share in (1e-6, 0.04, 0.16):
        spots, e = share / (np.pi * radius**2), share**0.5
        tube = (1.0 - 1.40978 * e + 0.34406 * e**3 + 0.0435 * e**5) / (4.0 * kappa * radius * spots)
        assert local_resistance(radius, kappa, share) / share == pytest.approx(tube, rel=0.06)
    single = 1.0 / (4.0 * kappa * radius * 1e-6 / (np.pi * radius**2))
    assert local_resistance(radius, kappa, 1e-6) / 1e-6 == pytest.approx(single, rel=2e-3)
    assert local_resistance(radius, kappa, 1.0) == 0.0


def test_interface_resistance_against_pressure() -> None:
    """R_ct/theta with P^-1/2, less after a larger pressure, constriction on top; no law of voids enters."""
    transfer = 8.314462618 * 298.15 / 96485.33212 / 51.0
    kappa = LLZO.conductivity
    resistance = [interface_resistance(PRESSED, FACE, kappa, p) for p in (1.0, 4.0, 16.0)]
    assert resistance == pytest.approx([4.0 * transfer, 2.0 * transfer, transfer], rel=1e-6)
    law = replace(PRESSED, retention=0.5)
    assert interface_resistance(law, FACE, kappa, 4.0, 16.0) == pytest.approx(transfer / 0.75, rel=1e-6)
    assert interface_resistance(law, FACE, kappa, 4.0) == pytest.approx(2.0 * transfer, rel=1e-6)
    spots = replace(FACE, spot_radius=5.0, contact_fraction=0.5, film_resistance=1e-4)
    added = interface_resistance(PRESSED, spots, kappa, 4.0) - 4.0 * (transfer + 1e-4)
    assert added == pytest.approx(np.pi * 5.0 / (4.0 * kappa * 0.25) * 0.5**1.5, rel=1e-6)


# -- the engine ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stripped() -> Run:
    return run(cell(constant(10.0, 3.0 * PASSAGE), contact=replace(LAW, reference_current=2.0)))


def test_contact_lost_ends_the_run(stripped: Run) -> None:
    assert stripped.engine.outcome == stripped.engine.termination == "contact_lost"
    assert stripped.events[-1] == "contact_lost"
    contact = stripped.column("contact_counter")
    assert (np.diff(contact) < 0.0).all()
    assert contact[-1] == pytest.approx(LAW.minimum, rel=0.03)
    assert contact[-2] > LAW.minimum
    assert (stripped.column("contact_anode") == 1.0).all()
    assert np.abs(np.diff(contact)).max() <= CONTACT_ALLOWANCE


def test_voltage_rises_and_charge_balances(stripped: Run) -> None:
    voltage = np.array([r.state.cell_voltage for r in stripped.reports])
    assert voltage[-1] > 2.0 * voltage[0]
    assert stripped.column("charge_balance_error").max() < 1e-8
    assert stripped.column("lithium_balance_error").max() < 1e-8


def test_half_the_steps_change_little(stripped: Run) -> None:
    control = replace(stripped.engine.model.control, max_step=4.0)
    fine = run(replace(stripped.engine.model, control=control))
    assert len(fine.reports) > 1.3 * len(stripped.reports)
    assert fine.engine.state.charge == pytest.approx(stripped.engine.state.charge, rel=2e-3)


def test_reversal_heals_and_a_snapshot_goes_on_alike() -> None:
    law = replace(LAW, reference_current=2.0)
    strip, heal = constant(10.0, 0.3 * PASSAGE), constant(-10.0, 0.3 * PASSAGE)
    first = run(cell(strip, contact=law))
    low = first.reports[-1].measures.contact_counter
    assert low < 0.8
    both = run(cell(strip, heal, contact=law))
    assert both.reports[-1].measures.contact_counter > low
    assert both.reports[-1].measures.contact_anode < 1.0
    again = CohesiveEngine(problem(cell(heal, contact=law)), first.reports[-1].state.snapshot())
    last = list(again.run())[-1]
    ends = [run.state.laws["contact"].nodal["contact"] for run in (last, both.engine)]
    assert np.array_equal(*ends)
    assert np.array_equal(last.state.values, both.engine.state.values)


def test_a_law_that_loses_nothing_changes_nothing() -> None:
    """At rest after plating with a huge void height the histories are those without a law."""
    plain = run(cell(constant(5.0, 200.0)))
    inert = run(cell(constant(5.0, 200.0), contact=ContactLaw(1.0e9, 1.0e6)))
    assert len(plain.reports) == len(inert.reports)
    for a, b in zip(plain.reports, inert.reports, strict=True):
        assert a.state.values == pytest.approx(b.state.values, rel=1e-6, abs=1e-9)


def test_pressure_keeps_contact() -> None:
    """Above the pressure at which J_c = J contact settles at 1 - J/J_c; below it is lost."""
    protocol = constant(10.0, 3.0 * PASSAGE)
    law = ContactLaw(0.1, 4.0, pressure_exponent=1.0)
    lost = run(cell(protocol, contact=law, loads=Loads(2.0, lateral="free"), stop=StopRules()))
    held = run(cell(protocol, contact=law, loads=Loads(5.0, lateral="free"), stop=StopRules()))
    assert lost.engine.outcome == "contact_lost"
    assert held.engine.outcome != "contact_lost"
    assert held.engine.measures.contact_counter == pytest.approx(0.5, abs=0.02)


def test_rest_heals_in_the_engine() -> None:
    steps = (constant(10.0, 0.3 * PASSAGE), ProtocolStep(Rest(), duration=5.0 * HOUR))
    healed = run(cell(*steps, contact=replace(LAW, reference_current=2.0)))
    assert healed.column("contact_counter").min() < 0.8
    assert healed.column("contact_counter")[-1] > 0.98


def test_a_pressed_cell_starts_and_stays_at_its_static_contact() -> None:
    """At 1 MPa of 4 MPa half of each face touches; plating heals nothing beyond; lost at a share of it."""
    law = replace(LAW, reference_current=2.0, full_contact_pressure=4.0)
    pressed = run(cell(constant(10.0, 3.0 * PASSAGE), contact=law))
    contact = pressed.column("contact_counter")
    assert contact[0] < 0.5
    assert pressed.column("contact_anode") == pytest.approx(0.5)
    assert pressed.engine.outcome == "contact_lost"
    assert contact[-1] == pytest.approx(0.5 * LAW.minimum, rel=0.03)
    assert pressed.engine.state.charge == pytest.approx(charge_to_loss(law, 10.0, 1.0), rel=0.01)


def test_constriction_of_lost_contact_costs_voltage() -> None:
    """While contact is lost the cell voltage rises by J R_constr(theta) beyond that of a cell without constriction."""
    law = replace(LAW, reference_current=2.0, minimum=0.3)
    protocol = constant(10.0, 3.0 * PASSAGE)
    spots = replace(FACE, spot_radius=5.0)
    plain, spotted = (run(cell(protocol, contact=law, anode=face, counter=face)) for face in (FACE, spots))
    touching = spotted.reports[-2].measures.contact_counter  # the currents of a step see the contact of its start
    added = spotted.reports[-1].state.cell_voltage - plain.reports[-1].state.cell_voltage
    exact = 10.0 * np.pi * 5.0 / (4.0 * LLZO.conductivity * touching) * (1.0 - touching**0.5) ** 1.5
    assert added == pytest.approx(exact, rel=0.05)
