"""A crack that grows on a mesh that follows it, and on the same mesh refined everywhere: answers and costs.

Two cracks in plane strain whose growth is stable: a straight one of given volume in a quarter of a body, and one that
starts from an inclined flaw in a plate that is wedged open, and turns.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from dolfinx import fem, mesh
from lifrac.meshes.refinement import SizeDemand
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.solver.numerics.adaptive import Adaptive
from lifrac.solver.numerics.gathered_fields import Fields
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.energy_release import BROKEN
from lifrac.solver.phase_field.fracture.fields import Snapshot, State
from lifrac.solver.phase_field.fracture.fracture_solver import Equilibrium, FractureSolver
from lifrac.solver.phase_field.fracture.refinement_rule import CrackFront, Refinement
from lifrac.solver.physics.crack_pressure import pressure_energy
from lifrac.solver.physics.damage import AT1
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.crack_shapes import LINE
from lifrac.verification.support.plane_runs import Floats
from mpi4py import MPI
from numpy.typing import NDArray

from .diffuse_crack import A0, MODULUS, PLANE_STRAIN_MODULUS, POISSON_RATIO, TOUGHNESS

BESIDE = 1.0e-3
"""Flaws run this far beside nodes [um], so that they cross one row of cells."""


@dataclass(frozen=True)
class Square:
    """A square body [um], cells of the first mesh along its edge, how often they are halved, fine cells per l."""

    size: float
    coarse: int
    halvings: int
    per_length: float

    @property
    def cell(self) -> float:
        """Cell size h of the fine mesh [um]."""
        return self.size / self.coarse / 2**self.halvings

    @property
    def model(self) -> AT1:
        """Damage model with the internal length of the square."""
        return AT1(self.per_length * self.cell)

    @property
    def solid(self) -> Solid:
        """Elastic solid with that damage model."""
        return Solid(MODULUS, POISSON_RATIO, TOUGHNESS, self.model)

    def tagged(self) -> TaggedMesh:
        """Return the first mesh: squares of two triangles each."""
        corners, counts = [(0.0, 0.0), (self.size, self.size)], [self.coarse, self.coarse]
        whole = mesh.create_rectangle(MPI.COMM_SELF, corners, counts)
        cells = np.asarray(whole.geometry.dofmaps[0], dtype=np.int64)
        return distribute(MPI.COMM_SELF, RawMesh(whole.geometry.x[:, :2].copy(), cells, {}))


@dataclass(frozen=True)
class Loaded:
    """A minimiser on one mesh with its energy, and the function that puts a load on it."""

    solver: FractureSolver
    energy: Energy
    apply: Callable[[float], None]


class Case(Protocol):
    """A body, the segment whose cells are broken, and its loads one after the other."""

    @property
    def square(self) -> Square:
        """Body and meshes."""
        ...

    @property
    def flaw(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of the crack at the start [um]."""
        ...

    @property
    def loads(self) -> Sequence[float]:
        """Loads that are applied one after the other."""
        ...

    def loaded(self, state: State) -> Loaded:
        """Put boundary conditions and the load on the mesh of a state."""
        ...


def held_at(state: State, component: int, axis: int, at: float) -> NDArray[np.int32]:
    """Dofs of a component of the displacement on a face."""
    space = state.displacement.function_space
    facets = mesh.locate_entities_boundary(space.mesh, 1, lambda x: np.isclose(x[axis], at))
    return np.asarray(fem.locate_dofs_topological(space.sub(component), 1, facets))


@dataclass(frozen=True)
class Straight:
    """A crack along x from the origin, of given volume; x = 0 and y = 0 are planes of symmetry."""

    square: Square
    fillings: tuple[float, ...] = (0.8, 1.0, 1.2, 1.5, 2.0)
    """Volumes over that at which the crack grows."""

    @property
    def flaw(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of an edge crack along x [um]."""
        return (0.0, BESIDE), (A0, BESIDE)

    @property
    def loads(self) -> Sequence[float]:
        """Volumes [um2]."""
        model = self.square.model
        factor = model.toughness_factor(2.0 * self.square.cell)
        start = LINE.at_rest(A0, model.length, factor)
        threshold = LINE.share * LINE.threshold(start, PLANE_STRAIN_MODULUS, TOUGHNESS * factor)
        return [filling * threshold for filling in self.fillings]

    def loaded(self, state: State) -> Loaded:
        """Return a body with two planes of symmetry whose crack is filled with a volume."""
        space = state.displacement.function_space
        pressure, zero = fem.Constant(space.mesh, 0.0), fem.Constant(space.mesh, 0.0)
        energy = Energy(self.square.solid, lambda u, d: LINE.frame.integral(pressure_energy(u, d, pressure)))
        held = [fem.dirichletbc(zero, held_at(state, axis, axis, 0.0), space.sub(axis)) for axis in (0, 1)]
        solver = FractureSolver(energy, state, held, pressure=pressure)

        def fill(volume: float) -> None:
            assert solver.volume is not None
            solver.volume.volume = volume

        return Loaded(solver, energy, fill)


@dataclass(frozen=True)
class Inclined:
    """An edge flaw at 45 degrees; the upper edge of the plate turns about its right end, the lower one is held."""

    square: Square

    @property
    def flaw(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of a crack inclined by 45 degrees [um]."""
        middle, reach = 0.4 * self.square.size, 0.2 * self.square.size
        return (0.0, middle + BESIDE), (reach, middle + reach + BESIDE)

    @property
    def loads(self) -> Sequence[float]:
        """Openings [um] at the left end."""
        return [strain * np.sqrt(self.square.size) for strain in (9e-3, 11e-3, 13e-3, 15e-3)]

    def loaded(self, state: State) -> Loaded:
        """Return a body that is held below and pulled above."""
        space, size = state.displacement.function_space, self.square.size
        zero, given = fem.Constant(space.mesh, 0.0), fem.Function(space)
        energy = Energy(self.square.solid)
        lower = [fem.dirichletbc(zero, held_at(state, axis, 1, 0.0), space.sub(axis)) for axis in (0, 1)]
        facets = mesh.locate_entities_boundary(space.mesh, 1, lambda x: np.isclose(x[1], size))
        upper = fem.dirichletbc(given, fem.locate_dofs_topological(space, 1, facets))
        solver = FractureSolver(energy, state, [*lower, upper])

        def open_up(opening: float) -> None:
            given.interpolate(lambda x: np.stack([0.0 * x[0], opening * (1.0 - x[0] / size)]))

        return Loaded(solver, energy, open_up)


def crossed(msh: mesh.Mesh, start: Floats, end: Floats) -> NDArray[np.int32]:
    """Cells that a segment crosses and whose middle lies beside it."""
    corners = msh.geometry.x[msh.geometry.dofmaps[0]][..., :2] - start
    along = (end - start) / np.linalg.norm(end - start)
    across = corners @ np.array([-along[1], along[0]])
    middle = corners.mean(axis=1) @ along
    beside = (middle > 0.0) & (middle < np.linalg.norm(end - start))
    return np.flatnonzero((across.min(axis=1) < 0.0) & (across.max(axis=1) > 0.0) & beside).astype(np.int32)


class Body:
    """A case on one mesh."""

    def __init__(self, case: Case, tagged: TaggedMesh, before: "Body | None") -> None:
        self.state = State.on(tagged.mesh)
        if before is None:
            self.state.break_cells(crossed(tagged.mesh, *np.array(case.flaw)))
        self.loaded = case.loaded(self.state)
        self.front = CrackFront(self.loaded.energy, self.state, Refinement(case.square.cell))

    def fields(self) -> Fields:
        """Return the fields that are carried over to another mesh."""
        return self.state.fields()

    def carried(self) -> None:
        """Nothing follows from the fields."""

    def snapshot(self) -> Snapshot:
        """Return a copy of the state."""
        return self.state.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Put a copy of the state back."""
        self.state.restore(snapshot)

    def destroy(self) -> None:
        """Free the solvers."""
        self.loaded.solver.destroy()

    def solve(self, load: float) -> Equilibrium:
        """Find the minimum under a load."""
        self.loaded.apply(load)
        return self.loaded.solver.solve()

    def row(self, found: Equilibrium) -> tuple[float, ...]:
        """Return stored and surface energy [J/m], the broken node farthest along x [um], and the number of nodes."""
        d = self.state.damage
        x = d.function_space.tabulate_dof_coordinates()[:, :2][d.x.array >= BROKEN]
        return found.stored, found.fracture, *x[x[:, 0].argmax()], d.x.index_map.size_global


@dataclass(frozen=True)
class Growth:
    """Rows of a body after each load, and CPU time [s]."""

    table: Floats
    seconds: float


Demands = Callable[[Body], Sequence[SizeDemand]]


def grow(case: Case, demands: Demands) -> Growth:
    """Apply all loads of a case on a mesh that is refined where `demands` ask for it."""
    start = time.process_time()
    body = Adaptive(case.square.tagged(), lambda tagged, before: Body(case, tagged, before), demands)
    rows = []
    for load in case.loads:
        found = body.step(partial(Body.solve, load=load))
        body.problem.state.commit()
        rows.append(body.problem.row(found))
    body.problem.destroy()
    return Growth(np.array(rows), time.process_time() - start)


def followed(body: Body) -> Sequence[SizeDemand]:
    """Fine where the crack is and goes."""
    return body.front.demands()


def everywhere(square: Square) -> Demands:
    """Fine in the whole body."""
    demand = SizeDemand(np.full((1, 2), 0.5 * square.size), square.size, square.size, square.cell)
    return lambda body: [demand]


def compare(name: str, case: Case, most: float, timed: bool = True) -> list[Row]:
    """Both ways; `most` is the largest share of nodes [-]. The CPU time is a row where it is `timed`."""
    Body(case, case.square.tagged(), None).destroy()  # nothing is compiled while time is taken
    one, all_fine = grow(case, followed), grow(case, everywhere(case.square))
    ratio = np.abs(one.table / all_fine.table - 1.0).max(axis=0)
    apart = np.hypot(*(one.table - all_fine.table)[:, 2:4].T).max() / case.square.cell
    nodes = one.table[-1, 4] / all_fine.table[-1, 4]
    about = f"{name}, {all_fine.table[-1, 4]:.0f} nodes if fine everywhere"
    rows = [
        Row(f"{about}: worst difference of the force or pressure", float(ratio[0]), 0.0, 0.01, kind="below"),
        Row(f"{about}: worst difference of the surface energy", float(ratio[1]), 0.0, 0.01, kind="below"),
        Row(f"{about}: largest distance of the tips over h", float(apart), 0.0, 1.5, kind="below"),
        Row(f"{about}: share of these nodes at the end", float(nodes), 0.0, most, kind="below"),
    ]
    if timed:
        rows.append(Row(f"{about}: share of the CPU time", one.seconds / all_fine.seconds, 0.0, 1.0, kind="below"))
    return rows


@check(
    "adaptive",
    engine="phase field",
    title="Phase field: meshes that follow a crack",
    source="invariance",
    quick=True,
)
def adaptive(level: Level, folder: Path | None) -> list[Row]:
    """Force or pressure (both follow from the stored energy), surface energy and path on both meshes, and their cost.

    `quick` has the straight crack only, in a small body, at three volumes; it takes no time.
    """
    if level == "quick":
        return compare("straight crack", Straight(Square(40.0, 15, 2, 3.0), (0.8, 1.2, 2.0)), 0.25, timed=False)
    rows = compare("straight crack", Straight(Square(60.0, 48, 2, 4.0)), 0.1)
    return rows + compare("crack from an inclined flaw", Inclined(Square(60.0, 30, 2, 3.0)), 0.25)
