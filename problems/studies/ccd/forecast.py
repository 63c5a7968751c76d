"""Forecast of the cost of a study, before anything is computed: `lifrac ccd STUDY --dry-run`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lifrac.problems.case import estimates
from lifrac.problems.quantities import units as u
from lifrac.problems.studies.study_folder import refuse_foreign, settled
from lifrac.solver.model.cell_model import PlaneModel
from rich.console import Console
from rich.table import Table

from .points import CurrentPoint
from .study import Study

FAILING = 0.5
"""Part of the runs that are taken to fail; the others take little time."""


@dataclass(frozen=True)
class Forecast:
    """Runs and time of a study."""

    conditions: int
    first: int
    """Runs that the study begins with."""
    most: int
    """Runs if every refinement asks for as many as it can."""
    finished: int
    """Number of the first runs that the folder holds already."""
    time_s: float | None
    """On one core, within a factor of three; None where nobody knows."""


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


def forecast(study: Study, folder: Path) -> Forecast:
    """Forecast runs and time of a study that is written to `folder`."""
    first = [point for condition in study.conditions for point in study.strategy.begin(condition)]
    rows = len(study.grids.areal_capacities or (None,))
    refined = study.strategy.rounds * rows * len(study.conditions)
    done = sum((folder / "points" / point.key / "summary.json").is_file() for point in first)
    known = [seconds for seconds in map(run_time, first) if seconds is not None]
    time_s = sum(known) / len(known) * (len(first) + 0.5 * refined) if known else None
    return Forecast(len(study.conditions), len(first), len(first) + refined, done, time_s)


def print_forecast(study: Study, folder: Path, out: Console) -> None:
    """Everything the dry run says about a study."""
    found = forecast(study, folder)
    out.print(f"{study.path}  content hash {study.content_hash()[:16]}", style="bold")
    out.print(_conditions(study))
    out.print(_meshes([study.strategy.begin(condition)[0] for condition in study.conditions]))
    out.print(
        f"{found.conditions} conditions, {found.first} runs to begin with ({found.finished} finished in {folder}), "
        f"at most {found.most} with all refinements"
    )
    out.print(_time(study, found))
    refuse_foreign(folder, study)
    settled(folder, study)
    for warning in study.warnings:
        out.print(f"warning: {warning}", style="yellow")


def _time(study: Study, found: Forecast) -> str:
    if found.time_s is None:
        return "Nothing is known of the time that runs of the phase-field engine take; ranks share them out"
    model = study.strategy.begin(study.conditions[0])[0].case.cell()
    unknown = estimates.unforeseeable(model.protocol, model.flaw.residual)
    bound = f" ({unknown})" if unknown else ""
    within = "Estimate" if unknown else "Estimate (within a factor of three)"
    return f"{within}: {found.time_s / 60.0:.1f} min on one core{bound}; ranks share the runs out"


def _conditions(study: Study) -> Table:
    grids = study.grids
    table = Table("what", "values", title=f"Study, driver {grids.driver}", title_justify="left")
    for name in ("flaw_lengths", "flaw_apertures", "temperatures", "stack_pressures", "areal_capacities"):
        values = getattr(grids, name)
        if values is not None:
            table.add_row(name.replace("_", " "), ", ".join(value.text for value in values))
    runs = study.strategy.begin(study.conditions[0])
    currents = sorted({point.current for point in runs})
    table.add_row("first currents", ", ".join(f"{u.current(current):.4g}" for current in currents) + " mA/cm2")
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
