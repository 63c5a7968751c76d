"""The threshold current of a condition of a study: the point that computes it, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from lifrac.problems.case.case import Case
from lifrac.problems.case.plane_engines import Plane
from lifrac.problems.studies.point import CRACKED, UNBOUNDED, Point, Task
from lifrac.solver.physics.constants import AMPERE_PER_M2_PER_MA_PER_CM2

from .points import Condition


def has_threshold(case: Case) -> bool:
    """Whether a threshold can be computed: for a crack in the plane of an edge flaw."""
    return isinstance(case.file.engine, Plane)


def decides(case: Case) -> bool:
    """Whether runs of a case have the threshold that is computed; those of the cohesive engine have one near it."""
    return case.file.engine.sharp_front


@dataclass(frozen=True, eq=False)
class ThresholdPoint(Point):
    """The threshold of a condition as a point of its study."""

    condition: Condition
    case: Case
    task: Task = "threshold"

    def __str__(self) -> str:
        return f"{self.condition.name}, threshold"


@dataclass(frozen=True)
class FlawThreshold:
    """What is known of the threshold of a condition.

    Attributes
    ----------
    outcome : str
        `threshold`, `cracked_by_loads`, `no_threshold`, or `unfinished` where the numerics failed.
    current : float or None
        J* [A/m2]; 0 where the loads alone crack the flaw, None where it is not known or there is none.
    error : float or None
        Its relative numerical error; None where it is not known.
    closed_form : float
        J* of a blocked flaw in a half plane [A/m2].
    bounds : bool
        Whether no run fails by fracture below it: not where the current takes toughness away.
    without_runs : bool
        Whether it says all: the loads crack the flaw, or no current does and the cell can fail in no other way.
    """

    outcome: str
    current: float | None
    error: float | None
    closed_form: float
    bounds: bool = True
    without_runs: bool = False
    loads_ratio: float | None = None
    limited_by: str = ""
    reason: str = ""
    sensitivities: Mapping[str, float | None] | None = None
    key: str = ""

    @classmethod
    def of(cls, point: ThresholdPoint, summary: Mapping[str, Any]) -> Self:
        """Return what the `summary.json` of a point says."""
        current, outcome = summary.get("threshold_mA_per_cm2"), str(summary["outcome"])
        model, theirs = point.case.cell(), decides(point.case)
        unbounded = outcome == UNBOUNDED and model.contact is None
        return cls(
            outcome=outcome,
            current=None if current is None else AMPERE_PER_M2_PER_MA_PER_CM2 * float(current),
            error=summary.get("threshold_error"),
            closed_form=AMPERE_PER_M2_PER_MA_PER_CM2 * float(summary["closed_form_mA_per_cm2"]),
            bounds=theirs and model.assisted is None,
            without_runs=theirs and (outcome == CRACKED or unbounded),
            loads_ratio=summary.get("loads_ratio"),
            limited_by=str(summary.get("limited_by") or ""),
            reason=str(summary.get("reason") or summary.get("detail") or ""),
            sensitivities=summary.get("sensitivities"),
            key=point.key,
        )

    def holds_below(self, current: float) -> bool:
        """Whether it is known, below a current, and bounds the failures by fracture."""
        return self.bounds and self.current is not None and self.current < current

    @property
    def start(self) -> float:
        """Current density from which runs are placed [A/m2]: J*, or its closed form where it is not known."""
        return self.current or self.closed_form

    @property
    def relative_error(self) -> float:
        """The error, 0 where it is not known."""
        return self.error or 0.0


def threshold_point(condition: Condition) -> ThresholdPoint | None:
    """Return the point that computes the threshold of a condition; None where there is no way to."""
    return ThresholdPoint(condition, condition.case) if has_threshold(condition.case) else None
