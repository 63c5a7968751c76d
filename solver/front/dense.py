"""Small dense systems: Newton's method on one rank, and linear systems whose unknowns differ in size."""

import math
from collections.abc import Callable, Mapping
from typing import Protocol, override

import numpy as np
import scipy.linalg
from lifrac.solver.numerics.newton import NewtonProblem
from lifrac.solver.numerics.newton_log import Norms
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class DenseSystem(Protocol):
    """Equations whose residual is scaled to one."""

    def parts(self, x: Floats) -> Mapping[str, Floats]:
        """Return the residual by field, in the order of the rows of the derivative."""

    def jacobian(self, x: Floats) -> Floats:
        """Return the derivative."""


class DenseProblem(NewtonProblem[Floats]):
    """A dense system as Newton's method sees it.

    Parameters
    ----------
    system : DenseSystem
    start : ndarray (n,)
    shorten : callable
        Part of an increment that the residual can be asked about, from the unknowns and the increment.

    Attributes
    ----------
    unknowns : ndarray (n,)
    """

    def __init__(self, system: DenseSystem, start: Floats, shorten: Callable[[Floats, Floats], float]) -> None:
        self.system, self.unknowns, self.shorten = system, start, shorten
        self._right = np.empty(0)
        self._matrix: ScaledMatrix | None = None

    @override
    def residual(self) -> Norms:
        parts = self.system.parts(self.unknowns)
        self._right = np.concatenate(list(parts.values()))
        return Norms({field: float(np.abs(part).max()) for field, part in parts.items()})

    @override
    def linearise(self) -> int:
        self._matrix = ScaledMatrix(self.system.jacobian(self.unknowns))
        return 0

    @override
    def increment(self) -> Floats:
        assert self._matrix is not None
        return -self._matrix.solve(self._right)

    @override
    def limit(self, increment: Floats) -> float:
        return self.shorten(self.unknowns, increment) if np.isfinite(increment).all() else math.nan

    @override
    def move(self, increment: Floats, factor: float, taken: float) -> None:
        self.unknowns = self.unknowns + (factor - taken) * increment


class ScaledMatrix:
    """The factors of a dense matrix (n, n) whose unknowns and equations differ in size."""

    def __init__(self, matrix: Floats) -> None:
        self._columns = np.abs(matrix).max(axis=0)
        scaled = matrix / self._columns
        self._rows = np.abs(scaled).max(axis=1)
        self._factors = scipy.linalg.lu_factor(scaled / self._rows[:, None], check_finite=False)

    def solve(self, right: Floats) -> Floats:
        """Return x of A x = right."""
        return np.asarray(scipy.linalg.lu_solve(self._factors, right / self._rows, check_finite=False) / self._columns)

    def solve_transposed(self, right: Floats) -> Floats:
        """Return x of A^T x = right."""
        found = scipy.linalg.lu_solve(self._factors, right / self._columns, trans=1, check_finite=False)
        return np.asarray(found / self._rows)
