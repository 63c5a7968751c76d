"""The energy balance of a run of the plane engine, from the flaw at rest to the short circuit."""

from pathlib import Path

import numpy as np
from lifrac.problems.case.case import load_case
from lifrac.simulation import Simulation
from lifrac.solver.sharp_front.state import FrontState
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import Floats

SIZES = {"quick": ("0.8 um",), "full": ("0.8 um", "0.4 um", "0.2 um")}
"""Elements in the flaw of 20 um and about its tip."""


def audit(size: str) -> tuple[Floats, Floats]:
    """Return the lengths of the crack [um] and the relative errors of the energy balance, step by step."""
    case = load_case("llzo_runs_through", [f"mesh.crack_size={size}", "protocol.stop_at=short_circuit"])
    lengths, errors = [], []
    for step in Simulation(case).steps():
        assert isinstance(step.report.state, FrontState)
        lengths.append(step.report.measures.crack_length)
        errors.append(step.report.measures.energy_balance_error)
    return np.array(lengths), np.array(errors)


@check(
    "energy_audit",
    engine="plane",
    title="Energy of a crack that grows from its flaw through the body and parts it",
    source="docs/theory/front.md, In time",
    quick=True,
)
def energy_audit(level: Level, folder: Path | None) -> list[Row]:
    """Check the elastic energy, the work of fracture and what unstable growth loses against the work put in."""
    rows = []
    allowed = ((0.012, 0.004), (0.006, 0.002), (0.003, 0.001))
    for size, (first, later) in zip(SIZES[level], allowed, strict=False):
        length, error = audit(size)
        grown, parted = length > 1.5 * length[0], length >= length[-1]
        for where, at, tolerance in (
            ("first growth", ~grown, first),
            ("from 1.5 flaw lengths on", grown, later),
            ("the body parted", parted, 1.0e-3),
        ):
            what = f"elements of {size}, {where}: error of the energy balance, worst step"
            rows.append(Row(what, float(error[at].max()), 0.0, tolerance, kind="below"))
    return rows
