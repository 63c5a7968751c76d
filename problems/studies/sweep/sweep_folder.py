"""The folder of a sweep: what was asked, every point's run folder, and the tables made from them (docs/sweep.md)."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, override

from lifrac.errors import InputError
from lifrac.problems.run.files import MARKS, read_json, try_lock, write_aside
from lifrac.problems.run.other_code import others, provenance, settle
from lifrac.problems.studies.point_folder import PointFolder
from lifrac.problems.studies.tables import Table

from .sweep import Sweep, SweepPoint

RESULTS = (
    "outcome",
    "termination",
    "charge_mAh_per_cm2",
    "capacity_at_fracture_mAh_per_cm2",
    "capacity_at_crack_through_mAh_per_cm2",
    "capacity_at_short_mAh_per_cm2",
    "crack_length_um",
    "lithium_length_um",
    "max_lithium_pressure_MPa",
    "lithium_pressure_at_end_MPa",
    "flaw_empty_since_protocol_step",
    "cell_voltage_V",
    "time_s",
    "steps",
    "rejected_steps",
    "nonlinear_iterations",
    "dofs",
    "charge_balance_error",
    "lithium_balance_error",
    "energy_balance_error",
)
"""Keys of `summary.json` that become columns; none of them depends on the clock."""
NUMERICS = ("numerical_failure", "max_steps")
"""Terminations that say nothing about the cell."""
NOT_ENDED = "its process ended without a result (killed, or out of memory)"
NOT_BEGUN = "its job ended before the point was begun; see logs/snakemake.log"
SNAKEFILE = Path(__file__).parent / "snakemake" / "Snakefile"


@dataclass(frozen=True)
class Result:
    """The knowledge of a point so far."""

    status: Literal["finished", "failed", "pending"]
    reason: str = ""
    summary: Mapping[str, Any] | None = None


class JobFolder(PointFolder):
    """The folder of one point of a sweep, with the needs of its job: case file, lock, and a log that outlives kills."""

    needed = frozenset({"termination"})

    def __init__(self, sweep: Path, key: str) -> None:
        super().__init__(sweep, key)
        self.case = sweep / "cases" / f"{key}.toml"
        self.scratch = sweep / "work" / key
        self.lock = sweep / "work" / f"{key}.lock"
        self.log = sweep / "logs" / f"{key}.jsonl"

    @override
    def summary(self) -> dict[str, Any] | None:
        """Return what `summary.json` says; None if the point is not finished, or cannot be read at present."""
        try:
            return super().summary()
        except OSError:
            return None

    def events(self) -> list[dict[str, Any]]:
        """Return the log of the point: starts, ends and reasons; a line torn by a kill is left out."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [entry for entry in found if isinstance(entry, dict)]

    def result(self) -> Result:
        """Return what became of the point so far."""
        summary = self.summary()
        if summary is not None:
            if summary["termination"] in NUMERICS:
                return Result("failed", _last_words(self.path), summary)
            return Result("finished", "", summary)
        events = self.events()
        if events and events[-1].get("event") == "failed":
            return Result("failed", str(events[-1].get("reason")))
        if events and events[-1].get("event") == "start":
            return Result("pending", NOT_ENDED)
        return Result("pending")


class SweepFolder:
    """Reads and writes a sweep's files.

    Parameters
    ----------
    path : Path
        May hold an earlier, unfinished attempt at the same sweep.
    sweep : Sweep

    Raises
    ------
    InputError
        If the folder holds a run or another sweep.
    """

    def __init__(self, path: Path, sweep: Sweep) -> None:
        self.path, self.sweep = path, sweep
        self._known: dict[str, Result] = {}
        self._check_ours()

    def _refusal(self, message: str) -> InputError:
        return InputError(message, key="--out", value=str(self.path), remedy="Choose another folder with --out")

    def _check_ours(self) -> None:
        path, marker = self.path, self.path / "sweep.json"
        if path.exists() and not path.is_dir():
            raise self._refusal("is a file, not a folder")
        for name in (*MARKS, "study.json"):
            if (path / name).exists():
                raise self._refusal("the folder holds a run or a study")
        if not marker.exists():
            if (path / "points").exists() or (path / "sweep.csv").exists():
                raise self._refusal("the folder holds an unknown sweep")
            return
        try:
            theirs = json.loads(marker.read_text(encoding="utf-8"))
            same, name = theirs["hash"] == self.sweep.content_hash(), theirs["sweep"]
        except (ValueError, KeyError, TypeError, OSError):
            raise self._refusal("sweep.json in the folder is damaged") from None
        if not same:
            raise self._refusal(f"the folder belongs to another sweep ({name}, other values, or another version)")

    @contextmanager
    def claimed(self) -> Iterator[int]:
        """Make the folder and keep other sweeps out of it; yields the locked file for the engine to inherit.

        The lock ends with the last process that holds the file, however it ends.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / "sweep.lock").open("a+")
        except OSError as error:
            raise self._refusal(f"cannot be written: {error.strerror}") from None
        with file:
            if try_lock(file.fileno()) is False:  # on a file system without locks there is nothing to be done
                file.seek(0)
                raise InputError(
                    f"another sweep is at work in this folder (process {file.read().strip() or 'unknown'}, "
                    "or what it has started)",
                    key="--out",
                    value=str(self.path),
                    remedy="Wait for it, or stop it",
                )
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield file.fileno()

    def prepare(self, jobs: Mapping[str, Sequence[str]], plan: Mapping[str, Any], *, ours: bool = True) -> None:
        """Write everything that the jobs need; a folder that is not `ours` goes on to say whose code it belongs to."""
        sweep, path = self.sweep, self.path
        try:
            about = {"sweep": sweep.name, "hash": sweep.content_hash(), **provenance()}
            if ours:
                write_aside(path / "sweep.json", json.dumps(about, indent=2) + "\n")
            write_aside(path / "sweep.toml", sweep.resolved_toml())
            for name in ("cases", "points", "logs", "work"):
                (path / name).mkdir(exist_ok=True)
            for point in sweep.points:
                file = JobFolder(path, point.key).case
                if not file.is_file():
                    write_aside(file, point.case.resolved_toml())
            for done in (path / "work").glob("*.done"):
                done.unlink()
            write_aside(path / "plan.json", json.dumps({**plan, "jobs": jobs}, indent=2) + "\n")
            write_aside(path / "Snakefile", SNAKEFILE.read_text(encoding="utf-8"))
        except OSError as error:
            raise self._refusal(f"cannot be written: {error.strerror}") from None

    def point(self, point: SweepPoint) -> JobFolder:
        """Return the folder of a point."""
        return JobFolder(self.path, point.key)

    def result(self, point: SweepPoint) -> Result:
        """Return what became of a point so far; a finished one is read once."""
        found = self._known.get(point.key)
        if found is None:
            found = self.point(point).result()
            if found.summary is not None:
                self._known[point.key] = found
        return found

    def unfinished(self) -> list[SweepPoint]:
        """Return the points that have no result yet; a failure of the numerics is one."""
        try:
            there = set(os.listdir(self.path / "points"))
        except OSError:
            there = set()
        return [p for p in self.sweep.points if p.key not in there or self.result(p).summary is None]

    def codes(self) -> dict[str, str | None]:
        """Return the code that has computed each point that has a result."""
        return {p.key: self.point(p).code() for p in self.sweep.points if self.result(p).summary is not None}

    def settle(self, *, complete: bool) -> bool:
        """Whether the folder is ours to go on with, the code of its points included (see `other_code.settle`)."""
        return settle(self.path, self.codes(), read_json(self.path / "sweep.json"), complete=complete)

    def failed(self) -> list[SweepPoint]:
        """Points in which the numerics failed."""
        return [point for point in self.sweep.points if self.result(point).status == "failed"]

    def of_other_code(self) -> list[SweepPoint]:
        """Points that other code has computed."""
        found = set(others(self.codes()))
        return [point for point in self.sweep.points if point.key in found]

    def forget(self, points: Iterable[SweepPoint]) -> None:
        """Let points be computed again."""
        for point in points:
            self.point(point).remove()
            self._known.pop(point.key, None)

    def write_tables(self, over: bool = False) -> None:
        """Write `sweep.csv` and `timing.csv` anew, each aside and renamed; `over`: nothing is under way any more."""
        results = [self.result(point) for point in self.sweep.points]
        if not over:  # a point whose job has begun may be under way: why it has no result is known at the end only
            results = [r if r.status != "pending" else Result("pending") for r in results]
        else:
            results = [r if r.status != "pending" else Result("failed", r.reason or NOT_BEGUN) for r in results]
        varied = self.sweep.columns
        columns = ("number", *varied, "status", *RESULTS, "reason", "code_hash", "point", "folder")
        both = list(zip(self.sweep.points, results, strict=True))
        lines = [
            self._row(point, result) | {name: entries[i] for name, entries in varied.items()}
            for i, (point, result) in enumerate(both)
        ]
        Table(columns, lines).write(self.path / "sweep.csv")
        done = [{"point": point.key, **result.summary} for point, result in both if result.summary is not None]
        Table(("point", "wall_time_s", "ranks"), done).write(self.path / "timing.csv")

    def _row(self, point: SweepPoint, result: Result) -> dict[str, Any]:
        """Return a line of `sweep.csv`, but for what is varied."""
        summary = result.summary or {}
        return {name: summary.get(name) for name in RESULTS} | {
            "number": point.number,
            "status": result.status,
            "reason": result.reason,
            "code_hash": self.point(point).code(),
            "point": point.key,
            "folder": f"points/{point.key}" if result.summary is not None else None,
        }


def _last_words(run: Path) -> str:
    """Why a run ended, from its events."""
    try:
        last = json.loads((run / "events.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        return str(last["detail"])
    except (OSError, ValueError, LookupError, TypeError):
        return "the numerics failed"
