"""The folder of a study: its points, the tables rebuilt from them, and the lock that keeps others out (docs/ccd.md)."""

import csv
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lifrac.errors import InputError
from lifrac.problems.quantities import units as u
from lifrac.problems.run.files import MARKS, claimed, read_json, text, write_aside
from lifrac.problems.run.other_code import others, provenance, settle
from lifrac.problems.studies.ccd.search import Plan, Row, finished_plans
from lifrac.problems.studies.population.distribution import Distribution, distribution_tables, distributions

from .point_folder import PointFolders
from .points import EVENTS, Finished
from .study import Study

LOG = logging.getLogger("lifrac")
CCD_COLUMNS = (
    "flaw_length_um",
    "flaw_aperture_um",
    "temperature_C",
    "stack_pressure_MPa",
    "areal_capacity_mAh_per_cm2",
    "ccd_lower_mA_per_cm2",
    "ccd_upper_mA_per_cm2",
    "failure_mode",
    "cycle_at_failure",
    "half_cycle_at_failure",
    "point",
)
RUN_COLUMNS = (
    "flaw_length_um",
    "flaw_aperture_um",
    "temperature_C",
    "stack_pressure_MPa",
    "areal_capacity_mAh_per_cm2",
    "current_density_mA_per_cm2",
    "outcome",
    "capacity_at_fracture_mAh_per_cm2",
    "capacity_at_crack_through_mAh_per_cm2",
    "capacity_at_short_mAh_per_cm2",
    "charge_mAh_per_cm2",
    "last_current_density_mA_per_cm2",
    "cycle",
    "termination",
    "flaw_empty_since_cycle",
    "steps",
    "wall_time_s",
    "reason",
    "point",
    "code_hash",
)


class StudyFolder:
    """Reads and writes a study's files; used on rank 0 only.

    Parameters
    ----------
    path : Path
        Created if need be; may hold an earlier, unfinished attempt at the same study.
    study : Study
    recompute : bool
        Take away what other code has computed.

    Raises
    ------
    InputError
        If the folder holds a run, another study or results of other code, cannot be written, or is in use.
    """

    def __init__(self, path: Path, study: Study, *, recompute: bool = False) -> None:
        self.path = path
        self.points = PointFolders(path)
        self.population = study.grids.population
        self.distributions: list[Distribution] = []
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
            if any((path / name).exists() for name in ("runs.csv", "ccd.csv", "points")):
                raise self._refusal("the folder holds tables of an unknown study")
            return
        try:
            theirs = json.loads(marker.read_text(encoding="utf-8"))
            same, name = theirs["hash"] == digest, theirs["study"]
        except (ValueError, KeyError, TypeError, OSError):
            raise self._refusal("study.json in the folder is damaged") from None
        if not same:
            raise self._refusal(f"the folder belongs to another study ({name}, other values, or another version)")

    def write(self, plans: Sequence[Plan], rows: Sequence[Row]) -> None:
        """Write all tables anew, each aside and renamed; those of a population only where there is one."""
        self._table("runs.csv", RUN_COLUMNS, (run_row(run) for plan in plans for run in plan.done))
        self._table("ccd.csv", CCD_COLUMNS, (ccd_row(row) for row in rows))
        self.distributions = [] if self.population is None else distributions(self.population, rows)
        for name, (columns, lines) in distribution_tables(self.distributions).items():
            if self.distributions:
                self._table(name, columns, lines)
            else:
                (self.path / name).unlink(missing_ok=True)  # of an earlier population

    def _table(self, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([text(row.get(column)) for column in columns] for row in rows)
        write_aside(self.path / name, file.getvalue())


def settled(path: Path, study: Study) -> bool:
    """Whether a folder is ours to go on with, the code of its points included (see `other_code.settle`)."""
    points = PointFolders(path)
    codes = points.codes()
    if not others(codes):
        return True
    left = any(p.wanted for p in finished_plans(study.driver, study.conditions, points.known()))
    return settle(path, codes, read_json(path / "study.json"), complete=not left)


def run_row(run: Finished) -> dict[str, Any]:
    """A line of `runs.csv`."""
    point, last = run.point, run.ended_in
    return point.condition.where | {
        "areal_capacity_mAh_per_cm2": None if point.capacity is None else u.capacity(point.capacity),
        "current_density_mA_per_cm2": u.current(point.current),
        "last_current_density_mA_per_cm2": u.current(last.current_density),
        "cycle": last.cycle or None,
        "point": point.key,
        **{
            name: run.summary.get(name)
            for name in (
                *EVENTS.values(),
                "outcome",
                "charge_mAh_per_cm2",
                "termination",
                "flaw_empty_since_cycle",
                "steps",
                "wall_time_s",
                "reason",
                "code_hash",
            )
        },
    }


def ccd_row(row: Row) -> dict[str, Any]:
    """A line of `ccd.csv`."""
    run, found = row.decided_by, row.bracket
    failed = run is not None and run.failed and found.upper is not None
    emptied = run is not None and found.upper is None and run.emptied
    last = None if run is None else run.ended_in if failed else run.empty_since if emptied else None
    cycled = last is not None and last.cycle > 0
    return row.condition.where | {
        "areal_capacity_mAh_per_cm2": None if row.capacity is None else u.capacity(row.capacity),
        "ccd_lower_mA_per_cm2": u.current(found.lower),
        "ccd_upper_mA_per_cm2": None if found.upper is None else u.current(found.upper),
        "failure_mode": run.outcome if run is not None and failed else "flaw_empty" if emptied else None,
        "cycle_at_failure": last.cycle if last is not None and cycled else None,
        "half_cycle_at_failure": half(last.current_density) if last is not None and cycled else None,
        "point": None if run is None else run.point.key,
    }


def half(current: float) -> str:
    """What the anode does at a current."""
    return "plating" if current > 0.0 else "stripping"
