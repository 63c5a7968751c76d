"""Full-field conduction and elasticity against closed forms, the condensed engine, and other rank counts."""

from dataclasses import replace

import numpy as np
import pytest
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.loads import Loads
from lifrac.solver.numerics.newton import Convergence
from lifrac.solver.numerics.newton_log import NewtonFailure, Reason
from lifrac.solver.physics.constants import thermal_voltage
from lifrac.solver.plane.surface import CRACK
from lifrac.solver.reference import full_field as fullfield
from lifrac.solver.reference.full_field import solve_conduction, solve_elasticity
from mpi4py import MPI
from scipy.optimize import brentq
from support.plane_cell import FACE, LLZO, bulk, cell, constant, problem, slab, surface

BLOCK = HalfPennyBlock(thickness=30, half_width=30, breadth=30, flaw_length=10, crack_size=2.5, far_size=8, growth=0.3)
PRESETS = ["direct", "multigrid"]
RT_F = thermal_voltage(298.15)


@pytest.fixture(scope="module")
def block() -> TaggedMesh:
    return build(BLOCK, MPI.COMM_SELF)


@pytest.fixture(params=["2D", "3D"])
def tagged(request: pytest.FixtureRequest, block: TaggedMesh) -> TaggedMesh:
    return slab() if request.param == "2D" else block


def thickness(tagged: TaggedMesh) -> float:
    return 60.0 if tagged.mesh.geometry.dim == 2 else 30.0


# -- conduction ------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("j", [1.0e-3, 40.0, -5.0e3])
def test_cell_voltage_between_two_faces(tagged: TaggedMesh, preset: str, j: float) -> None:
    found = solve_conduction(tagged, LLZO.conductivity, FACE, FACE, j, preset=preset)  # type: ignore[arg-type]
    faces = 4.0 * RT_F * np.arcsinh(j / (2.0 * FACE.exchange_current))
    expected = j * thickness(tagged) / LLZO.conductivity + faces
    assert found.cell_voltage == pytest.approx(expected, rel=1e-9)
    assert found.iterations <= 4


def overpotential(k: Kinetics, j: float, forward: float, backward: float) -> float:
    local = j / k.contact_fraction

    def excess(x: float) -> float:
        return k.exchange_current * (np.exp(forward * x) - np.exp(-backward * x)) - local

    return RT_F * float(brentq(excess, -30.0, 30.0, xtol=1e-13)) + k.film_resistance * local


@pytest.mark.parametrize("j", [30.0, -30.0])
def test_unlike_faces_with_film_and_contact_loss(j: float) -> None:
    anode = Kinetics(51.0, 298.15, 0.3, 0.7, film_resistance=1.0e-4, contact_fraction=0.8)
    counter = Kinetics(2.0, 298.15, 0.6, 0.4, film_resistance=3.0e-4, contact_fraction=0.5)
    faces = overpotential(anode, j, 0.3, 0.7) + overpotential(counter, j, 0.4, 0.6)
    found = solve_conduction(slab(), LLZO.conductivity, anode, counter, j)
    assert found.cell_voltage == pytest.approx(faces + j * 60.0 / LLZO.conductivity, rel=1e-9)


def test_current_into_a_conducting_flaw() -> None:
    """Fast kinetics: a j per face and depth in a half space; the slab is 20 flaws thick."""
    fast = Kinetics(5.0e6, 298.15)
    body = build(SlabEdgeFlaw(200, 200, 10, 0.25, 20, growth=0.1, path_growth=0.1), MPI.COMM_SELF)
    found = solve_conduction(body, LLZO.conductivity, fast, fast, 10.0, flaw_length=10.0)
    assert found.flaw_current == pytest.approx(10.0 * 10.0, rel=0.03)


def test_slow_kinetics_plate_evenly() -> None:
    slow = Kinetics(1.0, 298.15)  # Wagner number RT kappa/(F i0 a) = 128
    found = solve_conduction(slab(), LLZO.conductivity, slow, slow, 0.01, flaw_length=10.0)
    assert found.flaw_current == pytest.approx(0.01 * 60.0 * 10.0 / 70.0, rel=0.02)


def test_full_field_is_the_plane_engine_without_stress() -> None:
    """Same discretisation, so the condensed engine gives the same numbers where metal takes no volume."""
    face = Kinetics(51.0, 298.15, 0.4, 0.6, film_resistance=1.0e-4, molar_volume=1.0e-14)
    model = replace(cell(constant(40.0, 100.0), loads=Loads(0.0, lateral="free")), anode=face, counter=face)
    engine = CohesiveEngine(problem(model))
    voltage = engine.problem.solve(engine.state, 1.0, ConstantCurrent(40.0)).voltage
    crack, anode, counter = engine.diagnostics.currents()
    found = solve_conduction(slab(), LLZO.conductivity, face, face, 40.0, flaw_length=10.0)
    assert found.cell_voltage == pytest.approx(voltage, rel=1e-9)
    assert found.flaw_current == pytest.approx(crack, rel=1e-8)
    assert crack + anode == pytest.approx(40.0 * 60.0, rel=1e-9)
    assert counter == pytest.approx(40.0 * 60.0, rel=1e-9)


def test_no_convergence_is_a_named_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fullfield, "METHOD", replace(fullfield.METHOD, convergence=Convergence(1.0e-30, 6)))
    with pytest.raises(
        NewtonFailure, match=r"\(conduction\): no convergence after 6 iterations; .*current [0-9]"
    ) as caught:
        solve_conduction(slab(), LLZO.conductivity, FACE, FACE, 40.0)
    assert caught.value.reason is Reason.NO_CONVERGENCE


# -- elasticity ------------------------------------------------------------------------------------

E, NU = LLZO.youngs_modulus, LLZO.poisson_ratio
PATCHES = {
    # (loads, strain along x, strain along y); nothing moves along z
    "stack, free": (Loads(10.0, "free"), 10.0 * NU * (1 + NU) / E, -10.0 * (1 - NU**2) / E),
    "stack, roller": (Loads(10.0, "die"), 0.0, -10.0 * (1 + NU) * (1 - 2 * NU) / ((1 - NU) * E)),
    "lateral": (Loads(0.0, "free", 7.0), 7.0 * (1 - NU**2) / E, -7.0 * NU * (1 + NU) / E),
}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", PATCHES)
def test_uniform_strain_is_exact(tagged: TaggedMesh, preset: str, name: str) -> None:
    loads, xx, yy = PATCHES[name]
    u = solve_elasticity(tagged, LLZO, loads, preset=preset)  # type: ignore[arg-type]
    dim = tagged.mesh.geometry.dim
    x = u.function_space.tabulate_dof_coordinates()
    expected = np.zeros((len(x), dim))
    expected[:, 0], expected[:, 1] = xx * x[:, 0], yy * (x[:, 1] - thickness(tagged))
    assert np.abs(u.x.array.reshape(-1, dim) - expected).max() < 1e-9 * np.abs(expected).max()


@pytest.mark.parametrize("lateral", ["free", "die"])
def test_pressurised_flaw_opens_as_in_the_condensed_model(lateral: str) -> None:
    pressure, stack = 80.0, 5.0
    u = solve_elasticity(slab(), LLZO, Loads(stack, lateral), pressure, 10.0)  # type: ignore[arg-type]
    b = bulk(lateral)
    at, row = b._surface_dofs
    ux = np.zeros(surface().size)
    ux[at] = u.x.array.reshape(-1, 2)[row, 0]
    crack, r = surface().crack, b.response()
    free = surface().x[crack, 1] < 10.0 - 1e-6
    force = stack * r.load_stack + pressure * surface().lumped_area(CRACK)[crack]
    opening = np.zeros(len(crack))
    opening[free] = np.linalg.solve(E * r.stiffness[np.ix_(free, free)], force[free])
    assert np.abs(ux[crack] - opening).max() < 1e-9 * opening.max()


def test_mouth_opening_of_an_edge_crack() -> None:
    """5.816 p a/E' in a half plane; the body is 20 flaws long and the mesh coarse: a few per cent."""
    body = build(SlabEdgeFlaw(200, 200, 10, 0.25, 20, growth=0.1, path_growth=0.1), MPI.COMM_SELF)
    u = solve_elasticity(body, LLZO, Loads(0.0, "free"), 50.0, 10.0)
    x = u.function_space.tabulate_dof_coordinates()
    mouth = int(np.argmin(np.hypot(x[:, 0], x[:, 1])))
    opening = 2.0 * u.x.array.reshape(-1, 2)[mouth, 0]
    assert opening == pytest.approx(5.816 * 50.0 * 10.0 / LLZO.plane_strain_modulus, rel=0.03)


# -- presets ---------------------------------------------------------------------------------------


def figures(tagged: TaggedMesh, preset: str) -> list[float]:
    """Scalars of a conduction and of an elastic solution that are summed over ranks."""
    import ufl
    from dolfinx import fem

    def total(expression: object) -> float:
        return float(tagged.mesh.comm.allreduce(fem.assemble_scalar(fem.form(expression))))

    uneven = Kinetics(51.0, 298.15, 0.4, 0.6, film_resistance=1.0e-4)
    c = solve_conduction(tagged, LLZO.conductivity, uneven, FACE, 40.0, 10.0, preset)  # type: ignore[arg-type]
    u = solve_elasticity(tagged, LLZO, Loads(3.0, "free", 5.0), 50.0, 10.0, preset)  # type: ignore[arg-type]
    dx, n = ufl.dx, ufl.grad(c.potential)
    return [c.cell_voltage, c.flaw_current, total(ufl.inner(n, n) * dx), total(ufl.inner(u, u) * dx)]


def test_presets_agree(tagged: TaggedMesh) -> None:
    assert figures(tagged, "multigrid") == pytest.approx(figures(tagged, "direct"), rel=1e-9)
