"""Every physics term against a closed form or a quadrature of its definition."""

import dolfinx
import numpy as np
import pytest
import ufl
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.physics.cohesive import LinearSoftening, process_zone_length, strength_for_zone
from lifrac.solver.physics.conduction import current_density
from lifrac.solver.physics.constants import surface_velocity_per_current, thermal_voltage
from lifrac.solver.physics.creep import mobility, shear_prefactor
from lifrac.solver.physics.elasticity import stress_3d
from lifrac.solver.physics.kinetics import ChargeTransfer, PrescribedCurrent, asinh, bounded_exp
from lifrac.solver.physics.lithium import fill_fraction
from mpi4py import MPI
from numpy.typing import NDArray
from scipy.optimize import brentq

fem = dolfinx.fem
KELVIN = 298.15
I0 = 51.0


def value(expression: object) -> float:
    """A UFL expression of plain numbers."""
    return float(ufl.as_ufl(expression)(()))


def residual(law: ChargeTransfer, j: float, drop: float, excess: float = 0.0) -> float:
    return value(law.residual(ufl.as_ufl(j), ufl.as_ufl(drop), excess))


# -- kinetics --------------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [-0.3, -0.01, 1.0e-6, 0.02, 0.4])
def test_symmetric_kinetics_is_the_sinh_law(eta: float) -> None:
    j = 2.0 * I0 * np.sinh(eta / (2.0 * thermal_voltage(KELVIN)))
    law = ChargeTransfer(Kinetics(I0, KELVIN))
    assert residual(law, j, eta) == pytest.approx(0.0, abs=1e-14)
    # In volts: without the current, what is missing is the whole overpotential.
    assert residual(law, 0.0, eta) == pytest.approx(eta, rel=1e-12)


def test_a_pressure_of_7_42_MPa_stops_a_millivolt() -> None:
    law = ChargeTransfer(Kinetics(I0, KELVIN))
    stopping = brentq(lambda p: residual(law, 0.0, 1.0e-3, p), 0.0, 100.0, xtol=1e-10)
    assert stopping == pytest.approx(7.422, abs=5e-4)


def test_film_takes_its_ohmic_drop() -> None:
    film = 2.0e-4  # V m2/A
    law = ChargeTransfer(Kinetics(I0, KELVIN, film_resistance=film))
    j, eta = 2.0 * I0 * np.sinh(0.7), 1.4 * thermal_voltage(KELVIN)
    assert residual(law, j, eta + film * j) == pytest.approx(0.0, abs=1e-14)
    assert residual(law, j, eta) == pytest.approx(-film * j, rel=1e-12)


@pytest.mark.parametrize("plating", [True, False])
def test_unequal_transfer_coefficients(plating: bool) -> None:
    kinetics = Kinetics(I0, KELVIN, alpha_a=0.3, alpha_c=0.7)
    forward, backward = (0.3, 0.7) if plating else (0.7, 0.3)
    law = ChargeTransfer(kinetics, plating=plating)
    for eta in (-0.1, 0.003, 0.2):
        x = eta / thermal_voltage(KELVIN)
        j = I0 * (np.exp(forward * x) - np.exp(-backward * x))
        assert residual(law, j, eta) == pytest.approx(0.0, abs=1e-13)


def test_asinh_does_not_cancel() -> None:
    for x in (-1.0e6, -3.0, -1.0e-9, 0.0, 2.0, 1.0e6):
        assert value(asinh(ufl.as_ufl(x))) == pytest.approx(float(np.arcsinh(x)), rel=1e-12, abs=1e-15)


def test_exponential_goes_on_as_its_tangent() -> None:
    assert value(bounded_exp(ufl.as_ufl(39.0))) == pytest.approx(np.exp(39.0))
    assert value(bounded_exp(ufl.as_ufl(45.0))) == pytest.approx(6.0 * np.exp(40.0))


def test_prescribed_current() -> None:
    law = PrescribedCurrent(3.0)
    assert value(law.residual(ufl.as_ufl(3.0), ufl.as_ufl(0.1), 5.0)) == 0.0
    assert value(law.residual(ufl.as_ufl(1.0), ufl.as_ufl(0.1), 5.0)) == 2.0


# -- creep -----------------------------------------------------------------------------------------


def slot_flow(creep: Creep, w: float, gradient: float) -> float:
    """q by quadrature of the velocity profile of a slot: gamma = B (g y)^n, q = 2 int_0^(w/2) y gamma dy."""
    y, weight = np.polynomial.legendre.leggauss(40)
    y, weight = 0.25 * w * (y + 1.0), 0.25 * w * weight
    return float(2.0 * np.sum(weight * y * shear_prefactor(creep) * (gradient * y) ** creep.exponent))


@pytest.mark.parametrize(("w", "gradient"), [(0.05, 40.0), (1.0, 2.0), (3.0, 0.1)])
def test_mobility_is_the_slot_formula(w: float, gradient: float) -> None:
    creep = Creep(7.7e-3, 6.56)
    flow = gradient * value(mobility(creep, ufl.as_ufl(w), ufl.as_ufl(gradient)))
    assert flow == pytest.approx(slot_flow(creep, w, gradient), rel=1e-4)


def test_exponent_one_is_poiseuille_flow() -> None:
    prefactor, w = 2.0e-3, 0.7
    eta = 1.0 / (3.0 * prefactor)  # sigma = 3 eta d(eps)/dt
    found = value(mobility(Creep(prefactor, 1.0), ufl.as_ufl(w), ufl.as_ufl(5.0)))
    assert found == pytest.approx(w**3 / (12.0 * eta), rel=1e-12)


def test_linear_mechanism_adds_up() -> None:
    w, g = 0.4, 3.0
    plain, both = (
        value(mobility(Creep(7.7e-3, 6.56, linear_viscosity=eta), ufl.as_ufl(w), ufl.as_ufl(g))) for eta in (None, 50.0)
    )
    assert both - plain == pytest.approx(w**3 / 600.0, rel=1e-9)


@pytest.mark.parametrize(("w", "a", "published"), [(1.0, 10.0, 17.20), (0.5, 10.0, 42.49), (0.2, 10.0, 140.4)])
def test_tip_pressure_of_a_plated_slot(w: float, a: float, published: float) -> None:
    """1 mA/cm2 on both faces: M(p') p' = 2 v (a - x), integrated from the mouth.

    docs/theory/model.md, Creep in a slot.
    """
    creep, source = Creep(7.7e-3, 6.56), 2.0 * surface_velocity_per_current() * 10.0

    def gradient(x: float) -> float:
        def excess(g: float) -> float:
            return g * value(mobility(creep, ufl.as_ufl(w), ufl.as_ufl(g))) - source * (a - x)

        return float(brentq(excess, 1.0e-6, 1.0e4))

    x, weight = np.polynomial.legendre.leggauss(20)
    x = 0.5 * a * (x + 1.0)
    assert 0.5 * a * sum(k * gradient(s) for k, s in zip(weight, x, strict=True)) == pytest.approx(
        published, rel=1.0e-3
    )


def test_size_effect_divides_the_norton_rate() -> None:
    w, g = 0.1, 30.0
    plain = value(mobility(Creep(7.7e-3, 6.56), ufl.as_ufl(w), ufl.as_ufl(g)))
    creep = Creep(7.7e-3, 6.56, size_length=2.0, size_exponent=3.0)
    small = value(mobility(creep, ufl.as_ufl(w), ufl.as_ufl(g)))
    assert plain / small == pytest.approx((1.0 + 2.0 / 0.1) ** 3, rel=1e-12)


def test_above_the_stress_cap_the_rate_grows_linearly() -> None:
    creep, w, cap = Creep(7.7e-3, 6.56, stress_cap=5.0), 0.2, 5.0
    at_cap = 2.0 * cap / w
    below, at, above, far = (
        value(mobility(creep, ufl.as_ufl(w), ufl.as_ufl(f * at_cap))) for f in (0.5, 1.0, 2.0, 10.0)
    )
    assert at / below == pytest.approx(2.0**5.56, rel=1e-6)
    assert above == pytest.approx(at, rel=1e-6)
    assert far == pytest.approx(at, rel=1e-6)


# -- cohesion --------------------------------------------------------------------------------------

LAW = LinearSoftening(np.array([200.0]), 6.0)


def traction(opening: float, max_opening: float) -> float:
    return value(LAW.traction(ufl.as_ufl(opening), ufl.as_ufl(max_opening), ufl.as_ufl(200.0)))


def test_area_under_the_cohesive_law_is_the_fracture_energy() -> None:
    critical = float(LAW.critical_opening[0])
    w, weight = np.polynomial.legendre.leggauss(4)
    w, weight = 0.5 * critical * (w + 1.0), 0.5 * critical * weight
    assert sum(k * traction(x, x) for k, x in zip(weight, w, strict=True)) == pytest.approx(6.0, rel=1e-12)
    assert traction(1.01 * critical, 0.0) == 0.0


@pytest.mark.parametrize("share", [0.2, 0.7, 1.0])
def test_unloading_and_dissipation(share: float) -> None:
    max_opening = share * float(LAW.critical_opening[0])
    peak = traction(max_opening, max_opening)
    assert peak == pytest.approx(200.0 * (1.0 - share), abs=1e-12)
    assert traction(0.5 * max_opening, max_opening) == pytest.approx(0.5 * peak, abs=1e-12)
    assert traction(0.0, max_opening) == 0.0
    loaded = 0.5 * (200.0 + peak) * max_opening
    damage = LAW.damage(np.array([max_opening]))[0]
    assert damage == pytest.approx(share)
    assert loaded - 0.5 * peak * max_opening == pytest.approx(6.0 * damage)


def test_strength_for_a_process_zone() -> None:
    zone = np.array([0.5, 4.0])
    strength = strength_for_zone(1.6e5, 6.0, zone)
    assert process_zone_length(1.6e5, 6.0, strength) == pytest.approx(zone)


# -- bulk fields -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def body() -> dolfinx.mesh.Mesh:
    return build(SlabEdgeFlaw(10, 10, 3, 1, 3), MPI.COMM_SELF).mesh


def cell_values(expression: object, msh: dolfinx.mesh.Mesh, size: int) -> NDArray[np.float64]:
    space = fem.functionspace(msh, ("DG", 0, (size,)))
    field = fem.Function(space)
    field.interpolate(fem.Expression(expression, space.element.interpolation_points))
    return np.asarray(field.x.array).reshape(-1, size)


def test_stress_in_plane_strain(body: dolfinx.mesh.Mesh) -> None:
    young, nu, e = 2.0e4, 0.3, np.array([1.0e-3, -4.0e-4, 2.0e-4])  # xx, yy, xy
    u = fem.Function(fem.functionspace(body, ("Lagrange", 1, (2,))))
    u.interpolate(lambda x: np.array([e[0] * x[0] + 2.0 * e[2] * x[1], e[1] * x[1]]))
    factor = young / ((1.0 + nu) * (1.0 - 2.0 * nu))
    xx = factor * ((1.0 - nu) * e[0] + nu * e[1])
    yy = factor * ((1.0 - nu) * e[1] + nu * e[0])
    expected = [xx, yy, nu * (xx + yy), young / (1.0 + nu) * e[2], 0.0, 0.0]
    found = cell_values(stress_3d(u, young, nu), body, 6)
    assert found == pytest.approx(np.tile(expected, (body_cells(body), 1)))


def test_current_flows_down_the_potential(body: dolfinx.mesh.Mesh) -> None:
    phi = fem.Function(fem.functionspace(body, ("Lagrange", 1)))
    phi.interpolate(lambda x: 2.0e-3 * x[1] - 1.0e-3 * x[0])
    found = cell_values(current_density(phi, 5.0e4), body, 2)
    assert found == pytest.approx(np.tile([50.0, -100.0], (body_cells(body), 1)))


def body_cells(msh: dolfinx.mesh.Mesh) -> int:
    return int(msh.topology.index_map(2).size_local)


def test_fill_fraction_of_a_closed_node_is_finite() -> None:
    assert value(fill_fraction(ufl.as_ufl(0.03), ufl.as_ufl(0.04))) == pytest.approx(0.75)
    assert value(fill_fraction(ufl.as_ufl(0.0), ufl.as_ufl(0.0))) == 0.0
