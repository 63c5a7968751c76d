"""A mesh as plain arrays on one rank: what gmsh, meshio and the checks exchange before it is distributed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CELL_GROUP = "electrolyte"
FACET_GROUPS = {"anode": 1, "counter": 2, "crack_plane": 3, "lateral": 4, "side": 5}
"""Names of the facet groups and the tags they always carry."""


@dataclass(frozen=True)
class RawMesh:
    """First-order simplices with named facet groups.

    Attributes
    ----------
    points : (n, dim) float
        Coordinates [um].
    cells : (m, dim + 1) int
        Node numbers of the cells.
    groups : dict of (k, dim) int
        Node numbers of the facets of each group.
    """

    points: npt.NDArray[np.float64]
    cells: npt.NDArray[np.int64]
    groups: dict[str, npt.NDArray[np.int64]]

    @property
    def dim(self) -> int:
        """Dimension of the cells, and of the space they lie in."""
        return self.cells.shape[1] - 1
