"""A flaw that holds next to no lithium is told of alike on all ranks, and as on one."""

import pytest
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.protocol import ProtocolStep
from mpi4py import MPI
from support.diffuse_cell import A0, engine, model
from support.mpi import alone

COMM = MPI.COMM_WORLD


def told(comm: MPI.Comm) -> tuple[str, int, str]:
    """Outcome, protocol step and words of the event."""
    cell = engine(comm, model(ProtocolStep(ConstantCurrent(10.0), 20.0), flaw=Flaw(A0, 0.02, filling=0.1)), coarse=True)
    for _ in cell.run():
        pass
    event = cell.counters.first_events["flaw_empty"]
    return cell.outcome, event.index, event.detail


@pytest.mark.two_ranks
def test_every_rank_tells_the_same() -> None:
    together = told(COMM)
    assert together == alone(COMM, told)
    assert together[:2] == ("flaw_empty", 0)
    assert set(COMM.allgather(together)) == {together}
