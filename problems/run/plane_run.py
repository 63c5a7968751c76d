"""A run of the plane engine.

All ranks condense and recover bulk fields together; the small surface problem is stepped on rank 0, which hands out the
states to be recovered. Every decision is made there.
"""

from lifrac.errors import NumericalFailure
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import on_root
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.problems.process.signals import heeding_signals
from lifrac.solver.plane.bulk import Bulk
from lifrac.solver.plane.engine import PlaneEngine
from lifrac.solver.plane.problem import SurfaceProblem
from lifrac.solver.plane.recorder import FieldRecorder, SurfaceSnapshot, share
from lifrac.solver.plane.surface import gather_surface
from lifrac.solver.plane.unknowns import OPENING

from .checkpoint import CHECKPOINT
from .driver import NUMERICAL_FAILURE, Driver, Session, trouble_of
from .run_folder import FIELDS


def run_plane(session: Session, tagged: TaggedMesh) -> int:
    """Compute a case with the plane engine (collective); returns the exit code."""
    comm, case, folder = session.comm, session.case, session.folder
    model = case.model()
    surface = gather_surface(tagged)
    bulk = Bulk(tagged, surface, model.electrolyte.poisson_ratio, model.loads, case.bulk_solver)  # type: ignore[arg-type]
    try:
        response = bulk.response()
    except NumericalFailure as error:
        shared(meeting_of(comm), error)
        on_root(comm, lambda: folder.withdraw() if folder else None)
        raise
    session.open_folder(tagged.report.as_dict())
    recorder = FieldRecorder(bulk, model, session.path / FIELDS, session.time)
    if comm.rank != 0:
        with heeding_signals(session.path / CHECKPOINT):
            while (snapshot := share(comm, None)) is not None:
                _try_to_record(recorder, snapshot)
            return int(comm.bcast(None, root=0))
    code, driver = NUMERICAL_FAILURE, None
    try:
        problem, last = SurfaceProblem(surface, response, model), session.checkpoint
        engine = PlaneEngine(problem) if last is None else PlaneEngine.resumed(problem, last.kept, last.arrays)
        driver = _PlaneDriver(session, engine, bulk, recorder)
        code = driver.run()
    finally:
        # Ranks that are still at a state's fields would take these words for something else.
        if driver is None or not driver.recording:
            share(comm, None)
            comm.bcast(code, root=0)
    return code


def _try_to_record(recorder: FieldRecorder, snapshot: SurfaceSnapshot) -> str:
    """Store a state; why it could not be stored, or nothing. It fails on all ranks alike, and the run goes on."""
    try:
        recorder.record(snapshot)
    except (NumericalFailure, OSError) as error:
        shared(meeting_of(recorder.comm), error)
        return trouble_of(error)
    return ""


class _PlaneDriver(Driver[PlaneEngine]):
    """Rank 0's part of a run; the others wait for snapshots on the communicator of the run, not on that of the mesh."""

    def __init__(self, session: Session, engine: PlaneEngine, bulk: Bulk, recorder: FieldRecorder) -> None:
        super().__init__(session, engine)
        self.bulk, self.recorder = bulk, recorder
        self.recording = False
        """All ranks are at the fields of a state."""

    @property
    def dofs(self) -> int:
        return self.bulk.dofs

    def store_fields(self) -> str:
        state, problem = self.engine.state, self.engine.problem
        aperture = problem.crack.aperture + state.values[:, OPENING]
        damage, touching = self.engine.observer.damage(state), problem.touching(state.contact)
        snapshot = SurfaceSnapshot(state.time, state.values, aperture, damage, touching)
        self.recording = True
        share(self.comm, snapshot)
        trouble = _try_to_record(self.recorder, snapshot)
        self.recording = False
        return trouble
