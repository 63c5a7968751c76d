"""The notched plates on meshes that follow the crack, from a coarse mesh with the notch of the peer's."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import Any

import numpy as np
from lifrac.meshes.refinement import SizeDemand
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.solver.numerics.adaptive import Adaptive
from lifrac.solver.numerics.gathered_fields import Fields
from lifrac.solver.phase_field.fracture.fields import Snapshot
from lifrac.solver.phase_field.fracture.refinement_rule import CrackFront, Refinement
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.verification.phase_field.notched import EDGE, Loading, Plate
from mpi4py import MPI
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COARSE = 50.0
"""Largest cell of the first mesh [um]."""


@dataclass(frozen=True)
class Followed:
    """How a plate is resolved.

    Parameters
    ----------
    length : float
        l [um].
    cell : float
        h where the crack is and goes, and the width of the notch [um].
    """

    loading: Loading
    length: float
    cell: float

    def first(self) -> TaggedMesh:
        """Cells as large as the notch is wide at its end, twice as large from row to row, no more than COARSE."""
        middle, half = 0.5 * EDGE, 0.5 * (EDGE - self.cell)
        x, y = (doubling(self.cell, end) for end in (middle, half))
        x = np.concatenate([middle - x[:0:-1], middle + x])
        y = np.concatenate([half - y[::-1], half + self.cell + y])
        i, j = (a.ravel() for a in np.meshgrid(np.arange(len(x) - 1), np.arange(len(y) - 1)))
        solid = (y[j] != half) | (x[i] >= middle - 1.0e-9)
        i, j = i[solid], j[solid]
        corner = [(j + b) * len(x) + i + a for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))]
        cells = np.concatenate([np.stack([corner[k] for k in three], axis=1) for three in ((0, 1, 3), (0, 3, 2))])
        used, cells = np.unique(cells, return_inverse=True)
        points = np.stack([a.ravel() for a in np.meshgrid(x, y)], axis=1)[used]
        return distribute(MPI.COMM_SELF, RawMesh(points, cells.reshape(-1, 3).astype(np.int64), {}))


def doubling(first: float, end: float) -> Floats:
    """0, and nodes ever farther apart up to `end` [um]."""
    nodes, step = [0.0], first
    while nodes[-1] + 1.5 * step < end:
        nodes.append(nodes[-1] + step)
        step = min(2.0 * step, COARSE)
    return np.array([*nodes, end])


class Body:
    """A plate on one mesh."""

    def __init__(self, what: Followed, control: LoopControl, tagged: TaggedMesh) -> None:
        self.plate = Plate(tagged.mesh, what.loading, what.length, control)
        self.front = CrackFront(self.plate.energy, self.plate.state, Refinement(what.cell))

    def fields(self) -> Fields:
        return self.plate.state.fields()

    def carried(self) -> None:
        """Nothing follows from the fields."""

    def snapshot(self) -> Snapshot:
        return self.plate.state.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        self.plate.state.restore(snapshot)

    def destroy(self) -> None:
        self.plate.solver.destroy()

    def demands(self) -> Sequence[SizeDemand]:
        return self.front.demands()


def follow(what: Followed, displacements: Sequence[float], control: LoopControl) -> dict[str, Any]:
    """CPU time of a whole loading, meshes and all set-ups included, once the forms are compiled; the forces."""
    Body(what, control, what.first()).destroy()
    start, sweeps, forces = process_time(), 0, []
    body = Adaptive(what.first(), lambda tagged, before: Body(what, control, tagged), Body.demands)
    for moved in displacements:

        def solve(at: Body, moved: float) -> None:
            nonlocal sweeps
            sweeps += at.plate.solve(moved).sweeps

        body.step(partial(solve, moved=float(moved)))
        body.problem.plate.state.commit()
        forces.append(body.problem.plate.force())
        print(f"{moved:g} um: {forces[-1]:.4g} N/mm, {sweeps} sweeps, {body.rounds} refinements", file=sys.stderr)
    return {
        "cpu_s": process_time() - start,
        "sweeps": sweeps,
        "forces": forces,
        "dofs": 3 * body.problem.plate.state.damage.function_space.dofmap.index_map.size_global,
        "refinements": body.rounds,
    }
