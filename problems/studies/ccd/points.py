"""Points of a study: conditions, the runs at each, and what finished ones say about the cell."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lifrac.problems.case.case import Case
from lifrac.problems.case.protocol_table import Protocol
from lifrac.problems.quantities import units as u
from lifrac.problems.run.accuracy import KEYS, failure_error
from lifrac.problems.run.summary import emptiness
from lifrac.problems.studies.point import Point
from lifrac.quantities import CAPACITIES
from lifrac.solver.front.closed_form import threshold_formula
from lifrac.solver.model.protocol import ProtocolStep

EVENTS = {event: KEYS[name] for name, event in CAPACITIES.items() if event != "contact_lost"}  # which is no crack's
"""Events that can be the failure, and where a summary says at which capacity they happened."""


def celsius(kelvin: float) -> float:
    """[degC] without the rounding noise of the subtraction."""
    return round(kelvin - 273.15, 9)


@dataclass(frozen=True, eq=False)
class Condition:
    """A cell at a temperature and stack pressure; what is done to it the search strategy decides."""

    case: Case
    name: str
    """How people are told of it."""

    @property
    def pressure(self) -> float:
        """[MPa]."""
        return float(self.case.file.operation.stack_pressure)

    @property
    def where(self) -> dict[str, float]:
        """The leading columns of the tables."""
        flaw = self.case.file.defect
        return {
            "flaw_length_um": flaw.flaw_length,
            "flaw_aperture_um": float(flaw.aperture),
            "temperature_C": celsius(self.case.temperature),
            "stack_pressure_MPa": self.pressure,
        }

    @cached_property
    def closed_form(self) -> float:
        """Threshold of the closed form [A/m2]: what is known of the cell before anything is computed."""
        return threshold_formula(self.case.cell())

    def under(self, protocol: Protocol) -> Case:
        """Return the case of a run."""
        return dataclasses.replace(self.case, file=self.case.file.model_copy(update={"protocol": protocol}))


@dataclass(frozen=True, eq=False)
class CurrentPoint(Point):
    """One run of a study of the critical current density."""

    condition: Condition
    case: Case
    """The resolved case, as `lifrac run` would take it."""
    current: float
    """Current density [A/m2]; of a ramp, the first level."""
    capacity: float | None = None
    """Areal capacity [C/m2] of the run, or of each half-step."""

    def __str__(self) -> str:
        capacity = "" if self.capacity is None else f" to {u.show(self.capacity, u.AREAL_CAPACITY)}"
        return f"{self.condition.name}, {u.current(self.current):.4g} mA/cm2{capacity}"


@dataclass(frozen=True, eq=False)
class Finished:
    """A point and its `summary.json`."""

    point: CurrentPoint
    summary: Mapping[str, Any]

    @property
    def numerical(self) -> str:
        """Why the numerics failed; such a run says nothing about the cell. Empty if they did not."""
        return str(self.summary.get("reason") or "")

    @property
    def empty_since(self) -> ProtocolStep | None:
        """The first half-step that plated while the flaw was empty; None if there is none."""
        index = self.summary.get("flaw_empty_since_protocol_step")
        return None if index is None else self.point.case.cell().protocol[int(index)]

    @property
    def emptied(self) -> bool:
        """Whether the run was survived only because the flaw was empty."""
        return not self.numerical and not self.failed and self.empty_since is not None

    @property
    def void(self) -> str:
        """Why the run says nothing about the cell: the numerics failed, or it was survived with an empty flaw."""
        return self.numerical or (emptiness(self.summary) if self.emptied else "")

    @property
    def failed(self) -> bool:
        """Whether the cell failed: by the failure asked for, or by anything else that ended its run early."""
        return not self.numerical and self.summary["termination"] != "protocol_end"

    @property
    def failed_at(self) -> float | None:
        """Charge passed at the failure [mAh/cm2]; None if the cell survived, or the numerics failed."""
        return float(self.summary["charge_mAh_per_cm2"]) if self.failed else None

    @property
    def capacity_error(self) -> float | None:
        """Relative numerical error of the capacity at failure, as the run states it; None where it does not."""
        return failure_error(self.summary) if self.failed else None

    @property
    def outcome(self) -> str:
        """Outcome of the run."""
        return str(self.summary["outcome"])

    @property
    def ended_in(self) -> ProtocolStep:
        """The last (half-)step that passed current: a failure during the rest after it is its doing."""
        steps = self.point.case.cell().protocol[: int(self.summary["protocol_step"]) + 1]
        return next((step for step in reversed(steps) if step.current_density), steps[-1])
