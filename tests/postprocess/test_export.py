"""Exported states as VTK's own reader for older programs sees them."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.postprocess.export import export
from lifrac.postprocess.read.field_file import FieldFile
from lifrac.problems.cli.main import main
from support.short_runs import short_run


@pytest.mark.parametrize("name", ["llzo_holds", "llzo_inclined", "llzo_half_penny"])
def test_all_states_read_back(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2D with surfaces, a whole body with a diffuse crack, 3D."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOXML import vtkXMLUnstructuredGridReader

    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "fields.vtkhdf").symlink_to(short_run(name) / "fields.vtkhdf")
    assert main(["export", str(folder)]) == 0
    pvd = folder / "vtu" / "fields.pvd"
    assert capsys.readouterr().out.strip() == str(pvd)
    fields = FieldFile(folder / "fields.vtkhdf")
    stored = ElementTree.parse(pvd).getroot().findall("Collection/DataSet")
    assert [float(entry.attrib["timestep"]) for entry in stored] == list(fields.times)
    for step, entry in enumerate(stored):
        reader = vtkXMLUnstructuredGridReader()
        reader.SetFileName(str(pvd.parent / entry.attrib["file"]))
        reader.Update()
        grid, ours = reader.GetOutput(), fields.grid(step)
        np.testing.assert_array_equal(vtk_to_numpy(grid.GetPoints().GetData()), ours.points)
        region = vtk_to_numpy(grid.GetCellData().GetArray("region"))
        for number in np.unique(region):
            cells = ours.cells(int(number))
            theirs = []
            for k in np.flatnonzero(region == number)[:20]:  # what GetCell gives is overwritten by the next one
                points = grid.GetCell(int(k)).GetPointIds()
                theirs.append([points.GetId(i) for i in range(points.GetNumberOfIds())])
            np.testing.assert_array_equal(theirs, cells[:20])
            solid = {2: 1, 3: 2, 4: 3}[cells.shape[1]]
            assert grid.GetCell(int(np.argmax(region == number))).GetCellDimension() == solid
        data = grid.GetPointData()
        assert {data.GetArrayName(i) for i in range(data.GetNumberOfArrays())} == set(fields.names)
        for array in fields.names:
            np.testing.assert_array_equal(vtk_to_numpy(data.GetArray(array)), fields.array(array, step))
    assert sorted(p.suffix for p in pvd.parent.iterdir()) == [".pvd", *[".vtu"] * len(stored)]


def test_a_folder_without_fields_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="Give the fields"):
        export(tmp_path)
    assert main(["export", str(tmp_path)]) == 2
    assert list(tmp_path.iterdir()) == []
