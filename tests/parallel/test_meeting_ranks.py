"""Failures that ranks share, and those that meet one of them alone."""

import pytest
from lifrac.parallel import meeting
from lifrac.parallel.collective import largest, on_root
from lifrac.parallel.meeting import Meeting, shared
from lifrac.parallel.notice import END, FailedAlone, Notice
from mpi4py import MPI

COMM = MPI.COMM_WORLD


class Stubborn(Exception):
    """It cannot be made again from what is pickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def test_ranks_go_on_from_a_failure_that_all_share() -> None:
    here = Meeting(COMM)
    for number in range(3):
        shared(here, ValueError(f"{number} on rank {COMM.rank}"))
    here.tell(Notice(END, False, COMM.rank))
    found = here.wait(END, None)
    assert [notice.code for notice in found if notice is not None] == list(range(COMM.size))


def test_a_rank_that_fails_alone_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others hear of it where they come to the end."""
    monkeypatch.setattr(meeting, "PATIENCE", 0.2)
    here = Meeting(COMM)
    if COMM.size > 1 and COMM.rank == 1:
        with pytest.raises(FailedAlone, match="ValueError: alone"):
            shared(here, ValueError("alone"))
    here.tell(Notice(END, COMM.rank == 1, 0, "words"))
    found = here.wait(END, None)
    assert [notice.failed for notice in found if notice is not None] == [rank == 1 for rank in range(COMM.size)]


def test_a_rank_that_is_elsewhere_does_not_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has ended is not waited for."""
    here = Meeting(COMM)
    if COMM.rank == 0 and COMM.size > 1:
        with pytest.raises(FailedAlone):
            shared(here, ValueError("not the end"))
    here.tell(Notice(END, False, 0))
    assert None not in here.wait(END, None)


def test_no_number_is_larger_than_any_on_every_rank() -> None:
    """MPI may answer otherwise on each rank, which would decide otherwise."""
    assert largest(COMM, float(COMM.rank)) == COMM.size - 1.0
    for bad in range(COMM.size):
        assert largest(COMM, float("nan") if COMM.rank == bad else 1.0) == float("inf")


def test_any_error_of_rank_0_is_raised_everywhere() -> None:
    def work() -> None:
        raise Stubborn("cannot", "travel")

    with pytest.raises(Exception, match="cannot travel"):
        on_root(COMM, work)
