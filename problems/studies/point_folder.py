"""The points of a study on disk: run folders, each named by the content of its case.

A run is made in a scratch folder, `points/.<point>.part`, which takes the name of the point when it is complete, so
that a kill leaves no half run. Making the scratch folder is how one of several processes claims a point: the file
system lets only one of them. A lock in it tells a process that is at work from one that was killed. Where runs have
checkpoints, an interrupted one is set aside as `points/.<point>.kept`, and whoever claims the point next goes on with
it.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from lifrac.problems.run.files import try_lock
from lifrac.problems.run.other_code import code_of

from .recording import LIGHT, Recording

CLAIM = ".claim"
"""File in a scratch folder that is locked while its process lives."""
CHECKPOINTS = "checkpoints"
NUMERICS = ("numerical_failure", "max_steps")
"""Terminations that say nothing about the cell."""


class PointFolder:
    """The folder of one point.

    Parameters
    ----------
    study : Path
        Folder of the study.
    key : str
        Name of the point.
    recording : Recording
        How its run is recorded.
    """

    def __init__(self, study: Path, key: str, recording: Recording = LIGHT) -> None:
        self.key, self.recording = key, recording
        self.path = study / "points" / key
        self.scratch = study / "points" / f".{key}.part"
        self.interrupted = study / "points" / f".{key}.kept"
        self._lock: IO[str] | None = None

    def summary(self) -> dict[str, Any] | None:
        """Return what `summary.json` says; None if the point is not finished, or damaged.

        `code_hash` and `reason` (why the numerics failed) are there for every way of recording.
        """
        try:
            found = json.loads((self.path / "summary.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        if not isinstance(found, dict) or not found.keys() >= self.recording.needed:
            return None
        found.setdefault("code_hash", code_of(self.path / "manifest.json"))
        found.setdefault("reason", _end_of(self.path) if found["termination"] in NUMERICS else "")
        return found

    def code(self) -> str | None:
        """Return the code that has computed the point; None where it is not known."""
        return code_of(self.path / "manifest.json") or code_of(self.path / "summary.json")

    def claim(self) -> Path | None:
        """Return the scratch folder, or None where another process has it or the point is finished.

        It is empty, or holds a run that was interrupted.
        """
        if self.summary() is not None:
            return None
        try:
            self.scratch.mkdir()
        except FileExistsError:
            return None
        if self.summary() is not None:  # finished between the two
            self.scratch.rmdir()
            return None
        self.remove()  # damaged
        if self.interrupted.is_dir():
            self.interrupted.rename(self.scratch)  # which is empty
        self._lock = (self.scratch / CLAIM).open("w")
        try_lock(self._lock.fileno())
        return self.scratch

    def complete(self) -> None:
        """Let the run in the scratch folder be the point's."""
        self._release()
        try:
            self.scratch.rename(self.path)
        except OSError:
            if not self.path.exists():
                raise
            shutil.rmtree(self.scratch, ignore_errors=True)  # two machines see each other's folders late: the first
            # one's result stands

    def give_up(self) -> None:
        """Let other processes claim the point; a run that can be gone on with is set aside for them."""
        self._release()
        if self.recording.resumable and (self.scratch / CHECKPOINTS).is_dir():
            shutil.rmtree(self.interrupted, ignore_errors=True)
            with contextlib.suppress(OSError):
                self.scratch.rename(self.interrupted)
                return
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        (self.scratch / CLAIM).unlink(missing_ok=True)

    def clear(self) -> None:
        """Give up what a process that was killed has claimed; a process that lives keeps its claim."""
        if not self.scratch.is_dir():
            return
        with contextlib.suppress(FileNotFoundError), (self.scratch / CLAIM).open() as file:
            if try_lock(file.fileno()) is False:
                return
        self.give_up()

    def remove(self) -> None:
        """Take the run away, so that the point is computed again."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.path)


class PointFolders:
    """The folder `points/` of a study.

    Parameters
    ----------
    study : Path
        Folder of the study.
    recording : Recording
        How runs are recorded.
    """

    def __init__(self, study: Path, recording: Recording = LIGHT) -> None:
        self.study, self.path, self.recording = study, study / "points", recording

    def of(self, key: str) -> PointFolder:
        """Return the folder of a point."""
        return PointFolder(self.study, key, self.recording)

    def finished(self, keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return the summaries of those points that are finished, by their keys."""
        try:
            there = set(os.listdir(self.path))
        except FileNotFoundError:
            return {}
        found = {key: self.of(key).summary() for key in keys if key in there}
        return {key: summary for key, summary in found.items() if summary is not None}

    def codes(self) -> dict[str, str | None]:
        """Return the code that has computed each finished point; None where it is not known."""
        return {key: self.of(key).code() for key in self._names()}

    def known(self) -> dict[str, Mapping[str, Any]]:
        """Return the summaries of all finished points."""
        return self.finished(self._names())

    def _names(self) -> list[str]:
        return sorted(file.parent.name for file in self.path.glob("[!.]*/summary.json"))

    def remove(self, keys: Iterable[str]) -> None:
        """Take points away, so that they are computed again."""
        for key in keys:
            self.of(key).remove()

    def clear(self) -> None:
        """Remove what killed processes left, but for runs that can be gone on with."""
        self.path.mkdir(exist_ok=True)
        for left in self.path.glob(".*.part"):
            self.of(left.name[1:].removesuffix(".part")).clear()
        for half in self.path.glob("[!.]*"):
            if half.is_dir() and not (half / "summary.json").is_file():
                shutil.rmtree(half)
        for kept in self.path.glob(".*.kept"):
            if (self.path / kept.name[1:].removesuffix(".kept")).is_dir():
                shutil.rmtree(kept, ignore_errors=True)


def _end_of(run: Path) -> str:
    """Return why a run has ended, from its events."""
    try:
        last = json.loads((run / "events.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        return str(last["detail"])
    except (OSError, ValueError, LookupError, TypeError):
        return "the numerics failed"
