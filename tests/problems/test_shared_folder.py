"""Who looks at a run, shares its folder or fills its disk does not cost it states, rows, or a plain end."""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from lifrac.postprocess.read.field_file import FieldFile
from lifrac.problems.cli import main as cli
from lifrac.problems.run import run_folder
from lifrac.problems.run.files import claimed
from lifrac.solver.output import vtkhdf
from lifrac.solver.output.vtkhdf import TemporalGrid
from support.mpi import PATIENCE
from support.small_runs import CASE, RUN, history, summary, write_case

HOLDER = """
import sys, h5py
from vtkmodules.vtkIOHDF import vtkHDFReader
reader = vtkHDFReader()
reader.SetFileName(sys.argv[1])
reader.Update()
file = h5py.File(sys.argv[1], "r", locking=True)
print("open", flush=True)
sys.stdin.read()
"""
"""A viewer that keeps the file open, with HDF5's lock on it."""


@pytest.fixture
def viewed(tmp_path: Path) -> Iterator[Path]:
    """A field file that another process keeps open."""
    file = tmp_path / "fields.vtkhdf"
    grid = TemporalGrid(file, np.eye(3), [(5, np.array([[0, 1, 2]]))], np.array([0]), {"damage": 1})
    grid.append(0.0, {"damage": np.zeros(3)})
    command = [sys.executable, "-c", HOLDER, str(file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield file
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()  # closes the pipes as well


def test_a_viewer_stops_no_state(viewed: Path) -> None:
    with pytest.raises(OSError, match="lock"):
        h5py.File(viewed, "r+", locking=True)
    grid = TemporalGrid.reopen(viewed)
    for time_ in (1.0, 2.0):
        grid.append(time_, {"damage": np.full(3, 0.5)})
    grid.remesh(np.eye(4)[:, :3], [(5, np.array([[0, 1, 2], [0, 1, 3]]))], np.array([0, 0]))
    grid.append(3.0, {"damage": np.ones(4)})
    assert list(FieldFile(viewed).times) == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(("count", "left"), [(1, 0), (99, 4)])
def test_what_could_not_be_stored_is_tried_again(
    count: int, left: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append, calls = TemporalGrid.append, []

    def fails(self: TemporalGrid, time: float, arrays: dict[str, np.ndarray]) -> None:
        calls.append(time)
        if 2 <= len(calls) < 2 + count:
            raise OSError(errno.EIO, "the disk is away")
        append(self, time, arrays)

    monkeypatch.setattr(TemporalGrid, "append", fails)
    out = tmp_path / "out"
    assert cli.main(["run", str(write_case(tmp_path)), "--out", str(out)]) == (0 if count == 1 else 3)
    told = capsys.readouterr().err
    stored, times = FieldFile(out / "fields.vtkhdf").times, history(out)["time_s"]
    if count == 1:  # the state after it stands in its place
        assert summary(out)["states_not_stored"] == 1
        assert calls[2] == pytest.approx(times[list(times).index(pytest.approx(calls[1])) + 1])
        assert calls[2] in stored
    else:
        assert summary(out)["states_not_stored"] == len(calls) - 1 >= left
        assert list(stored) == [0.0]
        assert "the last one among them" in told
    assert told.count("the disk is away") == 1


def test_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    case = str(write_case(tmp_path))
    with claimed(tmp_path / "out", "run"):
        for command in (["run", case], ["ccd", "llzo"]):
            assert cli.main([*command, "--out", str(tmp_path / "out")]) == 2
            assert "another process" in capsys.readouterr().err
        assert [p.name for p in (tmp_path / "out").iterdir()] == [".lock"]


BRIEF = CASE.replace('"0.02 mAh', '"0.006 mAh').replace('"0.01 mAh', '"0.0055 mAh')


def test_of_two_runs_started_at_once_one_is_refused(tmp_path: Path) -> None:
    case, out = write_case(tmp_path, BRIEF), tmp_path / "race"
    command = [sys.executable, *RUN, "run", str(case), "--out", str(out)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=PATIENCE)[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 2]
    loser = told[codes.index(2)]
    assert "another process" in loser or "holds a run already" in loser
    steps = history(out)["step"]
    assert list(steps) == list(range(len(steps)))


# -- a full disk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB, three quarters of what the run needs."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_a_run_plainly_and_it_goes_on(small_disk: Path, tmp_path: Path) -> None:
    case, out = write_case(tmp_path, BRIEF), small_disk / "out"
    command = ["run", str(case), "--out", str(out), "--set", "output.fields=12"]
    done = subprocess.run([sys.executable, *RUN, *command], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr or "no space left" in done.stderr
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert cli.main([*command, "--resume"]) == 0
    steps = history(out)["step"]
    assert list(steps) == list(range(len(steps)))


@pytest.mark.parametrize("place", ["add", "checkpoint", "summary"])
def test_no_room_for_a_file_ends_a_run_plainly(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def full(*values: object) -> None:
        calls.append(values)
        if len(calls) > 3 or place == "summary":
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*values)

    original = getattr(run_folder.RunFolder, place)
    monkeypatch.setattr(run_folder.RunFolder, place, full)
    case, out = str(write_case(tmp_path, BRIEF)), tmp_path / "out"
    assert cli.main(["run", case, "--out", str(out)]) == 3
    told = capsys.readouterr().err
    assert told.count("No space left") == 1
    assert not (out / "summary.json").exists()
    monkeypatch.setattr(run_folder.RunFolder, place, original)
    assert cli.main(["run", case, "--out", str(out), "--resume"]) == 0
    steps = history(out)["step"]
    assert list(steps) == list(range(len(steps)))


def test_no_room_is_noticed_before_the_file_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "fields.vtkhdf"
    grid = TemporalGrid(file, np.eye(3), [(5, np.array([[0, 1, 2]]))], np.array([0]), {"damage": 1})
    before = file.read_bytes()
    monkeypatch.setattr(vtkhdf, "_OVERHEAD", 2**62)
    with pytest.raises(OSError, match="no space left"):
        grid.append(1.0, {"damage": np.zeros(3)})
    assert file.read_bytes() == before
    assert grid.times == ()
    assert time.time() > file.stat().st_mtime
