"""The numerical errors of a run, by a companion: the same run with elements and time steps twice as long.

Both go to zero with the size of elements and steps, so that what the two runs differ by tells how far the finer one is
from the limit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lifrac.errors import InputError
from lifrac.problems.case.accuracy import DEFAULT_ACCURACY, FINEST, size_factor
from lifrac.problems.case.case import Case
from lifrac.problems.case.plane_engines import REFINED
from lifrac.quantities import CAPACITIES, in_units

from .statement import Statement

COARSER = 2.0
"""Elements and time steps of the companion over those of the run."""
ORDER = 1.0
"""Order in the size of elements and steps that errors are taken to have: with the sizes that `solver.accuracy` chooses
1.5 and more was seen, on equally spaced elements 0.75 and more (docs/plane.md)."""
LEAST_ERROR = 0.75 * DEFAULT_ACCURACY
"""No error is taken to be less at the default accuracy. Elements and time steps may err to opposite sides and with
different orders; parts that cancel in the companion then do not in the run (up to 2 % seen)."""
COMPANION = "companion with elements and time steps twice as long"
NOT_CONVERGED = "not converged"
NO_COMPANION = "none"
KEYS = dict(zip(CAPACITIES, in_units(dict.fromkeys(CAPACITIES)), strict=True))
"""Keys of the capacities in `summary.json`, by their names."""
FAILING_CURRENT = "current_density_at_failure_mA_per_cm2"


def companion(case: Statement) -> Case | None:
    """Return the case of the companion run; None where a run has none.

    It has none with another engine than the sharp front, on a mesh of the user's own, for a model without a case file,
    and where the flaw would have fewer elements than can be meshed.
    """
    if not isinstance(case, Case) or not case.file.engine.sharp_front or case.mesh_file is not None:
        return None
    coarse = replace(case, coarsening=COARSER * case.coarsening)
    try:
        coarse.geometry()
    except InputError:
        return None
    return coarse


def least_error(case: Statement) -> float:
    """Return the error below which the difference of two runs says nothing: parts of it may have cancelled."""
    return LEAST_ERROR * size_factor(float(case.file.solver.accuracy)) if isinstance(case, Case) else 0.0


def errors_of(summary: Mapping[str, Any], coarse: Mapping[str, Any] | None, least: float = 0.0) -> dict[str, Any]:
    """Return the keys of `summary.json` that tell numerical errors.

    Parameters
    ----------
    summary : Mapping
        Of the run: `outcome`, and capacities at which things have happened.
    coarse : Mapping or None
        Of its companion; None where it has none.
    least : float
        From `least_error`.

    Returns
    -------
    dict
        `<capacity>_error` for each: the relative error, None where it is not known or nothing has happened; and
        `error_estimate`, a text that says what errors rest on.
    """
    known = {} if coarse is None or _elsewhere(summary, coarse) else coarse
    errors = {f"{name}_error": _error(summary.get(key), known.get(key), least) for name, key in KEYS.items()}
    return errors | {"error_estimate": _basis(summary, coarse)}


def failure_error(summary: Mapping[str, Any]) -> float | None:
    """Return the relative error of the capacity at which the outcome of a run happened; None where it is not known."""
    name = next((name for name, event in CAPACITIES.items() if event == summary["outcome"]), None)
    return None if name is None else summary.get(f"{name}_error")


def _error(fine: float | None, coarse: float | None, least: float) -> float | None:
    """Return the relative error of the finer of two values."""
    if fine is None or coarse is None or fine == 0.0:
        return None
    return max(abs(fine - coarse) / ((COARSER**ORDER - 1.0) * abs(fine)), least)


def _basis(summary: Mapping[str, Any], coarse: Mapping[str, Any] | None) -> str:
    """Say what errors rest on, or why there are none."""
    if coarse is None:
        return NO_COMPANION
    if coarse["termination"] == "asked_to_stop":
        return f"{NO_COMPANION}: somebody asked to stop in the companion run"
    if coarse["termination"] == "numerical_failure":
        return f"{NOT_CONVERGED}: the numerics of the {COMPANION} failed"
    if coarse["outcome"] != summary["outcome"]:
        return f"{NOT_CONVERGED}: the {COMPANION} has the outcome {coarse['outcome']}"
    if _elsewhere(summary, coarse):
        return f"{NOT_CONVERGED}: the {COMPANION} fails in another step of the protocol"
    return COMPANION


def _elsewhere(summary: Mapping[str, Any], coarse: Mapping[str, Any]) -> bool:
    """Whether the two have come to different steps of the protocol."""
    return any(summary.get(key) != coarse.get(key) for key in ("cycles_completed", FAILING_CURRENT))


def as_text(summary: Mapping[str, Any]) -> str:
    """Return the capacities of a summary with their errors in words; nothing where nothing happened or can be said."""
    parts = [
        f"{CAPACITIES[name]} at {summary[key]:.4g} mAh/cm2 +- {100.0 * summary[f'{name}_error']:.2g} %"
        for name, key in KEYS.items()
        if summary.get(f"{name}_error") is not None
    ]
    basis = summary.get("error_estimate", NO_COMPANION)
    if parts:
        return f"{', '.join(parts)} ({basis})"
    return "" if basis in (NO_COMPANION, COMPANION) else basis


def inaccuracies(case: Statement, summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is less accurate than was asked for, and what helps."""
    if not isinstance(case, Case):
        return
    asked = float(case.file.solver.accuracy)
    worst = {name: e for name in KEYS if (e := summary.get(f"{name}_error")) is not None and e > asked}
    if worst:
        name = max(worst, key=lambda each: worst[each])
        stated = [f"mesh.{key}" for key in REFINED if getattr(case.file.mesh, key) is not None]
        yield (
            f"{CAPACITIES[name]} is uncertain by {100.0 * worst[name]:.2g} %, more than solver.accuracy = {asked:g}: "
            f"{_remedy(asked, stated)}"
        )
    elif str(summary.get("error_estimate", "")).startswith(NOT_CONVERGED):
        yield f"{summary['error_estimate']}: close to a threshold small errors decide. A smaller solver.accuracy tells"


def _remedy(asked: float, stated: list[str]) -> str:
    if stated:
        return f"the sizes that are stated ({', '.join(stated)}) are too large for it"
    if size_factor(asked) == FINEST:
        return "elements are as small as the accuracy makes them, and the current is close to what the flaw holds"
    return "close to the threshold current everything is sensitive. A smaller solver.accuracy makes elements smaller"
