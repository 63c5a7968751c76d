"""Results of the finished points of a study: plans, brackets, tables, and closing messages."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from lifrac.problems.studies.kind import Note, Summaries
from lifrac.problems.studies.population.distribution import Distribution, distribution_tables, distributions
from lifrac.problems.studies.population.population_table import PopulationTable
from lifrac.problems.studies.tables import Table

from .flaw_threshold import FlawThreshold, threshold_point
from .points import Condition, CurrentPoint, Finished
from .search import Plan, Row, SearchStrategy, follow, rows_of
from .tables import CCD_COLUMNS, RUN_COLUMNS, THRESHOLD_COLUMNS, ccd_row, run_row, threshold_row


def finder(summaries: Summaries) -> Callable[[CurrentPoint], Finished | None]:
    """Return what finds a finished run of a point by its summary."""

    def find(point: CurrentPoint) -> Finished | None:
        summary = summaries.get(point.key)
        return None if summary is None else Finished(point, summary)

    return find


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
    thresholds : tuple of FlawThreshold or None
        Of each condition; None where there is no way to compute it, or it is not finished.
    """

    conditions: tuple[Condition, ...]
    plans: tuple[Plan, ...]
    rows: tuple[Row, ...]
    population: PopulationTable | None = None

    thresholds: tuple[FlawThreshold | None, ...] = ()

    @classmethod
    def of(
        cls,
        strategy: SearchStrategy,
        conditions: Sequence[Condition],
        summaries: Summaries,
        population: PopulationTable | None = None,
    ) -> Self:
        """Follow every condition as far as finished points reach; its threshold comes before its runs."""
        plans: list[Plan] = []
        rows: list[Row] = []
        thresholds: list[FlawThreshold | None] = []
        for condition in conditions:
            point = threshold_point(condition)
            found = None if point is None or point.key not in summaries else summaries[point.key]
            threshold = None if point is None or found is None else FlawThreshold.of(point, found)
            thresholds.append(threshold)
            if point is not None and threshold is None:
                plans.append(Plan((), (point,)))
                continue
            plans.append(follow(strategy, condition, finder(summaries), threshold))
            rows += rows_of(strategy, condition, plans[-1].done, threshold)
        return cls(tuple(conditions), tuple(plans), tuple(rows), population, tuple(thresholds))

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
        pairs = zip(self.conditions, self.thresholds, strict=False)
        lines = [threshold_row(where, threshold) for where, threshold in pairs if threshold is not None]
        found["threshold.csv"] = Table(THRESHOLD_COLUMNS, lines) if lines else None
        for name, (columns, lines) in distribution_tables(self.distributions).items():
            found[name] = Table(columns, lines) if self.distributions else None
        return found

    def closing(self, strategy: SearchStrategy) -> Iterator[Note]:
        """Yield inconsistencies of the runs, what they say of electrodes, and which of them say nothing."""
        for condition, plan in zip(self.conditions, self.plans, strict=True):
            for message in strategy.consistency_warnings(plan.done):
                yield logging.WARNING, f"not monotone at {condition.name}: {message}"
        for condition, threshold in zip(self.conditions, self.thresholds, strict=False):
            if threshold is not None and threshold.reason:
                yield logging.WARNING, f"{condition.name}: {threshold.outcome.replace('_', ' ')}: {threshold.reason}"
        for found in self.distributions:
            yield logging.INFO, found.describe()
        for run in (run for plan in self.plans for run in plan.done):
            if run.emptied:
                yield logging.WARNING, f"warning: says nothing about the cell, left out: {run.point}: {run.void}"
            if run.numerical:
                message = "not a failure of the cell but of the numerics, left out"
                yield logging.WARNING, f"{message}: {run.point}: {run.numerical}"
