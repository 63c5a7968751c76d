"""The verification book itself: verdicts, table, names. `lifrac verify` runs the checks."""

import csv
import math
from pathlib import Path
from typing import Never

import pytest
from lifrac.errors import InputError, NumericalFailure
from lifrac.verification.support import processes, runner
from lifrac.verification.support.book import Check, Level, Row


def _check(name: str, rows: list[Row], quick: bool = True) -> Check:
    return Check(name, f"title of {name}", "nowhere", lambda level, folder: rows, quick)


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> dict[str, Check]:
    """A book of two made-up checks in place of the real one."""
    checks = {
        "good": _check("good", [Row("figure", 1.004, 1.0, 0.005, "um")]),
        "slow": _check("slow", [Row("slow figure", 3.0, 3.0, 0.0)], quick=False),
    }
    monkeypatch.setattr(runner, "load_checks", lambda: checks)
    return checks


@pytest.mark.parametrize(
    ("row", "error", "ok"),
    [
        (Row("q", 1.02, 1.0, 0.01), 0.02, False),
        (Row("q", -0.505, -0.5, 0.02), 0.01, True),
        (Row("q", -0.49, -0.5, 0.02, kind="absolute"), 0.01, True),
        (Row("q", 0.03, 0.0, 0.02, kind="absolute"), 0.03, False),
        (Row("q", -1e-9, 0.0, 1e-8, kind="below"), 1e-9, True),
        (Row("q", 2e-8, 0.0, 1e-8, kind="below"), 2e-8, False),
    ],
)
def test_row_compares_by_its_kind(row: Row, error: float, ok: bool) -> None:
    assert row.error == pytest.approx(error)
    assert row.ok is ok


def test_not_a_number_fails() -> None:
    assert not Row("q", math.nan, 1.0, 1.0).ok
    assert not Row("q", math.nan, 0.0, 1.0, kind="below").ok


def test_exit_code_says_whether_all_rows_hold(book: dict[str, Check], capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(quick=True, only=None, out=None) == 0
    book["bad"] = _check("bad", [Row("good figure", 1.0, 1.0, 0.1), Row("bad figure", 2.0, 1.0, 0.1)])
    assert runner.main(quick=True, only=None, out=None) == 1
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert "failed: bad" in last


def test_check_without_rows_fails(book: dict[str, Check]) -> None:
    book["empty"] = _check("empty", [])
    assert runner.main(quick=True, only="empty", out=None) == 1


def test_quick_leaves_slow_checks_out_unless_named(book: dict[str, Check], capsys: pytest.CaptureFixture[str]) -> None:
    runner.main(quick=True, only=None, out=None)
    assert "slow figure" not in capsys.readouterr().out
    runner.main(quick=True, only="slow", out=None)
    assert "slow figure" in capsys.readouterr().out


def test_csv_holds_every_figure(book: dict[str, Check], tmp_path: Path) -> None:
    assert runner.main(quick=False, only=None, out=tmp_path / "new") == 0
    with (tmp_path / "new" / "verification.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == runner.COLUMNS
    assert [row["check"] for row in rows] == ["good", "slow"]
    first = rows[0]
    assert (first["level"], first["unit"], first["kind"], first["ok"]) == ("full", "um", "relative", "yes")
    assert float(first["value"]) == 1.004
    assert float(first["error"]) == pytest.approx(0.004)


def test_a_check_run_alone_replaces_its_rows_only(book: dict[str, Check], tmp_path: Path) -> None:
    assert runner.main(quick=False, only=None, out=tmp_path) == 0
    book["good"] = _check("good", [Row("figure", 1.001, 1.0, 0.005), Row("more", 2.0, 2.0, 0.1)])
    assert runner.main(quick=False, only="good", out=tmp_path) == 0
    with (tmp_path / "verification.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["check"], float(row["value"])) for row in rows] == [("good", 1.001), ("good", 2.0), ("slow", 3.0)]


def test_numerics_that_fail_fail_one_check_only(book: dict[str, Check], tmp_path: Path) -> None:
    def stuck(level: Level, folder: Path | None) -> Never:
        raise NumericalFailure("no step was small enough")

    checks = {"stuck": Check("stuck", "t", "s", stuck, True), **book}
    book.clear()
    book.update(checks)
    assert runner.main(quick=True, only=None, out=tmp_path) == 1
    text = (tmp_path / "verification.csv").read_text(encoding="utf-8")
    assert "no step was small enough" in text
    assert "good" in text


def test_unknown_name_is_refused_with_the_nearest(book: dict[str, Check]) -> None:
    with pytest.raises(InputError, match="Did you mean 'good'"):
        runner.main(quick=True, only="goood", out=None)
    with pytest.raises(InputError, match="Choose one of: good, slow"):
        runner.main(quick=True, only="xyzzy", out=None)


def test_folder_that_cannot_be_made_is_refused(book: dict[str, Check], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be made"):
        runner.main(quick=True, only=None, out=tmp_path / "file" / "below")


def test_several_processes_give_the_rows_of_one() -> None:
    checks = runner.load_checks()
    chosen = [checks["rear_filled"], checks["constants"]]
    one = list(processes.outcomes(chosen, "quick", None, 1))
    assert [outcome.check.name for outcome in one] == ["rear_filled", "constants"]
    two = {outcome.check.name: outcome.rows for outcome in processes.outcomes(chosen, "quick", None, 2)}
    assert two == {outcome.check.name: outcome.rows for outcome in one}


@pytest.mark.parametrize(("jobs", "launched", "words"), [(0, False, "not a number"), (2, True, "Leave out mpiexec")])
def test_impossible_number_of_processes_is_refused(
    book: dict[str, Check], monkeypatch: pytest.MonkeyPatch, jobs: int, launched: bool, words: str
) -> None:
    if launched:
        monkeypatch.setenv("PMI_RANK", "0")
    with pytest.raises(InputError, match=words):
        runner.main(quick=True, only=None, out=None, jobs=jobs)


def test_every_check_is_registered_once_and_documented() -> None:
    checks = runner.load_checks()
    assert {"constants", "cell_voltage", "current_focusing", "pressurised_crack", "slot_creep"} <= set(checks)
    for name, entry in checks.items():
        assert entry.name == name
        assert entry.title
        assert entry.source
        assert entry.run.__doc__
