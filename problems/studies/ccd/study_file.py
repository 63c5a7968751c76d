"""The study file: what is varied and how the critical current density is sought; every key a user may write."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from lifrac.problems.case.protocol_steps import MOST
from lifrac.problems.case.schema import json_schema as _json_schema
from lifrac.problems.case.schema_tools import Problem, Problems, Strict
from lifrac.problems.quantities import units as u
from lifrac.problems.quantities.value_lists import ArealCapacities, Lengths, StackPressures, Temperatures
from lifrac.problems.studies.population.population_table import PopulationTable
from pydantic import Field, StrictBool, model_validator

Failure = Literal["short_circuit", "crack_through", "fracture"]
DriverName = Literal["constant_current", "ramp", "cycling"]


class RampTable(Strict):
    """The stepped ramp of the experiments: `driver = "ramp"`."""

    current_step: u.PositiveCurrentDensity
    """Rise of the current density from level to level."""
    duration: u.PositiveTime | None = None
    """Duration of each half-step. Without it each half-step passes an areal capacity of the study."""
    alternate: StrictBool = True
    """Whether each level is a half-step and then one at the opposite current, as on symmetric cells."""
    rest: u.PositiveTime | None = None
    """Rest between half-steps; none unless stated."""
    refinements: Annotated[int, Field(strict=True, ge=0, le=20)] = 0
    """Further ramps, each of a fresh cell, from the last level survived on, with half the current step."""


class CyclingTable(Strict):
    """Cycles at fixed capacity until the cell fails: `driver = "cycling"`."""

    cycles: Annotated[int, Field(strict=True, ge=1, le=10000)]
    """Cycles that a cell must complete to survive; each plates and then strips an areal capacity of the study."""
    rest: u.PositiveTime | None = None
    """Rest between half-cycles; none unless stated."""


UNUSED_KEYS: dict[str, dict[str, str]] = {
    "constant_current": {},
    "ramp": {"currents": "study.ramp.current_step", "refinements": "study.ramp.refinements"},
    "cycling": {},
}
"""Keys that have no effect with a driver (a search strategy, as the file calls it), and what to state instead."""
TABLES = ("ramp", "cycling")
"""Drivers that have a table of their own."""


class Grids(Strict):
    """Values that are varied, and how finely the critical current density is sought."""

    case: str
    """A case file, relative to the study file, or the name of a ready case."""
    temperatures: Temperatures
    """Temperatures of the cell."""
    stack_pressures: StackPressures
    """Stack pressures."""
    areal_capacities: ArealCapacities | None = None
    """Areal capacities at which the critical current density is wanted. Required, except by a ramp of stated
    duration."""
    flaw_lengths: Lengths | None = None
    """Lengths of the flaw; that of the case unless stated. Each has a mesh of its own."""
    flaw_apertures: Lengths | None = None
    """Apertures of the flaw; that of the case unless stated."""
    driver: DriverName = "constant_current"
    """`constant_current`: capacity at failure against current, inverted; `ramp`: the stepped ramp of the
    experiments; `cycling`: cycles at fixed capacity until failure."""
    current_min: u.PositiveCurrentDensity | None = None
    """Smallest current density. Constant current with the plane engine: a bound, if stated. Ramp: the first level, one
    `current_step` unless stated."""
    current_max: u.PositiveCurrentDensity | None = None
    """Largest current density. Constant current with the plane engine: a bound, if stated; otherwise required."""
    currents: Annotated[int, Field(strict=True, ge=2, le=100)] | None = None
    """Number of current densities from the smallest to the largest, evenly spaced in their logarithm. Constant current
    with the plane engine: placed from the threshold current unless stated; otherwise 8."""
    failure: Failure = "short_circuit"
    """The event that counts as failure: `short_circuit`, as the field measures it, `crack_through` or `fracture`. Lost
    contact always does.
    """
    definitions: StrictBool = False
    """Whether `definitions.csv` tells the critical current density by `failure` and by each event that comes before it,
    from the same runs."""
    refinements: Annotated[int, Field(strict=True, ge=0, le=20)] = 2
    """Bisections in log j between the largest current that survives and the smallest that fails; rounds of runs beside
    the predicted critical current where currents are placed from the threshold."""
    ramp: RampTable | None = None
    """The ramp, for `driver = "ramp"`."""
    cycling: CyclingTable | None = None
    """The cycles, for `driver = "cycling"`."""
    ranks: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 1
    """MPI ranks that compute a run together, with the phase-field engine; each on its own unless stated."""
    points_per_job: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    """Runs that one job computes one after another, with `--profile`."""
    population: PopulationTable | None = None
    """Flaws of an electrode, whose CCD follows from that of the single flaws; never makes a run."""

    @model_validator(mode="after")
    def _check(self) -> "Grids":
        found = [*self._driver_problems(), *self._current_problems(), *self._population_problems()]
        if found:
            raise Problems(found)
        return self

    def _driver_problems(self) -> Iterator[Problem]:
        driver = self.driver
        for table in TABLES:
            if table != driver and getattr(self, table) is not None:
                yield Problem(table, f"has no meaning for the driver {driver}", remedy=f'State driver = "{table}"')
        if driver in TABLES and getattr(self, driver) is None:
            yield Problem(driver, f"is required for the driver {driver}", remedy=f"Add a table [study.{driver}]")
        for key, instead in UNUSED_KEYS[driver].items():
            if key in self.model_fields_set:
                yield Problem(key, f"has no meaning for the driver {driver}", getattr(self, key), f"State {instead}")
        timed = self.ramp is not None and self.ramp.duration is not None
        if self.areal_capacities is None and not timed:
            yield Problem("areal_capacities", "is required", remedy='Add areal_capacities = ["0.5 mAh/cm^2"]')
        if self.areal_capacities is not None and timed:
            yield Problem(
                "areal_capacities",
                "has no meaning for a ramp of stated duration",
                remedy="Remove it, or study.ramp.duration",
            )

    def _current_problems(self) -> Iterator[Problem]:
        first, last, name = self.current_min, self.current_max, "current_min"
        if self.ramp is not None and first is None:
            first, name = self.ramp.current_step, "ramp.current_step"
        if self.driver != "constant_current" or self.currents is not None:
            if first is None:
                yield Problem("current_min", "is required", remedy='Add current_min = "0.1 mA/cm^2"')
            if last is None:
                yield Problem("current_max", "is required", remedy='Add current_max = "10 mA/cm^2"')
        if first is None or last is None:
            return
        if first >= last:
            message = f"is not below study.current_max ({last.text})"
            yield Problem(name, message, first.text, "Exchange the two, or widen the range")
        elif self.ramp is not None:
            yield from self._level_problems(self.ramp, float(last) - float(first))

    def _level_problems(self, ramp: RampTable, span: float) -> Iterator[Problem]:
        """Too many levels, those of the finest ramp included; `span` [A/m2] is from the first level to the largest."""
        levels = span / float(ramp.current_step) * 2.0**ramp.refinements + 1.0
        if levels > MOST:
            finest = " in its finest ramp" if ramp.refinements else ""
            message = f"gives {levels:.3g} levels up to study.current_max{finest}"
            remedy = f"Make it larger, or take fewer refinements: a ramp has at most {MOST} levels"
            yield Problem("ramp.current_step", message, ramp.current_step.text, remedy)

    def _population_problems(self) -> Iterator[Problem]:
        if self.population is None:
            return
        several = len(self.flaw_apertures or ()) > 1
        if self.population.varies_aperture and not several:
            message = "needs two apertures or more: those of the population vary"
            yield Problem("flaw_apertures", message, remedy='Add flaw_apertures = ["10 nm", "40 nm"]')
        if several and not self.population.varies_aperture:
            remedy = "Add aperture_scale and aperture_modulus, or leave one in study.flaw_apertures"
            yield Problem("population", "states no apertures, but the study has several", remedy=remedy)


class StudyFile(Strict):
    """A study of lifrac."""

    study: Grids
    """Values that are varied, and how finely the critical current density is sought."""
    case: dict[str, Any] = Field(default_factory=dict)
    """Keys of the case that differ from the case file, as they would stand there: `[case.mesh]`."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file."""
    return _json_schema(StudyFile, "lifrac study")
