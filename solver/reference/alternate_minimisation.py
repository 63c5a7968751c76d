"""Plain alternate minimisation: the reference for the accelerated loop, used by checks and tests only.

Bourdin, Francfort & Marigo, J. Mech. Phys. Solids 48 (2000) 797: u at fixed d, then d at fixed u, nothing else.
"""

from dataclasses import dataclass

from lifrac.errors import NumericalFailure
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
    solver : FractureSolver
        The body, at given loads, and its two solvers; its outer loop is not used.
    control : PlainControl
    """

    def __init__(self, solver: FractureSolver, control: PlainControl | None = None) -> None:
        self._solver, self.control = solver, control or PlainControl()

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
