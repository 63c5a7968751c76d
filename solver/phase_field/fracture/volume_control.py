"""Equilibrium at a given crack volume: the pressure is an unknown, found with the displacement.

A crack under given pressure is unstable once it grows; under given volume it is stable.
"""

import ufl
from dolfinx import fem
from lifrac.errors import NumericalFailure
from lifrac.solver.physics.crack_pressure import opening_density
from lifrac.solver.physics.frames import Frame
from mpi4py import MPI

from .displacement import DisplacementSolver
from .fields import State


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

    def __init__(self, displacement: DisplacementSolver, state: State, pressure: fem.Constant, frame: Frame) -> None:
        self.displacement, self.pressure = displacement, pressure
        self.volume = 0.0
        """V that is wanted, of what is meshed [um^2 in plane strain, um^3]."""
        u, d = state.displacement, state.damage
        v = ufl.TestFunction(u.function_space)
        self._u = u
        self.response = fem.Function(u.function_space)
        """u1 [um/MPa]: change of u per pressure at the damage of the last solve."""
        self._volume_form = fem.form(frame.integral(opening_density(u, d)))
        self._compliance_form = fem.form(frame.integral(opening_density(self.response, d)))
        self._response_form = fem.form(frame.integral(opening_density(v, d)))
        self._comm = u.function_space.mesh.comm

    def crack_volume(self) -> float:
        """V = -int u . grad d dV of the present state (collective)."""
        return float(self._comm.allreduce(fem.assemble_scalar(self._volume_form), op=MPI.SUM))

    def compliance(self) -> float:
        """V of the response, at the present damage: volume per pressure (collective)."""
        return float(self._comm.allreduce(fem.assemble_scalar(self._compliance_form), op=MPI.SUM))

    def solve(self, reduction: float = 0.0) -> int:
        """Find u and p in equilibrium at the wanted volume; return Newton iterations (collective).

        Parameters
        ----------
        reduction : float
            Of the residual of u, and of that of its response, that is enough [-]. The volume is exact in any case.

        Raises
        ------
        NumericalFailure
            On every rank alike: also when there is no crack that could hold a volume.
        """
        iterations = self.displacement.solve(reduction)
        found = self.displacement.response(self._response_form, iterations > 0, reduction)
        self.response.x.array[: len(found)] = found
        self.response.x.scatter_forward()
        if self.compliance() <= 0.0:
            raise NumericalFailure("volume control: there is no open crack that could hold a volume")
        self.pressure.value = float(self.pressure.value) + self.fill()  # type: ignore[assignment]
        return iterations

    def missing(self) -> float:
        """Return what is wanted less what there is [um^2, um^3] (collective)."""
        return self.volume - self.crack_volume()

    def fill(self) -> float:
        """Open or close the crack along its response until it has its volume; returns the pressure [MPa] that takes."""
        change = self.missing() / self.compliance()
        self._u.x.array[:] += change * self.response.x.array
        return change

    def constraint_energy(self) -> float:
        """Energy p V [J/m]: added to that of the loads, it leaves what is least at fixed volume (stored + fracture)."""
        return float(self.pressure.value) * self.volume

    def destroy(self) -> None:
        """Free PETSc's objects."""
        self.displacement.destroy()
