"""Steps of both fields at once that lower the energy more than a half step in d does.

From (u, d), u in equilibrium at d, the energy is minimised over

    (u, d) + a (0, d* - d) + b (last step of u, last step of d),

d* the minimiser at fixed u: alternate minimisation is a = 1, b = 0. The second direction is what turns steepest descent
into conjugate gradients (locally optimal, as in Knyazev's eigenvalue solver), and a crack that creeps on from sweep to
sweep is let run as long as the energy falls. It never rises, whatever the energy is.
"""

from ..backend import dolfinx  # noqa: F401  isort: skip

import numpy as np
import ufl
from dolfinx import fem, la
from mpi4py import MPI

from .damage import DamageSolver
from .displacement import DisplacementSolver
from .energy import Energy
from .state import Floats, State

CONVEX = 1.0e-10
"""Smallest over largest eigenvalue of the 2x2 Hessian from which its minimum is trusted to be one."""
DOUBLINGS = 6
"""Of b, while the energy falls."""


class TwoDirections:
    """The step, with what it remembers of the last one."""

    def __init__(self, energy: Energy, state: State, displacement: DisplacementSolver, damage: DamageSolver) -> None:
        self.u, self.d = state.displacement, state.damage
        self.state, self.displacement, self.damage = state, displacement, damage
        self._total = fem.form(energy.total(self.u, self.d))
        self._forces = [fem.form(ufl.derivative(energy.total(self.u, self.d), field)) for field in (self.u, self.d)]
        self._vectors = [fem.create_vector(field.function_space) for field in (self.u, self.d)]
        self._comm = self.u.function_space.mesh.comm
        self._last: tuple[Floats, Floats] | None = None
        self._start = self._ahead = self._before = (np.zeros(0), np.zeros(0))

    def forget(self) -> None:
        """The next step is the first one."""
        self._last = None

    def step(self) -> None:
        """Go there, once `damage.solve()` has found d* (collective)."""
        self._start = self.u.x.array.copy(), self.d.x.array.copy()
        slope_start = self.displacement.residual(), self.damage.gradient()
        self.damage.finish()
        if self._last is None:
            self._last = self._start
            return
        self._ahead = np.zeros_like(self._start[0]), self.d.x.array - self._start[1]
        self._before = self._start[0] - self._last[0], self._start[1] - self._last[1]
        self._last = self._start
        self._go(*self._best(slope_start))

    def _best(self, slope_start: tuple[Floats, Floats]) -> tuple[float, float]:
        """(a, b) of lowest energy: the minimum of a quadratic model, or longer, or a plain half step."""
        best, lowest = (1.0, 0.0), self._energy(1.0, 0.0)
        tried = self._model_minimum(slope_start)
        for _ in range(1 + DOUBLINGS):
            found = self._energy(*tried)
            if not found < lowest:
                break
            best, lowest = tried, found
            tried = best[0], 2.0 * best[1]
        return best

    def _model_minimum(self, slope_start: tuple[Floats, Floats]) -> tuple[float, float]:
        """From the slopes at (0, 0) and (0, 1), and the curvature in d; (1, 1) where the model has no minimum."""
        slope = self._along(slope_start)
        change = self._along(self._slopes(0.0, 1.0)) - slope
        curvature = self.damage.curvature(self._ahead[1])
        hessian = np.array([[curvature, change[0]], [change[0], change[1]]])
        eigenvalues = np.linalg.eigvalsh(hessian)
        if not eigenvalues[0] > CONVEX * eigenvalues[1]:
            return 1.0, 1.0
        a, b = -np.linalg.solve(hessian, slope)
        return float(a), float(b)

    def _go(self, a: float, b: float) -> None:
        """Put the fields at (a, b), d between its bounds. Ghosts follow, being on the same line."""
        self.u.x.array[:] = self._start[0] + b * self._before[0]
        moved = self._start[1] + a * self._ahead[1] + b * self._before[1]
        self.d.x.array[:] = np.clip(moved, self.state.lower_bound.x.array, self.state.upper_bound.x.array)

    def _energy(self, a: float, b: float) -> float:
        self._go(a, b)
        return float(self._comm.allreduce(fem.assemble_scalar(self._total), op=MPI.SUM))

    def _slopes(self, a: float, b: float) -> tuple[Floats, Floats]:
        """dE/du and dE/dd at (a, b), owned part."""
        self._go(a, b)
        found = []
        for form, vector, field in zip(self._forces, self._vectors, (self.u, self.d), strict=True):
            vector.array[:] = 0.0
            fem.assemble_vector(vector.array, form)
            vector.scatter_reverse(la.InsertMode.add)
            dofs = field.function_space.dofmap
            found.append(vector.array[: dofs.index_map.size_local * dofs.index_map_bs])
        return found[0], found[1]

    def _along(self, slopes: tuple[Floats, Floats]) -> Floats:
        """Slopes of the energy in a and b (collective). Given displacements do not move: reactions do no work."""
        in_u, in_d = slopes
        ahead = in_d @ self._ahead[1][: len(in_d)]
        before = in_u @ self._before[0][: len(in_u)] + in_d @ self._before[1][: len(in_d)]
        local = [ahead, before]
        return np.asarray(self._comm.allreduce(np.array(local), op=MPI.SUM))
