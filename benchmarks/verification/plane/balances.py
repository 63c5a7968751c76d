"""Balances of charge, lithium and energy over a run with refused steps, events and a rest."""

from dataclasses import replace
from pathlib import Path

from lifrac.solver.model.control import ConstantCurrent, Rest
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import (
    LLZO,
    History,
    condensed,
    edge_flaw,
    follow,
    llzo_cell,
    rejection_row,
)

TOLERANCE = 1.0e-8
"""The scheme conserves exactly; what is left is Newton's tolerance of 1e-10, summed over the steps."""


def rows_of(name: str, run: History) -> list[Row]:
    """Worst errors of a run. Energy is of first order in the step, so it is shown beside a generous bound."""
    steps = len(run.table)
    return [
        Row(f"{name}: charge, worst of {steps} steps", run["charge_balance_error"].max(), 0.0, TOLERANCE, kind="below"),
        Row(
            f"{name}: lithium, worst of {steps} steps",
            run["lithium_balance_error"].max(),
            0.0,
            TOLERANCE,
            kind="below",
        ),
        Row(f"{name}: energy at the end", float(run["energy_balance_error"][-1]), 0.0, 0.02, kind="below"),
        rejection_row(name, run),
    ]


@check(
    "balances",
    engine="plane",
    title="Balances of charge and lithium at every step, also through rejected steps",
    source="conservation",
    quick=True,
)
def balances(level: Level, folder: Path | None) -> list[Row]:
    """Check a crack through the electrolyte to the short circuit, and plating, rest and stripping.

    A first step far too long and a small allowed advance make the engine refuse steps. Charge: through the counter
    electrode against plated on anode and crack. Lithium: in the flaw against plated there less extruded.
    """
    quick = level == "quick"
    body = condensed(edge_flaw(100.0, 16.0 if quick else 40.0, 0.25 if quick else 0.1), LLZO.poisson_ratio)
    control = StepControl(first_step=60.0, max_advance_cells=0.3)
    through = follow(body, llzo_cell(control))
    plate, rest = ProtocolStep(ConstantCurrent(40.0), 2.4e3), ProtocolStep(Rest(), duration=20.0)
    strip = ProtocolStep(ConstantCurrent(-20.0), 1.2e3)
    reversal = follow(body, replace(llzo_cell(control), protocol=(plate, rest, strip)))
    return rows_of("to the short circuit", through) + rows_of("plate, rest, strip", reversal)
