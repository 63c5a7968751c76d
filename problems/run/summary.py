"""What `summary.json` says about a run, alone or as a point of a study (docs/results.md)."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from lifrac.problems.quantities.units import capacity, current
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.protocol.events import Event
from lifrac.solver.protocol.measures import Measures
from lifrac.solver.protocol.stepper import ProtocolRun

BALANCES = {
    "charge_balance_error": "charge_error",
    "lithium_balance_error": "lithium_error",
    "energy_balance_error": "energy_error",
}
"""Balances in the summary, where the worst step counts, and in `Measures`."""
LARGEST = {"max_lithium_pressure_MPa": "max_pressure", **BALANCES}
"""Keys of the summary that are the largest value of the whole run, and the attributes of `Measures`."""


class Worst:
    """The largest pressure and the worst balances of a run so far."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(LARGEST, 0.0)

    def see(self, measures: Measures) -> None:
        """Take note of the first state, or of an accepted step."""
        for name, attribute in LARGEST.items():
            self.values[name] = max(self.values[name], getattr(measures, attribute))

    def go_on(self, values: Mapping[str, float]) -> None:
        """Take up what was kept with a checkpoint."""
        self.values.update(values)


def cycles_completed(protocol: Sequence[ProtocolStep], ended: int) -> int:
    """Cycles of which every half-cycle is among the `ended` first protocol steps."""
    last = max((step.cycle for step in protocol[:ended]), default=0)
    return last - 1 if last and last == _under_way(protocol, ended) else last


def level_survived(protocol: Sequence[ProtocolStep], ended: int) -> float | None:
    """Current density [A/m2] of the last level of a ramp whose half-steps have all ended; None without."""
    under_way = _under_way(protocol, ended)
    currents = (
        abs(step.current_density)
        for step in reversed(protocol[:ended])
        if step.level and step.current_density and not (step.cycle and step.cycle == under_way)
    )
    return next(currents, None)


def _under_way(protocol: Sequence[ProtocolStep], ended: int) -> int:
    """Cycle to which the next current belongs; 0: none."""
    return next((step.cycle for step in protocol[ended:] if step.current_density), 0)


def _protocol_figures(engine: ProtocolRun[Any]) -> dict[str, Any]:
    """How far the cell has come in its protocol, and where it failed."""
    protocol, ended, failure = engine.cell_model.protocol, engine.counters.ended, engine.failure
    empty, state = engine.counters.happened.get("flaw_empty"), engine.state
    survived = level_survived(protocol, ended if empty is None else min(ended, empty.index))
    at_failure = None if failure is None or failure.step is None else failure.step.current_density
    return {
        "cycles_completed": cycles_completed(protocol, ended),
        "ramp_current_density_survived_mA_per_cm2": _current(survived),
        "current_density_at_failure_mA_per_cm2": _current(at_failure),
        "half_step_capacity_at_failure_mAh_per_cm2": None if failure is None else capacity(failure.passed),
        "plated_capacity_mAh_per_cm2": capacity(0.5 * (state.throughput + state.charge)),
        "flaw_empty_since_protocol_step": None if empty is None else empty.index,
        "flaw_empty_since_cycle": (empty.step.cycle or None) if empty is not None and empty.step is not None else None,
    }


def emptiness(summary: Mapping[str, Any]) -> str:
    """Words for a run whose flaw was empty while it plated; nothing for others."""
    since, cycle = summary.get("flaw_empty_since_protocol_step"), summary.get("flaw_empty_since_cycle")
    if since is None:
        return ""
    return f"flaw empty since {f'cycle {cycle}' if cycle else f'protocol step {since + 1}'}"


def _current(value: float | None) -> float | None:
    return None if value is None else current(value)


def summary_of(
    engine: ProtocolRun[Any],
    worst: Worst,
    *,
    ranks: int,
    dofs: int,
    begun: float,
    resumed: int = 0,
    not_stored: int = 0,
) -> dict[str, Any]:
    """All keys of `summary.json`, at the engine's last good state.

    Parameters
    ----------
    engine : ProtocolRun
    worst : Worst
    ranks : int
        Ranks that computed the run.
    dofs : int
        Bulk unknowns.
    begun : float
        `time.monotonic()` at the start of the run.
    resumed : int
        How often the run was interrupted and went on.
    not_stored : int
        How often a state could not be stored.
    """
    state, m, counters = engine.state, engine.measures, engine.counters
    happened = {name: capacity(event.charge) for name, event in counters.happened.items()}
    first = next((s.current_density for s in engine.cell_model.protocol if s.current_density), 0.0)
    return {
        "outcome": engine.outcome,
        "termination": engine.termination,
        "ranks": ranks,
        "resumed": resumed,
        "states_not_stored": not_stored,
        "dofs": dofs,
        "steps": counters.steps,
        "rejected_steps": counters.rejected,
        "nonlinear_iterations": counters.iterations,
        "wall_time_s": round(time.monotonic() - begun, 3),
        "time_s": state.time,
        "first_current_density_mA_per_cm2": current(first),
        "current_density_at_end_mA_per_cm2": current(counters.current),
        "anode_current_density_at_end_mA_per_cm2": current(m.anode_current),
        "counter_current_density_at_end_mA_per_cm2": current(m.counter_current),
        "anode_area_um": engine.areas.anode,
        "counter_area_um": engine.areas.counter,
        "charge_mAh_per_cm2": capacity(state.charge),
        "capacity_at_fracture_mAh_per_cm2": happened.get("fracture"),
        "capacity_at_crack_through_mAh_per_cm2": happened.get("crack_through"),
        "capacity_at_short_mAh_per_cm2": happened.get("short_circuit"),
        "capacity_at_contact_loss_mAh_per_cm2": happened.get("contact_lost"),
        **_protocol_figures(engine),
        "crack_length_um": m.crack_length,
        "lithium_length_um": m.lithium_length,
        "lithium_pressure_at_end_MPa": m.max_pressure,
        "cell_voltage_V": state.cell_voltage,
        **worst.values,
    }


def end_of(engine: ProtocolRun[Any], failure: str) -> Event:
    """The last event of a run; `failure` says why the numerics gave up, if they did."""
    detail = f"{engine.termination}: {failure}" if failure else f"{engine.termination}; outcome {engine.outcome}"
    return Event("end", engine.state.time, engine.state.charge, detail)
