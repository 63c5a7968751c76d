"""What each definition of failure gives for the same runs: `definitions.csv` of a study with `study.definitions`.

A run goes on until the failure that the study asks for, and the events before it are on its way: from the same runs
follow the critical current densities by the onset of fracture, by a crack that is through, and by a short circuit.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lifrac.problems.quantities import units as u
from lifrac.problems.studies.tables import Table

from .brackets import Bracket, Trial, bracket
from .points import EVENTS, Finished
from .search import Row
from .study_file import Grids
from .tables import milliamperes

COLUMNS = (
    "flaw_length_um",
    "flaw_aperture_um",
    "temperature_C",
    "stack_pressure_MPa",
    "areal_capacity_mAh_per_cm2",
    "driver",
    "definition",
    "ccd_lower_mA_per_cm2",
    "ccd_upper_mA_per_cm2",
)


def definitions_of(grids: Grids) -> tuple[str, ...]:
    """Return the events that runs of a study get to see: its failure and those that come before."""
    names = tuple(EVENTS)
    return names[: names.index(grids.failure) + 1]


def definitions_table(grids: Grids, rows: Sequence[Row], runs: Sequence[Finished]) -> Table:
    """Return the table, for conditions and capacities that have a row.

    Parameters
    ----------
    grids : Grids
    rows : sequence of Row
    runs : sequence of Finished
        All runs of the study.
    """
    return Table(COLUMNS, list(_lines(grids, rows, runs)))


def _lines(grids: Grids, rows: Sequence[Row], runs: Sequence[Finished]) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        mine = [run for run in runs if run.point.condition is row.condition and _belongs(grids, run, row)]
        for event in definitions_of(grids):
            found = critical(grids.driver, row, mine, event)
            yield row.condition.where | {
                "areal_capacity_mAh_per_cm2": None if row.capacity is None else u.capacity(row.capacity),
                "driver": grids.driver,
                "definition": event,
                "ccd_lower_mA_per_cm2": milliamperes(found.lower),
                "ccd_upper_mA_per_cm2": milliamperes(found.upper),
            }


def _belongs(grids: Grids, run: Finished, row: Row) -> bool:
    """Whether a run says something about a row: at constant current each does, at any capacity."""
    return grids.driver == "constant_current" or run.point.capacity == row.capacity


def critical(driver: str, row: Row, runs: Sequence[Finished], event: str) -> Bracket:
    """Return the critical current density by an event [A/m2]."""
    if driver == "ramp":
        return Bracket(0.0, None) if row.decided_by is None else _level(row.decided_by, event)
    capacity = 0.0 if row.capacity is None else u.capacity(row.capacity)
    return bracket([_trial(driver, run, event, capacity) for run in runs], capacity)


def _trial(driver: str, run: Finished, event: str, capacity: float) -> Trial:
    """Return the verdict of a run; one that ended before the event has failed where it ended (lost contact)."""
    charge = run.summary.get(EVENTS[event])
    if charge is None:
        return Trial(run.point.current, run.failed_at if driver != "cycling" or not run.failed else capacity, run.void)
    return Trial(run.point.current, capacity if driver == "cycling" else float(charge))


def _level(run: Finished, event: str) -> Bracket:
    """Return the levels of a ramp between which an event came; of one that ended without it, how far it had come."""
    protocol = run.point.case.cell().protocol
    index = (run.summary.get("protocol_steps_of_events") or {}).get(event)
    last = run.ended_in if index is None else protocol[int(index)]
    currents = {step.level: abs(step.current_density) for step in protocol if step.current_density}
    happened = index is not None or run.failed
    survived = last.level - 1 if happened or run.numerical else last.level
    if run.empty_since is not None:
        survived = min(survived, run.empty_since.level - 1)
    return Bracket(currents.get(survived, 0.0), currents.get(last.level) if happened else None)
