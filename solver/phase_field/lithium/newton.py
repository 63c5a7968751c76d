"""Newton's method of a cell at given damage, with the rule of full and dry nodes inside."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lifrac.errors import NumericalFailure
from lifrac.solver.model.control import Closure
from lifrac.solver.numerics.newton_log import NewtonLog
from lifrac.solver.phase_field.fracture.fields import Floats

from .charge_transfer import Charges
from .equations import CellEquations, Increment, Sizes
from .fill_state import FillState, FullNodes

TOLERANCE = 1.0e-9
"""Scaled residual at which the equations hold."""
STAGNATION = 1.0e-8
"""A scaled residual below this that no longer falls is as small as rounding lets it be."""
MAX_ITERATIONS = 40
CHORD = 0.2
"""The factorised matrix is used again while an iteration brings the residual below this part of the last."""
ITERATIONS_BEFORE_HALVING, MAX_HALVINGS = 4, 4
"""Iterations before an increment may be halved, and how often it is."""


@dataclass(frozen=True)
class StepInput:
    """The input of a time step of a cell."""

    dt: float
    """[s]."""
    closure: Callable[[float, float], Closure]
    """The equation of the control at a current through the counter electrode and a voltage [V].

    The current is in A/m2 um, times um in 3D.
    """
    metal: Floats
    """Lithium of each node at the start [um2, um3 in 3D]."""


@dataclass(frozen=True)
class StepSolution:
    """The solution of a cell at given damage."""

    metal: Floats
    """Lithium of each node at the end of the step [um2, um3 in 3D]."""
    charges: Charges
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
    """One solution of the cell's equations at a time, from the fields as they are (collective).

    Parameters
    ----------
    equations : CellEquations
    fill : FillState
    charges : callable
        Currents at the present state and voltage.
    capacity : callable
        V_i of each node at the present state.
    limits : Limits
    """

    def __init__(
        self,
        equations: CellEquations,
        fill: FillState,
        charges: Callable[[], Charges],
        capacity: Callable[[], Floats],
        limits: Limits,
    ) -> None:
        self.equations, self.fill, self.charges, self.capacity = equations, fill, charges, capacity
        self.limits = limits
        self.voltage = 0.0
        """Cell voltage [V]."""
        self.norms: list[float] = []
        """Scaled residuals of the last solution, one per iteration."""

    def solve(self, step: StepInput, sizes: Sizes) -> StepSolution:
        """Fields and voltage at the end of a time step; residuals are scaled by `sizes`.

        Raises
        ------
        NumericalFailure
            On every rank alike.
        """
        self.equations.dt.value = step.dt  # type: ignore[assignment]
        pressure = self.equations.fields.pressure.x.array
        self._prescribe(pressure)
        nodes = FullNodes(self.fill, pressure, self.capacity() - step.metal)
        log, changed, linearised = NewtonLog("cell"), False, False
        self.norms, self._halvings = [], 0
        for iteration in range(MAX_ITERATIONS):
            charges, metal = self._plated(step)
            space_left = self.capacity() - metal
            if iteration > 0:
                changed = nodes.update(pressure, space_left)
            pressure[nodes.dry] = 0.0
            missing = np.where(nodes.full, space_left, 0.0)
            closure = step.closure(self.equations.current(charges), self.voltage)
            residuals = self.equations.residuals(charges, missing, closure, sizes)
            self.norms.append(residuals.largest)
            log.see(residuals, "other nodes are full" if changed else "")
            if not changed and self._converged():
                nodes.leave_undecided()
                return StepSolution(metal, charges, iteration)
            if self._halve(iteration, changed):
                continue
            if changed or not linearised or self._slow():
                self.equations.linearise(charges, nodes.given())
                linearised = True
            self._increment = self._limited(self.equations.increment())
            self._add(self._increment)
        raise log.failure(f"no convergence in {MAX_ITERATIONS} iterations")

    def _prescribe(self, pressure: Floats) -> None:
        """Set given displacements and pressures."""
        for bc in self.equations.prescribed:
            bc.set(self.equations.fields.state.displacement.x.array)
        self.fill.prescribe(pressure)

    def _plated(self, step: StepInput) -> tuple[Charges, Floats]:
        """Currents, and the lithium of each node with them."""
        charges = self.charges()
        moved = self.equations.velocity * charges.crack - self.equations.outflow()
        return charges, step.metal + step.dt * moved

    def _converged(self) -> bool:
        norms = self.norms
        stagnates = len(norms) > 2 and norms[-1] < STAGNATION and norms[-1] > 0.5 * norms[-2]
        return norms[-1] < TOLERANCE or stagnates

    def _slow(self) -> bool:
        return self.norms[-1] > CHORD * self.norms[-2]

    def _halve(self, iteration: int, changed: bool) -> bool:
        """Take half of the last increment back if the residual has grown by it (collective).

        A split that changes sides may make it grow.
        """
        grows = len(self.norms) > 1 and not self.norms[-1] < self.norms[-2]
        if changed or iteration <= ITERATIONS_BEFORE_HALVING or self._halvings == MAX_HALVINGS or not grows:
            self._halvings = 0
            return False
        self._halvings += 1
        self._increment = self._increment.times(0.5)
        self._add(self._increment.times(-1.0))
        return True

    def _add(self, increment: Increment) -> None:
        self.voltage += increment.voltage
        self.equations.add(increment.fields)

    def _limited(self, increment: Increment) -> Increment:
        """Return an increment that exponentials and power laws can be asked about (collective)."""
        _, potential, pressure = self.equations.parts(increment.fields)
        local = [float(np.abs(part).max(initial=0.0)) for part in (potential, pressure)]
        volts, megapascals = np.max(self.equations.comm.allgather(local), axis=0)
        if not np.isfinite(volts + megapascals + increment.voltage):
            raise NumericalFailure("an increment of the cell's Newton method is not finite")
        by_potential = self.limits.potential / max(volts, abs(increment.voltage), 1.0e-300)
        return increment.times(min(1.0, by_potential, self.limits.pressure / max(megapascals, 1.0e-300)))
