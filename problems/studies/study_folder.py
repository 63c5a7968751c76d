"""The folder of a study of any kind: its points, the tables made of them, and the lock that keeps others out.

A file tells whose folder it is: `study.json`, or `sweep.json` for sweeps (docs/ccd.md, docs/sweep.md).
"""

import json
from collections.abc import Mapping
from pathlib import Path

from lifrac.errors import InputError
from lifrac.problems.run.files import MARKS, STUDIES, claimed, read_json, write_aside
from lifrac.problems.run.other_code import others, provenance, settle

from .kind import StudyKind, Summaries
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
    retry_failed : bool
        Take away points in which the numerics failed.

    Raises
    ------
    InputError
        If the folder holds a run, another study or results of other code, cannot be written, or is in use.
    """

    def __init__(self, path: Path, study: StudyKind, *, recompute: bool = False, retry_failed: bool = False) -> None:
        self.path, self.study = path, study
        self.points = PointFolders(path, study.recording)
        refuse_foreign(path, study)
        ours = recompute or settled(path, study, retry_failed=retry_failed)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = claimed(path, study.noun)
            refuse_foreign(path, study)  # what another process may have made of it before the lock was ours
            if recompute:
                self.points.remove(others(self.points.codes()))
            if retry_failed:
                self.points.remove(numerical_failures(self.points.known()))
            write_aside(path / f"{study.noun}.toml", study.resolved_toml())
            about = {study.noun: study.name, "hash": study.content_hash(), **provenance()}
            if ours:
                write_aside(path / f"{study.noun}.json", json.dumps(about, indent=2) + "\n")
            self.points.clear()
        except OSError as error:
            raise refusal(path, f"cannot be written: {error.strerror}") from None

    @property
    def lock(self) -> int:
        """The locked file: the folder stays claimed as long as a process holds it."""
        return self._lock.fileno()

    def release(self) -> None:
        """Let other processes use the folder."""
        self._lock.close()

    def write(self, tables: Mapping[str, Table | None]) -> None:
        """Write all tables anew, each aside and renamed; what is there of tables that are no longer made is removed."""
        for name, table in tables.items():
            if table is None:
                (self.path / name).unlink(missing_ok=True)
            else:
                table.write(self.path / name)


def refusal(path: Path, message: str) -> InputError:
    """Return why a folder cannot be written to."""
    return InputError(message, key="--out", value=str(path), remedy="Choose another folder with --out")


def refuse_foreign(path: Path, study: StudyKind) -> None:
    """Refuse a folder that belongs to something else.

    Raises
    ------
    InputError
    """
    noun, marker = study.noun, path / f"{study.noun}.json"
    if path.exists() and not path.is_dir():
        raise refusal(path, "is a file, not a folder")
    if any((path / name).exists() for name in MARKS):
        raise refusal(path, "the folder holds a run")
    for name, other in STUDIES.items():
        if name != marker.name and (path / name).exists():
            raise refusal(path, f"the folder holds a {other}")
    if not marker.exists():
        if any((path / name).exists() for name in (*study.tables({}, {}), "points")):
            raise refusal(path, f"the folder holds tables of an unknown {noun}")
        return
    try:
        theirs = json.loads(marker.read_text(encoding="utf-8"))
        same, name = theirs["hash"] == study.content_hash(), theirs[noun]
    except (ValueError, KeyError, TypeError, OSError):
        raise refusal(path, f"{marker.name} in the folder is damaged") from None
    if not same:
        raise refusal(path, f"the folder belongs to another {noun} ({name}, other values, or another version)")


def numerical_failures(summaries: Summaries) -> list[str]:
    """Return the keys of points in which the numerics failed."""
    return [key for key, summary in summaries.items() if summary.get("reason")]


def settled(path: Path, study: StudyKind, *, retry_failed: bool = False) -> bool:
    """Whether a folder is ours to go on with, the code of its points included (see `other_code.settle`)."""
    points = PointFolders(path, study.recording)
    codes = points.codes()
    if not others(codes):
        return True
    known = points.known()
    again = numerical_failures(known) if retry_failed else []
    left = bool(again or study.wanted(known))
    return settle(path, codes, read_json(path / f"{study.noun}.json"), complete=not left)
