"""The folder of a study: its points, the tables rebuilt from them, and the lock that keeps others out (docs/ccd.md)."""

import json
from collections.abc import Mapping
from pathlib import Path

from lifrac.errors import InputError
from lifrac.problems.run.files import MARKS, claimed, read_json, write_aside
from lifrac.problems.run.other_code import others, provenance, settle

from .kind import StudyKind
from .point_folder import PointFolders
from .tables import Table


class StudyFolder:
    """Reads and writes a study's files; used on rank 0 only.

    Parameters
    ----------
    path : Path
        Created if need be; may hold an earlier, unfinished attempt at the same study.
    study : StudyKind
    recompute : bool
        Take away what other code has computed.

    Raises
    ------
    InputError
        If the folder holds a run, another study or results of other code, cannot be written, or is in use.
    """

    def __init__(self, path: Path, study: StudyKind, *, recompute: bool = False) -> None:
        self.path, self.study = path, study
        self.points = PointFolders(path)
        digest = study.content_hash()
        self._check_ours(digest)
        ours = recompute or settled(path, study)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = claimed(path, "study")
            self._check_ours(digest)  # what another process may have made of it before the lock was ours
            if recompute:
                self.points.remove(others(self.points.codes()))
            (path / "study.toml").write_text(study.resolved_toml())
            about = {"study": study.name, "hash": digest, **provenance()}
            if ours:
                write_aside(path / "study.json", json.dumps(about, indent=2) + "\n")
            self.points.clear()
        except OSError as error:
            raise self._refusal(f"cannot be written: {error.strerror}") from None

    def release(self) -> None:
        """Let other processes use the folder."""
        self._lock.close()

    def _refusal(self, message: str) -> InputError:
        return InputError(message, key="--out", value=str(self.path), remedy="Choose another folder with --out")

    def _check_ours(self, digest: str) -> None:
        path = self.path
        if path.exists() and not path.is_dir():
            raise self._refusal("is a file, not a folder")
        if any((path / name).exists() for name in MARKS):
            raise self._refusal("the folder holds a run")
        marker = path / "study.json"
        if not marker.exists():
            if any((path / name).exists() for name in (*self.study.tables({}), "points")):
                raise self._refusal("the folder holds tables of an unknown study")
            return
        try:
            theirs = json.loads(marker.read_text(encoding="utf-8"))
            same, name = theirs["hash"] == digest, theirs["study"]
        except (ValueError, KeyError, TypeError, OSError):
            raise self._refusal("study.json in the folder is damaged") from None
        if not same:
            raise self._refusal(f"the folder belongs to another study ({name}, other values, or another version)")

    def write(self, tables: Mapping[str, Table | None]) -> None:
        """Write all tables anew, each aside and renamed; what is there of tables that are no longer made is removed."""
        for name, table in tables.items():
            if table is None:
                (self.path / name).unlink(missing_ok=True)
            else:
                table.write(self.path / name)


def settled(path: Path, study: StudyKind) -> bool:
    """Whether a folder is ours to go on with, the code of its points included (see `other_code.settle`)."""
    points = PointFolders(path)
    codes = points.codes()
    if not others(codes):
        return True
    left = bool(study.wanted(points.known()))
    return settle(path, codes, read_json(path / "study.json"), complete=not left)
