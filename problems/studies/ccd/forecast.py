"""Forecast of the cost of a study, before anything is computed: `lifrac ccd STUDY --dry-run`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifrac.problems.case import estimates
from lifrac.problems.quantities import units as u
from lifrac.problems.studies.kind import Summaries
from lifrac.problems.studies.study_folder import refuse_foreign, settled
from lifrac.solver.model.cell_model import PlaneModel
from rich.console import Console
from rich.table import Table

from .constant_current import FromThreshold
from .display import in_cells
from .flaw_threshold import threshold_point
from .points import CurrentPoint
from .study import Study

FAILING = 0.5
"""Part of the runs that are taken to fail; the others take little time."""


@dataclass(frozen=True)
class Forecast:
    """Runs and time of a study."""

    conditions: int
    running: int
    """Conditions with runs: of the others the threshold says all."""
    first: int
    """Runs that the study begins with."""
    most: int
    """Runs if every round asks for as many as it can."""
    finished: int
    """Number of the points that the study would now ask for and that the folder holds already."""
    time_s: tuple[float, float] | None
    """For the first runs, and for the most, on one core and within a factor of three; None where nobody knows."""


def run_time(point: CurrentPoint) -> float | None:
    """Forecast for one run [s].

    Nothing is known of a mesh of the user's own, which counts as 10 s, and of the phase-field engine.
    """
    case = point.case
    if not _planar(point):
        return None
    if case.mesh_file is not None:
        return 10.0
    cost = _cost(point)
    return FAILING * cost.time_s + estimates.half_steps_time(cost.path_nodes, case.cell().protocol)


def _planar(point: CurrentPoint) -> bool:
    return isinstance(point.case.engine_model(), PlaneModel)


def _cost(point: CurrentPoint) -> estimates.Cost:
    file = point.case.file
    return estimates.cost(float(file.electrolyte.thickness), file.defect.flaw_length, file.mesh_sizes())


def thresholds_of(study: Study) -> dict[str, dict[str, Any]]:
    """Compute the thresholds of all conditions, by the keys of their points (on one rank)."""
    from lifrac.problems.studies.executors.threshold_run import ThresholdBodies, threshold_summary
    from mpi4py import MPI

    bodies = ThresholdBodies(MPI.COMM_SELF)
    found: dict[str, dict[str, Any]] = {}
    for point in filter(None, map(threshold_point, study.conditions)):
        bodies.make([point.case])
        found[point.key] = threshold_summary(point.case, bodies.of(point.case))
    return found


def forecast(study: Study, folder: Path, thresholds: Summaries | None = None) -> Forecast:
    """Forecast runs and time of a study that is written to `folder`, with thresholds by the keys of their points."""
    results = study.results(thresholds or {})
    running = [
        condition
        for condition, threshold in zip(study.conditions, results.thresholds, strict=True)
        if threshold is None or not threshold.without_runs
    ]
    first = [point for condition in running for point in study.strategy.begin(condition)]
    if thresholds:
        first = [point for plan in results.plans for point in plan.wanted if isinstance(point, CurrentPoint)]
    most = study.strategy.most * len(running)
    done = sum((folder / "points" / point.key / "summary.json").is_file() for point in first)
    known = [seconds for seconds in map(run_time, first) if seconds is not None]
    mean = sum(known) / len(known) if known else None
    time_s = None if mean is None and first else (len(first) * (mean or 0.0), most * (mean or 0.0))
    return Forecast(len(study.conditions), len(running), len(first), most, done, time_s)


def print_forecast(study: Study, folder: Path, out: Console) -> None:
    """Everything the dry run says about a study."""
    out.print(f"{study.path}  content hash {study.content_hash()[:16]}", style="bold")
    out.print(_conditions(study))
    out.print(_meshes([study.strategy.begin(condition)[0] for condition in study.conditions]))
    thresholds = thresholds_of(study)
    if thresholds:
        out.print(_thresholds(study, thresholds))
    found = forecast(study, folder, thresholds)
    without = found.conditions - found.running
    out.print(
        f"{found.conditions} conditions{f', {without} of them without runs' if without else ''}, {found.first} runs to "
        f"begin with ({found.finished} finished in {folder}), at most {found.most} with all refinements"
    )
    out.print(_time(study, found))
    refuse_foreign(folder, study)
    settled(folder, study)
    for warning in study.warnings:
        out.print(f"warning: {warning}", style="yellow")


def _thresholds(study: Study, thresholds: Summaries) -> Table:
    """Return J* of every condition with its error, its closed form, and what limits it."""
    table = Table("condition", "threshold J* (mA/cm2)", "closed form", "limited by", "K of the loads / K_Ic")
    for condition, found in zip(study.conditions, study.results(thresholds).thresholds, strict=True):
        if found is not None:
            loads = "" if found.loads_ratio is None else f"{found.loads_ratio:.3g}"
            table.add_row(condition.name, *in_cells(found), found.limited_by or found.reason, loads)
    return table


def _time(study: Study, found: Forecast) -> str:
    if found.time_s is None:
        return "Nothing is known of the time that runs of the phase-field engine take; ranks share them out"
    model = study.strategy.begin(study.conditions[0])[0].case.cell()
    unknown = estimates.unforeseeable(model.protocol, model.flaw.residual)
    bound = f" ({unknown})" if unknown else ""
    within = "Estimate" if unknown else "Estimate (within a factor of three)"
    least, most = (seconds / 60.0 for seconds in found.time_s)
    span = f"{least:.1f} min" if found.most == found.first else f"{least:.1f} to {most:.1f} min"
    return f"{within}: {span} on one core{bound}; ranks share the runs out"


def _conditions(study: Study) -> Table:
    grids = study.grids
    table = Table("what", "values", title=f"Study, driver {grids.driver}", title_justify="left")
    for name in ("flaw_lengths", "flaw_apertures", "temperatures", "stack_pressures", "areal_capacities"):
        values = getattr(grids, name)
        if values is not None:
            table.add_row(name.replace("_", " "), ", ".join(value.text for value in values))
    runs = study.strategy.begin(study.conditions[0])
    currents = ", ".join(f"{u.current(current):.4g}" for current in sorted({point.current for point in runs}))
    placed = isinstance(study.strategy, FromThreshold)
    table.add_row("first currents", "placed from J*" if placed else f"{currents} mA/cm2")
    table.add_row("failure", f"{grids.failure}, or contact lost")
    return table


def _meshes(points: Sequence[CurrentPoint]) -> Table:
    """Size of what is meshed, once for each flaw length."""
    if not _planar(points[0]):
        return _diffuse_meshes(points)
    table = Table("mesh", "nodes on the crack plane", "in the bulk", "unknowns of a Newton step", "memory")
    for point in {point.case.geometry(): point for point in points}.values():
        name = "your own" if point.case.mesh_file is not None else f"flaw of {point.case.file.defect.extent.text}"
        if point.case.mesh_file is not None:
            table.add_row(name, "", "", "", "")
            continue
        cost = _cost(point)
        cells = (cost.path_nodes, cost.bulk_nodes, cost.surface_unknowns)
        table.add_row(name, *(str(number) for number in cells), f"{cost.memory_mb:.0f} MB")
    return table


def _diffuse_meshes(points: Sequence[CurrentPoint]) -> Table:
    """Return the same for the phase-field engine, which condenses nothing."""
    table = Table("mesh", "size")
    for point in {point.case.geometry(): point for point in points}.values():
        case = point.case
        own = case.mesh_file is not None
        name = "your own" if own else f"flaw of {case.file.defect.extent.text}"
        table.add_row(name, "" if own else case.file.engine.forecast(case.file).partition(": ")[2])
    return table
