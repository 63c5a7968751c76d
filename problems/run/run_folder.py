"""The run folder: what one run writes, and in which units (docs/results.md)."""

import contextlib
import csv
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from lifrac.errors import InputError
from lifrac.problems.quantities.units import capacity, current
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.protocol.events import Event
from lifrac.solver.protocol.restart import RestartData
from lifrac.solver.protocol.stepper import StepReport

from .checkpoint import MANIFEST, SUMMARY, keep
from .code_version import code_hash
from .files import LOCK, MARKS, STUDIES, claimed, write_aside
from .statement import Statement

FIELDS = "fields.vtkhdf"
PACKAGES = (
    "lifrac",
    "fenics-dolfinx",
    "dolfinx-solver-real",
    "fenics-ufl",
    "fenics-basix",
    "gmsh",
    "numpy",
    "scipy",
    "mpi4py",
)


class RunFolder:
    """Writes one run's files; used on rank 0 only.

    Parameters
    ----------
    path : Path
        Created if need be; must not hold a run yet.
    ours : bool
        The folder belongs to this process already: it was made for a point of a study.

    Raises
    ------
    InputError
        If the folder holds a run, cannot be written, or another process is at work in it.
    """

    def __init__(self, path: Path, *, ours: bool = False) -> None:
        self.path = path
        self._lock: IO[str] | None = None
        self._lines = 0
        """Number of lines of events.jsonl."""
        self._columns: tuple[str, ...] = ()
        """Columns of history.csv."""
        _check_free(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not ours:
                self._lock = claimed(path, "run")
                _check_free(path)  # another process may have finished a run before the folder was ours
        except OSError as error:
            raise InputError(
                f"cannot be written: {error.strerror}",
                key="--out",
                value=str(path),
                remedy="Choose another folder with --out",
            ) from None

    @classmethod
    def interrupted(cls, path: Path) -> "RunFolder":
        """Return the folder of a run that was interrupted, to go on with it; nothing is changed yet.

        Raises
        ------
        InputError
            If another process computes it.
        """
        folder = cls.__new__(cls)
        folder.path, folder._lines, folder._columns = path, 0, ()
        folder._lock = claimed(path, "run")
        return folder

    @property
    def fields(self) -> Path:
        """Path of the file of fields."""
        return self.path / FIELDS

    def withdraw(self) -> None:
        """Take an empty folder away again: nothing was computed."""
        self.release()
        with contextlib.suppress(OSError):
            (self.path / LOCK).unlink(missing_ok=True)
            self.path.rmdir()

    def release(self) -> None:
        """Let other processes use the folder."""
        if self._lock is not None:
            self._lock.close()

    def begin(self, case: Statement, ranks: int, mesh: Mapping[str, Any]) -> None:
        """Write the resolved case and the manifest."""
        manifest = {
            "case": case.name,
            "case_hash": case.content_hash(),
            "ranks": ranks,
            "python": platform.python_version(),
            "code_hash": code_hash(),
            "versions": {name: v for name in PACKAGES if (v := _version(name))},
            "git": _git(),
            "mesh": dict(mesh),
            "warnings": case.warnings,
        }
        write_aside(self.path / MANIFEST, json.dumps(manifest, indent=2, default=float) + "\n")
        self.begin_light(case)

    def begin_light(self, case: Statement) -> None:
        """Write the resolved case and begin the tables: all that a point of a study has."""
        if resolved := case.resolved_toml():
            (self.path / "case.toml").write_text(resolved)
        for name in ("history.csv", "events.jsonl"):
            (self.path / name).touch()

    def add(self, report: StepReport[Any]) -> None:
        """Append a history row, the first one below the names of the columns, and its events."""
        row = report.row
        with (self.path / "history.csv").open("a", newline="") as file:
            writer = csv.writer(file)
            if report.number == 0:
                self._columns = tuple(row)
                writer.writerow(self._columns)
            writer.writerow([_text(row[name]) for name in self._columns])
        for event in report.events:
            self.event(event)

    def event(self, event: Event) -> None:
        """Append an event to `events.jsonl`."""
        line = {
            "time_s": event.time,
            "charge_mAh_per_cm2": capacity(event.charge),
            "event": event.name,
            "detail": event.detail + _where(event.step),
        }
        with (self.path / "events.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        self._lines += 1

    def checkpoint(self, checkpoint: RestartData) -> None:
        """Keep where the run stands."""
        keep(self.path, RestartData(checkpoint.values | {"event_lines": self._lines}, checkpoint.arrays))

    def rewind(self, checkpoint: RestartData) -> None:
        """Forget what was written after a checkpoint."""
        self._lines = checkpoint.values["event_lines"]
        rows = checkpoint.values["counters"]["steps"] + 2  # with the names of columns, and t = 0
        for name, count in (("history.csv", rows), ("events.jsonl", self._lines)):
            lines = (self.path / name).read_text().splitlines(keepends=True)
            write_aside(self.path / name, "".join(lines[:count]))
        with (self.path / "history.csv").open(newline="") as file:
            self._columns = tuple(next(csv.reader(file)))
        (self.path / SUMMARY).unlink(missing_ok=True)

    def summary(self, values: Mapping[str, Any]) -> None:
        """Write the last file of a run, which may be gone on with from now on if it was interrupted."""
        write_aside(self.path / SUMMARY, json.dumps(dict(values), indent=2) + "\n")
        self.release()


def _check_free(path: Path) -> None:
    try:
        _refuse_taken(path)
    except OSError as error:
        raise InputError(
            f"is no usable folder name: {error.strerror}", key="--out", value=str(path), remedy="Choose another folder"
        ) from None


def _refuse_taken(path: Path) -> None:
    held = {**dict.fromkeys(MARKS, "run"), **STUDIES}
    found = next((kind for name, kind in held.items() if (path / name).exists()), None) if path.is_dir() else None
    if found is not None:
        raise InputError(
            f"the folder holds a {found} already",
            key="--out",
            value=str(path),
            remedy="Choose another folder with --out, remove it, or go on with an interrupted run with --resume",
        )
    if path.exists() and not path.is_dir():
        raise InputError(
            "is a file, not a folder", key="--out", value=str(path), remedy="Choose another folder with --out"
        )


def _where(step: ProtocolStep | None) -> str:
    """Cycle and current density of an event, for protocols that have cycles or levels."""
    if step is None or not (step.cycle or step.level):
        return ""
    density = f"{current(step.current_density):g} mA/cm2"
    return f" (cycle {step.cycle}, {density})" if step.cycle else f" (level {step.level}, {density})"


def _text(value: float | int) -> str:
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _git() -> str | None:
    """Commit of the checkout that the code runs from, if it is one."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
