"""A mesh that follows a crack filled with lithium, on all ranks together and on each alone: the same figures."""

import numpy as np
from mpi4py import MPI
from support.diffuse_cell import adaptive_engine
from support.mpi import alone

COMM = MPI.COMM_WORLD
ROUNDS = 2 if COMM.size == 2 else 1
"""Rounds of refinement after which runs are ended; where three ranks share two cores each takes long."""


def figures(comm: MPI.Comm) -> tuple[np.ndarray, int]:
    """Return what histories tell of each step, and the number of nodes at the end."""
    cell = adaptive_engine(comm)
    rows = []
    for report in cell.run():
        m, s = report.measures, report.state
        rows.append([s.time, s.charge, s.cell_voltage, m.crack_length, m.flaw_volume, m.lithium_volume, m.crack_tip])
        assert m.charge_balance_error < 1.0e-8
        assert m.lithium_balance_error < 1.0e-12
        if cell.mesh.rounds >= ROUNDS:
            break
    assert cell.mesh.rounds >= ROUNDS
    return np.array(rows), cell.problem.dofs


def test_run_on_a_mesh_that_follows_does_not_depend_on_the_partition() -> None:
    (together, size), (one_rank, same_size) = figures(COMM), alone(COMM, figures)
    assert size == same_size
    assert together.shape == one_rank.shape
    assert np.abs(together / one_rank - 1.0).max() < 1.0e-6
    assert all((rows == together).all() for rows in COMM.allgather(together))
