"""A fixed-point iteration x <- x + r(x) that may have to travel: Anderson's mixing near a solution, leaps on the way.

A crack that turns or jumps approaches what it becomes slowly, in one direction from sweep to sweep, while the pressure
of its metal swings about it. Anderson's mixing may hover there. Half steps take the swings out; what is left then has
one direction and shrinks or grows at one rate, by which it is extrapolated (Aitken).
"""

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .anderson import Anderson

Floats = NDArray[np.float64]
ANDERSON_DEPTH, ANDERSON_DAMPING = 8, 0.7
ANDERSON_RESTART = 20
"""Proposals after which Anderson's mixing starts anew."""
MAX_STALLED = 8
"""Proposals without progress after which it is given up."""
PROGRESS_RATIO = 0.7
"""Part of the smallest residual so far that counts as progress."""
LARGEST_STEP, SMALLEST_STEP, STEP_REDUCTION, STEP_GROWTH = 0.5, 0.05, 0.6, 1.1
"""Step on the way, in residuals: a swing that doubles back becomes none. Shorter, down to the least, while the residual
turns round from one to the next."""
STEADY_COSINE = 0.98
"""Cosine between successive residuals, means of two, from which on they have one direction."""
LARGEST_LEAP, LARGEST_CHANGE = 50.0, 0.1
"""Leap in residuals, and the most that it may change an entry of x (a step that changes more is taken as it is)."""


class FixedPoint:
    """Proposes iterates (collective: sums over the ranks that share the vectors)."""

    def __init__(self, comm: MPI.Comm) -> None:
        self.comm = comm
        self._anderson = Anderson(comm, ANDERSON_DEPTH, ANDERSON_DAMPING)
        self.begin()

    def begin(self) -> None:
        """Begin a new problem: forget past iterations."""
        self._anderson.restart()
        self._best, self._waited, self._proposed = np.inf, 0, 0
        self._part = LARGEST_STEP
        self._before: list[Floats] = []
        """The last residual, and the mean of it and the one before, since the last leap."""

    def propose(self, x: Floats, residual: Floats, change: float) -> Floats:
        """Next iterate from x and r(x), whose largest entry over all ranks is `change`."""
        if self._waited >= MAX_STALLED:
            return x + self._travel(residual, change)
        progress = change < PROGRESS_RATIO * self._best
        self._best, self._waited = (change, 0) if progress else (self._best, self._waited + 1)
        self._proposed += 1
        if self._proposed % ANDERSON_RESTART == 0:
            self._anderson.restart()
        return self._anderson.propose(x, residual)

    def _travel(self, residual: Floats, change: float) -> Floats:
        """Part of a residual, or a leap when nothing but one direction is left but for a swing."""
        before, self._before = self._before, [residual.copy()]
        if not before:
            return self._part * residual
        turned = self._products(before[0], residual)[0] < 0.0
        self._part = (
            max(STEP_REDUCTION * self._part, SMALLEST_STEP) if turned else min(STEP_GROWTH * self._part, LARGEST_STEP)
        )
        mean = 0.5 * (before[0] + residual)
        self._before.append(mean)
        if len(before) == 1:
            return self._part * residual
        ab, aa, bb = self._products(before[1], mean)
        if ab < STEADY_COSINE * np.sqrt(aa * bb):
            return self._part * residual
        self._before = []
        rate = ab / aa
        leap = self._part / (1.0 - rate) if rate < 1.0 - self._part / LARGEST_LEAP else LARGEST_LEAP
        return float(max(min(leap, LARGEST_CHANGE / change), self._part)) * mean

    def _products(self, a: Floats, b: Floats) -> Floats:
        """a.b, a.a, b.b over all ranks."""
        return np.asarray(self.comm.allreduce(np.array([a @ b, a @ a, b @ b]), op=MPI.SUM))
