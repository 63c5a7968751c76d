"""One temporal VTKHDF file per run: fixed geometry, point arrays appended in time.

The layout follows the VTKHDF 2.0 specification of an `UnstructuredGrid` with a `Steps` group, read by
VTK >= 9.3 (ParaView >= 5.12). The geometry is stored once and every step points to it by zero offsets; each
step adds its point arrays. The file is closed between steps, so it may be opened while the run goes on, and a
run that is killed leaves all the steps it had written.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

VERTICES_OF = {1: 1, 3: 2, 5: 3, 9: 4, 10: 4, 12: 8}
"""Vertices of each VTK cell type used: vertex, line, triangle, quadrangle, tetrahedron, hexahedron."""

_CHUNK_ROWS = 65536
_STEP_CHUNK = (256,)
# An old file format on purpose: the HDF5 inside older ParaViews reads it, and it carries no "open for
# writing" mark that a killed run would leave behind.
_LIBVER = ("v108", "v108")
_FLAT = ("PartOffsets", "NumberOfParts", "PointOffsets", "CellDataOffsets/region")
_BY_TOPOLOGY = ("CellOffsets", "ConnectivityIdOffsets")

Cells = Sequence[tuple[int, npt.NDArray[np.integer]]]


class TemporalGrid:
    """Writer of a temporal VTKHDF unstructured grid with geometry that does not change.

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
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points must have shape (n, 3), not {points.shape}")
        self._n_points = len(points)
        self._arrays = dict(point_arrays)
        self._times: list[float] = []
        types, connectivity, offsets = _flatten(cells, self._n_points)
        region = np.asarray(region, dtype=np.int32)
        if region.shape != types.shape:
            raise ValueError(f"region must have one value per cell, {types.size}, not {region.shape}")
        with h5py.File(self.path, "w", libver=_LIBVER) as file:
            root = file.create_group("VTKHDF")
            root.attrs["Version"] = np.array([2, 0], dtype=np.int64)
            root.attrs.create("Type", np.bytes_("UnstructuredGrid"))
            _write_geometry(root, points, types, connectivity, offsets, region)
            _create_steps(root, self._arrays, self._n_points, np.dtype(dtype))

    @classmethod
    def reopen(cls, path: str | Path, *, until: float = np.inf) -> "TemporalGrid":
        """Continue a file of an earlier run, after dropping the steps later than `until` [s]."""
        grid = cls.__new__(cls)
        grid.path = Path(path)
        with h5py.File(grid.path, "r+", libver=_LIBVER) as file:
            root = file["VTKHDF"]
            steps = root["Steps"]
            grid._n_points = int(root["NumberOfPoints"][0])
            grid._arrays = {
                name: 1 if array.ndim == 1 else array.shape[1] for name, array in root["PointData"].items()
            }
            times = steps["Values"][: int(steps.attrs["NSteps"])]
            grid._times = [float(t) for t in times[times <= until]]
            _count(root, grid._times)
            _resize(root, grid._arrays, len(grid._times), n_points=grid._n_points)
        return grid

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
        try:
            self._write(time, data)
        except RuntimeError as error:  # h5py's word for a full disk
            raise OSError(f"{self.path.name} could not be written ({error})") from None
        self._times.append(float(time))

    def _write(self, time: float, data: Mapping[str, npt.NDArray[np.floating]]) -> None:
        first = len(self._times) * self._n_points
        with h5py.File(self.path, "r+", libver=_LIBVER) as file:
            root = file["VTKHDF"]
            _resize(root, self._arrays, len(self._times) + 1, n_points=self._n_points)
            for name, values in data.items():
                root["PointData"][name][first:] = values
                root["Steps/PointDataOffsets"][name][-1] = first
            root["Steps/NumberOfParts"][-1] = 1
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
        shape = (self._n_points,) if ncomp == 1 else (self._n_points, ncomp)
        if values.size != self._n_points * ncomp:
            raise ValueError(f"{name} must have shape {shape}, not {values.shape}")
        return values.reshape(shape)


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


def _write_geometry(
    root: h5py.Group,
    points: np.ndarray,
    types: np.ndarray,
    connectivity: np.ndarray,
    offsets: np.ndarray,
    region: np.ndarray,
) -> None:
    """The part of the file that never changes."""
    packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    for name, count in (
        ("NumberOfPoints", len(points)),
        ("NumberOfCells", types.size),
        ("NumberOfConnectivityIds", connectivity.size),
    ):
        root.create_dataset(name, data=np.array([count], dtype=np.int64))
    root.create_dataset("Points", data=points, **packed)
    root.create_dataset("Types", data=types, **packed)
    root.create_dataset("Connectivity", data=connectivity, **packed)
    root.create_dataset("Offsets", data=offsets, **packed)
    root.create_group("CellData").create_dataset("region", data=region, **packed)


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


def _resize(root: h5py.Group, arrays: Mapping[str, int], n_steps: int, *, n_points: int) -> None:
    """Bring all growable arrays but the times to `n_steps`; new offsets are zero: the one geometry."""
    steps = root["Steps"]
    for name in (*_FLAT, *_BY_TOPOLOGY, *(f"PointDataOffsets/{a}" for a in arrays)):
        steps[name].resize(n_steps, axis=0)
    for name in arrays:
        root["PointData"][name].resize(n_steps * n_points, axis=0)


def _count(root: h5py.Group, times: Sequence[float]) -> None:
    """Make `times` [s] the steps that readers see; VTK wants as many values as `NSteps` says."""
    steps = root["Steps"]
    steps["Values"].resize(len(times), axis=0)
    steps["Values"][:] = times
    steps.attrs["NSteps"] = np.int64(len(times))
