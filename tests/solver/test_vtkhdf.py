"""The field file is read back with VTK's own reader, the one inside ParaView."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lifrac.solver.output.vtkhdf import TemporalGrid

ARRAYS = {"potential_V": 1, "displacement_um": 3, "stress_MPa": 6}
POINTS_2D = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 1, 0]], dtype=float)
CELLS_2D = [(5, np.array([[0, 1, 2], [0, 2, 3]])), (3, np.array([[4, 5]]))]
POINTS_3D = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 1]], float)
CELLS_3D = [(10, np.array([[0, 1, 2, 3]])), (5, np.array([[4, 5, 6]]))]


def state(n: int, k: int) -> dict[str, np.ndarray]:
    """Values that differ in every point, component and step."""
    return {
        name: (100.0 * k + np.arange(n * c, dtype=float)).reshape((n, c) if c > 1 else (n,))
        for name, c in ARRAYS.items()
    }


def read(path: Path, k: int) -> tuple:
    """Points, cell types, connectivity, regions and point arrays at step `k`, through VTK."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOHDF import vtkHDFReader

    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.SetStep(k)
    reader.Update()
    out = reader.GetOutputDataObject(0)
    cells = out.GetCells()
    data = out.GetPointData()
    return (
        vtk_to_numpy(out.GetPoints().GetData()),
        [out.GetCellType(i) for i in range(out.GetNumberOfCells())],
        vtk_to_numpy(cells.GetConnectivityArray()),
        vtk_to_numpy(out.GetCellData().GetArray("region")),
        {data.GetArrayName(i): vtk_to_numpy(data.GetArray(i)) for i in range(data.GetNumberOfArrays())},
    )


def vtk_times(path: Path) -> list[float]:
    from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline
    from vtkmodules.vtkIOHDF import vtkHDFReader

    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    return list(reader.GetOutputInformation(0).Get(vtkStreamingDemandDrivenPipeline.TIME_STEPS()))


@pytest.mark.parametrize(
    ("points", "cells", "region", "types"),
    [(POINTS_2D, CELLS_2D, [0, 0, 1], [5, 5, 3]), (POINTS_3D, CELLS_3D, [0, 1], [10, 5])],
    ids=["2D", "3D"],
)
def test_vtk_reads_every_step(
    tmp_path: Path, points: np.ndarray, cells: list, region: list[int], types: list[int]
) -> None:
    path = tmp_path / "fields.vtkhdf"
    times = [0.0, 1.5, 40.0]
    with TemporalGrid(path, points, cells, np.array(region), ARRAYS) as grid:
        for k, t in enumerate(times):
            grid.append(t, state(len(points), k))
    assert vtk_times(path) == times
    for k in (2, 0, 1):
        got_points, got_types, connectivity, got_region, arrays = read(path, k)
        np.testing.assert_array_equal(got_points, points)
        assert got_types == types
        np.testing.assert_array_equal(connectivity, np.concatenate([c.ravel() for _, c in cells]))
        np.testing.assert_array_equal(got_region, region)
        for name, values in state(len(points), k).items():
            np.testing.assert_array_equal(arrays[name], values)


def test_killed_run_leaves_its_steps(tmp_path: Path) -> None:
    path = tmp_path / "fields.vtkhdf"
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2]);"
        "from test_vtkhdf import *;"
        "g = TemporalGrid(sys.argv[1], POINTS_2D, CELLS_2D, np.array([0, 0, 1]), ARRAYS);"
        "[g.append(float(k), state(6, k)) for k in range(3)];"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path), str(Path(__file__).parent)])
    assert done.returncode == -signal.SIGKILL
    assert vtk_times(path) == [0.0, 1.0, 2.0]
    np.testing.assert_array_equal(read(path, 2)[4]["stress_MPa"], state(6, 2)["stress_MPa"])


def test_reopen_drops_later_steps_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "fields.vtkhdf"
    grid = TemporalGrid(path, POINTS_2D, CELLS_2D, np.array([0, 0, 1]), ARRAYS)
    for k in range(4):
        grid.append(float(k), state(6, k))
    again = TemporalGrid.reopen(path, until=1.2)
    assert again.times == (0.0, 1.0)
    again.append(1.7, state(6, 9))
    assert vtk_times(path) == [0.0, 1.0, 1.7]
    for k, origin in enumerate((0, 1, 9)):
        written = state(6, origin)["displacement_um"]
        np.testing.assert_array_equal(read(path, k)[4]["displacement_um"], written)


def test_half_written_step_is_dropped_on_reopen(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "fields.vtkhdf"
    grid = TemporalGrid(path, POINTS_2D, CELLS_2D, np.array([0, 0, 1]), ARRAYS)
    grid.append(0.0, state(6, 0))
    grid.append(1.0, state(6, 1))
    with h5py.File(path, "r+") as file:  # as if killed after the first array of the third step
        file["VTKHDF/PointData/potential_V"].resize(18, axis=0)
        for name in ("PointDataOffsets/potential_V", "PointOffsets", "NumberOfParts", "CellOffsets"):
            file["VTKHDF/Steps"][name].resize(3, axis=0)
    assert vtk_times(path) == [0.0, 1.0]
    np.testing.assert_array_equal(read(path, 1)[4]["potential_V"], state(6, 1)["potential_V"])
    TemporalGrid.reopen(path).append(2.0, state(6, 2))
    np.testing.assert_array_equal(read(path, 2)[4]["potential_V"], state(6, 2)["potential_V"])


def test_wrong_input_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fields.vtkhdf"
    region = np.array([0, 0, 1])
    with pytest.raises(ValueError, match="shape"):
        TemporalGrid(path, POINTS_2D[:, :2], CELLS_2D, region, ARRAYS)
    with pytest.raises(ValueError, match="one value per cell, 3"):
        TemporalGrid(path, POINTS_2D, CELLS_2D, region[:2], ARRAYS)
    with pytest.raises(ValueError, match="points that do not exist"):
        TemporalGrid(path, POINTS_2D[:5], CELLS_2D, region, ARRAYS)
    grid = TemporalGrid(path, POINTS_2D, CELLS_2D, region, ARRAYS)
    grid.append(1.0, state(6, 0))
    with pytest.raises(ValueError, match="not after the last"):
        grid.append(1.0, state(6, 1))
    with pytest.raises(ValueError, match="stress_MPa"):
        grid.append(2.0, {n: v for n, v in state(6, 1).items() if n != "stress_MPa"})
    with pytest.raises(ValueError, match="displacement_um must have shape"):
        grid.append(2.0, state(6, 1) | {"displacement_um": np.zeros((6, 2))})


@pytest.mark.parametrize("order", ["h5py, lifrac.backend", "lifrac.backend, h5py"])
def test_h5py_and_dolfinx_live_in_one_process(tmp_path: Path, order: str) -> None:
    """Two HDF5 libraries are loaded then: the wheel's own and h5py's."""
    script = (
        f"import {order}, sys; from mpi4py import MPI; import numpy as np; import dolfinx;"
        "from dolfinx.io import XDMFFile;"
        "m = dolfinx.mesh.create_unit_square(MPI.COMM_SELF, 2, 2);"
        "f = XDMFFile(MPI.COMM_SELF, sys.argv[1] + '/a.xdmf', 'w'); f.write_mesh(m); f.close();"
        "h5py.File(sys.argv[1] + '/b.h5', 'w').create_dataset('x', data=np.arange(4));"
        "assert h5py.File(sys.argv[1] + '/a.h5')['Mesh/mesh/geometry'].shape == (9, 2)"
    )
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=env)


def _square(k: int) -> tuple[np.ndarray, list, np.ndarray]:
    """A square cut into k x k squares of two triangles each: points, cells, regions."""
    x = np.linspace(0.0, 1.0, k + 1)
    points = np.stack([*(a.ravel() for a in np.meshgrid(x, x)), np.zeros((k + 1) ** 2)], axis=1)
    corner = (np.arange(k)[:, None] * (k + 1) + np.arange(k)).ravel()
    lower = np.stack([corner, corner + 1, corner + k + 2], 1)
    upper = np.stack([corner, corner + k + 2, corner + k + 1], 1)
    return points, [(5, np.vstack([lower, upper]))], np.arange(2 * k * k)


def test_vtk_reads_every_step_on_its_own_mesh_also_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "fields.vtkhdf"
    meshes = {1: _square(1), 2: _square(2), 3: _square(3)}
    grid = TemporalGrid(path, *meshes[1], ARRAYS)
    on = [1, 1, 2, 3, 3]
    for k, size in enumerate(on):
        if k and size != on[k - 1]:
            grid.remesh(*meshes[size])
        grid.append(float(k), state(len(meshes[size][0]), k))

    def check(step: int, size: int, number: int) -> None:
        points, cells, region = meshes[size]
        got_points, got_types, connectivity, got_region, arrays = read(path, step)
        np.testing.assert_array_equal(got_points, points)
        assert got_types == [5] * len(region)
        np.testing.assert_array_equal(connectivity, cells[0][1].ravel())
        np.testing.assert_array_equal(got_region, region)
        for name, values in state(len(points), number).items():
            np.testing.assert_array_equal(arrays[name], values)

    for k in (4, 0, 2, 1, 3):
        check(k, on[k], k)
    again = TemporalGrid.reopen(path, until=2.5)  # on the second mesh; the third is dropped
    again.append(2.7, state(9, 7))
    again.remesh(*meshes[3])
    again.append(2.8, state(16, 8))
    assert vtk_times(path) == [0.0, 1.0, 2.0, 2.7, 2.8]
    check(3, 2, 7)
    check(4, 3, 8)
    check(1, 1, 1)


def test_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "fields.vtkhdf"
    path.write_bytes(b"\x89HDF\r\n nonsense")
    with pytest.raises(OSError, match=r"cannot be continued.*move it away"):
        TemporalGrid.reopen(path)
