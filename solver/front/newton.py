"""Newton's method for a small dense system, with steps that a system may shorten."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import scipy.linalg
from lifrac.solver.numerics.newton_log import NewtonLog, Norms
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class DenseSystem(Protocol):
    """Equations whose residual is scaled to one."""

    def parts(self, x: Floats) -> Mapping[str, Floats]:
        """Return the residual by field, in the order of the rows of the derivative."""

    def jacobian(self, x: Floats) -> Floats:
        """Return the derivative."""


def solve_dense(
    system: DenseSystem,
    start: Floats,
    shorten: Callable[[Floats, Floats], float],
    *,
    tolerance: float,
    iterations: int,
    name: str,
) -> tuple[Floats, int]:
    """Return the solution and the number of iterations.

    Parameters
    ----------
    system : DenseSystem
    start : ndarray (n,)
    shorten : callable
        Factor in (0, 1] on an increment, from the unknowns and the increment.
    tolerance : float
        Largest scaled residual.
    iterations : int
        Most iterations.
    name : str
        What is solved, for people.

    Raises
    ------
    NumericalFailure
        If there is no solution within the iterations.
    """
    log, x = NewtonLog(name), start
    for iteration in range(iterations + 1):
        parts = system.parts(x)
        norms = Norms({field: float(np.abs(part).max()) for field, part in parts.items()})
        log.see(norms)
        if norms.largest <= tolerance:
            return x, iteration
        if not np.isfinite(list(norms.by_field.values())).all():
            raise log.failure("the residual is no number")
        residual = np.concatenate(list(parts.values()))
        increment = -scaled_solve(system.jacobian(x), residual)
        x = x + shorten(x, increment) * increment
    raise log.failure(f"no solution within {iterations} iterations")


def scaled_solve(matrix: Floats, right: Floats, *, transposed: bool = False) -> Floats:
    """Solve a dense system whose unknowns differ in size; `transposed`: that of the transposed matrix."""
    columns = np.abs(matrix).max(axis=0)
    rows = np.abs(matrix / columns).max(axis=1)
    scaled = scipy.linalg.lu_factor(matrix / columns / rows[:, None], check_finite=False)
    if transposed:
        return np.asarray(scipy.linalg.lu_solve(scaled, right / columns, trans=1) / rows)
    return np.asarray(scipy.linalg.lu_solve(scaled, right / rows) / columns)
