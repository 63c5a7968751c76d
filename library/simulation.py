"""A simulation: a cell that is stepped, from a case file or from a model stated in Python.

Everything here is collective: each rank of the communicator makes the same calls, gets the same answers, and meets the
same failures, whatever the engine.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dolfinx import fem
from lifrac.errors import InputError, NumericalFailure
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.cracked import CrackedSlab
from lifrac.meshes.geometries.drawable import Drawable
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import decided, on_root
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.case.digest import digest
from lifrac.problems.run.checkpoint import refuse_to_resume
from lifrac.problems.run.history import History, Step
from lifrac.problems.run.loop import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE, End, RunLoop
from lifrac.problems.run.meshing import make_mesh
from lifrac.problems.run.pictures import draw_plots
from lifrac.problems.run.run_folder import RunFolder
from lifrac.problems.run.statement import ModelStatement, Statement
from lifrac.problems.run.wholeness import last_checkpoint
from lifrac.problems.run.writer import FolderWriter, Place
from lifrac.quantities import REGISTRY, Kind, Quantity
from lifrac.solver.cell import Cell
from lifrac.solver.cells import build_cell
from lifrac.solver.cohesive.system import BulkSystem
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.numerics.petsc_options import Stated
from lifrac.solver.numerics.presets import Preset
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.plane.body import PlaneBody
from lifrac.solver.protocol.events import Event
from lifrac.solver.protocol.restart import RestartData
from mpi4py import MPI

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger("lifrac")
Geometry = SlabEdgeFlaw | HalfPennyBlock | CrackedSlab | Drawable
Domain = Geometry | TaggedMesh | PlaneBody
Stopping = Callable[[], AbstractContextManager[list[int]]]
"""Makes a context in which requests to stop are collected."""


def nobody_asks() -> AbstractContextManager[list[int]]:
    """Nobody asks a simulation to stop: a signal does what it does elsewhere in Python."""
    return nullcontext([])


class Simulation:
    """A cell and its run (collective on `comm`).

    Nothing is meshed or computed before it is needed: the first of `mesh`, `cell`, `steps` and `run` that is used does
    it.

    Parameters
    ----------
    case : Case or str or Path
        From `lifrac.load_case`, or what that takes: a case file, or the name of a ready case.
    comm : MPI.Comm, optional
        The ranks that compute it together; default: all.
    quantities : sequence of Quantity
        What this simulation measures and stores of the user's own, besides what is registered (`lifrac.quantities`).

    Attributes
    ----------
    history : pandas.DataFrame
        A row for each accepted step, columns as in `history.csv` (docs/results.md).
    fields : Mapping
        dolfinx Functions of the last accepted state (docs/library.md).

    Raises
    ------
    InputError
        For a case that cannot be used, on every rank alike.

    Examples
    --------
    >>> simulation = lifrac.Simulation(lifrac.load_case("llzo_holds", stack_pressure="5 MPa"))
    >>> for step in simulation.steps():
    ...     print(step.time, step.voltage, step["crack_tip"])
    """

    def __init__(
        self, case: Case | str | Path, comm: MPI.Comm | None = None, *, quantities: Sequence[Quantity] = ()
    ) -> None:
        case = case if isinstance(case, Case) else load_case(case)
        world = MPI.COMM_WORLD if comm is None else comm
        self._state(
            case,
            world,
            lambda: make_mesh(case, world),
            plots=case.plots,
            bulk_solver=case.bulk_solver,
            quantities=quantities,
        )

    @classmethod
    def from_model(
        cls,
        model: CellModel,
        mesh: Domain,
        *,
        name: str = "model",
        comm: MPI.Comm | None = None,
        stored_states: int | tuple[float, ...] = 20,
        bulk_solver: Preset = "direct",
        crack_kinetics: FaceKinetics | None = None,
        system: BulkSystem | None = None,
        quantities: Sequence[Quantity] = (),
    ) -> Self:
        """State a simulation without any file.

        Parameters
        ----------
        model : PlaneModel, CohesiveModel or PhaseFieldModel
            In internal units (um, s, MPa, V, A/m2, K); its type chooses the engine.
        mesh : geometry, TaggedMesh or PlaneBody
            What to mesh (`lifrac.SlabEdgeFlaw`, ...), a mesh (`lifrac.read_mesh`), or a body that has been condensed
            and serves many cells.
        name : str
            Name for people.
        comm : MPI.Comm, optional
            The ranks that compute it together; default: those of the mesh, or all.
        stored_states : int or tuple of float
            How many states a run folder keeps, or at which areal capacities [C/m2].
        bulk_solver : {"direct", "multigrid"}
            Linear solver of the bulk of a plane crack.
        crack_kinetics, system : optional
            What verification puts in the place of the model's charge transfer and of the condensed bulk.
        quantities : sequence of Quantity
            What this simulation measures and stores of the user's own, besides what is registered.

        Raises
        ------
        InputError
            For a model and a mesh that do not fit each other, on every rank alike, once they are used.
        """
        simulation = cls.__new__(cls)
        there = _mesh_of(mesh).mesh.comm if isinstance(mesh, TaggedMesh | PlaneBody) else None
        world = comm or there or MPI.COMM_WORLD
        statement = ModelStatement(model, _content_of(mesh), name, stored_states)
        simulation._state(
            statement,
            world,
            lambda: _meshed(mesh, world),
            plots=False,
            bulk_solver=bulk_solver,
            crack_kinetics=crack_kinetics,
            system=system,
            quantities=quantities,
        )
        return simulation

    @classmethod
    def resume(cls, folder: str | Path, comm: MPI.Comm | None = None, *, quantities: Sequence[Quantity] = ()) -> Self:
        """Take an interrupted run up where its folder's last checkpoint stands; `run()` or `steps()` goes on there.

        Parameters
        ----------
        folder : str or Path
            A run folder with a `case.toml`. A run that was stated in Python is gone on with by
            `from_model(...).run(out=folder, resume=True)`.
        comm : MPI.Comm, optional
            As many ranks as you like; default: all.
        quantities : sequence of Quantity
            The same as the run was begun with.

        Raises
        ------
        InputError
            If the folder holds no such run, on every rank alike.
        """
        simulation = cls(load_case(Path(folder) / "case.toml"), comm, quantities=quantities)
        simulation._resumed_in = Path(folder)
        return simulation

    def _state(
        self,
        statement: Statement,
        comm: MPI.Comm,
        make_domain: Callable[[], TaggedMesh | PlaneBody],
        *,
        plots: bool,
        bulk_solver: Preset,
        crack_kinetics: FaceKinetics | None = None,
        system: BulkSystem | None = None,
        quantities: Sequence[Quantity] = (),
    ) -> None:
        self.comm = comm
        self._statement, self._make_domain, self._plots = statement, make_domain, plots
        self._parts = {
            "bulk_solver": bulk_solver,
            "crack_kinetics": crack_kinetics,
            "system": system,
            "quantities": tuple(quantities),
        }
        self._restart: RestartData | None = None
        self._resumed_in: Path | None = None
        self._history = History()
        self._loop: RunLoop | None = None
        self._ended: End | None = None

    # -- the cell ------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the case."""
        return self._statement.name

    @property
    def model(self) -> CellModel:
        """The model as the engine is told it, in internal units."""
        return self._statement.engine_model()

    @cached_property
    def _domain(self) -> TaggedMesh | PlaneBody:
        return self._make_domain()

    @property
    def mesh(self) -> TaggedMesh:
        """The mesh that the cell starts on, with its groups; `mesh.mesh` is DOLFINx's."""
        return _mesh_of(self._domain)

    @cached_property
    def cell(self) -> Cell:
        """The cell on its mesh, assembled."""
        self._petsc = Stated(self._statement.petsc_options)
        try:
            return build_cell(self.model, self._domain, comm=self.comm, restart=self._restart, **self._parts)  # type: ignore[arg-type]
        except BaseException:
            self._petsc.withdraw()
            raise

    # -- stepping ------------------------------------------------------------------------------------------------

    def steps(
        self, out: str | Path | None = None, *, resume: bool = False, stopping: Stopping = nobody_asks
    ) -> Iterator[Step]:
        """Yield every accepted time step, the state before any step left out (collective).

        Whoever leaves the loop may go on later with the same iterator. A step is in the history, and in the run folder,
        before it is yielded.

        Parameters
        ----------
        out : str or Path, optional
            Run folder to write; default: nothing is written.
        resume : bool
            Go on with the interrupted run in `out`.
        stopping : callable, optional
            Makes the context in which the cell is stepped; what it collects ends the run in good order.

        Raises
        ------
        InputError
            Before anything is computed, for a folder that cannot be used or a run that cannot be gone on with.
        RuntimeError
            If the simulation has been stepped before.
        NumericalFailure
            If the start cannot be computed. When a later step fails, the iteration ends; see `termination`.
        """
        if self._loop is not None or self._ended is not None:
            raise RuntimeError("this simulation has begun already: make another one to compute it again")
        out = self._resumed_in if out is None else Path(out)
        if out is None:
            self._loop = RunLoop(self.cell, (self._history,))
            yield from self._looped(stopping)
            self._ended = self._loop.end
        else:
            yield from self._kept(out, resume or self._resumed_in is not None, stopping)

    def _looped(self, stopping: Stopping) -> Iterator[Step]:
        assert self._loop is not None
        try:
            with stopping() as asked:
                self._loop.stop_requested = lambda: bool(asked)
                for _ in self._loop:
                    assert self._history.last is not None
                    yield self._history.last
        finally:
            for key in self._petsc.withdraw():
                if self.comm.rank == 0:
                    LOG.warning("warning: %s: no solver of this run has asked for it", key)

    def _kept(self, out: Path, resume: bool, stopping: Stopping) -> Iterator[Step]:
        """Step in a run folder, which is claimed before anything is computed."""
        begun, folder, comm = time.monotonic(), None, self.comm
        hashed = self._statement.content_hash()
        if resume and (ended := decided(comm, lambda: refuse_to_resume(out, hashed))):
            self._ended = self._told_ended(out, ended)
            return
        folder = on_root(comm, lambda: RunFolder.interrupted(out)) if resume else None
        try:
            self._restart = last_checkpoint(out, comm) if resume else None
            mesh = self.mesh
            if not resume:
                folder = on_root(comm, lambda: RunFolder(out))
            place = Place(out, folder, begun, self._restart)
            try:
                cell = self.cell
            except (InputError, NumericalFailure):  # on every rank alike
                if not resume:
                    place.withdraw(comm)
                raise
            place.open(self._statement, comm, mesh.report.as_dict())
            writer = FolderWriter(self._statement, place, cell, self._history)
            self._loop = writer.loop
            try:
                yield from self._looped(stopping)
            finally:
                writer.close()
            assert self._loop.end is not None
            self._ended = replace(self._loop.end, code=writer.code(self._loop.end))
        finally:
            if folder is not None:
                folder.release()

    def _told_ended(self, out: Path, termination: str) -> End:
        """Say that there is nothing left to compute: chains of jobs ask for it once more."""
        if self.comm.rank == 0:
            LOG.info("%s: the run has ended (%s); there is nothing left to compute", out, termination)
        summary = decided(self.comm, lambda: json.loads((out / "summary.json").read_text(encoding="utf-8")))
        code = NUMERICAL_FAILURE if termination == "numerical_failure" else DONE
        return End(code, termination, str(summary.get("outcome", "")))

    def run(
        self,
        out: str | Path | None = None,
        *,
        resume: bool = False,
        check: bool = True,
        stopping: Stopping = nobody_asks,
    ) -> End:
        """Take all steps that are left (collective).

        Parameters
        ----------
        out, resume, stopping
            As for `steps`.
        check : bool
            Raise NumericalFailure when the numerics fail; otherwise the answer says so. The last good state is kept in
            either case.

        Returns
        -------
        End
            Outcome, termination, and the exit code of the command line.

        Raises
        ------
        InputError, NumericalFailure
            On every rank alike.
        """
        for _ in self.steps(out, resume=resume, stopping=stopping):
            pass
        end = self._ended
        assert end is not None
        target = self._resumed_in if out is None else Path(out)
        if self._plots and target is not None and end.code != ASKED_TO_STOP:
            self._draw(target)
        if check and end.code == NUMERICAL_FAILURE:
            raise NumericalFailure(end.failure or f"the run in {target} has ended: {end.termination}")
        return end

    def _draw(self, out: Path) -> None:
        if self.comm.rank == 0 and self._loop is not None:
            draw_plots(out)

    # -- results -------------------------------------------------------------------------------------------------

    @property
    def fields(self) -> Mapping[str, fem.Function]:
        """Fields of the last accepted state by name, recovered at each call (collective).

        Units are internal (um, V, MPa, A/m2). On the mesh: `potential`, `displacement` (P1), `current_density`,
        `stress` (xx yy zz xy yz xz, constant in cells). `aperture`, `lithium_pressure`, `damage` of both engines, and
        `lithium_thickness`, `face_current_density`, `contact` of the plane engine or `fill_fraction` of the phase-field
        engine; the plane engine has these on the surface mesh that every rank holds whole. Fields of the user's own
        are among them.
        """
        return self.cell.fields

    @property
    def history(self) -> "pd.DataFrame":
        """A row for each accepted step, columns as in `history.csv`; row 0 is the start."""
        return self._history.table()

    @property
    def events(self) -> tuple[Event, ...]:
        """The first event of each name so far (collective)."""
        return self.cell.events()

    @property
    def outcome(self) -> str:
        """The gravest thing that has happened to the cell so far (collective)."""
        return self._ended.outcome if self._ended is not None else self.cell.standing().outcome

    @property
    def termination(self) -> str:
        """Why no more steps are taken; empty while the simulation goes on."""
        return "" if self._ended is None else self._ended.termination

    @property
    def balances(self) -> dict[str, float]:
        """Largest relative errors so far of the balances of charge, lithium and energy, by name."""
        if self._loop is None:
            return {}
        balances = (entry for entry in REGISTRY.history() if entry.kind is Kind.BALANCE)
        return {entry.name: self._loop.largest_values.values[entry.largest_key] for entry in balances}


def _mesh_of(domain: TaggedMesh | PlaneBody) -> TaggedMesh:
    return domain.tagged if isinstance(domain, PlaneBody) else domain


def _meshed(domain: Domain, comm: MPI.Comm) -> TaggedMesh | PlaneBody:
    return domain if isinstance(domain, TaggedMesh | PlaneBody) else build(domain, comm)


def _content_of(domain: Domain) -> str:
    """Return what tells one mesh from another."""
    if isinstance(domain, TaggedMesh | PlaneBody):
        return digest([_mesh_of(domain).report.as_dict()], default=float)
    return repr(domain)
