"""Studies and sweeps never mix results of other code with ours without a word."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lifrac.problems.case.case import Case
from lifrac.problems.cli.main import main
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.studies.executors import standing, worker
from lifrac.problems.studies.executors.job import compute_job
from lifrac.problems.studies.executors.snakemake_rounds import run_through_snakemake
from lifrac.problems.studies.sweep.sweep import load_sweep
from support.short_runs import short_run
from support.small_study import ONE, table, write
from test_sweep import NOTHING, SWEEP, Runs

THEIRS = "0" * 64
SUMMARY = {
    "outcome": "completed",
    "termination": "protocol_end",
    "charge_mAh_per_cm2": 0.05,
    "protocol_step": 0,
    "steps": 1,
    "wall_time_s": 0.0,
    "reason": "",
}
Study = Callable[..., int]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Computes the small study with runs that take no time; `study(*arguments)` is the exit code."""

    def compute(case: Case, path: Path, *rest: Any) -> dict[str, Any]:
        summary = SUMMARY | {"code_hash": code_hash()}
        (path / "summary.json").write_text(json.dumps(summary))
        return summary

    monkeypatch.setattr(worker, "compute", compute)
    monkeypatch.setattr(worker.Domains, "make", lambda self, cases: None)
    monkeypatch.setattr(worker.Domains, "of", lambda self, case: None)
    monkeypatch.setattr(standing, "draw_plots", lambda path: None)
    file = write(tmp_path)
    return lambda *arguments: main(["ccd", str(file), "--out", str(tmp_path / "out"), *ONE, *arguments])


def points(folder: Path) -> list[Path]:
    return sorted(file.parent for file in folder.glob("points/*/summary.json"))


def computed_by(files: list[Path], code: str | None) -> None:
    """Let other code have written these, or an earlier version, which kept no hash."""
    for file in files:
        found = json.loads(file.read_text()) | {"code_hash": code}
        file.write_text(json.dumps({key: value for key, value in found.items() if value is not None}))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("code", [THEIRS, None])
def test_an_unfinished_study_of_other_code_is_refused(
    tmp_path: Path, study: Study, capsys: pytest.CaptureFixture[str], code: str | None
) -> None:
    assert study() == 0
    out = tmp_path / "out"
    found = points(out)
    assert len(found) == 4  # three runs and the threshold
    computed_by([point / "summary.json" for point in found], code)
    (found[0] / "summary.json").unlink()
    before = contents(out)
    capsys.readouterr()
    for arguments in ((), ("--dry-run",)):
        assert study(*arguments) == 2
        told = capsys.readouterr().err
        assert str(out) in told
        assert "3 of 3 finished runs were computed by other code" in told
        assert ("000000000000" if code else "of an earlier version, without a hash") in told
        assert code_hash()[:12] in told
        assert "--recompute" in told
    assert contents(out) == before
    assert study("--recompute") == 0
    assert {json.loads((p / "summary.json").read_text())["code_hash"] for p in points(out)} == {code_hash()}
    assert len(points(out)) == 4


def test_a_complete_study_of_other_code_is_shown_as_such(
    tmp_path: Path, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study() == 0
    out = tmp_path / "out"
    computed_by([point / "summary.json" for point in points(out)] + [out / "study.json"], THEIRS)
    capsys.readouterr()
    assert study() == 0
    told = capsys.readouterr().err
    assert "warning:" in told
    assert "4 of 4 finished runs were computed by other code" in told
    assert json.loads((out / "study.json").read_text())["code_hash"] == THEIRS
    assert {row["code_hash"] for row in table(out / "runs.csv")} == {THEIRS}


def test_recompute_keeps_what_is_ours(tmp_path: Path, study: Study) -> None:
    assert study() == 0
    out = tmp_path / "out"
    theirs, *ours = points(out)
    computed_by([theirs / "summary.json"], THEIRS)
    times = [(p / "summary.json").stat().st_mtime_ns for p in ours]
    assert study() == 0  # complete, though mixed: shown with a warning
    assert study("--recompute") == 0
    assert [(p / "summary.json").stat().st_mtime_ns for p in ours] == times
    assert json.loads((theirs / "summary.json").read_text())["code_hash"] == code_hash()
    assert json.loads((out / "study.json").read_text())["code_hash"] == code_hash()


# -- sweeps ---------------------------------------------------------------------------------------------------


@pytest.fixture
def swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished sweep of six points, the second of which failed in its numerics."""
    (tmp_path / "my.toml").write_text(SWEEP)
    sweep = load_sweep(tmp_path / "my.toml", ["sweep.points_per_job=100"])
    run_through_snakemake(sweep, tmp_path / "out", NOTHING, prepare=True)
    monkeypatch.setattr(worker, "full_run", Runs("protocol_end", "numerical_failure"))
    assert compute_job(tmp_path / "out", "job00001") == 0
    return tmp_path / "out"


def again(swept: Path, *arguments: str) -> int:
    return main(["sweep", str(swept.parent / "my.toml"), "--out", str(swept), "--cores", "1", *arguments])


@pytest.mark.parametrize("code", [THEIRS, None])
def test_an_unfinished_sweep_of_other_code_is_refused(
    swept: Path, capsys: pytest.CaptureFixture[str], code: str | None
) -> None:
    found = points(swept)
    computed_by([point / "manifest.json" for point in found], code)
    capsys.readouterr()
    assert again(swept, "--retry-failed", "--prepare") == 2
    told = capsys.readouterr().err
    assert str(swept) in told
    assert "6 of 6 finished runs were computed by other code" in told
    (found[0] / "summary.json").unlink()
    for arguments in ("--prepare", "--dry-run"):
        assert again(swept, arguments) == 2
        assert "5 of 5 finished runs" in capsys.readouterr().err
    assert len(points(swept)) == 5
    assert again(swept, "--recompute", "--prepare") == 0
    assert points(swept) == []


def test_a_complete_sweep_of_other_code_is_shown_as_such(swept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    computed_by([point / "manifest.json" for point in points(swept)] + [swept / "sweep.json"], THEIRS)
    sweep = load_sweep(swept.parent / "my.toml")
    assert run_through_snakemake(sweep, swept, NOTHING) == 3  # one point has failed, by whatever code
    assert {row["code_hash"] for row in table(swept / "sweep.csv")} == {THEIRS}
    assert json.loads((swept / "sweep.json").read_text())["code_hash"] == THEIRS


def test_a_job_that_other_code_has_prepared_is_refused(swept: Path) -> None:
    from lifrac.errors import InputError

    computed_by([swept / "plan.json"], THEIRS)
    with pytest.raises(InputError, match="was prepared by other code"):
        compute_job(swept, "job00001")


def test_runs_carry_the_hash() -> None:
    assert json.loads((short_run("llzo_holds") / "manifest.json").read_text())["code_hash"] == code_hash()
