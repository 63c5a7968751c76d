"""Reading a run folder: what happened, as tables and dictionaries.

Works while a run is still going on (no summary yet) and on what a killed run left behind.
"""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from lifrac.errors import InputError

from .field_file import FieldFile

HISTORY_COLUMNS = (
    "step",
    "time_s",
    "dt_s",
    "protocol_step",
    "current_density_mA_per_cm2",
    "charge_mAh_per_cm2",
    "cell_voltage_V",
    "crack_length_um",
    "crack_tip_um",
    "lithium_length_um",
    "max_lithium_pressure_MPa",
    "mouth_opening_um",
    "flaw_volume_um2",
    "lithium_volume_um2",
    "extruded_um2",
    "flaw_current_share",
    "newton_iterations",
    "charge_balance_error",
    "lithium_balance_error",
    "energy_balance_error",
    "contact_anode",
    "contact_counter",
    "cycle",
    "toughness_factor",
)
"""Columns of `history.csv`; the unit is the last part of the name."""

_REMEDY = "Give a folder made by `lifrac run`"


@dataclass(frozen=True)
class RunResult:
    """What one run wrote.

    Attributes
    ----------
    path
        The run folder.
    history
        One row per accepted step, columns `HISTORY_COLUMNS`; row 0 is t = 0.
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

    def fields(self) -> FieldFile | None:
        """The stored fields, or None if the run has written none."""
        file = self.path / "fields.vtkhdf"
        return FieldFile(file) if file.is_file() else None


def _read_history(file: Path) -> pd.DataFrame:
    """All complete rows; the last one of a killed run may be torn."""
    try:
        table = pd.read_csv(file)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a table ({error})", file=file, remedy=_REMEDY) from error
    missing = [c for c in HISTORY_COLUMNS if c not in table.columns]
    if missing:
        raise InputError(f"columns are missing: {', '.join(missing)}", file=file, remedy=_REMEDY)
    table = table.dropna(subset=[HISTORY_COLUMNS[-1]] if len(table) > 1 else []).reset_index(drop=True)
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
    """The object in `file`; empty if there is no such file."""
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"is damaged ({error})", file=file, remedy="Repeat the run") from error


def _read_toml(file: Path) -> dict[str, Any]:
    """The table in `file`; empty if there is no such file."""
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is damaged ({error})", file=file, remedy="Repeat the run") from error
