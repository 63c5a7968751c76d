"""The linear system of one Newton iteration, reduced by the active sets and solved block by block.

Unknowns: openings of free nodes; currents of wet faces and of the counter electrode with the potential level c and the
cell voltage V; lithium (p of full nodes, h of dry ones that plate). Eliminated node by node: h = w where full, p = 0
where dry, openings at their floor, h of dry nodes that do not plate (nothing else depends on it). The potential is
eliminated through the bulk response phi = c - G f/kappa.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from lifrac.errors import NumericalFailure
from lifrac.solver.model.control import Closure
from lifrac.solver.plane.bulk import Response

from .active import ActiveSets
from .numbering import FOLLOWS, GROUP, Ints, Mask, Numbering
from .unknowns import COMPONENTS, COUNTER_CURRENT, CURRENT, LITHIUM_THICKNESS, OPENING, POTENTIAL, PRESSURE, Floats

FEEDING = ((OPENING, LITHIUM_THICKNESS), (CURRENT, COUNTER_CURRENT), (LITHIUM_THICKNESS,))
"""Components of each block of unknowns that enter their node's current balance (h where it follows its opening)."""


@dataclass(frozen=True)
class LocalSystem:
    """Linearised local terms at a state, with the unknowns that are left."""

    shifted: Floats
    """(n, 6) residual after the known increments."""
    blocks: Floats
    """(nz, 6, 6) derivative: node rows and columns of the numbering, components."""
    known: Floats
    """(n, 6) increments that the active sets prescribe (h = w also follows its opening)."""
    numbering: Numbering

    @property
    def column(self) -> Ints:
        """(n, 6) position of an unknown within its group, -1 where it is known."""
        return self.numbering.column

    @property
    def row(self) -> Ints:
        """(n, 6) position of an equation within its group, -1 where it is not solved."""
        return self.numbering.row

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of unknowns of the three groups."""
        return self.numbering.sizes

    def part(self, equations: tuple[int, ...], unknowns: tuple[int, ...]) -> sp.csr_matrix:
        """Sparse block of the derivative, rows and columns of one group each; valid for this iteration."""
        return self.numbering.pattern(equations, unknowns).sparse(self.blocks)

    def dense(self, equations: tuple[int, ...], unknowns: tuple[int, ...]) -> Floats:
        """Return the block of `part` as a full array."""
        return self.numbering.pattern(equations, unknowns).dense(self.blocks)

    def follows(self, equations: tuple[int, ...]) -> sp.csr_matrix:
        """Columns of h that follow the opening (h = w), to be added to the opening's."""
        return self.numbering.following(equations).sparse(self.blocks)

    def right_side(self, equations: tuple[int, ...]) -> Floats:
        """Return the right side (n,) of some equations of one group."""
        b = np.zeros(self.sizes[GROUP[equations[0]]])
        for i in equations:
            r = self.row[:, i]
            b[r[r >= 0]] -= self.shifted[r >= 0, i]
        return b

    def potential_slopes(self) -> Floats:
        """(n, 2) d kinetics/d phi of face and counter rows, node by node."""
        n = self.numbering
        k = np.zeros((len(self.row), 2))
        k[n.rows[n.diagonal], 0] = self.blocks[n.diagonal, CURRENT, POTENTIAL]
        k[n.rows[n.diagonal], 1] = self.blocks[n.diagonal, COUNTER_CURRENT, POTENTIAL]
        return k

    def feeds(self, components: tuple[int, ...]) -> tuple[Ints, Ints, Floats]:
        """Positions, nodes and weights with which unknowns of one group enter their node's current balance."""
        at, node, source = self.numbering.feeding(components)
        size = self.sizes[GROUP[components[0]]]
        # An unknown belongs to one node: its weights (own and of what follows it) add up.
        total = np.bincount(at, self.blocks.ravel()[source], size)
        owner = np.zeros(size, dtype=np.int64)
        owner[at] = node
        used = np.flatnonzero(total)
        return used, owner[used], total[used]


@dataclass(frozen=True)
class Linearisation:
    """The local terms at the last evaluated values."""

    values: Floats
    """(n, 6) fields at the nodes."""
    residual: Floats
    """(n, 6)."""
    jacobian: tuple[Ints, Ints, Floats]
    """Node rows, node columns, and the derivative (nz, 6, 6) there."""


@dataclass(frozen=True)
class FaceNodes:
    """Nodes of the faces, and numbers of all nodes that prescribed increments follow from."""

    counter: Ints
    crack: Ints
    floor: Floats
    """(n,) smallest opening [um]."""
    aperture: Floats
    """(n,) initial aperture [um]."""


def reduce(
    local: Linearisation,
    sets: ActiveSets,
    wet: Mask,
    nodes: FaceNodes,
    held_pressure: Floats,
    elastic_force: Callable[[Floats], Floats],
    previous: Numbering | None = None,
) -> LocalSystem:
    """Give the unknowns their numbers and prescribe the rest.

    Parameters
    ----------
    local : Linearisation
    sets : ActiveSets
    wet : (n,) bool
        Nodes whose face current is unknown; elsewhere it is zero.
    nodes : FaceNodes
    held_pressure : (n,) float
        p of held nodes [MPa].
    elastic_force : callable
        Nodal forces of the bulk on the crack dofs for given openings.
    previous : Numbering, optional
        That of an earlier iteration on the same mesh, taken over if it is the same.
    """
    values, n = local.values, len(local.values)
    known = _known(values, sets, wet, nodes, held_pressure)
    column = np.full((n, COMPONENTS), -1, dtype=np.int64)
    row = column.copy()
    active = sets.full | (sets.dry & wet)
    passive = sets.dry & ~wet
    at_counter = np.zeros(n, dtype=bool)
    at_counter[nodes.counter] = True
    row[:, OPENING] = column[:, OPENING] = _number(sets.free, 0)
    lithium = _number(active, 0)
    row[:, LITHIUM_THICKNESS] = lithium
    column[:, PRESSURE] = np.where(sets.full, lithium, -1)
    column[:, LITHIUM_THICKNESS] = np.where(sets.dry & wet, lithium, np.where(sets.full | sets.held, FOLLOWS, -1))
    faces = int(np.count_nonzero(wet))
    row[:, CURRENT] = column[:, CURRENT] = _number(wet, 0)
    row[:, COUNTER_CURRENT] = column[:, COUNTER_CURRENT] = _number(at_counter, faces)
    sizes = (int(np.count_nonzero(sets.free)), faces + len(nodes.counter) + 2, int(np.count_nonzero(active)))
    rows, cols, blocks = local.jacobian
    shifted = local.residual.copy()
    np.add.at(shifted, rows, np.einsum("kij,kj->ki", blocks, known[cols]))
    if known[nodes.crack, OPENING].any():
        shifted[nodes.crack, OPENING] += elastic_force(known[nodes.crack, OPENING])
    numbering = Numbering(column, row, sizes, passive, rows, cols)
    return LocalSystem(shifted, blocks, known, previous if previous and numbering.same(previous) else numbering)


def _known(values: Floats, sets: ActiveSets, wet: Mask, nodes: FaceNodes, held_pressure: Floats) -> Floats:
    known = np.zeros_like(values)
    crack = sets.full | sets.dry | sets.held
    known[:, OPENING] = np.where(crack & ~sets.free, nodes.floor - values[:, OPENING], 0.0)
    missing = nodes.aperture + values[:, OPENING] - values[:, LITHIUM_THICKNESS]
    known[:, LITHIUM_THICKNESS] = np.where(sets.full | sets.held, missing + known[:, OPENING], 0.0)
    known[:, PRESSURE] = np.where(sets.dry, -values[:, PRESSURE], 0.0)
    known[:, PRESSURE] += np.where(sets.held, held_pressure - values[:, PRESSURE], 0.0)
    known[:, CURRENT] = np.where(wet, 0.0, -values[:, CURRENT])
    return known


def _number(mask: Mask, start: int) -> Ints:
    out = np.full(len(mask), -1, dtype=np.int64)
    out[mask] = start + np.arange(np.count_nonzero(mask))
    return out


class BulkSystem(Protocol):
    """How the bulk enters the surface problem: condensed beforehand, or in full in every iteration."""

    def elastic_force(self, opening: Floats) -> Floats:
        """Nodal forces of the bulk on the crack dofs for given openings (without loads)."""

    def potential_defect(self, values: Floats, leaving: Floats) -> float:
        """How far the potential is from balancing the currents that leave [V]."""

    def solve(self, local: LocalSystem, counter_area: Floats, closure: Closure, values: Floats) -> tuple[Floats, float]:
        """Increments (n, 6) and of V. `closure`: what the control asks of the counter electrode's current and V."""


class CondensedSystem:
    """Solves for the increments with the dense bulk response."""

    def __init__(self, response: Response, crack: Ints, youngs_modulus: float, conductivity: float) -> None:
        self.stiffness = 0.5 * youngs_modulus * response.stiffness
        self.compliance = response.conduction_inverse / conductivity
        self.crack = crack
        self._gathered: dict[str, tuple[Ints, Ints, Floats]] = {}

    def _kept(self, name: str, matrix: Floats, rows: Ints, cols: Ints) -> Floats:
        """matrix[rows, cols]; gathered anew only when the active sets have changed it."""
        kept = self._gathered.get(name)
        if kept is None or not (np.array_equal(kept[0], rows) and np.array_equal(kept[1], cols)):
            kept = self._gathered[name] = (rows, cols, matrix[np.ix_(rows, cols)])
        return kept[2]

    def elastic_force(self, opening: Floats) -> Floats:
        """Nodal forces of the bulk on the crack dofs for given openings (without loads)."""
        return self.stiffness @ opening

    def potential_defect(self, values: Floats, leaving: Floats) -> float:
        """How far the potential is from balancing the currents that leave [V]."""
        return float(np.ptp(values[:, POTENTIAL] + self.compliance @ leaving))

    def solve(self, local: LocalSystem, counter_area: Floats, closure: Closure, values: Floats) -> tuple[Floats, float]:
        """Increments (n, 6) and of V. `closure`: what the control asks of the counter electrode's current and V.

        Openings first (momentum does not see the currents), then currents, then lithium:
        [A00 0 A02; A10 A11 A12; A20 A21 A22].
        """
        opening, current, lithium = (OPENING,), (CURRENT, COUNTER_CURRENT), (LITHIUM_THICKNESS,)
        unknown = (PRESSURE, LITHIUM_THICKNESS)
        n2 = local.sizes[2]
        a00 = local.dense(opening, opening)
        free = np.flatnonzero(local.row[self.crack, OPENING] >= 0)
        a00 += self._kept("stiffness", self.stiffness, free, free)
        x = _solve(a00, np.column_stack([local.dense(opening, unknown), local.right_side(opening)]))
        a11, b1, a10, a12 = self._currents(local, counter_area, closure, values)
        a12 -= a10 @ x[:, :n2]
        b1 -= a10 @ x[:, n2]
        y = _solve(a11, np.column_stack([a12, b1]))
        through = local.part(lithium, opening) @ x + local.follows(lithium) @ x + local.part(lithium, current) @ y
        a22 = local.dense(lithium, unknown) - through[:, :n2]
        b2 = local.right_side(lithium) - through[:, n2]
        z2 = _solve(a22, b2[:, None])[:, 0] if n2 else np.zeros(0)
        z0 = x[:, n2] - x[:, :n2] @ z2
        z1 = y[:, n2] - y[:, :n2] @ z2
        dx, leaving = expand(local, z0, z1, z2)
        dx[:, POTENTIAL] = z1[-2] - self.compliance @ leaving - values[:, POTENTIAL]
        fill_passive(local, dx)
        return dx, float(z1[-1])

    def _currents(
        self, local: LocalSystem, counter_area: Floats, closure: Closure, values: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """A11, b1, A10, A12 of the kinetics rows, the sum of currents and the control."""
        components = (CURRENT, COUNTER_CURRENT)
        n0, n1, _ = local.sizes
        blocks = [
            np.zeros((n1, n0)),
            local.dense(components, components),
            local.dense(components, (PRESSURE, LITHIUM_THICKNESS)),
        ]
        b = local.right_side(components)
        start = -values[:, POTENTIAL] - self.compliance @ local.shifted[:, POTENTIAL]
        node_of, slope_of, counter = kinetics_rows(local)
        blocks[1][: n1 - 2, n1 - 2] = slope_of
        blocks[1][: n1 - 2, n1 - 1] = np.where(counter, -slope_of, 0.0)
        b[: n1 - 2] -= slope_of * start[node_of]
        for group, feeding in enumerate(FEEDING):
            position, node, weight = local.feeds(feeding)
            seen = self._kept(f"compliance{group}", self.compliance, node_of, node) * (slope_of[:, None] * weight)
            blocks[group][: n1 - 2, position] -= seen
            blocks[group][n1 - 2, position] += weight
        b[n1 - 2] = -local.shifted[:, POTENTIAL].sum()
        c = local.column[:, COUNTER_CURRENT]
        blocks[1][n1 - 1, c[c >= 0]] = closure.by_current * counter_area[c >= 0]
        blocks[1][n1 - 1, n1 - 1] = closure.by_voltage
        b[n1 - 1] = closure.missing
        return blocks[1], b, blocks[0], blocks[2]


def kinetics_rows(local: LocalSystem) -> tuple[Ints, Floats, Mask]:
    """Node of each kinetics equation, its slope by that node's potential, whether it is the counter electrode's."""
    count = local.sizes[1] - 2
    node, slope, counter = np.zeros(count, dtype=np.int64), np.zeros(count), np.zeros(count, dtype=bool)
    slopes = local.potential_slopes()
    for k, component in enumerate((CURRENT, COUNTER_CURRENT)):
        nodes = np.flatnonzero(local.row[:, component] >= 0)
        r = local.row[nodes, component]
        node[r], slope[r], counter[r] = nodes, slopes[nodes, k], component == COUNTER_CURRENT
    return node, slope, counter


def expand(local: LocalSystem, z0: Floats, z1: Floats, z2: Floats) -> tuple[Floats, Floats]:
    """Return increments of all fields from those of the three groups.

    Returns
    -------
    dx : (n, 6) float
        Increments of all fields but the potential.
    leaving : (n,) float
        Currents that leave the bulk after them [A/m2 um].
    """
    dx = local.known.copy()
    for component, z in ((OPENING, z0), (CURRENT, z1), (COUNTER_CURRENT, z1), (PRESSURE, z2), (LITHIUM_THICKNESS, z2)):
        c = local.column[:, component]
        dx[c >= 0, component] += z[c[c >= 0]]
    tied = local.column[:, LITHIUM_THICKNESS] == FOLLOWS
    moving = tied & (local.column[:, OPENING] >= 0)
    dx[moving, LITHIUM_THICKNESS] += z0[local.column[moving, OPENING]]
    leaving = local.shifted[:, POTENTIAL].copy()
    for feeding, z in ((FEEDING[0], z0), (FEEDING[1], z1), (FEEDING[2], z2)):
        position, node, weight = local.feeds(feeding)
        np.add.at(leaving, node, weight * z[position])
    return dx, leaving


def fill_passive(local: LocalSystem, dx: Floats) -> None:
    """Set h of dry nodes that do not plate: what has flowed in, from their own balance."""
    n = local.numbering
    if not n.passive.any():
        return
    change = dx - local.known
    change[n.passive, LITHIUM_THICKNESS] = 0.0
    moved = np.einsum("kj,kj->k", local.blocks[:, LITHIUM_THICKNESS, :], change[n.cols])
    balance = local.shifted[:, LITHIUM_THICKNESS] + np.bincount(n.rows, moved, len(dx))
    own = np.ones(len(dx))
    own[n.rows[n.diagonal]] = local.blocks[n.diagonal, LITHIUM_THICKNESS, LITHIUM_THICKNESS]
    dx[n.passive, LITHIUM_THICKNESS] = -balance[n.passive] / own[n.passive]


def _solve(a: Floats, b: Floats) -> Floats:
    """LU with rows and columns scaled to unit maximum: the unknowns have different units."""
    if len(a) == 0:
        return np.zeros_like(b)
    row = 1.0 / np.maximum(np.abs(a).max(axis=1), 1.0e-300)
    scaled = a * row[:, None]
    column = 1.0 / np.maximum(np.abs(scaled).max(axis=0), 1.0e-300)
    scaled *= column
    if not np.isfinite(scaled).all():
        raise NumericalFailure("Newton system is not finite")
    lu, pivots, singular = scipy.linalg.lapack.dgetrf(scaled, overwrite_a=True)
    if singular:
        raise NumericalFailure("Newton system is singular")
    y = scipy.linalg.lu_solve((lu, pivots), b * row[:, None], overwrite_b=True, check_finite=False) * column[:, None]
    if not np.isfinite(y).all():
        raise NumericalFailure("Newton increment is not finite")
    return np.asarray(y)
