"""Damage models and splits as functions: against closed forms and against each other."""

import numpy as np
import pytest
import scipy.optimize
import ufl
from lifrac.solver.physics.damage import AT1, AT2, DamageModel
from lifrac.solver.physics.elasticity import energy_density
from lifrac.solver.physics.splits import VOLUMETRIC_DEVIATORIC, NoSplit, Spectral, Split, StarConvex
from mpi4py import MPI
from numpy.typing import NDArray

from dolfinx import fem, mesh  # isort: skip

E, NU = 150.0e3, 0.26
SPLITS = [NoSplit(), VOLUMETRIC_DEVIATORIC, StarConvex(5.0), Spectral()]
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


@pytest.mark.parametrize("split", SPLITS, ids=["none", "vol-dev", "star", "spectral"])
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


LAM, MU = E * NU / ((1.0 + NU) * (1.0 - 2.0 * NU)), E / (2.0 * (1.0 + NU))
STRAINS = {
    "at rest": np.zeros((3, 3)),
    "pulled": np.diag([1.0e-3, 0.0, 0.0]),
    "pushed": np.diag([-1.0e-3, 0.0, 0.0]),
    "pulled, free sides": np.diag([1.0e-3, -NU * 1.0e-3, -NU * 1.0e-3]),
    "pushed, free sides": np.diag([-1.0e-3, NU * 1.0e-3, NU * 1.0e-3]),
    "hydrostatic": np.diag([1.0e-3, 1.0e-3, 1.0e-3]),
    "sheared": np.array([[0.0, 1.0e-3, 0.0], [1.0e-3, 0.0, 0.0], [0.0, 0.0, 0.0]]),
    "nearly equal": np.diag([1.0e-3, -5.0e-4, -5.0e-4 * (1.0 + 1.0e-6)]),
    "mixed": 1.0e-3 * np.array([[0.4, 0.5, 0.2], [0.5, -0.7, 0.3], [0.2, 0.3, 0.1]]),
}


class SpectralPlus:
    """psi_plus, its stress and the action of its tangent on a direction, of a strain that may be changed."""

    def __init__(self, dim: int) -> None:
        msh = mesh.create_unit_square(MPI.COMM_SELF, 1, 1)
        self.strain, self.direction = (fem.Constant(msh, np.zeros((dim, dim))) for _ in range(2))
        eps = ufl.variable(self.strain)
        psi = Spectral().psi_plus(eps, E, NU)
        stress = ufl.diff(psi, eps)
        change = ufl.diff(ufl.inner(stress, self.direction), eps)
        scalars = [psi, *(t[i, j] for t in (stress, change) for i in range(dim) for j in range(dim))]
        self._forms = [fem.form(s * ufl.dx(msh)) for s in scalars]

    def at(self, strain: NDArray[np.float64], direction: NDArray[np.float64]) -> NDArray[np.float64]:
        n = len(self.strain.value)
        self.strain.value[:], self.direction.value[:] = strain[:n, :n], direction[:n, :n]
        return np.array([fem.assemble_scalar(form) for form in self._forms])


def spectral_by_hand(eps: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """lambda/2 <tr>^2 + mu sum <e_i>^2 and lambda <tr> 1 + 2 mu sum <e_i> n_i n_i from numerical eigenvectors."""
    values, vectors = np.linalg.eigh(eps)
    positive, trace = np.maximum(values, 0.0), max(np.trace(eps), 0.0)
    part = (vectors * positive) @ vectors.T
    return 0.5 * LAM * trace**2 + MU * (positive**2).sum(), LAM * trace * np.eye(3) + 2.0 * MU * part


@pytest.mark.parametrize("dim", [2, 3])
def test_spectral_split_and_its_stress(dim: int) -> None:
    """Energy and stress against eigenvectors, finite and right wherever eigenvalues coincide or vanish."""
    spectral, away = SpectralPlus(dim), np.array([[0.3, 0.2, 0.1], [0.2, -0.5, 0.4], [0.1, 0.4, 0.6]])
    for name, given in STRAINS.items():
        eps = given.copy()
        if dim == 2:
            eps[2, :] = eps[:, 2] = 0.0
        found = spectral.at(eps, away)
        psi, stress = spectral_by_hand(eps)
        assert np.isfinite(found).all(), name
        assert found[0] == pytest.approx(psi, rel=1e-9, abs=1e-12), name
        symmetric = found[1 : 1 + dim**2].reshape(dim, dim)
        symmetric = 0.5 * (symmetric + symmetric.T)
        assert np.abs(symmetric - stress[:dim, :dim]).max() < 1.0e-7 * E * 1.0e-3, name


@pytest.mark.parametrize("dim", [2, 3])
def test_spectral_tangent(dim: int) -> None:
    """Against differences of the stress, where eigenvalues differ and where two coincide."""
    spectral, away = SpectralPlus(dim), np.array([[0.3, 0.2, 0.1], [0.2, -0.5, 0.4], [0.1, 0.4, 0.6]])
    away[2, :] *= dim - 2.0
    away[:, 2] *= dim - 2.0
    for name in ("mixed", "pulled, free sides", "pushed, free sides") if dim == 3 else ("mixed",):
        eps, size = STRAINS[name], 1.0e-8
        up, down = (spectral.at(eps + sign * size * away, away)[1 : 1 + dim**2] for sign in (1.0, -1.0))
        tangent = spectral.at(eps, away)[1 + dim**2 :]
        assert np.abs(tangent - (up - down) / (2.0 * size)).max() < 1.0e-4 * E, name


def test_spectral_split_of_uniaxial_strain() -> None:
    """All of a pull drives damage, nothing of a push; a pull with free sides (3D) loses all but mu nu^2 2 e^2."""
    spectral, none, e = SpectralPlus(3), np.zeros((3, 3)), 1.0e-3
    assert spectral.at(STRAINS["pulled"], none)[0] == pytest.approx((0.5 * LAM + MU) * e**2, rel=1e-12)
    assert spectral.at(STRAINS["pushed"], none)[0] == pytest.approx(0.0, abs=1e-12)
    full = 0.5 * E * e**2
    assert spectral.at(STRAINS["pulled, free sides"], none)[0] == pytest.approx(full - 2.0 * MU * (NU * e) ** 2)


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


def _least_cost(model: DamageModel, band: float, bulk: float, width: float, cell: float) -> float:
    """int Gc gamma dy, minimised over P1 damage on a half line in which `cell`/2 is broken."""
    h, broken = 0.05, round(10.0 * cell)
    gc = np.where(h * (np.arange(160) + 0.5) < 0.5 * width, band, bulk) / (2.0 * model.normalisation)
    power = 1 if isinstance(model, AT1) else 2

    def cost(d: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Both sides, and the slope; d^2 by Simpson's rule, which is exact."""
        a, b, rise = d[:-1], d[1:], np.diff(d)
        local = 0.5 * (a + b) if power == 1 else (a**2 + a * b + b**2) / 3.0
        at_a, at_b = (0.5, 0.5) if power == 1 else ((2.0 * a + b) / 3.0, (a + 2.0 * b) / 3.0)
        slope = np.zeros(len(d))
        slope[:-1] += gc * (at_a * h / model.length - 2.0 * model.length / h * rise)
        slope[1:] += gc * (at_b * h / model.length + 2.0 * model.length / h * rise)
        return float(gc @ (local * h / model.length + model.length / h * rise**2)), slope

    bounds = [(1.0, 1.0)] * (broken + 1) + [(0.0, 1.0)] * (160 - broken)
    options = {"maxiter": 20000, "maxfun": 40000, "ftol": 1.0e-13, "gtol": 1.0e-9}
    start = np.array([low for low, _ in bounds])
    found = scipy.optimize.minimize(cost, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    return float(found.fun)


BANDS = [(2.0, 1.0, 0.0), (0.5, 2.4, 0.4), (5.0, 1.0, 0.2), (2.0, 6.0, 0.0)]


@pytest.mark.parametrize("model", [AT1(1.0), AT2(1.0)], ids=["AT1", "AT2"])
@pytest.mark.parametrize(("band", "width", "cell"), BANDS)
def test_crack_in_a_band_costs_what_its_profile_does(
    model: DamageModel, band: float, width: float, cell: float
) -> None:
    bulk = 6.0
    cost = model.interface_toughness(band, bulk, width, cell)
    assert cost == pytest.approx(_least_cost(model, band, bulk, width, cell), rel=2e-3)


@pytest.mark.parametrize("model", [AT1(1.0), AT2(1.0)], ids=["AT1", "AT2"])
def test_limits_of_a_band(model: DamageModel) -> None:
    """No band, a wide band, a band that is none, a tough one."""
    factor = model.toughness_factor(0.25)
    assert model.interface_toughness(2.0, 6.0, 0.0) == pytest.approx(6.0)
    assert model.interface_toughness(2.0, 6.0, 50.0) == pytest.approx(2.0)
    assert model.interface_toughness(6.0, 6.0, 1.3, 0.25) == pytest.approx(6.0 * factor)
    assert model.interface_toughness(9.0, 6.0, 1.3, 0.25) == pytest.approx(6.0 * factor)


@pytest.mark.parametrize("model", [AT1(1.0), AT2(1.0)], ids=["AT1", "AT2"])
def test_crack_runs_beside_a_band_of_one_row(model: DamageModel) -> None:
    """The row beside it is broken: half a profile in the bulk, and half of one that falls in the band first."""
    h, band, bulk = 0.25, 1.5, 6.0
    half_in_band = 0.5 * _least_cost(model, band, bulk, 2.0 * h, 0.0)
    beside = 0.5 * bulk + half_in_band + bulk * (model.toughness_factor(h) - 1.0)
    assert model.interface_toughness(band, bulk, h, h) == pytest.approx(beside, rel=2e-3)
    assert beside < bulk + band * (model.toughness_factor(h) - 1.0)
