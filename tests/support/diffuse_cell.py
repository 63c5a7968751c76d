"""A small cell with a diffuse crack that tests share: a 10 um flaw in 40 um of LLZO, on a coarse structured mesh."""

from dataclasses import replace
from typing import Any

import numpy as np
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseFieldProblem
from mpi4py import MPI

A0, CELL, LENGTH, SIZE = 10.0, 1.0, 3.0, 40.0
"""Flaw, h, l, and body [um]."""
LLZO = Electrolyte(conductivity=5.0e4, youngs_modulus=150.0e3, poisson_ratio=0.26, fracture_energy=6.0)
FACE = Kinetics(exchange_current=51.0, temperature=298.15)
LITHIUM = Creep(prefactor=7.7e-3, exponent=6.56)
CURRENT = 80.0
"""[A/m2], at which the flaw grows."""


def _lines(coarse: bool) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of nodes: fine where the crack can go, or only along the row of the flaw and next to it."""
    if coarse:
        return np.array([0, 1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40.0]), np.concatenate(
            [np.arange(11.0), np.arange(12.0, 21.0, 2.0), np.arange(24.0, 41.0, 4.0)]
        )
    x = np.concatenate([np.arange(10.0), 10.0 + 30.0 * np.linspace(0.0, 1.0, 9) ** 1.5])
    return x, np.concatenate([np.arange(20.0), 20.0 + 20.0 * np.linspace(0.0, 1.0, 7) ** 1.3])


def _raw(whole: bool, coarse: bool) -> RawMesh:
    """The half x >= 0, or both; the flaw is a row of cells beside x = 0, in the whole body on both sides."""
    x, y = _lines(coarse)
    if whole:
        x = np.concatenate([-x[:0:-1], x])
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    node = np.arange(len(points)).reshape(len(x), len(y))
    a, b, c, d = (part.ravel() for part in (node[:-1, :-1], node[1:, :-1], node[1:, 1:], node[:-1, 1:]))
    right = points[a, 0] >= 0.0  # diagonals that are mirror images of each other
    first = np.where(right[:, None], np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    second = np.where(right[:, None], np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    middle = 0.5 * (points[a] + points[c])
    row = np.flatnonzero((np.abs(middle[:, 0]) < CELL) & (middle[:, 1] < A0))
    sides = [node[0], node[-1]] if whole else [node[-1]]
    lines = {"anode": [node[:, 0]], "counter": [node[:, -1]], "lateral": sides}
    if not whole:
        lines["crack_plane"] = [node[0]]
    facets = {k: np.concatenate([np.stack([n[:-1], n[1:]], 1) for n in v]) for k, v in lines.items()}
    return RawMesh(points, np.concatenate([first, second]), facets, {"flaw": np.concatenate([row, len(first) + row])})


def mesh_of(comm: MPI.Comm, whole: bool = False, coarse: bool = False) -> TaggedMesh:
    return distribute(comm, _raw(whole, coarse) if comm.rank == 0 else None)


def model(*protocol: ProtocolStep, **changes: Any) -> PhaseFieldModel:
    """The cell at 1 MPa with a full flaw of 20 nm; `changes` replace parts of the model."""
    steps = protocol or (ProtocolStep(ConstantCurrent(CURRENT), 3.0e3),)
    found = PhaseFieldModel(
        LLZO, FACE, FACE, LITHIUM, Flaw(A0, 0.02), Loads(1.0, lateral="free"), steps, diffuse=DiffuseCrack(LENGTH, CELL)
    )
    return replace(found, **changes)


def problem(comm: MPI.Comm, cell: PhaseFieldModel, whole: bool = False, coarse: bool = False) -> PhaseFieldProblem:
    """`whole`: the row of broken cells, two cells wide, is as in the half model."""
    if whole:
        cell = replace(cell, diffuse=replace(cell.diffuse, cell_size=2.0 * CELL))
    return PhaseFieldProblem(mesh_of(comm, whole, coarse), cell)


def engine(comm: MPI.Comm, cell: PhaseFieldModel, whole: bool = False, coarse: bool = False) -> PhaseFieldEngine:
    return PhaseFieldEngine(problem(comm, cell, whole, coarse))


def adaptive_engine(comm: MPI.Comm, **changes: Any) -> PhaseFieldEngine:
    """On a mesh that is fine along the flaw only, and follows the crack."""
    return PhaseFieldEngine(PhaseFieldProblem(mesh_of(comm, coarse=True), model(adaptive=True, **changes)))
