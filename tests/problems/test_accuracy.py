"""Numerical errors of runs, and what `solver.accuracy` chooses."""

from pathlib import Path

import pytest
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.cli import main as cli
from lifrac.problems.run.accuracy import COMPANION, as_text, companion, errors_of, failure_error, inaccuracies
from lifrac.solver.front.tip import TIP_OFFSET
from support.small_runs import CASE, OWN, summary, write_case

FINE = {
    "outcome": "crack_through",
    "termination": "protocol_end",
    "capacity_at_fracture_mAh_per_cm2": 0.0100,
    "capacity_at_crack_through_mAh_per_cm2": 0.2,
    "capacity_at_short_mAh_per_cm2": None,
    "cycles_completed": 0,
    "current_density_at_failure_mA_per_cm2": None,
}
COARSE = FINE | {"capacity_at_fracture_mAh_per_cm2": 0.0103, "capacity_at_crack_through_mAh_per_cm2": 0.19}


def geometry(case: Case) -> SlabEdgeFlaw:
    """What a case meshes."""
    found = case.geometry()
    assert isinstance(found, SlabEdgeFlaw)
    return found


def test_errors_follow_from_the_difference_to_the_companion() -> None:
    found = errors_of(FINE, COARSE)
    assert found["capacity_at_fracture_error"] == pytest.approx(0.03)
    assert found["capacity_at_crack_through_error"] == pytest.approx(0.05)
    assert found["capacity_at_short_error"] is None
    assert found["error_estimate"] == COMPANION
    assert errors_of(FINE, COARSE, 0.04)["capacity_at_fracture_error"] == 0.04
    assert failure_error(FINE | found) == pytest.approx(0.05)
    assert failure_error({"outcome": "held"} | found) is None
    assert "crack_through at 0.2 mAh/cm2 +- 5 %" in as_text(FINE | found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "fracture", "capacity_at_crack_through_mAh_per_cm2": None}, "has the outcome fracture"),
        ({"termination": "numerical_failure", "outcome": "unfinished"}, "the numerics"),
        ({"cycles_completed": 1}, "another step of the protocol"),
    ],
)
def test_a_companion_that_does_something_else_leaves_errors_unknown(change: dict[str, object], words: str) -> None:
    found = errors_of(FINE, COARSE | change)
    assert found["error_estimate"].startswith("not converged")
    assert words in found["error_estimate"]
    assert ("cycles_completed" in change) == (found["capacity_at_fracture_error"] is None)
    case = load_case("llzo_holds")
    changed = FINE | found
    assert any("smaller solver.accuracy" in text or "not converged" in text for text in inaccuracies(case, changed))


def test_a_run_without_companion_has_no_errors(tmp_path: Path) -> None:
    (tmp_path / "own.msh").touch()
    cases = [load_case("llzo_holds", ["fracture.engine=cohesive"]), load_case("llzo_inclined")]
    cases.append(load_case(write_case(tmp_path, OWN)))
    assert [companion(case) for case in cases] == [None, None, None]
    found = errors_of(FINE, None)
    assert found["error_estimate"] == "none"
    assert set(found.values()) == {None, "none"}
    assert as_text(FINE | found) == ""


def test_companion_has_elements_and_steps_twice_as_long_and_the_same_flaw() -> None:
    case = load_case("llzo_holds", ["solver.max_step=3 s"])
    coarse = companion(case)
    assert coarse is not None
    one, other = geometry(case), geometry(coarse)
    for name in ("crack_size", "path_size", "path_growth", "far_size", "growth"):
        assert getattr(other, name) == pytest.approx(2.0 * getattr(one, name)), name
    for each in (one, other):
        assert each.flaw_length - TIP_OFFSET * each.refine[0][2] == pytest.approx(20.0)
    control = coarse.engine_model().control
    assert (control.step_factor, control.max_step) == (2.0, 6.0)
    assert coarse.content_hash() != case.content_hash()


@pytest.mark.parametrize(("accuracy", "cells"), [(0.3, 10), (0.06, 12.5), (0.03, 25), (0.01, 75), (0.002, 100)])
def test_accuracy_chooses_elements_and_steps(accuracy: float, cells: float) -> None:
    case = load_case("llzo_holds", [f"solver.accuracy={accuracy}"])
    assert geometry(case).crack_size == pytest.approx(20.0 / cells)
    assert geometry(case).refine == ((18.0, 30.0, pytest.approx(5.0 / cells)),)
    assert geometry(case).path_size == pytest.approx(2.0 * 25 / cells)
    assert case.engine_model().control.step_factor == pytest.approx(25 / cells)
    stated = load_case("llzo_holds", [f"solver.accuracy={accuracy}", "mesh.crack_size=0.5 um"])
    assert (geometry(stated).crack_size, geometry(stated).refine) == (0.5, ())
    refined = load_case("llzo_holds", [f"solver.accuracy={accuracy}", "mesh.crack_size=0.5 um", "mesh.tip_size=0.1 um"])
    assert geometry(refined).refine == ((18.0, 30.0, 0.1),)


@pytest.mark.parametrize("accuracy", ["0.001", "0.5", '"3 um"'])
def test_accuracy_out_of_range_is_refused(accuracy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "llzo_holds", "--set", f"solver.accuracy={accuracy}"]) == 2
    assert "solver.accuracy" in capsys.readouterr().err


def test_errors_of_a_run_cover_a_finer_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = write_case(tmp_path, CASE.partition("[mesh]")[0].replace("[protocol]", '[protocol]\nstop_at = "fracture"'))
    found = []
    for accuracy in (0.06, 0.015):
        out = tmp_path / str(accuracy)
        overrides = ["--set", f"solver.accuracy={accuracy}", "--set", "output.plots=false"]
        assert cli.main(["run", str(case), "--out", str(out), *overrides]) == 0
        found.append(summary(out))
    key = "capacity_at_fracture"
    rough, fine = (each[f"{key}_mAh_per_cm2"] for each in found)
    assert abs(rough / fine - 1.0) <= found[0][f"{key}_error"] < 0.1
    assert found[1][f"{key}_error"] < found[0][f"{key}_error"]
    assert "fracture at" in capsys.readouterr().err


def test_check_says_what_accuracy_has_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "llzo_holds", "--set", "solver.accuracy=0.015"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "50 elements of 0.4 um in the flaw, of 0.1 um about its tip" in said
    assert "time steps 0.5 times" in said
    assert cli.main(["check", "llzo_holds", "--set", "mesh.tip_size=1 um"]) == 2
    assert "coarser than mesh.crack_size" in capsys.readouterr().err


def test_a_case_as_it_was_resolved_is_the_same_case(tmp_path: Path) -> None:
    case = load_case("llzo_holds", ["solver.accuracy=0.02"])
    (tmp_path / "case.toml").write_text(case.resolved_toml())
    again = load_case(tmp_path / "case.toml")
    assert again.content_hash() == case.content_hash()
    assert companion(again).content_hash() == companion(case).content_hash()  # type: ignore[union-attr]
