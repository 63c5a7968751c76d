"""Static condensation changes nothing: the cohesive engine gives what Newton's method gives on all unknowns at once."""

from dataclasses import replace
from pathlib import Path

from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.protocol import StepControl, StopRules
from lifrac.solver.reference.monolithic_step import MonolithicSystem
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import (
    FIGURES,
    LLZO,
    condensed,
    difference,
    edge_flaw,
    follow,
    llzo_cell,
    rejection_row,
)

TOLERANCE = 1.0e-8
"""Both solve the same equations; Newton's method stops at a scaled residual of 1e-11."""


@check(
    "monolithic",
    engine="cohesive",
    title="Condensed against full monolithic solve of the same discrete problem",
    source="identity: block elimination of the bulk unknowns",
    quick=True,
)
def monolithic(level: Level, folder: Path | None) -> list[Row]:
    """Check a flaw that grows through the electrolyte, with steps refused on the way, followed by both solvers.

    Each chooses its own steps, so that iteration counts and refused steps must agree as well. The run ends where
    the crack reaches the counter electrode: the metal alone moves after that.
    """
    cells = 6.0 if level == "quick" else 16.0
    body = condensed(edge_flaw(100.0, cells, 0.25 if level == "quick" else 0.1), LLZO.poisson_ratio)
    control = StepControl(newton_tolerance=1.0e-11, max_advance_cells=0.5, first_step=30.0)
    model = replace(CohesiveModel(**vars(llzo_cell(control))), stop=StopRules(at_crack_through=True))
    reduced = follow(body, model)
    full = follow(body, model, system=MonolithicSystem(body.bulk, LLZO.youngs_modulus, LLZO.conductivity))
    rows = [
        Row(
            f"history of {name}, {len(full.table)} steps",
            difference(reduced, full, name),
            0.0,
            TOLERANCE,
            kind="below",
        )
        for name in FIGURES
        if not name.endswith("error")
    ]
    return [
        *rows,
        Row("Newton iterations, full/condensed", full.iterations / reduced.iterations, 1.0, 0.0),
        rejection_row("both", full),
    ]
