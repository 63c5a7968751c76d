"""Events on the way of a cell through its protocol, what they end, and what a step must not pass."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lifrac.solver.interfaces.law import Limit
from lifrac.solver.interfaces.laws import FaceLaws
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.protocol import ProtocolStep

from .cell_state import CellState
from .measures import Measures

FRACTURE_ADVANCE = 0.02
"""The crack has left the flaw when its tip has moved by this part of the flaw's length: not by a cell, which the mesh
would decide."""
EVENT_TOLERANCE = 0.02
"""An event is hit when it is overshot by less than this, in cells of the crack path (contact, voltage: of the
limit)."""
CHARGE_TOLERANCE = 1.0e-3
"""To which a charge is hit whose time only the solution tells, over the charge of the protocol step."""
GRAVEST = ("short_circuit", "crack_through", "voltage_drop", "voltage_limit", "contact_lost", "fracture", "flaw_empty")
"""Outcomes, the gravest first; the last is no failure, but says that there was nothing to cause one."""
EMPTY_FILL_FRACTION = 0.25
"""Fill fraction of a flaw below which it counts as empty: lithium in the quarter of a flaw next to its mouth gives 0.18
of the stress intensity that the same pressure gives all over the flaw (weight function of an edge crack)."""
PLANNED_ENDS = ("protocol_end", "time_limit")


@dataclass(frozen=True)
class Event:
    """Something that happened at the end of a step."""

    name: str
    time: float
    charge: float
    """Net charge [C/m2]."""
    detail: str = ""
    throughput: float = 0.0
    """Charge in either direction [C/m2]."""
    passed: float = 0.0
    """Charge passed since the protocol step began [C/m2]."""
    step: ProtocolStep | None = None
    """The protocol step in which it happened."""
    index: int = 0
    """Number of that step, from 0."""
    current_density: float = 0.0
    """Current density in the time step to it [A/m2]."""


@dataclass
class ProtocolPosition:
    """The position of a run in its protocol."""

    index: int
    step: ProtocolStep
    throughput: float
    """At the start of the protocol step [C/m2]."""
    voltage: float | None = None
    """|cell voltage| after its first time step [V]; None before."""
    began: float = 0.0
    """Time at its start [s]."""
    filling: float = 0.0
    """Largest fill fraction of the flaw so far in this protocol step, its start included."""

    def event(self, name: str, state: CellState, detail: str) -> Event:
        """Return an event at a state of this protocol step."""
        passed = state.throughput - self.throughput
        now = state.current_density
        return Event(name, state.time, state.charge, detail, state.throughput, passed, self.step, self.index, now)

    def is_full(self, state: CellState) -> bool:
        """Whether the protocol step has passed its charge, where only the solution tells when."""
        capacity = self.step.capacity
        if capacity is None or np.isfinite(self.step.control.time_for(capacity)):
            return False
        return self.left(state) <= CHARGE_TOLERANCE * capacity

    def left(self, state: CellState) -> float:
        """Charge [C/m2] that the protocol step may still pass; inf without a limit."""
        capacity = self.step.capacity
        return float("inf") if capacity is None else capacity - (state.throughput - self.throughput)


class EventDetector:
    """Finds events in committed states.

    Parameters
    ----------
    model : CellModel
    path_end : float
        Distance from the anode face [um] at which crack or lithium count as through.
    first_events : dict
        The first event of each name; the detector adds to it.
    resolution : float
        Smallest advance [um] of a crack that can be told.
    laws : FaceLaws, optional
        The laws on the faces, whose limits are events.
    """

    def __init__(
        self,
        model: CellModel,
        path_end: float,
        first_events: dict[str, Event],
        resolution: float = 0.0,
        laws: FaceLaws | None = None,
    ) -> None:
        self.model, self.path_end, self.first_events, self.laws = model, path_end, first_events, laws
        least = max(FRACTURE_ADVANCE * model.flaw.length, resolution)
        self.grows: Callable[[Measures], bool] = lambda m: m.advance >= least
        """Whether the crack leaves its flaw; an engine whose front is sharp knows better."""

    def events(self, new: CellState, m: Measures, at: ProtocolPosition) -> tuple[Event, ...]:
        """Return what has happened for the first time."""
        found = [at.event(name, new, detail) for name, detail in self._now(new, m, at) if name not in self.first_events]
        self.first_events.update({event.name: event for event in found})
        return tuple(found)

    def _now(self, new: CellState, m: Measures, at: ProtocolPosition) -> list[tuple[str, str]]:
        a0, stop = self.model.flaw.length, self.model.stop
        voltage, start = abs(new.cell_voltage), at.voltage
        found = []
        if self.grows(m):
            found.append(("fracture", f"the crack has left the flaw of {a0:g} um"))
        if m.crack_tip >= self.path_end:
            found.append(("crack_through", "the crack has reached the counter electrode"))
        if m.lithium_length >= self.path_end:
            found.append(("short_circuit", "lithium has reached the counter electrode"))
        if stop.voltage_limit is not None and voltage >= stop.voltage_limit:
            found.append(("voltage_limit", f"the cell voltage has reached {stop.voltage_limit:g} V"))
        least = self._least_voltage(at)
        if least is not None and start is not None and voltage <= least:
            found.append(("voltage_drop", f"the cell voltage has fallen from {start:.4g} V to {voltage:.4g} V"))
        found.extend(self._limits_passed(new, m))
        return found

    def limits(self, state: CellState) -> tuple[Limit, ...]:
        """Values of the laws' outputs that are events under the stack pressure of a state."""
        return () if self.laws is None else self.laws.limits(state.stack_pressure)

    def _limits_passed(self, state: CellState, m: Measures) -> list[tuple[str, str]]:
        """Events of laws, one of each name."""
        found: dict[str, str] = {}
        for limit in self.limits(state):
            if limit.passed(value := m[limit.quantity]):
                found.setdefault(limit.event, f"the {limit.description} has fallen to {value:.3g}")
        return list(found.items())

    def _least_voltage(self, at: ProtocolPosition) -> float | None:
        """|cell voltage| [V] at which it has dropped; no current, no drop."""
        drop = self.model.stop.voltage_drop
        if drop is None or at.voltage is None or at.step.control.direction == 0:
            return None
        return (1.0 - drop) * at.voltage

    def plated_empty(self, state: CellState, at: ProtocolPosition) -> tuple[Event, ...]:
        """Return the event that a protocol step has plated without lithium in the flaw.

        It comes when the step ends, unless one did before, and is judged by the whole step: a flaw in which stripping
        has left enough fills again.
        """
        plated = at.step.control.direction > 0 and state.throughput > at.throughput
        if not plated or at.filling >= EMPTY_FILL_FRACTION or "flaw_empty" in self.first_events:
            return ()
        detail = (
            f"lithium filled no more than {at.filling:.2g} of the flaw while step {at.index + 1} of "
            f"{len(self.model.protocol)} plated: nothing pressed it open"
        )
        event = at.event("flaw_empty", state, detail)
        self.first_events["flaw_empty"] = event
        return (event,)

    def overshoot(self, old: CellState, new: CellState, at: ProtocolPosition) -> float | None:
        """Part of a time step that ends at a limit of the voltage, the current or the charge, if the step passes one.

        The jump at the start of a protocol step is not resolved.
        """
        parts = []
        if at.voltage is not None:
            voltage = abs(old.cell_voltage), abs(new.cell_voltage)
            limits = (self.model.stop.voltage_limit, at.step.voltage_limit, self._least_voltage(at))
            parts = [_passing(*voltage, limit, EVENT_TOLERANCE) for limit in limits if limit is not None]
            current = abs(old.current_density), abs(new.current_density)
            parts.append(_passing(*current, at.step.control.cutoff, EVENT_TOLERANCE))
        if at.step.capacity is not None:
            passed = old.throughput - at.throughput, new.throughput - at.throughput
            parts.append(_passing(*passed, at.step.capacity, CHARGE_TOLERANCE))
        found = [part for part in parts if part is not None]
        return max(min(found), 0.02) if found else None

    def step_end(self, state: CellState, m: Measures, at: ProtocolPosition) -> str:
        """Why a protocol step ends before its time, or before a charge whose time was known; '' if it does not."""
        limit = at.step.voltage_limit
        if limit is not None and at.voltage is not None and abs(state.cell_voltage) >= limit:
            return f"at its voltage limit of {limit:g} V"
        control = at.step.control
        if at.voltage is not None and control.has_decayed(state.current_density):
            return "with its current at the cut-off"
        if at.is_full(state):
            return "at its capacity"
        if self.model.stop.at_contact_lost or not control.direction:
            return ""
        stripped = "counter" if control.direction > 0 else "anode"
        lost = (limit for limit in self.limits(state) if limit.face == stripped and limit.passed(m[limit.quantity]))
        return next((f"with the {limit.description} lost" for limit in lost), "")

    def ending(self, events: tuple[Event, ...]) -> tuple[str, Event | None]:
        """Why the run ends with these events, and the event that ends it; '' if it goes on."""
        now, stop = {event.name: event for event in events}, self.model.stop
        for name in ("short_circuit", "voltage_drop", "voltage_limit"):
            if name in now:
                return name, now[name]
        if "contact_lost" in now and stop.at_contact_lost:
            return "contact_lost", now["contact_lost"]
        for name, stops in (("crack_through", stop.at_crack_through), ("fracture", stop.at_fracture)):
            if name in now and stops:
                return "stop_rule", now[name]
        return "", None

    def outcome(self, termination: str) -> str:
        """Return the gravest thing that happened to the cell.

        `unfinished` if nothing did before the run was cut short.
        """
        for name in GRAVEST:
            if name in self.first_events:
                return name
        return "completed" if termination in PLANNED_ENDS else "unfinished"


def decay_ratio(before: float, after: float, cutoff: float) -> float:
    """Return the fall of a current [A/m2] in a step over what it may fall by, so that a cut-off is hit.

    Half of what is left to the cut-off, and no less than half the tolerance at it: the current follows contact that a
    law advances at the end of a step, so that a shorter try of the same step does not change it.
    """
    if cutoff == 0.0:
        return 0.0
    allowed = max(0.5 * (abs(after) - cutoff), 0.5 * EVENT_TOLERANCE * cutoff)
    return max(abs(before) - abs(after), 0.0) / allowed


def _passing(before: float, after: float, limit: float, tolerance: float) -> float | None:
    """Part of a step in which a magnitude comes to a limit that it passes by more than the tolerance times the limit.

    None if it does not.
    """
    passes = (before - limit) * (after - limit) < 0.0 and abs(after - limit) > tolerance * limit
    return (limit - before) / (after - before) if passes else None
