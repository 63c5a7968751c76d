"""Newton's method of a cell at given damage, with the rule of full and dry nodes inside."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import override

import numpy as np
from lifrac.solver.model.control import Closure
from lifrac.solver.numerics.newton import Convergence, LineSearch, MatrixReuse, Newton, NewtonProblem
from lifrac.solver.numerics.newton_log import Norms
from lifrac.solver.phase_field.fracture.fields import Floats

from .charge_transfer import NodalCurrents
from .equations import CellEquations, Increment, Sizes
from .fill_state import FillState, FullNodes

METHOD = Newton(
    "cell",
    Convergence(tolerance=1.0e-9, max_iterations=40, stagnation=1.0e-8),
    # A split that changes sides may make the residual grow; the first iterations find where nodes are full.
    LineSearch(trials=5, settling=4, counts_trials=True),
    MatrixReuse(reduction=0.2),
)


@dataclass(frozen=True)
class StepInput:
    """The input of a time step of a cell."""

    dt: float
    """[s]."""
    closure: Callable[[float, float], Closure]
    """The equation of the control at a current through the counter electrode and a voltage [V].

    The current is in A/m2 um, times um in 3D.
    """
    lithium_amount: Floats
    """Lithium of each node at the start [um2, um3 in 3D]."""


@dataclass(frozen=True)
class StepSolution:
    """The solution of a cell at given damage."""

    lithium_amount: Floats
    """Lithium of each node at the end of the step [um2, um3 in 3D]."""
    currents: NodalCurrents
    iterations: int


@dataclass(frozen=True)
class Limits:
    """Largest increments of one iteration.

    Creep goes with a high power of the slope of the pressure, and what overshoots ten times comes back by a third per
    iteration.
    """

    potential: float
    """[V]."""
    pressure: float
    """[MPa]."""


class CellNewton:
    """Solutions of the cell's equations, one at a time, from the fields as they are (collective).

    Parameters
    ----------
    equations : CellEquations
    fill : FillState
    nodal_currents : callable
        Currents at the present state and voltage.
    capacity : callable
        V_i of each node at the present state.
    limits : Limits
    """

    def __init__(
        self,
        equations: CellEquations,
        fill: FillState,
        nodal_currents: Callable[[], NodalCurrents],
        capacity: Callable[[], Floats],
        limits: Limits,
    ) -> None:
        self.equations, self.fill, self.nodal_currents, self.capacity = equations, fill, nodal_currents, capacity
        self.limits = limits
        self.voltage = 0.0
        """Cell voltage [V]."""

    def solve(self, step: StepInput, sizes: Sizes) -> StepSolution:
        """Fields and voltage at the end of a time step; residuals are scaled by `sizes`.

        Raises
        ------
        NewtonFailure
            On every rank alike.
        """
        self.equations.dt.value = step.dt  # type: ignore[assignment]
        self._prescribe()
        problem = _StepProblem(self, step, sizes)
        found = METHOD.solve(problem)
        problem.nodes.leave_undecided()
        return StepSolution(problem.lithium_amount, problem.currents, found.iterations)

    def _prescribe(self) -> None:
        """Set given displacements and pressures."""
        fields = self.equations.fields
        for bc in self.equations.prescribed:
            bc.set(fields.state.displacement.x.array)
        self.fill.prescribe(fields.pressure.x.array)


class _StepProblem(NewtonProblem[Increment]):
    """One time step as Newton's method sees it; which nodes are full is chosen as the residual is evaluated."""

    def __init__(self, cell: CellNewton, step: StepInput, sizes: Sizes) -> None:
        self.cell, self.equations, self.step, self.sizes = cell, cell.equations, step, sizes
        self.pressure = self.equations.fields.pressure.x.array
        self.lithium_amount = step.lithium_amount
        self.currents: NodalCurrents
        self.nodes = FullNodes(cell.fill, self.pressure, cell.capacity() - step.lithium_amount)
        self._is_start = True

    @override
    def residual(self) -> Norms:
        self.currents = self.cell.nodal_currents()
        moved = self.equations.velocity * self.currents.crack - self.equations.outflow()
        self.lithium_amount = self.step.lithium_amount + self.step.dt * moved
        space_left = self.cell.capacity() - self.lithium_amount
        switched = 0 if self._is_start else self.nodes.update(self.pressure, space_left)
        self._is_start = False
        self.pressure[self.nodes.dry] = 0.0
        missing = np.where(self.nodes.full, space_left, 0.0)
        closure = self.step.closure(self.equations.current(self.currents), self.cell.voltage)
        return replace(self.equations.residuals(self.currents, missing, closure, self.sizes), switched=switched)

    @override
    def linearise(self) -> int:
        self.equations.linearise(self.currents, self.nodes.given())
        return 0

    @override
    def increment(self) -> Increment:
        return self.equations.increment()

    @override
    def limit(self, increment: Increment) -> float:
        _, potential, pressure = self.equations.parts(increment.fields)
        local = [float(np.abs(part).max(initial=0.0)) for part in (potential, pressure)]
        volts, megapascals = np.max(self.equations.comm.allgather(local), axis=0)
        if not np.isfinite(volts + megapascals + increment.voltage):
            return np.nan
        limits = self.cell.limits
        by_potential = limits.potential / max(volts, abs(increment.voltage), 1.0e-300)
        return float(min(1.0, by_potential, limits.pressure / max(megapascals, 1.0e-300)))

    @override
    def move(self, increment: Increment, factor: float, taken: float) -> None:
        change = increment.times(factor - taken)
        self.cell.voltage += change.voltage
        self.equations.add(change.fields)
