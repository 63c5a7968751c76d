"""The course of a solution by Newton's method: scaled norms by field, iteration by iteration, and why it ended."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from lifrac.errors import NumericalFailure

LOG = logging.getLogger("lifrac.solver")
DETAIL = 5
"""Level of the log, below `debug`, of solutions that are a part of another residual."""


class Reason(Enum):
    """The reason for which Newton's method ended; its value is what the log and failures say."""

    CONVERGED = "converged"
    STAGNATED = "stagnated at rounding"
    """The residual is small and falls no further: as converged as rounding lets it be."""
    NO_CONVERGENCE = "no convergence"
    SETS_UNSETTLED = "no convergence, active sets still change"
    """The sets changed in the last iteration that was allowed: they go to and fro."""
    NO_DESCENT = "the residual does not fall"
    RESIDUAL_NOT_FINITE = "the residual is not finite"
    INCREMENT_NOT_FINITE = "the increment is not finite"
    LINEAR_SYSTEM = "the linear system could not be solved"

    @property
    def is_solved(self) -> bool:
        """Whether the unknowns are a solution."""
        return self in (Reason.CONVERGED, Reason.STAGNATED)


@dataclass(frozen=True)
class Norms:
    """Scaled residuals by the field whose equation they are of; 1 is of the size of the terms."""

    by_field: Mapping[str, float]
    switched: int = 0
    """Entries of the active sets that changed as this residual was evaluated, on all ranks: it is then that of another
    system, not to be compared with earlier ones."""
    enough: float = 0.0
    """Residual that is small enough here, where that depends on the state; else the method's tolerance decides."""

    @property
    def largest(self) -> float:
        """The residual that decides; infinite if one is no number."""
        largest = max(self.by_field.values())
        return math.inf if any(math.isnan(value) for value in self.by_field.values()) else largest

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.1e}" for name, value in self.by_field.items())


class NewtonFailure(NumericalFailure):
    """Newton's method ended without a solution.

    Attributes
    ----------
    reason : Reason
    """

    def __init__(self, message: str, reason: Reason = Reason.NO_CONVERGENCE) -> None:
        super().__init__(message)
        self.reason = reason


class NewtonLog:
    """The course of one solution, shown line by line in the log.

    Parameters
    ----------
    name : str
        What is solved, for people.
    level : int
        Level of the log.
    """

    def __init__(self, name: str, level: int = logging.DEBUG) -> None:
        self.name, self.level = name, level
        self.norms: list[Norms] = []
        """Norms of the start, and after each iteration."""
        self.switched = 0
        """Entries of the active sets that changed in the last iteration."""
        self.has_new_matrix = True
        """Whether the last iteration had a matrix of its own."""

    def begin_iteration(self, has_new_matrix: bool) -> None:
        """Take note of the matrix with which the next increment is found."""
        self.switched, self.has_new_matrix = 0, has_new_matrix

    @property
    def iterations(self) -> int:
        """Iterations so far."""
        return len(self.norms) - 1

    def see(self, norms: Norms, step: float = 1.0) -> None:
        """Take note of the residuals after an iteration, in which the unknowns took a part of the increment."""
        self.norms.append(norms)
        self.switched += norms.switched
        remarks = [] if self.has_new_matrix else ["same matrix"]
        if step != 1.0:
            remarks.append(f"step {step:.2g}")
        if self.switched:
            remarks.append(f"active sets: {self.switched} changed")
        remark = f" ({'; '.join(remarks)})" if remarks else ""
        LOG.log(self.level, "%s, iteration %d: %s%s", self.name, self.iterations, norms, remark)

    def end(self, reason: Reason, detail: str = "") -> str:
        """Show why the solution ends; returns what is shown."""
        plural = "" if self.iterations == 1 else "s"
        told = f"{reason.value} after {self.iterations} iteration{plural}{f' ({detail})' if detail else ''}"
        LOG.log(self.level, "%s: %s", self.name, told)
        return told

    def failure(self, reason: Reason, detail: str = "") -> NewtonFailure:
        """Return the failure of a solution that has ended for a reason."""
        message = f"Newton's method ({self.name}): {self.end(reason, detail)}; scaled residuals: {self.norms[-1]}"
        return NewtonFailure(message, reason)
