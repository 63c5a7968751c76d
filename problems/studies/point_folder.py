"""The points of a study or sweep on disk: run folders, each named by the content of its case.

A run is made in a scratch folder and takes its name when it is complete, so that a kill leaves no half run. Making the
scratch folder is also how one of several processes claims a run: the file system lets only one of them.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lifrac.problems.run.other_code import code_of

NEEDED = frozenset({"outcome", "termination", "charge_mAh_per_cm2", "protocol_step"})
"""Keys that the tables cannot do without; a summary that lacks any is damaged."""


class PointFolder:
    """The folder of one point.

    Parameters
    ----------
    study : Path
        Folder of the study or sweep.
    key : str
        Name of the point.
    """

    needed = NEEDED

    def __init__(self, study: Path, key: str) -> None:
        self.key = key
        self.path = study / "points" / key
        self.scratch = study / "points" / f".{key}.part"

    def summary(self) -> dict[str, Any] | None:
        """Return what `summary.json` says; None if the point is not finished, or damaged."""
        try:
            found = json.loads((self.path / "summary.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return found if isinstance(found, dict) and found.keys() >= self.needed else None

    def code(self) -> str | None:
        """Return the code that has computed the point; None where it is not known."""
        return code_of(self.path / "manifest.json") or code_of(self.path / "summary.json")

    def claim(self) -> Path | None:
        """Return a new scratch folder, or None where another process has it or the point is finished."""
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
        return self.scratch

    def complete(self) -> None:
        """Let the run in the scratch folder be the point's."""
        try:
            self.scratch.rename(self.path)
        except OSError:
            if not self.path.exists():
                raise
            self.give_up()  # two machines see each other's folders late: the first one's result stands

    def give_up(self) -> None:
        """Throw the scratch folder away; another process may claim the point."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def remove(self) -> None:
        """Take the run away, so that the point is computed again."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.path)


class PointFolders:
    """The folder `points/` of a study or sweep."""

    def __init__(self, study: Path) -> None:
        self.study, self.path = study, study / "points"

    def of(self, key: str) -> PointFolder:
        """Return the folder of a point."""
        return PointFolder(self.study, key)

    def finished(self, keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return the summaries of those points that are finished, by their keys."""
        found = {key: self.of(key).summary() for key in keys}
        return {key: summary for key, summary in found.items() if summary is not None}

    def codes(self) -> dict[str, str | None]:
        """Return the code that has computed each finished point; None where it is not known."""
        names = sorted(file.parent.name for file in self.path.glob("[!.]*/summary.json"))
        return {key: self.of(key).code() for key in names}

    def known(self) -> dict[str, Mapping[str, Any]]:
        """Return the summaries of all finished points."""
        return self.finished(file.parent.name for file in self.path.glob("[!.]*/summary.json"))

    def remove(self, keys: Iterable[str]) -> None:
        """Take points away, so that they are computed again."""
        for key in keys:
            self.of(key).remove()

    def clear(self) -> None:
        """Remove what killed processes left; nobody may be at work."""
        self.path.mkdir(exist_ok=True)
        for left in self.path.glob(".*.part"):
            shutil.rmtree(left, ignore_errors=True)
        for half in self.path.iterdir():
            if half.is_dir() and not (half / "summary.json").is_file():
                shutil.rmtree(half)
