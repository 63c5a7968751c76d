"""Processes that a foreign launcher has started are noticed; a single rank is left alone wherever it runs."""

import os
from pathlib import Path

import pytest
from lifrac.errors import InputError
from lifrac.problems.cli import main as cli
from lifrac.problems.process.launcher import refuse_copies, waiting_settings
from support.small_runs import write_case


@pytest.mark.parametrize("name", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_copies_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="alone") as refusal:
        refuse_copies(1, {name: "4"})
    assert refusal.value.key == name
    assert refusal.value.value == 4
    assert "mpiexec" in str(refusal.value.remedy)


@pytest.mark.parametrize(
    ("ranks", "surroundings"),
    [
        (1, {}),
        (1, {"PMI_SIZE": "1"}),
        (4, {"PMI_SIZE": "4"}),
        (1, {"SLURM_NTASKS": "8", "SLURM_PROCID": "0"}),  # in a batch script, without srun
        (1, {"PMI_SIZE": "1", "SLURM_STEP_NUM_TASKS": "8"}),  # started by the mpiexec of a job in a step
        (1, {"PMI_SIZE": "many"}),
    ],
)
def test_others_are_not(ranks: int, surroundings: dict[str, str]) -> None:
    refuse_copies(ranks, surroundings)


@pytest.mark.parametrize("command", ["run", "ccd"])
def test_nothing_is_written_by_copies(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PMI_SIZE", "3")
    case = write_case(tmp_path)
    case = case if command == "run" else "llzo"  # type: ignore[assignment]
    assert cli.main([command, str(case), "--out", str(tmp_path / "out")]) == 2
    assert "see itself alone" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ranks_sleep_only_where_they_outnumber_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3})
    assert [bool(waiting_settings(ranks)) for ranks in (1, 2, 3)] == [False, False, True]
