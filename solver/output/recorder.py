"""Appends the fields of a cell to `fields.vtkhdf`; which ones, the registry says (`lifrac.quantities`)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import ufl
from dolfinx import fem
from lifrac.errors import InputError
from lifrac.parallel.collective import on_root
from lifrac.quantities import Quantity
from lifrac.quantities.registry import Function
from lifrac.solver.numerics.nodal import NodalMean, values_of
from numpy.typing import NDArray
from ufl.core.expr import Expr

from .field_view import FieldView, functions_of
from .gather_nodes import NodeGather
from .vtkhdf import TemporalGrid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TRIANGLE, TETRAHEDRON = 5, 10
"""VTK's numbers."""


class FieldRecorder:
    """Appends states to a file, each on the mesh it is on.

    Parameters
    ----------
    path : Path
        File to create.
    until : float, optional
        A file that is there is continued, without what is stored after this time [s].
    more : sequence of Quantity
        Fields besides those that are registered, each with its function.
    """

    def __init__(self, path: Path, until: float | None = None, more: Sequence[Quantity] = ()) -> None:
        self._path, self._until, self._more = path, until, more
        self._grid: TemporalGrid | None = None
        self._columns: _Columns | None = None

    def record(self, view: FieldView, time: float) -> None:
        """Append the fields as they are at a time [s] (collective).

        Raises
        ------
        OSError
            On every rank alike; nothing is appended then.
        """
        columns = self._columns
        if columns is None or columns.view is not view:
            columns = _Columns(view, self._more)
            on_root(view.comm, lambda: self._mesh(columns))
            self._columns = columns
        rows = columns.bulk_rows()
        on_root(view.comm, lambda: self._append(time, columns, rows))

    def _mesh(self, columns: "_Columns") -> None:
        """Write a mesh, the first one into a new file."""
        points, blocks, region = columns.geometry()
        if self._grid is None and self._until is not None and self._path.exists():
            self._grid = TemporalGrid.reopen(self._path, until=self._until)
        if self._grid is None:
            arrays = {field.entry.key: field.entry.components for field in columns.fields}
            self._grid = TemporalGrid(self._path, points, blocks, region, arrays)
        else:
            self._grid.remesh(points, blocks, region)

    def _append(self, time: float, columns: "_Columns", rows: Floats | None) -> None:
        assert rows is not None
        assert self._grid is not None
        self._grid.append(time, columns.arrays(rows))


class _Field:
    """One field of a view."""

    def __init__(self, entry: Quantity, function: Function, view: FieldView) -> None:
        self.entry, self._function, self._view = entry, function, view
        self.on_surface = view.lives_on_surface(entry)
        self._mean: NodalMean | None = None
        self._fixed: Any = None
        """The function of DOLFINx whose values are written."""
        if not self.on_surface:
            value = function(view)
            if _is_nodal(value):
                self._fixed = value
            elif isinstance(value, Expr):
                self._mean = NodalMean(self._vector(value), view.space)

    def _vector(self, value: Expr) -> Expr:
        if len(value.ufl_shape) > 1:
            remedy = "Return its components as one vector, ufl.as_vector([...])"
            raise InputError("is a tensor", key="quantity", value=self.entry.name, remedy=remedy)
        return value if value.ufl_shape else ufl.as_vector([value])

    def bulk_values(self) -> Floats:
        """(n, components) at the nodes that this rank owns, as written (collective)."""
        owned = self._view.owned
        if self._mean is not None:
            values = self._mean.now()
        elif self._fixed is not None:
            width = self._fixed.function_space.dofmap.index_map_bs
            values = values_of(self._fixed)[: owned * width].reshape(owned, width)
        else:
            values = np.asarray(self._function(self._view), dtype=float)[:owned].reshape(owned, -1)
        return np.asarray(self.entry.out(self._padded(values)))

    def surface_values(self) -> Floats:
        """(n, components) at the nodes of the surface, as written."""
        values = np.asarray(self._function(self._view), dtype=float)
        return np.asarray(self.entry.out(self._padded(values.reshape(len(values), -1))))

    def _padded(self, values: Floats) -> Floats:
        """Return values with a third component of zero in 2D."""
        missing = self.entry.components - values.shape[1]
        if missing not in (0, 1 if self.entry.components == 3 else 0):
            raise InputError(
                f"has {values.shape[1]} components, and not the {self.entry.components} of its entry",
                key="quantity",
                value=self.entry.name,
                remedy="State `components` of the quantity as its function returns them",
            )
        return np.pad(values, ((0, 0), (0, missing)))


def _is_nodal(value: object) -> bool:
    """Whether a value is a Function with its degrees of freedom at the nodes."""
    if not isinstance(value, fem.Function):
        return False
    element = value.function_space.element.basix_element
    return bool(element.degree == 1 and not element.discontinuous)


class _Columns:
    """The arrays of one mesh, gathered on rank 0."""

    def __init__(self, view: FieldView, more: Iterable[Quantity]) -> None:
        self.view = view
        self.fields = [_Field(entry, function, view) for entry, function in functions_of(view, more).values()]
        self._bulk = [field for field in self.fields if not field.on_surface]
        self._gather = NodeGather(view.space, view.comm)

    def geometry(self) -> tuple[Floats, list[tuple[int, Ints]], Ints]:
        """Rank 0: points, blocks of cells, and the region of each cell."""
        points, cells = self._gather.points, self._gather.cells
        assert points is not None
        assert cells is not None
        blocks = [(TRIANGLE if cells.shape[1] == 3 else TETRAHEDRON, cells)]
        region = [np.zeros(len(cells))]
        if self.view.surface is not None:
            for shape, nodes, number in self.view.surface.blocks:
                blocks.append((shape, nodes + len(points)))
                region.append(np.full(len(nodes), number))
            points = np.vstack([points, self.view.surface.points])
        return points, blocks, np.concatenate(region).astype(np.int64)

    def bulk_rows(self) -> Floats | None:
        """Rank 0: a row for each node of the bulk, fields side by side (collective)."""
        return self._gather.rows(np.column_stack([field.bulk_values() for field in self._bulk]))

    def arrays(self, rows: Floats) -> dict[str, Floats]:
        """Rank 0: all point arrays on all points, bulk first; zero where a field does not live."""
        more = 0 if self.view.surface is None else len(self.view.surface.points)
        ends = np.cumsum([field.entry.components for field in self._bulk])[:-1]
        bulk = dict(zip((field.entry.key for field in self._bulk), np.split(rows, ends, axis=1), strict=True))
        found = {}
        for field in self.fields:
            key, components = field.entry.key, field.entry.components
            there = field.surface_values() if field.on_surface else np.zeros((more, components))
            both = np.vstack([bulk.get(key, np.zeros((len(rows), components))), there])
            found[key] = both if components > 1 else both[:, 0]
        return found
