"""Condensation, cache, content key and surface mesh."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from lifrac.errors import NumericalFailure
from lifrac.solver.model.loads import Loads
from lifrac.solver.numerics.cache import cache_folder, content_key
from lifrac.solver.numerics.condensation import CondensedOperator, neumann_inverse
from lifrac.solver.numerics.linear import LinearSolver
from lifrac.solver.plane.bulk import Bulk
from petsc4py import PETSc
from support.plane_cell import LLZO, response, slab, surface

RNG = np.random.default_rng(1)


def csr(operator: CondensedOperator) -> sp.csr_matrix:
    indptr, indices, data = operator.matrix.getValuesCSR()
    return sp.csr_matrix((data, indices, indptr))


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


def fresh(preset: str, lateral: str = "die") -> Bulk:
    return Bulk(slab(), surface(), LLZO.poisson_ratio, Loads(lateral=lateral), preset)  # type: ignore[arg-type]


# -- condensation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["direct", "multigrid"])
def test_condensed_elasticity_is_the_direct_solve(preset: str) -> None:
    operator = fresh(preset).elastic_operator
    part, k = operator.partition, csr(operator)
    load, full = operator.matrix.createVecs()
    load.setArray(RNG.standard_normal(load.getLocalSize()))
    f = load.getArray().copy()
    f[part.fixed] = 0.0
    load.setArray(f)
    free = np.setdiff1d(np.arange(k.shape[0]), part.fixed)
    expected = np.zeros(k.shape[0])
    expected[free] = spla.spsolve(k[free][:, free].tocsc(), f[free])
    retained = np.linalg.solve(operator.schur(), operator.load(load))
    order = np.empty(part.size, dtype=int)
    order[part.retained_id] = part.retained
    assert relative(retained, expected[order]) < 1e-10
    operator.recover(retained, load, full)
    assert relative(full.getArray(), expected) < 1e-10


def test_condensed_conduction_is_the_direct_solve() -> None:
    b = fresh("direct")
    operator = b.conduction_operator
    part, k = operator.partition, csr(operator)
    given = RNG.standard_normal(part.size)
    phi = b.recover_potential(given).x.array
    order = np.empty(part.size, dtype=int)
    order[part.retained_id] = part.retained
    inside = np.setdiff1d(np.arange(k.shape[0]), order)
    expected = np.zeros(k.shape[0])
    expected[order] = given
    expected[inside] = spla.spsolve(k[inside][:, inside].tocsc(), -k[inside] @ expected)
    assert relative(phi, expected) < 1e-10
    assert relative(operator.schur() @ given, (k @ expected)[order]) < 1e-10


def test_constant_potential_drives_nothing() -> None:
    s = response().conduction
    assert np.abs(s @ np.ones(len(s))).max() < 1e-11 * np.abs(s).max()
    assert np.array_equal(s, s.T)
    assert np.linalg.eigvalsh(s)[1] > 0.0


def test_neumann_inverse() -> None:
    s, g = response().conduction, response().conduction_inverse
    f = RNG.standard_normal(len(s))
    f -= f.mean()
    assert relative(s @ (g @ f), f) < 1e-10
    assert np.array_equal(g, g.T)
    # Three resistors in a row, by hand: 1 A through all of them drops 1 V in each.
    chain = np.array([[1.0, -1, 0, 0], [-1, 2, -1, 0], [0, -1, 2, -1], [0, 0, -1, 1]])
    assert np.diff(neumann_inverse(chain) @ [1.0, 0, 0, -1]) == pytest.approx([-1.0, -1.0, -1.0])


def test_forces_on_a_closed_crack_plane() -> None:
    """Uniform stress states are exact: the nodal forces add up to the stress times the thickness of 60 um."""
    held, free, nu = response("die"), response("free"), LLZO.poisson_ratio
    assert held.load_stack.sum() == pytest.approx(-nu / (1.0 - nu) * 60.0, rel=1e-10)
    assert free.load_stack.sum() == pytest.approx(0.0, abs=1e-10)
    assert free.load_lateral.sum() == pytest.approx(60.0, rel=1e-10)
    # Between free sides the half model may be shifted without force, between rollers it may not.
    one = np.ones(len(free.load_stack))
    assert np.abs(free.stiffness @ one).max() < 1e-10 * np.abs(free.stiffness).max()
    assert np.linalg.eigvalsh(held.stiffness)[0] > 0.0


def test_a_matrix_without_inverse_is_refused_by_name() -> None:
    singular = PETSc.Mat().createAIJ((3, 3), csr=([0, 1, 2, 3], [0, 1, 2], [1.0, 0.0, 1.0]))
    singular.assemble()
    with pytest.raises(NumericalFailure, match="MUMPS could not factorise"):
        LinearSolver(singular)


def test_no_solver_option_is_left_behind() -> None:
    for preset in ("direct", "multigrid"):
        fresh(preset).elastic_operator.solver.solve_many(np.ones((bulk_rows(), 1)))
    assert not [key for key in PETSc.Options().getAll() if key.startswith("lifrac")]


def bulk_rows() -> int:
    return int(fresh("direct").elastic_operator.k_ii.getLocalSize()[0])


# -- cache -----------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LIFRAC_CACHE", str(folder))
    return folder


def test_a_second_condensation_comes_from_the_cache(store: Path) -> None:
    first, second = fresh("direct"), fresh("direct")
    a = first.response()
    b = second.response()
    assert (first.from_cache, second.from_cache) == (False, True)
    for name in ("conduction", "conduction_inverse", "stiffness", "load_stack", "load_lateral"):
        assert np.array_equal(getattr(a, name), getattr(b, name))
    assert len(list(store.iterdir())) == 1


@pytest.mark.parametrize("damage", ["truncated", "foreign", "empty"])
def test_a_damaged_file_is_computed_anew(store: Path, damage: str) -> None:
    a = fresh("direct").response()
    (file,) = store.iterdir()
    half = file.read_bytes()[: file.stat().st_size // 2]
    file.write_bytes({"truncated": half, "foreign": b"not arrays", "empty": b""}[damage])
    again, last = fresh("direct"), fresh("direct")
    b = again.response()
    assert not again.from_cache
    assert np.array_equal(a.stiffness, b.stiffness)
    last.response()
    assert last.from_cache


def test_cache_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFRAC_CACHE", "off")
    assert cache_folder() is None
    b = fresh("direct")
    b.response()
    assert not b.from_cache


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LIFRAC_CACHE", str(tmp_path / "file" / "below"))
    b = fresh("direct")
    assert b.response().stiffness.shape == (len(surface().crack),) * 2
    assert not b.from_cache


def test_default_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIFRAC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "lifrac"


def test_content_key_sees_what_matters() -> None:
    a = np.arange(6.0)
    keys = {
        content_key(a),
        content_key(a.reshape(2, 3)),
        content_key(a.astype(np.float32)),
        content_key(a + 1e-15),
        content_key(a, "free"),
        content_key(a, "die"),
    }
    assert len(keys) == 6
    assert fresh("direct", "free")._key() != fresh("direct", "die")._key()
    assert fresh("direct")._key() == fresh("multigrid")._key()
    other_material = Bulk(slab(), surface(), 0.3, Loads(lateral="die"))
    assert other_material._key() != fresh("direct")._key()
