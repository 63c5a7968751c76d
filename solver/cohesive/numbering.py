"""Which unknown and which equation of a Newton iteration is where, and the sparse patterns that follow from it.

Active sets rarely change from one iteration to the next, so a numbering keeps the patterns it has made.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .unknowns import COMPONENTS, COUNTER_CURRENT, CURRENT, LITHIUM_THICKNESS, OPENING, POTENTIAL, PRESSURE, Floats

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
GROUP = {OPENING: 0, CURRENT: 1, COUNTER_CURRENT: 1, LITHIUM_THICKNESS: 2, PRESSURE: 2}
"""Which block of unknowns a component belongs to: openings, currents, lithium."""
FOLLOWS = -2
"""Column mark of an h that moves with its opening."""


@dataclass(frozen=True)
class Pattern:
    """The origin and the place of the entries of a block."""

    matrix: sp.csr_matrix
    """Refilled by `sparse`; valid until it is filled again."""
    source: Ints
    """Positions in the flat (nz, 6, 6) derivative, in the order of `matrix.data`."""
    target: Ints
    """Positions in the flat dense block, in the same order."""

    def sparse(self, blocks: Floats) -> sp.csr_matrix:
        """Return the block as a sparse matrix, which is filled anew by the next call."""
        self.matrix.data = blocks.ravel()[self.source]
        return self.matrix

    def dense(self, blocks: Floats) -> Floats:
        """Return the block as an array."""
        out = np.zeros(self.matrix.shape)
        out.ravel()[self.target] = blocks.ravel()[self.source]
        return out


class Numbering:
    """Positions of unknowns and equations for given active sets.

    Parameters
    ----------
    column, row : ndarray (n, 6)
        Position of an unknown (an equation) within its group, -1 where it is known (not solved).
    sizes : (int, int, int)
        Unknowns of the groups.
    passive : ndarray (n,)
        Dry nodes whose h is found afterwards.
    rows, cols : ndarray (nz,)
        Node rows and node columns of the derivative.
    """

    def __init__(
        self, column: Ints, row: Ints, sizes: tuple[int, int, int], passive: Mask, rows: Ints, cols: Ints
    ) -> None:
        self.column, self.row, self.sizes, self.passive = column, row, sizes, passive
        self.rows, self.cols = rows, cols
        self.diagonal = np.flatnonzero(rows == cols)
        self._patterns: dict[tuple[object, ...], Pattern] = {}
        self._feeds: dict[tuple[int, ...], tuple[Ints, Ints, Ints]] = {}

    def same(self, other: "Numbering | None") -> bool:
        """Whether another numbering is the same, so that its patterns serve as well."""
        return (
            other is not None
            and self.sizes == other.sizes
            and np.array_equal(self.column, other.column)
            and np.array_equal(self.row, other.row)
            and np.array_equal(self.passive, other.passive)
        )

    def pattern(self, equations: tuple[int, ...], unknowns: tuple[int, ...]) -> Pattern:
        """Rows and columns of one group each."""
        key = (equations, unknowns)
        if key not in self._patterns:
            entries = ((i, j, self.column[self.cols, j]) for i in equations for j in unknowns)
            self._patterns[key] = self._make(equations, GROUP[unknowns[0]], entries)
        return self._patterns[key]

    def following(self, equations: tuple[int, ...]) -> Pattern:
        """Columns of h that follow the opening (h = w), as columns of the opening."""
        key = (equations, "follows")
        if key not in self._patterns:
            tied = self.column[self.cols, LITHIUM_THICKNESS] == FOLLOWS
            column = np.where(tied, self.column[self.cols, OPENING], -1)
            self._patterns[key] = self._make(equations, 0, ((i, LITHIUM_THICKNESS, column) for i in equations))
        return self._patterns[key]

    def _make(self, equations: tuple[int, ...], group: int, entries: Iterable[tuple[int, int, Ints]]) -> Pattern:
        """Return a pattern from (equation, component, column of every block): no entry occurs twice."""
        rows, cols, source = [], [], []
        for i, j, c in entries:
            r = self.row[self.rows, i]
            keep = np.flatnonzero((r >= 0) & (c >= 0))
            rows.append(r[keep])
            cols.append(c[keep])
            source.append((keep * COMPONENTS + i) * COMPONENTS + j)
        at, to, from_ = np.concatenate(rows), np.concatenate(cols), np.concatenate(source)
        shape = (self.sizes[GROUP[equations[0]]], self.sizes[group])
        order = np.lexsort((to, at))
        at, to = at[order], to[order]
        start = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=shape[0]))])
        return Pattern(sp.csr_matrix((np.zeros(len(at)), to, start), shape=shape), from_[order], at * shape[1] + to)

    def feeding(self, components: tuple[int, ...]) -> tuple[Ints, Ints, Ints]:
        """Positions, nodes and places in the flat derivative of a group's unknowns in their node's current balance."""
        if components not in self._feeds:
            nodes = self.rows[self.diagonal]
            position, node, source = [], [], []
            for j in components:
                c = self.column[nodes, j]
                if j == LITHIUM_THICKNESS and components[0] == OPENING:
                    c = np.where(c == FOLLOWS, self.column[nodes, OPENING], -1)
                keep = c >= 0
                position.append(c[keep])
                node.append(nodes[keep])
                source.append((self.diagonal[keep] * COMPONENTS + POTENTIAL) * COMPONENTS + j)
            self._feeds[components] = (np.concatenate(position), np.concatenate(node), np.concatenate(source))
        return self._feeds[components]
