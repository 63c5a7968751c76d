"""A diffuse crack under pressure, line or penny: its opening at rest, and its growth at fixed volume.

Quarter model: crack along x from the origin, x = 0 (the axis of the penny) and y = 0 planes of symmetry. The crack is a
row of broken cells, so that two rows break in the whole: Gc counts 1 + 3(2h)/8l times, and the crack at rest is longer,
by pi l/4 over that for a line, for the damage around its ends.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ufl
from dolfinx import fem, mesh
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.fracture_solver import FractureSolver
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.solver.physics.crack_pressure import opening_density, pressure_energy
from lifrac.solver.physics.damage import AT1
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.crack_shapes import LINE, PENNY, Shape
from lifrac.verification.support.plane_runs import Floats
from mpi4py import MPI

A0, BODY = 10.0, 40.0
"""Half length or radius of the crack [um]; size of the body over it."""
MODULUS, POISSON_RATIO, TOUGHNESS = 150.0e3, 0.26, 6.0
PLANE_STRAIN_MODULUS = MODULUS / (1.0 - POISSON_RATIO**2)


@dataclass(frozen=True)
class Setting:
    """The crack, l over a0, cells per l, and how far the crack may run over a0."""

    shape: Shape
    length: float
    cells: float
    reach: float

    @property
    def model(self) -> AT1:
        """Damage model with internal length `length` a0."""
        return AT1(self.length * A0)

    @property
    def cell(self) -> float:
        """Cell size h [um]."""
        return self.model.length / self.cells

    @property
    def toughness(self) -> float:
        """Gc of the discrete crack, two rows wide [J/m2]."""
        return TOUGHNESS * self.model.toughness_factor(2.0 * self.cell)

    @property
    def start(self) -> float:
        """Size of the crack at rest [um]: its damage beyond its ends counts as crack."""
        return self.shape.at_rest(A0, self.model.length, self.model.toughness_factor(2.0 * self.cell))

    @property
    def threshold(self) -> float:
        """Volume at which it grows."""
        return self.shape.threshold(self.start, PLANE_STRAIN_MODULUS, self.toughness)


def graded(h: float, fine: float, end: float) -> Floats:
    """Nodes 0, h, 2h ... up to `fine`, then ever farther apart by a fifth, up to `end` [um]."""
    nodes = list(h * np.arange(round(fine / h) + 1))
    step = h
    while nodes[-1] < end:
        step *= 1.2
        nodes.append(nodes[-1] + step)
    nodes[-1] = end
    return np.array(nodes)


def quarter(setting: Setting) -> mesh.Mesh:
    """Fine along the path of the crack, and within 3 l of it."""
    h, l = setting.cell, setting.model.length  # noqa: E741
    x, y = graded(h, setting.reach * A0, BODY * A0), graded(h, 3.0 * l, BODY * A0)
    cells = [len(x) - 1, len(y) - 1]
    msh = mesh.create_rectangle(MPI.COMM_SELF, [(0.0, 0.0), tuple(map(float, cells))], cells)
    points = msh.geometry.x
    points[:, 0], points[:, 1] = x[np.rint(points[:, 0]).astype(int)], y[np.rint(points[:, 1]).astype(int)]
    return msh


class Crack:
    """The crack, its pressure, and its volume in the whole body."""

    def __init__(self, setting: Setting, control: LoopControl | None = None) -> None:
        msh, self.shape = quarter(setting), setting.shape
        self.state = State.on(msh)
        x = self.state.damage.function_space.tabulate_dof_coordinates()
        row = (x[:, 1] < 1.01 * setting.cell) & (x[:, 0] < A0 * (1.0 + 1.0e-9))
        self.state.break_nodes(np.flatnonzero(row).astype(np.int32))
        self.pressure = fem.Constant(msh, 0.0)
        solid = Solid(MODULUS, POISSON_RATIO, TOUGHNESS, setting.model)
        frame = self.shape.frame
        energy = Energy(solid, lambda u, d: frame.integral(pressure_energy(u, d, self.pressure)), frame)
        space = self.state.displacement.function_space
        held = []
        for axis, at in ((0, 0.0), (1, 0.0)):
            facets = mesh.locate_entities_boundary(msh, 1, lambda x, a=axis, at=at: np.isclose(x[a], at))
            dofs = fem.locate_dofs_topological(space.sub(axis), 1, facets)
            held.append(fem.dirichletbc(fem.Constant(msh, 0.0), dofs, space.sub(axis)))
        self.solver = FractureSolver(energy, self.state, held, control, pressure=self.pressure)
        self.sweeps = 0

    def fill(self, volume: float) -> tuple[float, float]:
        """Put a volume into the whole crack; returns pressure [MPa] and surface energy [J/m, or 1e-12 J]."""
        assert self.solver.volume is not None
        self.solver.volume.volume = self.shape.share * volume
        found = self.solver.solve()
        self.state.commit()
        self.sweeps = found.sweeps
        return float(self.pressure.value), found.fracture / self.shape.share

    def opening(self) -> tuple[Floats, Floats]:
        """Return x of the columns of nodes and the opening there [um], averaged with the hat function of the column."""
        u, d = self.state.displacement, self.state.damage
        v, frame = ufl.TestFunction(d.function_space), self.shape.frame
        x, column = np.unique(d.function_space.tabulate_dof_coordinates()[:, 0].round(9), return_inverse=True)
        forms = (frame.integral(2.0 * opening_density(u, d) * v), frame.integral(v / (BODY * A0)))
        volume, area = (np.bincount(column, fem.assemble_vector(fem.form(form)).array) for form in forms)
        return x, volume / area


def at_rest(setting: Setting) -> tuple[float, float, int]:
    """Volume over the exact one at that pressure, worst opening over the exact one less one up to 0.8 a, sweeps."""
    crack, a, shape = Crack(setting), setting.start, setting.shape
    volume = 0.2 * setting.threshold
    pressure, _ = crack.fill(volume)
    x, opening = crack.opening()
    inside = x < 0.8 * a
    exact = shape.opening_factor * pressure / PLANE_STRAIN_MODULUS * np.sqrt(a**2 - x[inside] ** 2)
    worst = float(np.abs(opening[inside] / exact - 1.0).max())
    return volume / shape.volume(pressure, a, PLANE_STRAIN_MODULUS), worst, crack.sweeps


def grow(setting: Setting, fillings: Floats) -> Floats:
    """V over the threshold volume, p and a over Griffith's at that volume, sweeps; one row per filling."""
    crack, shape = Crack(setting), setting.shape
    rows = []
    for filling in fillings:
        volume = filling * setting.threshold
        pressure, energy = crack.fill(volume)
        p, a = shape.griffith(volume, PLANE_STRAIN_MODULUS, setting.toughness)
        rows.append((filling, pressure / p, shape.size(energy / setting.toughness) / a, crack.sweeps))
    return np.array(rows)


def onset(name: str, run: Floats, tolerance: float) -> list[Row]:
    """Check p and a at V_c, where the exact p(V) has its peak.

    The diffuse crack rounds it off, the less the smaller l is.
    """
    (_, pressure, reached, _) = run[run[:, 0] == 1.0][0]
    return [
        Row(f"at V_c, {name}: p over Griffith's", float(pressure), 1.0, tolerance),
        Row(f"at V_c, {name}: a over Griffith's", float(reached), 1.0, tolerance),
    ]


def rest_rows(shape: Shape, tolerances: dict[float, float]) -> list[Row]:
    """Volume and opening for some l/a0, each with its tolerance."""
    rows = []
    for length, tolerance in tolerances.items():
        ratio, worst, _ = at_rest(Setting(shape, length, 4.0, 1.5))
        rows += [
            Row(f"at rest, l = {length:g} a0: volume over the exact one", ratio, 1.0, tolerance),
            Row(f"at rest, l = {length:g} a0: worst opening up to 0.8 a", worst, 0.0, tolerance, kind="below"),
        ]
    return rows


def growth_rows(shape: Shape, level: Level, most: float) -> list[Row]:
    """Check p and a against Griffith's from V_c to `most` V_c, and their exponents past 1.5 V_c at the full level."""
    if level == "quick":
        run = grow(Setting(shape, 0.1, 3.0, 2.0), np.array([1.0, 1.5, 2.0]))
    else:
        past = 1.5 * (most / 1.5) ** np.linspace(0.0, 1.0, 6)
        run = grow(Setting(shape, 0.1, 4.0, 3.0), np.array([0.9, 1.0, 1.1, 1.25, *past]))
    rows = onset("l = 0.1 a0", run, 0.08)
    if level == "full":
        rows += onset("l = 0.05 a0", grow(Setting(shape, 0.05, 4.0, 1.5), np.array([0.9, 1.0])), 0.05)
    grown = run[run[:, 0] >= 1.5]
    for filling, pressure, reached, _ in grown:
        rows.append(Row(f"at {filling:.3g} V_c: p over Griffith's", float(pressure), 1.0, 0.05))
        rows.append(Row(f"at {filling:.3g} V_c: a over Griffith's", float(reached), 1.0, 0.05))
    if level == "full":
        for name, column, exponent in zip(("p", "a"), (1, 2), shape.exponents, strict=True):
            slope = np.polyfit(np.log(grown[:, 0]), np.log(grown[:, column]), 1)[0] + exponent
            rows.append(Row(f"exponent of {name} in V", float(slope), exponent, 0.03))
    return rows


@check(
    "diffuse_crack",
    engine="phase field",
    title="Phase field: pressurised line crack, at rest and growing at fixed volume",
    source="docs/theory/exact_solutions.md, Pressurised cracks",
    quick=True,
)
def diffuse_crack(level: Level, folder: Path | None) -> list[Row]:
    """Volume and opening as l goes to zero; p = (2 E' Gc^2/(pi V))^(1/3) and a = (E' V^2/(4 pi Gc))^(1/3) past 1.5 V_c.

    `quick` has the coarsest crack at rest and three volumes of the growing one.
    """
    tolerances = {0.1: 0.03} if level == "quick" else {0.1: 0.03, 0.05: 0.03, 0.025: 0.03}
    return rest_rows(LINE, tolerances) + growth_rows(LINE, level, 4.0)


@check(
    "penny_crack",
    engine="phase field",
    title="Phase field: pressurised penny (axisymmetric), at rest and growing at fixed volume",
    source="docs/theory/exact_solutions.md, Pressurised cracks",
    quick=True,
)
def penny_crack(level: Level, folder: Path | None) -> list[Row]:
    """Check the growth of a penny: R = (9 E' V^2/(64 pi Gc))^(1/5) and p = (pi^3 E'^2 Gc^3/(12 V))^(1/5).

    Its volume goes with R^3, so that twice as much of the damage around its edge shows in it as in that of a line: the
    error falls in proportion to l, and holds 3 % at l = a0/40 (not in `quick`).
    """
    tolerances = {0.05: 0.04} if level == "quick" else {0.1: 0.07, 0.05: 0.04, 0.025: 0.03}
    return rest_rows(PENNY, tolerances) + growth_rows(PENNY, level, 10.0)
