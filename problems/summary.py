"""What `summary.json` says about a run, alone or as a point of a study (docs/results.md)."""

import time
from typing import Any

from lifrac.solver.plane.engine import PlaneEngine
from lifrac.solver.plane.measures import Measures

from .run_folder import capacity

BALANCES = {
    "charge_balance_error": "charge_error",
    "lithium_balance_error": "lithium_error",
    "energy_balance_error": "energy_error",
}
"""Balances in the summary, where the worst step counts, and in `Measures`."""


class Worst:
    """The worst balances of a run so far."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(BALANCES, 0.0)

    def see(self, measures: Measures) -> None:
        """Take note of an accepted step."""
        for name, attribute in BALANCES.items():
            self.values[name] = max(self.values[name], getattr(measures, attribute))


def summary_of(engine: PlaneEngine, worst: Worst, *, ranks: int, dofs: int, begun: float) -> dict[str, Any]:
    """All keys of `summary.json`, at the engine's last good state.

    Parameters
    ----------
    engine : PlaneEngine
    worst : Worst
    ranks : int
        Ranks that computed the run.
    dofs : int
        Bulk unknowns.
    begun : float
        `time.monotonic()` at the start of the run.
    """
    state, m, counters = engine.state, engine.measures, engine.counters
    happened = {name: capacity(event.charge) for name, event in counters.happened.items()}
    first = next((s.current_density for s in engine.model.protocol if s.current_density), 0.0)
    return {
        "outcome": engine.outcome,
        "termination": engine.termination,
        "ranks": ranks,
        "dofs": dofs,
        "steps": counters.steps,
        "rejected_steps": counters.rejected,
        "nonlinear_iterations": counters.iterations,
        "wall_time_s": round(time.monotonic() - begun, 3),
        "time_s": state.time,
        "current_density_mA_per_cm2": first / 10.0,
        "charge_mAh_per_cm2": capacity(state.charge),
        "capacity_at_fracture_mAh_per_cm2": happened.get("fracture"),
        "capacity_at_crack_through_mAh_per_cm2": happened.get("crack_through"),
        "capacity_at_short_mAh_per_cm2": happened.get("short_circuit"),
        "crack_length_um": m.crack_length,
        "lithium_length_um": m.lithium_length,
        "max_lithium_pressure_MPa": m.max_pressure,
        "cell_voltage_V": state.cell_voltage,
        **worst.values,
    }
