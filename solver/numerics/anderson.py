"""Anderson acceleration of a fixed-point iteration x <- x + r(x) over distributed vectors."""

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RANK_TOLERANCE = 1.0e-12
"""Singular values of the residual differences below this part of the largest are left out."""


class Anderson:
    """Proposes the next iterate from the last few, by least squares of their residuals.

    Walker & Ni, SIAM J. Numer. Anal. 49 (2011) 1715. Whether a proposal is any good is for the caller to judge.

    Parameters
    ----------
    comm : MPI.Comm
        Ranks that share the vectors, each with its own part.
    depth : int
        Number of earlier iterates used.
    damping : float
        beta in (0, 1]: part of the residual that is taken along with the combination.
    """

    def __init__(self, comm: MPI.Comm, depth: int, damping: float) -> None:
        self.comm, self.depth, self.damping = comm, depth, damping
        self._kept: list[tuple[Floats, Floats]] = []

    def restart(self) -> None:
        """Forget all iterates."""
        self._kept = []

    def propose(self, x: Floats, residual: Floats) -> Floats:
        """Next iterate from x and r(x) (collective: sums over the ranks)."""
        self._kept = [*self._kept[-self.depth :], (x.copy(), residual.copy())]
        plain = x + self.damping * residual
        if len(self._kept) == 1:
            return plain
        xs, rs = (np.stack([entry[k] for entry in self._kept], axis=1) for k in (0, 1))
        dx, dr = np.diff(xs, axis=1), np.diff(rs, axis=1)
        products = self.comm.allreduce(dr.T @ np.column_stack([dr, residual]), op=MPI.SUM)
        weights = np.linalg.lstsq(products[:, :-1], products[:, -1], rcond=RANK_TOLERANCE)[0]
        return np.asarray(plain - (dx + self.damping * dr) @ weights)
