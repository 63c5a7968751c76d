"""The same Newton iteration with the bulk in full: what the condensed engine is verified and timed against.

Every iteration assembles one sparse matrix for

    [u inside the bulk | potential of every bulk node | openings | currents | V | lithium]

and factorises it anew. Displacements are increments (elastic_force() leaves the inside in equilibrium), the
potential is total. Serial.
"""

from time import perf_counter

import numpy as np
import scipy.sparse as sp
from lifrac.errors import NumericalFailure
from lifrac.solver.cohesive.system import FEEDING, LocalSystem, expand, fill_passive, kinetics_rows
from lifrac.solver.cohesive.unknowns import (
    COUNTER_CURRENT,
    CURRENT,
    LITHIUM_THICKNESS,
    OPENING,
    POTENTIAL,
    PRESSURE,
    Floats,
)
from lifrac.solver.model.control import Closure
from lifrac.solver.numerics.linear import LinearSolver
from lifrac.solver.plane.bulk import Bulk
from petsc4py import PETSc

CURRENTS = (CURRENT, COUNTER_CURRENT)


class MonolithicSystem:
    """Solves for the increments with all bulk unknowns in one sparse matrix (MUMPS LU).

    Parameters
    ----------
    bulk : Bulk
        On one rank, with the direct preset.
    youngs_modulus : float
        E [MPa].
    conductivity : float
        kappa [A/m2 per V/um].

    Attributes
    ----------
    seconds : dict of str to float
        Wall time so far [s]: `factorise` (analysis, factors and solve), and `inside` (keeping the inside of
        the bulk in
        equilibrium when a residual is evaluated, which a code that stores it would save).
    """

    def __init__(self, bulk: Bulk, youngs_modulus: float, conductivity: float) -> None:
        if bulk.tagged.mesh.comm.size > 1:
            raise ValueError("the monolithic system is serial")
        elastic, conduction = bulk.elastic_operator, bulk.conduction_operator
        self._inside = elastic.solver
        self._ii, self._ig = youngs_modulus * _csr(elastic.k_ii), youngs_modulus * elastic.k_ig
        self._gg = sp.csr_matrix(youngs_modulus * elastic.k_gg)
        self._youngs_modulus = youngs_modulus
        self._crack = bulk.surface.crack
        self._conduction = conductivity * _csr(conduction.matrix)
        part = conduction.partition
        self._node = np.empty(part.size, dtype=np.int64)
        self._node[part.retained_id] = part.retained
        self._pinned = _pinned(conduction.matrix)
        self._conductivity = conductivity
        self.seconds = {"factorise": 0.0, "inside": 0.0}

    def elastic_force(self, opening: Floats) -> Floats:
        """Nodal forces on the crack dofs for given openings (without loads), the inside in equilibrium."""
        start = perf_counter()
        u = 0.5 * opening
        inside = self._inside.solve_many((-(self._ig @ u) / self._youngs_modulus)[:, None])[:, 0]
        self.seconds["inside"] += perf_counter() - start
        return np.asarray(self._gg @ u + self._ig.T @ inside)

    def potential_defect(self, values: Floats, leaving: Floats) -> float:
        """How far the potential is from balancing the currents that leave [V]."""
        start = perf_counter()
        source = np.zeros(self._conduction.shape[0])
        source[self._node] = leaving - leaving.mean()
        phi = np.zeros_like(source)
        phi[1:] = self._pinned.solve_many(source[1:, None])[:, 0] / self._conductivity
        self.seconds["inside"] += perf_counter() - start
        return float(np.ptp(values[:, POTENTIAL] + phi[self._node]))

    def solve(self, local: LocalSystem, counter_area: Floats, closure: Closure, values: Floats) -> tuple[Floats, float]:
        """Increments (n, 6) and of V. `closure`: what the control asks of the counter electrode's current and V."""
        rows, right = self._assemble(local, counter_area, closure, values)
        start = perf_counter()
        x = _solve(sp.bmat(rows, format="csr"), np.concatenate(right))
        self.seconds["factorise"] += perf_counter() - start
        _, phi, z0, z1, dv, z2 = np.split(x, np.cumsum([len(b) for b in right])[:-1])
        dx, _ = expand(local, z0, z1, z2)
        dx[:, POTENTIAL] = phi[self._node] - values[:, POTENTIAL]
        fill_passive(local, dx)
        return dx, float(dv[0])

    def _assemble(
        self, local: LocalSystem, counter_area: Floats, closure: Closure, values: Floats
    ) -> tuple[list[list[sp.spmatrix | None]], list[Floats]]:
        """Blocks of the matrix, and of the right-hand side."""
        opening, lithium, unknown = (OPENING,), (LITHIUM_THICKNESS,), (PRESSURE, LITHIUM_THICKNESS)
        faces = local.sizes[1] - 2
        free = np.flatnonzero(local.row[self._crack, OPENING] >= 0)
        node, slope, counter = kinetics_rows(local)
        shape = (faces, self._conduction.shape[0])
        by_potential = sp.csr_matrix((slope, (np.arange(faces), self._node[node])), shape=shape)
        by_voltage = sp.csr_matrix(np.where(counter, -slope, 0.0)[:, None])
        fed = [self._feeding(local, group) for group in range(3)]
        area = sp.csr_matrix(np.where(counter, closure.by_current * counter_area[node], 0.0)[None, :])
        ig, gg = self._ig[:, free], 0.5 * self._gg[free][:, free]
        kinetics, momentum = local.part(CURRENTS, CURRENTS)[:faces, :faces], local.part(opening, opening) + gg
        plated = local.part(lithium, CURRENTS)[:, :faces]
        moved = local.part(lithium, opening) + local.follows(lithium)
        rows = [
            [self._ii, None, 0.5 * ig, None, None, None],
            [None, self._conduction, fed[0], fed[1], None, fed[2]],
            [ig.T, None, momentum, None, None, local.part(opening, unknown)],
            [None, by_potential, None, kinetics, by_voltage, local.part(CURRENTS, unknown)[:faces]],
            [None, None, None, area, sp.csr_matrix([[closure.by_voltage]]), None],
            [None, None, moved, plated, None, local.part(lithium, unknown)],
        ]
        leaving = np.zeros(shape[1])
        leaving[self._node] = local.shifted[:, POTENTIAL]
        start = local.right_side(CURRENTS)[:faces] + slope * values[node, POTENTIAL]
        right = [
            np.zeros(self._ii.shape[0]),
            -leaving,
            local.right_side(opening),
            start,
            np.array([closure.missing]),
            local.right_side(lithium),
        ]
        return rows, right

    def _feeding(self, local: LocalSystem, group: int) -> sp.csr_matrix:
        """How the unknowns of a group enter the current balance of the bulk nodes."""
        position, node, weight = local.feeds(FEEDING[group])
        size = local.sizes[group] - (2 if group == 1 else 0)
        return sp.csr_matrix((weight, (self._node[node], position)), shape=(self._conduction.shape[0], size))


def _csr(matrix: PETSc.Mat) -> sp.csr_matrix:
    indptr, indices, data = matrix.getValuesCSR()
    return sp.csr_matrix((data, indices, indptr), shape=matrix.getSize())


def _pinned(matrix: PETSc.Mat) -> LinearSolver:
    """Factors of a conduction matrix without its first node, whose potential is then zero."""
    rest = PETSc.IS().createStride(matrix.getSize()[0] - 1, first=1, step=1, comm=matrix.comm)
    return LinearSolver(matrix.createSubMatrix(rest, rest), name="conduction")


def _solve(a: sp.csr_matrix, b: Floats) -> Floats:
    """MUMPS LU of a matrix scaled to unit maximum by rows and columns: the unknowns have different units."""
    row = 1.0 / np.maximum(abs(a).max(axis=1).toarray().ravel(), 1.0e-300)
    a = sp.diags(row) @ a
    column = 1.0 / np.maximum(abs(a).max(axis=0).toarray().ravel(), 1.0e-300)
    a = (a @ sp.diags(column)).tocsr()
    if not np.isfinite(a.data).all():
        raise NumericalFailure("Newton system is not finite")
    csr = (a.indptr.astype(np.int32), a.indices.astype(np.int32), a.data)
    matrix = PETSc.Mat().createAIJ(a.shape, csr=csr, comm=PETSc.COMM_SELF)
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setType("preonly")
    pc = ksp.getPC()
    pc.setType("lu")
    pc.setFactorSolverType("mumps")
    ksp.setOperators(matrix)
    source, x = matrix.createVecLeft(), matrix.createVecRight()
    source.setArray(b * row)
    ksp.solve(source, x)
    result = x.getArray(readonly=True) * column
    converged = ksp.is_converged
    ksp.destroy()
    matrix.destroy()
    source.destroy()
    x.destroy()
    if not converged or not np.isfinite(result).all():
        raise NumericalFailure("Newton increment is not finite")
    return result
