"""Single-edge notched plate in tension and in shear: the accelerated solver against plain alternate minimisation.

A square of 1 mm with a notch from its left edge to its centre, one cell wide, held below and moved above. Miehe,
Hofacker & Welschinger, Comput. Methods Appl. Mech. Engrg 199 (2010) 2765.
"""

from dataclasses import dataclass
from pathlib import Path

import basix.ufl
import numpy as np
import ufl
from dolfinx import fem, mesh
from lifrac.solver.numerics.presets import Preset
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.fracture_solver import Equilibrium, FractureSolver
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.solver.physics.damage import AT2
from lifrac.solver.physics.splits import NoSplit, Spectral, Split
from lifrac.solver.reference.alternate_minimisation import AlternateMinimisation
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.figures import against_exact
from lifrac.verification.support.plane_runs import Floats
from mpi4py import MPI
from numpy.typing import NDArray

from .diffuse_crack import graded

EDGE = 1000.0
"""[um]"""
MODULUS, POISSON_RATIO, TOUGHNESS = 210.0e3, 0.3, 2700.0
"""E [MPa] and nu (lambda 121.15, mu 80.77 kN/mm2), Gc [J/m2] (2.7e-3 kN/mm)."""


@dataclass(frozen=True)
class Loading:
    """How the upper edge moves, and what the mesh must resolve.

    Parameters
    ----------
    axis : int
        In which the upper edge moves; the other component is held.
    split : Split
    below : float
        Height below the notch in which a crack can run, over l; `inf`: all of it.
    sides_held : bool
        No vertical displacement of the lateral edges.
    """

    axis: int
    split: Split
    below: float = 3.0
    sides_held: bool = False


TENSION = Loading(1, NoSplit())
SHEAR = Loading(0, Spectral(), np.inf, True)


def grid(loading: Loading, length: float, cell: float) -> tuple[Floats, NDArray[np.int64]]:
    """Nodes (n, 2) [um] and triangles (m, 3): square cells halved where the crack can run, ever larger beyond.

    The notch is a row of cells left out; the crack can go on in the same row.
    """
    middle, half = 0.5 * EDGE, 0.5 * (EDGE - cell)
    right = np.linspace(middle, EDGE, round(0.5 * EDGE / cell) + 1)
    x = np.concatenate([middle - graded(cell, 3.0 * length, middle)[:0:-1], right])
    above = graded(cell, 3.0 * length, half)
    uniform = np.linspace(0.0, half, round(half / cell) + 1)
    below = uniform if np.isinf(loading.below) else graded(cell, loading.below * length, half)
    y = np.concatenate([half - below[::-1], half + cell + above])
    i, j = (a.ravel() for a in np.meshgrid(np.arange(len(x) - 1), np.arange(len(y) - 1)))
    solid = (j != len(below) - 1) | (x[i] >= middle - 1.0e-9)
    i, j = i[solid], j[solid]
    corner = [(j + b) * len(x) + i + a for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))]
    cells = np.concatenate([np.stack([corner[k] for k in three], axis=1) for three in ((0, 1, 3), (0, 3, 2))])
    used, cells = np.unique(cells, return_inverse=True)
    points = np.stack([a.ravel() for a in np.meshgrid(x, y)], axis=1)
    return points[used], cells.reshape(-1, 3).astype(np.int64)


def distributed(comm: MPI.Comm, points: Floats, cells: NDArray[np.int64]) -> mesh.Mesh:
    """Return the mesh, from the arrays of rank 0 (collective)."""
    element = basix.ufl.element("Lagrange", "triangle", 1, shape=(2,))
    if comm.rank > 0:
        points, cells = points[:0], cells[:0]
    return mesh.create_mesh(comm, cells, element, points)  # type: ignore[arg-type]


class Plate:
    """The plate, its solvers and the displacement of its upper edge.

    Parameters
    ----------
    msh : mesh.Mesh
        Of the plate, notch left out.
    length : float
        l [um].
    toughness : float
        Gc [J/m2].
    """

    def __init__(
        self,
        msh: mesh.Mesh,
        loading: Loading,
        length: float,
        control: LoopControl | None = None,
        preset: Preset = "direct",
        toughness: float = TOUGHNESS,
    ) -> None:
        self.state = State.on(msh)
        residual = 1.0e-8 if preset == "direct" else 1.0e-6
        solid = Solid(MODULUS, POISSON_RATIO, toughness, AT2(length), loading.split, residual)
        self.moved, self.comm = fem.Constant(msh, 0.0), msh.comm
        self.energy = Energy(solid)
        self.prescribed = self._held(loading)
        self.solver = FractureSolver(self.energy, self.state, self.prescribed, control, preset)
        u = self.state.displacement
        edge = fem.Function(u.function_space)
        self._hold(1, EDGE, loading.axis, 1.0).set(edge.x.array)
        self._reaction = fem.form(ufl.derivative(self.energy.stored(u, self.state.damage), u, edge))

    @classmethod
    def gridded(
        cls,
        comm: MPI.Comm,
        loading: Loading,
        length: float,
        cell: float,
        control: LoopControl | None = None,
        preset: Preset = "direct",
    ) -> "Plate":
        """On its `grid` (collective)."""
        return cls(distributed(comm, *grid(loading, length, cell)), loading, length, control, preset)

    def _hold(self, axis: int, where: float, component: int, value: fem.Constant | float) -> fem.DirichletBC:
        """Prescribe a component of u on an edge."""
        space = self.state.displacement.function_space
        facets = mesh.locate_entities_boundary(space.mesh, 1, lambda x: np.isclose(x[axis], where))
        part = space.sub(component)
        return fem.dirichletbc(value, fem.locate_dofs_topological(part, 1, facets), part)  # type: ignore[arg-type]

    def _held(self, loading: Loading) -> list[fem.DirichletBC]:
        held = [self._hold(0, x, 1, 0.0) for x in (0.0, EDGE)] if loading.sides_held else []
        held += [self._hold(1, 0.0, component, 0.0) for component in (0, 1)]
        return [*held, self._hold(1, EDGE, 1 - loading.axis, 0.0), self._hold(1, EDGE, loading.axis, self.moved)]

    def move(self, distance: float) -> tuple[float, Equilibrium]:
        """Move the upper edge there [um] and commit; the force on it [N/mm, per depth]."""
        found = self.solve(distance)
        self.state.commit()
        return self.force(), found

    def solve(self, distance: float) -> Equilibrium:
        """Move the upper edge there [um]; nothing is committed."""
        self.moved.value = distance  # type: ignore[assignment]
        return self.solver.solve()

    def force(self) -> float:
        """On the upper edge [N/mm, per depth] (collective)."""
        return float(self.comm.allreduce(fem.assemble_scalar(self._reaction), op=MPI.SUM)) * 1.0e-3


@dataclass(frozen=True)
class Setting:
    """l and h [um], and the last displacement [um] of so many steps."""

    length: float
    cell: float
    end: float
    steps: int


def pull(loading: Loading, setting: Setting, *, plain: bool = False) -> Floats:
    """Displacement, force [N/mm] and sweeps, one row per step; `plain`: by the reference solver."""
    plate = Plate.gridded(MPI.COMM_SELF, loading, setting.length, setting.cell)
    solver = AlternateMinimisation(plate.solver) if plain else plate.solver
    rows = []
    for moved in np.linspace(0.0, setting.end, setting.steps + 1)[1:]:
        plate.moved.value = float(moved)  # type: ignore[assignment]
        found = solver.solve()
        plate.state.commit()
        rows.append((moved, plate.force(), found.sweeps))
    plate.solver.destroy()
    return np.array(rows)


@check(
    "notched",
    engine="phase field",
    title="Phase field: notched plate in tension and shear, against plain alternate minimisation",
    source="Miehe et al. 2010",
    quick=True,
)
def notched(level: Level, folder: Path | None) -> list[Row]:
    """Peak and whole load-displacement curve, on two meshes; and how many sweeps are saved.

    `quick` has a thicker crack on one coarse mesh. The plates break in one or two steps in tension.
    """
    if level == "quick":
        runs = [("tension", TENSION, Setting(60.0, 30.0, 6.0, 6)), ("shear", SHEAR, Setting(60.0, 30.0, 10.0, 4))]
    else:
        runs = [("tension", TENSION, Setting(30.0, cell, 6.0, 12)) for cell in (15.0, 12.0)]
        runs += [("shear", SHEAR, Setting(30.0, cell, 15.0, 10)) for cell in (15.0, 12.0)]
    rows, exact, computed = [], {}, {}
    for kind, loading, setting in runs:
        name = f"{kind}, l = {setting.length:g}, h = {setting.cell:g} um"
        plain, fast = pull(loading, setting, plain=True), pull(loading, setting)
        peak = float(plain[:, 1].max())
        saved = float(fast[:, 2].sum() / plain[:, 2].sum())
        worst = float(np.abs(fast[:, 1] - plain[:, 1]).max() / peak)
        rows += [
            Row(f"{name}: peak force", float(fast[:, 1].max()), peak, 0.02, "N/mm"),
            Row(f"{name}: worst force on the curve over the peak", worst, 0.0, 0.02, kind="below"),
            Row(f"{name}: sweeps over those of plain", saved, 0.0, 0.5, kind="below"),
        ]
        exact[name], computed[name] = (plain[:, 0], plain[:, 1]), (fast[:, 0], fast[:, 1])
    if folder is not None:
        labels = ("displacement of the upper edge [um]", "force [N/mm]")
        against_exact(folder / "notched.png", exact, computed, labels)
    return rows
