"""CCD with the phase-field engine: runs on one rank each, or on teams of ranks."""

import json
from pathlib import Path
from typing import Any

import pytest
from lifrac.problems.cli.main import main
from lifrac.problems.studies.ccd.study import load_study
from support.small_runs import DIFFUSE, RUN
from support.small_study import STUDY, table, write

DIFFUSE_STUDY = """
[study]
case = "diffuse.toml"
temperatures = ["25 degC"]
stack_pressures = ["1 MPa"]
areal_capacities = ["0.0045 mAh/cm^2"]
current_min = "16 mA/cm^2"
current_max = "32 mA/cm^2"
currents = 2
failure = "fracture"
refinements = 1

[case.electrolyte.properties]
fracture_energy = "2 J/m^2"

[case.fracture]
length = "4 um"

[case.mesh]
band_size = "1.33 um"
growth = 0.5
far_size = "15 um"
adaptive = false

[case.solver]
first_step = "0.5 s"
max_step = "2 s"
"""
"""A brittle electrolyte and long time steps: a few steps a run, in each of which ranks meet thousands of times."""


def written(folder: Path) -> Path:
    """The study and its case."""
    (folder / "diffuse.toml").write_text(DIFFUSE.partition("[output]")[0])
    return write(folder, DIFFUSE_STUDY)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Study file and folder of a study that one rank has computed."""
    folder = tmp_path_factory.mktemp("diffuse_study")
    assert main(["ccd", str(written(folder)), "--out", str(folder / "out")]) == 0
    return folder


def test_bracket_lies_between_runs(finished: Path) -> None:
    """One bisection between a current that fractures the cell before 0.0045 mAh/cm2, and one that does not."""
    (row,), runs = table(finished / "out" / "ccd.csv"), table(finished / "out" / "runs.csv")
    failed = {float(run["current_density_mA_per_cm2"]): run["outcome"] == "fracture" for run in runs}
    assert sorted(failed) == pytest.approx([16.0, 22.627417, 32.0])
    assert [failed[current] for current in (16.0, 32.0)] == [False, True]
    lower, upper = (float(row[f"ccd_{side}_mA_per_cm2"]) for side in ("lower", "upper"))
    assert (failed[lower], failed[upper], row["failure_mode"]) == (False, True, "fracture")
    assert upper / lower == pytest.approx(2.0**0.5)


def test_a_point_is_what_a_run_of_its_case_gives(finished: Path, tmp_path: Path) -> None:
    (row,) = table(finished / "out" / "ccd.csv")
    folder = finished / "out" / "points" / row["point"]
    assert main(["run", str(folder / "case.toml"), "--out", str(tmp_path / "run"), "--set", "output.plots=false"]) == 0
    mine, theirs = (json.loads((path / "summary.json").read_text()) for path in (folder, tmp_path / "run"))
    assert {key: mine[key] for key in ("outcome", "steps", "dofs")} == {
        key: theirs[key] for key in ("outcome", "steps", "dofs")
    }
    at = "capacity_at_fracture_mAh_per_cm2"
    assert mine[at] == pytest.approx(theirs[at], rel=1.0e-9)


def assert_same_runs(mine: list[dict[str, str]], theirs: list[dict[str, str]], rel: float) -> None:
    for one, other in zip(mine, theirs, strict=True):
        assert (one["point"], one["outcome"]) == (other["point"], other["outcome"])
        passed = [float(run["charge_mAh_per_cm2"]) for run in (one, other)]
        assert passed[0] == pytest.approx(passed[1], rel=rel)


@pytest.mark.mpi
def test_two_ranks_that_each_take_a_run_give_the_same_bracket(finished: Path, mpi_run: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mpi_run(RUN, 2, "ccd", str(finished / "small.toml"), "--out", str(out))
    assert table(out / "ccd.csv") == table(finished / "out" / "ccd.csv")
    assert_same_runs(table(out / "runs.csv"), table(finished / "out" / "runs.csv"), 1.0e-9)
    assert not list((out / "points").glob(".*"))


@pytest.mark.mpi
def test_jobs_of_snakemake_whose_ranks_compute_every_run_together(finished: Path, tmp_path: Path) -> None:
    """One job with the two runs of the first round, one of which fails; `test_study_kinds` sees to further rounds."""
    pytest.importorskip("snakemake")
    out = tmp_path / "out"
    settings = ("study.ranks=2", "study.points_per_job=2", "study.refinements=0")
    overrides = [word for text in settings for word in ("--set", text)]
    assert main(["ccd", str(finished / "small.toml"), "--out", str(out), "--cores", "2", *overrides]) == 0
    (row,), runs = table(out / "ccd.csv"), table(out / "runs.csv")
    assert [float(row[f"ccd_{side}_mA_per_cm2"]) for side in ("lower", "upper")] == pytest.approx([16.0, 32.0])
    points = {run["point"] for run in runs}
    assert_same_runs(runs, [run for run in table(finished / "out" / "runs.csv") if run["point"] in points], 1.0e-4)
    assert {json.loads((out / "points" / point / "summary.json").read_text())["ranks"] for point in points} == {2}
    assert not list((out / "points").glob(".*"))


def test_ranks_that_make_no_whole_team(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["ccd", str(written(tmp_path)), "--out", str(tmp_path / "out"), "--set", "study.ranks=2"]
    assert main(arguments) == 2
    assert "study.ranks = 2: the study was started on 1 ranks" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_teams_of_the_plane_engine_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ccd", str(write(tmp_path, STUDY)), "--dry-run", "--set", "study.ranks=2"]) == 2
    assert "the plane engine steps every run on one rank" in capsys.readouterr().err


def test_dry_run_shows_the_mesh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path)
    assert main(["ccd", str(path), "--dry-run"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "2 runs to begin with (0 finished" in text
    assert "Nothing is known of the time" in text


def test_ranks_do_not_decide_which_study_it_is(tmp_path: Path) -> None:
    """A study goes on in its folder with other teams."""
    path = written(tmp_path)
    assert load_study(path, ["study.ranks=3"]).content_hash() == load_study(path).content_hash()
