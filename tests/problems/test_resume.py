"""Runs that were killed or stopped half-way and go on: the same folder as that of a run that was not."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lifrac.postprocess.read.field_file import FieldFile
from lifrac.problems.cli import main as cli
from lifrac.quantities import HISTORY_COLUMNS as COLUMNS
from support.interruptions import after_steps, asked_to_stop, copy_of, standing_still
from support.small_runs import CASE, DIFFUSE, RUN, events, history, summary, write_case

CYCLED = CASE.replace(
    '[protocol]\ncurrent_density = "6 mA/cm^2"\nareal_capacity = "0.02 mAh/cm^2"',
    '[[protocol.steps]]\ntype = "cycle"\ncurrent_density = "6 mA/cm^2"\nareal_capacity = "0.004 mAh/cm^2"\ncycles = 2\n'
    'stripping_current_density = "-3 mA/cm^2"\n[[protocol.steps]]\ntype = "rest"\nduration = "2 s"',
).replace("0.01 mAh", "0.009 mAh")
assert CYCLED.count("cycle") == 2
HELD = CASE.replace(
    '[protocol]\ncurrent_density = "6 mA/cm^2"\nareal_capacity = "0.02 mAh/cm^2"',
    '[operation.fixture]\ntype = "spring"\nstiffness = "20 MPa/um"\n[[protocol.steps]]\ntype = "constant_current"\n'
    'current_density = "6 mA/cm^2"\nareal_capacity = "0.004 mAh/cm^2"\n[[protocol.steps]]\ntype = "constant_voltage"\n'
    'voltage = "80 mV"\nareal_capacity = "0.004 mAh/cm^2"\nstack_pressure = "3 MPa"\nstack_pressure_ramp = "2 s"',
).replace("0.01 mAh", "0.007 mAh")
assert HELD.count("protocol.steps") == 2
GROWN = CASE.replace('"0.02 mAh', '"0.008 mAh').replace('"0.01 mAh', '"0.007 mAh')
"""The flaw grows at 0.0057 mAh/cm2."""


def assert_same(out: Path, whole: Path, rel: float, stops: int = 0) -> None:
    """Histories, events, stored states and outcomes of two runs; one may have stored where it was asked to stop."""
    a, b = history(whole), history(out)
    assert list(b["step"]) == list(range(len(a["step"])))
    for name in COLUMNS:
        if not name.endswith("error"):
            assert b[name] == pytest.approx(a[name], rel=rel, abs=rel * np.abs(a[name]).max()), name
    assert [(e["event"], e["detail"]) for e in events(out)] == [(e["event"], e["detail"]) for e in events(whole)]
    one, other = FieldFile(whole / "fields.vtkhdf"), FieldFile(out / "fields.vtkhdf")
    assert len(one.times) <= len(other.times) <= len(one.times) + stops
    assert (np.diff(other.times) > 0.0).all()
    for k, time in enumerate(one.times):
        there = other.nearest(time)
        assert other.times[there] == pytest.approx(time, rel=rel)
        assert np.array_equal(one.grid(k).points, other.grid(there).points)
        for name in ("potential_V", "lithium_pressure_MPa", "damage"):
            value = one.array(name, k)
            difference = np.abs(value - other.array(name, there)).max()
            assert difference <= max(rel, 1e-6) * max(float(np.abs(value).max()), 1e-12), (k, name)
    differ = {"wall_time_s", "resumed", "ranks"}
    ends = [{k: v for k, v in summary(folder).items() if k not in differ} for folder in (out, whole)]
    for name, value in ends[1].items():
        if not name.endswith("error"):
            assert ends[0][name] == (value if not isinstance(value, float) else pytest.approx(value, rel=rel)), name
    assert summary(whole)["resumed"] == 0
    for end in ends:  # those of balances are rounding, those of capacities come from a companion
        errors = {name: value for name, value in end.items() if name.startswith("capacity") and name.endswith("_error")}
        known = {name: ends[1][name] for name in errors}
        assert errors == {k: v if v is None else pytest.approx(v, rel=1e-6) for k, v in known.items()}
        assert len(errors) == 4


@pytest.mark.parametrize(
    ("text", "steps"),
    [(GROWN, (9, 14)), (CYCLED, (12, 17)), (HELD, (31, 35))],
    ids=["constant current", "cycles", "held voltage on a spring"],
)
def test_killed_and_stopped_plane_run_goes_on(text: str, steps: tuple[int, int], tmp_path: Path) -> None:
    case, whole, out = write_case(tmp_path, text), tmp_path / "whole", tmp_path / "out"
    with after_steps({steps[0]: copy_of(whole, out)}):
        assert cli.main(["run", str(case), "--out", str(whole)]) == 0
    assert not (out / "summary.json").exists()
    assert len(history(out)["step"]) == steps[0] + 1
    with after_steps({steps[1]: asked_to_stop}):
        assert cli.main(["run", str(case), "--out", str(out), "--resume"]) == 4
    assert summary(out)["termination"] == "asked_to_stop"
    assert cli.main(["run", str(case), "--out", str(out), "--resume"]) == 0
    assert_same(out, whole, 1.0e-9, stops=1)
    assert summary(out)["resumed"] == 2
    assert summary(out)["wall_time_s"] > 0.0


SHORT = DIFFUSE.replace("0.012 mAh", "0.0062 mAh").replace("0.008 mAh", "0.0058 mAh")
FOLLOWED = (5, 13)
"""Steps before and after the mesh of that run first follows its crack."""


@pytest.fixture(scope="module")
def diffuse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phase-field run that was not interrupted, `whole`, and what it would have left had it been killed, `killed`."""
    folder = tmp_path_factory.mktemp("diffuse")
    with after_steps({FOLLOWED[0]: copy_of(folder / "whole", folder / "killed")}):
        assert cli.main(["run", str(write_case(folder, SHORT)), "--out", str(folder / "whole")]) == 0
    grids = FieldFile(folder / "whole" / "fields.vtkhdf")
    assert len(grids.grid(len(grids.times) - 1).points) > len(grids.grid(0).points)
    return folder


@pytest.fixture(scope="module")
def asked(diffuse: Path) -> Path:
    """The folder of the run that was killed, and asked to stop when it had gone on, `out`."""
    case, out = write_case(diffuse, SHORT), diffuse / "out"
    shutil.copytree(diffuse / "killed", out)
    assert len(history(out)["step"]) == FOLLOWED[0] + 1
    with after_steps({FOLLOWED[1]: asked_to_stop}):
        assert cli.main(["run", str(case), "--out", str(out), "--resume"]) == 4
    assert len(history(out)["step"]) == FOLLOWED[1] + 1
    return diffuse


def test_killed_and_stopped_phase_field_run_goes_on(asked: Path, tmp_path: Path) -> None:
    case, out = write_case(tmp_path, SHORT), tmp_path / "out"
    shutil.copytree(asked / "out", out)
    assert cli.main(["run", str(case), "--out", str(out), "--resume"]) == 0
    assert_same(out, asked / "whole", 1.0e-6, stops=1)
    assert summary(out)["resumed"] == 2


@pytest.mark.mpi
def test_phase_field_run_goes_on_on_two_ranks(mpi_run: Any, asked: Path, tmp_path: Path) -> None:
    case, out = write_case(tmp_path, SHORT), tmp_path / "out"
    shutil.copytree(asked / "out", out)
    mpi_run(RUN, 2, "run", str(case), "--out", str(out), "--resume")
    assert_same(out, asked / "whole", 1.0e-6, stops=1)
    assert summary(out)["ranks"] == 2


def test_a_run_is_left_alone_while_a_process_computes_it_which_leaves_what_a_copy_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process stands still, and is killed there: other tests copy a folder, and need no process of their own."""
    case, out, copy = write_case(tmp_path), tmp_path / "out", tmp_path / "copy"
    with standing_still(5, case, out):
        assert cli.main(["run", str(case), "--out", str(out), "--resume"]) == 2
        assert "another process" in capsys.readouterr().err
    with after_steps({5: copy_of(tmp_path / "whole", copy), 6: asked_to_stop}):
        assert cli.main(["run", str(case), "--out", str(tmp_path / "whole")]) == 4
    files = [sorted(path.relative_to(folder) for path in folder.rglob("*")) for folder in (out, copy)]
    assert files[0] == files[1]
    for name in ("history.csv", "events.jsonl", "case.toml"):
        assert (out / name).read_bytes() == (copy / name).read_bytes()
    kept = [np.load(folder / "checkpoints" / "last.npz") for folder in (out, copy)]
    assert np.array_equal(kept[0]["aperture"], kept[1]["aperture"])
    stored = [FieldFile(folder / "fields.vtkhdf") for folder in (out, copy)]
    assert stored[0].times.tolist() == stored[1].times.tolist()


def test_what_cannot_be_gone_on_with_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, out = write_case(tmp_path), tmp_path / "out"
    resume = ["run", str(case), "--out", str(out), "--resume"]

    def refused(*tokens: str) -> str:
        assert cli.main([*resume, *tokens]) == 2
        return capsys.readouterr().err

    assert "holds no run" in refused()
    assert not out.exists()
    with after_steps({4: copy_of(tmp_path / "whole", out), 5: asked_to_stop}):
        assert cli.main(["run", str(case), "--out", str(tmp_path / "whole")]) == 4
    for file in (out / "checkpoints").iterdir():
        file.unlink()
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert "before its first checkpoint" in refused()
    assert "not the one that the run was begun with" in refused("--set", "defect.length=11 um")
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "summary.json").write_text(json.dumps({"termination": "protocol_end"}))
    assert cli.main(resume) == 0  # jobs of a chain ask for it once more
    assert "the run has ended (protocol_end)" in capsys.readouterr().err
    (out / "summary.json").write_text(json.dumps({"termination": "numerical_failure"}))
    assert cli.main(resume) == 3
    (out / "summary.json").unlink()
    (out / "checkpoints" / "last.npz").write_bytes(b"nonsense")
    assert "cannot be read as a checkpoint" in refused()
