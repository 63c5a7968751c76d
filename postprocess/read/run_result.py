"""Reading a run folder: what happened, as tables and dictionaries.

Works while a run is still going on (no summary yet) and on what a killed run left behind.
"""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from lifrac import quantities
from lifrac.errors import InputError
from lifrac.quantities import HISTORY_COLUMNS

from .field_file import FieldFile

_REMEDY = "Give a folder made by `lifrac run`"


@dataclass(frozen=True)
class RunResult:
    """The files of one run, read into memory.

    Attributes
    ----------
    path
        The run folder.
    history
        One row per accepted step; row 0 is t = 0. Columns are those of `lifrac.quantities`, and of the user's own; what
        an older run has not written stands at its end.
    events
        Columns `time_s, charge_mAh_per_cm2, event, detail`; empty when nothing happened.
    summary
        `summary.json`; empty while the run has not ended.
    manifest
        `manifest.json`: versions, content hash, ranks.
    case
        The resolved case.
    """

    path: Path
    history: pd.DataFrame
    events: pd.DataFrame
    summary: dict[str, Any]
    manifest: dict[str, Any]
    case: dict[str, Any]

    @classmethod
    def load(cls, path: str | Path) -> "RunResult":
        """Read the folder `path`; raise InputError if it holds no run."""
        folder = Path(path)
        if not folder.is_dir():
            raise InputError("no such folder", file=folder, remedy=_REMEDY)
        if not (folder / "history.csv").is_file():
            raise InputError("not a run folder, history.csv is missing", file=folder, remedy=_REMEDY)
        return cls(
            path=folder,
            history=_read_history(folder / "history.csv"),
            events=_read_events(folder / "events.jsonl"),
            summary=_read_json(folder / "summary.json"),
            manifest=_read_json(folder / "manifest.json"),
            case=_read_toml(folder / "case.toml"),
        )

    @property
    def outcome(self) -> str | None:
        """How the cell fared, or None while the run has not ended."""
        return self.summary.get("outcome")

    def __getitem__(self, name: str) -> "pd.Series[float]":
        """Return a column of the history by the name of its quantity, with or without the unit.

        `run["crack_tip"]` is the position of the tip [um].

        Raises
        ------
        KeyError
            With the names that come nearest.
        """
        return self.history[quantities.key_among(name, self.history)]

    def fields(self) -> FieldFile | None:
        """Return the stored fields, or None if the run has written none."""
        file = self.path / "fields.vtkhdf"
        return FieldFile(file) if file.is_file() else None


def _read_history(file: Path) -> pd.DataFrame:
    """All complete rows; the last one of a killed run may be torn."""
    try:
        table = pd.read_csv(file)
    except pd.errors.EmptyDataError:
        raise InputError("holds no step yet", file=file, remedy="Wait for the first step of the run") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a table ({error})", file=file, remedy=_REMEDY) from error
    absent = [entry for entry in quantities.REGISTRY.history() if entry.key not in table.columns]
    if missing := [entry.key for entry in absent if entry.default is None and entry.key in HISTORY_COLUMNS]:
        raise InputError(f"columns are missing: {', '.join(missing)}", file=file, remedy=_REMEDY)
    if len(table) > 1 and pd.isna(table.iloc[-1, -1]):
        table = table.iloc[:-1]
    table = table.assign(**{entry.key: entry.default for entry in absent if entry.default is not None})
    if table.empty:
        raise InputError("holds no step yet", file=file, remedy="Wait for the first step of the run")
    return table


def _read_events(file: Path) -> pd.DataFrame:
    """One row per event; a torn last line is left out."""
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return pd.DataFrame(rows, columns=["time_s", "charge_mAh_per_cm2", "event", "detail"])


def _read_json(file: Path) -> dict[str, Any]:
    """Return the object in `file`; empty if there is no such file."""
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"is damaged ({error})", file=file, remedy="Repeat the run") from error


def _read_toml(file: Path) -> dict[str, Any]:
    """Return the table in `file`; empty if there is no such file."""
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is damaged ({error})", file=file, remedy="Repeat the run") from error
