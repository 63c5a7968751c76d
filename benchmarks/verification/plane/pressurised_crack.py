"""A uniformly pressurised edge crack in a large body, and half of an inner line crack."""

from pathlib import Path

import numpy as np
from lifrac.simulation import Simulation
from lifrac.solver.cohesive.unknowns import OPENING
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import Cohesion
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import ELECTROLYTE, Body, body, cell_model, intensity, large_body, open_crack
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import cohesive_engine

CRACK = 10.0
"""Crack length [um]; the figures are per crack length."""
SIZE = 40.0
"""Body over crack length: finite-size errors of about (a/W)^2 are below 0.1 %."""
CELLS = {"quick": 32.0, "full": 80.0}
EDGE_MOUTH, EDGE_VOLUME, EDGE_INTENSITY = 5.816, 3.951, 1.1215
"""Mouth opening over p a/E', volume over p a^2/E', K over p sqrt(pi a) (Tada; docs/theory/exact_solutions.md,
Pressurised cracks)."""


def mouth(b: Body, opening: np.ndarray) -> float:
    """Return the opening at y = 0 over p a/E', to be compared with CRACK."""
    return float(opening[int(np.argmin(b.y))]) / CRACK


def edge_rows(b: Body) -> list[Row]:
    """Check opening, volume and stress intensity from the condensed stiffness."""
    w = open_crack(b, CRACK)
    return [
        Row("edge crack: mouth opening E'/(p a)", mouth(b, w.opening), EDGE_MOUTH, 0.02),
        Row("edge crack: volume E'/(p a^2)", w.volume / CRACK**2, EDGE_VOLUME, 0.02),
        Row("edge crack: K/(p sqrt(pi a)), energy release", intensity(b, CRACK), EDGE_INTENSITY, 0.02),
    ]


def line_rows(b: Body) -> list[Row]:
    """Half of an inner line crack of length 2a: w = (4p/E') sqrt(a^2 - y^2), V = 2 pi p a^2/E'."""
    w = open_crack(b, CRACK)
    inside = b.y < 0.9 * CRACK
    exact = 4.0 * np.sqrt(CRACK**2 - b.y[inside] ** 2)
    worst = float(np.abs(w.opening[inside] / exact - 1.0).max())
    return [
        Row("line crack: volume E'/(p a^2), both halves", 2.0 * w.volume / CRACK**2, 2.0 * np.pi, 0.01),
        Row("line crack: K/(p sqrt(pi a)), energy release", intensity(b, CRACK), 1.0, 0.02),
        Row("line crack: largest relative error of the profile, y < 0.9 a", worst, 0.0, 0.01, kind="below"),
    ]


def engine_row(b: Body) -> Row:
    """Check the mouth opening from the surface problem: an open flaw full of lithium under stack pressure.

    The stack pressure P also acts on the anode face, which gives a uniform stress along y and opens nothing.
    """
    pressure = 50.0
    # Strong enough that nothing ahead of the tip opens; the load is a fifth of the flaw's Griffith pressure.
    model = cell_model(Flaw(CRACK, 0.02), stack_pressure=pressure, cohesion=Cohesion(strength=1.0e5, viscosity=0.0))
    engine = cohesive_engine(Simulation.from_model(model, b.plane))
    w = engine.state.values[b.surface.crack, OPENING] * ELECTROLYTE.plane_strain_modulus / pressure
    return Row("edge crack: mouth opening E'/(P a), flaw at stack pressure", mouth(b, w), EDGE_MOUTH, 0.02)


@check(
    "pressurised_crack",
    engine="cohesive",
    title="Pressurised edge crack and line crack in a large body",
    source="Tada, Paris & Irwin; Sneddon; docs/theory/exact_solutions.md, Pressurised cracks",
    quick=True,
)
def pressurised_crack(level: Level, folder: Path | None) -> list[Row]:
    """Check opening, volume and K of a crack under pressure."""
    edge = body(large_body(CRACK, CELLS[level], SIZE))
    line = body(large_body(CRACK, CELLS[level], SIZE), symmetric_anode=True)
    if folder is not None:
        _draw(folder)
    return [*edge_rows(edge), engine_row(edge), *line_rows(line)]


def _draw(folder: Path) -> None:
    """Errors of the edge crack against element size."""
    errors: dict[str, list[float]] = {}
    sizes = (10.0, 20.0, 40.0, 80.0)
    for cells in sizes:
        for row in edge_rows(body(large_body(CRACK, cells, SIZE))):
            errors.setdefault(row.quantity.removeprefix("edge crack: "), []).append(row.error)
    figures.convergence(folder / "pressurised_crack.png", [1.0 / c for c in sizes], errors)
