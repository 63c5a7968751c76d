"""Damage models and splits as functions: against closed forms and against each other."""

import numpy as np
import pytest
import ufl
from lifrac.solver.backend import dolfinx  # noqa: F401
from lifrac.solver.physics.damage import AT1, AT2, DamageModel
from lifrac.solver.physics.elasticity import energy_density
from lifrac.solver.physics.splits import VOLUMETRIC_DEVIATORIC, NoSplit, Split, StarConvex
from mpi4py import MPI
from numpy.typing import NDArray

from dolfinx import fem, mesh  # isort: skip

E, NU = 150.0e3, 0.26
SPLITS = [NoSplit(), VOLUMETRIC_DEVIATORIC, StarConvex(5.0)]
TENSORS = {
    "pull": [[1.0, 0.2], [0.2, 0.5]],
    "push": [[-1.0, 0.2], [0.2, -0.5]],
    "shear": [[0.0, 1.0], [1.0, 0.0]],
    "3D": [[-1.0, 0.3, 0.1], [0.3, 0.2, 0.0], [0.1, 0.0, 0.4]],
}


def evaluate(expression: ufl.core.expr.Expr) -> float:
    """The value of a constant expression, by integration over a unit square."""
    msh = mesh.create_unit_square(MPI.COMM_SELF, 1, 1)
    return float(fem.assemble_scalar(fem.form(expression * ufl.dx(msh))))


def tensor(name: str) -> ufl.core.expr.Expr:
    return ufl.as_matrix(TENSORS[name])


@pytest.mark.parametrize("split", SPLITS, ids=["none", "vol-dev", "star"])
@pytest.mark.parametrize("name", TENSORS)
def test_split_adds_up_to_the_sound_energy(split: Split, name: str) -> None:
    eps = tensor(name)
    parts = evaluate(split.psi_plus(eps, E, NU) + split.psi_minus(eps, E, NU))
    assert parts == pytest.approx(evaluate(energy_density(eps, E, NU)), rel=1e-12)


def test_hydrostatic_compression_drives_no_damage() -> None:
    """psi_plus of eps = -e I (3D): none where compression is kept, -r 9 K e^2/2 with the star-convex split."""
    eps = -1.0e-3 * ufl.Identity(3)
    bulk = E / (3.0 * (1.0 - 2.0 * NU))
    assert evaluate(VOLUMETRIC_DEVIATORIC.psi_plus(eps, E, NU)) == pytest.approx(0.0, abs=1e-12)
    assert evaluate(StarConvex(5.0).psi_plus(eps, E, NU)) == pytest.approx(-5.0 * 4.5e-6 * bulk, rel=1e-12)
    assert evaluate(NoSplit().psi_plus(eps, E, NU)) == pytest.approx(4.5e-6 * bulk, rel=1e-12)


def _profile_energy(model: DamageModel) -> NDArray[np.float64]:
    """(surface, profile at the half width) of the optimal profile on a fine line."""
    msh = mesh.create_interval(MPI.COMM_SELF, 4000, [0.0, 20.0 * model.length])
    x = ufl.SpatialCoordinate(msh)[0]
    d = model.profile(x)
    dx = ufl.dx(msh, metadata={"quadrature_degree": 8})
    surface = 2.0 * fem.assemble_scalar(fem.form(model.surface_density(d) * dx))
    space = fem.functionspace(msh, ("Lagrange", 1))
    found = fem.Function(space)
    found.interpolate(fem.Expression(d, space.element.interpolation_points))
    points = space.tabulate_dof_coordinates()[:, 0]
    order = np.argsort(points)
    return np.array([surface, np.interp(model.half_width, points[order], found.x.array[order])])


@pytest.mark.parametrize("model", [AT1(1.5), AT2(1.5)], ids=["AT1", "AT2"])
def test_optimal_profile_costs_one_crack(model: DamageModel) -> None:
    surface, rest = _profile_energy(model)
    assert surface == pytest.approx(1.0, rel=1e-4)
    assert rest == pytest.approx(0.01, rel=0.02)


def test_toughness_of_the_discrete_crack() -> None:
    assert AT1(2.0).toughness_factor(0.5) == pytest.approx(1.0 + 3.0 * 0.5 / (8.0 * 2.0))
    assert AT2(2.0).toughness_factor(0.5) == pytest.approx(1.0 + 0.5 / (2.0 * 2.0))
