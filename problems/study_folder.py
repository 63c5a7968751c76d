"""The folder of a study: finished runs, appended one by one, and the table made from them (docs/ccd.md)."""

import csv
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lifrac.meshes.errors import InputError

from .files import MARKS, text, write_aside
from .study import Study, version

CCD_COLUMNS = (
    "temperature_C", "stack_pressure_MPa", "areal_capacity_mAh_per_cm2", "ccd_lower_mA_per_cm2", "ccd_upper_mA_per_cm2",
    "failure_mode",
)  # fmt: skip
RUN_COLUMNS = (
    "temperature_C", "stack_pressure_MPa", "current_density_mA_per_cm2", "outcome", "capacity_at_fracture_mAh_per_cm2",
    "capacity_at_crack_through_mAh_per_cm2", "capacity_at_short_mAh_per_cm2", "charge_mAh_per_cm2", "termination",
    "steps", "wall_time_s", "reason", "point",
)  # fmt: skip
Row = dict[str, str]


class StudyFolder:
    """Reads and writes a study's files; used on rank 0 only.

    Parameters
    ----------
    path : Path
        Created if need be; may hold an earlier, unfinished attempt at the same study.
    study : Study

    Raises
    ------
    InputError
        If the folder holds a run or another study, or cannot be written.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self.path = path
        digest = study.content_hash()
        self._check_ours(digest)
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "study.toml").write_text(study.resolved_toml())
            about = {"study": study.name, "hash": digest, "version": version()}
            write_aside(path / "study.json", json.dumps(about, indent=2) + "\n")
        except OSError as error:
            raise self._refusal(f"cannot be written: {error.strerror}") from None
        self.finished = self._read_runs()

    @property
    def runs_file(self) -> Path:
        return self.path / "runs.csv"

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
            if self.runs_file.exists() or (path / "ccd.csv").exists():
                raise self._refusal("the folder holds tables of an unknown study")
            return
        try:
            theirs = json.loads(marker.read_text(encoding="utf-8"))
            same, name = theirs["hash"] == digest, theirs["study"]
        except (ValueError, KeyError, TypeError, OSError):
            raise self._refusal("study.json in the folder is damaged") from None
        if not same:
            raise self._refusal(f"the folder belongs to another study ({name}, other values, or another version)")

    def _read_runs(self) -> dict[str, Row]:
        """Finished runs by point; a last line that was torn by a kill is cut off."""
        if not self.runs_file.is_file():
            return {}
        text = self.runs_file.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            with self.runs_file.open("r+b") as file:
                file.truncate(len(whole))
        rows = csv.DictReader(whole.decode(errors="replace").splitlines())
        return {row["point"]: dict(row) for row in rows if row.get("point")}

    def add(self, values: Mapping[str, Any]) -> Row:
        """Append a finished run, on disk before this returns; gives the row as it reads back."""
        row = {name: text(values[name]) for name in RUN_COLUMNS}
        new = not self.runs_file.is_file() or self.runs_file.stat().st_size == 0
        with self.runs_file.open("a", newline="") as file:
            writer = csv.DictWriter(file, RUN_COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            os.fsync(file.fileno())
        self.finished[row["point"]] = row
        return row

    def write_ccd(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write `ccd.csv` anew, aside and renamed."""
        lines = [",".join(CCD_COLUMNS), *(",".join(text(row[name]) for name in CCD_COLUMNS) for row in rows)]
        write_aside(self.path / "ccd.csv", "\n".join(lines) + "\n")
