"""An accepted step, and its row in a history."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lifrac import quantities
from lifrac.quantities import Quantity

from .cell_state import CellState
from .events import Event
from .measures import Measures


@dataclass(frozen=True)
class StepReport[S: CellState]:
    """An accepted step; `report["crack_tip"]` is a quantity of it, in internal units."""

    number: int
    dt: float
    protocol_step: int
    current_density: float
    iterations: int
    state: S
    measures: Measures
    events: tuple[Event, ...] = ()
    cycle: int = 0

    def __getitem__(self, name: str) -> float:
        return _OF_STEPS[name](self) if name in _OF_STEPS else self.measures[name]

    def __contains__(self, name: object) -> bool:
        return name in _OF_STEPS or name in self.measures

    def entries(self) -> Iterator[Quantity]:
        """Quantities that the step has a number for and that are columns of a history, in their order."""
        return (entry for entry in quantities.REGISTRY.history() if entry.name in self)

    @cached_property
    def row(self) -> dict[str, float]:
        """The step's row of `history.csv`, by column."""
        return {entry.key: entry.out(self[entry.name]) for entry in self.entries()}


_OF_STEPS: dict[str, Callable[[StepReport[Any]], float]] = {
    "step": lambda report: report.number,
    "time": lambda report: report.state.time,
    "dt": lambda report: report.dt,
    "protocol_step": lambda report: report.protocol_step,
    "current_density": lambda report: report.current_density,
    "charge": lambda report: report.state.charge,
    "cell_voltage": lambda report: report.state.cell_voltage,
    "stack_pressure": lambda report: report.state.stack_pressure,
    "extruded": lambda report: report.state.extruded,
    "newton_iterations": lambda report: report.iterations,
    "cycle": lambda report: report.cycle,
}
for _name, _read in _OF_STEPS.items():
    quantities.function(_name, StepReport)(_read)
