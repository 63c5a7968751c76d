"""Alternate minimisation: bounds, energy, equilibrium, what a split does, presets, snapshot and restore."""

import itertools

import numpy as np
import pytest
import ufl
from lifrac.errors import NumericalFailure
from lifrac.solver.numerics.presets import Preset
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.energy_release import crack_length, tip_position
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.fracture_solver import FractureSolver
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.solver.physics.damage import AT1, AT2
from lifrac.solver.physics.splits import VOLUMETRIC_DEVIATORIC, NoSplit, StarConvex
from lifrac.solver.reference.alternate_minimisation import AlternateMinimisation, PlainControl
from mpi4py import MPI
from petsc4py import PETSc
from support.notched_plate import CELLS, GC, NU, WIDTH, E, Plate, hold, plate, pressed

from dolfinx import fem, mesh  # isort: skip

OPENING = 0.09
"""[um]: breaks the plate through."""
TIGHT = LoopControl(damage_tolerance=1.0e-8)


def grow(body: Plate, openings: np.ndarray) -> list[float]:
    """Energies after each step."""
    found = []
    for opening in openings:
        body.opening.value = opening
        minimum = body.solver.solve()
        assert minimum.largest_rise <= 1.0e-12
        assert body.state.violation() == 0.0
        body.state.commit()
        found.append(minimum.total)
    return found


@pytest.mark.parametrize("model", [AT1(1.5), AT2(1.5)], ids=["AT1", "AT2"])
def test_crack_runs_through_and_does_not_heal(model: AT1 | AT2) -> None:
    body = plate(MPI.COMM_SELF, model)
    grow(body, np.array([0.02]))
    assert tip_position(body.state, 0) < 6.0
    grow(body, np.array([OPENING]))
    assert tip_position(body.state, 0) == pytest.approx(WIDTH)
    broken = body.state.damage.x.array.copy()
    length = crack_length(body.solver.energies().fracture, GC * model.toughness_factor(WIDTH / CELLS[0]))
    assert length == pytest.approx(WIDTH, rel=0.15)
    body.opening.value = 0.0
    body.solver.solve()
    assert (body.state.damage.x.array >= broken).all()
    body.solver.destroy()


def test_minimum_is_one_of_both_fields() -> None:
    """No direction within the bounds lowers the energy: dE/du = 0, and dE/dd has the sign that its bound asks for."""
    body = plate(MPI.COMM_SELF, control=TIGHT)
    grow(body, np.array([0.03, 0.04]))
    u, d = body.state.displacement, body.state.damage
    low = body.state.lower_bound.x.array.copy()
    body.opening.value = 0.045
    body.solver.solve()
    slope = fem.assemble_vector(fem.form(ufl.derivative(Energy(body.solid).total(u, d), d))).array
    scale = np.abs(slope).max()
    free = (d.x.array > low + 1e-6) & (d.x.array < 1.0 - 1e-6)
    assert free.sum() > 10
    assert np.abs(slope[free]).max() < 1.0e-5 * scale
    held = (d.x.array <= low) & (d.x.array < 1.0)
    assert held.sum() > 10
    assert slope[held].min() > -1.0e-5 * scale


def test_acceleration_finds_the_minimum_of_plain_alternation_in_fewer_sweeps() -> None:
    runs = []
    for plain in (True, False):
        body = plate(MPI.COMM_SELF, control=TIGHT)
        solver = body.solver
        if plain:
            solver = AlternateMinimisation(body.solver, PlainControl(1.0e-8, 1.0e-10))  # type: ignore
        body.opening.value = 0.02
        minimum = solver.solve()
        runs.append((minimum.total, minimum.sweeps, body.state.damage.x.array.copy()))
    (plain_energy, many, d), (energy, few, e) = runs
    assert energy == pytest.approx(plain_energy, rel=1e-10)
    assert np.abs(d - e).max() < 1.0e-6
    assert few < 0.6 * many


def test_presets_agree() -> None:
    damage = []
    for preset in ("direct", "multigrid"):
        body = plate(MPI.COMM_SELF, control=TIGHT, preset=preset)  # type: ignore[arg-type]
        grow(body, np.array([0.02]))
        damage.append(body.state.damage.x.array.copy())
        body.solver.destroy()
    assert np.abs(damage[0] - damage[1]).max() < 1.0e-4  # k differs: 1e-8, 1e-6


def rollers(state: State, *sides: tuple[int, float, fem.Constant]) -> list[fem.DirichletBC]:
    """Sides (axis, where, value) that are held in the direction of their normal only."""
    space, held = state.displacement.function_space, []
    for axis, where, value in sides:
        facets = mesh.locate_entities_boundary(space.mesh, 1, lambda x, a=axis, at=where: np.isclose(x[a], at))
        held.append(fem.dirichletbc(value, fem.locate_dofs_topological(space.sub(axis), 1, facets), space.sub(axis)))
    return held


def test_multigrid_leaves_held_dofs_where_they_are_held() -> None:
    """CG with multigrid ends with some residual; only free dofs move with it. (Reactions would do work.)"""
    msh = mesh.create_rectangle(MPI.COMM_SELF, [(0.0, 0.0), (8.0, 8.0)], (32, 32))
    state = State.on(msh)
    end, zero = fem.Constant(msh, 0.03), fem.Constant(msh, 0.0)
    held = rollers(state, (0, 0.0, zero), (1, 0.0, zero), (1, 8.0, end))
    solver = FractureSolver(Energy(Solid(E, NU, GC, AT1(1.5))), state, held, preset="multigrid")
    values = state.displacement.x.array.reshape(-1, 2)
    x, y = state.displacement.function_space.tabulate_dof_coordinates()[:, :2].T
    for reduction in (0.1, 0.0):
        solver.displacement.solve(reduction)
        assert np.abs(values[x < 1e-9, 0]).max() == 0.0
        assert np.abs(values[y < 1e-9, 1]).max() == 0.0
        assert (values[y > 8.0 - 1e-9, 1] == 0.03).all()
    assert solver.displacement.preset == "multigrid"
    solver.destroy()


@pytest.mark.parametrize("preset", ["direct", "multigrid"])
def test_rising_energy_ends_the_minimisation(preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that damage the intact body ever more than is best: a few parts in 1e8 of the energy are noticed."""
    body = plate(MPI.COMM_SELF, control=TIGHT, preset=preset)
    d, put = body.state.damage, body.solver.damage.put
    excess = itertools.count(1)

    def too_far(values: np.ndarray) -> None:
        put(values)
        d.x.array[d.x.array < 0.1] += 1.0e-8 * next(excess)

    monkeypatch.setattr(body.solver.damage, "put", too_far)
    body.opening.value = 0.02
    with pytest.raises(NumericalFailure, match="energy rose"):
        body.solver.solve()


def test_split_closes_a_compressed_crack() -> None:
    """Broken all over and pressed between rough plates: stiffness K where compression is kept, none without a split."""
    stored = {}
    for name, chosen in (("kept", VOLUMETRIC_DEVIATORIC), ("none", NoSplit())):
        body = plate(MPI.COMM_SELF, split=chosen)
        body.state.damage.x.array[:] = 1.0
        given = body.state.displacement
        given.interpolate(lambda x: np.stack([0.0 * x[0], -0.01 * x[1] / 8.0]))
        stored[name] = body.solver.energies().stored
        body.opening.value = -0.01
        body.solver.displacement.solve()
        assert body.solver.energies().stored <= stored[name]
    bulk = 150.0e3 / (3.0 * (1.0 - 2.0 * 0.26))
    assert stored["kept"] == pytest.approx(0.5 * bulk * (0.01 / 8.0) ** 2 * 96.0, rel=1e-6)
    assert stored["none"] < 1.0e-6 * stored["kept"]


def test_compression_does_not_break_the_star_convex_body() -> None:
    """The energy that is concave in d there is handled by its tangent: d stays where it was."""
    body = plate(MPI.COMM_SELF, split=StarConvex(5.0))
    before = body.state.damage.x.array.copy()
    grow(body, np.array([-0.001]))
    far = np.abs(body.state.damage.function_space.tabulate_dof_coordinates()[:, 1] - 4.0) > 3.2
    assert np.abs(body.state.damage.x.array - before)[far].max() == 0.0


def test_tough_grain_holds_weak_one_breaks() -> None:
    """Gc by cells: of two halves of a pulled bar, only the weaker one is damaged."""
    msh = mesh.create_rectangle(MPI.COMM_SELF, [(0.0, 0.0), (8.0, 1.0)], (32, 4))
    state = State.on(msh)
    toughness = fem.Function(fem.functionspace(msh, ("DG", 0)))
    toughness.interpolate(lambda x: np.where(x[0] < 4.0, 6.0, 3.0))
    end, zero = fem.Constant(msh, 0.0), fem.Constant(msh, 0.0)
    held = rollers(state, (0, 0.0, zero), (0, 8.0, end), (1, 0.0, zero))
    solver = FractureSolver(Energy(Solid(150.0e3, 0.26, toughness, AT1(1.0))), state, held)
    weak = np.sqrt(3.0 * 3.0 * (1.0 - 0.26**2) / (8.0 * 150.0e3))
    end.value = 8.0 * weak * 1.02
    solver.solve()
    x = state.damage.function_space.tabulate_dof_coordinates()[:, 0]
    assert state.damage.x.array[x > 4.5].max() > 0.9
    assert state.damage.x.array[x < 2.0].max() == 0.0


def test_stiff_and_compliant_grain_in_series() -> None:
    """E by cells, uniaxial strain: the two halves share the stress of springs in series, exactly."""
    msh = mesh.create_rectangle(MPI.COMM_SELF, [(0.0, 0.0), (8.0, 1.0)], (8, 2))
    state = State.on(msh)
    modulus = fem.Function(fem.functionspace(msh, ("DG", 0)))
    modulus.interpolate(lambda x: np.where(x[0] < 4.0, 200.0e3, 50.0e3))
    end, zero = fem.Constant(msh, 8.0e-4), fem.Constant(msh, 0.0)
    held = rollers(state, (0, 0.0, zero), (0, 8.0, end), (1, 0.0, zero), (1, 1.0, zero))
    solver = FractureSolver(Energy(Solid(modulus, 0.26, GC, AT1(1.0), residual_stiffness=0.0)), state, held)
    found = solver.solve()
    oedometric = (1.0 - 0.26) / ((1.0 + 0.26) * (1.0 - 0.52))
    stress = 8.0e-4 / (oedometric**-1 * (4.0 / 200.0e3 + 4.0 / 50.0e3))
    assert found.stored == pytest.approx(0.5 * stress * 8.0e-4, rel=1e-10)
    solver.destroy()


def test_snapshot_and_restore() -> None:
    body = plate(MPI.COMM_SELF, control=TIGHT)
    grow(body, np.array([0.03]))
    kept = body.state.snapshot()
    first = grow(body, np.array([0.05]))
    body.state.restore(kept)
    # The factorisation that the solver remembers is another one: the same as far as it has converged.
    assert grow(body, np.array([0.05])) == pytest.approx(first, rel=1e-10)


def test_failure_says_why() -> None:
    body = plate(MPI.COMM_SELF, control=LoopControl(max_sweeps=3))
    body.opening.value = OPENING
    with pytest.raises(NumericalFailure, match="after 3 sweeps"):
        body.solver.solve()


def test_no_options_are_left_behind() -> None:
    before = PETSc.Options().getAll()
    body = plate(MPI.COMM_SELF)
    grow(body, np.array([0.01]))
    assert PETSc.Options().getAll() == before
    body.solver.destroy()


def test_volume_control() -> None:
    """The crack holds what it is asked to; p is linear in it while d stands still; p and u balance at either end."""
    body = pressed(MPI.COMM_SELF)
    pressures = []
    for volume in (1.0e-4, 2.0e-4):
        pressures.append(hold(body, volume))
        assert body.solver.volume is not None
        assert body.solver.volume.crack_volume() == pytest.approx(volume, rel=1e-9)
        found = body.state.displacement.x.array.copy()
        body.solver.displacement.solve()  # at that pressure, now given
        assert np.abs(body.state.displacement.x.array - found).max() < 1.0e-7 * np.abs(found).max()
    assert pressures[1] == pytest.approx(2.0 * pressures[0], rel=1e-6)
    stored, _, load, constraint = body.solver.energies()
    assert stored == pytest.approx(0.5 * pressures[1] * 2.0e-4, rel=1e-8)
    assert load == pytest.approx(-2.0 * stored, rel=1e-8)
    assert constraint == pytest.approx(-load, rel=1e-8)


def test_volume_without_a_crack_is_a_failure() -> None:
    body = pressed(MPI.COMM_SELF)
    body.state.damage.x.array[:] = 0.0
    with pytest.raises(NumericalFailure, match="no open crack"):
        hold(body, 1.0e-3)
