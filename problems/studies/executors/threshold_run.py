"""The threshold current of a point's case, as a folder with a summary (docs/ccd.md)."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lifrac.errors import InputError, NumericalFailure
from lifrac.problems.case.case import Case
from lifrac.problems.quantities import units as u
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.run.files import write_aside
from lifrac.problems.run.threshold_current import Threshold, evaluated, threshold_bodies
from lifrac.problems.studies.point import CRACKED, UNBOUNDED
from lifrac.solver.front.body import FrontBody
from lifrac.solver.front.closed_form import threshold_formula
from lifrac.solver.front.threshold import NoThreshold
from mpi4py import MPI

from .domains import domain_key


class ThresholdBodies:
    """Condensed bodies from which thresholds follow, one set for each geometry (collective on `comm`).

    Parameters
    ----------
    comm : MPI.Comm
        All ranks of the study, which mesh and condense together.
    """

    def __init__(self, comm: MPI.Comm) -> None:
        self.comm = comm
        self._made: dict[tuple[Any, ...], list[FrontBody]] = {}

    def make(self, cases: Sequence[Case]) -> None:
        """Mesh and condense what these cases need."""
        for case in cases:
            key = domain_key(case)
            if key not in self._made:
                self._made[key] = threshold_bodies(case, self.comm)

    def of(self, case: Case) -> list[FrontBody]:
        """Return the bodies of a case (not collective)."""
        return self._made[domain_key(case)]


def record_threshold(case: Case, path: Path, bodies: list[FrontBody]) -> None:
    """Compute the threshold of a case into a folder (on one rank)."""
    begun = time.monotonic()
    summary = threshold_summary(case, bodies) | {"wall_time_s": round(time.monotonic() - begun, 3)}
    path.mkdir(parents=True, exist_ok=True)
    write_aside(path / "case.toml", case.resolved_toml())
    write_aside(path / "summary.json", json.dumps(summary, indent=2) + "\n")


def threshold_summary(case: Case, bodies: list[FrontBody]) -> dict[str, Any]:
    """Compute the threshold of a case (on one rank).

    That there is none is an outcome, and that it is not found a reason in the summary; neither is an error.
    """
    closed_form = u.current(threshold_formula(case.cell()))
    try:
        found = _summary(evaluated(case, bodies))
    except NoThreshold as error:
        cracked = error.loads_ratio >= 1.0
        found = {"outcome": CRACKED if cracked else UNBOUNDED, "termination": "none", "detail": error.message}
        found |= {"loads_ratio": error.loads_ratio, "threshold_mA_per_cm2": 0.0} if cracked else {}
    except (InputError, NumericalFailure, ArithmeticError) as error:
        reason = str(error) or type(error).__name__
        found = {"outcome": "unfinished", "termination": "numerical_failure", "reason": reason}
    about = {"task": "threshold", "closed_form_mA_per_cm2": closed_form, "reason": "", "code_hash": code_hash()}
    return about | found


def _summary(found: Threshold) -> dict[str, Any]:
    """Return what the summary says of a threshold that was found."""
    return {
        "outcome": "threshold",
        "termination": "equilibrium",
        "threshold_mA_per_cm2": found.milliamperes,
        "threshold_error": known(found.error),
        "cell_voltage_V": found.voltage,
        "loads_ratio": found.loads_ratio,
        "limited_by": found.limited_by,
        "budget": dict(found.budget),
        "sensitivities": {each.name: known(each.logarithmic) for each in found.sensitivities},
    }


def known(value: float) -> float | None:
    """Return a number, or None for one that is not known: JSON has no NaN."""
    return value if math.isfinite(value) else None
