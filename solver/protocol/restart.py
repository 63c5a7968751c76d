"""Restart data of a run besides its state: what must be kept for it to go on as if it had not been interrupted.

Plain numbers and words, that JSON gives back exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from lifrac.parallel.collective import on_root
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.numerics.stepping import StepController
from mpi4py import MPI
from numpy.typing import NDArray

from .cell_state import CellState
from .events import Event

Kept = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class RestartData:
    """A committed state, and everything else that a run goes on from.

    Attributes
    ----------
    kept : dict
        Numbers and words, see `ProtocolRun.bookmark`; the same on all ranks.
    arrays : dict
        Fields; on rank 0, empty elsewhere.
    """

    kept: Kept
    arrays: Arrays

    @property
    def time(self) -> float:
        """Time of the state [s]."""
        return float(self.kept["accounts"]["time"])


def known_to_all(comm: MPI.Comm, make: Callable[[], RestartData]) -> RestartData:
    """Let rank 0 make restart data; its numbers are then on every rank, its arrays on rank 0 (collective).

    Raises
    ------
    Exception
        Whatever `make` raised on rank 0, on every rank.
    """
    made = on_root(comm, make)
    kept = comm.bcast(None if made is None else made.kept, root=0)
    return made or RestartData(kept, {})


def kept_accounts(state: CellState) -> Kept:
    """Time, charge and accounts of a state; fields are kept by the engines."""
    found = {f.name: getattr(state, f.name) for f in fields(CellState) if f.name != "laws"}
    return found | {"work": dict(state.work)}


def kept_event(event: Event, protocol: Sequence[ProtocolStep]) -> Kept:
    """Return an event; its protocol step by number."""
    found = {f.name: getattr(event, f.name) for f in fields(Event) if f.name != "step"}
    return found | {"step": protocol.index(event.step) if event.step in protocol else None}


def event_of(kept: Mapping[str, Any], protocol: Sequence[ProtocolStep]) -> Event:
    """Return the event again."""
    number = kept["step"]
    return Event(**{**kept, "step": None if number is None else protocol[number]})


def kept_control(controller: StepController) -> Kept:
    """Step lengths, and how the last steps went."""
    return asdict(controller)


def controller_of(kept: Mapping[str, Any]) -> StepController:
    """Return the controller again."""
    given = {f.name: kept[f.name] for f in fields(StepController) if f.init}
    controller = StepController(**given)
    for name in set(kept) - set(given):
        setattr(controller, name, kept[name])
    return controller
