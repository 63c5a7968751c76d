"""The tables `ccd.csv` and `runs.csv` (docs/ccd.md)."""

from typing import Any

from lifrac.problems.quantities import units as u

from .points import EVENTS, Finished
from .search import Row

CCD_COLUMNS = (
    "flaw_length_um",
    "flaw_aperture_um",
    "temperature_C",
    "stack_pressure_MPa",
    "areal_capacity_mAh_per_cm2",
    "ccd_lower_mA_per_cm2",
    "ccd_upper_mA_per_cm2",
    "failure_mode",
    "cycle_at_failure",
    "half_cycle_at_failure",
    "point",
)
RUN_COLUMNS = (
    "flaw_length_um",
    "flaw_aperture_um",
    "temperature_C",
    "stack_pressure_MPa",
    "areal_capacity_mAh_per_cm2",
    "current_density_mA_per_cm2",
    "outcome",
    "capacity_at_fracture_mAh_per_cm2",
    "capacity_at_crack_through_mAh_per_cm2",
    "capacity_at_short_mAh_per_cm2",
    "charge_mAh_per_cm2",
    "last_current_density_mA_per_cm2",
    "cycle",
    "termination",
    "flaw_empty_since_cycle",
    "steps",
    "wall_time_s",
    "reason",
    "point",
    "code_hash",
)


def run_row(run: Finished) -> dict[str, Any]:
    """Return a line of `runs.csv`."""
    point, last = run.point, run.ended_in
    return point.condition.where | {
        "areal_capacity_mAh_per_cm2": None if point.capacity is None else u.capacity(point.capacity),
        "current_density_mA_per_cm2": u.current(point.current),
        "last_current_density_mA_per_cm2": u.current(last.current_density),
        "cycle": last.cycle or None,
        "point": point.key,
        **{
            name: run.summary.get(name)
            for name in (
                *EVENTS.values(),
                "outcome",
                "charge_mAh_per_cm2",
                "termination",
                "flaw_empty_since_cycle",
                "steps",
                "wall_time_s",
                "reason",
                "code_hash",
            )
        },
    }


def ccd_row(row: Row) -> dict[str, Any]:
    """Return a line of `ccd.csv`."""
    run, found = row.decided_by, row.bracket
    failed = run is not None and run.failed and found.upper is not None
    emptied = run is not None and found.upper is None and run.emptied
    last = None if run is None else run.ended_in if failed else run.empty_since if emptied else None
    cycled = last is not None and last.cycle > 0
    return row.condition.where | {
        "areal_capacity_mAh_per_cm2": None if row.capacity is None else u.capacity(row.capacity),
        "ccd_lower_mA_per_cm2": u.current(found.lower),
        "ccd_upper_mA_per_cm2": None if found.upper is None else u.current(found.upper),
        "failure_mode": run.outcome if run is not None and failed else "flaw_empty" if emptied else None,
        "cycle_at_failure": last.cycle if last is not None and cycled else None,
        "half_cycle_at_failure": half(last.current_density) if last is not None and cycled else None,
        "point": None if run is None else run.point.key,
    }


def half(current: float) -> str:
    """Return what the anode does at a current."""
    return "plating" if current > 0.0 else "stripping"
