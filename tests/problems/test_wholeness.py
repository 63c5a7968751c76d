"""A run goes on only from what is whole: every hole and every damaged file is named, and none ends with exit code 0."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from lifrac.errors import InputError
from lifrac.postprocess.read.field_file import FieldFile
from lifrac.problems.cli import main as cli
from lifrac.problems.run.checkpoint import BEFORE, CHECKPOINT, read_checkpoint
from lifrac.problems.run.wholeness import refuse_holes
from support.interruptions import after_steps, asked_to_stop
from support.small_runs import history, write_case


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A case and the folder of a run of it that was asked to stop half-way: its last checkpoint is of its last step."""
    folder = tmp_path_factory.mktemp("killed")
    case = write_case(folder)
    with after_steps({9: asked_to_stop}):
        assert cli.main(["run", str(case), "--out", str(folder / "out")]) == 4
    return case, folder / "out"


@pytest.fixture
def run(killed: tuple[Path, Path], tmp_path: Path) -> Path:
    """The folder, to be damaged."""
    return Path(shutil.copytree(killed[1], tmp_path / "out"))


def lines_changed(file: Path, change: Callable[[list[str]], list[str]]) -> None:
    file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")


def rows_changed(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    return lambda file: lines_changed(file, change)


def without_last_fields(file: Path) -> None:
    """As if the last stored state had never been written."""
    with h5py.File(file, "r+", locking=False) as opened:
        steps = opened["VTKHDF/Steps"]
        steps.attrs["NSteps"] = int(steps.attrs["NSteps"]) - 1


DAMAGES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "short": ("history.csv", rows_changed(lambda rows: rows[:-2]), "rows are missing"),
    "hole": ("history.csv", rows_changed(lambda rows: [*rows[:4], *rows[5:], rows[-1]]), "row of step 3"),
    "torn": ("history.csv", rows_changed(lambda rows: [*rows[:5], rows[5][:20], *rows[6:]]), "step 4 has"),
    "words": ("history.csv", rows_changed(lambda rows: [*rows[:-1], rows[-1] + "x"]), "no number"),
    "columns": ("history.csv", rows_changed(lambda rows: ["step,time", *rows[1:]]), "names of the columns"),
    "bytes": ("history.csv", lambda f: f.write_bytes(b"\xff\xfe" + f.read_bytes()), "cannot be read"),
    "gone": ("history.csv", lambda f: f.unlink(), "cannot be read"),
    "event": ("events.jsonl", lambda f: f.write_text('{"event"'), "line 1 is no event"),
    "events": ("events.jsonl", lambda f: f.write_text(""), "holds 0 events"),
    "state": ("fields.vtkhdf", without_last_fields, "lacks the state"),
    "fields": ("fields.vtkhdf", lambda f: f.write_bytes(f.read_bytes()[:3000]), "cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_hole_is_named(run: Path, name: str) -> None:
    file, damage, message = DAMAGES[name]
    refuse_holes(run, read_checkpoint(run))
    checkpoint = read_checkpoint(run)
    checkpoint.values["event_lines"] = max(checkpoint.values["event_lines"], 1)
    if not (run / "events.jsonl").read_text():
        (run / "events.jsonl").write_text(json.dumps({"event": "fracture"}) + "\n")
    refuse_holes(run, checkpoint)
    damage(run / file)
    with pytest.raises(InputError, match=message) as refusal:
        refuse_holes(run, checkpoint)
    assert refusal.value.file == str(run / file)
    assert refusal.value.key == "--resume"
    assert refusal.value.remedy


def test_a_refused_run_is_left_as_it_is(
    killed: tuple[Path, Path], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines_changed(run / "history.csv", lambda rows: rows[:-2])
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert cli.main(["run", str(killed[0]), "--out", str(run), "--resume"]) == 2
    assert "rows are missing" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_what_came_after_the_checkpoint_may_be_torn(run: Path) -> None:
    with (run / "history.csv").open("a") as file:
        file.write("10,0.1")
    refuse_holes(run, read_checkpoint(run))


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "gone"])
def test_the_checkpoint_before_is_used(
    killed: tuple[Path, Path], run: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file, times = run / CHECKPOINT, [read_checkpoint(run).time]
    shutil.copy(run / CHECKPOINT, run / "kept.npz")
    content = file.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    new = {"empty": b"", "truncated": content[:middle], "flipped": flipped}.get(damage)
    file.unlink() if new is None else file.write_bytes(new)
    times.append(read_checkpoint(run).time)
    assert times[1] < times[0]
    if damage == "truncated":  # and the run is whole in the end
        assert cli.main(["run", str(killed[0]), "--out", str(run), "--resume"]) == 0
        assert "goes on from the one before" in capsys.readouterr().err
        steps = history(run)["step"]
        assert list(steps) == list(range(len(steps)))
        assert (FieldFile(run / "fields.vtkhdf").times[1:] > FieldFile(run / "fields.vtkhdf").times[:-1]).all()


def test_two_damaged_checkpoints_are_refused(
    killed: tuple[Path, Path], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (CHECKPOINT, BEFORE):
        (run / name).write_bytes((run / name).read_bytes()[:100])
    assert cli.main(["run", str(killed[0]), "--out", str(run), "--resume"]) == 2
    assert "nor can the one before" in capsys.readouterr().err


def test_a_run_of_other_code_is_refused(
    killed: tuple[Path, Path], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for code in ("0123456789abcdef", None):
        about = json.loads((run / "manifest.json").read_text())
        (run / "manifest.json").write_text(json.dumps(about | {"code_hash": code}))
        assert cli.main(["run", str(killed[0]), "--out", str(run), "--resume"]) == 2
        assert "was begun by other code" in capsys.readouterr().err


def test_nothing_is_drawn_after_a_signal(tmp_path: Path) -> None:
    case = write_case(tmp_path)
    with after_steps({3: asked_to_stop}):
        assert cli.main(["run", str(case), "--out", str(tmp_path / "out"), "--set", "output.plots=true"]) == 4
    assert not (tmp_path / "out" / "plots").exists()
