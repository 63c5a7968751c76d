"""Current into a diffuse crack that is full of metal, without stress: plating through its band, |grad d| j.

Half model of a large body, the crack normal to the anode face. Wa = kappa R_ct/a compares charge transfer,
R_ct = RT/(F i0), with conduction over the length of the crack.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lifrac.meshes.builder import build
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.phase_field.problem import PhaseFieldProblem
from lifrac.solver.physics.constants import LITHIUM_MOLAR_VOLUME, thermal_voltage
from lifrac.solver.reference.full_field import solve_conduction
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import large_body
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.diffuse_bodies import Half
from lifrac.verification.support.plane_runs import LLZO, NORTON
from mpi4py import MPI

A = 10.0
"""Length of the crack [um]."""
MOMENT = 1.0e-6
"""Time step [s], in which next to nothing is plated."""
SIZE = 40.0
"""Body over crack: the crack disturbs the far field by about (a/W)^2."""
CURRENT = 1.0e-4
"""j over the exchange current density: overpotentials far below RT/F, so that kinetics are linear."""
TEMPERATURE = 298.15
FAST = 1.0e-4
"""Wa of a crack that conducts without resistance."""
LINE_CELLS = 40.0
"""Per length of the crack that is a line; 8 times finer at its tip."""
LENGTHS: tuple[float, ...] = (0.1, 0.05, 0.025)
"""l/a."""
TOLERANCE = 0.02
FIRST_ORDER = 0.15
"""Tolerance of the ratio of two errors, 1/2 where they fall in proportion to l."""


@dataclass(frozen=True)
class Setting:
    """l/a, cells per l, and Wa."""

    length: float
    wagner: float
    cells: float = 4.0

    @property
    def diffuse(self) -> DiffuseCrack:
        """Internal length and cell size of the diffuse crack."""
        return DiffuseCrack(self.length * A, self.length * A / self.cells)

    @property
    def face(self) -> Kinetics:
        """Lithium that takes no room, so that no pressure arises."""
        exchange = thermal_voltage(TEMPERATURE) * LLZO.conductivity / (self.wagner * A)
        return Kinetics(exchange, TEMPERATURE, molar_volume=1.0e-6 * LITHIUM_MOLAR_VOLUME)

    @property
    def current(self) -> float:
        """Current density j [A/m2]."""
        return CURRENT * self.face.exchange_current

    @property
    def body(self) -> Half:
        """Half of the body about the crack."""
        return Half(A, self.diffuse.cell_size, 3.0 * self.diffuse.length, SIZE * A, SIZE * A)


@dataclass(frozen=True)
class Drawn:
    """Current into both faces of the crack over 2 a j, and the surface of the crack that plates over a."""

    current: float
    surface: float


def diffuse(setting: Setting) -> Drawn:
    """One time step of the phase-field engine's problem."""
    model = PhaseFieldModel(
        LLZO,
        setting.face,
        setting.face,
        NORTON,
        Flaw(A, 0.02),
        Loads(lateral="free"),
        (ProtocolStep(ConstantCurrent(setting.current), 1.0),),
        diffuse=setting.diffuse,
    )
    problem = PhaseFieldProblem(setting.body.mesh(MPI.COMM_SELF), model)
    step = problem.solve(problem.state(), MOMENT, ConstantCurrent(setting.current))
    cell = problem.cell
    into = problem.copies * cell.total(step.currents.crack)
    plating = problem.copies * cell.total(cell.band.area * cell.fill_fraction.x.array)
    return Drawn(into / (2.0 * A * setting.current), plating / A)


def line(wagner: float) -> float:
    """Return the share of the current that a crack takes that is a line."""
    setting, tagged = Setting(LENGTHS[0], wagner), build(large_body(A, LINE_CELLS, SIZE), MPI.COMM_SELF)
    face, current = setting.face, setting.current
    state = solve_conduction(tagged, LLZO.conductivity, face, face, current, flaw_length=A)
    return state.flaw_current / (A * current)


def limit(lengths: tuple[float, ...], values: list[float]) -> float:
    """Value at l = 0 of the polynomial through all."""
    return float(np.polyfit(lengths, values, len(lengths) - 1)[-1])


def trend_rows(name: str, lengths: tuple[float, ...], values: list[float], target: float, of: str) -> list[Row]:
    """Check the limit against its target, and how the error falls with l."""
    rows = [Row(f"{name}: current over {of}, extrapolated to l = 0", limit(lengths, values) / target, 1.0, TOLERANCE)]
    errors = [v / target - 1.0 for v in values]
    for k in range(1, len(values)):
        quantity = f"{name}, l = {lengths[k]:g} a: error, {errors[k]:.3f}, over that at {lengths[k - 1]:g} a"
        ratio = errors[k] / errors[k - 1]
        rows.append(Row(quantity, ratio, lengths[k] / lengths[k - 1], FIRST_ORDER, kind="absolute"))
    return rows


@check(
    "diffuse_current",
    engine="phase field",
    title="Phase field: current into a diffuse crack full of metal",
    source="docs/theory/exact_solutions.md, Current focusing",
    quick=True,
)
def diffuse_current(level: Level, folder: Path | None) -> list[Row]:
    """2 a j without resistance of charge transfer; a line with the same kinetics otherwise.

    The band conducts as a whole: without charge-transfer resistance the crack is as thick as it (4 l), and takes about
    1 + 4.5 l/a times the current; with slow kinetics it takes what the surface takes that is open to metal.
    Errors are in proportion to l.
    """
    drawn = [diffuse(Setting(length, FAST)).current for length in LENGTHS]
    rows = trend_rows("Wa = 0", LENGTHS, drawn, 1.0, "2 a j")
    curves = {"Wa = 0": (LENGTHS, drawn)}
    wagner, lengths = ((1.0, 100.0), LENGTHS[:2]) if level == "quick" else ((0.1, 1.0, 100.0), LENGTHS)
    for wa in wagner:
        found = [diffuse(Setting(length, wa)) for length in lengths]
        sharp = line(wa)
        values = [d.current for d in found]
        curves[f"Wa = {wa:g}"] = (lengths, [v / sharp for v in values])
        rows += trend_rows(f"Wa = {wa:g}", lengths, values, sharp, "that of a line")
    slow = "Wa = 100: current over that of a line, per surface of the crack"
    rows += [
        Row(f"{slow}, l = {length:g} a", d.current / sharp / d.surface, 1.0, TOLERANCE)
        for length, d in zip(lengths, found, strict=True)
    ]
    if level == "full":
        coarse, fine = (diffuse(Setting(0.1, 1.0, cells)).current for cells in (4.0, 8.0))
        rows.append(
            Row(
                "Wa = 1, l = 0.1 a: change by cells of half the size",
                fine / coarse - 1.0,
                0.0,
                TOLERANCE,
                kind="absolute",
            )
        )
    if folder is not None:
        _draw(folder, curves)
    return rows


def _draw(folder: Path, curves: dict[str, tuple[tuple[float, ...], list[float]]]) -> None:
    """Points with the polynomial that is extrapolated."""
    x = np.linspace(0.0, LENGTHS[0], 40)
    fits = {name: (x, np.polyval(np.polyfit(*curve, len(curve[0]) - 1), x)) for name, curve in curves.items()}
    figures.against_exact(folder / "diffuse_current.png", fits, curves, ("l/a", "current over that of a line"))
