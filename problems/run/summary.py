"""Contents of `summary.json`, of a run alone or of a point of a study (docs/results.md)."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from lifrac.quantities import AT_END, CAPACITIES, LARGEST, REGISTRY, in_units
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.protocol.events import Event
from lifrac.solver.protocol.measures import Measures
from lifrac.solver.protocol.stepper import ProtocolRun, StepReport


class LargestValues:
    """The largest values so far, of the quantities whose largest value the summary holds."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        """Largest values by key of the summary, in its units."""
        self._keys = [key for key in REGISTRY.summary() if key.how == LARGEST]

    def update(self, measures: Measures) -> None:
        """Take note of the first state, or of an accepted step."""
        for key in self._keys:
            if key.quantity.name in measures:
                value = key.quantity.out(measures[key.quantity.name])
                self.values[key.key] = max(self.values.get(key.key, value), value)

    def restore(self, values: Mapping[str, float]) -> None:
        """Restore the values from a checkpoint."""
        self.values.update(values)


def cycles_completed(protocol: Sequence[ProtocolStep], ended: int) -> int:
    """Cycles of which every half-cycle is among the `ended` first protocol steps."""
    last = max((step.cycle for step in protocol[:ended]), default=0)
    return last - 1 if last and last == _under_way(protocol, ended) else last


def level_survived(protocol: Sequence[ProtocolStep], ended: int) -> float | None:
    """Return the current density [A/m2] of the last level of a ramp whose half-steps have all ended; None without."""
    under_way = _under_way(protocol, ended)
    currents = (
        abs(step.current_density)
        for step in reversed(protocol[:ended])
        if step.level and step.control.direction and not (step.cycle and step.cycle == under_way)
    )
    return next(currents, None)


def _under_way(protocol: Sequence[ProtocolStep], ended: int) -> int:
    """Cycle to which the next current belongs; 0: none."""
    return next((step.cycle for step in protocol[ended:] if step.control.direction), 0)


def of_protocol(engine: ProtocolRun[Any]) -> dict[str, Any]:
    """How far the cell has come in its protocol, and where it failed."""
    protocol, ended, failure = engine.cell_model.protocol, engine.counters.ended, engine.failure
    empty, state = engine.counters.first_events.get("flaw_empty"), engine.state
    survived = level_survived(protocol, ended if empty is None else min(ended, empty.index))
    at_failure = None if failure is None or failure.step is None else failure.current_density
    return {
        "cycles_completed": cycles_completed(protocol, ended),
        "ramp_current_density_survived": survived,
        "current_density_at_failure": at_failure,
        "half_step_capacity_at_failure": None if failure is None else failure.passed,
        "plated_capacity": 0.5 * (state.throughput + state.charge),
        "protocol_steps_of_events": {name: event.index for name, event in engine.counters.first_events.items()},
        "flaw_empty_since_protocol_step": None if empty is None else empty.index,
        "flaw_empty_since_cycle": (empty.step.cycle or None) if empty is not None and empty.step is not None else None,
    }


def emptiness(summary: Mapping[str, Any]) -> str:
    """Words for a run whose flaw was empty while it plated; nothing for others."""
    since, cycle = summary.get("flaw_empty_since_protocol_step"), summary.get("flaw_empty_since_cycle")
    if since is None:
        return ""
    return f"flaw empty since {f'cycle {cycle}' if cycle else f'protocol step {since + 1}'}"


def summary_of(
    engine: ProtocolRun[Any],
    largest_values: LargestValues,
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
    largest_values : LargestValues
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
    counters = engine.counters
    first = (step.current_density for step in engine.cell_model.protocol if step.control.direction)
    of_run = {
        "outcome": engine.outcome,
        "termination": engine.termination,
        "ranks": ranks,
        "resumed": resumed,
        "states_not_stored": not_stored,
        "dofs": dofs,
        "steps": counters.steps,
        "rejected_steps": counters.rejected,
        "nonlinear_iterations": counters.iterations,
        "wall_time": round(time.monotonic() - begun, 3),
        "first_current_density": counters.first_current or next(first, 0.0),
        "anode_area": engine.areas.anode,
        "counter_area": engine.areas.counter,
        **capacities(counters.first_events),
        **of_protocol(engine),
    }
    return in_units(of_run) | _at_end(engine.last_report()) | largest_values.values


def capacities(first_events: Mapping[str, Event]) -> dict[str, float | None]:
    """Net charge per area of the anode when something first happened [C/m2], by the name of the quantity."""
    return {name: first_events[event].charge if event in first_events else None for name, event in CAPACITIES.items()}


def _at_end(report: StepReport[Any]) -> dict[str, float]:
    """Keys of the summary that tell where the run stands."""
    keys = (key for key in REGISTRY.summary() if key.how == AT_END and key.quantity.name in report)
    return {key.key: key.quantity.out(report[key.quantity.name]) for key in keys}


def last_events(engine: ProtocolRun[Any], failure: str) -> tuple[Event, ...]:
    """Return the events that are written when a run ends: protocol steps that were skipped, and the end.

    `failure` says why the numerics gave up, if they did.
    """
    detail = f"{engine.termination}: {failure}" if failure else f"{engine.termination}; outcome {engine.outcome}"
    return (*engine.skipped, Event("end", engine.state.time, engine.state.charge, detail))
