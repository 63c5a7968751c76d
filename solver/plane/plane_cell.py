"""A cell whose crack grows in a plane: rank 0 steps the small problem, all ranks condense and recover bulk fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import override

from dolfinx import fem
from lifrac.parallel.collective import on_root
from lifrac.parallel.ufl_counts import level
from lifrac.quantities import Quantity, declare_own
from lifrac.solver.cell import Cell
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.cohesive_problem import SurfaceProblem
from lifrac.solver.cohesive.system import BulkSystem
from lifrac.solver.model.cell_model import CohesiveModel, PlaneModel
from lifrac.solver.output.recorder import FieldRecorder
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.protocol.cell_state import CellState
from lifrac.solver.protocol.restart import RestartData, cell_values, known_to_all
from lifrac.solver.protocol.stepper import StepReport
from lifrac.solver.sharp_front.cell_problem import CellProblem
from lifrac.solver.sharp_front.sharp_front_engine import SharpFrontEngine
from mpi4py import MPI

from .body import PlaneBody
from .plane_fields import PlaneFields, SurfaceSnapshot


class PlaneCell(Cell[CohesiveEngine | SharpFrontEngine]):
    """A cell whose crack grows in the plane of its flaw (collective on `comm`).

    Parameters
    ----------
    body : PlaneBody
        The condensed electrolyte.
    model : PlaneModel or CohesiveModel
    comm : MPI.Comm, optional
        The ranks that compute the cell together; default: those of the body's mesh. Ranks that share a body and step
        cells of their own give `MPI.COMM_SELF`; fields cannot be recovered then.
    restart : RestartData, optional
        Where to go on; default: the cell as assembled.
    crack_kinetics : FaceKinetics, optional
        Replaces the charge transfer of the crack faces (verification).
    system : BulkSystem, optional
        How the bulk enters Newton's method of the cohesive engine; default: condensed.
    quantities : sequence of Quantity
        What is measured and stored of this cell, besides what is registered; each with its function.

    Raises
    ------
    NumericalFailure
        On every rank alike.
    """

    model: PlaneModel

    def __init__(
        self,
        body: PlaneBody,
        model: PlaneModel,
        comm: MPI.Comm | None = None,
        *,
        restart: RestartData | None = None,
        crack_kinetics: FaceKinetics | None = None,
        system: BulkSystem | None = None,
        quantities: Sequence[Quantity] = (),
    ) -> None:
        self.body, self.model, self.quantities = body, model, declare_own(quantities)
        self.comm = body.tagged.mesh.comm if comm is None else comm

        def make() -> CohesiveEngine | SharpFrontEngine:
            if isinstance(model, CohesiveModel):
                problem = SurfaceProblem(body.surface, body.response, model, crack_kinetics, system)
                if restart is None:
                    return CohesiveEngine(problem, quantities=quantities)
                return CohesiveEngine.resumed(problem, restart.values, restart.arrays, quantities)
            cell = CellProblem(body.surface, body.response, model, crack_kinetics)
            if restart is None:
                return SharpFrontEngine(cell, quantities=quantities)
            return SharpFrontEngine.resumed(cell, restart.values, restart.arrays, quantities)

        self.engine = on_root(self.comm, make)
        level(self.comm)  # rank 0 has made forms of its own

    @override
    def on_all[T](self, work: Callable[[CohesiveEngine | SharpFrontEngine], T]) -> T:
        engine = self.engine
        if self.comm.size == 1:
            assert engine is not None
            return work(engine)

        def here() -> T:
            assert engine is not None
            return work(engine)

        found = on_root(self.comm, here)
        theirs: T = self.comm.bcast(_light(found), root=0)
        return theirs if engine is None or found is None else found

    @override
    def _stop_within(self, here: bool) -> bool:
        return here

    @property
    @override
    def dofs(self) -> int:
        return self.body.dofs

    @override
    def restart_data(self) -> RestartData:
        return known_to_all(self.comm, self._restart_data)

    def _restart_data(self) -> RestartData:
        assert self.engine is not None
        return RestartData(self.engine.restart_values(), self.engine.arrays())

    def _snapshot(self) -> SurfaceSnapshot:
        """Return the last accepted state of the surface, on every rank (collective)."""
        return self.on_all(lambda engine: engine.snapshot())

    @property
    @override
    def fields(self) -> Mapping[str, fem.Function]:
        view = PlaneFields(self.body.bulk, self.model)
        view.update(self._snapshot())
        return view.fields(self.quantities)

    @override
    def recorder(self, path: Path, until: float | None = None) -> Callable[[], None]:
        view, writer = PlaneFields(self.body.bulk, self.model), FieldRecorder(path, until, self.quantities)

        def record() -> None:
            snapshot = self._snapshot()
            view.update(snapshot)
            writer.record(view, snapshot.time)

        return record


def _light[T](found: T) -> T:
    """Return what other ranks are told: a report without the arrays of its state."""
    if not isinstance(found, StepReport):
        return found
    return replace(found, state=CellState(**cell_values(found.state)))  # type: ignore[return-value]
