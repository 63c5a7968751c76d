"""Equilibrium at a given crack volume: the pressure is an unknown, found with the displacement.

A crack under given pressure is unstable once it grows; under given volume it is stable.
"""

from ..backend import dolfinx  # noqa: F401  isort: skip

import ufl
from dolfinx import fem
from mpi4py import MPI

from ..errors import NumericalFailure
from ..physics.crack_pressure import opening_density
from ..physics.frames import Frame
from .displacement import DisplacementSolver
from .state import Floats, State


class VolumeControl:
    """Equilibrium, then the pressure at which the crack has its volume: one matrix, two solves.

    Exact without a split, where u = u0 + p u1 at fixed damage.

    Parameters
    ----------
    displacement : DisplacementSolver
        Its energy holds `pressure_energy(u, d, pressure)`.
    state : State
    pressure : fem.Constant
        p [MPa], changed by every solve.
    frame : Frame
        That of the energy.
    """

    def __init__(
        self, displacement: DisplacementSolver, state: State, pressure: fem.Constant, frame: Frame
    ) -> None:
        self.displacement, self.pressure = displacement, pressure
        self.volume = 0.0
        """V that is wanted, of what is meshed [um^2 in plane strain, um^3]."""
        u, d = state.displacement, state.damage
        v = ufl.TestFunction(u.function_space)
        self._u = u
        self._volume_form = fem.form(frame.integral(opening_density(u, d)))
        self._response_form = fem.form(frame.integral(opening_density(v, d)))
        self._comm = u.function_space.mesh.comm

    def crack_volume(self) -> float:
        """V = -int u . grad d dV of the present state (collective)."""
        return float(self._comm.allreduce(fem.assemble_scalar(self._volume_form), op=MPI.SUM))

    def solve(self) -> int:
        """u and p in equilibrium at the wanted volume; returns Newton iterations (collective).

        Raises
        ------
        NumericalFailure
            On every rank alike: also when there is no crack that could hold a volume.
        """
        iterations = self.displacement.solve()
        before = self.crack_volume()
        response = self.displacement.response(self._response_form, fresh=iterations > 0)
        owned = len(response)
        start = self._u.x.array[:owned].copy()
        self._shift(start + response)
        per_pressure = self.crack_volume() - before
        if per_pressure <= 0.0:
            raise NumericalFailure("volume control: there is no open crack that could hold a volume")
        change = (self.volume - before) / per_pressure
        self._shift(start + change * response)
        self.pressure.value = float(self.pressure.value) + change  # type: ignore[assignment]
        return iterations

    def _shift(self, values: Floats) -> None:
        self._u.x.array[: len(values)] = values
        self._u.x.scatter_forward()

    def held_energy(self) -> float:
        """p V [J/m]: added to the energy of the loads, it leaves what is least at fixed volume (stored + fracture)."""
        return float(self.pressure.value) * self.volume

    def destroy(self) -> None:
        self.displacement.destroy()
