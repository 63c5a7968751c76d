"""A cell of the phase-field engine: every rank steps its part of the mesh, with equal decisions."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import override

from dolfinx import fem
from lifrac.errors import NumericalFailure
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.parallel.ufl_counts import level
from lifrac.quantities import Quantity, declare_own
from lifrac.solver.cell import Cell
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.output.recorder import FieldRecorder
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.protocol.restart import RestartData

from .engine import PhaseFieldEngine
from .phase_field_fields import PhaseFieldFields
from .problem import PhaseFieldProblem


class PhaseFieldCell(Cell[PhaseFieldEngine]):
    """A cell whose cracks choose their own path (collective on the mesh's communicator).

    Parameters
    ----------
    tagged : TaggedMesh
        With the cell group `flaw`, one row of cells wide.
    model : PhaseFieldModel
    restart : RestartData, optional
        Where to go on, on the mesh that it holds; default: the cell as assembled.
    crack_kinetics : FaceKinetics, optional
        Replaces the charge transfer of the crack faces (verification).
    quantities : sequence of Quantity
        What is measured and stored of this cell, besides what is registered; each with its function.

    Raises
    ------
    NumericalFailure
        On every rank alike.
    """

    engine: PhaseFieldEngine

    def __init__(
        self,
        tagged: TaggedMesh,
        model: PhaseFieldModel,
        *,
        restart: RestartData | None = None,
        crack_kinetics: FaceKinetics | None = None,
        quantities: Sequence[Quantity] = (),
    ) -> None:
        self.comm, self.model, self.quantities = tagged.mesh.comm, model, declare_own(quantities)
        level(self.comm)  # ranks may have stepped cells of their own
        try:
            if restart is None:
                self.engine = PhaseFieldEngine(PhaseFieldProblem(tagged, model, crack_kinetics), quantities=quantities)
            else:
                self.engine = PhaseFieldEngine.resumed(self.comm, model, restart.values, restart.arrays, quantities)
        except NumericalFailure as error:
            shared(meeting_of(self.comm), error)
            raise

    @override
    def on_all[T](self, work: Callable[[PhaseFieldEngine], T]) -> T:
        return work(self.engine)

    @override
    def _stop_within(self, here: bool) -> bool:
        return self.agreed(here)

    @property
    @override
    def dofs(self) -> int:
        return self.engine.problem.dofs

    @override
    def restart_data(self) -> RestartData:
        return RestartData(self.engine.restart_values(), self.engine.arrays())

    @property
    @override
    def fields(self) -> Mapping[str, fem.Function]:
        view = PhaseFieldFields(self.engine.at_state())
        view.update()
        return view.fields(self.quantities)

    @override
    def recorder(self, path: Path, until: float | None = None) -> Callable[[], None]:
        view, writer = PhaseFieldFields(self.engine.at_state()), FieldRecorder(path, until, self.quantities)

        def record() -> None:
            nonlocal view
            problem = self.engine.at_state()
            if problem is not view.problem:
                view = PhaseFieldFields(problem)
            view.update()
            writer.record(view, self.engine.state.time)

        return record
