"""A study: one case over grids of temperature, stack pressure and areal capacity (docs/ccd.md)."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import inf
from pathlib import Path

from lifrac.errors import InputError
from lifrac.problems.case.case import READY_CASES, Case, check_resolved, load_case
from lifrac.problems.case.case_files import find_ready, read_toml
from lifrac.problems.case.overrides import apply_override
from lifrac.problems.case.schema_tools import validate
from lifrac.problems.quantities import units as u
from lifrac.problems.run.code_version import version
from lifrac.problems.studies.kind import Display, Failures, Note, StudyKind, Summaries
from lifrac.problems.studies.study_case import case_path, flat, reporting_at
from lifrac.problems.studies.tables import Table

from .definitions import definitions_table
from .flaw_threshold import ThresholdPoint, decides
from .points import Condition, CurrentPoint, celsius
from .results import Results
from .search import SearchStrategy
from .strategies import strategy_of
from .study_file import UNUSED_KEYS, Grids, StudyFile

READY_STUDIES = Path(__file__).parents[2] / "ready" / "studies"
OWNED = {
    "protocol": "study.current_min, study.current_max and study.areal_capacities",
    "operation.temperature": "study.temperatures",
    "operation.stack_pressure": "study.stack_pressures",
}
"""Keys of a case that a study sets itself, and where."""

FLAW = {"defect.length": "flaw_lengths", "defect.aperture": "flaw_apertures"}
"""Keys of a case that a study sets if it has these grids."""

LIMITS = ("voltage_limit", "voltage_drop", "time_limit", "on_contact_lost")
"""Keys of a case's protocol that a user may believe to hold in a study as well."""


@dataclass(frozen=True)
class Study(StudyKind):
    """A checked study."""

    path: Path
    """The file it came from."""
    file: StudyFile
    cases: tuple[Case, ...]
    """The case with each flaw at each temperature."""

    @property
    def name(self) -> str:
        """Name of the study, from its file."""
        return self.path.stem

    @property
    def grids(self) -> Grids:
        """The table `[study]` of the file."""
        return self.file.study

    @property
    def team(self) -> int:
        """Number of ranks of a team."""
        return self.grids.ranks

    @cached_property
    def strategy(self) -> SearchStrategy:
        """How the critical current density is sought."""
        return strategy_of(self.grids, from_threshold=decides(self.cases[0]))

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every flaw at every temperature and stack pressure."""
        several = self.grids.flaw_lengths is not None or self.grids.flaw_apertures is not None
        return tuple(
            Condition(_under(case, p), _name(case, p, several))
            for case in self.cases
            for p in self.grids.stack_pressures
        )

    @cached_property
    def warnings(self) -> list[str]:
        """The warnings of the case at each condition, each once, and what of the case has no effect."""
        found = [w for condition in self.conditions for w in self.strategy.begin(condition)[0].case.warnings]
        stated = self.cases[0].file.protocol.model_fields_set & set(LIMITS)
        message = "of the case has no effect: a study sets the protocol itself"
        found += [f"protocol.{key} {message}" for key in sorted(stated)]
        return list(dict.fromkeys(found))

    def content_hash(self) -> str:
        """SHA-256 over everything the tables depend on, the version of lifrac included."""
        grids = self.grids
        content = {
            "version": version(),
            "points": [self.strategy.content(condition) for condition in self.conditions],
            "capacities": [float(value) for value in grids.areal_capacities or ()],
            "driver": grids.driver,
            "rounds": self.strategy.rounds,
        }
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def results(self, summaries: Summaries) -> Results:
        """Return where all conditions stand with the points that are finished; the last answer is kept."""
        keys = frozenset(summaries)
        if keys not in self._answered:
            self._answered.clear()
            self._answered[keys] = Results.of(self.strategy, self.conditions, summaries, self.grids.population)
        return self._answered[keys]

    @cached_property
    def _answered(self) -> dict[frozenset[str], Results]:
        return {}

    def wanted(self, summaries: Summaries) -> Sequence[CurrentPoint | ThresholdPoint]:
        """Return wanted points: thresholds, on which runs depend, then runs.

        The largest current first: cells are followed through failure, which takes longest.
        """
        points = {point.key: point for plan in self.results(summaries).plans for point in plan.wanted}
        return sorted(points.values(), key=_urgency)

    @property
    def points_per_job(self) -> int:
        """Runs that one job of a cluster computes one after another."""
        return self.grids.points_per_job

    def tables(self, summaries: Summaries, failures: Failures) -> Mapping[str, Table | None]:
        """Return the tables by the names of their files."""
        results = self.results(summaries)
        if not self.grids.definitions:
            return results.tables()
        runs = [run for plan in results.plans for run in plan.done]
        return {**results.tables(), "definitions.csv": definitions_table(self.grids, results.rows, runs)}

    def closing(self, summaries: Summaries) -> Iterator[Note]:
        """Yield what is said at the end."""
        return self.results(summaries).closing(self.strategy)

    def display(self, *, enabled: bool) -> AbstractContextManager[Display]:
        """Return a display of the progress."""
        from .display import display_for

        return display_for(self, enabled)

    def resolved_toml(self) -> str:
        """Return the study with defaults and overrides; it can be run again."""
        import tomlkit

        unused = set(UNUSED_KEYS[self.grids.driver])
        data = self.file.model_dump(exclude_none=True, exclude={"study": unused})
        case = self.cases[0].path
        if case.parent != READY_CASES:
            data["study"]["case"] = str(case.resolve())
        return f"# Study, made by lifrac from {self.path.name}.\n\n{tomlkit.dumps(data)}"


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
    file = _with_flaws(validate(StudyFile, data, path))
    _check_owned(flat(file.case), file.study, path)
    stated = case_path(path, file.study.case)
    reporting_at(path, "study.case", file.study.case, lambda: load_case(stated))
    load = partial(load_case, stated, changes=file.case)
    reporting_at(path, "case", None, load)
    study = Study(path, file, tuple(_cases(path, load, file.study)))
    _check_ranks(study)
    _check_currents(study)
    for condition in study.conditions:
        pressure = condition.case.file.operation.stack_pressure
        reporting_at(path, "study.stack_pressures", pressure.text, partial(check_resolved, condition.case))
    return study


def _with_flaws(file: StudyFile) -> StudyFile:
    """Flaw lengths from the population where the study states none."""
    grids = file.study
    if grids.population is None or grids.flaw_lengths is not None:
        return file
    return file.model_copy(update={"study": grids.model_copy(update={"flaw_lengths": grids.population.grid()})})


def _cases(path: Path, load: Callable[[list[str]], Case], grids: Grids) -> list[Case]:
    """Return the case with each flaw at each temperature; what is wrong is reported at the grid that asked for it."""
    branches, cases = [list[str]()], list[Case]()
    for key, name in (FLAW | {"operation.temperature": "temperatures"}).items():
        values = getattr(grids, name)
        if values is None:
            continue
        grown = [([*branch, f'{key}="{value.text}"'], value) for branch in branches for value in values]
        cases = [reporting_at(path, f"study.{name}", value.text, partial(load, branch)) for branch, value in grown]
        branches = [branch for branch, _ in grown]
    return cases


def _under(case: Case, pressure: u.Quantity) -> Case:
    """Return the case under a stack pressure."""
    operation = case.file.operation.model_copy(update={"stack_pressure": pressure})
    return replace(case, file=case.file.model_copy(update={"operation": operation}))


def _urgency(point: CurrentPoint | ThresholdPoint) -> float:
    return -point.current if isinstance(point, CurrentPoint) else -inf


def _name(case: Case, pressure: u.Quantity, with_flaw: bool) -> str:
    flaw = case.file.defect
    name = f"{celsius(case.temperature):g} degC, {float(pressure):g} MPa"
    return f"{name}, flaw {flaw.extent.text} by {flaw.aperture.text}" if with_flaw else name


def _check_ranks(study: Study) -> None:
    """Refuse ranks that would have nothing to do: the plane engine steps a run on one rank."""
    ranks = study.grids.ranks
    if ranks > 1 and study.cases[0].file.fracture.engine != "phase_field":
        remedy = "Remove it: ranks share the runs out, and condense together"
        message = "the plane engine steps every run on one rank"
        raise InputError(message, file=study.path, key="study.ranks", value=ranks, remedy=remedy)


def _check_currents(study: Study) -> None:
    """Refuse a study without currents whose runs are not placed from the threshold."""
    grids, engine = study.grids, study.cases[0].file.fracture.engine
    if grids.driver != "constant_current" or decides(study.cases[0]):
        return
    for key in ("current_min", "current_max"):
        if getattr(grids, key) is None:
            message = f"is required with the {engine} engine: the threshold is not that of its runs"
            remedy = f'Add {key} = "{"0.1" if key == "current_min" else "10"} mA/cm^2"'
            raise InputError(message, file=study.path, key=f"study.{key}", remedy=remedy)


def _check_owned(changes: Iterable[tuple[str, str]], grids: Grids, path: Path) -> None:
    """Refuse keys of the case that the study sets itself."""
    flaw = {key: f"study.{name}" for key, name in FLAW.items() if getattr(grids, name) is not None}
    for key, value in changes:
        for owned, where in (OWNED | flaw).items():
            if key == owned or key.startswith(f"{owned}."):
                raise InputError(
                    "is set by the study", file=path, key=f"case.{key}", value=value, remedy=f"State {where} instead"
                )
