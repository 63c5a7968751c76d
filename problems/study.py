"""A study: one case over grids of temperature, stack pressure and areal capacity (docs/ccd.md)."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from lifrac.meshes.errors import InputError
from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from . import units as u
from .case import READY_CASES, Case, apply_override, find_ready, load_case, read_toml
from .ccd import log_spaced
from .protocol import Protocol
from .schema_tools import Problem, Problems, Strict, validate
from .study_case import blame, case_path, flat

READY_STUDIES = Path(__file__).parent / "studies"
OWNED = {
    "protocol": "study.current_min, study.current_max and study.areal_capacities",
    "operation.temperature": "study.temperatures",
    "operation.stack_pressure": "study.stack_pressures",
}
"""Keys of a case that a study sets itself, and where."""

Failure = Literal["short_circuit", "crack_through", "fracture"]


def _grid(item: Any) -> Callable[[object], tuple[u.Quantity, ...]]:
    """A validator of ascending lists of what the type `item` of `units` stands for."""
    dimension = u.find_dimension(item)
    assert dimension is not None

    def check(value: object) -> tuple[u.Quantity, ...]:
        remedy = f'Write for example ["{dimension.example}"], ascending'
        if not isinstance(value, list | tuple):
            raise u.QuantityError(f"a list of {dimension.name}s is wanted here", remedy)
        if not value:
            raise u.QuantityError("is empty: there is nothing to compute", remedy)
        items = tuple(_item(dimension, entry) for entry in value)
        for before, after in pairwise(items):
            if after == before:
                raise u.QuantityError(f"holds {after.text} twice", "Remove one of the two")
            if after < before:
                raise u.QuantityError(f"is not ascending: {after.text} comes after {before.text}", "Sort the list")
        return items

    return check


def _item(dimension: u.Dimension, entry: object) -> u.Quantity:
    try:
        return dimension(entry)
    except u.QuantityError as error:
        raise u.QuantityError(f"entry {entry!r}: {error.message}", error.remedy) from None


def _texts(grid: tuple[u.Quantity, ...]) -> list[str]:
    return [item.text for item in grid]


Temperatures = Annotated[tuple[u.Quantity, ...], PlainValidator(_grid(u.Temperature)), PlainSerializer(_texts)]
StackPressures = Annotated[tuple[u.Quantity, ...], PlainValidator(_grid(u.StackPressure)), PlainSerializer(_texts)]
ArealCapacities = Annotated[tuple[u.Quantity, ...], PlainValidator(_grid(u.ArealCapacity)), PlainSerializer(_texts)]


class Grids(Strict):
    """What is varied, and how finely the critical current density is sought."""

    case: str
    """A case file, relative to the study file, or the name of a ready case."""
    temperatures: Temperatures
    """Temperatures of the cell, ascending."""
    stack_pressures: StackPressures
    """Stack pressures, ascending."""
    areal_capacities: ArealCapacities
    """Areal capacities at which the critical current density is wanted, ascending."""
    current_min: u.PositiveCurrentDensity
    """Smallest current density."""
    current_max: u.PositiveCurrentDensity
    """Largest current density."""
    currents: Annotated[int, Field(strict=True, ge=2, le=100)] = 8
    """Number of current densities from the smallest to the largest, evenly spaced in their logarithm."""
    failure: Failure = "short_circuit"
    """What counts as failure: `short_circuit`, as the field measures it, `crack_through` or `fracture`."""
    refinements: Annotated[int, Field(strict=True, ge=0, le=20)] = 2
    """Bisections in log j between the largest current that survives and the smallest that fails."""

    @model_validator(mode="after")
    def _check(self) -> "Grids":
        if self.current_min >= self.current_max:
            message = f"is not below study.current_max ({self.current_max.text})"
            remedy = "Exchange the two, or widen the range"
            raise Problems([Problem("current_min", message, self.current_min.text, remedy)])
        return self


class StudyFile(Strict):
    """A study of lifrac."""

    study: Grids
    """What is varied, and how finely the critical current density is sought."""
    case: dict[str, Any] = Field(default_factory=dict)
    """Keys of the case that differ from the case file, as they would stand there: `[case.mesh]`."""


@dataclass(frozen=True)
class Study:
    """A checked study."""

    path: Path
    """The file it came from."""
    file: StudyFile
    cases: tuple[Case, ...]
    """The case at each temperature."""

    @property
    def name(self) -> str:
        """Name of the study, from its file."""
        return self.path.stem

    @property
    def grids(self) -> Grids:
        return self.file.study

    @property
    def currents(self) -> tuple[float, ...]:
        """The current densities that every condition begins with [A/m2]."""
        grids = self.grids
        return log_spaced(float(grids.current_min), float(grids.current_max), grids.currents)

    def conditions(self) -> Iterator[tuple[Case, u.Quantity]]:
        """Every temperature (as its case) with every stack pressure."""
        for case in self.cases:
            for pressure in self.grids.stack_pressures:
                yield case, pressure

    def point(self, case: Case, pressure: u.Quantity, current: float) -> Case:
        """The case of one run: constant current [A/m2] to the largest capacity or the failure."""
        protocol = Protocol(
            current_density=u.CURRENT_DENSITY.internal(current),
            areal_capacity=self.grids.areal_capacities[-1],
            stop_at=self.grids.failure,
        )
        operation = case.file.operation.model_copy(update={"stack_pressure": pressure})
        file = case.file.model_copy(update={"operation": operation, "protocol": protocol})
        return dataclasses.replace(case, file=file)

    @cached_property
    def warnings(self) -> list[str]:
        """The warnings of the case at each condition, each once, and what of the case has no effect."""
        found = [w for case, pressure in self.conditions()
                 for w in self.point(case, pressure, self.currents[0]).warnings]  # fmt: skip
        if self.cases[0].file.protocol.voltage_limit is not None:
            found.append("protocol.voltage_limit of the case has no effect: a study sets the protocol itself")
        return list(dict.fromkeys(found))

    def content_hash(self) -> str:
        """SHA-256 over everything the table depends on, the version of lifrac included."""
        grids = self.grids
        content = {
            "version": version(),
            "conditions": [self.point(case, pressure, self.currents[0]).content_hash()
                           for case, pressure in self.conditions()],
            "capacities": [float(value) for value in grids.areal_capacities],
            "currents": self.currents,
            "refinements": grids.refinements,
        }  # fmt: skip
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def resolved_toml(self) -> str:
        """The study with defaults and overrides; it can be run again."""
        import tomlkit

        data = self.file.model_dump()
        case = self.cases[0].path
        if case.parent != READY_CASES:
            data["study"]["case"] = str(case.resolve())
        return f"# Study, made by lifrac from {self.path.name}.\n\n{tomlkit.dumps(data)}"


def version() -> str:
    """Version of lifrac."""
    return metadata.version("lifrac")


def load_study(path: str | Path, overrides: Sequence[str] = ()) -> Study:
    """Read, override, check and resolve a study.

    Parameters
    ----------
    path : str or Path
        A study file, or the name of a ready study.
    overrides : sequence of str
        `key=value`; keys that begin with `study.` are the study's, all others the case's.

    Raises
    ------
    InputError
        Names file, key, value and remedy; also for the case and every temperature of the study.
    """
    path = find_ready(Path(path), READY_STUDIES, "study", "studies")
    data = read_toml(path)
    for text in overrides:
        key = text.partition("=")[0].strip()
        apply_override(data, text if key == "study" or key.startswith("study.") or not key else f"case.{text.strip()}")
    file = validate(StudyFile, data, path)
    changes = list(flat(file.case))
    _check_owned(changes, path)
    stated = case_path(path, file.study.case)
    blame(path, "study.case", file.study.case, lambda: load_case(stated))
    lines = [f"{key}={value}" for key, value in changes]
    if lines:
        blame(path, "case", None, lambda: load_case(stated, lines))
    return Study(path, file, tuple(_at(path, stated, lines, t) for t in file.study.temperatures))


def _at(path: Path, stated: Path, lines: list[str], temperature: u.Quantity) -> Case:
    """The case at a temperature."""
    line = f'operation.temperature="{temperature.text}"'
    return blame(path, "study.temperatures", temperature.text, lambda: load_case(stated, [*lines, line]))


def _check_owned(changes: list[tuple[str, str]], path: Path) -> None:
    for key, value in changes:
        for owned, where in OWNED.items():
            if key == owned or key.startswith(f"{owned}."):
                raise InputError("is set by the study", file=path, key=f"case.{key}", value=value,
                                 remedy=f"State {where} instead")  # fmt: skip
