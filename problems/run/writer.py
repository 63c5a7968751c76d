"""Writes a run into its folder as it goes: history, events, fields, checkpoints, the summary."""

import errno
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifrac.errors import NumericalFailure
from lifrac.parallel.collective import on_root
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.problems.quantities.units import capacity
from lifrac.solver.cell import Cell, Report
from lifrac.solver.protocol.restart import RestartData
from mpi4py import MPI

from .accuracy import as_text, companion, errors_of, inaccuracies, least_error
from .companion_run import run_companion
from .loop import DONE, NUMERICAL_FAILURE, End, Observer, RunLoop
from .progress import Reporter, progress_for
from .run_folder import FIELDS, RunFolder
from .statement import Statement
from .summary import emptiness, last_events, summary_of

LOG = logging.getLogger("lifrac")
MOST_STORED_ENDS = 20
"""Fields are stored at the end of every step of a protocol that has no more steps than this."""
CHECKPOINT_EVERY = 60.0
"""Time between checkpoints [s], besides those with stored states: what a killed run loses at most, and a bit."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""A full disk ends a run at once: neither fields nor tables can be written until somebody makes room."""


@dataclass(frozen=True)
class Place:
    """The place that a run is written to.

    Attributes
    ----------
    path : Path
        The run folder.
    folder : RunFolder or None
        On rank 0; None on the others.
    begun : float
        `time.monotonic()` at the start.
    checkpoint : RestartData or None
        Where the run goes on; its arrays are on rank 0. None: it begins.
    """

    path: Path
    folder: RunFolder | None
    begun: float
    checkpoint: RestartData | None = None

    @property
    def time(self) -> float | None:
        """The time at which the run goes on [s]; None: it begins."""
        return None if self.checkpoint is None else self.checkpoint.time

    def open(self, statement: Statement, comm: MPI.Comm, mesh: dict[str, Any]) -> None:
        """Begin the run's files, or forget what came after the checkpoint (collective)."""
        folder, checkpoint = self.folder, self.checkpoint

        def write() -> None:
            assert folder is not None
            if checkpoint is None:
                folder.begin(statement, comm.size, mesh)
            else:
                folder.rewind(checkpoint)

        on_root(comm, write)

    def withdraw(self, comm: MPI.Comm) -> None:
        """Take the empty folder away again: nothing was computed (collective)."""
        on_root(comm, lambda: self.folder.withdraw() if self.folder else None)


class FolderWriter(Observer):
    """Keeps a run in its folder (collective).

    Parameters
    ----------
    statement : Statement
        What is computed.
    place : Place
        Its folder has been opened.
    cell : Cell
    others : Observer
        See the run before it is written.
    """

    def __init__(self, statement: Statement, place: Place, cell: Cell, *others: Observer) -> None:
        self.statement, self.place, self.cell = statement, place, cell
        self.comm, self.folder = cell.comm, place.folder
        self.loop = RunLoop(cell, (*others, self), resumed=place.checkpoint is not None)
        self._store = cell.recorder(place.path / FIELDS, place.time)
        self.stored_at = -1.0
        self.owed = False
        """Whether a state that should have been stored could not be: the next one is stored in its place."""
        self.not_stored = 0
        self.resumed, self.spent = 0, 0.0
        """How often the run was resumed, and the wall time [s] of what came before."""
        self.kept_at = time.monotonic()
        self._throughput = self._time = 0.0
        if place.checkpoint is not None:
            self._restore(place.checkpoint.values)
        self.planned = planned = sum(step.planned_charge for step in cell.model.protocol)
        stored = statement.stored_states
        if isinstance(stored, int):
            self.capacities = [planned * (i + 1) / max(stored - 1, 1) for i in range(max(stored - 2, 0))]
        else:
            self.capacities = sorted(stored)
            cell.end_steps_at(self.capacities)
        self.capacities = [c for c in self.capacities if not self._reached(c)]
        for note in cell.notes():
            self._say(logging.WARNING, "warning: %s", note)
        self._bar = progress_for(1.0, statement.name, enabled=self.folder is not None)
        self.progress: Reporter = self._bar.__enter__()

    def close(self) -> None:
        """Stop to show how far the run has come."""
        self._bar.__exit__(None, None, None)

    def _restore(self, values: dict[str, Any]) -> None:
        """Go on where the writer of an interrupted run stood."""
        ours = values["driver"]
        self.stored_at, self.owed, self.not_stored = ours["stored_at"], ours["owed"], ours["not_stored"]
        self.loop.largest_values.restore(ours["largest_values"])
        self.resumed, self.spent = ours["resumed"] + 1, ours["wall_time"]
        self._throughput = values["cell"]["throughput"]
        self._time = values["cell"]["time"]

    def _restart_values(self) -> dict[str, Any]:
        return {
            "stored_at": self.stored_at,
            "owed": self.owed,
            "not_stored": self.not_stored,
            "largest_values": self.loop.largest_values.values,
            "resumed": self.resumed,
            "wall_time": self.spent + time.monotonic() - self.place.begun,
        }

    def _reached(self, throughput: float) -> bool:
        return bool(throughput <= self._throughput * (1.0 + 1.0e-9))

    def _write(self, work: Callable[[RunFolder], None]) -> None:
        """Let rank 0 write; a failure is raised on every rank (collective)."""
        on_root(self.comm, lambda: None if self.folder is None else work(self.folder))

    def _checkpoint(self) -> None:
        """Keep where the run stands (collective)."""
        data = self.cell.restart_data()
        checkpoint = RestartData(data.values | {"driver": self._restart_values()}, data.arrays)
        self._write(lambda folder: folder.checkpoint(checkpoint))
        self.kept_at = time.monotonic()

    # -- what an observer does -----------------------------------------------------------------------------------

    def began(self, report: Report) -> None:
        """Write the first row, state and checkpoint (collective)."""
        self._add(report)
        self._record()
        self._checkpoint()

    def accepted(self, report: Report) -> None:
        """Write an accepted step: its row and events, its fields where they are wanted, now and then a checkpoint."""
        self._add(report)
        passed = [c for c in self.capacities if self._reached(c)]
        many = len(self.cell.model.protocol) > MOST_STORED_ENDS
        if passed or self.owed or any(not many or event.name != "protocol_step" for event in report.events):
            self.capacities = [c for c in self.capacities if c not in passed]
            self._record()
            self._checkpoint()
        elif self.cell.agreed(time.monotonic() - self.kept_at > CHECKPOINT_EVERY):
            self._checkpoint()
        m = report.measures
        self.progress.update(
            self._done(report),
            f"{capacity(report.state.charge):.4f} mAh/cm2, crack {m.crack_tip:.1f} um, "
            f"lithium {m.lithium_length:.1f} um, {m.max_lithium_pressure:.0f} MPa",
        )

    def ended(self, end: End) -> None:
        """Write the last state, checkpoint and the summary (collective)."""
        self._record()
        self._checkpoint()
        coarse = self._companion(end)
        self._write(lambda folder: self._summarise(folder, end, coarse))

    # -- parts ---------------------------------------------------------------------------------------------------

    def _add(self, report: Report) -> None:
        self._throughput, self._time = report.state.throughput, report.state.time
        self._write(lambda folder: folder.add(report))

    def _done(self, report: Report) -> float:
        """Part of the protocol, or of the way through the electrolyte, that lies behind; zero on other ranks."""
        if self.folder is None or self.cell.engine is None:
            return 0.0
        model, length = self.cell.model, self.cell.model.flaw.length
        way = (report.measures.lithium_length - length) / max(self.cell.engine.path_end - length, 1.0e-9)
        charge = report.state.throughput / self.planned if self.planned > 0.0 else 0.0
        steps = report.protocol_step / len(model.protocol)
        return float(min(max(way, charge, steps), 1.0))

    def _say(self, level: int, message: str, *values: object) -> None:
        if self.folder is not None:
            LOG.log(level, message, *values)

    def _record(self) -> None:
        """Store the last accepted state with its fields, once.

        What cannot be stored is tried again after the next step.
        """
        if self._time <= self.stored_at:
            return
        failure = self._stored()
        if failure:
            if not self.owed:
                message = "the fields at %g s could not be stored, which is tried again after every step: %s"
                self._say(logging.ERROR, message, self._time, failure)
            self.not_stored += 1
        else:
            self.stored_at = self._time
        self.owed = bool(failure)

    def _stored(self) -> str:
        """Store a state; why it could not be stored, or nothing. It fails on all ranks alike, and the run goes on."""
        try:
            self._store()
        except (NumericalFailure, OSError) as error:
            shared(meeting_of(self.comm), error)
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            return str(error)
        return ""

    def _companion(self, end: End) -> Mapping[str, Any] | None:
        """Return the summary of the companion of a run that has come to its end, if it has one (collective)."""
        coarse = companion(self.statement) if end.code == DONE else None
        return None if coarse is None else run_companion(coarse, self.comm, stop_requested=self.loop.stop_requested)

    def _summarise(self, folder: RunFolder, end: End, coarse: Mapping[str, Any] | None) -> None:
        engine = self.cell.engine
        assert engine is not None
        for event in last_events(engine, end.failure):
            folder.event(event)
        summary = summary_of(
            engine,
            self.loop.largest_values,
            ranks=self.comm.size,
            dofs=self.cell.dofs,
            begun=self.place.begun - self.spent,
            resumed=self.resumed,
            not_stored=self.not_stored,
        )
        summary |= errors_of(summary, coarse, least_error(self.statement))
        folder.summary(summary)
        self._conclude(folder, end, summary)

    def _conclude(self, folder: RunFolder, end: End, summary: dict[str, Any]) -> None:
        """Tell people how the run has ended."""
        message = "%s: %s after %.4f mAh/cm2 (%s); %s"
        at = summary["charge_mAh_per_cm2"]
        LOG.info(message, self.statement.name, end.outcome, at, end.termination, folder.path)
        if stated := as_text(summary):
            LOG.info("%s: %s", self.statement.name, stated)
        for doubt in inaccuracies(self.statement, summary):
            LOG.warning("warning: %s", doubt)
        if empty := emptiness(summary):
            LOG.warning("warning: %s: nothing pressed it open, so that what it survived since then says nothing", empty)
        if self.not_stored:
            last = ", the last one among them" if self.owed else ""
            LOG.error("%d states could not be stored%s", self.not_stored, last)
        if end.failure:
            LOG.error("%s. The last good state is in %s", end.failure, folder.path / "checkpoints")

    def code(self, end: End) -> int:
        """Return the exit code of a run that has ended: a state that is owed counts as a failure."""
        return end.code or (NUMERICAL_FAILURE if self.owed else DONE)
