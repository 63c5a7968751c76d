"""The tables of a sweep, `sweep.csv` and `timing.csv`, and its points one by one for the dry run (docs/sweep.md)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, override

from lifrac.problems.run.progress import Reporter, progress_for
from lifrac.problems.studies.kind import Display, Failures, Summaries, Summary
from lifrac.problems.studies.point import Point
from lifrac.problems.studies.tables import Table

if TYPE_CHECKING:
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


def sweep_tables(sweep: "Sweep", summaries: Summaries, failures: Failures) -> Mapping[str, Table | None]:
    """Return a row for every point of the sweep, and the times of finished ones."""
    varied = sweep.columns
    columns = ("number", *varied, "status", *RESULTS, "reason", "code_hash", "point", "folder")
    rows = [
        _row(point, summaries.get(point.key), failures.get(point.key, ""))
        | {name: entries[i] for name, entries in varied.items()}
        for i, point in enumerate(sweep.points)
    ]
    times = [{"point": p.key, **summaries[p.key]} for p in sweep.points if p.key in summaries]
    return {"sweep.csv": Table(columns, rows), "timing.csv": Table(("point", "wall_time_s", "ranks"), times)}


def _row(point: "SweepPoint", summary: Summary | None, failure: str) -> dict[str, Any]:
    """Return a line of `sweep.csv`, but for what is varied."""
    found = summary or {}
    return {name: found.get(name) for name in RESULTS} | {
        "number": point.number,
        "status": status(summary, failure),
        "reason": found.get("reason") or failure,
        "code_hash": found.get("code_hash"),
        "point": point.key,
        "folder": f"points/{point.key}" if summary is not None else None,
    }


def status(summary: Summary | None, failure: str) -> str:
    """Return `finished`, `failed` (the numerics, or there is no result) or `pending`."""
    if summary is None:
        return "failed" if failure else "pending"
    return "failed" if summary.get("reason") else "finished"


class _Counted(Display):
    """How many points are finished."""

    def __init__(self, points: Sequence[Point], progress: Reporter) -> None:
        self._points, self._progress = points, progress

    @override
    def finished(self, point: Point, summary: Summary, done: int, wanted: int) -> None:
        before = len(self._points) - wanted
        share = (before + done) / len(self._points)
        self._progress.update(share, f"{before + done} of {len(self._points)} points")


@contextmanager
def counted(sweep: "Sweep") -> Iterator[Display]:
    """Report how many points are finished: a bar on a terminal, lines in a log."""
    with progress_for(1.0, sweep.name) as progress:
        yield _Counted(sweep.points, progress)


def print_points(sweep: "Sweep", summaries: Summaries) -> None:
    """Print for `--dry-run` every point, and what is left to be computed."""
    for point in sweep.points:
        print(f"{point.number:5d}  {status(summaries.get(point.key), ''):8s}  {point.key}  {point}")
    left = len(sweep.wanted(summaries))
    jobs = -(-left // sweep.points_per_job)
    print(f"{len(sweep.points)} points, {left} to be computed in {jobs} jobs on {sweep.team} ranks")
