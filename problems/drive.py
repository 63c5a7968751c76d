"""Drives an engine through its protocol and writes what it finds into a run folder."""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifrac.solver.errors import NumericalFailure
from lifrac.solver.protocol.run import ProtocolRun, StepReport
from mpi4py import MPI

from .case import Case
from .progress import Reporter, progress_for
from .run_folder import RunFolder
from .summary import Worst, end_of, first_report, summary_of, used_up
from .units import capacity

LOG = logging.getLogger("lifrac")
MOST_STORED_ENDS = 20
"""Fields are stored at the end of every step of a protocol that has no more steps than this."""
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
    asked : list of int
        Signals received.
    """

    comm: MPI.Comm
    case: Case
    path: Path
    folder: RunFolder | None
    begun: float
    asked: list[int]


class Driver[E: ProtocolRun[Any]](ABC):
    """One run, on each rank that steps its engine.

    Parameters
    ----------
    session : Session
    engine : ProtocolRun
    """

    def __init__(self, session: Session, engine: E) -> None:
        self.comm, self.case, self.folder, self.engine = session.comm, session.case, session.folder, engine
        self.begun, self.asked = session.begun, session.asked
        self.stored_at = -1.0
        self.worst = Worst()
        self.planned = planned = sum(step.planned_charge for step in engine.cell_model.protocol)
        stored = session.case.stored_states
        if isinstance(stored, int):
            self.marks = [planned * (i + 1) / max(stored - 1, 1) for i in range(max(stored - 2, 0))]
        else:
            self.engine.marks = self.marks = sorted(stored)

    @property
    @abstractmethod
    def dofs(self) -> int:
        """Unknowns of the bulk, on the present mesh."""

    @abstractmethod
    def store_fields(self) -> str:
        """Store the fields of the engine's state; why they could not be stored, or nothing."""

    @abstractmethod
    def checkpoint(self) -> None:
        """Keep the engine's state."""

    def asked_to_stop(self) -> bool:
        """Whether a signal has come; the same on every rank that steps."""
        return bool(self.asked)

    def run(self) -> int:
        """Step to the end; returns the exit code."""
        engine = self.engine
        for note in engine.notes:
            self._say(logging.WARNING, "warning: %s", note)
        self._write_report(first_report(engine))
        self._record()
        code, failure = DONE, ""
        with progress_for(1.0, self.case.name) as progress:
            try:
                for report in engine.run():
                    self._accept(report, progress)
                    if self.asked_to_stop():
                        engine.termination, code = "asked_to_stop", ASKED_TO_STOP
                        break
            except NumericalFailure as error:
                engine.termination, code, failure = "numerical_failure", NUMERICAL_FAILURE, str(error)
        if spent := used_up(engine):
            code, failure = NUMERICAL_FAILURE, spent
        self._finish(failure)
        return code

    def _accept(self, report: StepReport[Any], progress: Reporter) -> None:
        self._write_report(report)
        self.worst.see(report.measures)
        passed = [m for m in self.marks if m <= report.state.throughput * (1.0 + 1.0e-9)]
        many = len(self.engine.cell_model.protocol) > MOST_STORED_ENDS
        if passed or any(not many or event.name != "protocol_step" for event in report.events):
            self.marks = [m for m in self.marks if m not in passed]
            self._record()
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
        if self.folder is not None:
            self.folder.add(report)

    def _say(self, level: int, message: str, *values: object) -> None:
        if self.folder is not None:
            LOG.log(level, message, *values)

    def _record(self) -> None:
        """Store the committed state with its fields, once."""
        time = self.engine.state.time
        if time <= self.stored_at:
            return
        self.stored_at = time
        if trouble := self.store_fields():
            self._say(logging.ERROR, "the fields at %g s could not be stored: %s", time, trouble)

    def _finish(self, failure: str) -> None:
        engine = self.engine
        self._record()
        self.checkpoint()
        if self.folder is None:
            return
        for event in engine.skipped:
            self.folder.event(event)
        self.folder.event(end_of(engine, failure))
        summary = summary_of(engine, self.worst, ranks=self.comm.size, dofs=self.dofs, begun=self.begun)
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
        if failure:
            LOG.error("%s. The last good state is in %s", failure, self.folder.path / "checkpoints")
