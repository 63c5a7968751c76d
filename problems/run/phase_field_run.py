"""A run of the phase-field engine: every rank steps it, with equal decisions; rank 0 writes."""

from collections.abc import Callable

from lifrac.errors import NumericalFailure
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import on_root
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseFieldProblem
from lifrac.solver.phase_field.recorder import PhaseFieldRecorder

from .driver import Driver, Session, trouble_of
from .run_folder import FIELDS, RunFolder


def run_phase_field(session: Session, tagged: TaggedMesh) -> int:
    """Compute a case with the phase-field engine (collective); returns the exit code."""
    comm, case, folder = session.comm, session.case, session.folder
    model, last = case.phase_field_model(), session.checkpoint
    try:
        if last is None:
            engine = PhaseFieldEngine(PhaseFieldProblem(tagged, model))
        else:
            engine = PhaseFieldEngine.resumed(comm, model, last.kept, last.arrays)
    except NumericalFailure as error:
        shared(meeting_of(comm), error)
        on_root(comm, lambda: folder.withdraw() if folder else None)
        raise
    session.open_folder(tagged.report.as_dict())
    recorder = PhaseFieldRecorder(session.path / FIELDS, session.time)
    return _PhaseFieldDriver(session, engine, recorder).run()


class _PhaseFieldDriver(Driver[PhaseFieldEngine]):
    """The same on every rank but for what it writes."""

    def __init__(self, session: Session, engine: PhaseFieldEngine, recorder: PhaseFieldRecorder) -> None:
        super().__init__(session, engine)
        self.recorder = recorder

    @property
    def dofs(self) -> int:
        return self.engine.problem.dofs

    def agreed(self, here: bool) -> bool:
        return bool(self.comm.bcast(here, root=0))

    def write(self, work: Callable[[RunFolder], None]) -> None:
        folder = self.folder
        on_root(self.comm, lambda: None if folder is None else work(folder))

    def store_fields(self) -> str:
        problem = self.engine.at_state()
        try:
            self.recorder.record(problem, self.engine.state.time)
        except OSError as error:
            shared(meeting_of(self.comm), error)
            return trouble_of(error)
        return ""
