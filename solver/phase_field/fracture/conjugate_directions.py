"""Steps of both fields at once that lower the energy more than a half step in d does.

From (u, d), u in equilibrium at d, the energy is minimised over

    (u, d) + a (0, d* - d) + b (last step of u, last step of d),

d* the minimiser at fixed u: alternate minimisation is a = 1, b = 0. The second direction is what turns steepest descent
into conjugate gradients (locally optimal, as in Knyazev's eigenvalue solver), and a crack that creeps on from sweep to
sweep is let run as long as the energy falls. It never rises, whatever the energy is.
"""

import numpy as np
import ufl
from dolfinx import fem, la
from mpi4py import MPI

from .damage import DamageSolver
from .displacement import DisplacementSolver
from .energy import Energy
from .fields import Floats, State
from .volume_control import VolumeControl

CONVEX = 1.0e-10
"""Smallest over largest eigenvalue of the 2x2 Hessian from which its minimum is trusted to be one."""
DOUBLINGS = 6
"""Of b, while the energy falls."""
HALVINGS = 6
"""Of a step at given volume, while the energy is above that of its start."""
ROUNDING = 1.0e-12
"""Of the energy: a smaller fall is not seen in sums over all cells."""


class TwoDirections:
    """The step, with what it remembers of the last one.

    At a given crack volume every point is brought to that volume along the response to pressure, and the model counts
    what pressure does to that: the minimiser d* at given pressure goes too far then.
    """

    def __init__(
        self,
        energy: Energy,
        state: State,
        displacement: DisplacementSolver,
        damage: DamageSolver,
        volume: VolumeControl | None = None,
    ) -> None:
        self.u, self.d, self.volume = state.displacement, state.damage, volume
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
        slope_start = self.displacement.residual(), self.damage.gradient().copy()
        self.damage.finish()
        last = self._start if self._last is None else self._last
        self._ahead = np.zeros_like(self._start[0]), self.d.x.array - self._start[1]
        self._before = self._start[0] - last[0], self._start[1] - last[1]
        first, self._last = self._last is None, self._start
        if not first or self.volume is not None:
            self._go(*self._best(slope_start))

    def _best(self, slope_start: tuple[Floats, Floats]) -> tuple[float, float]:
        """(a, b) of lowest energy: the minimum of a quadratic model, or longer, or a plain half step."""
        tried, fall = self._model_minimum(slope_start)
        best = 1.0, 0.0
        lowest = self._energy(*best)
        if fall < ROUNDING * abs(lowest):  # energies do not tell points apart any more
            return tried
        if self.volume is not None and not lowest < (rest := self._energy(0.0, 0.0)):
            best, lowest = self._shortened(tried, rest)
        for _ in range(1 + DOUBLINGS):
            found = self._energy(*tried)
            if not found < lowest:
                break
            best, lowest = tried, found
            tried = best[0], 2.0 * best[1]
        return best

    def _shortened(self, tried: tuple[float, float], rest: float) -> tuple[tuple[float, float], float]:
        """A step at given volume that lowers the energy, and the energy; the half step in d need not."""
        for _ in range(HALVINGS):
            found = self._energy(*tried)
            if found < rest:
                break
            tried = 0.5 * tried[0], 0.5 * tried[1]
        return tried, found

    def _model_minimum(self, slope_start: tuple[Floats, Floats]) -> tuple[tuple[float, float], float]:
        """(a, b), and by how much the energy falls, from the slopes at (0, 0) and (0, 1) and the curvature in d.

        Where the model has no minimum: that along a alone, and b = 1.
        """
        slope = self._along(slope_start)
        change = self._along(self._slopes(0.0, 1.0)) - slope
        hessian = np.array([[self.damage.curvature(self._ahead[1]), change[0]], change])
        if self.volume is not None:
            gained = -np.array([self._missing(1.0, 0.0), self._missing(0.0, 1.0)])
            hessian += np.outer(gained, gained) / self.volume.compliance()
        eigenvalues = np.linalg.eigvalsh(hessian)
        if eigenvalues[0] > CONVEX * eigenvalues[1]:
            a, b = -np.linalg.solve(hessian, slope)
            return (float(a), float(b)), float(-0.5 * (a * slope[0] + b * slope[1]))
        a = float(-slope[0] / hessian[0, 0]) if hessian[0, 0] > 0.0 else 1.0
        return (a, 1.0), np.inf

    def _put(self, a: float, b: float) -> None:
        """Put the fields at (a, b), d between its bounds. Ghosts follow, being on the same line."""
        self.u.x.array[:] = self._start[0] + b * self._before[0]
        moved = self._start[1] + a * self._ahead[1] + b * self._before[1]
        self.d.x.array[:] = np.clip(moved, self.state.lower_bound.x.array, self.state.upper_bound.x.array)

    def _go(self, a: float, b: float) -> None:
        """The same, at the given crack volume."""
        self._put(a, b)
        if self.volume is not None:
            self.volume.fill()

    def _missing(self, a: float, b: float) -> float:
        assert self.volume is not None
        self._put(a, b)
        return self.volume.missing()

    def _energy(self, a: float, b: float) -> float:
        self._go(a, b)
        return float(self._comm.allreduce(fem.assemble_scalar(self._total), op=MPI.SUM))

    def _slopes(self, a: float, b: float) -> tuple[Floats, Floats]:
        """dE/du and dE/dd at (a, b), owned part."""
        self._put(a, b)
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
