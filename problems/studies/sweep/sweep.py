"""A sweep: one case with any of its keys varied, every point a run of its own (docs/sweep.md)."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise, product
from pathlib import Path
from typing import Annotated, Any

from lifrac.errors import InputError
from lifrac.problems.case.case import READY_CASES, Case, load_case
from lifrac.problems.case.case_files import find_ready, read_toml
from lifrac.problems.case.overrides import KEY, apply_override
from lifrac.problems.case.own_mesh import check_own
from lifrac.problems.case.schema import CaseFile
from lifrac.problems.case.schema_tools import Problem, Problems, Strict, find_field, validate
from lifrac.problems.quantities import units as u
from lifrac.problems.run.code_version import version
from lifrac.problems.studies.kind import Display, Failures, Note, StudyKind, Summaries, by_reason
from lifrac.problems.studies.point import Point
from lifrac.problems.studies.recording import FULL
from lifrac.problems.studies.study_case import case_path, flat, reporting_at, toml_value
from lifrac.problems.studies.tables import Table
from pydantic import Field, model_validator

from .sweep_table import counted, sweep_tables

READY_SWEEPS = Path(__file__).parents[2] / "ready" / "sweeps"
GRID = "sweep.grid."
MOST_POINTS = 100_000
COLUMN_UNITS = {
    "um": ("um", 1.0),
    "s": ("s", 1.0),
    "MPa": ("MPa", 1.0),
    "V": ("V", 1.0),
    "A/m^2": ("mA_per_cm2", 10.0),
    "C/m^2": ("mAh_per_cm2", 36.0),
}
"""Internal unit -> the unit in a column name, and how many internal units it holds. Temperature has an offset."""


class Varied(Strict):
    """Values that are varied, and how the points are computed."""

    case: str
    """A case file, relative to the sweep file, or the name of a ready case."""
    ranks: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 1
    """MPI ranks of every point."""
    points_per_job: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    """Points that one job computes one after another: saves the start of a process where points take seconds."""
    grid: dict[str, Any] = Field(default_factory=dict)
    """Keys of the case with lists of values; every combination is a point."""
    points: tuple[dict[str, Any], ...] = ()
    """Points one by one: tables of keys of the case, all with the same keys; each with every combination of `grid`."""

    @model_validator(mode="after")
    def _check(self) -> "Varied":
        found = [*self._problems_of_grid(), *self._problems_of_points()]
        if not self.grid and not self.points:
            found.append(Problem("grid", "is empty: nothing is varied", None, "Give it a key of the case and values"))
        if found:
            raise Problems(found)
        return self

    def _problems_of_grid(self) -> Iterator[Problem]:
        remedy = 'Write for example "operation.stack_pressure" = ["1 MPa", "10 MPa"]'
        for key, values in self.grid.items():
            name = f'grid."{key}"'
            if not KEY.fullmatch(key):
                yield Problem(name, "is no key of a case", None, remedy)
            elif not isinstance(values, list):
                yield Problem(name, "a list of values is wanted here", values, remedy)
            elif not values:
                yield Problem(name, "is empty: there is nothing to compute", None, remedy)
            else:
                texts = [toml_value(value) for value in values]
                for text in sorted({text for text in texts if texts.count(text) > 1}):
                    yield Problem(name, f"holds {text} twice", None, "Remove one of the two")

    def _problems_of_points(self) -> Iterator[Problem]:
        keys = [dict(flat(point)).keys() for point in self.points]
        for number, mine in enumerate(keys):
            for key in mine:
                if key in self.grid:
                    yield Problem(f"points[{number}].{key}", "is in sweep.grid as well", None, "Remove one of the two")
            odd = sorted(mine ^ keys[0])
            if odd or not mine:
                what = f"{', '.join(odd)} is not in every point" if odd else "is empty"
                yield Problem(f"points[{number}]", what, None, "Give every point the same keys")


class SweepFile(Strict):
    """A sweep of lifrac."""

    sweep: Varied
    """Values that are varied, and how the points are computed."""
    case: dict[str, Any] = Field(default_factory=dict)
    """Keys that differ from the case file in every point, as they would stand there: `[case.mesh]`."""


@dataclass(frozen=True, eq=False)
class SweepPoint(Point):
    """One run of a sweep."""

    number: int
    """Place in the sweep, from 1."""
    values: Mapping[str, str]
    """The varied keys with their values in TOML."""
    case: Case

    def __str__(self) -> str:
        return ", ".join(f"{key} = {value}" for key, value in self.values.items())


@dataclass(frozen=True)
class Sweep(StudyKind):
    """A checked sweep: every point has a whole run folder, and none depends on another."""

    noun = "sweep"
    recording = FULL
    drawn = False
    path: Path
    """The file it came from."""
    file: SweepFile
    points: tuple[SweepPoint, ...]

    @property
    def name(self) -> str:
        """Name of the sweep, from its file."""
        return self.path.stem

    @property
    def team(self) -> int:
        """MPI ranks of every point."""
        return self.file.sweep.ranks

    @property
    def points_per_job(self) -> int:
        """Points that one job computes one after another."""
        return self.file.sweep.points_per_job

    @cached_property
    def warnings(self) -> list[str]:
        """The warnings of all points, each once."""
        return list(dict.fromkeys(w for point in self.points for w in point.case.warnings))

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """The varied keys as columns of a table: in a unit that stands in the name where they are quantities."""
        return dict(self._column(key) for key in self.points[0].values)

    def _column(self, key: str) -> tuple[str, list[str]]:
        """Name and entries of a column."""
        unit = _unit(key)
        values = [resolved(point.case, key) for point in self.points]
        if all(isinstance(value, u.Quantity) for value in values):
            if unit == "K":
                return f"{key}_C", [repr(round(value - 273.15, 9)) for value in values]
            if unit in COLUMN_UNITS:
                suffix, size = COLUMN_UNITS[unit]
                return f"{key}_{suffix}", [repr(float(value) / size) for value in values]
        return key, [point.values[key].strip('"') for point in self.points]

    def content_hash(self) -> str:
        """SHA-256 over everything the table depends on, the version of lifrac included."""
        content = {"version": version(), "keys": list(self.points[0].values), "points": [p.key for p in self.points]}
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def wanted(self, summaries: Summaries) -> list[SweepPoint]:
        """Return all points that are not finished, in the order of the file: neighbours mostly share a mesh."""
        return [point for point in self.points if point.key not in summaries]

    def tables(self, summaries: Summaries, failures: Failures) -> Mapping[str, Table | None]:
        """Return the tables by the names of their files."""
        return sweep_tables(self, summaries, failures)

    def failed(self, summaries: Summaries) -> bool:
        """Whether the numerics failed in any point."""
        return any(summary.get("reason") for summary in summaries.values())

    def closing(self, summaries: Summaries) -> Iterator[Note]:
        """Yield in which points the numerics failed."""
        reasons = ((point, str(summaries.get(point.key, {}).get("reason") or "")) for point in self.points)
        return by_reason((point, reason) for point, reason in reasons if reason)

    def display(self, *, enabled: bool) -> AbstractContextManager[Display]:
        """Return a display of how many points are finished."""
        return counted(self) if enabled else super().display(enabled=False)

    def resolved_toml(self) -> str:
        """Return the sweep with defaults and overrides; it can be run again."""
        import tomlkit

        data = self.file.model_dump()
        data["sweep"] = {key: value for key, value in data["sweep"].items() if value not in ({}, ())}
        case = self.points[0].case.path
        if case.parent != READY_CASES:
            data["sweep"]["case"] = str(case.resolve())
        return f"# Sweep, made by lifrac from {self.path.name}.\n\n{tomlkit.dumps(data)}"


def _unit(key: str) -> str | None:
    """Return the internal unit of a key of the case, if it has one."""
    field = find_field(CaseFile, key)
    found = [u.find_dimension(part) for part in (field.annotation, *field.metadata)] if field else []
    return next((dimension.unit for dimension in found if dimension is not None), None)


def resolved(case: Case, key: str) -> Any:
    """Return the value of a dotted key in a checked case; None where it cannot be found."""
    value: Any = case.file
    for part in key.replace("[", ".").replace("]", "").split("."):
        if isinstance(value, tuple | list):
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
        else:
            value = getattr(value, part, None)
    return value


def load_sweep(path: str | Path, overrides: Sequence[str] = ()) -> Sweep:
    """Read, override, check and resolve a sweep and every point of it.

    Parameters
    ----------
    path : str or Path
        A sweep file, or the name of a ready sweep.
    overrides : sequence of str
        `key=value`; keys that begin with `sweep.` are the sweep's, all others the case's.

    Raises
    ------
    InputError
        Names file, key, value and remedy; also for every point.
    """
    path = find_ready(Path(path), READY_SWEEPS, "sweep", "sweeps")
    data = read_toml(path)
    _flatten_grid(data)
    for text in overrides:
        _override(data, text)
    file = validate(SweepFile, data, path)
    _check_keys(file, path)
    stated = case_path(path, file.sweep.case)
    reporting_at(path, "sweep.case", file.sweep.case, lambda: load_case(stated))
    return _checked(Sweep(path, file, tuple(_points(path, stated, file))))


def _flatten_grid(data: dict[str, Any]) -> None:
    """Let `"operation.temperature" = [...]` and `operation.temperature = [...]` mean the same."""
    table = data.get("sweep")
    if isinstance(table, dict) and isinstance(table.get("grid"), dict):
        table["grid"] = dict(_leaves(table["grid"]))


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _override(data: dict[str, Any], text: str) -> None:
    """Lay one `--set` over the raw sweep; a key of the grid is one name there."""
    key = text.partition("=")[0].strip()
    if key.startswith(GRID) and isinstance(data.get("sweep"), dict):
        change: dict[str, Any] = {}
        apply_override(change, text)
        _flatten_grid(change)
        data["sweep"].setdefault("grid", {}).update(change["sweep"]["grid"])
    else:
        ours = key == "sweep" or key.startswith("sweep.") or not key
        apply_override(data, text if ours else f"case.{text.strip()}")


def _check_keys(file: SweepFile, path: Path) -> None:
    """Check that a key is either varied or the same in every point, and that the points are not absurdly many."""
    fixed = dict(flat(file.case))
    varied = [*file.sweep.grid, *(key for point in file.sweep.points for key, _ in flat(point))]
    for key in varied:
        if key in fixed:
            raise InputError(
                "is varied by the sweep",
                file=path,
                key=f"case.{key}",
                value=fixed[key],
                remedy="State the key once: in [case] or in [sweep]",
            )
    count = max(len(file.sweep.points), 1)
    for values in file.sweep.grid.values():
        count *= len(values)
    if count > MOST_POINTS:
        raise InputError(
            f"makes {count} points, more than {MOST_POINTS}",
            file=path,
            key="sweep.grid",
            remedy="Shorten the lists, or split the sweep",
        )


def _points(path: Path, stated: Path, file: SweepFile) -> Iterator[SweepPoint]:
    """Every point, resolved and checked."""
    of_all = partial(load_case, stated, changes=file.case)
    reporting_at(path, "case", None, of_all)
    grid = {key: [toml_value(value) for value in values] for key, values in file.sweep.grid.items()}
    listed: Iterable[dict[str, str]] = [dict(flat(point)) for point in file.sweep.points] or [{}]
    combinations = (
        {**point, **dict(zip(grid, combination, strict=True))}
        for point in listed
        for combination in product(*grid.values())
    )
    for number, values in enumerate(combinations, 1):
        varied = [f"{key} = {value}" for key, value in values.items()]
        load = partial(of_all, varied)
        yield SweepPoint(number, values, reporting_at(path, f"sweep, point {number} ({', '.join(varied)})", None, load))


def _checked(sweep: Sweep) -> Sweep:
    """Refuse lists that run backwards, points that are the same case, and meshes that contradict theirs."""
    for point in sweep.points:
        check_own(point.case)
    for key, values in sweep.file.sweep.grid.items():
        order = {point.values[key]: resolved(point.case, key) for point in sweep.points}
        numbers = [order[toml_value(value)] for value in values]
        if all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
            for (a, before), (b, after) in pairwise(zip(values, numbers, strict=True)):
                if after < before:
                    raise InputError(
                        f"is not ascending: {b} comes after {a}",
                        file=sweep.path,
                        key=f'{GRID}"{key}"',
                        remedy="Sort the list",
                    )
    seen: dict[str, SweepPoint] = {}
    for point in sweep.points:
        first = seen.setdefault(point.key, point)
        if first is not point:
            raise InputError(
                f"points {first.number} and {point.number} are the same case ({first}; {point})",
                file=sweep.path,
                key="sweep",
                remedy="Remove one of them; [output] does not make another case",
            )
    return sweep
