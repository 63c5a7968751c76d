"""The fields of a cell on one mesh: what functions of field quantities look at, and what users get."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dolfinx import fem
from lifrac import quantities
from lifrac.quantities import Place, Quantity, View
from lifrac.quantities.registry import Function
from mpi4py import MPI
from numpy.typing import NDArray
from ufl.core.expr import Expr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Surface:
    """A surface whose fields have nodes of their own.

    Attributes
    ----------
    points : (n, 3) array
        [um].
    blocks : sequence of (int, (m, k) array, int)
        VTK's number of the shape, nodes of the cells, and their `region`.
    space : fem.FunctionSpace
        P1, scalar, on a mesh of the surface that every rank holds whole; dofs are the nodes.
    """

    points: Floats
    blocks: Sequence[tuple[int, Ints, int]]
    space: fem.FunctionSpace


class FieldView(View):
    """The fields of a cell on one mesh, as functions of field quantities see them; they follow its state.

    A function returns a P1 Function, or another UFL expression, which is written as its volume-weighted mean at the
    nodes (it is called once for each mesh then), or an array over the nodes that this rank owns; on a `surface` an
    array over its nodes. Units are internal.

    Attributes
    ----------
    comm : MPI.Comm
    space : fem.FunctionSpace
        P1, scalar, on the bulk.
    potential : fem.Function
        [V].
    displacement : fem.Function
        [um].
    current_density : Expr
        Vector [A/m2].
    stress : Expr
        xx yy zz xy yz xz [MPa], tension positive.
    surface : Surface or None
        Where quantities live that do not live in the bulk; None: on the nodes of the bulk as well.
    """

    comm: MPI.Comm
    space: fem.FunctionSpace
    potential: fem.Function
    displacement: fem.Function
    current_density: Expr
    stress: Expr
    surface: Surface | None = None

    @property
    def owned(self) -> int:
        """Nodes of the bulk that this rank owns."""
        return int(self.space.dofmap.index_map.size_local)

    def lives_on_surface(self, quantity: Quantity) -> bool:
        """Whether a quantity has values on `surface`."""
        return self.surface is not None and quantity.place in (Place.CRACK, Place.FACES, Place.SURFACES)

    def fields(self, more: Iterable[Quantity] = ()) -> "Fields":
        """Return the fields of the present state by name; `more` as for `FieldRecorder`."""
        return Fields(self, more)


class Fields(Mapping[str, fem.Function]):
    """Fields of the state that a view is at, made when they are first asked for (collective).

    Nodal fields are P1, on the mesh or on the surface; what is constant in cells is DG0. Units are internal.
    """

    def __init__(self, view: FieldView, more: Iterable[Quantity]) -> None:
        self._view, self._functions = view, functions_of(view, more)
        self._made: dict[str, fem.Function] = {}

    def __getitem__(self, name: str) -> fem.Function:
        if name not in self._made:
            entry, function = self._functions[name]
            self._made[name] = self._function(entry, function(self._view))
            self._made[name].name = name
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def _function(self, entry: Quantity, value: Any) -> fem.Function:
        view = self._view
        if isinstance(value, fem.Function):
            return value.copy()
        if isinstance(value, Expr):
            made = fem.Function(fem.functionspace(view.space.mesh, ("DG", 0, value.ufl_shape)))
            made.interpolate(fem.Expression(value, made.function_space.element.interpolation_points))
            return made
        surface = view.surface if view.lives_on_surface(entry) else None
        space = view.space if surface is None else surface.space
        values = np.asarray(value, dtype=float)
        made = fem.Function(
            space if values.ndim == 1 else fem.functionspace(space.mesh, ("Lagrange", 1, values.shape[1:]))
        )
        made.x.array[: values.size] = values.ravel()
        made.x.scatter_forward()
        return made


def functions_of(view: FieldView, more: Iterable[Quantity]) -> dict[str, tuple[Quantity, Function]]:
    """Fields of a view by name, with what computes them."""
    known = {entry.name: (entry, function) for entry, function in quantities.functions(type(view), field=True)}
    return known | {entry.name: (entry, entry.function) for entry in more if entry.is_field and entry.function}


@quantities.function("potential", FieldView, field=True)
def potential(at: FieldView) -> fem.Function:
    """Return phi."""
    return at.potential


@quantities.function("displacement", FieldView, field=True)
def displacement(at: FieldView) -> fem.Function:
    """Return u."""
    return at.displacement


@quantities.function("current_density", FieldView, field=True)
def current_density(at: FieldView) -> Expr:
    """Return i."""
    return at.current_density


@quantities.function("stress", FieldView, field=True)
def stress(at: FieldView) -> Expr:
    """Return sigma."""
    return at.stress
