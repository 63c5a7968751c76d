"""Reading `fields.vtkhdf` with h5py alone: geometry, point arrays in time, sections and crack profiles."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

import h5py
import numpy as np
from lifrac import quantities
from lifrac.errors import InputError

ELECTROLYTE, CRACK_PLANE, ANODE, COUNTER = 0, 1, 2, 3
"""Values of the cell array `region`."""


@dataclass(frozen=True)
class Section:
    """Triangles of the electrolyte in the plane z = 0.

    Attributes
    ----------
    ids
        Points of the file that take part, shape (n,).
    xy
        Their coordinates [um], shape (n, 2).
    triangles
        Rows of `xy`, shape (m, 3).
    """

    ids: np.ndarray
    xy: np.ndarray
    triangles: np.ndarray


class Grid:
    """One mesh of a file.

    Attributes
    ----------
    points
        Coordinates [um], shape (n, 3).
    """

    def __init__(self, points: np.ndarray, connectivity: np.ndarray, offsets: np.ndarray, region: np.ndarray) -> None:
        self.points, self._connectivity, self._offsets, self._region = points, connectivity, offsets, region

    def cells(self, region: int) -> np.ndarray:
        """Return the connectivity of the cells in `region`, shape (m, k)."""
        chosen = np.flatnonzero(self._region == region)
        if not chosen.size:
            return np.empty((0, 0), dtype=np.int64)
        width = int(self._offsets[chosen[0] + 1] - self._offsets[chosen[0]])
        return self._connectivity[self._offsets[chosen][:, None] + np.arange(width)]

    def whole(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the connectivity of all cells in one row, where each cell ends in it, and the region of each."""
        return self._connectivity, self._offsets[1:], self._region

    @cached_property
    def section(self) -> Section:
        """The electrolyte in the plane z = 0: the whole mesh in 2D, a symmetry plane in 3D."""
        triangles = self.cells(ELECTROLYTE)
        if triangles.shape[1] == 4:
            triangles = self._faces_at_zero(triangles)
        ids, local = np.unique(triangles, return_inverse=True)
        return Section(ids, self.points[ids, :2], local.reshape(triangles.shape))

    @cached_property
    def crack_line(self) -> np.ndarray:
        """Points of the crack plane on the line x = z = 0, from the anode face on; shape (n,)."""
        ids = np.unique(self.cells(CRACK_PLANE))
        ids = ids[np.abs(self.points[ids, 2]) <= self._tolerance]
        return ids[np.argsort(self.points[ids, 1], kind="stable")]

    @property
    def _tolerance(self) -> float:
        return 1e-9 * float(np.ptp(self.points, axis=0).max())

    def _faces_at_zero(self, tetrahedra: np.ndarray) -> np.ndarray:
        """Faces of the tetrahedra that lie in z = 0, shape (m, 3)."""
        on_plane = np.abs(self.points[:, 2]) <= self._tolerance
        faces = np.vstack([tetrahedra[:, list(c)] for c in combinations(range(4), 3)])
        return faces[on_plane[faces].all(axis=1)]


class FieldFile:
    """Fields of one run; arrays are read when asked for, so the file may be larger than the memory."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            with h5py.File(self.path, "r", locking=False) as file:
                root = file["VTKHDF"]
                count = int(root["Steps"].attrs["NSteps"])
                self.times = np.asarray(root["Steps/Values"][:count])
                self.names = tuple(root["PointData"])
                self._part = np.asarray(root["Steps/PartOffsets"][:count])
                """Number of the mesh of each step."""
            self._grids = {0: self._read_grid(0)}
        except (OSError, KeyError) as error:
            remedy = "Give the fields.vtkhdf of a run folder"
            raise InputError(f"cannot be read as stored fields ({error})", file=path, remedy=remedy) from error

    def array(self, name: str, step: int) -> np.ndarray:
        """Point array at stored `step` (negative counts from the end), shape (n,) or (n, components).

        `name` is that of the array, or of the quantity without the unit.
        """
        try:
            name = quantities.key_among(name, self.names, field=True)
        except KeyError:
            known = f"Use one of {', '.join(self.names)}"
            raise InputError("no such point array", file=self.path, key=name, remedy=known) from None
        step = range(len(self.times))[step]
        count = len(self.grid(step).points)
        with h5py.File(self.path, "r", locking=False) as file:
            first = int(file["VTKHDF/Steps/PointDataOffsets"][name][step])
            return np.asarray(file["VTKHDF/PointData"][name][first : first + count])

    def grid(self, step: int = 0) -> Grid:
        """Return the mesh of a stored step; the first one of a file without steps."""
        number = int(self._part[step]) if len(self._part) else 0
        if number not in self._grids:
            self._grids[number] = self._read_grid(number)
        return self._grids[number]

    def _read_grid(self, number: int) -> Grid:
        with h5py.File(self.path, "r", locking=False) as file:
            root = file["VTKHDF"]
            counts = (root[f"NumberOf{name}"] for name in ("Points", "Cells", "ConnectivityIds"))
            points, cells, ids = (_span(count, number) for count in counts)
            offsets = slice(cells.start + number, cells.stop + number + 1)
            return Grid(
                np.asarray(root["Points"][points]),
                np.asarray(root["Connectivity"][ids]),
                np.asarray(root["Offsets"][offsets]),
                np.asarray(root["CellData/region"][cells]),
            )

    @cached_property
    def thickness(self) -> float:
        """Thickness of the electrolyte L [um]."""
        return float(self.grid().points[:, 1].max())

    @cached_property
    def diffuse(self) -> bool:
        """Whether the crack is a damage field of the bulk, without a surface of its own."""
        return not len(self.grid().cells(CRACK_PLANE))

    def nearest(self, time: float) -> int:
        """Return the stored step nearest to `time` [s]."""
        return int(np.argmin(np.abs(self.times - time)))

    def spread(self, count: int) -> list[int]:
        """Up to `count` stored steps spread evenly in time, the first and the last among them."""
        if len(self.times) <= count:
            return list(range(len(self.times)))
        return sorted({self.nearest(t) for t in np.linspace(self.times[0], self.times[-1], count)})

    def largest(self, name: str, ids: np.ndarray, steps: Iterable[int]) -> float:
        """Largest value of a scalar array over some points and steps."""
        return max((float(self.array(name, k)[ids].max()) for k in steps), default=0.0)


def _span(counts: h5py.Dataset, number: int) -> slice:
    """Return where the entries of a mesh lie, from the counts of all meshes."""
    upto = np.cumsum(counts[: number + 1])
    return slice(int(upto[-1] - counts[number]), int(upto[-1]))
