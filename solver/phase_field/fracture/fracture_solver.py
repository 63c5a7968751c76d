"""A body with cracks, without lithium: equilibrium under given loads or at a given crack volume, and its fracture.

The outer loop is that of a cell with lithium. Here the problem has an energy, whose descent the loop checks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dolfinx import fem
from lifrac.solver.numerics.presets import Preset
from lifrac.solver.phase_field.outer_loop import Energies, LoopControl, OuterLoop
from mpi4py import MPI

from .damage import DamageSolver
from .displacement import DisplacementSolver
from .energy import Energy
from .fields import State
from .volume_control import VolumeControl

LOOSE_REDUCTION = 0.1
"""Reduction of the residual of u [-] before d has converged."""


@dataclass(frozen=True)
class Equilibrium:
    """The state that the loop has found, and the work it took."""

    sweeps: int
    energies: Energies
    largest_rise: float
    """Largest rise of the total energy between two sweeps, relative; zero but for rounding."""

    @property
    def stored(self) -> float:
        """Elastic energy [J/m in plane strain, J in 3D, times 1e-6 or 1e-12: MPa um^dim]."""
        return self.energies.stored

    @property
    def fracture(self) -> float:
        """Surface energy int Gc gamma dx, same unit."""
        return self.energies.fracture

    @property
    def total(self) -> float:
        """Energy with that of the loads, same unit."""
        return self.energies.stored + self.energies.fracture + self.energies.load


class FractureSolver:
    """Displacement and damage of a body, their solvers made once.

    Parameters
    ----------
    energy : Energy
    state : State
        Start and answer.
    prescribed : sequence of fem.DirichletBC
        Given displacements; change their values between calls of `solve`.
    control : LoopControl
    preset : {"direct", "multigrid"}
        For the displacement.
    pressure : fem.Constant, optional
        The pressure in the cracks that the energy holds. It is then found so that they have the volume
        `FractureSolver.volume.volume`; the energy is least at that volume.
    """

    def __init__(
        self,
        energy: Energy,
        state: State,
        prescribed: Sequence[fem.DirichletBC],
        control: LoopControl | None = None,
        preset: Preset = "direct",
        pressure: fem.Constant | None = None,
    ) -> None:
        self.state = state
        u, d = state.displacement, state.damage
        self.displacement = DisplacementSolver(energy, state, prescribed, preset)
        self.volume = None if pressure is None else VolumeControl(self.displacement, state, pressure, energy.frame)
        self.damage = DamageSolver(energy, state)
        self.loop = OuterLoop(self.damage, control)
        self._parts = [fem.form(energy.stored(u, d)), fem.form(energy.fracture(d))]
        if energy.load is not None:
            self._parts.append(fem.form(energy.load(u, d)))

    may_be_loose = True

    @property
    def minimiser_lowers_energy(self) -> bool:
        """At given loads each half step does; at a given volume the minimiser, at given pressure, may overshoot."""
        return self.volume is None

    def equilibrate(self, loose: bool) -> int:
        """Find u, and the pressure at a given volume, at the present damage; returns Newton iterations (collective)."""
        solver = self.displacement if self.volume is None else self.volume
        return solver.solve(LOOSE_REDUCTION if loose else 0.0)

    def energies(self) -> Energies:
        """Energies of the present state (collective)."""
        comm = self.damage.comm
        found = [float(comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM)) for form in self._parts]
        load = found[2] if len(found) > 2 else 0.0
        constraint = 0.0 if self.volume is None else self.volume.constraint_energy()
        return Energies(found[0], found[1], load, constraint)

    def solve(self) -> Equilibrium:
        """Bring displacement and damage into equilibrium (collective). Nothing is committed.

        Raises
        ------
        NumericalFailure
            On every rank alike: no convergence, or the energy rose.
        """
        done = self.loop.solve(self)
        return Equilibrium(done.sweeps, self.energies(), done.largest_rise)

    def destroy(self) -> None:
        """Free solvers and matrices."""
        self.displacement.destroy()
        self.damage.destroy()
