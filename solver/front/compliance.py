"""Compliance of a plane crack, for every position of its tip, from one factorisation of the condensed stiffness.

Nodes are numbered along the crack from the mouth. With the nodes 0 to n-1 open the opening is w = S_n^-1 F, where S_n
is the leading block of the stiffness S, F the forces at the nodes. One Cholesky factor serves all n,

    S = L L^T,   X = L^-1,   S_n^-1 = X_n^T X_n,   X_n the leading block of X,

so that a node that opens adds the rank-one matrix x x^T, x the row of X that belongs to it, and the elastic energy
(x F)^2/2 is released (docs/theory/front.md). Between two nodes the tip takes a share of that row.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import scipy.linalg
from lifrac.errors import NumericalFailure
from lifrac.solver.plane.body import PlaneBody
from numpy.typing import NDArray

from .tip import TIP_OFFSET

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OpenCrack:
    """A crack with its tip at a given place.

    Attributes
    ----------
    length : float
        Distance of the tip from the mouth [um].
    compliance : ndarray (n, n)
        Opening of the first n nodes per nodal force, times E' [-]. The last of them is at the tip or beyond: it opens
        by the share of it that the tip has passed.
    """

    length: float
    compliance: Floats

    @property
    def size(self) -> int:
        """Number of nodes that open."""
        return len(self.compliance)


class CrackCompliance:
    """A straight crack in an elastic body: its nodes, and its compliance up to any tip (E' = 1).

    Parameters
    ----------
    y : ndarray (N,)
        Distance of the nodes of the crack's path from the mouth, ascending, the first one 0 [um].
    stiffness : ndarray (N, N)
        Nodal forces per opening (both faces), over E' [-].
    nodes : int, optional
        How many nodes may open; default: all but the last one, without which a body with free sides falls apart.

    Raises
    ------
    NumericalFailure
        If the stiffness is not positive definite.
    """

    def __init__(self, y: Floats, stiffness: Floats, nodes: int | None = None) -> None:
        self.y = y
        self.size = min(nodes or len(y) - 1, len(y) - 1)
        self.cells = np.diff(y)
        self.area = 0.5 * (np.append(self.cells, 0.0) + np.insert(self.cells, 0, 0.0))
        factor, failed = scipy.linalg.lapack.dpotrf(stiffness[: self.size, : self.size], lower=1)
        if failed:
            raise NumericalFailure("the stiffness of the crack is not positive definite: the body is not held")
        self.inverse_factor: Floats = scipy.linalg.lapack.dtrtri(factor, lower=1)[0]

    @classmethod
    def of_body(cls, body: PlaneBody, length: float = np.inf) -> Self:
        """Take the crack of a condensed body in 2D, with nodes up to a length [um] that may open."""
        order = crack_order(body)
        y = body.surface.x[body.surface.crack[order], 1]
        # The response is that of u_x = w/2 in the half model for E = 1.
        stiffness = 0.5 * (1.0 - body.bulk.nu**2) * body.response.stiffness[np.ix_(order, order)]
        return cls(y, stiffness, int(np.searchsorted(y, length)) or None)

    @cached_property
    def tips(self) -> Floats:
        """Where the crack ends that has 0, 1, ... nodes open (size + 1,) [um]."""
        n = self.size
        return np.append(self.y[0], self.y[1 : n + 1] - TIP_OFFSET * self.cells[:n])

    def at(self, length: float) -> OpenCrack:
        """Return the crack with its tip at `length` [um].

        Raises
        ------
        ValueError
            If the nodes that may open do not reach that far.
        """
        last = self.row_before(length)
        share = (length - self.tips[last]) / (self.tips[last + 1] - self.tips[last])
        block = self.inverse_factor[: last + 1, : last + 1].copy()
        block[last] *= np.sqrt(share)
        return OpenCrack(length, block.T @ block)

    def row_before(self, length: float) -> int:
        """Return the number n of the node that opens where the tip passes `length`: tips[n] <= length < tips[n+1]."""
        if not self.tips[1] <= length < self.tips[-1]:
            raise ValueError(f"the tip must lie between {self.tips[1]:g} and {self.tips[-1]:g} um, not at {length:g}")
        return int(np.searchsorted(self.tips, length, side="right")) - 1


def crack_order(body: PlaneBody) -> NDArray[np.intp]:
    """Return the positions of the crack's dofs along the crack: `surface.crack[order]` runs from the mouth."""
    return np.argsort(body.surface.x[body.surface.crack, 1])
