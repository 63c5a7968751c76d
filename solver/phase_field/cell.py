"""A cell of the phase-field engine: every rank steps its part of the mesh, with equal decisions."""

from collections.abc import Callable, Mapping
from pathlib import Path

from dolfinx import fem
from lifrac.errors import NumericalFailure
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.solver.cell import Cell
from lifrac.solver.model.cell import PhaseFieldModel
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.protocol.restart import RestartData

from .engine import PhaseFieldEngine
from .problem import PhaseFieldProblem
from .recorder import PhaseFieldRecorder


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
        restart: RestartData | None = None,
        crack_kinetics: FaceKinetics | None = None,
    ) -> None:
        self.comm, self.model = tagged.mesh.comm, model
        try:
            if restart is None:
                self.engine = PhaseFieldEngine(PhaseFieldProblem(tagged, model, crack_kinetics))
            else:
                self.engine = PhaseFieldEngine.resumed(self.comm, model, restart.kept, restart.arrays)
        except NumericalFailure as error:
            shared(meeting_of(self.comm), error)
            raise

    def on_all[T](self, work: Callable[[PhaseFieldEngine], T]) -> T:
        return work(self.engine)

    def _stop_within(self, here: bool) -> bool:
        return self.agreed(here)

    @property
    def dofs(self) -> int:
        return self.engine.problem.dofs

    def restart_data(self) -> RestartData:
        return RestartData(self.engine.bookmark(), self.engine.arrays())

    @property
    def fields(self) -> Mapping[str, fem.Function]:
        problem = self.engine.at_state()
        cell, state = problem.cell, problem.fields
        displacement = fem.Function(state.displacement.function_space)
        displacement.x.array[:] = cell.intact.x.array + state.displacement.x.array
        found = {"displacement": displacement}
        views = {
            "potential": cell.potential,
            "damage": state.damage,
            "aperture": cell.aperture,
            "fill_fraction": cell.fill_fraction,
            "lithium_pressure": cell.pressure,
        }
        for name, function in views.items():
            found[name] = function.copy()
        for name, function in found.items():
            function.name = name
        return found

    def recorder(self, path: Path, until: float | None = None) -> Callable[[], None]:
        writer = PhaseFieldRecorder(path, until)
        return lambda: writer.record(self.engine.at_state(), self.engine.state.time)
