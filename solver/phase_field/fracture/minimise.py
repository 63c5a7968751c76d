"""Alternate minimisation of E(u, d): in u at fixed d, in d at fixed u, until neither changes anything.

Bourdin, Francfort & Marigo, J. Mech. Phys. Solids 48 (2000) 797; over-relaxed as by Farrell & Maurini, Int. J. Numer.
Meth. Engng 109 (2017) 648, or by steps of both fields along two directions. Every half step lowers the energy, which
is checked; a single pass per load step would delay cracks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dolfinx import fem
from lifrac.errors import NumericalFailure
from lifrac.solver.numerics.presets import Preset
from mpi4py import MPI

from .conjugate_directions import TwoDirections
from .damage import DamageSolver
from .displacement import DisplacementSolver
from .energy import Energy
from .fields import State
from .volume_control import VolumeControl

RELAXATION = 1.8
ROUNDING = 1.0e-9
"""A rise of the energy below this fraction of it is rounding and the tolerance of equilibrium."""


@dataclass(frozen=True)
class Control:
    """When alternate minimisation has converged.

    Parameters
    ----------
    damage_tolerance : float
        Of max |minimiser - d| [-].
    energy_tolerance : float
        Of the change of the energy from one sweep to the next, relative.
    max_sweeps : int
        Unstable growth takes hundreds.
    relaxation : float, optional
        omega [-] of over-relaxed steps: 1 plain; 1.8 takes fewest sweeps while a crack grows. Default: steps of both
        fields along two directions, which take fewer.
    reduction : float
        Of the residual of u [-], before d has converged. u is brought into equilibrium at the end in any case.
    """

    damage_tolerance: float = 1.0e-5
    energy_tolerance: float = 1.0e-7
    max_sweeps: int = 5000
    relaxation: float | None = None
    reduction: float = 0.1


@dataclass(frozen=True)
class Minimum:
    """What a minimisation did and found."""

    sweeps: int
    stored: float
    """Elastic energy [J/m in plane strain, J in 3D, times 1e-6 or 1e-12: MPa um^dim]."""
    fracture: float
    """int Gc gamma dx, same unit."""
    load: float
    """Energy of the loads, same unit."""
    largest_rise: float
    """Of the total energy between two sweeps, relative; zero but for rounding."""

    @property
    def total(self) -> float:
        return self.stored + self.fracture + self.load


class AlternateMinimisation:
    """The two solvers, made once, and the loop over them.

    Parameters
    ----------
    energy : Energy
    state : State
        Start and answer.
    held : sequence of fem.DirichletBC
        Given displacements; change their values between calls of `minimise`.
    control : Control
    preset : {"direct", "multigrid"}
        For the displacement.
    pressure : fem.Constant, optional
        The pressure in the cracks that the energy holds. It is then found so that they have the volume
        `AlternateMinimisation.volume.volume`. What is least then is the energy at that volume; a half step in d at
        given pressure need not lower it, so that its rise is reported but no failure.
    """

    def __init__(
        self,
        energy: Energy,
        state: State,
        held: Sequence[fem.DirichletBC],
        control: Control | None = None,
        preset: Preset = "direct",
        pressure: fem.Constant | None = None,
    ) -> None:
        self.state, self.control = state, control or Control()
        u, d = state.displacement, state.damage
        self.displacement = DisplacementSolver(energy, state, held, preset)
        self.volume = None if pressure is None else VolumeControl(self.displacement, state, pressure, energy.frame)
        relaxation = self.control.relaxation
        self.damage = DamageSolver(energy, state, relaxation or RELAXATION)
        self._directions: TwoDirections | None = None
        if relaxation is None:
            self._directions = TwoDirections(energy, state, self.displacement, self.damage, self.volume)
        self._parts = [fem.form(energy.stored(u, d)), fem.form(energy.fracture(d))]
        if energy.load is not None:
            self._parts.append(fem.form(energy.load(u, d)))

    def energies(self) -> tuple[float, float, float]:
        """Stored, fracture and load energy of the present state (collective)."""
        comm = self.state.damage.function_space.mesh.comm
        found = [float(comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM)) for form in self._parts]
        return found[0], found[1], found[2] if len(found) > 2 else 0.0

    def minimise(self) -> Minimum:
        """Sweep until d and the energy stand still (collective). Nothing is committed.

        Raises
        ------
        NumericalFailure
            On every rank alike: no convergence, or the energy rose.
        """
        control, before, worst = self.control, float("inf"), 0.0
        loose = self._directions is not None
        if self._directions is not None:
            self._directions.forget()
        for sweep in range(1, control.max_sweeps + 1):
            self._equilibrate(loose)
            total, rise = self._compare(before)
            if rise > ROUNDING and loose:  # what is left of the residual may hide that it fell
                self._equilibrate(False)
                total, rise = self._compare(before)
            worst = max(worst, rise)
            if rise > ROUNDING and self.volume is None:
                raise NumericalFailure(f"alternate minimisation: the energy rose by {rise:.1e} in sweep {sweep}")
            change = self.damage.solve()
            if change < control.damage_tolerance and (abs(rise) < control.energy_tolerance or change == 0.0):
                if not loose:
                    self.damage.finish()
                    return Minimum(sweep, *self.energies(), largest_rise=worst)
                loose = False  # what seems to be the minimum is looked at once more, in equilibrium
            else:
                self._step()
            before = total
        raise NumericalFailure(f"alternate minimisation: d still changes by {change:.1e} in sweep {control.max_sweeps}")

    def _compare(self, before: float) -> tuple[float, float]:
        """The energy, and its rise since a sweep over the sum of its parts (collective)."""
        parts = self.energies()
        total, size = sum(parts) + self._held_energy(), sum(abs(part) for part in parts)
        return total, (total - before) / size if size > 0.0 else 0.0

    def _step(self) -> None:
        if self._directions is None:
            self.damage.step()
        else:
            self._directions.step()

    def _equilibrate(self, loose: bool) -> None:
        if self.volume is None:
            self.displacement.solve(self.control.reduction if loose else 0.0)
        else:
            self.volume.solve(self.control.reduction if loose else 0.0)

    def _held_energy(self) -> float:
        return 0.0 if self.volume is None else self.volume.held_energy()

    def destroy(self) -> None:
        self.displacement.destroy()
        self.damage.destroy()
