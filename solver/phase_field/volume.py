"""Equilibrium at a given crack volume: the pressure is an unknown, found with the displacement.

A crack under given pressure is unstable once it grows; under given volume it is stable.
"""

from ..backend import dolfinx  # noqa: F401  isort: skip

from dataclasses import dataclass

import ufl
from dolfinx import fem
from mpi4py import MPI

from ..errors import NumericalFailure
from ..physics.crack_pressure import opening_density
from .displacement import DisplacementSolver
from .energy import Energy
from .state import Floats, State

ROUNDING = 1.0e-13
"""A rise of the energy below this fraction of it is rounding and the tolerance of equilibrium."""
MAX_HALVINGS = 12
MOST_FALL = 0.8
"""Of the pressure in a half step in d: growth at given pressure is unstable, a long step may pass over a minimum."""


@dataclass(frozen=True)
class Accepted:
    """What a sweep has accepted: energy at fixed volume [as in `Minimum`], pressure [MPa], damage."""

    energy: float
    pressure: float
    damage: Floats


class VolumeControl:
    """Equilibrium, then the pressure at which the crack has its volume: one matrix, two solves.

    Exact without a split, where u = u0 + p u1 at fixed damage.

    A half step in d at given u and p need not lower what is least at fixed volume: a crack that turns and opens is
    given back in the next half step, for ever. But it leads downhill (the slope in d at fixed volume is dE/dd at that u
    and p), so that a part of it does: it is halved until that energy falls, and so are those that follow.

    Parameters
    ----------
    displacement : DisplacementSolver
        Its energy holds `pressure_energy(u, d, pressure)`.
    state : State
    pressure : fem.Constant
        p [MPa], changed by every solve.
    energy : Energy
    """

    def __init__(
        self, displacement: DisplacementSolver, state: State, pressure: fem.Constant, energy: Energy
    ) -> None:
        self.displacement, self.pressure, self._damage = displacement, pressure, state.damage
        self.volume = 0.0
        """V that is wanted, of what is meshed [um^2 in plane strain, um^3]."""
        u, d = state.displacement, state.damage
        v = ufl.TestFunction(u.function_space)
        self._u = u
        self._volume_form = fem.form(energy.frame.integral(opening_density(u, d)))
        self._response_form = fem.form(energy.frame.integral(opening_density(v, d)))
        self._energy_form = fem.form(energy.total(u, d))
        self._last: Accepted | None = None
        self._share = 1.0
        self._comm = u.function_space.mesh.comm

    def crack_volume(self) -> float:
        """V = -int u . grad d dV of the present state (collective)."""
        return self._sum(self._volume_form)

    def _sum(self, form: fem.Form) -> float:
        return float(self._comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM))

    def forget(self) -> None:
        """Start anew: from here on the energy falls."""
        self._last, self._share = None, 1.0

    def solve(self) -> int:
        """u and p in equilibrium at the wanted volume, d no farther than this lowers the energy (collective).

        Returns Newton iterations.

        Raises
        ------
        NumericalFailure
            On every rank alike: also when there is no crack that could hold a volume.
        """
        if self._last is not None:
            self._retreat(1.0 - self._share)
        iterations = self._equilibrate()
        for _ in range(MAX_HALVINGS):
            total = self._sum(self._energy_form) + self.held_energy()
            rises = self._last is not None and total > self._last.energy + ROUNDING * abs(total)
            falls = self._last is not None and float(self.pressure.value) < MOST_FALL * self._last.pressure
            if not (rises or falls):
                break
            self._share *= 0.5 if rises else 1.0
            self._retreat(0.5)
            iterations += self._equilibrate()
        self._last = Accepted(total, float(self.pressure.value), self._damage.x.array.copy())
        return iterations

    def _retreat(self, part: float) -> None:
        """Go back by a part of the way from the last accepted damage."""
        assert self._last is not None
        self._damage.x.array[:] += part * (self._last.damage - self._damage.x.array)

    def _equilibrate(self) -> int:
        """u and p in equilibrium at the wanted volume and this damage; returns Newton iterations (collective).

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
