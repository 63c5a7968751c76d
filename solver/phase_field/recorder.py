"""Fields of a phase-field state, gathered and appended to `fields.vtkhdf`. Collective."""

from pathlib import Path

import numpy as np
from lifrac.parallel.collective import on_root
from lifrac.solver.numerics.nodal import NodalMean, values_of
from lifrac.solver.output.gather_nodes import NodeGather
from lifrac.solver.output.vtkhdf import TemporalGrid
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.physics.conduction import current_density
from lifrac.solver.physics.constants import AMPERE_PER_M2_PER_MA_PER_CM2
from lifrac.solver.physics.elasticity import components_3d

from .problem import PhaseFieldProblem

ARRAYS = {
    "potential_V": 1,
    "current_density_mA_per_cm2": 3,
    "displacement_um": 3,
    "stress_MPa": 6,
    "damage": 1,
    "aperture_um": 1,
    "lithium_share": 1,
    "lithium_pressure_MPa": 1,
}
TRIANGLE, TETRAHEDRON = 5, 10
"""VTK's numbers."""


class PhaseFieldRecorder:
    """Appends states to a file, each on the mesh it is on.

    Parameters
    ----------
    path : Path
        File to create.
    until : float, optional
        A file that is there is continued, without what is stored after this time [s].
    """

    def __init__(self, path: Path, until: float | None = None) -> None:
        self._path, self._until = path, until
        self._grid: TemporalGrid | None = None
        self._columns: _Columns | None = None

    def record(self, problem: PhaseFieldProblem, time: float) -> None:
        """Append the fields as they are (collective).

        Raises
        ------
        OSError
            On every rank alike; nothing is appended then.
        """
        columns = self._columns
        if columns is None or columns.problem is not problem:
            columns = _Columns(problem)
            on_root(problem.comm, lambda: self._mesh(columns))
            self._columns = columns
        rows = columns.now()
        on_root(problem.comm, lambda: self._append(time, rows))

    def _mesh(self, columns: "_Columns") -> None:
        """Write a mesh, the first one into a new file."""
        points, cells = columns.gather.points, columns.gather.cells
        assert points is not None
        assert cells is not None
        shape = TRIANGLE if columns.dim == 2 else TETRAHEDRON
        blocks, region = [(shape, cells)], np.zeros(len(cells), dtype=np.int64)
        if self._grid is None and self._until is not None and self._path.exists():
            self._grid = TemporalGrid.reopen(self._path, until=self._until)
        if self._grid is None:
            self._grid = TemporalGrid(self._path, points, blocks, region, ARRAYS)
        else:
            self._grid.remesh(points, blocks, region)

    def _append(self, time: float, rows: Floats | None) -> None:
        assert rows is not None
        assert self._grid is not None
        parts = np.split(rows, np.cumsum(list(ARRAYS.values()))[:-1], axis=1)
        arrays = {name: p if k > 1 else p[:, 0] for (name, k), p in zip(ARRAYS.items(), parts, strict=True)}
        self._grid.append(time, arrays)


class _Columns:
    """The arrays of one mesh, gathered; stress and current, constant in a cell, as volume-weighted means at nodes."""

    def __init__(self, problem: PhaseFieldProblem) -> None:
        self.problem = problem
        cell, fields = problem.cell, problem.fields
        space = fields.damage.function_space
        self.dim = cell.mesh.geometry.dim
        self.gather = NodeGather(space, problem.comm)
        stress = components_3d(cell.total_stress(), problem.solid.poisson_ratio)
        current = current_density(cell.potential, cell.conductivity)
        self._current, self._stress = NodalMean(current, space), NodalMean(stress, space)

    def now(self) -> Floats | None:
        """Rank 0: a row for each node, columns in the order of `ARRAYS` (collective)."""
        cell, fields, n = self.problem.cell, self.problem.fields, self.problem.cell.owned
        damage = values_of(fields.damage)
        # The solver evens fields of the crack out over whole cells; they live where it is, and metal in pores as well.
        slit, hollow = damage > 0.0, (damage > 0.0) | cell.walls.nodes
        columns = [
            values_of(cell.potential)[:n, None],
            _padded(self._current.now() / AMPERE_PER_M2_PER_MA_PER_CM2),
            _padded(self._displacement()[: n * self.dim].reshape(n, self.dim)),
            self._stress.now(),
            damage[:n, None],
            *(np.where(slit, values_of(f), 0.0)[:n, None] for f in (cell.aperture, cell.fill_fraction)),
            np.where(hollow, values_of(cell.pressure), 0.0)[:n, None],
        ]
        return self.gather.rows(np.column_stack(columns))

    def _displacement(self) -> Floats:
        """Of the body under the loads, cracks and all."""
        problem = self.problem
        return values_of(problem.cell.intact) + values_of(problem.fields.displacement)


def _padded(vectors: Floats) -> Floats:
    """With a third component of zero in 2D."""
    return np.pad(vectors, ((0, 0), (0, 3 - vectors.shape[1])))
