"""The tables `ccd.csv` and `runs.csv` (docs/ccd.md)."""

from math import isfinite
from typing import Any

from lifrac.problems.quantities import units as u

from .flaw_threshold import FlawThreshold
from .points import EVENTS, Condition, Finished
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
    "ccd_mA_per_cm2",
    "ccd_error",
    "lower_end",
    "threshold_mA_per_cm2",
    "threshold_error",
    "closed_form_mA_per_cm2",
)
SENSITIVE = {
    "electrolyte.fracture_energy": "dlnJ_dln_fracture_energy",
    "flaw.length": "dlnJ_dln_flaw_length",
    "electrolyte.conductivity": "dlnJ_dln_conductivity",
    "anode.exchange_current": "dlnJ_dln_exchange_current",
    "anode.film_resistance": "dlnJ_dln_film_resistance",
    "operation.temperature": "dlnJ_dln_temperature",
    "loads.stack_pressure": "dlnJ_dln_stack_pressure",
}
"""Numbers whose effect on the threshold is tabulated, by their names in the model, and the columns."""
THRESHOLD_COLUMNS = (
    "flaw_length_um",
    "flaw_aperture_um",
    "temperature_C",
    "stack_pressure_MPa",
    "outcome",
    "threshold_mA_per_cm2",
    "threshold_error",
    "closed_form_mA_per_cm2",
    "loads_ratio",
    "limited_by",
    *SENSITIVE.values(),
    "reason",
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
    "capacity_error",
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
        "capacity_error": run.capacity_error,
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
    mode = run.outcome if run is not None and failed else "flaw_empty" if emptied else None
    if row.threshold is not None and row.threshold.without_runs:
        mode = row.threshold.outcome
    return row.condition.where | {
        "areal_capacity_mAh_per_cm2": None if row.capacity is None else u.capacity(row.capacity),
        "ccd_lower_mA_per_cm2": milliamperes(found.lower),
        "ccd_upper_mA_per_cm2": milliamperes(found.upper),
        "failure_mode": mode,
        "cycle_at_failure": last.cycle if last is not None and cycled else None,
        "half_cycle_at_failure": half(last.current_density) if last is not None and cycled else None,
        "point": None if run is None else run.point.key,
        "ccd_mA_per_cm2": milliamperes(row.estimate),
        "ccd_error": row.error,
        "lower_end": "threshold" if row.at_threshold else "run" if run is not None and found.lower > 0.0 else None,
        **threshold_values(row.threshold),
    }


def threshold_values(found: FlawThreshold | None) -> dict[str, Any]:
    """Return the columns that rows and thresholds share."""
    if found is None:
        return {}
    return {
        "threshold_mA_per_cm2": milliamperes(found.current),
        "threshold_error": found.error,
        "closed_form_mA_per_cm2": milliamperes(found.closed_form),
    }


def threshold_row(condition: Condition, found: FlawThreshold) -> dict[str, Any]:
    """Return a line of `threshold.csv`."""
    sensitivities = found.sensitivities or {}
    return (
        condition.where
        | {"outcome": found.outcome, "loads_ratio": found.loads_ratio, "limited_by": found.limited_by}
        | threshold_values(found)
        | {column: sensitivities.get(name) for name, column in SENSITIVE.items()}
        | {"reason": found.reason, "point": found.key}
    )


def milliamperes(current: float | None) -> float | None:
    """Return a current density in mA/cm2; None where it is not known, or has no bound."""
    return None if current is None or not isfinite(current) else u.current(current)


def half(current: float) -> str:
    """Return what the anode does at a current."""
    return "plating" if current > 0.0 else "stripping"
