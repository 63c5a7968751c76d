"""Ranks tell each other that they have failed, or ended, without having to be at the same place."""

import time
from collections import deque

from mpi4py import MPI

from .notice import END, FailedAlone, Notice

PATIENCE = 3.0
"""Time [s] that a rank which has failed waits for the others to fail in the same way."""
SHORTEST, LONGEST = 0.002, 0.1
"""Time between two looks for messages of other ranks [s]; looks become rarer."""
_TAG = 77


class Meeting:
    """Ranks tell each other where they stand without having to be there at the same time.

    Collective operations need all ranks, and one that has failed cannot know whether the others will come. Notices are
    sent to each of them and waited for as long as there is hope.

    Parameters
    ----------
    comm : MPI.Comm
        A communicator of their own is made of it (collective).
    """

    def __init__(self, comm: MPI.Comm) -> None:
        self.comm = comm.Dup() if comm.size > 1 else comm
        self._inbox: list[deque[Notice]] = [deque() for _ in range(comm.size)]
        self._sent: list[MPI.Request] = []

    def tell(self, notice: Notice) -> None:
        """Send a notice to all other ranks; nobody has to be there."""
        others = [rank for rank in range(self.comm.size) if rank != self.comm.rank]
        self._sent = [request for request in self._sent if not request.Test()]
        self._sent += [self.comm.isend(notice, dest=rank, tag=_TAG) for rank in others]
        self._inbox[self.comm.rank].append(notice)

    def wait(self, place: str, patience: float | None) -> list[Notice | None]:
        """Return what each rank says at a place; None for those that have not come there.

        Parameters
        ----------
        place : str
        patience : float, optional
            Time [s] to wait for them; for ever without.
        """
        begun, pause = time.monotonic(), SHORTEST
        while True:
            self._receive()
            here = [self._at(place, inbox) for inbox in self._inbox]
            gone = [
                bool(inbox) and notice is None and place != END for notice, inbox in zip(here, self._inbox, strict=True)
            ]
            late = patience is not None and time.monotonic() - begun > patience
            if late or all(notice or away for notice, away in zip(here, gone, strict=True)):
                for notice, inbox in zip(here, self._inbox, strict=True):
                    if notice is not None:
                        inbox.popleft()
                return here
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST)

    def _receive(self) -> None:
        status = MPI.Status()
        while self.comm.iprobe(source=MPI.ANY_SOURCE, tag=_TAG, status=status):
            source = status.Get_source()
            self._inbox[source].append(self.comm.recv(source=source, tag=_TAG))

    @staticmethod
    def _at(place: str, inbox: deque[Notice]) -> Notice | None:
        """Return what a rank says at a place that it has come to.

        What it has said on the way to the end is forgotten.
        """
        while place == END and len(inbox) > 1 and inbox[0].place != END:
            inbox.popleft()
        return inbox[0] if inbox and inbox[0].place == place else None


_MEETINGS: dict[str, Meeting] = {}


def meeting_of(comm: MPI.Comm) -> Meeting:
    """Return where the ranks of a communicator meet: those of the whole job always at the same place (collective)."""
    if MPI.Comm.Compare(comm, MPI.COMM_WORLD) not in (MPI.IDENT, MPI.CONGRUENT):
        return Meeting(comm)
    if "world" not in _MEETINGS:
        _MEETINGS["world"] = Meeting(MPI.COMM_WORLD)
    return _MEETINGS["world"]


def shared(meeting: Meeting, error: Exception) -> None:
    """Return if a failure has met all ranks alike, so that they go on from it alike.

    Raises
    ------
    FailedAlone
        On a rank that has failed while others have not.
    """
    if meeting.comm.size == 1:
        return
    place = type(error).__name__
    meeting.tell(Notice(place, True, 0, str(error)))
    if None in meeting.wait(place, PATIENCE):
        raise FailedAlone(f"{type(error).__name__}: {error}") from error
