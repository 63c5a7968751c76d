"""How the front moves: steps with the front at rest while K < K_Ic, and advances by a node at K = K_Ic.

An advance is a time step whose length is unknown: at its end the front stands one node further, with K = K_Ic again,
however long that takes. A front that went on at once and waited at the next node for lithium to bring K back would
cross each element at less than K_Ic: that is growth for less than the work of fracture (docs/theory/front.md). It does
so only where the protocol step ends on the way, or where no such step is found. Where K stays above K_Ic however short
the step, the crack runs ahead of its lithium, node by node, until it is arrested.
"""

from dataclasses import dataclass

import numpy as np
from lifrac.errors import NumericalFailure
from lifrac.solver.model.control import Closure, Control

from .state import FrontState
from .step import StepProblem
from .step_data import StepRequest, StepSolution, StepStart

AT_TOUGHNESS = 1.0e-6
"""K counts as K_Ic within this part of it."""
SLOWER = 1.6
"""An advance that takes longer than this times the time that the last one took is looked at for a crack that runs."""
PASSED, SHORT = 0.02, 0.02
"""K may pass K_Ic by this part of it where it jumps; a step is short below this part of the time of an advance."""
INSTANT = 1.0e-7
"""Time in which no lithium moves [s]."""
FILLING_PART, LEAST_OPENING = 0.1, 5.0e-3
"""Looking for the time of an advance begins no lower than with that in which plating fills this part of the opening of
the last node, or of an opening [um]."""


@dataclass(frozen=True)
class Move:
    """A solved time step, and what it has made of the front."""

    solution: StepSolution
    front: int
    pace: float
    advanced: float
    running: bool
    """All as in `FrontState`."""


@dataclass(frozen=True)
class Drive:
    """What drives the steps that are tried from one state."""

    control: Control
    stack_pressure: float
    """[MPa]."""
    toughness: float
    """K at growth [MPa sqrt(um)]."""


class March:
    """Proposes time steps of one cell.

    Parameters
    ----------
    problem : StepProblem
    anode_area : float
        [um].
    """

    def __init__(self, problem: StepProblem, anode_area: float) -> None:
        self.problem, self.anode_area = problem, anode_area
        self.d = np.append(problem.elasticity.d, problem.elasticity.d[-1])
        self.last = problem.elasticity.last
        """The front at which the crack has run through."""

    def through(self, state: FrontState) -> bool:
        """Whether nothing is left to be broken."""
        return state.crack.front >= self.last

    def propose(
        self, state: FrontState, dt: float, longest: float, control: Control, stack_pressure: float, toughness: float
    ) -> Move:
        """Return a step of `dt` [s] with the front at rest; where the front moves it decides, up to `longest` [s].

        Raises
        ------
        NumericalFailure
            If none is found.
        """
        drive = Drive(control, stack_pressure, toughness)
        at_toughness = state.crack.intensity >= toughness * (1.0 - AT_TOUGHNESS)
        if self.through(state) or not (at_toughness or state.running):
            return self._at_rest(state, dt, drive)
        return self._advance(state, dt, longest, drive)

    def _solve(
        self,
        state: FrontState,
        front: int,
        dt: float,
        drive: Drive,
        *,
        to_toughness: bool = False,
        filled: bool = False,
    ) -> StepSolution:
        """Return a step with the front at a node; to K_Ic its length `dt` [s] is only where to begin looking for it."""
        toughness = drive.toughness if to_toughness else None

        def closure(current: float, voltage: float) -> Closure:
            return drive.control.closure(current, voltage, self.anode_area)

        request = StepRequest(dt, toughness, closure, drive.stack_pressure, filled)
        return self.problem.solve(self.start(state, front), request)

    def start(self, state: FrontState, front: int) -> StepStart:
        """Return what a step with the front at a node starts from."""
        crack = state.crack
        fill = crack.fill()
        carrying = min(crack.connected(self.problem.film) + 1, front)
        touching = (np.arange(len(fill)) < crack.front) & (crack.aperture <= self.problem.film)
        return StepStart(crack.at_front(front), state.electrodes, crack.thickness, fill, carrying, touching)

    def _at_rest(self, state: FrontState, dt: float, drive: Drive) -> Move:
        n = state.crack.front
        found = self._solve(state, n, dt, drive)
        if self.through(state) or found.crack.intensity < drive.toughness:
            return Move(found, n, state.pace, state.advanced, False)
        found = self._to_toughness(state, dt, found, drive)
        pace, cell = state.pace, float(self.d[n - 2])
        if state.advanced >= 0.0:
            pace += (state.time + found.dt - state.advanced) / cell
        return Move(found, n, pace, -1.0, False)

    def _to_toughness(self, state: FrontState, dt: float, beyond: StepSolution, drive: Drive) -> StepSolution:
        """Return the step with the front at rest at whose end K = K_Ic; `beyond` is one of `dt` [s] that passes it.

        Where lithium fills the last node its pressure comes to act up to the tip, and K makes a jump, the smaller the
        finer the mesh. The jump counts as K = K_Ic where the step has become short, or is passed by little.
        """
        n, before, after = state.crack.front, state.crack.intensity, beyond.crack.intensity
        part = (drive.toughness - before) / (after - before)
        try:
            found = self._solve(state, n, max(part, 1.0e-3) * dt, drive, to_toughness=True)
        except NumericalFailure:
            if after <= (1.0 + PASSED) * drive.toughness or self.is_short(state, dt):
                return beyond
            raise
        if not 0.0 < found.dt <= dt * (1.0 + 1.0e-9):
            raise NumericalFailure("K comes to K_Ic outside the step")
        return found

    def _advance(self, state: FrontState, dt: float, longest: float, drive: Drive) -> Move:
        n, expected = state.crack.front, self._expected(state)
        if state.running:
            return self._creep_after(state, (INSTANT,), longest, drive)
        found = self._to_next(state, longest, drive, expected)
        if found is None:
            if (falls := self._falls(state, dt, drive)) is not None:
                return Move(falls, n, state.pace, state.advanced, False)
            return self._creep_after(state, (0.5 * expected, 0.05 * expected, INSTANT), longest, drive)
        if found.dt > longest:
            return self._creep_after(state, (longest, 0.05 * expected, INSTANT), longest, drive)
        return Move(found, n + 1, found.dt / float(self.d[n - 1]), -1.0, False)

    def _to_next(self, state: FrontState, longest: float, drive: Drive, expected: float) -> StepSolution | None:
        """Return the step at whose end the front stands at the next node with K = K_Ic; None if none is found.

        Where it takes much longer than the last one, K may have come down to K_Ic on the way: such a crack runs.
        """
        n = state.crack.front
        begin = min(longest, expected)
        guesses = [(begin, False), (0.2 * expected, False)]
        if state.crack.full[n - 1]:
            guesses = [(begin, True), *guesses, (10.0 * expected, True), (100.0 * expected, True)]
        for guess, filled in guesses:
            try:
                found = self._solve(state, n + 1, guess, drive, to_toughness=True, filled=filled)
            except NumericalFailure:
                continue
            if found.dt <= 1.0e-8 * expected or (found.dt > SLOWER * expected and self._runs(state, drive)):
                return None
            return found
        return None

    def _runs(self, state: FrontState, drive: Drive) -> bool:
        """Whether K is at K_Ic or above it at the next node before lithium has moved."""
        try:
            found = self._solve(state, state.crack.front + 1, INSTANT, drive)
        except NumericalFailure:
            return False
        return found.crack.intensity >= drive.toughness

    def _falls(self, state: FrontState, dt: float, drive: Drive) -> StepSolution | None:
        """Return a step with the front at rest, from K = K_Ic, if K falls in it."""
        try:
            found = self._solve(state, state.crack.front, dt, drive)
        except NumericalFailure:
            return None
        return found if found.crack.intensity < drive.toughness else None

    def is_short(self, state: FrontState, dt: float) -> bool:
        """Whether a step of `dt` [s] is so short that what happens in it counts as a jump."""
        return dt < SHORT * self._expected(state)

    def _expected(self, state: FrontState) -> float:
        """Time [s] that an advance takes: as the last one, and no less than plating needs."""
        crack, n = state.crack, state.crack.front
        current = float(np.abs(crack.current).max())
        floor = 1.0e-3 * self.problem.model.anode.exchange_current
        speed = 2.0 * self.problem.velocity * max(current, floor)
        least = FILLING_PART * max(float(crack.aperture[n - 1]), LEAST_OPENING) / speed
        return max(state.pace * float(self.d[n - 1]), least)

    def _creep_after(self, state: FrontState, tries: tuple[float, ...], longest: float, drive: Drive) -> Move:
        """Return a step at the next front after which K is below K_Ic, else an instant of a crack that runs.

        `tries`: lengths of the step [s], of which the first is taken that leaves K below K_Ic.
        """
        n, cell = state.crack.front, float(self.d[state.crack.front - 1])
        found, failure = None, NumericalFailure("no step at the next front")
        for each in tries:
            try:
                found = self._solve(state, n + 1, min(each, longest), drive)
            except NumericalFailure as error:
                found, failure = None, error
                continue
            if found.crack.intensity < drive.toughness:
                break
        if found is None:
            raise failure
        if found.crack.intensity >= drive.toughness:
            return Move(found, n + 1, state.pace, -1.0, True)
        return Move(found, n + 1, found.dt / cell, state.time + found.dt, False)
