"""A time step of a cell with lithium as the outer loop sees it: all but the damage, at given damage."""

from dataclasses import dataclass, field

from lifrac.solver.model.control import Control
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.phase_field.outer_loop import Energies

from .cell_newton import StepSolution
from .diffuse_cell import Cell


@dataclass
class CellTimeStep:
    """Displacement, potential, pressure and voltage at the end of a step; nothing is minimised.

    Parameters
    ----------
    cell : Cell
        At the damage that the step starts from.
    dt : float
        [s].
    control : Control
        Current or voltage that is held.
    lithium_amount : ndarray
        Lithium of each node at the start [um2, um3 in 3D].
    """

    cell: Cell
    dt: float
    control: Control
    lithium_amount: Floats
    solution: StepSolution | None = field(default=None, init=False)
    """The solution at the last damage."""

    may_be_loose = False
    minimiser_lowers_energy = False

    def __post_init__(self) -> None:
        self._translated = self.cell.volume.translated

    def equilibrate(self, loose: bool) -> int:
        """Solve the cell at the present damage; returns Newton iterations (collective).

        Band and aperture, which a step starts with, follow the damage; what the faces have moved by is taken off the
        volume, and off the driving force of the damage that is solved for next.
        """
        cell = self.cell
        if self.solution is not None:
            cell.follow_damage()
            cell.set_aperture()
        cell.volume.translated = self._translated + cell.translation.volume()
        self.solution = cell.solve(self.dt, self.control, self.lithium_amount)
        cell.translation.update()
        return self.solution.iterations

    def energies(self) -> Energies | None:
        """There is none: what the lithium does depends on the way."""
        return None
