"""Grain boundaries: a stated toughness acts as stated and a stated resistance is there, whatever the numerical band."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import override

import numpy as np
from dolfinx import mesh
from lifrac.meshes.builder import build
from lifrac.meshes.gather_mesh import gather
from lifrac.meshes.geometries.cracked import Corridor, CrackedSlab
from lifrac.meshes.geometries.grains import Grains
from lifrac.meshes.tagged import distribute
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.electrolyte import GrainBoundaries
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseFieldProblem, by_cell, damage_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.diffuse_bodies import diffuse_cell
from lifrac.verification.support.plane_runs import LLZO, Floats
from mpi4py import MPI

from .surfing import LENGTH, TOUGHNESS, Setting, follow_field, strip

HALF_WIDTHS = {0.25: (12.0,), 0.5: (6.0, 8.0), 1.0: (3.0, 4.0, 6.0)}
"""Half widths of the band over l, with the values of l/h at which each is looked at."""
RATIOS = (0.3, 0.5, 1.0)
FAR = 100.0
"""Distance at which the box of the two grains ends [um]."""
CURRENT, RESISTANCE = 40.0, 2.0e-4
"""4 mA/cm2 [A/m2], 2 ohm cm2 [V m2/A]."""


@dataclass(frozen=True)
class Bicrystal(Grains):
    """Two grains; their boundary is the line on which one coordinate has a value [um]."""

    axis: int = 1
    at: float = 0.0

    @cached_property
    @override
    def seeds(self) -> Floats:
        """Points in the middle of the two grains, mirrored at their boundary (2, 2) [um]."""
        across = np.eye(2)[self.axis]
        return np.array([(self.at - 1.0) * across, (self.at + 1.0) * across])


def bicrystal(axis: int, at: float, width: float, ratio: float = 1.0, resistance: float = 0.0) -> GrainBoundaries:
    """Return the boundary of two grains.

    Parameters
    ----------
    axis : int
        Axis that the boundary is normal to.
    at : float
        Coordinate of the boundary [um].
    width : float
        Width of its band [um].
    ratio : float
        Toughness over that of the grains [-].
    resistance : float
        Resistance of the boundary, besides that of the grain in its place [V m2/A].
    """
    grains = Bicrystal(((-FAR, FAR), (-FAR, FAR)), 2, axis=axis, at=at)
    return GrainBoundaries(grains, width, ratio, resistance)


def irregular_strip(setting: Setting) -> mesh.Mesh:
    """As gmsh makes the cells about a crack in a case; the crack runs along x."""
    half, way = setting.half_height, ((0.0, 0.0), (0.0, setting.span))
    slab = CrackedSlab(
        setting.span, half, setting.cell, 2.0, cracks=(((0.0, 0.0), (0.0, half)),), reach=(Corridor(way, 3.0),)
    )
    raw = gather(build(slab, MPI.COMM_SELF))
    assert raw is not None
    turned = np.stack([raw.points[:, 1] - half, raw.points[:, 0]], axis=1)
    return distribute(MPI.COMM_SELF, replace(raw, points=turned)).mesh


MESHES: dict[str, Callable[[Setting], mesh.Mesh]] = {"squares": strip, "gmsh": irregular_strip}


def toughness_rows(
    kind: str, cells: float, half_width: float, ratio: float, at: float = 0.0, damage: str = "AT1"
) -> Iterator[Row]:
    """Resistance of a crack along a boundary at `at` rows from its path, with the properties that a run gives cells."""
    setting = Setting(LENGTH / cells, 11.0, 4.0, 6.0, 4)
    diffuse = DiffuseCrack(LENGTH, setting.cell, damage_model=damage)  # type: ignore[arg-type]
    model = replace(
        diffuse_cell(10.0, CURRENT, 1.0, diffuse, replace(LLZO, fracture_energy=TOUGHNESS)),
        boundaries=bicrystal(1, at * setting.cell, 2.0 * half_width * LENGTH, ratio),
    )
    msh, regularised = MESHES[kind](setting), damage_model(diffuse)
    properties = by_cell(msh, model, setting.cell)
    found = follow_field(msh, properties.toughness, regularised, setting, ratio, properties.surface)
    name = f"{kind}, {damage}, l/h = {cells:g}, half-width {half_width:g} l" + (f", {at:g} rows beside" if at else "")
    acts = float(found.release[0]) / regularised.toughness_factor(setting.cell)
    yield Row(f"{name}: toughness along a boundary of {ratio:g}", acts, ratio, 0.05 if at == 0.5 else 0.03)
    if cells >= 6.0:
        # Over a way of l; where cells are irregular the crack moves on by jumps of one or two of them.
        known_to = 0.06 if kind == "squares" else 1.0 / cells
        yield Row(f"{name}, {ratio:g}: length of the crack over its way", found.longer, 1.0, known_to)


def voltage(width: float, resistance: float) -> float:
    """|voltage| [V] of a cell in its first instant, with a boundary between its electrodes, on a mesh as in a case."""
    crack = ((0.0, 0.0), (0.0, 4.0))
    tagged = build(CrackedSlab(40.0, 20.0, 0.5, 2.0, cracks=(crack,), reach=(Corridor(crack, 2.0),)), MPI.COMM_SELF)
    model = replace(
        diffuse_cell(4.0, CURRENT, 1.0, DiffuseCrack(1.5, 0.5)),
        boundaries=bicrystal(1, 25.0, width, resistance=resistance),
    )
    problem = PhaseFieldProblem(tagged, model)
    problem.solve(PhaseFieldEngine(problem).state, 1.0e-3, ConstantCurrent(CURRENT))
    found = abs(problem.cell.voltage)
    problem.destroy()
    return found


@check(
    "grain_boundary",
    engine="phase field",
    title="Phase field: toughness and resistance of a grain boundary",
    source="what the case states",
    quick=True,
)
def grain_boundary(level: Level, folder: Path | None) -> list[Row]:
    """G of a crack that runs along a straight boundary; voltage over a boundary that the current has to cross.

    Bands are at least six cells wide, as a case has to have them, so that a half-width of l/4 takes l/h = 12. Where the
    boundary is given a place beside the row of the flaw, its cells lie as badly as they can.
    """
    if level == "quick":
        rows = list(toughness_rows("gmsh", 3.0, 1.0, 0.3))
        widths: tuple[float, ...] = (4.0,)
    else:
        rows = [
            row
            for kind in MESHES
            for half_width, finenesses in HALF_WIDTHS.items()
            for cells in finenesses
            for ratio in RATIOS
            for row in toughness_rows(kind, cells, half_width, ratio)
        ]
        for at in (0.25, 0.5):
            rows += toughness_rows("squares", 6.0, 0.5, 0.3, at)
        rows += toughness_rows("gmsh", 6.0, 0.5, 0.3, damage="AT2")
        widths = (1.0, 4.0, 8.0)
    without = voltage(4.0, 0.0)
    for width in widths:
        gained = (voltage(width, RESISTANCE) - without) / CURRENT
        quantity = f"resistance of a boundary whose band is {width:g} um wide"
        rows.append(Row(quantity, gained * 1.0e4, RESISTANCE * 1.0e4, 0.01, unit="ohm cm2"))
    return rows
