"""Bodies of revolution: energies and volumes of uniform states, convergence to an exact field, splits in 3D strain."""

import numpy as np
import pytest
import ufl
from lifrac.solver.phase_field.fracture.displacement import DisplacementSolver
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.fracture_solver import FractureSolver
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.solver.physics.crack_pressure import opening_density, pressure_energy
from lifrac.solver.physics.damage import AT1
from lifrac.solver.physics.frames import Axisymmetric, Cartesian
from lifrac.solver.physics.splits import VOLUMETRIC_DEVIATORIC, NoSplit, Split, StarConvex
from mpi4py import MPI

from dolfinx import fem, mesh  # isort: skip

E, NU, GC = 150.0e3, 0.26, 6.0
RADIUS, HEIGHT = 2.0, 3.0
BULK = E / (3.0 * (1.0 - 2.0 * NU))


def cylinder(cells: int, bottom: float = 0.0) -> State:
    """A section (r, z) through the axis."""
    low, high = np.array([0.0, bottom]), np.array([RADIUS, bottom + HEIGHT])
    return State.on(mesh.create_rectangle(MPI.COMM_SELF, [low, high], [2 * cells, 3 * cells]))


def energy_of(split: Split | None = None) -> Energy:
    return Energy(Solid(E, NU, GC, AT1(1.0), split or NoSplit(), 0.0), frame=Axisymmetric())


def value(form: ufl.Form) -> float:
    return float(fem.assemble_scalar(fem.form(form)))


def test_uniform_state_has_the_energy_of_the_cylinder() -> None:
    """u = (a r, b z): psi = lambda (2a + b)^2/2 + mu (2a^2 + b^2) in all of pi R^2 H, also in cells on the axis."""
    state, a, b = cylinder(2), 2.0e-3, -1.0e-3
    state.displacement.interpolate(lambda x: np.stack([a * x[0], b * x[1]]))
    lam, mu = E * NU / ((1.0 + NU) * (1.0 - 2.0 * NU)), E / (2.0 * (1.0 + NU))
    psi = 0.5 * lam * (2.0 * a + b) ** 2 + mu * (2.0 * a**2 + b**2)
    stored = value(energy_of().stored(state.displacement, state.damage))
    assert stored == pytest.approx(psi * np.pi * RADIUS**2 * HEIGHT, rel=1e-12)
    stress = energy_of().stress(state.displacement, state.damage)
    for axis, eps in ((0, a), (1, b), (2, a)):
        mean = value(Axisymmetric().integral(stress[axis, axis])) / (np.pi * RADIUS**2 * HEIGHT)
        assert mean == pytest.approx(lam * (2.0 * a + b) + 2.0 * mu * eps, rel=1e-12)


def test_damaged_uniform_state_is_integrated_exactly() -> None:
    """d = r/R: int (1 - d)^2 2 pi r dr = pi R^2/6; gamma = 3/8 (d/l + l/R^2)."""
    state, e = cylinder(2), 1.0e-3
    state.displacement.interpolate(lambda x: e * x[:2])
    state.damage.interpolate(lambda x: x[0] / RADIUS)
    area = np.pi * RADIUS**2
    stored = value(energy_of().stored(state.displacement, state.damage))
    assert stored == pytest.approx(4.5 * BULK * e**2 * HEIGHT * area / 6.0, rel=1e-12)
    fracture = value(energy_of().fracture(state.damage))
    assert fracture == pytest.approx(GC * 0.375 * (2.0 / 3.0 + 1.0 / RADIUS**2) * area * HEIGHT, rel=1e-12)


def test_volume_of_a_penny() -> None:
    """Faces at z = 0 that open by w on the upper side: V = pi R^2 w, in whatever width d falls to zero."""
    state, w = cylinder(2), 0.01
    state.displacement.interpolate(lambda x: np.stack([0.0 * x[0], w + 0.0 * x[1]]))
    state.damage.interpolate(lambda x: np.maximum(1.0 - x[1] / 1.5, 0.0))
    volume = value(Axisymmetric().integral(opening_density(state.displacement, state.damage)))
    assert volume == pytest.approx(np.pi * RADIUS**2 * w, rel=1e-12)
    flat = value(Cartesian().integral(opening_density(state.displacement, state.damage)))
    assert flat == pytest.approx(RADIUS * w, rel=1e-12)


def test_hydrostatic_compression_is_kept_or_strengthens() -> None:
    """u = -e x has the 3D strain -e I: no driving force with one split, -r 9 K e^2/2 with the other."""
    state, e, ratio = cylinder(1), 1.0e-3, 5.0
    state.displacement.interpolate(lambda x: -e * x[:2])
    size = 4.5 * BULK * e**2 * np.pi * RADIUS**2 * HEIGHT
    for split, part in ((VOLUMETRIC_DEVIATORIC, 0.0), (StarConvex(ratio), -ratio), (NoSplit(), 1.0)):
        eps = Axisymmetric().strain(state.displacement)
        found = value(Axisymmetric().integral(split.psi_plus(eps, E, NU)))
        assert found == pytest.approx(part * size, rel=1e-12, abs=1e-12 * size)


def thick_sphere_error(cells: int) -> float:
    """L2 error over size of u = x/|x|^3, the decaying part of Lame's thick sphere, held on the whole boundary."""
    state = cylinder(cells, bottom=1.0)
    u = state.displacement
    msh, space = u.function_space.mesh, u.function_space
    given = fem.Function(space)
    given.interpolate(lambda x: 1.0e-3 * x[:2] / np.hypot(x[0], x[1]) ** 3)
    msh.topology.create_connectivity(1, 2)
    boundary = fem.locate_dofs_topological(space, 1, mesh.exterior_facet_indices(msh.topology))
    solver = DisplacementSolver(energy_of(), state, [fem.dirichletbc(given, boundary)])
    solver.solve()
    x = ufl.SpatialCoordinate(msh)
    exact = 1.0e-3 * x / ufl.sqrt(ufl.dot(x, x)) ** 3
    error, size = (value(Axisymmetric().integral(ufl.dot(v, v))) for v in (u - exact, exact))
    solver.destroy()
    return float(np.sqrt(error / size))


def test_thick_sphere_is_approached_with_second_order() -> None:
    coarse, fine = thick_sphere_error(8), thick_sphere_error(16)
    assert coarse < 0.01
    assert np.log2(coarse / fine) == pytest.approx(2.0, abs=0.1)


def test_penny_at_a_given_volume() -> None:
    """p V/2 is stored, at the volume that is asked for, in the whole body."""
    state = cylinder(6)
    msh, space = state.damage.function_space.mesh, state.displacement.function_space
    x = state.damage.function_space.tabulate_dof_coordinates()
    state.break_nodes(np.flatnonzero((x[:, 1] < 0.17) & (x[:, 0] < 1.01)).astype(np.int32))
    pressure, frame = fem.Constant(msh, 0.0), Axisymmetric()
    solid = Solid(E, NU, GC, AT1(0.5))
    energy = Energy(solid, lambda u, d: frame.integral(pressure_energy(u, d, pressure)), frame)
    held = []
    for axis in (0, 1):
        facets = mesh.locate_entities_boundary(msh, 1, lambda x, a=axis: np.isclose(x[a], 0.0))
        dofs = fem.locate_dofs_topological(space.sub(axis), 1, facets)
        held.append(fem.dirichletbc(fem.Constant(msh, 0.0), dofs, space.sub(axis)))
    solver = FractureSolver(energy, state, held, LoopControl(1.0e-8), pressure=pressure)
    assert solver.volume is not None
    solver.volume.volume = 1.0e-4
    solver.solve()
    volume = value(frame.integral(opening_density(state.displacement, state.damage)))
    assert volume == pytest.approx(1.0e-4, rel=1e-7)
    stored = solver.energies().stored
    assert stored == pytest.approx(0.5 * float(pressure.value) * 1.0e-4, rel=1e-7)
    solver.destroy()
