"""One implicit time step of the cell at a given front, by Newton's method with sets of full and dry nodes."""

from typing import override

import numpy as np
import scipy.linalg
from lifrac.errors import NumericalFailure
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.flaw import CUT_OFF
from lifrac.solver.numerics.newton import Convergence, Newton, NewtonProblem
from lifrac.solver.numerics.newton_log import Norms
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.flaw_scales import opening_at_growth
from numpy.typing import NDArray

from .charge import Charge
from .elasticity import CrackElasticity
from .lithium_front import front_exponent
from .step_data import NeedsMoreNodes, StepRequest, StepSolution, StepStart
from .step_equations import CURRENT, PRESSURE, StepEquations

Floats = NDArray[np.float64]
NEWTON = Newton("sharp front", Convergence(tolerance=1.0e-10, max_iterations=25, stagnation=1.0e-6))
"""Where fluxes are differences of large numbers rounding leaves residuals up to the second one."""
SPARE_NODES = 3
"""Nodes beyond the last one with lithium that are part of the first try."""
FASTEST, LEAST_PRESSURE = 0.5, 20.0
"""Largest change of a pressure in an iteration, over the largest pressure, and over this one [MPa] at least: creep goes
with a high power of the slope of the pressure."""
SHORTER, LONGER = 0.7, 2.0
"""Largest changes of an unknown time step in an iteration, over the time step."""
SETTLED = 1.0e-2
"""Scaled residual below which a node that overflows fills in any case."""
ALMOST_FULL = 0.95
"""Fill fraction at most of a node behind a front that is placed anew."""


class StepProblem:
    """The equations of a time step of one cell.

    Parameters
    ----------
    elasticity : CrackElasticity
    charge : Charge
    model : CellModel
    """

    def __init__(self, elasticity: CrackElasticity, charge: Charge, model: CellModel) -> None:
        self.elasticity, self.charge, self.model = elasticity, charge, model
        self.velocity = surface_velocity_per_current(model.anode.molar_volume)
        self.exponent = front_exponent(model.creep.exponent)
        self.first = 1 if model.flaw.mouth == "open" else 0
        """First node whose pressure is not given."""
        inside = elasticity.y < elasticity.tip(elasticity.front_at(model.flaw.length))
        self.flaw_aperture = np.where(inside, model.flaw.aperture, 0.0)
        scale = min(model.flaw.aperture, opening_at_growth(model))
        self.film, self.kept = CUT_OFF * scale, model.flaw.residual * scale
        """Thickness of lithium [um] below which it is cut off, and that of what stripping leaves between faces that
        touch."""

    def load_force(self, stack_pressure: float) -> Floats:
        """(N,) nodal forces of the loads that open the crack [MPa um]."""
        e = self.elasticity
        return stack_pressure * e.load_stack + self.model.loads.lateral_stress * e.load_lateral

    def solve(self, start: StepStart, request: StepRequest) -> StepSolution:
        """Return the end of a step.

        Raises
        ------
        NumericalFailure
            If Newton's method finds none.
        """
        n = start.crack.front
        with_lithium = np.flatnonzero(start.thickness[:n] > 0.0)
        active = int(with_lithium[-1]) + 1 if len(with_lithium) else 1
        spare = SPARE_NODES
        while True:
            try:
                system = StepSystem(StepEquations(self, start, request, min(n, active + spare)))
                return system.equations.solution(NEWTON.solve(system).iterations)
            except NeedsMoreNodes:
                spare *= 3


class StepSystem(NewtonProblem[Floats]):
    """The equations as Newton's method sees them.

    Sets of full and dry nodes have a memory: a node that has just run dry does not fill at once, and later each time,
    so that the sets come to rest; unless the equations are nearly solved with the sets as they are.

    Parameters
    ----------
    equations : StepEquations
    """

    def __init__(self, equations: StepEquations) -> None:
        self.equations = equations
        self._flips, self._rests_until = np.zeros(equations.m, dtype=int), np.zeros(equations.m, dtype=int)
        self._moves, self._switched = 0, 0

    @override
    def residual(self) -> Norms:
        found = self.equations.evaluate()
        return Norms(found.by_field, switched=self._switched)

    @override
    def linearise(self) -> int:
        return 0  # the derivatives come with the residual

    @override
    def increment(self) -> Floats:
        # The transposed matrix is what LAPACK takes without a copy. Unknowns have units that make them comparable.
        factors, pivots, failed = scipy.linalg.lapack.dgetrf(self.equations.matrix.T, overwrite_a=1)
        if failed:
            raise NumericalFailure("the equations of a step are singular or not finite")
        return -np.asarray(scipy.linalg.lapack.dgetrs(factors, pivots, self.equations.r, trans=1)[0])

    @override
    def limit(self, increment: Floats) -> float:
        eq = self.equations
        if not np.isfinite(increment).all():
            return float("nan")
        largest = float(np.abs(increment[: eq.nz][eq.full[eq.b :]] * PRESSURE).max(initial=0.0))
        part = min(1.0, FASTEST * max(LEAST_PRESSURE, float(eq.p.max())) / max(largest, 1.0e-300))
        if eq.free:
            change = float(increment[-1]) * eq.request.dt
            if change < 0.0:
                part = min(part, SHORTER * eq.dt / -change)
            elif change > 0.0:
                part = min(part, LONGER * eq.dt / change)
        return part

    @override
    def move(self, increment: Floats, factor: float, taken: float) -> None:
        """Full or dry is decided by pressures and thicknesses after the move, and apertures as they are linearised."""
        eq, part, x = self.equations, factor - taken, increment
        b, nz, oj, nc = eq.b, eq.nz, eq.oj, eq.carrying
        eq.foresee(factor, x)
        if eq.free:
            eq.dt += part * float(x[-1]) * eq.request.dt
        nodal = np.zeros(eq.problem.elasticity.size)
        nodal[:nc] = (eq.area * eq.plating * (1.0 - eq.worn))[:nc] * x[oj : oj + nc] * CURRENT
        nodes, by = eq.current_by_fill
        nodal[nodes] += by @ x[:oj]
        answer = eq.of_electrodes
        eq.electrodes.add(-part * (answer.inverse @ eq.electrode_residual + answer.by_crack @ nodal))
        eq.current[:nc] += part * x[oj : oj + nc] * CURRENT
        full, change = eq.full[b:], part * x[:nz]
        eq.pressure[b:] += np.where(full, change * PRESSURE, 0.0)
        eq.h[b:] += np.where(full, 0.0, change * eq.opening)
        if eq.has_front:
            psi = eq.psi + part * float(x[nz])
            eq.psi = min(max(psi, 0.2 * eq.psi), 1.0 - 0.2 * (1.0 - eq.psi))
        self._switched = self._change_sets(eq.w + part * (eq.w_by @ x[:oj]))
        self._moves += 1

    def _change_sets(self, aperture: Floats) -> int:
        """Let nodes whose pressure has become negative run dry, and nodes that overflow be full; return how many."""
        eq, now = self.equations, self._moves
        full = eq.full.copy()
        drains = eq.full & (eq.pressure < 0.0)
        drains[: eq.b] = False
        full[drains] = False
        eq.h[drains], eq.pressure[drains] = np.maximum(aperture[drains], 0.0), 0.0
        self._rests_until[drains] = now + 2 + self._flips[drains]
        self._flips[drains] += 1
        settled = float(np.abs(eq.r).max()) < SETTLED
        fills = ~eq.full & (eq.h > aperture * (1.0 + 1.0e-12)) & ((self._rests_until <= now) | settled)
        for k in np.flatnonzero(fills):
            full[k] = True
            eq.pressure[k] = self._pressure_of_filled(int(k), aperture)
            self._flips[k] += 1
        switched = int(np.count_nonzero(full != eq.full))
        if switched:
            eq.full = full
            eq.place_front(aperture, most=ALMOST_FULL)
        return switched

    def _pressure_of_filled(self, k: int, aperture: Floats) -> float:
        """Return the pressure at which a node starts that has become full; what is too much goes to the next one."""
        eq, beyond = self.equations, k + 1
        if not k:
            return 0.0
        if self._flips[k] or beyond >= eq.m or eq.full[beyond] or aperture[beyond] <= 0.0:
            return float(eq.pressure[k - 1]) * (1.0 - 2.0 / 3.0 * 0.7 ** self._flips[k])
        more = (eq.h[k] - aperture[k]) * eq.area[k] / eq.area[beyond]
        eq.h[beyond] = min(max(eq.h[beyond], 0.0) + more, ALMOST_FULL * aperture[beyond])
        eq.foresee_front(k)
        reach = 0.5 * eq.d[k] + eq.h[beyond] / aperture[beyond] * eq.area[beyond]
        return float(eq.pressure[k - 1] * reach / (reach + eq.d[k - 1]))
