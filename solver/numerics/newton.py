"""Newton's method, the one of this code, for whatever can evaluate a residual, linearise it and solve for an increment.

The method knows norms and factors only; unknowns, increments and matrices belong to the problem, which may be
distributed (then all its methods are collective) or dense on one rank. How matrices are used again, how steps are
shortened, and when a solution has converged are objects of their own.

Active sets of complementarity conditions a >= 0, b >= 0, a b = 0 enter in one of two ways (semismooth Newton:
Hintermueller, Ito & Kunisch, SIAM J. Optim. 13 (2002) 865):

* The residual is that of min(a, b), a function of the unknowns alone, and `linearise` chooses its branch, node by
  node (`plane/surface_newton.py`).
* The sets have a memory (a hysteresis, a node that may not change a fifth time) and are chosen as the residual is
  evaluated (`phase_field/lithium/cell_newton.py`). A residual with other sets is that of another system: it is not
  compared with earlier ones, a new matrix is made for it, and it is no solution yet.

Both tell how many entries have changed. A problem that keeps its sets from going to and fro counts the changes of each
entry in one solution, as `FullNodes` does; where they still change in the last iteration, the failure says so.

A front that moves as far as K = K_Ic lets it, in a time that is found with it, is a problem like any other. The time
increment is one more unknown with the row K - K_Ic = 0: `increment` carries its change, `residual` gives the row as a
field of the norms, and `limit` keeps it positive. `linearise` factorises the dense matrix; with `MatrixReuse` it serves
for several iterations. Nodes that are full or dry are sets of either kind, and those that may not refill for a while
are sets of the second. An increment that comes out of range (a time that no step may take) ends the solution from
within the problem, by an exception of its own.
"""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lifrac.errors import NumericalFailure

from .newton_log import NewtonLog, Norms, Reason


class NewtonProblem[Increment](ABC):
    """A nonlinear system with its unknowns, as Newton's method sees it.

    An increment is whatever the problem takes for one: the method only hands it back. Failures have to be the same on
    all ranks that share the problem.
    """

    @abstractmethod
    def residual(self) -> Norms:
        """Evaluate the residual at the present unknowns; return its scaled norms, the same on all ranks.

        Active sets with a memory are chosen here.
        """

    @abstractmethod
    def linearise(self) -> int:
        """Make the matrix at the residual that was evaluated last, ready to be solved with.

        Active sets without a memory are chosen here; returns how many of their entries have changed.
        """

    @abstractmethod
    def increment(self) -> Increment:
        """Solve for Newton's increment of the residual that was evaluated last, with the matrix that there is."""

    def limit(self, increment: Increment) -> float:
        """Return the part of an increment, at most 1, that the residual can be asked about; NaN if it is not finite."""
        return 1.0

    @abstractmethod
    def move(self, increment: Increment, factor: float, taken: float) -> None:
        """Move the unknowns from where they are, at `taken` times the increment, to `factor` times it.

        Both count from where the increment was solved for.
        """


@dataclass(frozen=True)
class Convergence:
    """When a solution has converged, and when it is given up.

    Parameters
    ----------
    tolerance : float
        Scaled residual [-].
    max_iterations : int
    stagnation : float
        A residual below this that no longer falls by half is as small as rounding lets it be.
    min_iterations : int
        Iterations that are done in any case.
    has_to_fall : bool
        Whether a residual that does not fall ends the solution: another start is then better than shorter steps.
    """

    tolerance: float
    max_iterations: int
    stagnation: float = 0.0
    min_iterations: int = 0
    has_to_fall: bool = False

    def reached(self, norms: Sequence[Norms]) -> Reason | None:
        """Return why the last of some residuals is that of a solution, or None."""
        last = norms[-1]
        if last.switched or len(norms) <= self.min_iterations:
            return None
        if last.largest < self.tolerance or last.largest <= last.enough:
            return Reason.CONVERGED
        stagnates = len(norms) > 2 and last.largest < self.stagnation and last.largest > 0.5 * norms[-2].largest
        return Reason.STAGNATED if stagnates else None

    def given_up(self, course: NewtonLog) -> Reason | None:
        """Return why there is no sense in another iteration, or None."""
        largest = course.norms[-1].largest
        if not math.isfinite(largest):
            return Reason.RESIDUAL_NOT_FINITE
        if self.has_to_fall and course.iterations > 0 and not largest < course.norms[-2].largest:
            return Reason.NO_DESCENT
        if course.iterations >= self.max_iterations:
            return Reason.SETS_UNSETTLED if course.switched else Reason.NO_CONVERGENCE
        return None


@dataclass(frozen=True)
class MatrixReuse:
    """A matrix serves again while an iteration with it brings the residual below a part of the last (chord method).

    Parameters
    ----------
    reduction : float
        That part [-]; 0: each iteration has a matrix of its own.
    """

    reduction: float = 0.0

    def makes_new(self, norms: Sequence[Norms]) -> bool:
        """Whether the next increment needs another matrix; `norms`: those of the start and of the iterations so far."""
        if len(norms) < 2 or norms[-1].switched or self.reduction == 0.0:
            return True
        return norms[-1].largest > self.reduction * norms[-2].largest


class Trial(Protocol):
    """An increment of which any part can be tried."""

    @property
    def longest(self) -> float:
        """The part to start with."""

    def at(self, factor: float) -> Norms:
        """Go to a part of the increment; return the scaled norms there."""

    def has_converged(self, norms: Norms) -> bool:
        """Whether norms that the log has not seen are those of a solution."""


class Damping(Protocol):
    """How much of an increment is taken."""

    def take(self, trial: Trial, course: NewtonLog) -> None:
        """Go to a part of an increment, and let the log see the residual there."""


@dataclass(frozen=True)
class LineSearch:
    """Half of an increment, a quarter of it and so on while the residual is larger than it may be.

    It may be the largest of the last ones (Grippo, Lampariello & Lucidi, SIAM J. Numer. Anal. 23 (1986) 707).

    Parameters
    ----------
    trials : int
        Residuals that are evaluated for one increment, at most.
    memory : int
        Residuals whose largest the next one stays below.
    largest : float
        Residual that is never allowed [-].
    settling : int
        Residuals after which the memory counts; before, anything up to `largest` is allowed: active sets settle.
    takes_best : bool
        Whether the best of parts that are all refused is taken; else the last, the shortest one, is.
    counts_trials : bool
        Whether each part counts as an iteration, and the next one is compared with it.
    """

    trials: int
    memory: int = 1
    largest: float = math.inf
    settling: int = 0
    takes_best: bool = False
    counts_trials: bool = False

    def allowed(self, norms: Sequence[Norms]) -> float:
        """Return what the next residual has to stay below."""
        if len(norms) <= self.settling:
            return self.largest
        return min(self.largest, max(seen.largest for seen in norms[-self.memory :]))

    def take(self, trial: Trial, course: NewtonLog) -> None:
        """Go to the first part that is allowed, or to the best or last one."""
        factor = trial.longest
        found: list[tuple[float, float, Norms]] = []
        for k in range(self.trials):
            factor = trial.longest * 0.5**k
            allowed = self.allowed(course.norms)
            norms = trial.at(factor)
            if self.counts_trials:
                course.see(norms, factor)
            found.append((norms.largest, factor, norms))
            if norms.switched or norms.largest < allowed or trial.has_converged(norms):
                break
        if self.counts_trials:
            return
        best = min(found, key=lambda entry: entry[0]) if self.takes_best else found[-1]
        # What a problem keeps of a residual, for its matrix, is that of the last part it was asked about.
        norms = best[2] if best[1] == factor else trial.at(best[1])
        course.see(norms, best[1])


FULL_STEPS = LineSearch(trials=1)


@dataclass
class _Part[Increment]:
    """An increment of a problem, and the part of it that the unknowns have taken."""

    problem: NewtonProblem[Increment]
    increment: Increment
    longest: float
    course: NewtonLog
    convergence: Convergence
    taken: float = field(default=0.0, init=False)

    def at(self, factor: float) -> Norms:
        self.problem.move(self.increment, factor, self.taken)
        self.taken = factor
        return self.problem.residual()

    def has_converged(self, norms: Norms) -> bool:
        seen = self.course.norms
        return self.convergence.reached(seen if seen[-1] is norms else [*seen, norms]) is not None


@dataclass(frozen=True)
class NewtonSolution:
    """The course of a solution that has converged."""

    reason: Reason
    norms: tuple[Norms, ...]
    """Scaled residuals of the start and after each iteration."""

    @property
    def iterations(self) -> int:
        """Number of iterations."""
        return len(self.norms) - 1


@dataclass(frozen=True)
class Newton:
    """Newton's method with its rules; one object serves any number of solutions.

    Parameters
    ----------
    name : str
        What is solved, for people who read the log.
    convergence : Convergence
    damping : Damping
    matrix : MatrixReuse
    level : int
        Level of the log at which residuals are shown.
    """

    name: str
    convergence: Convergence
    damping: Damping = FULL_STEPS
    matrix: MatrixReuse = MatrixReuse()
    level: int = logging.DEBUG

    def solve[Increment](self, problem: NewtonProblem[Increment]) -> NewtonSolution:
        """Solve a problem from its unknowns as they are (collective where the problem is).

        Raises
        ------
        NewtonFailure
            With its reason, on every rank of the problem alike. The unknowns are then anywhere.
        """
        course = NewtonLog(self.name, self.level)
        course.see(problem.residual())
        while (reason := self.convergence.reached(course.norms)) is None:
            if (failed := self.convergence.given_up(course)) is not None:
                raise course.failure(failed)
            increment = self._increment(problem, course)
            longest = problem.limit(increment)
            if not math.isfinite(longest):
                raise course.failure(Reason.INCREMENT_NOT_FINITE)
            self.damping.take(_Part(problem, increment, longest, course, self.convergence), course)
        course.end(reason)
        return NewtonSolution(reason, tuple(course.norms))

    def _increment[Increment](self, problem: NewtonProblem[Increment], course: NewtonLog) -> Increment:
        """Return the next increment, with a new matrix or the one that there is."""
        course.begin_iteration(self.matrix.makes_new(course.norms))
        try:
            if course.has_new_matrix:
                course.switched += problem.linearise()
            return problem.increment()
        except NumericalFailure as error:
            raise course.failure(Reason.LINEAR_SYSTEM, str(error)) from error
