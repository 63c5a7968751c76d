"""A diffuse crack that lithium fills and breaks open, on all ranks together and on each alone: the same figures."""

import numpy as np
import pytest
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.loads import Loads
from mpi4py import MPI
from support.diffuse_cell import CURRENT, engine, model, problem
from support.mpi import alone

COMM = MPI.COMM_WORLD


def figures(comm: MPI.Comm) -> np.ndarray:
    """Voltage, metal, crack volume, pressure, damage and current into the crack after each step."""
    cell = problem(comm, model(), coarse=True)
    rows = []
    for dt in (0.4, 1.6):
        step = cell.solve(cell.state(), dt, ConstantCurrent(CURRENT))
        cell.lithium_amount = step.lithium_amount
        c = cell.cell
        amounts = (
            step.lithium_amount,
            c.volume.capacity(),
            c.pressure.x.array * c.node_volume,
            cell.fields.damage.x.array * c.node_volume,
        )
        rows.append([c.voltage, *(c.total(a) for a in (*amounts, step.currents.crack))])
    return np.array(rows)


def test_lithium_and_growth_do_not_depend_on_the_partition() -> None:
    together, one_rank = figures(COMM), alone(COMM, figures)
    assert together[-1, 4] > 1.02 * together[0, 4]  # it has grown
    assert np.abs(together / one_rank - 1.0).max() < 1.0e-6
    assert all((rows == together).all() for rows in COMM.allgather(together))


@pytest.mark.two_ranks
def test_the_start_under_lateral_compression_does_not_depend_on_the_partition() -> None:
    pressed = model(loads=Loads(1.0, "free", -200.0))
    names = ("flaw_volume", "lithium_volume", "max_lithium_pressure", "crack_length")

    def begun(comm: MPI.Comm) -> list[float]:
        cell = engine(comm, pressed, coarse=True)
        assert not cell.notes
        return [getattr(cell.measures, name) for name in names]

    assert begun(COMM) == pytest.approx(alone(COMM, begun), rel=1.0e-6)
