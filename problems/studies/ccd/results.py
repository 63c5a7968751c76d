"""Results of the finished points of a study: plans, brackets, tables, and closing messages."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from lifrac.problems.studies.kind import Note, Summaries
from lifrac.problems.studies.population.distribution import Distribution, distribution_tables, distributions
from lifrac.problems.studies.population.population_table import PopulationTable
from lifrac.problems.studies.tables import Table

from .points import Condition
from .search import Plan, Row, SearchStrategy, finished_plans
from .tables import CCD_COLUMNS, RUN_COLUMNS, ccd_row, run_row


@dataclass(frozen=True)
class Results:
    """The state of all conditions of a study.

    Attributes
    ----------
    conditions : tuple of Condition
    plans : tuple of Plan
        Of each condition.
    rows : tuple of Row
        Brackets of all of them.
    population : PopulationTable or None
    """

    conditions: tuple[Condition, ...]
    plans: tuple[Plan, ...]
    rows: tuple[Row, ...]
    population: PopulationTable | None = None

    @classmethod
    def of(
        cls,
        strategy: SearchStrategy,
        conditions: Sequence[Condition],
        summaries: Summaries,
        population: PopulationTable | None = None,
    ) -> Self:
        """Follow every condition as far as finished points reach."""
        plans = tuple(finished_plans(strategy, conditions, summaries))
        rows = (row for where, plan in zip(conditions, plans, strict=True) for row in strategy.rows(where, plan.done))
        return cls(tuple(conditions), plans, tuple(rows), population)

    @cached_property
    def distributions(self) -> list[Distribution]:
        """The CCD of electrodes with the stated population; none without."""
        return [] if self.population is None else distributions(self.population, self.rows)

    def tables(self) -> Mapping[str, Table | None]:
        """All tables; those of a population only where there is one."""
        found: dict[str, Table | None] = {
            "runs.csv": Table(RUN_COLUMNS, [run_row(run) for plan in self.plans for run in plan.done]),
            "ccd.csv": Table(CCD_COLUMNS, [ccd_row(row) for row in self.rows]),
        }
        for name, (columns, lines) in distribution_tables(self.distributions).items():
            found[name] = Table(columns, lines) if self.distributions else None
        return found

    def closing(self, strategy: SearchStrategy) -> Iterator[Note]:
        """Yield inconsistencies of the runs, what they say of electrodes, and which of them say nothing."""
        for condition, plan in zip(self.conditions, self.plans, strict=True):
            for message in strategy.consistency_warnings(plan.done):
                yield logging.WARNING, f"not monotone at {condition.name}: {message}"
        for found in self.distributions:
            yield logging.INFO, found.describe()
        for run in (run for plan in self.plans for run in plan.done):
            if run.emptied:
                yield logging.WARNING, f"warning: says nothing about the cell, left out: {run.point}: {run.void}"
            if run.numerical:
                message = "not a failure of the cell but of the numerics, left out"
                yield logging.WARNING, f"{message}: {run.point}: {run.numerical}"
