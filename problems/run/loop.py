"""The one run loop: a cell is stepped to its end, and observers see every accepted step."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lifrac.errors import Interrupted, NumericalFailure
from lifrac.solver.cell import ASKED_TO_STOP as STOPPED
from lifrac.solver.cell import Cell, Report

from .summary import LargestValues

LOG = logging.getLogger("lifrac")
DONE, NUMERICAL_FAILURE, ASKED_TO_STOP = 0, 3, 4
"""Exit codes."""


@dataclass(frozen=True)
class End:
    """How a run has ended, alike on every rank."""

    code: int
    """0: the protocol or the cell has ended; 3: the numerics failed; 4: asked to stop."""
    termination: str
    outcome: str
    failure: str = ""
    """Why the numerics gave up, if they did."""


class Observer:
    """Sees a run, alike on every rank; what it does may be collective."""

    def began(self, report: Report) -> None:
        """Take note of the state before any step."""

    def accepted(self, report: Report) -> None:
        """Take note of an accepted step."""

    def ended(self, end: End) -> None:
        """Take note of the end."""


class RunLoop:
    """Steps a cell to its end (collective).

    Parameters
    ----------
    cell : Cell
    observers : sequence of Observer
    resumed : bool
        Whether the cell goes on from an earlier state, which observers know.
    fatal : tuple of exception types
        What ends a run as a failure of its numerics.
    """

    def __init__(
        self,
        cell: Cell,
        observers: Sequence[Observer] = (),
        *,
        resumed: bool = False,
        fatal: tuple[type[Exception], ...] = (NumericalFailure,),
    ) -> None:
        self.cell, self.observers, self.resumed, self.fatal = cell, tuple(observers), resumed, fatal
        self.largest_values = LargestValues()
        self.end: End | None = None
        self.stop_requested: Callable[[], bool] = lambda: False
        """Whether somebody asks to stop; rank 0 decides."""
        self.label = ""
        """Beginning of every warning."""

    def __iter__(self) -> Iterator[Report]:
        """Yield every accepted step, once all observers have seen it."""
        cell, failure, code = self.cell, "", DONE
        cell.prepare(lambda: self.stop_requested(), self._warn)
        if not self.resumed:
            self._see(cell.first())
        try:
            for report in cell.steps():
                self.largest_values.update(report.measures)
                for observer in self.observers:
                    observer.accepted(report)
                yield report
                if cell.agreed(self.stop_requested()):
                    cell.stop()
                    break
        except Interrupted:
            cell.stop()
        except self.fatal as error:
            cell.fail()
            failure, code = str(error) or type(error).__name__, NUMERICAL_FAILURE
        standing = cell.standing()
        if standing.termination == STOPPED:
            code = ASKED_TO_STOP
        if standing.exhausted:
            code, failure = NUMERICAL_FAILURE, standing.exhausted
        self.end = End(code, standing.termination, standing.outcome, failure)
        for observer in self.observers:
            observer.ended(self.end)

    def run(self) -> End:
        """Take all steps."""
        for _ in self:
            pass
        assert self.end is not None
        return self.end

    def _see(self, report: Report) -> None:
        self.largest_values.update(report.measures)
        for observer in self.observers:
            observer.began(report)

    def _warn(self, message: str) -> None:
        if self.cell.comm.rank == 0:
            LOG.warning("warning: %s%s", self.label, message)
