"""A formula that forms and closed estimates share is one: they agree wherever it is evaluated."""

import numpy as np
import pytest
import ufl
from lifrac.solver.interfaces.contact import face_at_rest
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.physics.cohesive import process_zone_length
from lifrac.solver.physics.constants import thermal_voltage
from lifrac.solver.physics.creep import mobility
from lifrac.solver.physics.kinetics import EXPONENT_LIMIT, ChargeTransfer, asinh, charge_transfer_resistance
from lifrac.solver.physics.uniform_cell import overpotential

I0, KELVIN = 51.0, 298.15
UNIT = thermal_voltage(KELVIN)
FACES = [Kinetics(I0, KELVIN, alpha_a=a, alpha_c=1.0 - a, film_resistance=2.0e-4) for a in (0.3, 0.5, 0.8)]


def value(expression: object) -> float:
    return float(ufl.as_ufl(expression)(()))


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("plating", [True, False])
def test_kinetics_of_forms_and_of_numbers(face: Kinetics, plating: bool) -> None:
    """Over the whole range, the linear continuation beyond EXPONENT_LIMIT on both sides included."""
    law = ChargeTransfer(face, plating)
    reduced = np.array([-3.0, -1.0, -0.5, -0.01, 1e-9, 0.02, 0.7, 0.99, 1.01, 1.5, 4.0]) * EXPONENT_LIMIT / 0.3
    numbers = law.current(reduced * UNIT)
    forms = [value(law.current(ufl.as_ufl(float(x) * UNIT))) for x in reduced]
    assert numbers == pytest.approx(forms, rel=1e-14)
    assert law.current(float(reduced[5]) * UNIT) == pytest.approx(forms[5], rel=1e-14)
    small = numbers[abs(numbers) < 1e6]  # beyond, UFL's evaluation of the branch that is not taken fails
    assert asinh(small) == pytest.approx([value(asinh(ufl.as_ufl(float(x)))) for x in small], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("current", [1.0e-3, 1.0, 1.0e3, 1.0e8])
def test_overpotential_of_check_solves_the_residual_of_the_engines(face: Kinetics, current: float) -> None:
    drop = overpotential(face, current)
    eta = drop - face.film_resistance * current
    assert I0 * value(ChargeTransfer(face).current(ufl.as_ufl(eta))) == pytest.approx(current, rel=1e-9)
    if current < 1.0e6:
        left = ChargeTransfer(face).residual(ufl.as_ufl(current), ufl.as_ufl(drop), 0.0)
        assert abs(value(left)) < 1e-9 * max(drop, UNIT)


def test_symmetric_overpotential_is_the_closed_form() -> None:
    face = Kinetics(I0, KELVIN)
    for j in (0.1, 10.0, 1.0e4):
        closed = 2.0 * UNIT * np.arcsinh(j / (2.0 * I0))
        assert overpotential(face, j) == pytest.approx(closed, rel=1e-12)


def test_resistance_is_the_slope_at_zero() -> None:
    for face in FACES:
        slope = ChargeTransfer(face).current(1.0e-9) / 1.0e-9
        assert charge_transfer_resistance(face) == pytest.approx(1.0 / (I0 * slope), rel=1e-6)
        assert face_at_rest(None, face, 5.0e4, 1.0) == face


def test_slot_of_check_creeps_as_the_engines_do() -> None:
    """q = M |grad p| of the engines is what the threshold current integrates: 2 B/(n+2) (w/2)^(n+2) g^n."""
    creep, w, g = Creep(prefactor=7.7e-3, exponent=6.56), 0.02, 3.0
    q = value(mobility(creep, ufl.as_ufl(w), ufl.as_vector((g, 0.0)))) * g
    n = creep.exponent
    closed = 2.0 * 3.0 ** ((n + 1.0) / 2.0) * creep.prefactor / (n + 2.0) * (w / 2.0) ** (n + 2.0) * g**n
    assert q == pytest.approx(closed, rel=1e-6)


def test_toughness_and_fracture_energy_are_inverse() -> None:
    """Gc = K_Ic^2 (1 - nu^2)/E of the cards against the K_Ic that engines and check derive again; and the zone."""
    from lifrac.problems.case.case import load_case

    model = load_case("llzo_holds", ['electrolyte.properties={fracture_toughness="1.1 MPa*m^0.5"}']).engine_model()
    assert isinstance(model.electrolyte, Electrolyte)
    assert model.electrolyte.fracture_toughness == pytest.approx(1.1e3, rel=1e-12)
    strong = load_case("llzo_holds", ["fracture.engine=cohesive", "fracture.cohesive_strength=300 MPa"])
    e = strong.engine_model().electrolyte
    zone = process_zone_length(e.plane_strain_modulus, e.fracture_energy, 300.0)
    assert strong.dimensionless()["process_zone_um"] == pytest.approx(zone)
