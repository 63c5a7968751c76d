"""How far a study has come: a table on a terminal, lines in a log file, nothing on ranks other than 0."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, override

from lifrac.problems.quantities import units as u
from lifrac.problems.studies.kind import Display, Silent, Summaries, Summary
from lifrac.problems.studies.point import CRACKED, UNBOUNDED, Point
from rich.console import Console
from rich.live import Live
from rich.table import Table

from .brackets import Bracket
from .flaw_threshold import FlawThreshold, ThresholdPoint
from .points import EVENTS, CurrentPoint, Finished
from .search import Plan, Row
from .study import Study

LOG = logging.getLogger("lifrac")


class ProgressDisplay(Protocol):
    """A display that the runner tells how far it has come."""

    def finished(self, run: Finished, done: int, wanted: int) -> None:
        """Show that a run has finished: `done` of the `wanted` ones of the present round."""

    def found(self, point: ThresholdPoint, threshold: FlawThreshold, done: int, wanted: int) -> None:
        """Show that a threshold is known: `done` of the `wanted` points of the present round."""

    def show(self, plans: Sequence[Plan], rows: Sequence[Row]) -> None:
        """Show how far the conditions are."""


class _Silent:
    """For all ranks but the first."""

    def finished(self, run: Finished, done: int, wanted: int) -> None:
        pass

    def found(self, point: ThresholdPoint, threshold: FlawThreshold, done: int, wanted: int) -> None:
        pass

    def show(self, plans: Sequence[Plan], rows: Sequence[Row]) -> None:
        pass


class _Lines:
    """A log line for every run, and the brackets of a condition when it is finished."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._told: set[int] = set()

    def finished(self, run: Finished, done: int, wanted: int) -> None:
        LOG.info("  %d of %d: %s: %s", done, wanted, run.point, describe(run))

    def found(self, point: ThresholdPoint, threshold: FlawThreshold, done: int, wanted: int) -> None:
        LOG.info("  %d of %d: %s", done, wanted, f"{point.condition.name}: {of_threshold(threshold)}")

    def show(self, plans: Sequence[Plan], rows: Sequence[Row]) -> None:
        for number, (condition, plan) in enumerate(zip(self._study.conditions, plans, strict=True)):
            if plan.wanted or number in self._told:
                continue
            self._told.add(number)
            for row in rows:
                if row.condition is condition:
                    LOG.info("%s: CCD%s: %s", condition.name, at(row), sentence(row))
            found = next((row.threshold for row in rows if row.condition is condition), None)
            if found is not None:
                LOG.info("%s: %s", condition.name, of_threshold(found))


class _Table:
    """The same on a terminal, by rich."""

    def __init__(self, study: Study, live: Live) -> None:
        self._study, self._live = study, live
        self._table = Table()
        self._last = ""

    def finished(self, run: Finished, done: int, wanted: int) -> None:
        self._last = f"{done} of {wanted} runs of this round; {run.point}: {describe(run)}"
        self._table.caption = self._last
        self._live.update(self._table)

    def found(self, point: ThresholdPoint, threshold: FlawThreshold, done: int, wanted: int) -> None:
        self._last = f"{done} of {wanted} points of this round; {point.condition.name}: {of_threshold(threshold)}"
        self._table.caption = self._last
        self._live.update(self._table)

    def show(self, plans: Sequence[Plan], rows: Sequence[Row]) -> None:
        columns = ["condition", "runs", "critical current density (mA/cm2)"]
        if known := any(row.threshold for row in rows):
            columns += ["threshold J*", "closed form"]
        table = Table(*columns, caption=self._last)
        for condition, plan in zip(self._study.conditions, plans, strict=True):
            count = f"{len(plan.done)}" + (f" + {len(plan.wanted)}" if plan.wanted else "")
            mine = [row for row in rows if row.condition is condition]
            found = next((row.threshold for row in mine), None)
            brackets = "\n".join(f"{interval(row)}{at(row)}{beyond(row)}" for row in mine)
            table.add_row(condition.name, count, brackets, *(in_cells(found) if known and found else ()))
        self._table = table
        self._live.update(table)


@contextmanager
def progress_display(study: Study, enabled: bool) -> Iterator[ProgressDisplay]:
    """Report on a study; `enabled` on rank 0 only."""
    if not enabled:
        yield _Silent()
    elif not sys.stderr.isatty():
        yield _Lines(study)
    else:
        with Live(console=Console(stderr=True), refresh_per_second=2) as live:
            yield _Table(study, live)


class _StudyDisplay(Display):
    """Passes finished points on to a progress display."""

    def __init__(self, study: Study, progress: ProgressDisplay) -> None:
        self._study, self._progress = study, progress

    @override
    def finished(self, point: Point, summary: Summary, done: int, wanted: int) -> None:
        if isinstance(point, ThresholdPoint):
            self._progress.found(point, FlawThreshold.of(point, summary), done, wanted)
            return
        assert isinstance(point, CurrentPoint)
        self._progress.finished(Finished(point, summary), done, wanted)

    @override
    def show(self, summaries: Summaries) -> None:
        results = self._study.results(summaries)
        self._progress.show(results.plans, results.rows)


@contextmanager
def display_for(study: Study, enabled: bool) -> Iterator[Display]:
    """Report on a study of the critical current density; `enabled` on rank 0 only."""
    if not enabled:
        yield Silent()
        return
    with progress_display(study, enabled=True) as progress:
        yield _StudyDisplay(study, progress)


def describe(run: Finished) -> str:
    """Return what became of a run."""
    passed = round(float(run.summary["charge_mAh_per_cm2"]), 12) + 0.0  # whole cycles leave rounding noise, or -0
    if run.numerical:
        return f"the numerics failed at {passed:.4g} mAh/cm2: {run.numerical}"
    if run.emptied:
        return f"says nothing: {run.void}, no failure up to {passed:.4g} mAh/cm2"
    last = run.ended_in
    where = f" in cycle {last.cycle}" if last.cycle else ""
    where += f" at {u.current(last.current_density):.4g} mA/cm2" if last.level else ""
    took = f" ({float(run.summary['wall_time_s']):.1f} s)"
    if run.failed:
        return f"fails by {_plain(run.outcome)}{where} at {passed:.4g} mAh/cm2{took}"
    aside = "" if run.outcome == "completed" else f", with {_plain(run.outcome)} on the way{_when(run)}"
    return f"holds to the end of the protocol{where}, {passed:.4g} mAh/cm2{aside}{took}"


def _plain(outcome: str) -> str:
    return outcome.replace("_", " ")


def _when(run: Finished) -> str:
    """Return the capacity at which the outcome of a run happened, where its summary says so."""
    found = run.summary.get(EVENTS.get(run.outcome, ""))
    return "" if found is None else f" at {float(found):.4g}"


def interval(row: Row) -> str:
    """Return a bracket and the best value within it for people [mA/cm2]."""
    found, threshold = row.bracket, row.threshold
    if threshold is not None and threshold.without_runs:
        return "0: the loads alone crack the flaw" if threshold.outcome == CRACKED else "none: no current cracks it"
    best = "" if row.estimate is None else f" (best {u.current(row.estimate):.4g})"
    return f"{_ends(found)}{best}"


def sentence(row: Row) -> str:
    """Return a row for people, with units and what its error is."""
    if row.threshold is not None and row.threshold.without_runs:
        return interval(row)
    limit = ", the threshold" if row.at_threshold else ""
    error = "" if row.error is None else f", numerical error {100.0 * row.error:.2g} %"
    return f"{interval(row)} mA/cm2{limit}{error}{beyond(row)}"


def of_threshold(found: FlawThreshold) -> str:
    """Return a threshold and its closed form for people."""
    value, closed = in_cells(found)
    if found.current is None or found.without_runs:
        return f"{found.outcome.replace('_', ' ')}; closed form {closed} mA/cm2"
    return f"threshold J* {value} mA/cm2; closed form {closed}"


def in_cells(found: FlawThreshold) -> tuple[str, str]:
    """Return J* with its error, and the closed form [mA/cm2]."""
    closed = f"{u.current(found.closed_form):.4g}"
    if found.outcome in (CRACKED, UNBOUNDED):
        return found.outcome.replace("_", " "), closed
    if found.current is None:
        return "unknown", closed
    error = "" if found.error is None else f" +- {100.0 * found.error:.2g} %"
    return f"{u.current(found.current):.4g}{error}", closed


def _ends(found: Bracket) -> str:
    if found.upper is None:
        return f"above {u.current(found.lower):.4g}"
    return (
        f"{u.current(found.lower):.4g} to {u.current(found.upper):.4g}"
        if found.lower > 0.0
        else (f"below {u.current(found.upper):.4g}")
    )


def beyond(row: Row) -> str:
    """Why nothing is known above a bracket, where the flaw was empty there."""
    run = row.decided_by
    return f" (nothing known above: {run.void})" if row.bracket.upper is None and run and run.emptied else ""


def at(row: Row) -> str:
    """Return the capacity of a row."""
    return "" if row.capacity is None else f" at {u.capacity(row.capacity):.4g} mAh/cm2"
