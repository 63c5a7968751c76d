"""Constant-current studies that are placed from the threshold: synthetic laws Q(J), and a small cell."""

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lifrac
import pytest
from lifrac.errors import InputError
from lifrac.problems.cli.main import main
from lifrac.problems.studies.ccd.brackets import Bracket, Trial
from lifrac.problems.studies.ccd.capacity_curve import CapacityCurve
from lifrac.problems.studies.ccd.flaw_threshold import ThresholdPoint
from lifrac.problems.studies.ccd.points import CurrentPoint
from lifrac.problems.studies.ccd.study import Study, load_study
from lifrac.problems.studies.executors.job import compute_job
from lifrac.problems.studies.executors.snakemake_rounds import write_round
from lifrac.problems.studies.study_folder import StudyFolder
from support.small_study import STUDY, table, write

PLACED = (
    STUDY.replace("currents = 3\n", "")
    .replace('current_min = "2 mA/cm^2"\n', "")
    .replace('current_max = "32 mA/cm^2"\n', "")
    .replace("refinements = 1\n", "")
    .replace('"25 degC", "60 degC"', '"25 degC"')
    .replace('"1 MPa", "5 MPa"', '"1 MPa"')
)
Law = Callable[[float], float]
"""Capacity at failure [mAh/cm2] over J/J*."""
J_STAR, J_ERROR = 3.2, 0.004


def threshold_summary(**other: Any) -> dict[str, Any]:
    found = {
        "outcome": "threshold",
        "termination": "equilibrium",
        "threshold_mA_per_cm2": J_STAR,
        "threshold_error": J_ERROR,
        "closed_form_mA_per_cm2": 3.0,
        "reason": "",
    }
    return found | other


def run_summary(point: CurrentPoint, law: Law, by: str = "crack_through", **other: Any) -> dict[str, Any]:
    capacity = law(point.current / 10.0 / J_STAR)
    failed = capacity <= 0.05
    return {
        "outcome": by if failed else "completed",
        "termination": "stop_rule" if failed else "protocol_end",
        "charge_mAh_per_cm2": min(capacity, 0.05),
        "protocol_step": 0,
        "reason": "",
        "steps": 1,
        "wall_time_s": 0.0,
    } | other


def computed(
    study: Study, law: Law, threshold: Mapping[str, Any] | None = None, by: str = "crack_through", **other: Any
) -> tuple[dict[str, Mapping[str, Any]], list[list[float]]]:
    """Summaries of a study whose cells follow a law, and the currents over J* of every round."""
    known: dict[str, Mapping[str, Any]] = {}
    rounds = []
    while wanted := study.wanted(known):
        assert not set(known) & {point.key for point in wanted}
        rounds.append(sorted(p.current / 10.0 / J_STAR for p in wanted if isinstance(p, CurrentPoint)))
        for point in wanted:
            if isinstance(point, ThresholdPoint):
                known[point.key] = threshold or threshold_summary()
            else:
                known[point.key] = run_summary(point, law, by, **other)
    return known, rounds


def rows(study: Study, known: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    table = study.tables(known, {})["ccd.csv"]
    assert table is not None
    return list(table.rows)


def power(x: float) -> float:
    """Q = 0.03 (J/J* - 1)^-0.2, none below: CCD(0.03) = 2 J*, CCD(0.05) = 1.0778 J*."""
    return 0.03 * (x - 1.0) ** -0.2 if x > 1.0 else float("inf")


def test_brackets_hold_the_exact_value_and_are_as_narrow_as_the_error(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, PLACED))
    known, rounds = computed(study, power)
    assert rounds[:3] == [[], pytest.approx([1.025], rel=1e-3), pytest.approx([1.15, 2.0], rel=1e-3)]
    assert sum(map(len, rounds)) <= 9
    for row, capacity in zip(rows(study, known), (0.03, 0.05), strict=True):
        exact = J_STAR * (1.0 + (capacity / 0.03) ** -5.0)
        lower, upper, best = (row[f"ccd_{end}mA_per_cm2"] for end in ("lower_", "upper_", ""))
        assert lower <= exact <= upper
        assert best == pytest.approx(exact, rel=2e-3)
        slope = 5.0 * (1.0 - J_STAR / exact)
        assert row["ccd_error"] == pytest.approx(J_ERROR + 0.03 * slope, rel=0.05)
        assert (1.0 + row["ccd_error"]) ** 2 * 0.999 <= upper / lower <= 1.25 * (1.0 + row["ccd_error"]) ** 2
        assert row["lower_end"] == "run"
        assert (row["threshold_mA_per_cm2"], row["threshold_error"]) == (J_STAR, J_ERROR)
        assert row["closed_form_mA_per_cm2"] == 3.0


def test_the_error_of_a_capacity_counts_as_the_run_states_it(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, PLACED))
    known, _ = computed(study, power, capacity_at_crack_through_error=0.1)
    small, large = rows(study, known)
    assert small["ccd_error"] == pytest.approx(J_ERROR + 0.1 * 5.0 * (1.0 - 1.0 / 2.0), rel=0.05)
    assert large["ccd_error"] == pytest.approx(J_ERROR + 0.1 * 5.0 * (1.0 - 1.0 / 1.0778), rel=0.05)


def test_capacities_beyond_those_near_the_threshold_end_at_it(tmp_path: Path) -> None:
    """All capacities fail at 1.025 J*: one run, between J* with its error and that run."""
    study = load_study(write(tmp_path, PLACED))
    known, rounds = computed(study, lambda x: 0.3 * power(x))
    assert rounds == [[], pytest.approx([1.025], rel=1e-3)]
    for row in rows(study, known):
        assert row["ccd_lower_mA_per_cm2"] == pytest.approx(J_STAR / (1.0 + J_ERROR))
        assert row["ccd_upper_mA_per_cm2"] == pytest.approx(1.025 * J_STAR, rel=1e-3)
        assert J_STAR < row["ccd_mA_per_cm2"] < 1.025 * J_STAR
        assert (row["lower_end"], row["failure_mode"]) == ("threshold", "crack_through")


def test_small_capacities_are_sought_at_large_currents(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, PLACED))
    known, rounds = computed(study, lambda x: 0.05 * 5.0 / x)
    assert max(j for round_ in rounds for j in round_) <= 32.1
    (first, _) = rows(study, known)
    assert first["ccd_lower_mA_per_cm2"] <= J_STAR * 0.25 / 0.03 <= first["ccd_upper_mA_per_cm2"]


def test_a_cell_that_never_fails_is_tried_up_to_64_times_the_threshold(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, PLACED))
    known, rounds = computed(study, lambda x: 1.0)
    assert [len(round_) for round_ in rounds] == [0, 1, 2, 2, 2, 1]
    for row in rows(study, known):
        assert row["ccd_lower_mA_per_cm2"] == pytest.approx(64.0 * J_STAR)
        assert (row["ccd_upper_mA_per_cm2"], row["ccd_mA_per_cm2"]) == (None, None)


def test_lost_contact_below_the_threshold_is_found(tmp_path: Path) -> None:
    """J* bounds fracture only: a cell that loses contact at 1.025 J* is run at smaller currents."""
    study = load_study(write(tmp_path, PLACED))
    known, _ = computed(study, lambda x: 0.01 if x > 0.3 else 1.0, by="contact_lost")
    for row in rows(study, known):
        assert 0.0 < row["ccd_lower_mA_per_cm2"] <= 0.3 * J_STAR <= row["ccd_upper_mA_per_cm2"]
        assert row["lower_end"] == "run"


@pytest.mark.parametrize(
    ("outcome", "value", "lower", "upper"), [("cracked_by_loads", 0.0, 0.0, 0.0), ("no_threshold", None, None, None)]
)
def test_nothing_is_run_where_the_threshold_says_all(
    tmp_path: Path, outcome: str, value: float | None, lower: float | None, upper: float | None
) -> None:
    for text in (PLACED, STUDY):
        study = load_study(write(tmp_path, text))
        said = threshold_summary(outcome=outcome, threshold_mA_per_cm2=value, threshold_error=None, detail="so it is")
        known, rounds = computed(study, power, said)
        assert rounds == [[]]
        for row in rows(study, known):
            assert (row["ccd_lower_mA_per_cm2"], row["ccd_upper_mA_per_cm2"]) == (lower, upper)
            assert row["failure_mode"] == outcome
        assert any("so it is" in message for _, message in study.closing(known))


def test_contact_is_sought_where_no_current_cracks_the_flaw(tmp_path: Path) -> None:
    law = '\n[case.electrodes.contact]\nvoid_height = "1 um"\ncritical_current = "0.2 mA/cm^2"\n'
    study = load_study(write(tmp_path, PLACED + law))
    said = threshold_summary(outcome="no_threshold", threshold_mA_per_cm2=None, threshold_error=None)
    known, rounds = computed(study, lambda x: 0.04 if x > 2.0 else 1.0, said, by="contact_lost")
    assert len(rounds) > 3
    for row in rows(study, known):
        assert row["failure_mode"] == ("contact_lost" if row["ccd_upper_mA_per_cm2"] else None)


def test_an_unknown_threshold_is_replaced_by_its_closed_form(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, PLACED))
    said = threshold_summary(outcome="unfinished", threshold_mA_per_cm2=None, threshold_error=None, reason="no root")
    known, rounds = computed(study, power, said)
    assert rounds[1] == pytest.approx([1.025 * 3.0 / J_STAR], rel=1e-3)
    for row, capacity in zip(rows(study, known), (0.03, 0.05), strict=True):
        exact = J_STAR * (1.0 + (capacity / 0.03) ** -5.0)
        assert row["ccd_lower_mA_per_cm2"] <= exact <= row["ccd_upper_mA_per_cm2"]
        assert row["ccd_error"] is None


def test_stated_bounds_are_kept(tmp_path: Path) -> None:
    stated = ['study.current_min="4 mA/cm^2"', 'study.current_max="6 mA/cm^2"']
    study = load_study(write(tmp_path, PLACED), stated)
    known, rounds = computed(study, power)
    currents = [j * J_STAR for round_ in rounds for j in round_]
    assert (min(currents), max(currents)) == (pytest.approx(4.0), pytest.approx(6.0))
    small, large = rows(study, known)
    assert (small["ccd_lower_mA_per_cm2"], small["ccd_upper_mA_per_cm2"]) == (pytest.approx(6.0), None)
    assert large["lower_end"] == "threshold"
    assert large["ccd_upper_mA_per_cm2"] == pytest.approx(4.0)


def test_a_stated_number_of_currents_is_a_grid(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, STUDY.replace("refinements = 1", "refinements = 0")))
    _, rounds = computed(study, power)
    assert [len(round_) for round_ in rounds] == [0, 12]
    assert {round(j * J_STAR, 6) for j in rounds[1]} == {2.0, 8.0, 32.0}


def test_the_hash_follows_what_is_stated(tmp_path: Path) -> None:
    changes = [[], ['study.current_max="90 mA/cm^2"'], ["study.refinements=3"], ['study.failure="fracture"']]
    changes.append(["defect.length=9 um"])
    hashes = {load_study(write(tmp_path, PLACED), change).content_hash() for change in changes}
    assert len(hashes) == len(changes)


@pytest.mark.parametrize("engine", ["cohesive", "phase_field"])
def test_other_engines_need_a_range(tmp_path: Path, engine: str) -> None:
    with pytest.raises(InputError, match=r"study.current_min.*is required with the"):
        load_study(write(tmp_path, PLACED), [f"fracture.engine={engine}"])


def test_curve_is_exact_for_a_power_of_the_distance_to_the_threshold() -> None:
    curve = CapacityCurve([Trial(j, 2.0 * (j - 1.0) ** -0.3) for j in (1.02, 1.2, 2.0, 5.0)], 1.0)
    for current in (1.05, 1.5, 4.0, 6.0):
        found = curve.estimate(2.0 * (current - 1.0) ** -0.3, Bracket(1.0, 10.0))
        assert found is not None
        assert found.current == pytest.approx(current, rel=1e-9)
        assert found.slope == pytest.approx(-(1.0 - 1.0 / current) / 0.3, rel=1e-9)


def test_curve_leaves_out_currents_that_stand_more_than_smaller_ones() -> None:
    curve = CapacityCurve([Trial(1.1, 0.4), Trial(2.0, 0.45), Trial(4.0, 0.3), Trial(8.0, None)], 1.0)
    assert [run.current for run in curve.runs] == [1.1, 4.0]
    assert curve.estimate(0.42, Bracket(0.0, 1.1)) is None
    beyond = curve.estimate(0.8, Bracket(0.999, 1.1))
    assert beyond is not None
    assert 1.0 < beyond.current <= 1.0 + 0.1 * 2.0**-5.0, "far above the capacity of the smallest current J* is near"
    assert curve.estimate(0.35, Bracket(8.0, None)) is None


# -- computed ------------------------------------------------------------------------------------------------------

SMALL = (
    PLACED.replace('"0.03 mAh/cm^2", "0.05 mAh/cm^2"', '"0.005 mAh/cm^2", "0.5 mAh/cm^2"')
    .replace('failure = "crack_through"', 'failure = "fracture"')
    .replace("[case.electrolyte]", "refinements = 1\n[case.electrolyte]")
)
"""Runs end when the flaw first grows; before the larger capacity it does at any current above the threshold."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study that is placed from its threshold, and its folder."""
    folder = tmp_path_factory.mktemp("placed")
    assert main(["ccd", str(write(folder, SMALL)), "--out", str(folder / "out")]) == 0
    return folder


def test_a_study_says_what_its_threshold_and_runs_say(finished: Path) -> None:
    out = finished / "out"
    (stated,) = table(out / "threshold.csv")
    (condition,) = load_study(finished / "small.toml").conditions
    found = lifrac.threshold(condition.case)
    assert float(stated["threshold_mA_per_cm2"]) == pytest.approx(found.milliamperes, rel=1e-9)
    assert float(stated["threshold_error"]) == pytest.approx(found.error, rel=1e-6)
    assert stated["limited_by"] == found.limited_by
    failed_at = {
        float(run["current_density_mA_per_cm2"]): float(run["charge_mAh_per_cm2"])
        for run in table(out / "runs.csv")
        if run["termination"] != "protocol_end"
    }
    assert min(failed_at) == pytest.approx(1.025 * found.milliamperes, rel=1e-3)
    for row in table(out / "ccd.csv"):
        lower, upper, best = (float(row[f"ccd_{end}mA_per_cm2"]) for end in ("lower_", "upper_", ""))
        assert lower < best < upper
        assert upper / lower >= (1.0 + float(row["ccd_error"])) ** 2 * (1.0 - 1e-9)
        assert row["closed_form_mA_per_cm2"] == stated["closed_form_mA_per_cm2"]
        assert row["lower_end"] == ("threshold" if row["areal_capacity_mAh_per_cm2"] == "0.5" else "run")
        if row["lower_end"] == "threshold":
            assert lower == pytest.approx(found.milliamperes / (1.0 + found.error), rel=1e-3)
            assert failed_at[min(failed_at)] <= float(row["areal_capacity_mAh_per_cm2"])


def test_a_study_goes_on_without_its_threshold(finished: Path) -> None:
    """Where the folder of the threshold is lost, it alone is computed again: currents have four digits."""
    out = finished / "out"
    before = {name: (out / name).read_bytes() for name in ("ccd.csv", "runs.csv")}
    times = {path: path.stat().st_mtime_ns for path in out.glob("points/*/history.csv")}
    (stated,) = table(out / "threshold.csv")
    shutil.rmtree(out / "points" / stated["point"])
    assert main(["ccd", str(finished / "small.toml"), "--out", str(out)]) == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob("points/*/history.csv")} == times
    assert (out / "runs.csv").read_bytes() == before["runs.csv"]
    rows = [
        list(csv.DictReader(text.decode().splitlines())) for text in (before["ccd.csv"], (out / "ccd.csv").read_bytes())
    ]
    for mine, theirs in zip(*rows, strict=True):
        assert float(mine["ccd_mA_per_cm2"]) == pytest.approx(float(theirs["ccd_mA_per_cm2"]), rel=1e-9)


def test_a_job_of_snakemake_computes_a_threshold(finished: Path, tmp_path: Path) -> None:
    """The plan says which points are thresholds; a job needs nothing else."""
    out = tmp_path / "out"
    study = load_study(finished / "small.toml")
    folder = StudyFolder(out, study)
    try:
        (point,) = study.wanted({})
        write_round(folder, [point])
    finally:
        folder.release()
    assert json.loads((out / "plan.json").read_text())["tasks"] == {point.key: "threshold"}
    assert compute_job(out, "job00001") == 0
    mine, theirs = (
        json.loads((at / "points" / point.key / "summary.json").read_text()) for at in (out, finished / "out")
    )
    assert mine["threshold_mA_per_cm2"] == pytest.approx(theirs["threshold_mA_per_cm2"], rel=1e-9)


def test_the_dry_run_shows_thresholds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pressures = ["--set", 'study.stack_pressures=["1 MPa", "900 MPa"]']
    assert main(["ccd", str(write(tmp_path, SMALL)), "--dry-run", *pressures]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "cracked by loads" in text
    assert "placed from J*" in text
    assert "2 conditions, 1 of them without runs, 1 runs to begin with" in text


def test_flaws_that_their_loads_crack_are_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pressures = ["--set", 'study.stack_pressures=["900 MPa"]']
    out = tmp_path / "out"
    assert main(["ccd", str(write(tmp_path, SMALL)), "--out", str(out), *pressures]) == 0
    assert {row["failure_mode"] for row in table(out / "ccd.csv")} == {"cracked_by_loads"}
    assert table(out / "runs.csv") == []
    assert "the loads alone crack the flaw" in capsys.readouterr().err
    assert (out / "plots" / "ccd.png").stat().st_size > 5000
