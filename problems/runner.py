"""One run: mesh, condensation, engine, run folder.

All ranks mesh, condense and recover bulk fields together; the small surface problem is stepped on rank 0, which hands
out the states to be recovered. Every decision is made there.
"""

import logging
import time
from pathlib import Path

from lifrac.meshes.builder import build
from lifrac.meshes.collective import on_root
from lifrac.meshes.errors import InputError
from lifrac.meshes.reader import read_mesh
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.bulk import Bulk, Response
from lifrac.solver.errors import NumericalFailure
from lifrac.solver.fields import FieldRecorder, SurfaceSnapshot, share
from lifrac.solver.plane.engine import PlaneEngine, StepReport
from lifrac.solver.plane.fields import OPENING
from lifrac.solver.plane.problem import SurfaceProblem
from lifrac.solver.surface import gather_surface
from mpi4py import MPI

from .case import Case
from .progress import Reporter, progress_for
from .run_folder import RunFolder
from .schema_tools import refuse
from .signals import heeding_signals
from .summary import Worst, end_of, first_report, summary_of, used_up
from .units import capacity

LOG = logging.getLogger("lifrac")
MOST_STORED_ENDS = 20
"""Fields are stored at the end of every step of a protocol that has no more steps than this."""
DONE, NUMERICAL_FAILURE, ASKED_TO_STOP = 0, 3, 4


def make_mesh(case: Case, comm: MPI.Comm) -> TaggedMesh:
    """The case's mesh: parametrised, or the user's own (collective)."""
    geometry = case.geometry()
    if isinstance(geometry, Path):
        try:
            tagged = read_mesh(geometry, comm, gdim=case.dimension, scale=case.mesh_scale)
        except InputError as error:
            raise InputError(
                f"{geometry.name}: {error.message}", file=case.path, key="mesh.file", value=case.file.mesh.file,
                remedy=error.remedy,
            ) from None  # fmt: skip
        engine = case.file.engine
        refuse(engine.unfit_mesh(case.file, {*tagged.groups, *tagged.cell_groups}, tagged.report), case.path)
        return tagged
    return build(geometry, comm)


def run_case(case: Case, out: Path, comm: MPI.Comm = MPI.COMM_WORLD) -> int:
    """Compute a case and write its run folder (collective).

    Returns
    -------
    int
        Exit code: 0 done, 3 numerical failure (last good state saved), 4 asked to stop (checkpointed).

    Raises
    ------
    InputError
        On every rank alike, before anything is written, for a folder or mesh that cannot be used.
    """
    if case.file.fracture.engine != "plane":
        raise InputError(
            "cannot be run yet: `lifrac check` and `lifrac mesh` take such a case",
            file=case.path, key="fracture.engine", value=case.file.fracture.engine, remedy='Write engine = "plane"',
        )  # fmt: skip
    begun = time.monotonic()
    with heeding_signals() as asked:
        return _run(case, out, comm, begun, asked)


def _run(case: Case, out: Path, comm: MPI.Comm, begun: float, asked: list[int]) -> int:
    tagged = make_mesh(case, comm)
    folder = on_root(comm, lambda: RunFolder(out))
    model = case.model()
    surface = gather_surface(tagged)
    bulk = Bulk(tagged, surface, model.electrolyte.poisson_ratio, model.loads, case.bulk_solver)  # type: ignore[arg-type]
    try:
        response = bulk.response()
    except NumericalFailure:
        on_root(comm, lambda: folder.withdraw() if folder else None)
        raise
    on_root(comm, lambda: folder.begin(case, comm.size, tagged.report.as_dict()) if folder else None)
    recorder = FieldRecorder(bulk, model, out / "fields.vtkhdf")
    if comm.rank != 0:
        while (snapshot := share(comm, None)) is not None:
            try_to_record(recorder, snapshot)
        code: int = comm.bcast(None, root=0)
        return code
    assert folder is not None
    code = NUMERICAL_FAILURE
    try:
        code = _Driver(comm, case, folder, bulk, response, recorder, begun, asked).run()
    finally:
        share(comm, None)
        comm.bcast(code, root=0)
    if case.plots:
        draw_plots(out)
    return code


def try_to_record(recorder: FieldRecorder, snapshot: SurfaceSnapshot) -> str:
    """Store a state; why it could not be stored, or nothing. It fails on all ranks alike, and the run goes on."""
    try:
        recorder.record(snapshot)
    except (NumericalFailure, OSError) as error:
        return str(error)
    return ""


def draw_plots(out: Path) -> None:
    """Pictures are an extra: a run is not lost because one cannot be drawn."""
    from lifrac.postprocess.plots import plot_run

    try:
        plot_run(out)
    except Exception as error:
        LOG.warning("the plots could not be drawn (%s); `lifrac plot %s` tries again", error, out)


class _Driver:
    """Rank 0's part of a run."""

    def __init__(
        self,
        comm: MPI.Comm,
        case: Case,
        folder: RunFolder,
        bulk: Bulk,
        response: Response,
        recorder: FieldRecorder,
        begun: float,
        asked: list[int],
    ) -> None:
        self.comm = comm  # not the mesh's: that is a duplicate, on which the other ranks do not listen
        self.case, self.folder, self.bulk, self.recorder = case, folder, bulk, recorder
        self.begun = begun
        self.engine = PlaneEngine(SurfaceProblem(bulk.surface, response, case.model()))
        self.stored_at = -1.0
        self.asked = asked
        self.worst = Worst()
        self.planned = planned = sum(step.planned_charge for step in case.model().protocol)
        stored = case.stored_states
        if isinstance(stored, int):
            self.marks = [planned * (i + 1) / max(stored - 1, 1) for i in range(max(stored - 2, 0))]
        else:
            self.engine.marks = self.marks = sorted(stored)

    def run(self) -> int:
        """Step to the end; returns the exit code."""
        engine = self.engine
        for note in engine.notes:
            LOG.warning("warning: %s", note)
        self.folder.add(first_report(engine))
        self._record()
        code, failure = DONE, ""
        with progress_for(1.0, self.case.name) as progress:
            try:
                for report in engine.run():
                    self._accept(report, progress)
                    if self.asked:
                        engine.termination, code = "asked_to_stop", ASKED_TO_STOP
                        break
            except NumericalFailure as error:
                engine.termination, code, failure = "numerical_failure", NUMERICAL_FAILURE, str(error)
        if spent := used_up(engine):
            code, failure = NUMERICAL_FAILURE, spent
        self._finish(failure)
        return code

    def _accept(self, report: StepReport, progress: Reporter) -> None:
        self.folder.add(report)
        self.worst.see(report.measures)
        passed = [m for m in self.marks if m <= report.state.throughput * (1.0 + 1.0e-9)]
        many = len(self.case.model().protocol) > MOST_STORED_ENDS
        if passed or any(not many or event.name != "protocol_step" for event in report.events):
            self.marks = [m for m in self.marks if m not in passed]
            self._record()
        m = report.measures
        progress.update(
            self._done(report),
            f"{capacity(report.state.charge):.4f} mAh/cm2, crack {m.crack_tip:.1f} um, "
            f"lithium {m.lithium_length:.1f} um, {m.max_pressure:.0f} MPa",
        )

    def _done(self, report: StepReport) -> float:
        """Part of the protocol, or of the way through the electrolyte, that lies behind."""
        protocol = self.case.model().protocol
        length = self.engine.problem.model.flaw.length
        way = (report.measures.lithium_length - length) / max(self.engine.path_end - length, 1.0e-9)
        charge = report.state.throughput / self.planned if self.planned > 0.0 else 0.0
        steps = report.protocol_step / len(protocol)
        return float(min(max(way, charge, steps), 1.0))

    def _record(self) -> None:
        """Store the committed state with its bulk fields."""
        state, problem = self.engine.state, self.engine.problem
        if state.time <= self.stored_at:
            return
        self.stored_at = state.time
        aperture = problem.crack.aperture + state.values[:, OPENING]
        damage, touching = self.engine.observer.damage(state), problem.touching(state.contact)
        snapshot = SurfaceSnapshot(state.time, state.values, aperture, damage, touching)
        share(self.comm, snapshot)
        trouble = try_to_record(self.recorder, snapshot)
        if trouble:
            LOG.error("the fields at %g s could not be stored: %s", state.time, trouble)

    def _finish(self, failure: str) -> None:
        engine = self.engine
        self._record()
        self.folder.checkpoint(engine.state)
        for event in engine.skipped:
            self.folder.event(event)
        self.folder.event(end_of(engine, failure))
        summary = summary_of(engine, self.worst, ranks=self.comm.size, dofs=self.bulk.dofs, begun=self.begun)
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
