"""Critical current density: inversion of Q_f(j), study files that are refused, restart, a small real study."""

import csv
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lifrac.meshes.errors import InputError
from lifrac.problems import ccd_runner
from lifrac.problems.case import load_case
from lifrac.problems.ccd import Bracket, Trial, bracket, log_spaced, refinement, violations
from lifrac.problems.cli import main
from lifrac.problems.study import load_study
from lifrac.problems.study_folder import CCD_COLUMNS, RUN_COLUMNS
from lifrac.solver.errors import NumericalFailure
from lifrac.solver.plane.problem import SurfaceProblem

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


# -- study files -----------------------------------------------------------------------------------

STUDY = """
[study]
case = "llzo_holds"
temperatures = ["25 degC", "60 degC"]
stack_pressures = ["1 MPa", "5 MPa"]
areal_capacities = ["0.03 mAh/cm^2", "0.05 mAh/cm^2"]
current_min = "2 mA/cm^2"
current_max = "32 mA/cm^2"
currents = 3
failure = "crack_through"
refinements = 1

[case.electrolyte]
thickness = "40 um"

[case.defect]
length = "10 um"

[case.mesh]
crack_size = "1 um"
"""

REFUSED = [
    ('temperatures = ["25 degC", "60 degC"]', "temperatures = []", "study.temperatures", "is empty"),
    ('temperatures = ["25 degC", "60 degC"]', "", "study.temperatures", "is required"),
    ('temperatures = ["25 degC", "60 degC"]', 'temperatures = "25 degC"', "study.temperatures", "a list of"),
    ('["25 degC", "60 degC"]', '["60 degC", "25 degC"]', "study.temperatures", "Sort the list"),
    ('["25 degC", "60 degC"]', '["25 degC", "298.15 K"]', "study.temperatures", "298.15 K twice"),
    ('["25 degC", "60 degC"]', '["25 degC", "60 MPa"]', "study.temperatures", "60 MPa"),
    ('["25 degC", "60 degC"]', '["25 degC", "190 degC"]', "190 degC", "melting point"),
    ('["25 degC", "60 degC"]', '["1 K", "60 degC"]', "study.temperatures", "at least 150 K"),
    ('["1 MPa", "5 MPa"]', '["-1 MPa", "5 MPa"]', "study.stack_pressures", "at least 0 MPa"),
    ('["1 MPa", "5 MPa"]', '["5 MPa", "1 MPa"]', "study.stack_pressures", "not ascending"),
    ('["1 MPa", "5 MPa"]', "[1, 5]", "study.stack_pressures", '"1 MPa"'),
    ('["0.03 mAh/cm^2", "0.05 mAh/cm^2"]', "[]", "study.areal_capacities", "nothing to compute"),
    ('["0.03 mAh/cm^2", "0.05 mAh/cm^2"]', '["0.05 mAh/cm^2", "0.05 mAh/cm^2"]', "study.areal_capacities", "twice"),
    ('"2 mA/cm^2"', '"32 mA/cm^2"', "study.current_min", "not below study.current_max"),
    ('"2 mA/cm^2"', '"0 mA/cm^2"', "study.current_min", "mA/cm^2"),
    ("currents = 3", "currents = 1", "study.currents", "greater than or equal to 2"),
    ("refinements = 1", "refinements = -1", "study.refinements", "greater than or equal to 0"),
    ("refinements = 1", "refinement = 1", "study.refinement", "Did you mean study.refinements?"),
    ('"crack_through"', '"short_circuits"', "study.failure", 'Did you mean "short_circuit"?'),
    ('"llzo_holds"', '"lzo_holds"', "study.case", "Did you mean llzo_holds?"),
    ('"llzo_holds"', '"nothing.toml"', "study.case", "no such case file"),
    ("[case.mesh]\ncrack_size", "[case.mesh]\ncrack_sise", "mesh.crack_sise", "Did you mean mesh.crack_size?"),
    ("[case.mesh]", "[case.mash]", "mash", "Did you mean mesh?"),
    ('crack_size = "1 um"', 'crack_size = "1 MPa"', "mesh.crack_size", '"20 um"'),
    ("[case.mesh]", '[case.operation]\ntemperature = "30 degC"\n[case.mesh]', "case.operation.temperature",
     "State study.temperatures"),
    ("[case.mesh]", '[case.protocol]\nstop_at = "fracture"\n[case.mesh]', "case.protocol.stop_at", "study.current_min"),
    ("[study]", "[studies]", "studies", "Did you mean study?"),
]  # fmt: skip


def write(folder: Path, text: str = STUDY) -> Path:
    path = folder / "small.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("old", "new", "key", "words"), REFUSED)
def test_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, key: str, words: str
) -> None:
    assert old in STUDY
    path = write(tmp_path, STUDY.replace(old, new, 1))
    assert main(["ccd", str(path), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert all(part in message for part in ("small.toml", key, words)), message
    assert [p.name for p in tmp_path.iterdir()] == ["small.toml"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("study.refinements", "key=value"),
        ("study.refinement=3", "study.refinements?"),
        ("defect.lenght=3 um", "defect.length?"),
        ("operation.temperature=30 degC", "study.temperatures"),
    ],
)
def test_refused_override(tmp_path: Path, capsys: pytest.CaptureFixture[str], override: str, words: str) -> None:
    assert main(["ccd", str(write(tmp_path)), "--out", str(tmp_path / "out"), "--set", override]) == 2
    assert words in capsys.readouterr().err


def test_missing_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ccd", "lzo"]) == 2
    assert "Did you mean llzo?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["llzo", "li6ps5cl"])
def test_ready_studies(name: str) -> None:
    study = load_study(name)
    assert study.grids.failure == "short_circuit"
    assert len(study.cases) == len(study.grids.temperatures)


def test_point_is_the_case_as_a_run_would_take_it(tmp_path: Path) -> None:
    """The numbers of a point are those of the case with the same keys set."""
    study = load_study(write(tmp_path), ["study.currents=4", "defect.aperture=30 nm"])
    assert len(study.currents) == 4
    case = study.cases[1]
    point = study.point(case, study.grids.stack_pressures[1], study.currents[0])
    same = load_case(
        "llzo_holds",
        [
            "operation.temperature=60 degC", "operation.stack_pressure=5 MPa", "electrolyte.thickness=40 um",
            "defect.length=10 um", "defect.aperture=30 nm", "mesh.crack_size=1 um",
            "protocol.current_density=2 mA/cm^2", "protocol.areal_capacity=0.05 mAh/cm^2",
            "protocol.stop_at=crack_through",
        ],
    )  # fmt: skip
    assert point.model() == same.model()
    assert point.content_hash() == same.content_hash()


def test_case_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(load_case("llzo_holds").path.read_text())
    study = load_study(write(tmp_path, STUDY.replace('"llzo_holds"', '"own.toml"')))
    assert study.cases[0].path == tmp_path / "own.toml"
    assert f'case = "{tmp_path / "own.toml"}"' in study.resolved_toml()
    assert study.content_hash() == load_study(write(tmp_path)).content_hash()


# -- real studies ----------------------------------------------------------------------------------

ONE = ["--set", 'study.temperatures=["25 degC"]', "--set", 'study.stack_pressures=["1 MPa"]']


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Study file and folder of a study of one condition."""
    folder = tmp_path_factory.mktemp("study")
    assert main(["ccd", str(write(folder)), "--out", str(folder / "out"), *ONE]) == 0
    return folder


def test_folder(finished: Path) -> None:
    out = finished / "out"
    assert {p.name for p in out.iterdir()} == {"study.toml", "study.json", "ccd.csv", "runs.csv", "plots"}
    assert {p.name for p in (out / "plots").iterdir()} == {"ccd.png", "ccd.pdf"}
    again = load_study(out / "study.toml")
    assert again.content_hash() == load_study(finished / "small.toml", ONE[1::2]).content_hash()


def test_table_and_runs_agree(finished: Path) -> None:
    rows, runs = table(finished / "out" / "ccd.csv"), table(finished / "out" / "runs.csv")
    assert (tuple(rows[0]), tuple(runs[0])) == (CCD_COLUMNS, RUN_COLUMNS)
    assert [float(row["areal_capacity_mAh_per_cm2"]) for row in rows] == pytest.approx([0.03, 0.05])
    failed_at = {
        float(r["current_density_mA_per_cm2"]): float(r["capacity_at_crack_through_mAh_per_cm2"] or "inf") for r in runs
    }
    assert {2.0, 8.0, 32.0} <= {round(j, 9) for j in failed_at}
    for row in rows:
        lower, upper = (float(row[f"ccd_{side}_mA_per_cm2"]) for side in ("lower", "upper"))
        capacity = float(row["areal_capacity_mAh_per_cm2"])
        assert failed_at[lower] > capacity >= failed_at[upper]
        assert upper / lower == pytest.approx(2.0)
        assert row["failure_mode"] == "crack_through"
    assert float(rows[0]["ccd_lower_mA_per_cm2"]) >= float(rows[1]["ccd_lower_mA_per_cm2"])


def test_run_ends_at_the_failure(finished: Path) -> None:
    failed = [r for r in table(finished / "out" / "runs.csv") if r["outcome"] == "crack_through"]
    assert failed
    for run in failed:
        assert run["charge_mAh_per_cm2"] == run["capacity_at_crack_through_mAh_per_cm2"]
        assert (run["termination"], run["capacity_at_short_mAh_per_cm2"]) == ("stop_rule", "")


def test_restart_computes_only_what_is_missing(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs are lost, one of them torn by the kill: just these are computed again, with the same table."""
    out = finished / "out"
    before, text = (out / "ccd.csv").read_bytes(), (out / "runs.csv").read_text()
    lines = text.splitlines(keepends=True)
    (out / "runs.csv").write_text("".join(lines[:-2]) + lines[-2][:20])
    (out / "ccd.csv").unlink()
    computed = []
    compute = ccd_runner._Driver._compute

    def count(self: Any, model: Any) -> dict[str, Any]:
        computed.append(model.protocol[0].current_density)
        return compute(self, model)

    monkeypatch.setattr(ccd_runner._Driver, "_compute", count)
    again = ["ccd", str(finished / "small.toml"), "--out", str(out), *ONE]
    assert main(again) == 0
    assert len(computed) == 2
    assert (out / "ccd.csv").read_bytes() == before
    assert len(table(out / "runs.csv")) == len(lines) - 1
    assert main(again) == 0
    assert len(computed) == 2


def test_folder_of_another_study_is_refused(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = finished / "out"
    before = {p: p.read_bytes() for p in out.iterdir() if p.is_file()}
    again = ["ccd", str(finished / "small.toml"), "--out", str(out), *ONE]
    assert main([*again, "--set", "study.refinements=3"]) == 2
    assert "belongs to another study" in capsys.readouterr().err
    assert main([*again, "--set", "defect.aperture=21 nm"]) == 2
    assert {p: p.read_bytes() for p in out.iterdir() if p.is_file()} == before


@pytest.mark.parametrize(
    ("name", "words"), [("summary.json", "holds a run"), ("runs.csv", "unknown study"), ("study.json", "damaged")]
)
def test_folder_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("{}")
    assert main(["ccd", str(write(tmp_path)), "--out", str(tmp_path / "out"), *ONE]) == 2
    assert words in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "out").iterdir()] == [name]


def test_numerical_failure_is_listed_and_narrows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run whose numerics fail, here on purpose at the largest current, is a row with a reason, no failure."""
    solve = SurfaceProblem.solve

    def fail(self: SurfaceProblem, state: Any, dt: float, current: float, guess: Any = None) -> Any:
        if current > 300.0:
            raise NumericalFailure("made to fail")
        return solve(self, state, dt, current, guess)

    monkeypatch.setattr(SurfaceProblem, "solve", fail)
    arguments = ["ccd", str(write(tmp_path)), "--out", str(tmp_path / "out"), *ONE, "--set", "study.refinements=0"]
    assert main(arguments) == 0
    runs = table(tmp_path / "out" / "runs.csv")
    assert [bool(r["reason"]) for r in runs] == [False, False, True]
    assert runs[-1]["termination"] == "numerical_failure"
    assert "left out: 25 degC, 1 MPa, 32 mA/cm2" in capsys.readouterr().err
    for row in table(tmp_path / "out" / "ccd.csv"):
        assert row["ccd_upper_mA_per_cm2"] in ("", "8.0", "8.000000000000002", "7.999999999999999")


def test_lost_contact_is_a_failure_of_the_cell(tmp_path: Path) -> None:
    """The largest current that the counter electrode can be stripped at, 0.2 mA/cm2 by the law, is the CCD."""
    law = '\n[case.electrodes.contact]\nvoid_height = "1 um"\ncritical_current = "0.2 mA/cm^2"\n'
    path = write(tmp_path, STUDY.replace('"2 mA/cm^2"', '"0.1 mA/cm^2"').replace('"32 mA', '"1 mA') + law)
    arguments = ["--set", 'study.areal_capacities=["0.3 mAh/cm^2"]', "--set", "study.refinements=2"]
    assert main(["ccd", str(path), "--out", str(tmp_path / "out"), *ONE, *arguments]) == 0
    (row,) = table(tmp_path / "out" / "ccd.csv")
    assert float(row["ccd_lower_mA_per_cm2"]) < 0.2 < float(row["ccd_upper_mA_per_cm2"])
    assert row["failure_mode"] == "contact_lost"


def test_asked_to_stop_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that is under way is given up, exit code 4; the same command goes on."""
    add = ccd_runner.StudyFolder.add
    path, out = write(tmp_path), tmp_path / "out"
    asked: list[list[int]] = []
    begin = ccd_runner._Driver.__init__

    def note(self: Any, *arguments: Any) -> None:
        begin(self, *arguments)
        asked.append(self.asked)

    def add_and_ask(self: Any, values: Any) -> Any:
        asked[-1].append(15)
        return add(self, values)

    with monkeypatch.context() as patch:
        patch.setattr(ccd_runner._Driver, "__init__", note)
        patch.setattr(ccd_runner.StudyFolder, "add", add_and_ask)
        assert main(["ccd", str(path), "--out", str(out), *ONE]) == 4
    assert len(table(out / "runs.csv")) == 1
    assert main(["ccd", str(path), "--out", str(out), *ONE]) == 0
    assert len(table(out / "ccd.csv")) == 2


def test_plot_recognises_a_study(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(finished / "out")]) == 0
    plots = finished / "out" / "plots"
    assert capsys.readouterr().out.split() == [str(plots / "ccd.png"), str(plots / "ccd.pdf")]


def test_study_on_ranks_gives_the_same_table(finished: Path, mpi_run: Any, tmp_path: Path) -> None:
    """All ranks condense, the first steps."""
    arguments = ["ccd", str(finished / "small.toml"), "--out", str(tmp_path / "out"), *ONE]
    mpi_run("import sys\nfrom lifrac.problems.cli import main\n"
            "sys.exit(main(sys.argv[1:]))", 2, *arguments, timeout=200)  # fmt: skip
    mine, theirs = table(finished / "out" / "ccd.csv"), table(tmp_path / "out" / "ccd.csv")
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert a == b


def test_load_study_raises_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        load_study(tmp_path / "nowhere.toml")
