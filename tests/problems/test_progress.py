"""Progress reports: few lines in a log, a bar on a terminal, silence elsewhere."""

import io
import logging
import sys

import pytest
from lifrac.problems.run.progress import _Lines, progress_for, remaining


def test_a_line_every_tenth(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lifrac")
    with progress_for(1.0, "llzo") as report:
        for k in range(1, 1001):
            report.update(k / 1000, "p = 210 MPa")
    assert 9 <= len(caplog.records) <= 11
    assert caplog.messages[-1] == "llzo: 100 %, p = 210 MPa"


def test_a_line_every_20_seconds_when_steps_are_slow(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lifrac")
    now = [0.0]
    lines = _Lines("llzo", lambda: now[0])
    for k in range(1, 101):
        now[0] = float(k)
        lines.update(1e-3 * k)
    assert caplog.messages[0] == "llzo:   2 %, about 16 min left"
    assert len(caplog.records) == 5


def test_silent_on_other_ranks_and_with_nothing_to_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lifrac")
    for total, enabled in ((1.0, False), (0.0, True)):
        with progress_for(total, "llzo", enabled) as report:
            report.update(1.0)
    assert not caplog.records


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with progress_for(1.0, "llzo") as report:
        report.update(0.5, "p = 210 MPa")
        report.update(1.0, "p = 212 MPa")
    assert "100%" in screen.getvalue()
    assert "212 MPa" in screen.getvalue()


def test_remaining_time() -> None:
    assert remaining(0.25, 10.0) == pytest.approx(30.0)
    assert remaining(0.0, 10.0) == float("inf")
