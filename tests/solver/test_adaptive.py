"""Meshes that follow a crack: same answer as a mesh that is fine throughout, irreversibility, redone steps, resume."""

from itertools import pairwise

import numpy as np
import pytest
import ufl
from lifrac.errors import NumericalFailure
from lifrac.meshes.refinement import cell_sizes
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.solver.numerics import adaptive
from lifrac.solver.numerics.conservative_transfer import fill_and_rest
from lifrac.solver.numerics.gathered_fields import gather_fields
from lifrac.solver.numerics.nodal import nodal_sums
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.energy_release import tip_position
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.refinement_rule import CrackFront, Refinement
from lifrac.solver.physics.damage import AT1
from mpi4py import MPI
from support.pulled_plate import CELL, COARSE, GC, HEIGHT, LENGTH, NOTCH, NU, E, PulledPlate, pulled_plate, rectangle

from dolfinx import fem, mesh  # isort: skip

OPENINGS = (0.02, 0.025, 0.03)
"""[um]: the crack is at rest, has begun to grow, and has run through."""


def test_start_is_refined_around_the_crack_which_stays_one_row_wide() -> None:
    body = pulled_plate(MPI.COMM_SELF, COARSE)
    state, msh = body.problem.state, body.problem.tagged.mesh
    cells, points = msh.geometry.dofmaps[0], msh.geometry.x[:, :2]
    broken = (state.damage.x.array[state.damage.function_space.dofmap.list] == 1.0).all(axis=1)
    area = 0.5 * (cell_sizes(points, cells) ** 2)[broken].sum()
    assert area == pytest.approx(NOTCH * CELL, rel=0.1)  # less where a cell reaches beyond the notch's end
    y = points[cells[broken]][..., 1]
    assert y.min() == pytest.approx(0.5 * HEIGHT)
    assert y.max() == pytest.approx(0.5 * HEIGHT + CELL)
    sizes, middle = cell_sizes(points, cells), points[cells].mean(axis=1)
    beside = (np.abs(middle[:, 1] - 0.5 * HEIGHT) < 0.5 * LENGTH) & (middle[:, 0] < NOTCH)
    assert sizes[beside].max() <= CELL * 1.00001
    assert sizes.max() == pytest.approx(COARSE)


def test_growing_crack_is_that_of_a_uniform_mesh() -> None:
    found, nodes = [], []
    for cell in (CELL, COARSE):
        body = pulled_plate(MPI.COMM_SELF, cell)
        for opening in OPENINGS:
            minimum = body.step(lambda plate, opening=opening: plate.pull(opening))
            body.problem.state.commit()
            tip = tip_position(body.problem.state, 0)
            found.append((minimum.stored, minimum.fracture, tip))
            nodes.append(body.problem.state.damage.x.index_map.size_global)
    uniform, followed = np.array(found).reshape(2, len(OPENINGS), 3)
    assert np.abs(followed[:2] / uniform[:2] - 1.0).max() < 0.01
    assert followed[2, 1:] == pytest.approx(uniform[2, 1:], rel=0.01)  # nothing is stored in two halves
    assert nodes[len(OPENINGS)] < 0.8 * nodes[0]


def test_refinement_changes_no_field_and_a_crack_does_not_heal() -> None:
    body = pulled_plate(MPI.COMM_SELF, COARSE)
    committed: list[dict[tuple[float, ...], float]] = []
    for opening in (0.015, 0.025, 0.01):
        energies = body.problem.solver.energies()
        rounds = body.rounds

        def solve(plate: PulledPlate, opening: float = opening, start: tuple[float, ...] = energies) -> None:
            """Whatever the mesh, the step starts from the same fields."""
            assert plate.solver.energies() == pytest.approx(start, rel=1e-11, abs=1e-12)
            assert plate.state.violation() == 0.0
            plate.pull(opening)

        body.step(solve)
        assert body.rounds > rounds or opening == 0.01
        body.problem.state.commit()
        nodes = body.problem.tagged.mesh.geometry.x
        damage = body.problem.state.lower_bound
        at = np.empty(len(nodes))
        at[body.problem.tagged.mesh.geometry.dofmaps[0]] = damage.x.array[damage.function_space.dofmap.list]
        committed.append({tuple(x): d for x, d in zip(nodes.tolist(), at, strict=True)})
    for before, after in pairwise(committed):
        assert all(after[x] >= d for x, d in before.items())


def test_failed_step_leaves_its_start_on_the_present_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    body = pulled_plate(MPI.COMM_SELF, COARSE)
    calls = []

    def fails_on_the_finer_mesh(plate: PulledPlate) -> None:
        calls.append(plate)
        if len(calls) == 2:
            raise NumericalFailure("as wanted")
        plate.pull(0.025)

    energies = body.problem.solver.energies()
    with pytest.raises(NumericalFailure, match="as wanted"):
        body.step(fails_on_the_finer_mesh)
    assert body.problem is calls[1] is not calls[0]
    assert body.problem.solver.energies() == pytest.approx(energies, rel=1e-12)
    assert float(body.problem.opening.value) == 0.0
    body.step(lambda plate: plate.pull(0.015))
    body.reject()
    assert body.problem.solver.energies() == pytest.approx(energies, rel=1e-12)
    monkeypatch.setattr(adaptive, "MAX_ROUNDS", 1)
    body = pulled_plate(MPI.COMM_SELF, COARSE)
    with pytest.raises(NumericalFailure, match="after 1 refinements"):
        body.step(lambda plate: plate.pull(0.025))
    assert float(body.problem.opening.value) == 0.0


def test_stress_concentration_on_coarse_cells_is_refined_until_it_no_longer_counts() -> None:
    """Without any damage; the rest of the body, at a share of the elastic limit of 0.1, is left as it is."""
    body = adaptive.Adaptive(rectangle(MPI.COMM_SELF, COARSE), bare_plate, lambda plate: plate.front.demands())
    assert body.problem.tagged.report.cells == 72
    strain = np.sqrt(0.1 * 3.0 * GC / (8.0 * LENGTH) * (1.0 + NU) * (1.0 - 2.0 * NU) / ((1.0 - NU) * E))

    def concentrate(plate: PulledPlate) -> None:
        """A homogeneous strain, four times as large within 0.6 um of the middle of the lower edge."""

        def field(x: np.ndarray) -> np.ndarray:
            away = np.hypot(x[0] - 4.5, x[1])
            return np.stack([0.0 * x[0], strain * x[1] * (1.0 + 3.0 * np.clip((2.6 - away) / 2.0, 0.0, 1.0))])

        plate.state.displacement.interpolate(field)

    body.step(concentrate)
    points, cells = body.problem.tagged.mesh.geometry.x, body.problem.tagged.mesh.geometry.dofmaps[0]
    sizes, middle = cell_sizes(points, cells), points[cells].mean(axis=1)
    away = np.hypot(middle[:, 0] - 4.5, middle[:, 1])
    assert sizes[away < 0.5].max() <= CELL * 1.00001
    assert sizes[away > 7.0].min() > 0.99 * COARSE


def bare_plate(tagged: object, before: PulledPlate | None) -> PulledPlate:
    plate = PulledPlate(tagged, before)  # type: ignore[arg-type]
    for field in (plate.state.damage, plate.state.lower_bound):
        field.x.array[:] = 0.0
    return plate


def test_arrays_bring_mesh_and_fields_back() -> None:
    body = pulled_plate(MPI.COMM_SELF, COARSE)
    body.step(lambda plate: plate.pull(0.025))
    body.problem.state.commit()
    arrays = body.arrays()
    again = adaptive.resume(MPI.COMM_SELF, arrays, PulledPlate, lambda plate: plate.front.demands())
    assert set(arrays) == set(again.arrays())
    for name, values in again.arrays().items():
        assert np.array_equal(values, arrays[name]), name
    found = [b.step(lambda plate: plate.pull(0.026)).total for b in (body, again)]
    assert found[1] == pytest.approx(found[0], rel=1e-12)
    assert gather_fields(again.problem.fields())["damage"].max() == 1.0


class Block:
    """A cube in 3D whose damage is given, not solved for."""

    def __init__(self, tagged: TaggedMesh, before: "Block | None") -> None:
        self.state = State.on(tagged.mesh)
        self.energy = Energy(Solid(E, NU, GC, AT1(LENGTH)))
        self.front = CrackFront(self.energy, self.state, Refinement(CELL))
        self.fields, self.snapshot, self.restore = self.state.fields, self.state.snapshot, self.state.restore

    def surface(self) -> float:
        return float(fem.assemble_scalar(fem.form(self.energy.fracture(self.state.damage))))

    def front_at(self, reach: float) -> None:
        """A crack in the plane z = 1.5, up to x = reach, with the profile of AT1 around it."""

        def profile(x: np.ndarray) -> np.ndarray:
            away = np.hypot(np.maximum(x[0] - reach, 0.0), x[2] - 1.5)
            return np.asarray(np.maximum(1.0 - away / (2.0 * LENGTH), 0.0) ** 2)

        self.state.damage.interpolate(profile)

    def carried(self) -> None: ...

    def destroy(self) -> None: ...


def block_mesh() -> TaggedMesh:
    box = mesh.create_box(MPI.COMM_SELF, [(0.0, 0.0, 0.0), (6.0, 1.5, 3.0)], [8, 2, 4])
    raw = RawMesh(box.geometry.x.copy(), np.asarray(box.geometry.dofmaps[0], dtype=np.int64), {})
    return distribute(MPI.COMM_SELF, raw)


def test_crack_surface_in_3d() -> None:
    body = adaptive.Adaptive(block_mesh(), Block, lambda block: block.front.demands())
    body.step(lambda block: block.front_at(2.0))
    body.problem.state.commit()
    surface, cells = body.problem.surface(), body.problem.state.damage.function_space.mesh.topology.index_map(3)
    assert cells.size_local > 3 * block_mesh().report.cells
    starts = []
    body.step(lambda block: (starts.append(block.surface()), block.front_at(3.0)))
    assert len(starts) >= 2
    assert starts == pytest.approx([surface] * len(starts), rel=1e-12)
    msh = body.problem.state.damage.function_space.mesh
    sizes = cell_sizes(msh.geometry.x, msh.geometry.dofmaps[0])
    middle = msh.geometry.x[msh.geometry.dofmaps[0]].mean(axis=1)
    assert sizes[(np.abs(middle[:, 2] - 1.5) < LENGTH) & (middle[:, 0] < 3.0 + LENGTH)].max() <= CELL * 1.00001
    assert sizes[middle[:, 0] > 5.5].mean() > 1.8 * CELL


class FilledBlock(Block):
    """Each node holds an amount of metal; what it can hold is its share of the crack's surface."""

    def __init__(self, tagged: TaggedMesh, before: "FilledBlock | None") -> None:
        super().__init__(tagged, before)
        self.space = self.state.damage.function_space
        surface = AT1(LENGTH).surface_density(self.state.damage)
        self.form = fem.form(surface * ufl.TestFunction(self.space) * ufl.dx)
        self.fill_fraction, self.rest = (
            fem.Function(self.space, name="fill_fraction"),
            fem.Function(self.space, name="rest"),
        )
        self.volume = nodal_sums(fem.form(ufl.TestFunction(self.space) * ufl.dx), self.space)
        self.amount = np.zeros(len(self.fill_fraction.x.array))
        self.fields = lambda: self.state.fields() | {"fill_fraction": self.fill_fraction, "rest": self.rest}

    def capacity(self) -> np.ndarray:
        return nodal_sums(self.form, self.space)

    def fill(self, amount: np.ndarray) -> None:
        self.amount = amount
        fill_fraction, rest = fill_and_rest(amount, self.capacity())
        self.fill_fraction.x.array[:], self.rest.x.array[:] = fill_fraction, rest / self.volume

    def carried(self) -> None:
        self.amount = self.fill_fraction.x.array * self.capacity() + self.rest.x.array * self.volume


def test_amounts_of_nodes_are_conserved_and_what_is_full_stays_full() -> None:
    body = adaptive.Adaptive(block_mesh(), FilledBlock, lambda block: block.front.demands())
    body.step(lambda block: block.front_at(2.0))
    body.problem.state.commit()
    before = body.problem
    x = before.space.tabulate_dof_coordinates()[:, 0]
    fill_fraction = np.where(x < 1.0, 1.0, np.random.default_rng(1).random(len(x)))
    # Some nodes hold more than they can, and one without capacity holds metal.
    before.fill(
        fill_fraction * before.capacity() * np.where((x > 1.5) & (fill_fraction > 0.9), 1.3, 1.0)
        + 1.0e-3 * (x == x.max())
    )
    body.step(lambda block: block.front_at(3.0))
    after = body.problem
    assert after is not before
    assert len(after.amount) > len(before.amount)
    assert after.amount.sum() == pytest.approx(before.amount.sum(), rel=1e-13)
    assert after.amount.min() >= 0.0
    body.reject()  # back to the damage of the start, that of the amounts
    carried = after.fill_fraction.x.array * after.capacity() + after.rest.x.array * after.volume
    assert carried.sum() == pytest.approx(before.amount.sum(), rel=1e-12)
    (fill_fraction, rest), x = (
        fill_and_rest(after.amount, after.capacity()),
        after.space.tabulate_dof_coordinates()[:, 0],
    )
    full = (x < 0.5) & (after.capacity() > 0.0)
    assert full.sum() > 50
    assert np.abs(fill_fraction[full] - 1.0).max() < 1.0e-12
    assert np.abs(rest[full]).max() < 1.0e-14
    assert rest.sum() == pytest.approx((before.rest.x.array * before.volume).sum(), rel=1e-12)
