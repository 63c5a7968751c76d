"""The equations of a time step at a given front, linearised: openings, lithium and currents.

Unknown are, at each node of the crack with lithium in reach, its pressure where it is full and its thickness where it
is not; the place of the lithium's front between two nodes; the current density of each node that lithium connects to
the anode; and the time step itself where K is to be K_Ic at its end. Openings follow from the pressures by the
compliance of the crack, the electrodes' currents from those of the crack (`charge`).
"""

from typing import TYPE_CHECKING

import numpy as np
from lifrac.solver.front.flow import passage
from lifrac.solver.front.slot_flow import gradient_of_flux, slot_flux
from lifrac.solver.model.control import Closure
from lifrac.solver.numerics.newton_log import Norms
from lifrac.solver.physics.constants import pressure_per_volt, thermal_voltage
from numpy.typing import NDArray

from .elasticity import FrontWeights
from .lithium_front import LithiumFront, mean_length
from .state import CrackState
from .step_data import NeedsMoreNodes, StepRequest, StepSolution, StepStart

if TYPE_CHECKING:
    from .step import StepProblem

Floats = NDArray[np.float64]
PRESSURE = 100.0
"""Unit of the pressures among the unknowns [MPa]."""
CURRENT = 10.0
"""Unit of the currents [A/m2]."""
SMALLEST_APERTURE = 1.0e-7
"""[um]."""
LEAST_OPENING = 5.0e-3
"""Unit of thicknesses among the unknowns, at least [um]."""


class StepEquations:
    """The equations of one step, and its unknowns.

    Parameters
    ----------
    problem : StepProblem
    start : StepStart
    request : StepRequest
    active : int
        Nodes from the mouth on that the solution looks at.

    Attributes
    ----------
    n, m, b : int
        The first closed node; `active`; the first node with an equation of its own, which an open mouth has not.
    pressure, h, current, psi, electrodes, dt
        The unknowns: lithium pressure [MPa] and thickness [um] (m,), current density (m,) [A/m2], place of the front of
        the lithium (`lithium_front`), electrodes, and time step [s].
    full : ndarray of bool
        (m,) nodes that are full, whose pressure is the unknown; the thickness is that of the others.
    plating, worn : ndarray
        (m,) part of each node's area that carries current, and minus its relative change by that of the current.
    r, matrix : ndarray
        Residual and derivative: lithium at the nodes from `b` on (`nz`), front, charge transfer at the first
        `carrying` nodes (from `oj` on), and K where dt is unknown.
    """

    def __init__(self, problem: "StepProblem", start: StepStart, request: StepRequest, active: int) -> None:
        self.problem, self.start, self.request = problem, start, request
        e, crack = problem.elasticity, start.crack
        self.n, self.m = n, m = crack.front, active
        self.b, self.nz = problem.first, active - problem.first
        self.area, self.d = e.area[:m], e.d
        compliance = e.compliance(n)
        self.compliance, self.whole = compliance[:m, :m], compliance
        self.load = problem.load_force(request.stack_pressure)
        self.base = problem.flaw_aperture[:m] + compliance[:m] @ self.load[:n]
        self.weights: FrontWeights = e.weights(n)
        self.load_intensity = e.load_intensity(n, self.load)
        self.full = crack.full[:m].copy()
        self.pressure, self.h = crack.pressure[:m].copy(), crack.thickness[:m].copy()
        if request.filled:
            self.full[n - 1], self.pressure[n - 1] = True, self.pressure[n - 2]
        if self.b:
            self.full[0], self.pressure[0] = True, request.stack_pressure
        self.carrying = min(start.carrying, m)
        self.current = crack.current[:m].copy()
        self.electrodes = start.electrodes.copy()
        self.dt, self.free = request.dt, request.toughness is not None
        self.opening = max(float(self.base.max()), LEAST_OPENING)
        self.scale = 1.0 / (self.area * self.opening)
        self.was = np.minimum(start.fill[:m], 1.0)
        self.partly = self.was < 1.0 - 1.0e-9
        self.partly[: self.b] = False
        self.old = start.thickness[:m]
        self.oj = self.nz + 1
        self.size = self.oj + self.carrying + self.free
        self.psi = 0.0
        self.place_front(crack.aperture[:m])
        self._starts: dict[int, float] = {}
        self._foreseen: Floats | None = None
        self.crack_kinetics = problem.charge.on_crack.at(np.arange(self.carrying))
        self._on = np.zeros(m)
        self._on[: self.carrying] = 2.0 * problem.velocity * self.area[: self.carrying]

    # -- where the lithium ends --------------------------------------------------------------------------------------

    @property
    def last_full(self) -> int:
        """The last node that lithium fills; -1 without one. Faces that touch do not count."""
        found = np.flatnonzero(self.full & ~self.start.touching[: self.m])
        return int(found[-1]) if len(found) else -1

    def _ends_at_a_front(self, i: int) -> bool:
        """Whether lithium ends between a node and the next: not at the tip, nor at faces that touch."""
        if not self.b <= i < self.n - 1:  # nor at the open mouth, where nothing of the flaw holds lithium
            return False
        if i + 1 >= self.m:
            raise NeedsMoreNodes
        return not self.full[i + 1] and not self.start.touching[i + 1]

    def _cell(self, i: int) -> LithiumFront:
        g = self.weights.shape
        e, n = self.problem.elasticity, self.n
        mean = 0.5 * float(g[i] + g[i + 1])
        distance = self.weights.tip - float(e.y[i])
        exponent = self.problem.exponent if n < e.size else 1.0  # no tip, no opening that closes
        return LithiumFront(exponent, distance, float(e.d[i]), float(e.area[i + 1]), mean, i + 1 == n - 1)

    def place_front(self, aperture: Floats, most: float = 1.0) -> None:
        """Place the lithium's front by the fill fraction of the node behind the last full one."""
        i = self.last_full
        if not self._ends_at_a_front(i):
            return
        fill = max(self.h[i + 1], 0.0) / max(aperture[i + 1], SMALLEST_APERTURE) if aperture[i + 1] > 0.0 else 0.0
        self.psi = self._cell(i).psi_of_fill(min(fill, most))

    # -- equations ---------------------------------------------------------------------------------------------------

    def evaluate(self) -> Norms:
        """Evaluate the equations and their derivatives at the present unknowns; return the scaled residuals."""
        i = self.last_full
        self.i, self.has_front = i, self._ends_at_a_front(i)
        if self.has_front:
            self.front, self.slope = self._cell(i).evaluate(self.psi)
        self.r, self.matrix = np.zeros(self.size), np.zeros((self.size, self.size))
        self._openings()
        self._fill_fractions()
        self._lithium()
        self._front_equation()
        electrodes = self._currents()
        self._growth()
        found = np.abs(self.r)
        return Norms(
            {
                "lithium": float(found[: self.nz].max(initial=0.0)),
                "lithium front": float(found[self.nz]),
                "flow": self._flow_error * self.dt * float(self.scale[self.i]) if self.has_front else 0.0,
                "charge transfer": float(np.abs(self.at_crack).max(initial=0.0)),
                "electrodes": electrodes,
                "toughness": float(found[-1]) if self.free else 0.0,
                "complementarity": self._violation(),
            }
        )

    def _openings(self) -> None:
        """W and dw/d(unknowns), (m, nz + 1)."""
        m, b, i, c = self.m, self.b, self.i, self.compliance
        self.p = np.where(self.full, self.pressure, 0.0)
        force = self.area * self.p
        self.w_by = np.zeros((m, self.nz + 1))
        self.w_by[:, : self.nz] = c[:, b:] * (np.where(self.full[b:], self.area[b:], 0.0) * PRESSURE)
        if self.has_front:
            f, s, d, pi = self.front, self.slope, self.d[i], self.p[i]
            here, there = f.force * (1.0 - f.beyond) - 0.5 * d, f.force * f.beyond
            force[i] += pi * here
            force[i + 1] += pi * there
            if i >= b:
                self.w_by[:, i - b] += (c[:, i] * here + c[:, i + 1] * there) * PRESSURE
            moved = s.force * f.beyond + f.force * s.beyond
            self.w_by[:, self.nz] = pi * (c[:, i] * (s.force - moved) + c[:, i + 1] * moved)
        self.force = force
        self.w = self.base + c @ force
        self.h = np.where(self.full, self.w, self.h)
        self.open = np.maximum(self.w, SMALLEST_APERTURE)

    def _fill_fractions(self) -> None:
        """Fill fractions, and the mean ones of the step that count for plating, with their derivatives at dry nodes."""
        b = self.b
        dry = self.dry = np.flatnonzero(~self.full)
        h = np.maximum(self.h, 0.0)
        self.fill = np.where(self.full, 1.0, np.minimum(h / self.open, 1.0))  # a node that overflows is to be full
        by = -(h / self.open**2)[dry, None] * self.w_by[dry]
        inner = dry >= b
        rows = np.flatnonzero(inner)
        by[rows, dry[inner] - b] += np.where(self.h[dry[inner]] > 0.0, self.opening / self.open[dry[inner]], 0.0)
        by[(h > self.open)[dry]] = 0.0
        self.fill_by = by
        mean = self.partly & ~(self.current < 0.0)
        self.plating = np.where(mean, 0.5 * (self.was + self.fill), self.fill)
        self.varying, self.plating_by = dry, by * np.where(mean[dry], 0.5, 1.0)[:, None]
        self.worn = np.zeros(self.m)
        if (self.current < 0.0).any():
            self._strip()

    def _strip(self) -> None:
        """Take from the shares that strip what stripping leaves: a share of the aperture, and films between faces.

        A film strips in proportion to what it is thicker than what stays, so that no step strips more than there is.
        What a step leaves of it follows from its thickness before and from the current, by an implicit step of that
        law alone: faces that come to rest on their films then do so on films that are known.
        """
        problem, strips = self.problem, self.current < 0.0
        residue, kept = problem.model.flaw.residual, problem.kept
        share = np.maximum(self.plating - residue, 0.0) / (1.0 - residue)
        stripped = -2.0 * problem.velocity * self.dt * self.current * share
        film = np.where(strips, max(problem.film, kept) + stripped, 1.0)
        left = np.clip((self.old - kept) / film, 0.0, 1.0)
        self.plating = np.where(strips, left * share, self.plating)
        self.worn = np.where(strips & (left < 1.0), stripped / film, 0.0)
        by = np.where(share > 0.0, left * (1.0 - self.worn) / (1.0 - residue), 0.0)
        self.plating_by = self.plating_by * np.where(strips, by, 1.0)[self.varying, None]

    def foresee(self, part: float, increment: Floats) -> None:
        """Note the flux that the linearised equations foresee at a part of an increment.

        With a high power of creep the flux into the front cell hangs on a small difference of large changes: of the
        pressure behind it and of its length. What the equations are next linearised about is therefore the flux that
        was foreseen, which the balance of lithium makes nearly right, and not the one of the new pressure. That is
        Newton's method with the flux of the link as one more unknown, eliminated at once.
        """
        self._foreseen = self.flux + part * (self.flux_by @ increment[: self.oj])

    def foresee_front(self, node: int) -> None:
        """Note the flux beyond a node that has just become full: what has come into the next node brought it."""
        if self._foreseen is not None and node + 1 < self.m:
            k = node + 1
            plated = self._on[k] * self.plating[k] * self.current[k]
            self._foreseen[node] = max((self.h[k] - self.old[k]) * self.area[k] / self.dt - plated, 0.0)

    def _linearised_about(self, width: Floats, gradient: Floats) -> Floats:
        """Return the gradients at which the flow law is linearised: the present ones but in the front cell."""
        if self._foreseen is None or not self.has_front:
            return gradient
        i = self.i
        here = slice(i, i + 1)
        found = gradient_of_flux(self.problem.model.creep, width[here], self._foreseen[here], gradient[here])
        if not 0.0 < found[0] < gradient[i]:  # the law goes on below its tangent there
            return gradient
        at = gradient.copy()
        at[i] = found[0]
        return at

    def _flux(self) -> None:
        """Flux through each link of the active nodes, and its derivatives (m - 1, nz + 1)."""
        b, i, w = self.b, self.i, self.open
        left, right = w[:-1], w[1:]
        total = left + right
        width = passage(left, right)
        by_left, by_right = 2.0 * right**2 / total**2, 2.0 * left**2 / total**2
        if self.problem.model.creep.fixed_aperture:
            w0 = np.maximum(self.problem.flaw_aperture[: self.m], SMALLEST_APERTURE)
            width = passage(w0[:-1], w0[1:])
            by_left = by_right = np.zeros_like(width)
        length, by_psi = self.d[: self.m - 1].copy(), 0.0
        if self.has_front:
            if i not in self._starts:
                cell = self._cell(i)
                self._starts[i] = cell.evaluate(cell.psi_of_fill(float(self.was[i + 1])))[0].length
            mean, by_end = mean_length(self._starts[i], self.front.length, self.problem.model.creep.exponent)
            length[i], by_psi = mean, by_end * self.slope.length
            if not self.problem.model.creep.fixed_aperture:
                width[i], by_left[i], by_right[i] = left[i], 1.0, 0.0
        creep, gradient = self.problem.model.creep, (self.p[:-1] - self.p[1:]) / length
        at = self._linearised_about(width, gradient)
        q, by_gradient, by_passage = slot_flux(creep, width, at)
        self._flow_error = 0.0
        if at is not gradient:
            q[i] += by_gradient[i] * (gradient[i] - at[i])
            self._flow_error = abs(float(slot_flux(creep, width[i : i + 1], gradient[i : i + 1])[0][0] - q[i]))
        by = (by_passage * by_left)[:, None] * self.w_by[:-1] + (by_passage * by_right)[:, None] * self.w_by[1:]
        per = by_gradient / length * PRESSURE
        k = np.flatnonzero(self.full[b:]) + b
        before, after = k[k > 0], k[k < self.m - 1]
        by[before - 1, before - b] -= per[before - 1]
        by[after, after - b] += per[after]
        if self.has_front:
            by[i, self.nz] -= by_gradient[i] * gradient[i] / length[i] * by_psi
        self.flux, self.flux_by = q, by

    def _lithium(self) -> None:
        """Balance of lithium at the nodes from `first` on."""
        b, nz, oj, dry = self.b, self.nz, self.oj, self.dry
        self._flux()
        q, q_by = self.flux, self.flux_by
        j, carried = self.current, self._on * self.plating
        rate = carried * j
        rate[:-1] -= q
        rate[1:] += q
        self.inflow = float(self.area[0] * (self.h[0] - self.old[0]) / self.dt - rate[0]) if b else 0.0
        scale = self.scale
        self.r[:nz] = ((self.area * (self.h - self.old) - self.dt * rate) * scale)[b:]
        per = self.dt * scale[:, None]
        rows = self.matrix[:nz, :oj]
        np.multiply(self.w_by[b:], 1.0 / self.opening, out=rows)  # of full nodes, whose thickness is the aperture
        inner = dry[dry >= b] - b
        rows[inner] = 0.0
        rows[inner, inner] = 1.0
        rows[: self.m - 1 - b] += per[b:-1] * q_by[b:]
        rows[1 - b :] -= per[1:] * q_by
        plated = self.varying >= b
        at = self.varying[plated]
        rows[at - b] -= per[at] * (self._on * j)[at, None] * self.plating_by[plated]
        at = np.arange(b, self.carrying)
        self.matrix[at - b, oj + at] = (-self.dt * CURRENT * carried * (1.0 - self.worn) * scale)[at]
        if self.free:
            self.matrix[:nz, -1] = -((rate - carried * j * self.worn) * scale)[b:] * self.request.dt

    def _front_equation(self) -> None:
        nz = self.nz
        if not self.has_front:
            self.matrix[nz, nz] = 1.0
            return
        self.r[nz] = self.front.fill - self.fill[self.i + 1]
        self.matrix[nz, : self.oj] = -self.fill_by[int(np.searchsorted(self.dry, self.i + 1))]
        self.matrix[nz, nz] += self.slope.fill

    def _currents(self) -> float:
        """Kinetics of the crack faces, with the electrodes eliminated; returns the electrodes' scaled residual."""
        charge, oj, b, nc = self.problem.charge, self.oj, self.b, self.carrying
        vt = thermal_voltage(self.problem.model.anode.temperature)
        plating = (self.area * self.plating)[:nc]
        nodal = np.zeros(self.problem.elasticity.size)
        nodal[:nc] = plating * self.current[:nc]
        self.nodal = nodal
        residual, phi, closure = charge.evaluate(self.electrodes, nodal, self.request.control)
        answer = charge.answer(closure)
        self.electrode_residual, self.of_electrodes = residual, answer
        pressure = self.p[:nc].copy()
        ends_here = self.has_front and self.i + 1 < nc
        if ends_here:
            pressure[self.i + 1] += self.p[self.i] * self.front.mean
        excess = pressure - self.request.stack_pressure
        found, by_drop, by_current = self.crack_kinetics.residual(phi[:nc], self.current[:nc], excess)
        self.at_crack = found / vt
        by_drop = by_drop / vt
        rows = slice(oj, oj + nc)
        self.r[rows] = self.at_crack - by_drop * (answer.of_residual[:nc] @ residual)
        through, block = answer.resistance[:nc, :nc], self.matrix[rows]
        np.multiply(through, by_drop[:, None], out=block[:, rows])
        block[:, rows] *= plating * (self.worn[:nc] - 1.0) * CURRENT
        diagonal = np.arange(nc)
        block[diagonal, oj + diagonal] += by_current * (CURRENT / vt)
        # Currents follow fill fractions, kinetics the pressure.
        some = int(np.searchsorted(self.varying, nc))
        varying = self.varying[:some]
        change = self.plating_by[:some] * (self.area * self.current)[varying, None]
        self.current_by_fill = varying, change
        if some:
            block[:, :oj] -= by_drop[:, None] * (through[:, varying] @ change)
        per = by_drop / pressure_per_volt(self.problem.model.anode.molar_volume)
        k = np.flatnonzero(self.full[b:nc])
        block[k + b, k] -= per[k + b] * PRESSURE
        if ends_here:
            row = self.i + 1
            if self.i >= b:
                block[row, self.i - b] -= per[row] * self.front.mean * PRESSURE
            block[row, self.nz] -= per[row] * self.p[self.i] * self.slope.mean
        size = np.append(np.full(charge.count, vt), [self._total(), self._closure_scale(closure)])
        return float(np.abs(residual / size).max())

    def _total(self) -> float:
        weights = self.problem.charge.weights
        return CURRENT * float(weights[weights > 0.0].sum())

    def _closure_scale(self, closure: Closure) -> float:
        vt = thermal_voltage(self.problem.model.anode.temperature)
        return abs(closure.by_current) * self._total() + abs(closure.by_voltage) * vt

    def _growth(self) -> None:
        """K, and the equation that it is the toughness."""
        weights, i = self.weights, self.i
        if self.n == self.problem.elasticity.size:  # parted: no front, no K
            self.intensity = 0.0
            return
        by = weights.left[: self.m].copy()
        by[1:] += weights.right[: self.m - 1]
        by_psi = 0.0
        if self.has_front:
            by[i] += self.front.intensity - weights.left[i]
            by_psi = self.slope.intensity * self.p[i]
        elif self.m == self.n and self.full[-1]:
            by[-1] += weights.right[-1]
        self.intensity = float(by @ self.p) + self.load_intensity
        if self.free:
            toughness = self.request.toughness
            assert toughness is not None
            self.r[-1] = self.intensity / toughness - 1.0
            self.matrix[-1, : self.nz] = np.where(self.full[self.b :], by[self.b :] * PRESSURE / toughness, 0.0)
            self.matrix[-1, self.nz] = by_psi / toughness

    def _violation(self) -> float:
        """Return how far sets of full and dry nodes are from what their fields say."""
        full, dry = self.full, ~self.full
        found = max(-float(self.pressure[full].min(initial=0.0)) / PRESSURE, 0.0)
        over = float(np.maximum(self.h - self.w, -self.h)[dry].max(initial=0.0))
        return max(found, over / self.opening)

    def solution(self, iterations: int) -> StepSolution:
        """Return the unknowns as they are as the end of the step."""
        size, m, n = self.problem.elasticity.size, self.m, self.n

        def whole[A: np.generic](values: NDArray[A]) -> NDArray[A]:
            found = np.zeros(size, dtype=values.dtype)
            found[:m] = values
            return found

        aperture = np.zeros(size)
        e = self.problem.elasticity
        aperture[:n] = self.problem.flaw_aperture[:n] + self.whole @ self.load[:n] + self.whole[:, :m] @ self.force
        if aperture[m:n].min(initial=0.0) < 0.0:  # faces touch beyond the nodes that were looked at
            raise NeedsMoreNodes
        i = self.i
        if self.has_front:
            reach = self.weights.tip - self.front.position
        else:
            reach = 0.0 if i < 0 else self.weights.tip if i == n - 1 else float(e.y[i + 1])
        crack = CrackState(
            front=n,
            pressure=whole(self.p),
            thickness=whole(np.maximum(self.h, 0.0)),
            aperture=aperture,
            full=whole(self.full),
            current=whole(np.where(self.h > 0.0, self.current, 0.0)),
            force=whole(self.force),
            lithium_front=min(float(reach), float(e.y[-1])),
            intensity=self.intensity,
        )
        return StepSolution(crack, self.electrodes, self.dt, iterations, self.inflow, self.nodal)
