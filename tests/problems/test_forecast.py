"""Forecasts say what they cannot know, and the command line is reached in every way Python offers."""

import runpy
import subprocess
import sys

import pytest
from lifrac.problems.case import estimates
from lifrac.problems.case.case import load_case
from lifrac.problems.cli.main import main
from lifrac.problems.studies.ccd.forecast import run_time
from lifrac.problems.studies.ccd.study import load_study
from support.mpi import PATIENCE


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return " ".join(capsys.readouterr().out.split())


def test_check_gives_a_lower_bound_where_lithium_retreats(capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "check", "llzo_ramp")
    assert "(within a factor of three)" not in told
    assert "(at least: how many short and refused steps lithium takes on its retreat" in told
    assert "with defect.residual = 0.05" in told
    assert "in 16 stripping (half-)steps" in told
    for other in (["llzo_ramp", "--set", "defect.residual=0"], ["llzo_holds"]):
        assert "Estimate (within a factor of three)" in said(capsys, "check", *other)


def test_dry_run_of_a_study_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert "(at least: how many short and refused steps" in said(capsys, "ccd", "llzo_ramp", "--dry-run")
    assert "Estimate (within a factor of three)" in said(capsys, "ccd", "llzo", "--dry-run")


def test_every_half_step_counts() -> None:
    """A long protocol takes longer than a short one, in `check` as in a study."""
    short, long = (load_case("llzo_ramp", [f"protocol.steps[0].current_max={j} mA/cm^2"]) for j in (2, 8))
    nodes = 60
    times = [estimates.half_steps_time(nodes, case.cell().protocol) for case in (short, long)]
    assert times[1] == pytest.approx(4.0 * times[0])
    study = load_study("llzo_ramp")
    point = study.strategy.begin(study.conditions[0])[0]
    assert run_time(point) > estimates.half_steps_time(1, point.case.cell().protocol)


def test_modules_are_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m lifrac.problems`, and `python -m lifrac.problems.cli.main` in a process of its own."""
    monkeypatch.setattr(sys, "argv", ["lifrac", "run", "nothing.toml"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("lifrac.problems", run_name="__main__")
    assert ended.value.code == 2
    assert "no such case file" in capsys.readouterr().err
    wrong = subprocess.run(
        [sys.executable, "-m", "lifrac.problems.cli.main", "run", "nothing.toml"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (wrong.returncode, wrong.stderr.startswith("lifrac: ")) == (2, True)
