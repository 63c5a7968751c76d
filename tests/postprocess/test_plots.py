"""Figures of synthetic runs: every kind of run gives its files, and what is drawn is what was stored."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.postprocess.figures import style
from lifrac.postprocess.figures.all_figures import plot_run
from lifrac.postprocess.figures.plane_picture import PlanePicture
from lifrac.postprocess.figures.plot_history import history_figure
from lifrac.postprocess.figures.style import Progress
from lifrac.postprocess.read.run_result import RunResult
from support.pictures import FINE
from support.synthetic_run import MakeRun

ALL = {f"{n}.{s}" for n in ("history", "fields", "crack_profile") for s in ("png", "pdf")}


@pytest.mark.parametrize(
    ("kind", "rows", "stored", "dots"),
    [("through", 60, 7, 300), ("rest", 10, 2, 60), ("holds", 1, 1, 60)],
)
@pytest.mark.filterwarnings("error")
def test_every_kind_of_run_is_drawn(
    make_run: MakeRun, kind: str, rows: int, stored: int, dots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one as fine as a user's, with fonts in its PDF."""
    if dots == FINE["savefig.dpi"]:
        for name, value in FINE.items():
            monkeypatch.setitem(style._RC, name, value)
    folder = make_run(kind, rows, stored)
    written = plot_run(folder)
    assert {p.name for p in written} == ALL
    for path in written:
        assert path.parent == folder / "plots"
        assert path.stat().st_size > 4000
        if path.suffix == ".png":
            picture = plt.imread(path)
            assert min(picture.shape[:2]) > 3 * dots
            assert np.ptp(picture[..., :3]) > 0.5


def test_run_without_fields_gives_the_history_only(make_run: MakeRun) -> None:
    assert {p.name for p in plot_run(make_run(stored=0))} == {"history.png", "history.pdf"}


def test_axis_is_charge_unless_charge_does_not_tell(make_run: MakeRun) -> None:
    columns = {k: Progress.of(RunResult.load(make_run(k)).history).column for k in ("holds", "rest", "reversal")}
    assert columns == {"holds": "charge_mAh_per_cm2", "rest": "time_s", "reversal": "time_s"}


def test_events_are_marked_where_they_happened(make_run: MakeRun) -> None:
    run = RunResult.load(make_run())
    labels = [t.get_text() for t in history_figure(run, 200.0).legends[0].get_texts()]
    charge = run.events["charge_mAh_per_cm2"]
    assert labels[0] == f"fracture starts ({charge[0]:.3g})"
    assert [t.split(" (")[0] for t in labels] == ["fracture starts", "crack through", "short circuit"]


def test_errors_are_bands_where_the_axis_is_charge(make_run: MakeRun) -> None:
    folder = make_run()
    summary = folder / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"capacity_at_crack_through_error": 0.05}))
    run = RunResult.load(folder)
    figure = history_figure(run, 200.0)
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert ["±" in text for text in labels] == [False, True, False]
    assert "± 5 %" in labels[1]
    (band,) = figure.axes[0].patches
    at = float(run.events.set_index("event")["charge_mAh_per_cm2"]["crack_through"])
    low, high = (float(band.get_x()), float(band.get_x() + band.get_width()))  # type: ignore[attr-defined]
    assert (low, high) == pytest.approx((0.95 * at, 1.05 * at))


def test_drawn_opening_is_the_stored_one_enlarged(make_run: MakeRun) -> None:
    run = RunResult.load(make_run())
    fields = run.fields()
    assert fields is not None
    picture = PlanePicture(run, fields, [3, 6])
    opening = picture.opening(6)
    stored = fields.array("aperture_um", 6)[fields.grid().crack_line] - 0.02
    np.testing.assert_allclose(2 * opening.gap, picture.factor * stored, atol=1e-4 * picture.factor * stored.max())
    assert 0.4 * 0.025 * 200 <= max(picture.opening(k).gap.max() for k in (3, 6)) <= 0.025 * 200
    wet = fields.array("metal_thickness_um", 6)[fields.grid().crack_line] > 0
    np.testing.assert_allclose(opening.fill, wet)
    body = picture.body(6)
    np.testing.assert_array_equal(body.mesh.y[body.face == -1], 0.0)
    np.testing.assert_allclose(np.sort(body.mesh.x), np.sort(-body.mesh.x))


def test_plots_need_neither_dolfinx_nor_gmsh() -> None:
    script = (
        "import sys, lifrac.postprocess.figures.all_figures;"
        "bad = {'dolfinx', 'gmsh', 'petsc4py', 'mpi4py', 'vtk', 'matplotlib.pyplot'} & set(sys.modules);"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lifrac run"):
        plot_run(tmp_path / "none")
