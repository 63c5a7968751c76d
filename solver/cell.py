"""A cell that can be stepped: the same calls on every rank, whatever engine computes it.

An engine may live on one rank (plane) or on all of them (phase field). A `Cell` hides that: its methods are collective
over its communicator, reports are alike on every rank, and what fails on one rank fails on all.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dolfinx import fem
from lifrac.errors import NumericalFailure
from lifrac.quantities import Quantity
from mpi4py import MPI

from .model.cell_model import CellModel
from .protocol.events import Event
from .protocol.measures import Areas
from .protocol.restart import RestartData
from .protocol.stepper import ProtocolRun, StepReport

Report = StepReport[Any]
ASKED_TO_STOP, FAILED = "asked_to_stop", "numerical_failure"
"""Terminations that are not the protocol's or the cell's."""


@dataclass(frozen=True)
class Standing:
    """The end of a cell that is stepped no further, alike on every rank."""

    termination: str
    """Why no more steps are taken."""
    outcome: str
    """The gravest thing that has happened to the cell."""
    exhausted: str = ""
    """A message for a run that has used up its time steps; empty for others."""


class Cell[E: ProtocolRun[Any]](ABC):
    """A cell on a mesh (collective on `comm`).

    Attributes
    ----------
    comm : MPI.Comm
    model : CellModel
    engine : ProtocolRun or None
        The engine, on the ranks that step it.
    quantities : tuple of Quantity
        What is measured and stored of this cell alone.
    """

    comm: MPI.Comm
    model: CellModel
    engine: E | None
    quantities: tuple[Quantity, ...]

    @abstractmethod
    def on_all[T](self, work: Callable[[E], T]) -> T:
        """Return what `work` makes of the engine, on every rank; its failure is raised on every rank (collective)."""

    @property
    @abstractmethod
    def dofs(self) -> int:
        """Unknowns of the bulk on the present mesh."""

    @property
    @abstractmethod
    def fields(self) -> Mapping[str, fem.Function]:
        """Fields of the last accepted state by the names of `lifrac.quantities`, in internal units (collective)."""

    @abstractmethod
    def restart_data(self) -> RestartData:
        """Everything that the cell goes on from; arrays on rank 0, none elsewhere (collective)."""

    @abstractmethod
    def recorder(self, path: Path, until: float | None = None) -> Callable[[], None]:
        """Return a function that appends the fields of the last accepted state to a file (collective).

        Parameters
        ----------
        path : Path
            The file, a VTKHDF.
        until : float, optional
            A file that is there is continued, without what it holds after this time [s].
        """

    # -- the same for every engine -------------------------------------------------------------------------------

    def prepare(self, interrupted: Callable[[], bool], warn: Callable[[str], None]) -> None:
        """Tell the engine whom to ask and whom to warn.

        Parameters
        ----------
        interrupted : callable
            Whether to stop before the present time step has ended; rank 0 decides.
        warn : callable
            Takes a message for the user; called on ranks that step.
        """
        if self.engine is not None:
            self.engine.interrupted = lambda: self._stop_within(interrupted())
            self.engine.warn = warn

    def end_steps_at(self, throughputs: Sequence[float]) -> None:
        """End time steps exactly at these throughputs [C/m2]."""
        if self.engine is not None:
            self.engine.output_capacities = sorted(throughputs)

    @abstractmethod
    def _stop_within(self, here: bool) -> bool:
        """Return what rank 0 says within a time step, on every rank that steps."""

    def agreed(self, here: bool) -> bool:
        """Return what rank 0 says, on every rank (collective)."""
        return bool(self.comm.bcast(here, root=0)) if self.comm.size > 1 else here

    def first(self) -> Report:
        """Return the state before any step, as a report (collective)."""
        return self.on_all(lambda engine: engine.first_report())

    def steps(self) -> Iterator[Report]:
        """Yield every accepted step, alike on every rank (collective).

        A report holds the whole state where the engine steps, and its time, charge and balances elsewhere.

        Raises
        ------
        NumericalFailure
            On every rank, when a time step cannot be made small enough; the last good state is kept.
        Interrupted
            On every rank, when somebody has asked to stop within a time step. Whoever steps the cell then says which of
            the two has ended it (`fail`, `stop`).
        """
        stepping = None if self.engine is None else self.engine.run()

        def accepted(engine: E) -> Report | None:
            assert stepping is not None
            return next(stepping, None)

        try:
            while (report := self.on_all(accepted)) is not None:
                yield report
        except NumericalFailure as error:
            if self.engine is not None:
                self.engine.share_failure(error)
            raise

    def stop(self) -> None:
        """Take no more steps: somebody has asked to stop."""
        self._end(ASKED_TO_STOP)

    def fail(self) -> None:
        """Take no more steps: the numerics have failed."""
        self._end(FAILED)

    def _end(self, termination: str) -> None:
        if self.engine is not None:
            self.engine.termination = termination

    def standing(self) -> Standing:
        """Return where the cell stands (collective)."""
        return self.on_all(lambda engine: Standing(engine.termination, engine.outcome, engine.used_up()))

    def notes(self) -> list[str]:
        """Return what is worth knowing about the start (collective)."""
        return self.on_all(lambda engine: list(engine.notes))

    def areas(self) -> Areas:
        """Areas of the electrodes as meshed (collective)."""
        return self.on_all(lambda engine: engine.areas)

    def events(self) -> tuple[Event, ...]:
        """Return the first event of each name so far (collective)."""
        return self.on_all(lambda engine: tuple(engine.counters.first_events.values()))
