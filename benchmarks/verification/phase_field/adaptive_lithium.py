"""A flaw that lithium breaks open, on a mesh that follows the crack, and on one that is fine all along its way.

Both begin with the same mesh, which is fine about the flaw only; the second one is refined before the start wherever
the crack can go.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lifrac.meshes.builder import build
from lifrac.meshes.gather_mesh import gather
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.meshes.refinement import SizeDemand, refine
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.simulation import Simulation
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.phase_field.adaptive_cell import LARGEST_CELL
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.diffuse_bodies import diffuse_cell
from lifrac.verification.support.plane_runs import Floats
from mpi4py import MPI

A0, THICKNESS, LENGTH, CELL = 20.0, 60.0, 2.0, 0.5
"""Flaw, electrolyte, l and h [um]."""
REACH = 3.0 * LENGTH
"""Half-width of what is fine from the start [um]."""
GROWTH, FAR = 0.2, 6.0
"""Increase of the cell size per distance in the first mesh, and its largest cell [um]."""
CURRENT, CHARGE = 40.0, 540.0
"""4 mA/cm2 [A/m2], 0.015 mAh/cm2 [C/m2]."""
FIGURES = ("crack_length", "flaw_volume", "lithium_volume", "lithium_length")


def first_mesh() -> TaggedMesh:
    """Half model, fine within `REACH` of the flaw."""
    slab = SlabEdgeFlaw(
        THICKNESS,
        THICKNESS,
        A0,
        CELL,
        FAR,
        GROWTH,
        path_growth=GROWTH,
        path_size=FAR,
        corridor=REACH,
        reach=REACH,
        flaw_row=True,
    )
    return build(slab, MPI.COMM_SELF)


def fine_mesh() -> TaggedMesh:
    """Return the same, fine within `REACH` of the crack plane."""
    raw, y = gather(first_mesh()), np.arange(0.0, THICKNESS, CELL)
    assert raw is not None
    way = np.stack([np.zeros_like(y), y], axis=1)
    refined = refine(raw, [SizeDemand(way, REACH, REACH, LARGEST_CELL * CELL)])
    assert refined is not None
    return distribute(MPI.COMM_SELF, refined.raw)


@dataclass(frozen=True)
class Grown:
    """Charge [C/m2], |voltage| [V] and `FIGURES` after each step; worst errors of balances; nodes, CPU time [s]."""

    table: Floats
    charge_balance_error: float
    lithium_balance_error: float
    nodes: int
    seconds: float

    def at(self, charge: Floats) -> Floats:
        """Columns of the table but the first, at some charges."""
        return np.stack([np.interp(charge, self.table[:, 0], column) for column in self.table.T[1:]])


def grow(tagged: TaggedMesh, adaptive: bool) -> Grown:
    """Run the cell on a mesh, refined on the way or not."""
    model = diffuse_cell(A0, CURRENT, CHARGE, DiffuseCrack(LENGTH, CELL), adaptive=adaptive)
    start = time.process_time()
    simulation = Simulation.from_model(model, tagged)
    reports = [step.report for step in simulation.steps()]
    seconds = time.process_time() - start
    table = [
        [r.state.charge, abs(r.state.cell_voltage), *(getattr(r.measures, name) for name in FIGURES)] for r in reports
    ]
    charge = max(r.measures.charge_balance_error for r in reports)
    lithium = max(r.measures.lithium_balance_error for r in reports)
    return Grown(np.array(table), charge, lithium, len(reports[-1].state.damage), seconds)


@check(
    "adaptive_lithium",
    engine="phase field",
    title="Phase field: a mesh that follows a crack filled with lithium",
    source="invariance",
    quick=False,
)
def adaptive_lithium(level: Level, folder: Path | None) -> list[Row]:
    """Lengths, volumes and voltage along the run on both meshes, balances across changes of the mesh, and the cost."""
    one, fine = grow(first_mesh(), adaptive=True), grow(fine_mesh(), adaptive=False)
    charge = np.linspace(0.1, 1.0, 10) * CHARGE
    ratio = np.abs(one.at(charge) / fine.at(charge) - 1.0).max(axis=1)
    about = f"{fine.nodes} nodes if fine all along"
    rows = [
        Row(f"{about}: worst difference of the {name.replace('_', ' ')}", float(value), 0.0, 0.01, kind="below")
        for name, value in zip(("voltage", *FIGURES), ratio, strict=True)
    ]
    grown = one.table[-1, 2] / A0
    return [
        *rows,
        Row("crack length at the end over a0: it has grown", 1.0 / grown, 0.0, 0.9, kind="below", note=f"{grown:.2f}"),
        Row("worst error of the charge balance", one.charge_balance_error, 0.0, 1.0e-8, kind="below"),
        Row("worst error of the lithium balance", one.lithium_balance_error, 0.0, 1.0e-12, kind="below"),
        Row(f"{about}: share of these nodes at the end", one.nodes / fine.nodes, 0.0, 0.8, kind="below"),
        Row(f"{about}: share of the CPU time", one.seconds / fine.seconds, 0.0, 1.0, kind="below"),
    ]
