"""A flaw that stripping has emptied is told of alike on all ranks, and as on one."""

from lifrac.solver.parameters import ProtocolStep
from lithium_bodies import engine, model
from mpi4py import MPI

COMM = MPI.COMM_WORLD
CC = "constant_current"


def told(comm: MPI.Comm) -> tuple[str, int, str]:
    """Outcome, protocol step and words of the event."""
    steps = ProtocolStep(CC, -10.0, 400.0), ProtocolStep(CC, 10.0, 10.0)
    cell = engine(comm, model(*steps))
    for _ in cell.run():
        pass
    event = cell.counters.happened["flaw_empty"]
    return cell.outcome, event.index, event.detail


def test_every_rank_tells_the_same() -> None:
    together = told(COMM)
    assert together == told(MPI.COMM_SELF)
    assert together[:2] == ("flaw_empty", 1)
    assert set(COMM.allgather(together)) == {together}
