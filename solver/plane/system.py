"""The linear system of one Newton iteration, reduced by the active sets.

Unknowns y = [free openings | p of full and h of dry nodes | face currents | counter currents], then the potential
level c and the cell voltage V. Eliminated node by node: h = w where full, p = 0 where dry, openings at their floor.
The potential is eliminated through the bulk response phi = c - G f/kappa.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..bulk import Response
from ..errors import NumericalFailure
from .active import ActiveSets
from .fields import COMPONENTS, COUNTER_CURRENT, CURRENT, METAL, OPENING, POTENTIAL, PRESSURE, Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LocalSystem:
    """Linearised local terms at a state: residual, blocks, and which unknowns are left."""

    residual: Floats
    """(n, 6) local residual; momentum rows hold the bulk forces too."""
    rows: Ints
    cols: Ints
    blocks: Floats
    """(nz, 6, 6)."""
    known: Floats
    """(n, 6) increments that the active sets prescribe (h = w also adds the opening's own increment)."""
    column: NDArray[np.int64]
    """(n, 6) position of an unknown's column in y, -1 where it is known."""
    row: NDArray[np.int64]
    """(n, 6) position of an equation in y, -1 where it is not solved."""
    size: int

    def shifted_residual(self) -> Floats:
        """Residual after the known increments."""
        out = self.residual.copy()
        product = np.einsum("kij,kj->ki", self.blocks, self.known[self.cols])
        np.add.at(out, self.rows, product)
        return out

    def matrix(self) -> Floats:
        """Dense (size, size) local part; potential rows and columns excluded."""
        a = np.zeros((self.size, self.size))
        for i in (OPENING, METAL, CURRENT, COUNTER_CURRENT):
            r = self.row[self.rows, i]
            for j in range(POTENTIAL):
                c = self.column[self.cols, j]
                keep = (r >= 0) & (c >= 0)
                values = self.blocks[keep, i, j]
                if values.any():
                    a[r[keep], c[keep]] += values
        return a

    def potential_coupling(self) -> tuple[Floats, Ints, Floats]:
        """How kinetics and current balance meet the potential, all node by node (lumped integrals).

        Returns d kinetics/d phi (n, 2) for face and counter rows, and for every column of y its node and its weight in
        that node's current balance.
        """
        diagonal = self.rows == self.cols
        nodes = self.rows[diagonal]
        k = np.zeros((len(self.row), 2))
        k[nodes, 0] = self.blocks[diagonal, CURRENT, POTENTIAL]
        k[nodes, 1] = self.blocks[diagonal, COUNTER_CURRENT, POTENTIAL]
        node = np.zeros(self.size, dtype=np.int64)
        weight = np.zeros(self.size)
        for j in range(POTENTIAL):
            c = self.column[nodes, j]
            keep = c >= 0
            node[c[keep]] = nodes[keep]
            weight[c[keep]] += self.blocks[diagonal, POTENTIAL, j][keep]
        return k, node, weight


def reduce(
    residual: Floats,
    jacobian: tuple[Ints, Ints, Floats],
    values: Floats,
    sets: ActiveSets,
    wet: NDArray[np.bool_],
    counter: Ints,
    floor: Floats,
    aperture: Floats,
    held_pressure: Floats,
) -> LocalSystem:
    """Number the unknowns and prescribe the rest.

    `wet`: nodes whose face current is unknown; elsewhere it is zero. `held_pressure` (n,): p of held nodes.
    """
    n = len(values)
    known = np.zeros((n, COMPONENTS))
    column = np.full((n, COMPONENTS), -1, dtype=np.int64)
    row = np.full((n, COMPONENTS), -1, dtype=np.int64)
    crack = sets.full | sets.dry | sets.held
    known[:, OPENING] = np.where(crack & ~sets.free, floor - values[:, OPENING], 0.0)
    missing = aperture + values[:, OPENING] - values[:, METAL]
    follows = sets.full | sets.held
    known[:, METAL] = np.where(follows, missing + known[:, OPENING], 0.0)
    known[:, PRESSURE] = np.where(sets.dry, -values[:, PRESSURE], 0.0)
    known[:, PRESSURE] += np.where(sets.held, held_pressure - values[:, PRESSURE], 0.0)
    known[:, CURRENT] = np.where(wet, 0.0, -values[:, CURRENT])
    count = 0

    def number(mask: NDArray[np.bool_]) -> Ints:
        nonlocal count
        out = np.full(n, -1, dtype=np.int64)
        out[mask] = count + np.arange(np.count_nonzero(mask))
        count += np.count_nonzero(mask)
        return out

    row[:, OPENING] = column[:, OPENING] = number(sets.free)
    lithium = number(sets.full | sets.dry)
    row[:, METAL] = lithium
    column[:, PRESSURE] = np.where(sets.full, lithium, -1)
    column[:, METAL] = np.where(sets.dry, lithium, np.where(follows, column[:, OPENING], -1))
    row[:, CURRENT] = column[:, CURRENT] = number(wet)
    at_counter = np.zeros(n, dtype=bool)
    at_counter[counter] = True
    row[:, COUNTER_CURRENT] = column[:, COUNTER_CURRENT] = number(at_counter)
    return LocalSystem(residual, *jacobian, known, column, row, count)


class CondensedSystem:
    """Solves for the increments with the dense bulk response."""

    def __init__(self, response: Response, crack: Ints, youngs_modulus: float, conductivity: float) -> None:
        self.stiffness = 0.5 * youngs_modulus * response.stiffness
        self.compliance = response.conduction_inverse / conductivity
        self.crack = crack

    def elastic_force(self, opening: Floats) -> Floats:
        """Nodal forces of the bulk on the crack dofs for given openings (without loads)."""
        return self.stiffness @ opening

    def solve(
        self, local: LocalSystem, counter_area: Floats, missing_current: float, values: Floats
    ) -> tuple[Floats, float]:
        """Increments (n, 6) and of V. `missing_current`: what the counter electrode still lacks [A/m2 um]."""
        shifted = local.shifted_residual()
        # Known opening increments act through the bulk as well.
        shifted[self.crack, OPENING] += self.stiffness @ local.known[self.crack, OPENING]
        a, b = self._assemble(local, shifted, counter_area, missing_current, values)
        y = _solve_scaled(a, b)
        return self._expand(local, shifted, values, y)

    def _assemble(
        self, local: LocalSystem, shifted: Floats, counter_area: Floats, missing: float, values: Floats
    ) -> tuple[Floats, Floats]:
        m = local.size
        a = np.zeros((m + 2, m + 2))
        a[:m, :m] = local.matrix()
        free = local.row[self.crack, OPENING]
        inside = free >= 0
        f = free[inside]
        a[np.ix_(f, f)] += self.stiffness[np.ix_(inside, inside)]
        k, node, weight = local.potential_coupling()
        feeds = np.flatnonzero(weight)
        b = np.zeros(m + 2)
        for i in (OPENING, METAL, CURRENT, COUNTER_CURRENT):
            r = local.row[:, i]
            b[r[r >= 0]] -= shifted[r >= 0, i]
        start = -values[:, POTENTIAL] - self.compliance @ shifted[:, POTENTIAL]
        for column, component in ((0, CURRENT), (1, COUNTER_CURRENT)):
            nodes = np.flatnonzero(local.row[:, component] >= 0)
            r = local.row[nodes, component]
            slope = k[nodes, column]
            seen = self.compliance[np.ix_(nodes, node[feeds])]
            a[np.ix_(r, feeds)] -= slope[:, None] * seen * weight[feeds]
            a[r, m] = slope
            b[r] -= slope * start[nodes]
            if component == COUNTER_CURRENT:
                a[r, m + 1] = -slope
        a[m, :m] = weight
        b[m] = -shifted[:, POTENTIAL].sum()
        c = local.column[:, COUNTER_CURRENT]
        a[m + 1, c[c >= 0]] = counter_area[c >= 0]
        b[m + 1] = missing
        return a, b

    def _expand(
        self, local: LocalSystem, shifted: Floats, values: Floats, y: Floats
    ) -> tuple[Floats, float]:
        m = local.size
        increments = local.known.copy()
        for j in range(POTENTIAL):
            c = local.column[:, j]
            increments[c >= 0, j] += y[c[c >= 0]]
        _, node, weight = local.potential_coupling()
        leaving = shifted[:, POTENTIAL].copy()
        np.add.at(leaving, node, weight * y[:m])
        increments[:, POTENTIAL] = y[m] - self.compliance @ leaving - values[:, POTENTIAL]
        return increments, float(y[m + 1])


def _solve_scaled(a: Floats, b: Floats) -> Floats:
    """LU with rows and columns scaled to unit maximum: the unknowns have different units."""
    row = 1.0 / np.maximum(np.abs(a).max(axis=1), 1.0e-300)
    scaled = a * row[:, None]
    column = 1.0 / np.maximum(np.abs(scaled).max(axis=0), 1.0e-300)
    scaled *= column
    try:
        lu = scipy.linalg.lu_factor(scaled, overwrite_a=True, check_finite=True)
        y = scipy.linalg.lu_solve(lu, b * row, check_finite=False) * column
    except (ValueError, np.linalg.LinAlgError) as error:
        raise NumericalFailure(f"singular Newton system ({error})") from error
    if not np.isfinite(y).all():
        raise NumericalFailure("Newton increment is not finite")
    return np.asarray(y)
