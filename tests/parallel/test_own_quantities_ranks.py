"""Quantities of the user's own on all ranks together and on each alone: the same numbers, rows and summary keys."""

from typing import Any

import lifrac
import numpy as np
import pytest
from lifrac.problems.case.case import load_case
from lifrac.quantities import Quantity
from mpi4py import MPI
from support.mpi import alone
from support.short_runs import shortening

COMM = MPI.COMM_WORLD


def stored(at: Any) -> float:
    """Aperture over the crack, and lithium in it [um2 per depth]."""
    return at.total(at.crack_area * at.nodal("aperture")) + at["lithium_volume"]


OWN = Quantity(name="stored", unit="um2", function=stored)


@pytest.mark.parametrize("name", ["llzo_holds", "llzo_inclined"])
def test_rows_do_not_depend_on_the_partition(name: str) -> None:
    case = load_case(name, [*shortening(name), "solver.max_steps=1"])

    def values(comm: MPI.Comm) -> np.ndarray:
        simulation = lifrac.Simulation(case, comm, quantities=[OWN])
        simulation.run(check=False)
        return np.asarray(simulation.history["stored_um2"])

    try:
        together, one_rank = values(COMM), alone(COMM, values)
    finally:
        lifrac.quantities.unregister(OWN)
    assert len(one_rank) > 1
    assert one_rank.min() > 0.0
    assert np.abs(together / one_rank - 1.0).max() < 1.0e-6
    assert all((row == together).all() for row in COMM.allgather(together))
