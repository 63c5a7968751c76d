"""Plain alternate minimisation: the reference for the accelerated loop, used by checks and tests only.

Bourdin, Francfort & Marigo, J. Mech. Phys. Solids 48 (2000) 797: u at fixed d, then d at fixed u, nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dolfinx import fem
from lifrac.errors import NumericalFailure
from lifrac.solver.phase_field.fracture.energy import Energy
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.fracture_solver import Equilibrium, FractureSolver

MAX_SWEEPS = 5000


@dataclass(frozen=True)
class PlainControl:
    """When plain alternation has converged.

    Parameters
    ----------
    damage_tolerance : float
        Largest |minimiser - d| [-].
    energy_tolerance : float
        Relative change of the energy from one sweep to the next [-].
    """

    damage_tolerance: float = 1.0e-6
    energy_tolerance: float = 1.0e-9


class AlternateMinimisation:
    """Exact equilibrium and the minimiser of the damage by turns, at given loads.

    Parameters
    ----------
    energy : Energy
    state : State
        Start and answer.
    prescribed : sequence of fem.DirichletBC
    control : PlainControl
    """

    def __init__(
        self,
        energy: Energy,
        state: State,
        prescribed: Sequence[fem.DirichletBC],
        control: PlainControl | None = None,
    ) -> None:
        self.control = control or PlainControl()
        self._solver = FractureSolver(energy, state, prescribed)

    def solve(self) -> Equilibrium:
        """Sweep until damage and energy stand still (collective). Nothing is committed.

        Raises
        ------
        NumericalFailure
            On every rank alike: no convergence.
        """
        solver, control, before, rise = self._solver, self.control, float("inf"), 0.0
        for sweep in range(1, MAX_SWEEPS + 1):
            solver.equilibrate(loose=False)
            energies = solver.energies()
            change = solver.damage.solve()
            moved = (energies.total - before) / energies.size if energies.size > 0.0 else 0.0
            rise = max(rise, moved)
            if change < control.damage_tolerance and (abs(moved) < control.energy_tolerance or change == 0.0):
                return Equilibrium(sweep, energies, rise)
            solver.damage.put(solver.damage.found)
            before = energies.total
        raise NumericalFailure(f"alternate minimisation: d still changes by {change:.1e} in sweep {MAX_SWEEPS}")

    def destroy(self) -> None:
        """Free solvers and matrices."""
        self._solver.destroy()
