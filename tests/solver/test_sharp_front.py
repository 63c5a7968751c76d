"""The sharp-front engine: the front of the lithium, the flow, growth by K = K_Ic, balances, restart."""

import json
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.solver.front.slot_flow import slot_flux
from lifrac.solver.front.tip import TIP_OFFSET
from lifrac.solver.interfaces.contact import FaceContact
from lifrac.solver.interfaces.law import Coefficient
from lifrac.solver.model.cell_model import PlaneModel
from lifrac.solver.model.control import ConstantVoltage, Rest
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import FixedGap, Loads
from lifrac.solver.model.protocol import ProtocolStep, StopRules
from lifrac.solver.physics.creep import GRADIENT_FLOOR, slot_mobility
from lifrac.solver.physics.kinetics import MarcusHushChidsey, PrescribedCurrent
from lifrac.solver.physics.uniform_cell import voltage_at
from lifrac.solver.plane.body import PlaneBody, condense
from lifrac.solver.sharp_front.cell_problem import CellProblem
from lifrac.solver.sharp_front.charge import NodalKinetics, OtherKinetics
from lifrac.solver.sharp_front.lithium_front import LithiumFront, front_exponent, mean_length
from lifrac.solver.sharp_front.sharp_front_engine import LARGEST_WAY, SharpFrontEngine
from mpi4py import MPI
from scipy.integrate import quad
from support.plane_cell import FACE, LITHIUM, LLZO, SLAB, Run, constant

THETA = front_exponent(LITHIUM.exponent)


@cache
def body(lateral: str = "free") -> PlaneBody:
    geometry = replace(SLAB, flaw_length=SLAB.flaw_length + TIP_OFFSET * SLAB.crack_size)
    return condense(build(geometry, MPI.COMM_SELF), LLZO.poisson_ratio, Loads(lateral=lateral))  # type: ignore[arg-type]


def cell(*protocol: ProtocolStep, **changes: object) -> PlaneModel:
    model = PlaneModel(LLZO, FACE, FACE, LITHIUM, Flaw(10.0, 0.02), Loads(1.0, lateral="free"), protocol=protocol)
    return replace(model, **changes)  # type: ignore[arg-type]


def engine(model: PlaneModel) -> SharpFrontEngine:
    there = body(model.loads.lateral)
    return SharpFrontEngine(CellProblem(there.surface, there.response, model))


def run(model: PlaneModel) -> Run:
    made = engine(model)
    return Run(made, list(made.run()))  # type: ignore[arg-type]


@cache
def runs_through() -> Run:
    return run(cell(constant(60.0, 1.8e4), stop=StopRules(at_crack_through=True)))


# -- the front of the lithium ---------------------------------------------------------------------------------------


def front(at_tip: bool = False) -> LithiumFront:
    return LithiumFront(THETA, 1.2, 0.5, 0.5, 1.1, at_tip)


@pytest.mark.parametrize("psi", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("at_tip", [False, True])
def test_the_front_by_quadrature(psi: float, at_tip: bool) -> None:
    """Force, K and mean pressure are the integrals of p(s) = (s^theta - s_f^theta)/(s_i^theta - s_f^theta)."""
    at, (values, slopes) = front(at_tip), front(at_tip).evaluate(psi)
    end = values.position

    def p(s: float) -> float:
        return (s**THETA - end**THETA) / (at.distance**THETA - end**THETA)

    assert values.force == pytest.approx(quad(p, end, at.distance)[0], rel=1e-7)
    weighted = np.sqrt(2.0 / np.pi) * at.weight * quad(lambda s: p(s) / np.sqrt(s), end, at.distance)[0]
    assert values.intensity == pytest.approx(weighted, rel=1e-6)
    first = quad(lambda s: p(s) * (at.distance - s), end, at.distance)[0]
    assert values.beyond == pytest.approx(min(first / (values.force * at.length), 1.0), rel=1e-6)
    steepness = (p(at.distance) - p(at.distance - 1e-6)) / 1e-6
    assert values.length == pytest.approx(1.0 / steepness, rel=1e-5)
    h = 1e-6
    more, less = at.evaluate(psi + h)[0], at.evaluate(psi - h)[0]
    for name in ("position", "length", "intensity", "force", "beyond", "fill", "mean"):
        difference = (getattr(more, name) - getattr(less, name)) / (2.0 * h)
        assert getattr(slopes, name) == pytest.approx(difference, rel=1e-5, abs=1e-8), name


def test_the_pressure_of_the_front_drives_one_flux() -> None:
    """With w ~ sqrt(s) the flux w^(n+2) |p'|^n of p ~ s^theta is the same at any s: the exponent of the solution."""
    n, s = LITHIUM.exponent, np.geomspace(1e-4, 1.0, 7)
    flux = np.sqrt(s) ** (n + 2.0) * (THETA * s ** (THETA - 1.0)) ** n
    np.testing.assert_allclose(flux, flux[0], rtol=1e-9)


@pytest.mark.parametrize("fill", [0.1, 0.6])
@pytest.mark.parametrize("at_tip", [False, True])
def test_the_front_is_found_by_the_fill_of_the_next_node(fill: float, at_tip: bool) -> None:
    at = front(at_tip)
    assert at.evaluate(at.psi_of_fill(fill))[0].fill == pytest.approx(fill, rel=1e-9)


def test_mean_length_of_a_moving_front() -> None:
    """L^n dL/dt is constant: the time from 0.2 to 1 is that of a flux at the mean length; slope by differences."""
    n = LITHIUM.exponent
    length, slope = mean_length(0.2, 1.0, n)
    assert length**n * 0.8 == pytest.approx((1.0 - 0.2 ** (n + 1.0)) / (n + 1.0), rel=1e-12)
    assert slope == pytest.approx((mean_length(0.2, 1.0 + 1e-6, n)[0] - length) / 1e-6, rel=1e-4)


# -- flow and charge transfer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "creep",
    [
        LITHIUM,
        replace(LITHIUM, linear_viscosity=1.0e4),
        replace(LITHIUM, stress_cap=0.5),
        replace(LITHIUM, size_length=0.5, size_exponent=2.0),
    ],
)
def test_slot_flux_is_the_creep_law(creep: Creep) -> None:
    w, g = np.array([0.02, 0.1, 0.5]), np.array([60.0, -3.0, 0.2])
    q, by_gradient, by_aperture = slot_flux(creep, w, g)
    np.testing.assert_allclose(q, slot_mobility(creep, w, np.sqrt(g**2 + GRADIENT_FLOOR**2)) * g, rtol=1e-12)
    for derivative, dw, dg in ((by_aperture, 1e-6 * w, 0.0), (by_gradient, 0.0, 1e-6 * np.abs(g))):
        step = dw + dg
        difference = (slot_flux(creep, w + dw, g + dg)[0] - slot_flux(creep, w - dw, g - dg)[0]) / (2.0 * step)
        np.testing.assert_allclose(derivative, difference, rtol=1e-5)


@pytest.mark.parametrize(
    "kinetics",
    [
        NodalKinetics(FACE, 1.0e-4, FACE.exchange_current),
        NodalKinetics(replace(FACE, alpha_a=0.3, alpha_c=0.7), 0.0, 20.0, plating=False),
        NodalKinetics(replace(FACE, law=MarcusHushChidsey(3.0e4)), 0.0, 51.0),
        OtherKinetics(PrescribedCurrent(10.0), 0.025),
    ],
)
def test_derivatives_of_charge_transfer(kinetics: NodalKinetics | OtherKinetics) -> None:
    drop, current, h = np.array([-0.03, 0.001, 0.08]), np.array([-40.0, 0.5, 90.0]), 1.0e-6
    _, by_drop, by_current = kinetics.residual(drop, current, 2.0)
    for derivative, dd, dj in ((by_drop, h, 0.0), (by_current, 0.0, 1.0e3 * h)):
        more, less = (kinetics.residual(drop + sign * dd, current + sign * dj, 2.0)[0] for sign in (1.0, -1.0))
        np.testing.assert_allclose(derivative, (more - less) / (2.0 * (dd + dj)), rtol=1e-5, atol=1e-9)


def test_voltage_of_a_cell_with_an_empty_flaw() -> None:
    model = cell(constant(30.0, 1.0), flaw=Flaw(10.0, 1.0e-3, filling=0.0, mouth="closed"))
    first = next(iter(engine(model).run()))
    exact = voltage_at(FACE, FACE, 60.0, LLZO.conductivity, 30.0)
    assert first.state.cell_voltage == pytest.approx(exact, rel=1e-6)


# -- growth ---------------------------------------------------------------------------------------------------------


def test_growth_begins_where_k_is_k_ic_and_goes_through() -> None:
    whole = runs_through()
    assert whole.events == ["fracture", "crack_through"]
    tips, k = whole.column("crack_tip"), whole.column("stress_intensity")
    assert tips[0] == pytest.approx(10.0, rel=1e-12)
    at = next(i for i, report in enumerate(whole.reports) if "fracture" in [e.name for e in report.events])
    assert tips[at] == tips[0]
    assert k[at] == pytest.approx(LLZO.fracture_toughness, rel=1e-6)
    assert (np.diff(tips) >= 0.0).all()
    stable = tips < 30.0
    moved = np.append(False, np.diff(tips) > 0.0)
    assert np.count_nonzero(stable & moved) > 15
    np.testing.assert_allclose(k[stable & moved], LLZO.fracture_toughness, rtol=1e-9)
    assert (k[stable] <= LLZO.fracture_toughness * (1.0 + 1e-6)).all()


def test_an_element_is_crossed_for_the_work_of_fracture() -> None:
    """Elements that are opened at once, at less than K_Ic on average, leave 10 % of the first advances' work."""
    whole = runs_through()
    early = whole.column("crack_tip") < 12.0
    assert whole.column("energy_balance_error")[early].max() < 0.012
    assert whole.engine.counters.rejected <= 1


def grown(*protocol: ProtocolStep) -> tuple[Run, np.ndarray]:
    """A run, and the node of the front after each of its steps."""
    found = run(cell(*protocol))
    return found, np.array([report.state.crack.front for report in found.reports])


def test_a_front_at_its_toughness_stays_when_stripping_begins() -> None:
    whole = runs_through()
    tips = whole.column("crack_tip")
    third = np.flatnonzero(np.diff(tips) > 0.0)[2] + 1  # K = K_Ic at the end of this step
    charge = whole.reports[third].state.charge
    up, down = constant(60.0, charge), constant(-60.0, 0.1 * charge)
    reversed_run, front = grown(up, down)
    stripping = np.array([report.state.current_density < 0.0 for report in reversed_run.reports])
    assert stripping.any()
    assert set(front[stripping]) == {whole.reports[third].state.crack.front}


def test_a_step_that_ends_within_an_element_ends_at_its_far_node() -> None:
    """Lithium goes on as if nothing were: the crack is an element ahead, not more, and K falls short of K_Ic."""
    whole = runs_through()
    tips = whole.column("crack_tip")
    first = np.flatnonzero(np.diff(tips) > 0.0)[0] + 1
    before, after = (whole.reports[k].state.charge for k in (first - 1, first))
    cut, front = grown(constant(60.0, 0.5 * (before + after)))
    assert front[-1] == whole.reports[first].state.crack.front
    assert 0.5 < cut.column("stress_intensity")[-1] / LLZO.fracture_toughness < 1.0
    # Two protocol steps in the place of one, at the same current: an element ahead at most.
    charge = whole.reports[first + 3].state.charge
    halves = grown(constant(60.0, 0.5 * charge), constant(60.0, 0.5 * charge))[1][-1]
    assert 0 <= halves - whole.reports[first + 3].state.crack.front <= 1


def test_balances_and_energy() -> None:
    whole = runs_through()
    assert whole.column("charge_balance_error").max() < 1e-12
    assert whole.column("lithium_balance_error").max() < 1e-10
    # Of first order in the mesh, with 20 cells in the flaw.
    assert whole.column("energy_balance_error")[-1] < 0.02
    assert whole.column("lithium_length")[-1] < whole.column("crack_tip")[-1]


def test_below_the_threshold_it_holds() -> None:
    held = run(cell(constant(10.0, 3.6e3)))
    assert held.events == []
    assert held.engine.termination == "protocol_end"
    assert 0.0 < held.column("stress_intensity").max() < LLZO.fracture_toughness


def test_held_sides_let_the_crack_part_the_body_and_lithium_short_it() -> None:
    whole = run(cell(constant(60.0, 1.8e4), loads=Loads(1.0, lateral="die")))
    assert whole.events == ["fracture", "crack_through", "short_circuit"]
    assert whole.column("crack_tip")[-1] == pytest.approx(60.0, abs=0.02)
    assert whole.column("stress_intensity")[-1] == 0.0
    assert whole.column("lithium_balance_error").max() < 1e-9


def test_stripping_a_rest_and_plating_again() -> None:
    there = run(
        cell(constant(20.0, 720.0), ProtocolStep(Rest(), duration=600.0), constant(-20.0, 720.0), constant(20.0, 360.0))
    )
    assert there.column("charge_balance_error").max() < 1e-12
    assert there.column("lithium_balance_error").max() < 1e-9
    assert there.reports[-1].state.charge == pytest.approx(360.0)
    assert min(there.column("lithium_volume")) < 0.5 * there.column("lithium_volume")[0]


def test_a_closed_mouth_keeps_its_lithium() -> None:
    closed = run(cell(constant(20.0, 36.0), flaw=Flaw(10.0, 0.02, mouth="closed")))
    assert abs(closed.reports[-1].state.extruded) < 1e-12
    assert closed.column("lithium_balance_error").max() < 1e-9


def test_a_flaw_that_its_loads_break() -> None:
    """Lateral tension that exceeds the toughness: it runs through at once, without a current."""
    loads = Loads(0.0, lateral_stress=300.0, lateral="free")
    torn = run(cell(ProtocolStep(Rest(), duration=1.0), loads=loads, flaw=Flaw(10.0, 0.02, filling=0.5)))
    assert "crack_through" in torn.events
    assert next(r for r in torn.reports if "crack_through" in [e.name for e in r.events]).state.time < 1e-3


@pytest.mark.parametrize(("filling", "mouth"), [(1.0, "open"), (1.0, "closed"), (0.5, "open"), (0.0, "closed")])
def test_held_sides_close_a_flaw_onto_its_lithium(filling: float, mouth: str) -> None:
    """Faces never overlap: lithium carries nu/(1 - nu) P where the flaw is full, and what is left of it elsewhere."""
    pressure = 900.0  # closes the flaw by more than its aperture
    flaw = Flaw(10.0, 0.02, filling=filling, mouth=mouth)  # type: ignore[arg-type]
    loads = Loads(pressure, lateral="die")
    crack = engine(cell(loads=loads, flaw=flaw)).state.crack
    inside = slice(0, crack.front)
    assert (crack.aperture[inside] >= crack.thickness[inside] - 1e-12).all()
    assert (crack.aperture[inside] > 0.0).all()
    assert np.abs(crack.pressure * (crack.aperture - crack.thickness))[inside].max() < 1e-9
    if filling == 1.0:
        nu = LLZO.poisson_ratio
        assert crack.pressure[inside] == pytest.approx(nu / (1.0 - nu) * pressure, rel=1e-6)
        assert crack.aperture[inside] == pytest.approx(0.02, rel=1e-6)
    rested = run(cell(ProtocolStep(Rest(), duration=1.0), loads=Loads(100.0, lateral="die"), flaw=flaw))
    assert rested.reports[-1].state.time == pytest.approx(1.0)


def test_contact_is_lost_and_a_gap_presses() -> None:
    law = ContactLaw(void_height=0.05, reference_current=10.0)
    lost = run(cell(constant(60.0, 1.8e4), contact=law, stop=StopRules(at_contact_lost=True), flaw=Flaw(10.0, 0.002)))
    assert "contact_lost" in lost.events or "fracture" in lost.events
    assert lost.column("contact_counter").min() < 1.0
    pressed = run(cell(constant(5.0, 36.0), loads=Loads(1.0, fixture=FixedGap(), lateral="free")))
    assert pressed.reports[-1].state.stack_pressure > 1.0


def test_lithium_fills_a_parted_body_in_steps_that_are_short_enough() -> None:
    """The charge at the short circuit hardly moves with half the steps once nothing is left to be cracked."""
    model = cell(constant(60.0, 1.8e4), loads=Loads(1.0, lateral="die"))
    shorts, steps = [], []
    for factor in (1.0, 0.5):
        there = run(replace(model, control=replace(model.control, step_factor=factor)))
        charges = {e.name: e.charge for report in there.reports for e in report.events}
        shorts.append(charges["short_circuit"] - charges["crack_through"])
        through = next(k for k, r in enumerate(there.reports) if any(e.name == "crack_through" for e in r.events))
        ways = np.diff([report.state.crack.lithium_front for report in there.reports[through:]])
        assert ways.max() < 2.5 * factor * LARGEST_WAY * there.engine.problem.thickness
        steps.append(len(ways))
    assert shorts[0] == pytest.approx(shorts[1], rel=0.03)
    assert steps[1] > 1.5 * steps[0]


def test_a_held_voltage() -> None:
    held = run(cell(ProtocolStep(ConstantVoltage(0.02, 8.0), duration=600.0)))
    voltages = np.array([report.state.cell_voltage for report in held.reports])
    np.testing.assert_allclose(voltages, 0.02, rtol=1e-9)
    assert held.reports[-1].state.current_density > 0.0


# -- restart --------------------------------------------------------------------------------------------------------


def resumed(model: PlaneModel, done: int) -> Run:
    """Return the rest of a run that has been stored after some steps."""
    first = engine(model)
    steps = first.run()
    for _ in range(done):
        next(steps)
    values = json.loads(json.dumps(first.restart_values()))
    second = SharpFrontEngine.resumed(first.problem, values, first.arrays())
    return Run(second, list(second.run()))  # type: ignore[arg-type]


def test_a_run_goes_on_as_if_it_had_not_been_interrupted() -> None:
    rest = resumed(cell(constant(60.0, 1.8e4), stop=StopRules(at_crack_through=True)), 25)
    whole = runs_through()
    for name in ("crack_tip", "stress_intensity", "max_lithium_pressure", "lithium_volume"):
        np.testing.assert_allclose(rest.column(name), whole.column(name)[25:], rtol=1e-10)
    assert whole.reports[-1].state.time == pytest.approx(rest.reports[-1].state.time, rel=1e-12)


def test_a_law_without_a_place_is_refused() -> None:
    @dataclass(frozen=True)
    class Coloured(FaceContact):
        coefficients_of = (Coefficient("colour", 1.0, np.multiply),)

    with pytest.raises(InputError, match="colour"):
        engine(cell(constant(1.0, 1.0), laws=(Coloured(ContactLaw(void_height=1.0, reference_current=10.0)),)))


@pytest.mark.parametrize("length", [5.0, 8.0, 10.0, 33.0])
@pytest.mark.parametrize("part", [0.02, 0.08, 0.1])
def test_no_fracture_before_k_is_k_ic(length: float, part: float) -> None:
    """Whatever flaw and mesh: the place of the tip is rounded."""
    size = part * length
    slab = SlabEdgeFlaw(
        thickness=100.0, half_width=100.0, flaw_length=length + TIP_OFFSET * size, crack_size=size, far_size=10.0
    )
    there = condense(build(slab, MPI.COMM_SELF), LLZO.poisson_ratio)
    model = cell(constant(5.0, 3.6), flaw=Flaw(length, 0.02))
    made = SharpFrontEngine(CellProblem(there.surface, there.response, model))
    reports = list(made.run())
    assert made.measures["advance"] == pytest.approx(0.0, abs=1e-9)
    assert [e.name for r in reports for e in r.events] == []
    assert reports[-1].measures.stress_intensity < 0.9 * LLZO.fracture_toughness
    assert reports[-1].measures.lithium_length <= reports[-1].measures.crack_tip


# -- lithium that retreats from a flaw that its loads close ------------------------------------------------------------


def closing(residual: float) -> PlaneModel:
    """Return a cell whose sides press more on the empty flaw than its aperture stands, plated, stripped and so on."""
    protocol = (constant(20.0, 360.0), constant(-20.0, 360.0), constant(20.0, 360.0))
    return cell(*protocol, flaw=Flaw(10.0, 0.005, residual=residual), loads=Loads(50.0, lateral="die"))


@pytest.mark.parametrize("residual", [0.0, 0.05])
def test_faces_touch_where_stripping_has_emptied_a_flaw(residual: float) -> None:
    """The load closes the emptied flaw: its faces touch and do not overlap, and what holds lithium opens it again."""
    there = run(closing(residual))
    for report in there.reports:
        crack = report.state.crack
        assert crack.aperture.min() > -1e-12
        assert (crack.thickness <= crack.aperture + 1e-12).all()
        assert (crack.pressure >= 0.0).all()
    volume = there.column("lithium_volume")
    plated = volume.max()
    assert volume.min() < 0.01 * plated
    assert there.column("lithium_balance_error").max() < 1e-10
    assert there.column("charge_balance_error").max() < 1e-10
    assert there.engine.counters.rejected < 10
    assert len(there.reports) < 140
    assert volume[-1] == pytest.approx(plated, rel=0.05)  # it fills again: from its film, or from its mouth
    if residual:
        assert volume.min() == pytest.approx(residual * 0.005 * 10.0, rel=0.1)


@pytest.mark.parametrize("residual", [0.0, 0.05])
def test_a_run_goes_on_within_a_half_step_that_strips(residual: float) -> None:
    """The state of a front that retreats, of films and faces that touch is stored whole."""
    whole = run(closing(residual))
    stripping = np.flatnonzero(whole.column("lithium_volume")[1:] < whole.column("lithium_volume")[:-1])
    done = int(stripping[len(stripping) // 2]) + 1
    assert whole.reports[done - 1].state.current_density < 0.0
    rest = resumed(closing(residual), done)
    for name in ("stress_intensity", "max_lithium_pressure", "lithium_volume", "lithium_length"):
        np.testing.assert_allclose(rest.column(name), whole.column(name)[done:], rtol=1e-9, atol=1e-12)


def test_a_closed_crack_is_not_taken_for_one_full_of_lithium() -> None:
    """Lithium reaches as far as it is, not as far as faces touch that it has left."""
    there = run(closing(0.0))
    emptied = int(np.argmin(there.column("lithium_volume")))
    assert there.column("lithium_length")[emptied] < 1.0
