"""Balances with a diffuse crack: charge, lithium, energy and bounds, on any number of ranks.

`python -m lifrac.verification.phase_field.diffuse_balances FILE LEVEL` makes the run of one number of ranks.
"""

import itertools
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.verification.plane.same_on_ranks import run_on
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.diffuse_bodies import Half, diffuse_cell
from lifrac.verification.support.plane_runs import FIGURES, LLZO, Floats, History, difference, follow
from mpi4py import MPI

A0, THICKNESS, CURRENT = 10.0, 40.0, 80.0
"""Flaw and electrolyte [um], current [A/m2]."""
CHARGE = {"quick": 210.0, "full": 300.0}
"""[C/m2]."""
LENGTH = {"quick": 0.25, "full": 0.1}
"""l/a0."""
BALANCE, ENERGY, SAME = 1.0e-8, 1.0e-6, 1.0e-6
UNBREAKABLE = 1.0e4
"""Fracture energy over that of LLZO with which nothing breaks."""


def cell(level: Level, fracture_energy: float = 1.0) -> PhaseFieldModel:
    """Return a cell with a 10 um flaw that is full of lithium, at 1 MPa; fracture energy over that of LLZO."""
    length = LENGTH[level] * A0
    tough = replace(LLZO, fracture_energy=fracture_energy * LLZO.fracture_energy)
    return diffuse_cell(A0, CURRENT, CHARGE[level], DiffuseCrack(length, length / 3.0), tough)


def run(model: PhaseFieldModel, comm: MPI.Comm) -> tuple[History, list[Floats]]:
    """Figures and damage of every accepted step (collective)."""
    length = model.diffuse.length
    body = Half(A0, model.diffuse.cell_size, 3.0 * length, THICKNESS, THICKNESS, 4.0 * length)
    damage: list[Floats] = []
    history = follow(body.mesh(comm), model, see=lambda report: damage.append(report.state.damage))
    return history, damage


def run_here(file: Path, level: Level) -> None:
    """On all ranks of COMM_WORLD; rank 0 saves the history."""
    history, _ = run(cell(level), MPI.COMM_WORLD)
    if MPI.COMM_WORLD.rank == 0:
        np.save(file, history.table)


@check(
    "diffuse_balances",
    engine="phase field",
    title="Phase field: charge, lithium, energy, bounds; full: ranks 1, 2, 3",
    source="conservation, invariance",
    quick=True,
)
def diffuse_balances(level: Level, folder: Path | None) -> list[Row]:
    """Check a flaw that fills and grows, at the full level on 2 and 3 ranks as well; one that cannot grow.

    Work of the pressure is that of the mean of both ends of a step: exact while nothing breaks, of first order where
    something does.
    """
    grown, damage = run(cell(level), MPI.COMM_SELF)
    whole, _ = run(cell(level, fracture_energy=UNBREAKABLE), MPI.COMM_SELF)
    healed = max(float((a - b).max()) for a, b in itertools.pairwise(damage))
    rows = [
        Row(
            f"charge, worst of {len(grown.table)} steps",
            grown["charge_balance_error"].max(),
            0.0,
            BALANCE,
            kind="below",
        ),
        Row("lithium, the same", grown["lithium_balance_error"].max(), 0.0, BALANCE, kind="below"),
        Row("damage that has healed", max(healed, 0.0), 0.0, 0.0, kind="below"),
        Row("damage beyond one", max(float(d.max()) for d in damage) - 1.0, 0.0, 0.0, kind="absolute"),
        Row(
            "growth over a0",
            float(grown["crack_length"][-1] / A0 - 1.0 > 0.02),
            1.0,
            0.0,
            note=f"{grown['crack_length'][-1] / A0 - 1.0:.3f}",
        ),
        Row("energy where nothing breaks, worst", whole["energy_balance_error"].max(), 0.0, ENERGY, kind="below"),
        Row(
            "energy of the flaw that grows, at the end",
            float(grown["energy_balance_error"][-1]),
            0.0,
            0.03,
            kind="below",
        ),
    ]
    return rows if level == "quick" else [*rows, *_on_ranks(grown, level)]


def _on_ranks(grown: History, level: Level) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for ranks in (2, 3):
            other = run_on(ranks, level, Path(name), __name__)
            worst = max(difference(grown, other, figure) for figure in FIGURES if not figure.endswith("error"))
            rows.append(Row(f"{ranks} ranks: worst of {len(FIGURES) - 3} histories", worst, 0.0, SAME, kind="below"))
    return rows


if __name__ == "__main__":
    run_here(Path(sys.argv[1]), "quick" if sys.argv[2] == "quick" else "full")
