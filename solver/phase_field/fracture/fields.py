"""The fields of the phase-field engine."""

from dataclasses import dataclass

import numpy as np
from dolfinx import fem, mesh
from lifrac.parallel.collective import largest
from lifrac.solver.numerics.nodal import nodes_of_cells
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Snapshot:
    """Values of all fields of a state, on the nodes of this rank, ghosts included."""

    displacement: Floats
    damage: Floats
    lower_bound: Floats
    upper_bound: Floats


@dataclass(frozen=True)
class State:
    """Named fields, all P1.

    The bounds make damage irreversible: the lower one is the damage of the last accepted step. An initial crack is a
    lower bound of 1, a region that must not break an upper bound of 0.
    """

    displacement: fem.Function
    """u [um]."""
    damage: fem.Function
    """d [-]: 0 intact, 1 broken."""
    lower_bound: fem.Function
    """Committed damage [-]."""
    upper_bound: fem.Function

    @classmethod
    def on(cls, msh: mesh.Mesh) -> "State":
        """Return an intact body at rest (collective)."""
        vectors = fem.functionspace(msh, ("Lagrange", 1, (msh.geometry.dim,)))
        scalars = fem.functionspace(msh, ("Lagrange", 1))
        upper = fem.Function(scalars, name="damage_upper_bound")
        upper.x.array[:] = 1.0
        return cls(
            fem.Function(vectors, name="displacement"),
            fem.Function(scalars, name="damage"),
            fem.Function(scalars, name="damage_lower_bound"),
            upper,
        )

    def _fields(self) -> tuple[fem.Function, ...]:
        return self.displacement, self.damage, self.lower_bound, self.upper_bound

    def fields(self) -> dict[str, fem.Function]:
        """All fields by name, for what carries or keeps them."""
        return {str(field.name): field for field in self._fields()}

    def snapshot(self) -> Snapshot:
        """Return a copy of all values."""
        return Snapshot(*(field.x.array.copy() for field in self._fields()))

    def restore(self, snapshot: Snapshot) -> None:
        """Back to a snapshot."""
        kept = (snapshot.displacement, snapshot.damage, snapshot.lower_bound, snapshot.upper_bound)
        for field, values in zip(self._fields(), kept, strict=True):
            field.x.array[:] = values

    def violation(self) -> float:
        """Largest distance of the damage beyond a bound [-]; zero, exactly (collective)."""
        d, low, high = self.damage.x.array, self.lower_bound.x.array, self.upper_bound.x.array
        local = float(np.maximum(low - d, d - high).max(initial=0.0))
        return largest(self.damage.function_space.mesh.comm, local)

    def commit(self) -> None:
        """Accept the damage: it cannot heal any more."""
        self.lower_bound.x.array[:] = self.damage.x.array

    def break_nodes(self, nodes: NDArray[np.int32]) -> None:
        """Make an initial crack of dofs of the damage space, ghosts included."""
        self.lower_bound.x.array[nodes] = 1.0
        self.damage.x.array[nodes] = 1.0

    def break_cells(self, cells: NDArray[np.int32]) -> None:
        """Make an initial crack of all nodes of cells of this rank (collective)."""
        self.break_nodes(nodes_of_cells(self.damage.function_space, cells))
