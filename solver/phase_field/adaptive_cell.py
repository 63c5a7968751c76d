"""A cell on a mesh that follows its cracks: what is carried from one mesh to the next.

P1 fields and the damage's bounds carry over exactly, cells that metal can enter hand that on to their parts. The
initial volume of the flaw is int w0 |grad d0|/2, with the aperture by nodes and the surface by cells: exact as well.
Metal is carried by what nodes can hold (`numerics.amounts`), and what is left of it, as the volume that nodes were
given, per volume of the cells that are damaged or touch a pore: per volume of all cells it would get into nodes beside
the band, where hardly any surface is there to share it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import ufl
from dolfinx import fem
from lifrac.meshes.refinement import SizeDemand
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.interfaces.law import LawState
from lifrac.solver.interfaces.laws import LawStates, law_arrays
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.numerics.adaptive import Adaptive, Arrays, resume
from lifrac.solver.numerics.conservative_transfer import fill_and_rest
from lifrac.solver.numerics.gathered_fields import Fields
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.phase_field.fracture.refinement_rule import CrackFront, Refinement
from lifrac.solver.physics.lithium import LUMPED
from mpi4py import MPI

from .problem import PhaseFieldProblem, PhaseState

LARGEST_CELL = 2.0**0.25
"""Largest cell where a crack is, over h: bisection makes cells of 2^-1/2 of it, so that they measure h in the mean."""


class AdaptiveCell:
    """A phase-field problem as `Adaptive` sees it.

    Attributes
    ----------
    problem : PhaseFieldProblem
    start : PhaseState
        What the next step starts from; after a change of mesh it is on the new one.
    """

    def __init__(self, problem: PhaseFieldProblem, before: "AdaptiveCell | None") -> None:
        self.problem = problem
        self.start: PhaseState = problem.state() if before is None else before.start
        space, cell = problem.fields.damage.function_space, problem.cell
        names = ("fill_fraction", "lithium_beyond", "initial_aperture", "initial_aperture_filled", "given_volume")
        functions = [fem.Function(space, name=name) for name in names]
        self._fill, self._rest, self._aperture, self._filled, self._given = functions
        self._surface = fem.Function(cell.band.open_cells.function_space, name="initial_surface")
        self._holding = fem.Function(cell.band.open_cells.function_space, name="holding")
        self._laws = {name: fem.Function(space, name=name) for name in law_arrays(problem.law_states)}
        v, lumped = ufl.TestFunction(space), ufl.dx(metadata=LUMPED)
        self._area, self._room = fem.form(self._surface * v * lumped), fem.form(self._holding * v * lumped)
        if before is None:
            points = self._surface.function_space.element.interpolation_points
            self._surface.interpolate(fem.Expression(cell.band.density, points))
            self._aperture.x.array[:] = np.where(cell.band.open, problem.model.flaw.aperture, 0.0)
        self._front: CrackFront | None = None

    def fields(self) -> Fields:
        """Those at the start of the step, which the problem is at."""
        cell = self.problem.cell
        fill, rest = fill_and_rest(self.problem.lithium_amount, cell.volume.capacity())
        given = cell.volume.raised - cell.volume.translated
        holds = (self.problem.fields.damage.x.array > 0.0) | cell.walls.nodes
        self._holding.x.array[:] = cell.band.cells_of(holds)
        room = cell.band.assembled(self._room)
        self._fill.x.array[:], self._rest.x.array[:] = fill, _over(rest + fill * given, room)
        self._given.x.array[:] = _over(given, room)
        # The product: that of two fields would not be that of their values at new nodes.
        self._filled.x.array[:] = fill * self._aperture.x.array
        for name, array in law_arrays(self.problem.law_states).items():
            self._laws[name].x.array[:] = array
        own = (
            *self._laws.values(),
            self._fill,
            self._rest,
            self._aperture,
            self._filled,
            self._given,
            self._surface,
            self._holding,
        )
        more = {str(f.name): f for f in (*own, cell.intact, *cell.intact_parts)}
        scalars = {"potential": cell.potential, "pressure": cell.pressure, "open_to_lithium": cell.band.open_cells}
        return self.problem.fields.fields() | scalars | more

    def carried(self) -> None:
        """Metal and volumes from the fields that were filled (collective)."""
        problem, cell = self.problem, self.problem.cell
        area, room, fill = cell.band.assembled(self._area), cell.band.assembled(self._room), self._fill.x.array
        slit = self._aperture.x.array * area
        cell.volume.initial = slit + cell.walls.volume
        cell.volume.raised = self._given.x.array * room
        cell.volume.translated = np.zeros_like(cell.volume.raised)
        opened = fill * (cell.volume.capacity() - slit - cell.volume.raised)
        problem.lithium_amount = opened + self._filled.x.array * area + self._rest.x.array * room
        nodal = problem.state()
        self.start = replace(
            self.start,
            displacement=nodal.displacement,
            damage=nodal.damage,
            potential=nodal.potential,
            pressure=nodal.pressure,
            lithium_amount=nodal.lithium_amount,
            translated_volume=nodal.translated_volume,
            laws=self._carried_laws(),
        )
        problem.load(self.start)

    def _carried_laws(self) -> LawStates:
        """Nodal arrays of the laws as they were filled, and their numbers."""
        found = {}
        for name, state in self.start.laws.items():
            nodal: dict[str, Floats] = {key: np.array(self._laws[key].x.array, dtype=np.float64) for key in state.nodal}
            found[name] = LawState(nodal, state.numbers)
        return found

    def snapshot(self) -> PhaseState:
        """Return the state that steps start from, which nothing changes in place."""
        return self.start

    def restore(self, snapshot: PhaseState) -> None:
        """Put a state back, into the problem as well."""
        self.start = snapshot
        self.problem.load(snapshot)

    def destroy(self) -> None:
        """Free PETSc's objects."""
        self.problem.destroy()

    def demands(self) -> Sequence[SizeDemand]:
        """Cells where cracks are and go, if the model wants them to follow (collective)."""
        problem = self.problem
        if not problem.model.adaptive:
            return ()
        if self._front is None:
            wanted = Refinement(LARGEST_CELL * problem.model.diffuse.cell_size)
            self._front = CrackFront(problem.cell.energy, problem.fields, wanted)
        return self._front.demands()


def _over(amounts: Floats, room: Floats) -> Floats:
    """Per volume; zero where there is none."""
    return np.divide(amounts, room, out=np.zeros_like(amounts), where=room > 0.0)


def resumed(comm: MPI.Comm, model: PhaseFieldModel, arrays: Arrays) -> Adaptive[AdaptiveCell]:
    """Return the cell on the mesh that its arrays were kept on, on rank 0 (collective); balances are not among them."""
    return resume(comm, arrays, _builder(model), AdaptiveCell.demands)


def adaptive_mesh(problem: PhaseFieldProblem) -> Adaptive[AdaptiveCell]:
    """Return the cell on the mesh it has, and on those that follow from it (collective)."""
    return Adaptive(problem.tagged, _builder(problem.model, problem), AdaptiveCell.demands)


def _builder(
    model: PhaseFieldModel, first: PhaseFieldProblem | None = None
) -> Callable[[TaggedMesh, AdaptiveCell | None], AdaptiveCell]:
    """Return the function that makes the cell on a mesh; `first` is there already, on its own."""
    kinetics = None if first is None else first.crack_kinetics

    def build(tagged: TaggedMesh, before: AdaptiveCell | None) -> AdaptiveCell:
        if first is not None and tagged is first.tagged:
            return AdaptiveCell(first, before)
        return AdaptiveCell(PhaseFieldProblem(tagged, model, kinetics, fresh=before is None), before)

    return build
