"""Reading run folders: complete, still running, killed, and none at all."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.postprocess.figures.plot_history import history_figure
from lifrac.postprocess.read.field_file import ANODE, CRACK_PLANE, ELECTROLYTE, FieldFile
from lifrac.postprocess.read.run_result import RunResult
from lifrac.quantities import HISTORY_COLUMNS
from lifrac.solver.output.vtkhdf import TemporalGrid
from support.synthetic_run import THICKNESS, MakeRun


def test_complete_run(make_run: MakeRun) -> None:
    run = RunResult.load(make_run(rows=60))
    assert tuple(run.history.columns) == HISTORY_COLUMNS
    assert len(run.history) == 60
    assert run.outcome == "short_circuit"
    assert list(run.events["event"]) == ["fracture", "crack_through", "short_circuit"]
    assert run.case["title"] == "synthetic"
    assert run.manifest["synthetic"]


def test_killed_run_is_read_up_to_its_last_complete_row(make_run: MakeRun) -> None:
    folder = make_run(rows=20)
    (folder / "summary.json").unlink()
    with open(folder / "history.csv", "a", encoding="utf-8") as file:
        file.write("20,730.0,1.0,0,4.0")
    with open(folder / "events.jsonl", "a", encoding="utf-8") as file:
        file.write('{"time_s": 73')
    run = RunResult.load(folder)
    assert len(run.history) == 20
    assert len(run.events) == 3
    assert run.outcome is None


def test_older_runs_are_read(make_run: MakeRun) -> None:
    """Columns that came later are missing, others stand in another order; what was not written is what it was."""
    folder = make_run(rows=20)
    now = RunResult.load(folder).history
    late = HISTORY_COLUMNS[HISTORY_COLUMNS.index("energy_balance_error") + 1 :]  # all that came after the first version
    older = now.drop(columns=list(late))[sorted(set(now) - set(late))]
    older.to_csv(folder / "history.csv", index=False)
    run = RunResult.load(folder)
    assert set(run.history) == set(HISTORY_COLUMNS)
    assert np.allclose(run["crack_tip"], now["crack_tip_um"])
    assert np.allclose(run["crack_tip_um"], now["crack_tip_um"])
    assert (run.history[["contact_anode", "contact_counter", "toughness_factor"]] == 1.0).all(axis=None)
    assert (run["cycle"] == 0.0).all()
    assert run["stack_pressure"].isna().all()
    with pytest.raises(KeyError, match="crack_tip"):
        run["crack_tipp"]


def test_a_run_with_quantities_of_its_own_is_read_and_drawn(make_run: MakeRun) -> None:
    """Also where nobody has registered them: the unit is the end of the name; numbers that are none are kept."""
    folder = make_run(rows=20)
    table = RunResult.load(folder).history
    table.assign(mean_pressure_MPa=np.where(np.arange(20) < 5, np.nan, 2.0)).to_csv(
        folder / "history.csv", index=False, na_rep="nan"
    )
    run = RunResult.load(folder)
    assert len(run.history) == 20
    assert run["mean_pressure"].isna().sum() == 5
    axes = history_figure(run, None).axes
    assert axes[-1].get_ylabel() == "Mean pressure (MPa)"
    assert np.nanmax(axes[-1].lines[0].get_ydata()) == 2.0


def test_what_is_no_run_is_refused(tmp_path: Path, make_run: MakeRun) -> None:
    with pytest.raises(InputError, match="no such folder"):
        RunResult.load(tmp_path / "none")
    with pytest.raises(InputError, match=r"history\.csv is missing"):
        RunResult.load(tmp_path)
    folder = make_run()
    (folder / "fields.vtkhdf").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read as stored fields"):
        RunResult.load(folder).fields()
    (folder / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        RunResult.load(folder)
    (folder / "history.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns are missing: step"):
        RunResult.load(folder)


def test_fields_in_two_dimensions(make_run: MakeRun) -> None:
    fields = RunResult.load(make_run(rows=60, stored=7)).fields()
    assert fields is not None
    assert len(fields.times) == 7
    assert fields.thickness == THICKNESS
    assert fields.grid().cells(ELECTROLYTE).shape[1] == 3
    assert fields.grid().cells(CRACK_PLANE).shape == (50, 2)
    assert np.all(fields.grid().points[np.unique(fields.grid().cells(ANODE)), 1] == 0)
    y = fields.grid().points[fields.grid().crack_line, 1]
    assert y[0] == 0
    assert np.all(np.diff(y) > 0)
    assert fields.spread(3) == [0, 3, 6]
    assert fields.array("stress_MPa", -1).shape == (len(fields.grid().points), 6)
    with pytest.raises(InputError, match="no such point array"):
        fields.array("strain", 0)


def test_section_of_a_block_is_its_symmetry_plane(tmp_path: Path) -> None:
    """A unit cube of six tetrahedra around a diagonal: two of their faces lie in z = 0, of area 1/2 each."""
    cube = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=float)
    around = [1, 3, 2, 6, 4, 5, 1]
    tetrahedra = np.array([[0, 7, a, b] for a, b in pairwise(around)])
    crack = np.array([[8, 9, 10]])
    points = np.vstack([cube, [[0, 0, 0], [0, 1, 0], [0, 0, 1]]])
    path = tmp_path / "fields.vtkhdf"
    grid = TemporalGrid(path, points, [(10, tetrahedra), (5, crack)], np.array([0] * 6 + [1]), {"damage": 1})
    grid.append(0.0, {"damage": np.arange(11.0)})
    fields = FieldFile(path)
    a, b, c = (fields.grid().section.xy[fields.grid().section.triangles[:, k]] for k in range(3))
    areas = 0.5 * np.abs(np.linalg.det(np.stack([b - a, c - a], axis=-1)))
    np.testing.assert_allclose(areas, [0.5, 0.5])
    np.testing.assert_array_equal(fields.grid().crack_line, [8, 9])
