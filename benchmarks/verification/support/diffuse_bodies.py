"""Half models with a diffuse crack on structured meshes, fine about the crack only."""

from dataclasses import dataclass

import numpy as np
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.verification.phase_field.diffuse_crack import graded
from mpi4py import MPI

from .plane_runs import LLZO, LLZO_FACE, NORTON, Floats


def diffuse_cell(
    flaw: float,
    current: float,
    charge: float,
    diffuse: DiffuseCrack,
    electrolyte: Electrolyte = LLZO,
    adaptive: bool = False,
) -> PhaseFieldModel:
    """Return the cell of `plane_runs.llzo_cell` for the phase-field engine.

    It has a full flaw [um] of 20 nm aperture at 1 MPa, plated at a current [A/m2] up to a charge [C/m2].
    """
    return PhaseFieldModel(
        electrolyte,
        LLZO_FACE,
        LLZO_FACE,
        NORTON,
        Flaw(flaw, 0.02),
        Loads(stack_pressure=1.0, lateral="free"),
        (ProtocolStep(ConstantCurrent(current), charge),),
        diffuse=diffuse,
        adaptive=adaptive,
    )


@dataclass(frozen=True)
class Half:
    """0 <= x <= width, 0 <= y <= thickness with a crack along x = 0 from the anode face, lengths in um.

    Parameters
    ----------
    crack : float
        a [um].
    cell : float
        h [um] beside the crack and up to `margin` from it.
    margin : float
    width, thickness : float
    """

    crack: float
    cell: float
    margin: float
    width: float
    thickness: float
    path: float = 0.0
    """Length ahead of the crack with fine cells besides `margin` [um]."""

    def mesh(self, comm: MPI.Comm) -> TaggedMesh:
        """Cells of right-angled triangles; the cells beside the crack are the group `flaw`."""
        along = self.crack + self.path + self.margin
        x, y = graded(self.cell, self.margin, self.width), graded(self.cell, along, self.thickness)
        return distribute(comm, self._raw(x, y) if comm.rank == 0 else None)

    def _raw(self, x: Floats, y: Floats) -> RawMesh:
        m, n = len(x), len(y)
        points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
        node = np.arange(m * n).reshape(m, n)
        a, b, c, d = (part.ravel() for part in (node[:-1, :-1], node[1:, :-1], node[1:, 1:], node[:-1, 1:]))
        # The diagonals lean either way by turns: a crack must not see a direction.
        even = np.add.outer(np.arange(m - 1), np.arange(n - 1)).ravel() % 2 == 0
        first = np.where(even[:, None], np.stack([a, b, c], 1), np.stack([a, b, d], 1))
        second = np.where(even[:, None], np.stack([a, c, d], 1), np.stack([b, c, d], 1))
        rows = np.flatnonzero(y[:-1] < self.crack - 0.5 * self.cell)  # squares of the first column, numbered first
        lines = {"anode": node[:, 0], "counter": node[:, -1], "crack_plane": node[0], "lateral": node[-1]}
        facets = {name: np.stack([line[:-1], line[1:]], axis=1) for name, line in lines.items()}
        return RawMesh(
            points, np.concatenate([first, second]), facets, {"flaw": np.concatenate([rows, len(first) + rows])}
        )
