"""A diffuse line crack under pressure: its opening at rest, and its growth at fixed volume.

Quarter model in plane strain: crack along x from the origin, x = 0 and y = 0 planes of symmetry. The crack is a row of
broken cells, so that two rows break in the whole: Gc counts 1 + 3(2h)/8l times, and the crack at rest is longer by
pi l/4 over that, for the damage around its ends.
"""

from lifrac.solver.backend import dolfinx  # noqa: F401  isort: skip

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ufl
from dolfinx import fem, mesh
from lifrac.solver.phase_field.energy import Energy, Solid
from lifrac.solver.phase_field.minimise import AlternateMinimisation, Control
from lifrac.solver.phase_field.state import State
from lifrac.solver.physics.crack_pressure import opening_density, pressure_energy
from lifrac.solver.physics.damage import AT1
from mpi4py import MPI

from .book import Level, Row, check
from .plane_runs import Floats

A0, BODY = 10.0, 40.0
"""Half length of the crack [um]; size of the body over it."""
MODULUS, POISSON_RATIO, TOUGHNESS = 150.0e3, 0.26, 6.0
PLANE_STRAIN_MODULUS = MODULUS / (1.0 - POISSON_RATIO**2)


@dataclass(frozen=True)
class Setting:
    """l over a0, cells per l, and how far the crack may run over a0."""

    length: float
    cells: float
    reach: float

    @property
    def model(self) -> AT1:
        return AT1(self.length * A0)

    @property
    def cell(self) -> float:
        """h [um]."""
        return self.model.length / self.cells

    @property
    def toughness(self) -> float:
        """Gc of the discrete crack, two rows wide [J/m2]."""
        return TOUGHNESS * self.model.toughness_factor(2.0 * self.cell)

    @property
    def start(self) -> float:
        """Half length of the crack at rest [um]: its damage beyond its ends counts as crack."""
        return A0 + 0.25 * np.pi * self.model.length / self.model.toughness_factor(2.0 * self.cell)


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

    def __init__(self, setting: Setting, control: Control | None = None) -> None:
        msh = quarter(setting)
        self.state = State.on(msh)
        x = self.state.damage.function_space.tabulate_dof_coordinates()
        row = (x[:, 1] < 1.01 * setting.cell) & (x[:, 0] < A0 * (1.0 + 1.0e-9))
        self.state.break_nodes(np.flatnonzero(row).astype(np.int32))
        self.pressure = fem.Constant(msh, 0.0)
        solid = Solid(MODULUS, POISSON_RATIO, TOUGHNESS, setting.model)
        energy = Energy(solid, lambda u, d: pressure_energy(u, d, self.pressure) * ufl.dx)
        space = self.state.displacement.function_space
        held = []
        for axis, at in ((0, 0.0), (1, 0.0)):
            facets = mesh.locate_entities_boundary(msh, 1, lambda x, a=axis, at=at: np.isclose(x[a], at))
            dofs = fem.locate_dofs_topological(space.sub(axis), 1, facets)
            held.append(fem.dirichletbc(fem.Constant(msh, 0.0), dofs, space.sub(axis)))
        self.loop = AlternateMinimisation(energy, self.state, held, control, pressure=self.pressure)
        self.sweeps = 0

    def fill(self, volume: float) -> tuple[float, float]:
        """Put a volume [um2] into the whole crack; returns its pressure [MPa], and half its surface energy [J/m]."""
        assert self.loop.volume is not None
        self.loop.volume.volume = 0.25 * volume
        found = self.loop.minimise()
        self.state.commit()
        self.sweeps = found.sweeps
        return float(self.pressure.value), 2.0 * found.fracture

    def opening(self) -> tuple[Floats, Floats]:
        """x of the columns of nodes and full opening there [um], averaged with the hat function of the column."""
        u, d = self.state.displacement, self.state.damage
        v = ufl.TestFunction(d.function_space)
        volume = fem.assemble_vector(fem.form(2.0 * opening_density(u, d) * v * ufl.dx)).array
        x, column = np.unique(d.function_space.tabulate_dof_coordinates()[:, 0].round(9), return_inverse=True)
        width = np.gradient(x) * np.where(np.arange(len(x)) == 0, 0.5, 1.0)
        return x, np.bincount(column, volume) / width


def at_rest(setting: Setting) -> tuple[float, float, int]:
    """V E'/(2 pi p a^2), worst opening over (4p/E') sqrt(a^2 - x^2) less one up to 0.8 a, sweeps."""
    crack, a = Crack(setting), setting.start
    volume = 0.2 * np.sqrt(4.0 * np.pi * setting.toughness * a**3 / PLANE_STRAIN_MODULUS)
    pressure, _ = crack.fill(volume)
    x, opening = crack.opening()
    inside = x < 0.8 * a
    exact = 4.0 * pressure / PLANE_STRAIN_MODULUS * np.sqrt(a**2 - x[inside] ** 2)
    worst = float(np.abs(opening[inside] / exact - 1.0).max())
    return float(volume * PLANE_STRAIN_MODULUS / (2.0 * np.pi * pressure * a**2)), worst, crack.sweeps


def grow(setting: Setting, fillings: Floats) -> Floats:
    """V over the threshold volume, p and a over Griffith's at that volume, sweeps; one row per filling."""
    crack, gc, e = Crack(setting), setting.toughness, PLANE_STRAIN_MODULUS
    threshold = np.sqrt(4.0 * np.pi * gc * setting.start**3 / e)
    rows = []
    for filling in fillings:
        volume = filling * threshold
        pressure, surface = crack.fill(volume)
        p = (2.0 * e * gc**2 / (np.pi * volume)) ** (1.0 / 3.0)
        a = (e * volume**2 / (4.0 * np.pi * gc)) ** (1.0 / 3.0)
        rows.append((filling, pressure / p, surface / gc / a, crack.sweeps))
    return np.array(rows)


def onset(name: str, run: Floats, tolerance: float) -> list[Row]:
    """p and a at V_c, where the exact p(V) has its peak: the diffuse crack rounds it off, the less the smaller l is."""
    (_, pressure, reached, _) = run[run[:, 0] == 1.0][0]
    return [
        Row(f"at V_c, {name}: p over Griffith's", float(pressure), 1.0, tolerance),
        Row(f"at V_c, {name}: a over Griffith's", float(reached), 1.0, tolerance),
    ]


@check(
    "diffuse_crack",
    title="Phase field: pressurised line crack, at rest and growing at fixed volume",
    source="docs/physics.md, 5.1",
    quick=True,
)
def diffuse_crack(level: Level, folder: Path | None) -> list[Row]:
    """Volume and opening as l goes to zero; p = (2 E' Gc^2/(pi V))^(1/3) and a = (E' V^2/(4 pi Gc))^(1/3) past 1.5 V_c.

    `quick` has the coarsest crack at rest and three volumes of the growing one.
    """
    quick = level == "quick"
    rows = []
    for length in (0.1,) if quick else (0.1, 0.05, 0.025):
        ratio, worst, _ = at_rest(Setting(length, 4.0, 1.5))
        rows += [
            Row(f"at rest, l = {length:g} a0: volume over the exact one", ratio, 1.0, 0.03),
            Row(f"at rest, l = {length:g} a0: worst opening up to 0.8 a", worst, 0.0, 0.03, kind="below"),
        ]
    setting = Setting(0.1, 3.0, 2.0) if quick else Setting(0.1, 4.0, 3.0)
    run = grow(setting, np.array([1.0, 1.5, 2.0] if quick else [0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]))
    rows += onset("l = 0.1 a0", run, 0.08)
    if not quick:
        rows += onset("l = 0.05 a0", grow(Setting(0.05, 4.0, 1.5), np.array([0.9, 1.0])), 0.05)
    past = run[run[:, 0] >= 1.5]
    for filling, pressure, reached, _ in past:
        rows.append(Row(f"at {filling:g} V_c: p over Griffith's", float(pressure), 1.0, 0.05))
        rows.append(Row(f"at {filling:g} V_c: a over Griffith's", float(reached), 1.0, 0.05))
    if not quick:
        for name, column, exponent in (("p", 1, -1.0 / 3.0), ("a", 2, 2.0 / 3.0)):
            slope = np.polyfit(np.log(past[:, 0]), np.log(past[:, column]), 1)[0] + exponent
            rows.append(Row(f"exponent of {name} in V", float(slope), exponent, 0.03))
    return rows
