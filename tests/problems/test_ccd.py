"""Critical current density: inversion of Q_f(j), and what each search strategy proposes and concludes."""

import io
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from lifrac.problems.studies.ccd import display as ccd_display
from lifrac.problems.studies.ccd.brackets import Bracket, Trial, bracket, log_spaced, refinement, violations
from lifrac.problems.studies.ccd.display import _Table, progress_display
from lifrac.problems.studies.ccd.points import CurrentPoint, Finished
from lifrac.problems.studies.ccd.search import Plan, Row, plan
from lifrac.problems.studies.ccd.study import Study, load_study
from lifrac.problems.studies.ccd.tables import ccd_row, run_row
from rich.console import Console
from rich.live import Live
from support.small_study import ONE, STUDY, write

# -- inversion -------------------------------------------------------------------------------------


def exact(current: float) -> float | None:
    """Q_f = 0.2 + 1/(j - 1)^2, none up to j = 1: CCD(Q) = 1 + (Q - 0.2)^-1/2."""
    return None if current <= 1.0 else 0.2 + 1.0 / (current - 1.0) ** 2


def test_currents_are_evenly_spaced_in_their_logarithm() -> None:
    currents = log_spaced(0.3, 30.0, 5)
    assert (currents[0], currents[-1]) == (0.3, 30.0)
    steps = [math.log(b / a) for a, b in pairwise(currents)]
    assert steps == pytest.approx([math.log(100.0) / 4.0] * 4)


@pytest.mark.parametrize("capacity", [0.21, 0.25, 0.5, 1.0, 10.0])
@pytest.mark.parametrize("rounds", [0, 1, 6])
def test_bracket_holds_the_exact_value_and_halves_with_every_round(capacity: float, rounds: int) -> None:
    runs = [Trial(j, exact(j)) for j in log_spaced(0.5, 32.0, 7)]
    for _ in range(rounds):
        runs += [Trial(j, exact(j)) for j in refinement(runs, [capacity])]
    found = bracket(runs, capacity)
    assert found.upper is not None
    assert found.lower < 1.0 + (capacity - 0.2) ** -0.5 <= found.upper
    assert math.log2(found.upper / found.lower) == pytest.approx(0.5**rounds)
    assert len(runs) == 7 + rounds


def test_failure_exactly_at_the_capacity_is_a_failure() -> None:
    assert bracket([Trial(1.0, 0.5)], 0.5) == Bracket(0.0, 1.0)


def test_open_brackets() -> None:
    assert bracket([Trial(1.0, None), Trial(2.0, 0.9)], 0.5) == Bracket(2.0, None)
    assert bracket([Trial(1.0, 0.1), Trial(2.0, 0.05)], 0.5) == Bracket(0.0, 1.0)
    assert bracket([], 0.5) == Bracket(0.0, None)
    assert refinement([Trial(1.0, None), Trial(2.0, 0.9)], [0.5]) == []
    assert refinement([Trial(1.0, 0.1)], [0.5]) == []


def test_where_the_capacity_rises_with_the_current_the_lower_current_decides() -> None:
    runs = [Trial(1.0, None), Trial(2.0, 0.3), Trial(4.0, 0.6), Trial(8.0, None), Trial(16.0, 0.1)]
    assert bracket(runs, 0.5) == Bracket(1.0, 2.0)
    assert bracket(runs, 0.2) == Bracket(8.0, 16.0)
    assert [(v.smaller.current, v.larger.current) for v in violations(runs)] == [(2.0, 4.0), (2.0, 8.0)]


def test_a_rise_within_the_resolution_is_no_violation() -> None:
    assert violations([Trial(1.0, 0.300), Trial(2.0, 0.308)]) == []
    assert len(violations([Trial(1.0, 0.300), Trial(2.0, 0.310)])) == 1


@pytest.mark.parametrize("lost", [1.0, 2.0, 4.0, 8.0])
def test_a_numerical_failure_narrows_nothing(lost: float) -> None:
    runs = [Trial(j, q) for j, q in ((1.0, None), (2.0, None), (4.0, 0.4), (8.0, 0.2)) if j != lost]
    with_failure = [*runs, Trial(lost, None, "not converged")]
    for capacity in (0.3, 0.5):
        assert bracket(with_failure, capacity) == bracket(runs, capacity)
    assert violations(with_failure) == []


def test_a_current_that_failed_numerically_is_not_asked_again() -> None:
    runs = [Trial(1.0, None), Trial(4.0, 0.4)]
    assert refinement(runs, [0.5]) == [2.0]
    assert refinement([*runs, Trial(2.0, None, "not converged")], [0.5]) == []


def test_capacities_share_their_runs() -> None:
    assert refinement([Trial(1.0, None), Trial(4.0, 0.1), Trial(16.0, 0.05)], [0.2, 0.3, 0.07]) == [2.0, 8.0]


# -- strategies ------------------------------------------------------------------------------------

Rule = Callable[[CurrentPoint], tuple[int, float] | None]
"""In which step of its protocol a point fails, at which charge [mAh/cm2]; None if the cell survives."""


def end(point: CurrentPoint, rule: Rule) -> Finished:
    """Return what the summary of a point would say."""
    failed = rule(point)
    last = len(point.case.engine_model().protocol) - 1 if failed is None else failed[0]
    survived = {"outcome": "completed", "termination": "protocol_end", "charge_mAh_per_cm2": 0.05}
    shorted = {"outcome": "short_circuit", "termination": "short_circuit"}
    how = survived if failed is None else shorted | {"charge_mAh_per_cm2": failed[1]}
    return Finished(point, how | {"protocol_step": last, "reason": "", "steps": 1, "wall_time_s": 0.0})


def lose(point: CurrentPoint, step: int = 0) -> Finished:
    """The summary of a point whose numerics failed."""
    summary = {"outcome": "unfinished", "termination": "numerical_failure", "charge_mAh_per_cm2": 0.0}
    return Finished(point, summary | {"protocol_step": step, "reason": "not converged", "steps": 1, "wall_time_s": 0.0})


def follow(study: Study, finish: Callable[[CurrentPoint], Finished]) -> tuple[Plan, list[Row], list[int]]:
    """All rounds of the one condition of a study: the last plan, its rows, and how many runs each round had."""
    (condition,) = study.conditions
    known: dict[str, Finished] = {}
    rounds = []
    while (now := plan(study.strategy, condition, known)).wanted:
        assert not set(known) & {point.key for point in now.wanted}
        rounds.append(len(now.wanted))
        known |= {point.key: finish(point) for point in now.wanted}
    return now, study.strategy.rows(condition, now.done), rounds


def study_of(folder: Path, driver: str, *more: str, stated: str = STUDY) -> Study:
    """The small study at one condition with another strategy."""
    text = stated.replace("[case.electrolyte]", f"{driver}\n[case.electrolyte]", 1)
    return load_study(write(folder, text), [*ONE[1::2], *more])


def test_constant_current_follows_the_exact_curve(tmp_path: Path) -> None:
    """Q_f = 0.02 + 0.1/j in mAh/cm2, j in mA/cm2: CCD(Q) = 0.1/(Q - 0.02); rounds share what they find."""

    def rule(point: CurrentPoint) -> tuple[int, float] | None:
        fails_at = 0.02 + 0.1 / (point.current / 10.0)
        return (0, fails_at) if fails_at < 0.05 else None

    study = study_of(tmp_path, "", "study.refinements=4")
    done, rows, rounds = follow(study, lambda point: end(point, rule))
    assert rounds[0] == 3
    assert len(done.done) == sum(rounds)
    for row, capacity in zip(rows, (0.03, 0.05), strict=True):
        assert row.bracket.upper is not None
        assert row.bracket.lower / 10.0 < 0.1 / (capacity - 0.02) <= row.bracket.upper / 10.0
        assert row.bracket.upper / row.bracket.lower == pytest.approx(4.0 ** (0.5**4))
        assert row.decided_by is not None
        assert row.decided_by.point.current == row.bracket.upper
        assert ccd_row(row)["failure_mode"] == "short_circuit"
        assert ccd_row(row)["cycle_at_failure"] is None


def test_a_failed_round_does_not_stop_the_next(tmp_path: Path) -> None:
    """Numerics that fail in the middle narrow nothing, and are not asked for again."""
    study = study_of(tmp_path, "", "study.refinements=3")

    def finish(point: CurrentPoint) -> Finished:
        return (
            lose(point)
            if 150.0 < point.current < 170.0
            else end(point, lambda p: (0, 0.01) if p.current > 90 else None)
        )

    _, rows, rounds = follow(study, finish)
    assert {(round(r.bracket.lower, 6), round(r.bracket.upper or 0.0, 6)) for r in rows} == {(80.0, 320.0)}
    assert rounds == [3, 1]


RAMP = """
[study.ramp]
current_step = "1 mA/cm^2"
"""
RAMPED = (
    STUDY.replace('current_min = "2 mA/cm^2"', "")
    .replace("currents = 3", 'driver = "ramp"')
    .replace("refinements = 1", "")
)


def at_level(level: int, second: bool = False) -> Rule:
    """Fail at a level, in its first or second half-step."""

    def rule(point: CurrentPoint) -> tuple[int, float]:
        steps = point.case.engine_model().protocol
        hits = [i for i, step in enumerate(steps) if step.level == level and step.current_density]
        return hits[1 if second else 0], 0.0

    return rule


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("rest", ["", 'rest = "1 min"'])
@pytest.mark.parametrize("level", [1, 2, 7])
def test_ramp_brackets_the_level_that_failed(tmp_path: Path, level: int, second: bool, rest: str) -> None:
    """One run for each capacity; either half of a level is the level."""
    study = study_of(tmp_path, RAMP + rest, stated=RAMPED)
    _, rows, rounds = follow(study, lambda point: end(point, at_level(level, second)))
    assert rounds == [2]
    assert [(row.bracket.lower, row.bracket.upper) for row in rows] == [((level - 1) * 10.0, level * 10.0)] * 2
    last = run_row(rows[0].decided_by)["last_current_density_mA_per_cm2"]  # type: ignore[arg-type]
    assert last == (-level if second else level)
    assert ccd_row(rows[0])["half_cycle_at_failure"] == ("stripping" if second else "plating")


def test_ramp_that_is_survived_or_lost_has_no_upper_end(tmp_path: Path) -> None:
    study = study_of(tmp_path, RAMP, stated=RAMPED)
    _, rows, _ = follow(study, lambda point: end(point, lambda p: None))
    assert [row.bracket for row in rows] == [Bracket(320.0, None)] * 2
    _, rows, _ = follow(study, lambda point: lose(point, at_level(4)(point)[0]))  # type: ignore[index]
    assert [row.bracket for row in rows] == [Bracket(30.0, None)] * 2
    assert ccd_row(rows[0])["failure_mode"] is None


def test_refined_ramp_begins_where_the_last_survived(tmp_path: Path) -> None:
    """Fails above 5.6 mA/cm2 whatever happened before: 5 to 6, 5.5 to 6, 5.5 to 5.75."""

    def rule(point: CurrentPoint) -> tuple[int, float]:
        steps = point.case.engine_model().protocol
        return next(i for i, step in enumerate(steps) if step.current_density > 56.0), 0.0

    study = study_of(tmp_path, RAMP + "refinements = 2", 'study.areal_capacities=["0.05 mAh/cm^2"]', stated=RAMPED)
    done, (row,), rounds = follow(study, lambda point: end(point, rule))
    assert rounds == [1, 1, 1]
    assert [run.point.current for run in done.done] == [10.0, 50.0, 55.0]
    assert row.bracket == Bracket(55.0, 57.5)
    assert list(study.strategy.consistency_warnings(done.done)) == []


@pytest.mark.parametrize(("fails_in", "wanted", "warnings"), [(5, Bracket(55.0, 60.0), 1), (1, Bracket(40.0, 50.0), 0)])
def test_refined_ramp_that_contradicts_the_coarse_one(
    tmp_path: Path, fails_in: int, wanted: Bracket, warnings: int
) -> None:
    """A fresh cell stands more than one that has been through 1 to 5 mA/cm2, which is named; one that fails at once
    decides nothing."""
    study = study_of(tmp_path, RAMP + "refinements = 1", 'study.areal_capacities=["0.05 mAh/cm^2"]', stated=RAMPED)
    done, (row,), _ = follow(study, lambda p: end(p, at_level(5 if p.current == 10.0 else fails_in)))
    assert row.bracket == wanted
    assert len(list(study.strategy.consistency_warnings(done.done))) == warnings


def test_ramp_of_stated_duration_is_one_run(tmp_path: Path) -> None:
    stated = RAMPED.replace('areal_capacities = ["0.03 mAh/cm^2", "0.05 mAh/cm^2"]', "")
    study = study_of(tmp_path, RAMP + 'duration = "1 h"\nalternate = false', stated=stated)
    _, (row,), rounds = follow(study, lambda point: end(point, at_level(3)))
    assert (rounds, row.capacity, row.bracket) == ([1], None, Bracket(20.0, 30.0))


CYCLES = """
[study.cycling]
cycles = 4
rest = "1 min"
"""
CYCLED = STUDY.replace("currents = 3", 'currents = 3\ndriver = "cycling"')


def test_cycling_bisects_at_every_capacity(tmp_path: Path) -> None:
    """Cells fail in cycle 3, on stripping, above 5 mA/cm2 at 0.03 and above 20 at 0.05 mAh/cm2."""

    def rule(point: CurrentPoint) -> tuple[int, float] | None:
        steps = point.case.engine_model().protocol
        fails = point.current > (50.0 if point.capacity == pytest.approx(0.03 * 36000.0) else 200.0)
        hits = [i for i, step in enumerate(steps) if step.cycle == 3 and step.current_density < 0.0]
        return (hits[0], 0.0) if fails else None

    study = study_of(tmp_path, CYCLES, "study.refinements=3", stated=CYCLED)
    done, rows, rounds = follow(study, lambda point: end(point, rule))
    assert rounds == [6, 2, 2, 2]
    for row, exact_value in zip(rows, (50.0, 200.0), strict=True):
        assert row.bracket.upper is not None
        assert row.bracket.lower < exact_value <= row.bracket.upper
        assert row.bracket.upper / row.bracket.lower == pytest.approx(4.0**0.125)
        line = ccd_row(row)
        assert (line["cycle_at_failure"], line["half_cycle_at_failure"]) == (3, "stripping")
    assert {run.point.capacity for run in done.done} == {row.capacity for row in rows}


# -- progress --------------------------------------------------------------------------------------


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    """A table of the conditions with their runs and brackets so far, the last run below."""
    study = study_of(tmp_path, "")
    screen = Console(file=io.StringIO(), force_terminal=True, width=120)
    (condition,) = study.conditions
    first, *_ = study.strategy.begin(condition)
    with Live(console=screen) as live:
        progress = _Table(study, live)
        known = {first.key: end(first, lambda p: (0, 0.04))}
        now = plan(study.strategy, condition, known)
        progress.finished(known[first.key], 1, 3)
        progress.show([now], study.strategy.rows(condition, now.done))
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    for words in (
        "25 degC, 1 MPa",
        "1 + 2",
        "below 2 at 0.05 mAh/cm2",
        "above 2 at 0.03 mAh/cm2",
        "1 of 3 runs of this round",
        "fails by short circuit at 0.04 mAh/cm2",
    ):
        assert words in text


def test_progress_in_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for every run; the brackets of a condition once, when it is finished."""
    study = study_of(tmp_path, "", "study.refinements=0")
    now, rows, _ = follow(study, lambda point: end(point, lambda p: (0, 0.04) if p.current > 20.0 else None))
    lines: list[str] = []
    monkeypatch.setattr(ccd_display.LOG, "info", lambda text, *values: lines.append(text % values))
    with progress_display(study, enabled=True) as progress:
        progress.finished(now.done[0], 1, 3)
        progress.show([now], rows)
        progress.show([now], rows)
    assert lines[0].startswith("  1 of 3: 25 degC, 1 MPa, 2 mA/cm2 to 0.05 mAh/cm^2: holds to the end of the protocol")
    assert lines[1:] == [
        "25 degC, 1 MPa: CCD at 0.03 mAh/cm2: above 32 mA/cm2",
        "25 degC, 1 MPa: CCD at 0.05 mAh/cm2: 2 to 8 mA/cm2",
    ]


def test_whole_cycles_are_told_without_rounding_noise(tmp_path: Path) -> None:
    study = study_of(tmp_path, "")
    run = end(study.strategy.begin(study.conditions[0])[0], lambda point: None)
    noisy = Finished(run.point, {**run.summary, "charge_mAh_per_cm2": -2.526e-17})
    assert ccd_display.describe(noisy) == "holds to the end of the protocol, 0 mAh/cm2 (0.0 s)"
