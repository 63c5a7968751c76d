"""The log of Newton's methods: scaled norms by field, iteration by iteration, and why they stopped."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from lifrac.errors import NumericalFailure

LOG = logging.getLogger("lifrac.solver")


@dataclass(frozen=True)
class Norms:
    """Scaled residuals by the field whose equation they are of; 1 is of the size of the terms."""

    by_field: Mapping[str, float]

    @property
    def largest(self) -> float:
        """The residual that decides."""
        return max(self.by_field.values())

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.1e}" for name, value in self.by_field.items())


class NewtonLog:
    """The course of one solution.

    Parameters
    ----------
    name : str
        What is solved, for people.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.norms: list[Norms] = []

    def see(self, norms: Norms, remark: str = "") -> None:
        """Take note of the residuals before an iteration, and show them at the level `debug`."""
        self.norms.append(norms)
        LOG.debug("%s, iteration %d: %s%s", self.name, len(self.norms) - 1, norms, f" ({remark})" if remark else "")

    @property
    def largest(self) -> tuple[float, ...]:
        """The largest scaled residual before each iteration."""
        return tuple(norms.largest for norms in self.norms)

    def failure(self, reason: str) -> NumericalFailure:
        """Return the failure of a solution that has stopped for a reason."""
        last = f"; scaled residuals: {self.norms[-1]}" if self.norms else ""
        return NumericalFailure(f"Newton's method ({self.name}): {reason}{last}")
