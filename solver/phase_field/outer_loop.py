"""Damage and all else by turns, each at its own equilibrium, until neither changes anything.

Alternate minimisation (Bourdin, Francfort & Marigo, J. Mech. Phys. Solids 48 (2000) 797), accelerated: the same loop
for a cell with lithium, where nothing is minimised, and for a body under given loads, where every step lowers the
energy. A single pass per load step would delay cracks.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lifrac.errors import NumericalFailure
from lifrac.solver.numerics.fixed_point import FixedPoint

from .fracture.damage import DamageSolver
from .fracture.fields import Floats

LOG = logging.getLogger("lifrac.solver")
DAMAGE_TOLERANCE = 1.0e-4
"""Largest |minimiser - d| [-] at which damage and all else are in equilibrium with each other."""
ENERGY_ROUNDING = 1.0e-9
"""A rise of the energy below this part of it is rounding and the tolerance of equilibrium."""
ACCELERATED_RISE = 1.0e-12
"""The same of an accelerated step: one that may have raised the energy is replaced."""
MOMENTUM = 0.8
"""Part of the last step that is added to the next one while a crack runs."""
REST_RATIO = 0.3
"""Part of the largest |minimiser - d| of a crack that runs below which it is taken to have come to rest."""
MAX_HALVINGS = 10
"""How often a step that raises the energy is halved."""


class Energies(NamedTuple):
    """Parts of the energy that a step must lower [J/m in plane strain, J in 3D, times 1e-6 or 1e-12: MPa um^dim]."""

    stored: float
    fracture: float
    """int Gc gamma dx."""
    load: float = 0.0
    """Energy of the loads: minus their work."""
    constraint: float = 0.0
    """Energy p V, which makes the total least at a given crack volume."""

    @property
    def total(self) -> float:
        """The energy that is least in equilibrium."""
        return self.stored + self.fracture + self.load + self.constraint

    @property
    def size(self) -> float:
        """Size that a change of the total is compared with."""
        return abs(self.stored) + abs(self.fracture) + abs(self.load)


class Mechanics(Protocol):
    """All but the damage: what is in equilibrium at given damage (collective)."""

    @property
    def may_be_loose(self) -> bool:
        """Whether `equilibrate` can stop early while the damage is far from its own equilibrium."""
        ...

    @property
    def minimiser_lowers_energy(self) -> bool:
        """Whether the energy falls when d becomes its minimiser; where not, shorter steps towards it lower it."""
        ...

    def equilibrate(self, loose: bool) -> int:
        """Find the equilibrium at the present damage; returns Newton iterations."""
        ...

    def energies(self) -> Energies | None:
        """Energy at the present state; None where the problem has none."""
        ...


@dataclass(frozen=True)
class LoopControl:
    """When the outer loop ends.

    Parameters
    ----------
    damage_tolerance : float
        Largest |minimiser - d| [-].
    max_sweeps : int
        Unstable growth of a crack takes hundreds.
    """

    damage_tolerance: float = DAMAGE_TOLERANCE
    max_sweeps: int = 5000


@dataclass(frozen=True)
class Converged:
    """The work of the loop, once it has converged."""

    sweeps: int
    newton_iterations: int
    rejected: int
    """Accelerated steps that would have raised the energy."""
    largest_rise: float
    """Largest rise of the energy between two sweeps, relative; zero but for rounding."""


class OuterLoop:
    """The loop over a damage solver and any mechanics (collective).

    Parameters
    ----------
    damage : DamageSolver
    control : LoopControl
    """

    def __init__(self, damage: DamageSolver, control: LoopControl | None = None) -> None:
        self.damage, self.control = damage, control or LoopControl()
        self._accelerator = FixedPoint(damage.comm)

    def solve(self, mechanics: Mechanics, each_sweep: Callable[[], None] = lambda: None) -> Converged:
        """Bring damage and mechanics into equilibrium, from the fields as they are. Nothing is committed.

        Parameters
        ----------
        mechanics : Mechanics
        each_sweep : callable
            May end the loop by an exception, on every rank alike.

        Raises
        ------
        NumericalFailure
            On every rank alike: no convergence, or the energy rose.
        """
        control, descent = self.control, _Descent(mechanics)
        self._accelerator.begin()
        loose, newton, rejected, change = mechanics.may_be_loose, 0, 0, float("inf")
        for sweep in range(1, control.max_sweeps + 1):
            each_sweep()
            newton += descent.equilibrate(loose)
            if descent.rises:
                rejected += 1
                LOG.debug("sweep %d: the energy would rise by %.1e, shorter step", sweep, descent.rise)
                self.damage.put(descent.shortened())
                continue
            change = self.damage.solve()
            LOG.debug("sweep %d: |minimiser - d| %.1e%s", sweep, change, ", loose" if loose else "")
            if change >= control.damage_tolerance:
                self.damage.put(descent.propose(self._accelerator, self.damage, change))
            elif loose:
                loose = False  # what seems to be the equilibrium is looked at once more
                descent.accept(self.damage)
            else:
                descent.accept(self.damage)
                return Converged(sweep, newton, rejected, descent.largest_rise)
        raise NumericalFailure(f"damage still changes by {change:.1e} after {control.max_sweeps} sweeps")


class _Descent:
    """Keeps the energy falling: a step that raises it is replaced by a shorter one towards the minimiser."""

    def __init__(self, mechanics: Mechanics) -> None:
        self.mechanics = mechanics
        self.rise, self.largest_rise = 0.0, 0.0
        self._lowest = float("inf")
        self._total = float("inf")
        self._way: tuple[Floats, Floats] | None = None
        self._peak = 0.0
        """Largest |minimiser - d| since the crack began to run; zero: it rests."""
        self._part = 1.0
        """Part of the way that the next shortened step goes; 1: the last step was an accelerated one."""

    @property
    def rises(self) -> bool:
        """Whether the last step has raised the energy."""
        return self.rise > (ACCELERATED_RISE if self._part == 1.0 else ENERGY_ROUNDING)

    @property
    def is_whole_step(self) -> bool:
        """Whether the last step was the whole way to the minimiser, in place of an accelerated one."""
        return self._part == 0.5

    def equilibrate(self, loose: bool) -> int:
        """Equilibrium, as exact as it takes to tell whether the energy has fallen; Newton iterations (collective)."""
        iterations = self.mechanics.equilibrate(loose)
        self._compare()
        if self.rises and loose:  # what is left of the residual may hide that it fell
            iterations += self.mechanics.equilibrate(False)
            self._compare()
        return iterations

    def _compare(self) -> None:
        energies = self.mechanics.energies()
        if energies is None:
            return
        self._total = energies.total
        self.rise = (self._total - self._lowest) / energies.size if energies.size > 0.0 else 0.0

    def accept(self, damage: DamageSolver) -> None:
        """Start the next step on the way to this minimiser: the step has lowered the energy, or there is none."""
        self.largest_rise = max(self.largest_rise, self.rise)
        self._lowest, self._part = self._total, 1.0
        self._way = damage.start_values, damage.found  # each solution has arrays of its own

    def propose(self, accelerator: FixedPoint, damage: DamageSolver, change: float) -> Floats:
        """Accept the step, and say where the next one goes.

        Mixing draws a crack that runs back to the saddle that it has left, where the energy is higher. After a step
        that was refused for that, it goes to the minimiser and on by part of the last step (Polyak's heavy ball, USSR
        Comput. Math. Math. Phys. 4 (1964) 1), until it comes to rest.
        """
        if self.is_whole_step and self._peak == 0.0:
            self._peak = change
        elif change < REST_RATIO * self._peak:
            self._peak = 0.0
            accelerator.begin()
        elif self._peak > 0.0:
            self._peak = max(self._peak, change)
        start, found = damage.start_values, damage.found
        last = self._way[0] if self._way is not None else start
        self.accept(damage)
        if self._peak > 0.0:
            return found + MOMENTUM * (start - last)
        return accelerator.propose(start, found - start, change)

    def shortened(self) -> Floats:
        """Damage on the way to the minimiser: all of it at first, then half as far each time.

        Raises
        ------
        NumericalFailure
            On every rank alike, when no such step lowers the energy.
        """
        least = 1.0 if self.mechanics.minimiser_lowers_energy else 0.5**MAX_HALVINGS
        if self._way is None or self._part < least:
            raise NumericalFailure(f"the energy rose by {self.rise:.1e} of itself in a step that has to lower it")
        start, minimiser = self._way
        damage = start + self._part * (minimiser - start)
        self._part *= 0.5
        return damage
