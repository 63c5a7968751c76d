"""Drives an engine through its protocol and writes what it finds into a run folder."""

import errno
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifrac.errors import Interrupted, NumericalFailure
from lifrac.parallel.collective import on_root
from lifrac.problems.case.case import Case
from lifrac.problems.process.signals import heeding_signals
from lifrac.problems.quantities.units import capacity
from lifrac.solver.protocol.stepper import ProtocolRun, StepReport
from mpi4py import MPI

from .checkpoint import CHECKPOINT, Checkpoint
from .progress import Reporter, progress_for
from .run_folder import RunFolder
from .summary import Worst, emptiness, end_of, first_report, summary_of, used_up

LOG = logging.getLogger("lifrac")
MOST_STORED_ENDS = 20
"""Fields are stored at the end of every step of a protocol that has no more steps than this."""
CHECKPOINT_EVERY = 60.0
"""Time between checkpoints [s], besides those with stored states: what a killed run loses at most, and a bit."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""A full disk ends a run at once: neither fields nor tables can be written until somebody makes room."""
DONE, NUMERICAL_FAILURE, ASKED_TO_STOP = 0, 3, 4


@dataclass(frozen=True)
class Session:
    """What a run is told besides its mesh.

    Attributes
    ----------
    comm : MPI.Comm
        Of all ranks of the run.
    case : Case
    path : Path
        Of the run folder.
    folder : RunFolder or None
        On rank 0; None on ranks that only compute.
    begun : float
        `time.monotonic()` at the start.
    checkpoint : Checkpoint or None
        Where the run goes on; its arrays are on rank 0. None: it begins.
    """

    comm: MPI.Comm
    case: Case
    path: Path
    folder: RunFolder | None
    begun: float
    checkpoint: Checkpoint | None = None

    @property
    def time(self) -> float | None:
        """At which the run goes on [s]; None: it begins."""
        return None if self.checkpoint is None else self.checkpoint.time

    def open_folder(self, mesh: Mapping[str, Any]) -> None:
        """Begin the run's files, or forget what came after the checkpoint (collective)."""
        folder, checkpoint = self.folder, self.checkpoint

        def write() -> None:
            assert folder is not None
            if checkpoint is None:
                folder.begin(self.case, self.comm.size, mesh)
            else:
                folder.rewind(checkpoint)

        on_root(self.comm, write)


def trouble_of(error: NumericalFailure | OSError) -> str:
    """Why a state could not be stored, for a run that goes on without it.

    Raises
    ------
    OSError
        For a disk that is full.
    """
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        raise error
    return str(error)


class Driver[E: ProtocolRun[Any]](ABC):
    """One run, on each rank that steps its engine.

    Parameters
    ----------
    session : Session
    engine : ProtocolRun
    """

    def __init__(self, session: Session, engine: E) -> None:
        self.comm, self.case, self.folder, self.engine = session.comm, session.case, session.folder, engine
        self.begun, self.path = session.begun, session.path
        self.asked: list[int] = []
        """Signals received."""
        self.stored_at = -1.0
        self.owed = False
        """Whether a state that should have been stored could not be: the next one is stored in its place."""
        self.not_stored = 0
        self.worst = Worst()
        self.resumed, self.spent = 0, 0.0
        """How often the run was resumed, and the wall time [s] of what came before."""
        self.kept_at = time.monotonic()
        if session.checkpoint is not None:
            self._take_up(session.checkpoint.kept["driver"])
        self.planned = planned = sum(step.planned_charge for step in engine.cell_model.protocol)
        stored = session.case.stored_states
        if isinstance(stored, int):
            self.marks = [planned * (i + 1) / max(stored - 1, 1) for i in range(max(stored - 2, 0))]
        else:
            self.engine.marks = self.marks = sorted(stored)
        self.marks = [m for m in self.marks if not self._reached(m)]

    def _take_up(self, kept: dict[str, Any]) -> None:
        """Go on where the driver of an interrupted run stood."""
        self.stored_at, self.owed, self.not_stored = kept["stored_at"], kept["owed"], kept["not_stored"]
        self.worst.go_on(kept["worst"])
        self.resumed, self.spent = kept["resumed"] + 1, kept["wall_time"]

    def _kept(self) -> dict[str, Any]:
        return {
            "stored_at": self.stored_at,
            "owed": self.owed,
            "not_stored": self.not_stored,
            "worst": self.worst.values,
            "resumed": self.resumed,
            "wall_time": self.spent + time.monotonic() - self.begun,
        }

    def _reached(self, mark: float) -> bool:
        return bool(mark <= self.engine.state.throughput * (1.0 + 1.0e-9))

    @property
    @abstractmethod
    def dofs(self) -> int:
        """Unknowns of the bulk, on the present mesh."""

    @abstractmethod
    def store_fields(self) -> str:
        """Store the fields of the engine's state; why they could not be stored, or nothing."""

    def agreed(self, here: bool) -> bool:
        """What rank 0 says, on every rank that steps."""
        return here

    def write(self, work: Callable[[RunFolder], None]) -> None:
        """Let the rank that has the folder write; all ranks that step, where a failure is raised on each."""
        if self.folder is not None:
            work(self.folder)

    def checkpoint(self) -> None:
        """Keep where the run stands; all ranks that step."""
        checkpoint = Checkpoint(self.engine.bookmark() | {"driver": self._kept()}, self.engine.arrays())
        self.write(lambda folder: folder.checkpoint(checkpoint))
        self.kept_at = time.monotonic()

    def run(self) -> int:
        """Step to the end; returns the exit code. The first signal ends the run in good order."""
        with heeding_signals(self.path / CHECKPOINT) as self.asked:
            return self._run()

    def _run(self) -> int:
        engine = self.engine
        engine.interrupted = lambda: self.agreed(bool(self.asked))
        engine.warn = lambda words: self._say(logging.WARNING, "warning: %s", words)
        for note in engine.notes:
            self._say(logging.WARNING, "warning: %s", note)
        if not self.resumed:
            self._write_report(first_report(engine))
            self.worst.see(engine.measures)
            self._record()
            self.checkpoint()
        code, failure = DONE, ""
        with progress_for(1.0, self.case.name) as progress:
            try:
                for report in engine.run():
                    self._accept(report, progress)
                    if self.agreed(bool(self.asked)):
                        engine.termination, code = "asked_to_stop", ASKED_TO_STOP
                        break
            except Interrupted:
                engine.termination, code = "asked_to_stop", ASKED_TO_STOP
            except NumericalFailure as error:
                engine.share_failure(error)
                engine.termination, code, failure = "numerical_failure", NUMERICAL_FAILURE, str(error)
        if spent := used_up(engine):
            code, failure = NUMERICAL_FAILURE, spent
        self._finish(failure)
        return code or (NUMERICAL_FAILURE if self.owed else DONE)

    def _accept(self, report: StepReport[Any], progress: Reporter) -> None:
        self._write_report(report)
        self.worst.see(report.measures)
        passed = [m for m in self.marks if self._reached(m)]
        many = len(self.engine.cell_model.protocol) > MOST_STORED_ENDS
        if passed or self.owed or any(not many or event.name != "protocol_step" for event in report.events):
            self.marks = [m for m in self.marks if m not in passed]
            self._record()
            self.checkpoint()
        elif self.agreed(time.monotonic() - self.kept_at > CHECKPOINT_EVERY):
            self.checkpoint()
        m = report.measures
        progress.update(
            self._done(report),
            f"{capacity(report.state.charge):.4f} mAh/cm2, crack {m.crack_tip:.1f} um, "
            f"lithium {m.lithium_length:.1f} um, {m.max_pressure:.0f} MPa",
        )

    def _done(self, report: StepReport[Any]) -> float:
        """Part of the protocol, or of the way through the electrolyte, that lies behind."""
        protocol = self.engine.cell_model.protocol
        length = self.engine.cell_model.flaw.length
        way = (report.measures.lithium_length - length) / max(self.engine.path_end - length, 1.0e-9)
        charge = report.state.throughput / self.planned if self.planned > 0.0 else 0.0
        steps = report.protocol_step / len(protocol)
        return float(min(max(way, charge, steps), 1.0))

    def _write_report(self, report: StepReport[Any]) -> None:
        self.write(lambda folder: folder.add(report))

    def _say(self, level: int, message: str, *values: object) -> None:
        if self.folder is not None:
            LOG.log(level, message, *values)

    def _record(self) -> None:
        """Store the committed state with its fields, once; what cannot be stored is tried again after the next step."""
        now = self.engine.state.time
        if now <= self.stored_at:
            return
        trouble = self.store_fields()
        if trouble:
            if not self.owed:
                words = "the fields at %g s could not be stored, which is tried again after every step: %s"
                self._say(logging.ERROR, words, now, trouble)
            self.not_stored += 1
        else:
            self.stored_at = now
        self.owed = bool(trouble)

    def _finish(self, failure: str) -> None:
        engine = self.engine
        self._record()
        self.checkpoint()
        if self.folder is None:
            return
        for event in engine.skipped:
            self.folder.event(event)
        self.folder.event(end_of(engine, failure))
        summary = summary_of(
            engine,
            self.worst,
            ranks=self.comm.size,
            dofs=self.dofs,
            begun=self.begun - self.spent,
            resumed=self.resumed,
            not_stored=self.not_stored,
        )
        self.folder.summary(summary)
        at = summary["charge_mAh_per_cm2"]
        LOG.info(
            "%s: %s after %.4f mAh/cm2 (%s); %s",
            self.case.name,
            engine.outcome,
            at,
            engine.termination,
            self.folder.path,
        )
        if empty := emptiness(summary):
            LOG.warning("warning: %s: nothing pressed it open, so that what it survived since then says nothing", empty)
        if self.not_stored:
            last = ", the last one among them" if self.owed else ""
            LOG.error("%d states could not be stored%s", self.not_stored, last)
        if failure:
            LOG.error("%s. The last good state is in %s", failure, self.folder.path / "checkpoints")
