"""Restart data of a run: everything that it needs to go on as if it had not been interrupted.

Besides the arrays of the fields these are plain numbers and texts, which JSON gives back exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from lifrac.errors import InputError
from lifrac.parallel.collective import on_root
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.numerics.stepping import StepController
from mpi4py import MPI
from numpy.typing import NDArray

from .cell_state import CellState
from .events import Event
from .measures import Measures

Values = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class RestartData:
    """A committed state, and everything else that a run goes on from.

    Attributes
    ----------
    values : dict
        Numbers and texts, see `ProtocolRun.restart_values`; the same on all ranks.
    arrays : dict
        Fields; on rank 0, empty elsewhere.
    """

    values: Values
    arrays: Arrays

    @property
    def time(self) -> float:
        """Time of the state [s]."""
        return float(self.values["cell"]["time"])


def known_to_all(comm: MPI.Comm, make: Callable[[], RestartData]) -> RestartData:
    """Let rank 0 make restart data; its numbers are then on every rank, its arrays on rank 0 (collective).

    Raises
    ------
    Exception
        Whatever `make` raised on rank 0, on every rank.
    """
    made = on_root(comm, make)
    values = comm.bcast(None if made is None else made.values, root=0)
    return made or RestartData(values, {})


def node_order(arrays: Arrays, points: NDArray[Any]) -> NDArray[Any]:
    """Return where the nodes at these points (n, 3) stand in restart arrays, whatever their order was then."""
    from scipy.spatial import cKDTree  # slow to import, and no run that starts afresh wants it

    return np.asarray(cKDTree(arrays["nodes"]).query(points)[1])


def cell_values(state: CellState) -> Values:
    """Return time, charge and accumulated balances of a state; the engines keep its fields."""
    found = {f.name: getattr(state, f.name) for f in fields(CellState) if f.name != "laws"}
    return found | {"work": dict(state.work)}


def measures_of(values: Mapping[str, float], now: Measures) -> Measures:
    """Return the measures of a restart, which must be of the quantities that are measured now.

    Raises
    ------
    InputError
        If they are not.
    """
    if changed := sorted(values.keys() ^ now.keys()):
        raise InputError(
            f"the run was begun with other quantities of the user's own ({', '.join(changed)})",
            key="--resume",
            remedy="Register the same ones (lifrac.quantities.register), or begin a new run",
        )
    return Measures(values)


def event_values(event: Event, protocol: Sequence[ProtocolStep]) -> Values:
    """Return the values of an event, which holds its protocol step by number."""
    found = {f.name: getattr(event, f.name) for f in fields(Event) if f.name != "step"}
    return found | {"step": protocol.index(event.step) if event.step in protocol else None}


def event_of(values: Mapping[str, Any], protocol: Sequence[ProtocolStep]) -> Event:
    """Return the event that these values were taken from."""
    number = values["step"]
    return Event(**{**values, "step": None if number is None else protocol[number]})


def controller_values(controller: StepController) -> Values:
    """Return the step lengths, and how the last steps went."""
    return asdict(controller)


def controller_of(values: Mapping[str, Any]) -> StepController:
    """Return the step control that these values were taken from."""
    given = {f.name: values[f.name] for f in fields(StepController) if f.init}
    controller = StepController(**given)
    for name in set(values) - set(given):
        setattr(controller, name, values[name])
    return controller
