"""Static condensation of a linear bulk problem onto chosen degrees of freedom.

With interior I (free), retained G and fixed dofs (zero), K u = f becomes

    S u_G = g,   S = K_GG - K_GI K_II^-1 K_IG,   g = f_G - K_GI K_II^-1 f_I,
    u_I = K_II^-1 (f_I - K_IG u_G).

K_II is factorised once, in parallel; S and g are dense and the same on every rank.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from .linear import LinearSolver
from .presets import Preset, SolverName

CHUNK = 64
"""Right-hand sides solved at once: bounds the dense work space to CHUNK bulk vectors."""


@dataclass(frozen=True)
class Partition:
    """Which dofs of a bulk matrix are retained and which are fixed, as this rank sees them."""

    retained: NDArray[np.int32]
    """Global matrix rows of the retained dofs owned here."""
    retained_id: NDArray[np.int64]
    """Position 0..m-1 of each of them in the condensed system (independent of the rank count)."""
    fixed: NDArray[np.int32]
    """Global matrix rows of the dofs held at zero, owned here."""
    size: int
    """m."""


class CondensedOperator:
    """S, g and the way back to the interior."""

    def __init__(
        self, matrix: PETSc.Mat, partition: Partition, preset: Preset = "direct", name: SolverName = "elasticity"
    ) -> None:
        self.matrix = matrix
        self.partition = partition
        self.preset = preset
        self.comm = matrix.comm.tompi4py()
        first, last = matrix.getOwnershipRange()
        taken = np.zeros(last - first, dtype=bool)
        taken[partition.retained - first] = True
        taken[partition.fixed - first] = True
        self._interior = np.flatnonzero(~taken).astype(np.int32) + first
        self._first = first
        is_i = PETSc.IS().createGeneral(self._interior, comm=matrix.comm)
        is_g = PETSc.IS().createGeneral(partition.retained.astype(np.int32), comm=matrix.comm)
        self.k_ii = matrix.createSubMatrix(is_i, is_i)
        near = matrix.getNearNullSpace()
        if preset == "multigrid" and near.handle:
            self.k_ii.setNearNullSpace(_restricted_modes(near, is_i))
        order = np.concatenate(self.comm.allgather(partition.retained_id))
        self.k_ig = _local_csr(matrix.createSubMatrix(is_i, is_g), order, partition.size)
        self.k_gg = self._dense_gg(matrix.createSubMatrix(is_g, is_g), order)
        self.solver = LinearSolver(self.k_ii, preset, name)

    def _dense_gg(self, k_gg: PETSc.Mat, order: NDArray[np.int64]) -> NDArray[np.float64]:
        m = self.partition.size
        dense = np.zeros((m, m))
        dense[self.partition.retained_id] = _local_csr(k_gg, order, m).toarray()
        return self._sum(dense)

    def _sum(self, local: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.empty_like(local)
        self.comm.Allreduce(local, total, op=MPI.SUM)
        return total

    def schur(self) -> NDArray[np.float64]:
        """S (m, m), symmetric, on every rank."""
        m = self.partition.size
        local = np.zeros((m, m))
        for start in range(0, m, CHUNK):
            columns = slice(start, min(start + CHUNK, m))
            x = self.solver.solve_many(self.k_ig[:, columns].toarray())
            local[:, columns] = self.k_ig.T @ x
        s = self.k_gg - self._sum(local)
        return 0.5 * (s + s.T)

    def load(self, f: PETSc.Vec) -> NDArray[np.float64]:
        """Return g (m,) of a bulk load vector."""
        values = f.getArray(readonly=True)
        inside = values[self._interior - self._first][:, None]
        local = -(self.k_ig.T @ self.solver.solve_many(inside))[:, 0]
        local[self.partition.retained_id] += values[self.partition.retained - self._first]
        return self._sum(local)

    def recover(self, retained: NDArray[np.float64], f: PETSc.Vec | None, out: PETSc.Vec) -> None:
        """Fill the bulk vector `out` (owned part) from retained values (m,) and a load."""
        rhs = -(self.k_ig @ retained)
        if f is not None:
            rhs = rhs + f.getArray(readonly=True)[self._interior - self._first]
        b, x = self.k_ii.createVecs()
        b.setArray(rhs)
        self.solver.solve(b, x)
        values = np.zeros(out.getLocalSize())
        values[self._interior - self._first] = x.getArray(readonly=True)
        values[self.partition.retained - self._first] = retained[self.partition.retained_id]
        out.setArray(values)
        b.destroy()
        x.destroy()


def _local_csr(matrix: PETSc.Mat, order: NDArray[np.int64], size: int) -> sp.csr_matrix:
    """Return the rows of this rank of a (parallel) matrix, with columns renumbered by `order`."""
    indptr, indices, data = matrix.getValuesCSR()
    return sp.csr_matrix((data, order[indices], indptr), shape=(len(indptr) - 1, size))


def _restricted_modes(near: PETSc.NullSpace, rows: PETSc.IS) -> PETSc.NullSpace:
    vectors = []
    for mode in near.getVecs():
        sub = mode.getSubVector(rows)
        vectors.append(sub.copy())
        mode.restoreSubVector(rows, sub)
    for i, v in enumerate(vectors):  # Gram-Schmidt: the restriction is no longer orthonormal
        for w in vectors[:i]:
            v.axpy(-v.dot(w), w)
        v.normalize()
    return PETSc.NullSpace().create(vectors=vectors, comm=near.comm)


def neumann_inverse(s: NDArray[np.float64]) -> NDArray[np.float64]:
    """G with phi = G f + c for S phi = f, sum f = 0, where S 1 = 0: the inverse of the bordered matrix."""
    m = len(s)
    bordered = np.zeros((m + 1, m + 1))
    scale = np.abs(np.diag(s)).mean()
    bordered[:m, :m] = s / scale
    bordered[:m, m] = bordered[m, :m] = 1.0
    inverse = np.linalg.inv(bordered)
    g = inverse[:m, :m] / scale
    return 0.5 * (g + g.T)
