"""One temporal VTKHDF file per run: point arrays appended in time, on a mesh that may be replaced by another one.

The layout follows the VTKHDF 2.0 specification of an `UnstructuredGrid` with a `Steps` group, read by
VTK >= 9.3 (ParaView >= 5.12). A geometry is stored once, as a part, and every step points to its own by offsets; each
step adds its point arrays. The file is closed between steps, so it may be opened while the run goes on, and a
run that is killed leaves all the steps it had written.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

VERTICES_OF = {1: 1, 3: 2, 5: 3, 9: 4, 10: 4, 12: 8}
"""Vertices of each VTK cell type used: vertex, line, triangle, quadrangle, tetrahedron, hexahedron."""

_OVERHEAD = 65536
"""Bytes that HDF5 may take besides the arrays, with a margin."""
_CHUNK_ROWS = 65536
_STEP_CHUNK = (256,)
# An old file format on purpose: the HDF5 inside older ParaViews reads it, and it carries no "open for
# writing" mark that a killed run would leave behind.
_LIBVER = ("v108", "v108")
_FLAT = ("PartOffsets", "NumberOfParts", "PointOffsets", "CellDataOffsets/region")
_BY_TOPOLOGY = ("CellOffsets", "ConnectivityIdOffsets")
_COUNTS = ("NumberOfPoints", "NumberOfCells", "NumberOfConnectivityIds")
_BY_CELL = ("Types", "CellData/region")

Cells = Sequence[tuple[int, npt.NDArray[np.integer]]]


@dataclass(frozen=True)
class Part:
    """One geometry in the file: its number, how much of everything lies before it, and how much is its own."""

    number: int
    points_before: int
    cells_before: int
    ids_before: int
    points: int
    cells: int
    ids: int

    @classmethod
    def last_of(cls, root: h5py.Group, number: int) -> "Part":
        """Return the geometry of a number."""
        counts = [root[name][: number + 1] for name in _COUNTS]
        return cls(number, *(int(c[:-1].sum()) for c in counts), *(int(c[-1]) for c in counts))

    @property
    def offsets(self) -> dict[str, int]:
        """Return what a step on this geometry says of it."""
        return {
            "PartOffsets": self.number,
            "NumberOfParts": 1,
            "PointOffsets": self.points_before,
            "CellDataOffsets/region": self.cells_before,
            "CellOffsets": self.cells_before,
            "ConnectivityIdOffsets": self.ids_before,
        }


class TemporalGrid:
    """Writer of a temporal VTKHDF unstructured grid.

    Plain NumPy and h5py: call it on one rank only.

    Parameters
    ----------
    path
        File to create; an existing one is replaced.
    points
        Coordinates [um], shape (n, 3).
    cells
        Blocks `(vtk_cell_type, connectivity (m, k))`, written in this order.
    region
        Region number of every cell, in the order of `cells`.
    point_arrays
        Name -> number of components of every array given later to `append`.
    dtype
        Precision on disk of the point arrays; single precision halves the file.
    """

    def __init__(
        self,
        path: str | Path,
        points: npt.NDArray[np.floating],
        cells: Cells,
        region: npt.NDArray[np.integer],
        point_arrays: Mapping[str, int],
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.path = Path(path)
        self._arrays = dict(point_arrays)
        self._times: list[float] = []
        self._rows = 0
        """Rows of point arrays written so far."""
        geometry = _geometry(points, cells, region)
        with _disk(self.path, geometry.values()), _opened(self.path, "w") as file:
            root = file.create_group("VTKHDF")
            root.attrs["Version"] = np.array([2, 0], dtype=np.int64)
            root.attrs.create("Type", np.bytes_("UnstructuredGrid"))
            _create_geometry(root)
            _create_steps(root, self._arrays, len(geometry["Points"]), np.dtype(dtype))
            self._part = _add_geometry(root, geometry, 0)

    @classmethod
    def reopen(cls, path: str | Path, *, until: float = np.inf) -> "TemporalGrid":
        """Continue a file of an earlier run, after dropping the steps later than `until` [s].

        Raises
        ------
        OSError
            If the file is damaged, as by a kill while a step was being written.
        """
        try:
            return cls._reopened(Path(path), until)
        except (OSError, KeyError) as error:
            raise OSError(f"{path} cannot be continued ({error}); move it away to begin a new one") from None

    @classmethod
    def _reopened(cls, path: Path, until: float) -> "TemporalGrid":
        grid = cls.__new__(cls)
        grid.path = path
        with _opened(grid.path, "r+") as file:
            root = file["VTKHDF"]
            steps = root["Steps"]
            grid._arrays = {name: 1 if array.ndim == 1 else array.shape[1] for name, array in root["PointData"].items()}
            times = steps["Values"][: int(steps.attrs["NSteps"])]
            grid._times = [float(t) for t in times[times <= until]]
            kept = len(grid._times)
            grid._part = Part.last_of(root, int(steps["PartOffsets"][kept - 1]) if kept else 0)
            first = [int(steps["PointDataOffsets"][name][kept - 1]) for name in grid._arrays] if kept else []
            grid._rows = max(first) + grid._part.points if first else 0
            _count(root, grid._times)
            _cut_geometry(root, grid._part)
            _resize(root, grid._arrays, kept, grid._rows)
        return grid

    def remesh(self, points: npt.NDArray[np.floating], cells: Cells, region: npt.NDArray[np.integer]) -> None:
        """Give the geometry of all steps that are appended from now on, as at creation (the present one: nothing)."""
        geometry, now = _geometry(points, cells, region), self._part
        with _disk(self.path, geometry.values()), _opened(self.path, "r+") as file:
            root = file["VTKHDF"]
            held = {
                "Points": slice(now.points_before, now.points_before + now.points),
                "Connectivity": slice(now.ids_before, now.ids_before + now.ids),
            }
            if all(np.array_equal(root[name][span], geometry[name]) for name, span in held.items()):
                return
            _cut_geometry(root, self._part)  # what an attempt left that met a full disk
            self._part = _add_geometry(root, geometry, self._part.number + 1)

    @property
    def times(self) -> tuple[float, ...]:
        """Times [s] written so far."""
        return tuple(self._times)

    def append(self, time: float, arrays: Mapping[str, npt.NDArray[np.floating]]) -> None:
        """Write the state at `time` [s]; all arrays declared at creation, shape (n,) or (n, components).

        Raises
        ------
        OSError
            Also for a disk that is full.
        """
        if set(arrays) != set(self._arrays):
            wrong = sorted(set(arrays) ^ set(self._arrays))
            raise ValueError(f"point arrays missing or not declared: {', '.join(wrong)}")
        if self._times and time <= self._times[-1]:
            raise ValueError(f"time {time} s is not after the last one written, {self._times[-1]} s")
        data = {name: self._shaped(name, np.asarray(values)) for name, values in arrays.items()}
        with _disk(self.path, data.values()):
            self._write(time, data)
        self._times.append(float(time))
        self._rows += self._part.points

    def _write(self, time: float, data: Mapping[str, npt.NDArray[np.floating]]) -> None:
        first = self._rows
        with _opened(self.path, "r+") as file:
            root = file["VTKHDF"]
            _resize(root, self._arrays, len(self._times) + 1, first + self._part.points)
            for name, values in data.items():
                root["PointData"][name][first:] = values
                root["Steps/PointDataOffsets"][name][-1] = first
            for name, value in self._part.offsets.items():
                root["Steps"][name][-1] = value
            file.flush()
            # Counted last: until here a reader sees the file as it was before.
            _count(root, [*self._times, time])

    def close(self) -> None:
        """Nothing to do: the file is closed after every step; kept so that callers need not know."""

    def __enter__(self) -> "TemporalGrid":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _shaped(self, name: str, values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """`values` in the shape it has on disk, or ValueError."""
        ncomp = self._arrays[name]
        n = self._part.points
        shape = (n,) if ncomp == 1 else (n, ncomp)
        if values.size != n * ncomp:
            raise ValueError(f"{name} must have shape {shape}, not {values.shape}")
        return values.reshape(shape)


def _opened(path: Path, mode: str) -> h5py.File:
    """Open without HDF5's lock: a viewer that keeps the file open must not stop a state from being stored."""
    return h5py.File(path, mode, libver=_LIBVER, locking=False)


@contextmanager
def _disk(path: Path, data: Iterable[npt.NDArray[Any]]) -> Iterator[None]:
    """Raise OSError for a full disk before anything is written: HDF5 does not survive a file that it cannot close."""
    needed = sum(array.nbytes for array in data) + _OVERHEAD
    about = os.statvfs(path.parent)
    if (room := about.f_bavail * about.f_frsize) < needed:
        raise OSError(errno.ENOSPC, f"no space left: {needed} bytes are needed, {room} are free", str(path))
    try:
        yield
    except RuntimeError as error:
        raise OSError(f"{path.name} could not be written ({error})") from None


def _geometry(points: npt.NDArray[np.floating], cells: Cells, region: npt.NDArray[np.integer]) -> dict[str, np.ndarray]:
    """All arrays of a geometry, by their names in the file, or ValueError."""
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points must have shape (n, 3), not {points.shape}")
    types, connectivity, offsets = _flatten(cells, len(points))
    region = np.asarray(region, dtype=np.int32)
    if region.shape != types.shape:
        raise ValueError(f"region must have one value per cell, {types.size}, not {region.shape}")
    return {
        "Points": points,
        "Types": types,
        "Connectivity": connectivity,
        "Offsets": offsets,
        "CellData/region": region,
    }


def _flatten(cells: Cells, n_points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cell types, connectivity and offsets as VTK wants them; checks vertex counts and node numbers."""
    types, nodes, sizes = [], [], []
    for cell_type, connectivity in cells:
        block = np.asarray(connectivity, dtype=np.int64)
        if block.ndim != 2 or block.shape[1] != VERTICES_OF.get(cell_type, block.shape[-1]):
            raise ValueError(f"connectivity of VTK cell type {cell_type} has shape {block.shape}")
        types.append(np.full(len(block), cell_type, dtype=np.uint8))
        nodes.append(block.ravel())
        sizes.append(np.full(len(block), block.shape[1], dtype=np.int64))
    connectivity = np.concatenate(nodes)
    if connectivity.size and (connectivity.min() < 0 or connectivity.max() >= n_points):
        raise ValueError("connectivity refers to points that do not exist")
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    return np.concatenate(types), connectivity, offsets


def _create_geometry(root: h5py.Group) -> None:
    """Empty, growable arrays for geometries."""
    packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    for name in _COUNTS:
        root.create_dataset(name, shape=(0,), maxshape=(None,), dtype=np.int64, chunks=_STEP_CHUNK)
    root.create_dataset("Points", shape=(0, 3), maxshape=(None, 3), dtype=np.float64, **packed)
    kinds = {"Types": np.uint8, "Connectivity": np.int64, "Offsets": np.int64, "CellData/region": np.int32}
    for name, dtype in kinds.items():
        root.create_dataset(name, shape=(0,), maxshape=(None,), dtype=dtype, **packed)


def _add_geometry(root: h5py.Group, geometry: Mapping[str, np.ndarray], number: int) -> Part:
    """Append a geometry; its counts come last, so that a file is whole whenever a run is killed."""
    for name, values in geometry.items():
        array = root[name]
        array.resize(len(array) + len(values), axis=0)
        array[len(array) - len(values) :] = values
    for name, key in zip(_COUNTS, ("Points", "Types", "Connectivity"), strict=True):
        root[name].resize(number + 1, axis=0)
        root[name][number] = len(geometry[key])
    return Part.last_of(root, number)


def _cut_geometry(root: h5py.Group, last: Part) -> None:
    """Drop what lies behind a geometry."""
    points, cells = last.points_before + last.points, last.cells_before + last.cells
    lengths = {
        "Points": points,
        "Connectivity": last.ids_before + last.ids,
        "Offsets": cells + last.number + 1,
        **dict.fromkeys(_BY_CELL, cells),
        **dict.fromkeys(_COUNTS, last.number + 1),
    }
    for name, length in lengths.items():
        root[name].resize(length, axis=0)


def _create_steps(root: h5py.Group, arrays: Mapping[str, int], n_points: int, dtype: np.dtype) -> None:
    """Empty, growable arrays for the steps."""
    steps = root.create_group("Steps")
    steps.attrs["NSteps"] = np.int64(0)
    steps.create_dataset("Values", shape=(0,), maxshape=(None,), dtype=np.float64, chunks=_STEP_CHUNK)
    for name in _FLAT:
        steps.create_dataset(name, shape=(0,), maxshape=(None,), dtype=np.int64, chunks=_STEP_CHUNK)
    for name in _BY_TOPOLOGY:
        steps.create_dataset(name, shape=(0, 1), maxshape=(None, 1), dtype=np.int64, chunks=(*_STEP_CHUNK, 1))
    offsets = steps.create_group("PointDataOffsets")
    data = root.create_group("PointData")
    for name, ncomp in arrays.items():
        offsets.create_dataset(name, shape=(0,), maxshape=(None,), dtype=np.int64, chunks=_STEP_CHUNK)
        tail = () if ncomp == 1 else (ncomp,)
        data.create_dataset(
            name,
            shape=(0, *tail),
            maxshape=(None, *tail),
            dtype=dtype,
            chunks=(max(1, min(n_points, _CHUNK_ROWS // ncomp)), *tail),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )


def _resize(root: h5py.Group, arrays: Mapping[str, int], n_steps: int, rows: int) -> None:
    """Bring all arrays of steps but the times to `n_steps`, and point arrays to their rows."""
    steps = root["Steps"]
    for name in (*_FLAT, *_BY_TOPOLOGY, *(f"PointDataOffsets/{a}" for a in arrays)):
        steps[name].resize(n_steps, axis=0)
    for name in arrays:
        root["PointData"][name].resize(rows, axis=0)


def _count(root: h5py.Group, times: Sequence[float]) -> None:
    """Make `times` [s] the steps that readers see; VTK wants as many values as `NSteps` says."""
    steps = root["Steps"]
    steps["Values"].resize(len(times), axis=0)
    steps["Values"][:] = times
    steps.attrs["NSteps"] = np.int64(len(times))
