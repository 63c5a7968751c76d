"""Cracks whose rear part is full of lithium: pressurised from there, or wedged open."""

from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.simulation import Simulation
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.unknowns import LITHIUM_THICKNESS, OPENING
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import Cohesion
from lifrac.solver.model.lithium import Creep
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.kinetics import PrescribedCurrent
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import ELECTROLYTE, body, cell_model, intensity
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import cohesive_engine
from scipy.special import ellipk

FACTORS = {0.25: 0.205, 0.5: 0.414, 0.75: 0.648, 0.9: 0.831, 1.0: 1.122}
"""F(b/a) in K = F p sqrt(pi a), pressure on 0 < y < b (Tada's weight function; docs/theory/model.md, Metal behind the
tip)."""
CRACK = 10.0
"""Crack length of the F(b/a) table [um]."""
WEDGE = 100.0
"""Length b of the metal in the wedge problem [um]."""
CURRENT = 10.0
"""Plating current density [A/m2]; only its product with time matters."""
GAP = 1.0
"""Dry crack ahead of the metal at the start [um]."""
APERTURE = 1.0e-3
"""Gap between the unloaded faces [um]: full of metal at the start, counts for nothing."""
SPANS = {"quick": (2.0, 4.0), "full": (2.0, 3.0, 4.0, 6.0)}
"""Dry lengths [um] at which the wedge is looked at: short against the metal, not against the process zone."""
TIP_SIZE = {"quick": 0.1, "full": 0.05}
"""Elements ahead of the metal [um]."""


def partly_loaded(cells: float) -> SlabEdgeFlaw:
    """Return a body of 40 crack lengths with nodes where the loads of FACTORS end."""
    h = CRACK / cells
    ends = [CRACK * ratio for ratio in FACTORS if ratio < 1.0]
    parts = [(y, y + h, h) for y in ends] + [(0.95 * CRACK, 1.05 * CRACK, 0.125 * h)]
    return SlabEdgeFlaw(
        thickness=40.0 * CRACK,
        half_width=40.0 * CRACK,
        flaw_length=CRACK,
        crack_size=h,
        far_size=4.0 * CRACK,
        growth=2.0 / cells,
        refine=tuple(parts),
        path_growth=1.0 / cells,
    )


@check(
    "rear_filled",
    engine="statics",
    title="Edge crack with pressure in its rear part only",
    source="Tada's weight function; docs/theory/model.md, Metal behind the tip",
    quick=True,
)
def rear_filled(level: Level, folder: Path | None) -> list[Row]:
    """K = F(b/a) p sqrt(pi a), from the energy released by a small advance of the tip."""
    b = body(partly_loaded(20.0 if level == "quick" else 60.0))
    return [
        Row(f"F(b/a = {ratio:g})", intensity(b, CRACK, ratio * CRACK), target, 0.05)
        for ratio, target in FACTORS.items()
    ]


def wedge_opening(dry: float) -> float:
    """Thickness w [um] of a rigid wedge of length b that drives an inner crack to a = b + `dry` (both ends).

    Slope -A/sqrt((a^2 - y^2)(y^2 - b^2)) on b < |y| < a gives w = (A/a) K(1 - b^2/a^2), with K the complete
    elliptic integral of that parameter, and K_I = E' A sqrt(pi)/(4 sqrt(a (a^2 - b^2))) = K_Ic. For dry << b:
    dry = E' w^2/(8 pi Gc).
    """
    a = WEDGE + dry
    k_ic, modulus = ELECTROLYTE.fracture_toughness, ELECTROLYTE.plane_strain_modulus
    slope = 4.0 * k_ic * np.sqrt(a * (a**2 - WEDGE**2) / np.pi) / modulus
    return float(slope / a * ellipk(1.0 - (WEDGE / a) ** 2))


def wedge_engine(tip_size: float, longest: float) -> CohesiveEngine:
    """Half of an inner crack whose middle |y| < b holds metal that cannot flow and thickens uniformly."""
    geometry = SlabEdgeFlaw(
        thickness=20.0 * WEDGE,
        half_width=20.0 * WEDGE,
        flaw_length=WEDGE + GAP,
        crack_size=0.02 * WEDGE,
        far_size=WEDGE,
        growth=0.1,
        refine=((WEDGE, WEDGE + 1.3 * longest, tip_size), (WEDGE - GAP, WEDGE, tip_size)),
        path_growth=0.05,
    )
    model = cell_model(
        Flaw(WEDGE + GAP, APERTURE, mouth="closed"),
        creep=Creep(0.0, 1.0),
        # Growth under a given opening is stable: no viscosity is needed to follow it.
        cohesion=Cohesion(viscosity=0.0),
    )
    b = body(geometry, symmetric_anode=True)
    return cohesive_engine(Simulation.from_model(model, b.plane, crack_kinetics=PrescribedCurrent(CURRENT)))


def drive(engine: CohesiveEngine, tip_size: float, longest: float) -> tuple[np.ndarray, np.ndarray]:
    """Wedge thickness [um] and dry length [um] at every step, up to a dry length of about `longest`.

    The metal thickens so that the crack should grow by one element ahead of the metal per step.
    """
    problem = engine.problem
    state = engine.state.snapshot()
    state.values[problem.surface.x[:, 1] > WEDGE * (1 + 1e-9), LITHIUM_THICKNESS] = 0.0
    velocity = 2.0 * surface_velocity_per_current() * CURRENT
    lengths = np.arange(GAP, 1.1 * longest, tip_size)
    targets = np.array([*(wedge_opening(GAP) * np.arange(0.1, 0.99, 0.1)), *map(wedge_opening, lengths)])
    history = []
    for growth in np.diff(targets, prepend=0.0):
        state.values = problem.solve(state, growth / velocity, ConstantCurrent(CURRENT)).values
        held_together = problem.crack.intact_area > 0.0
        state.max_opening = np.where(held_together, np.maximum(state.max_opening, state.values[:, OPENING]), 0.0)
        thickness = state.values[problem.surface.mouth[0], LITHIUM_THICKNESS] - APERTURE
        history.append((thickness, engine.diagnostics.crack_length(state) - WEDGE))
    thickness, dry = np.array(history).T
    return thickness, dry


@check(
    "wedge",
    engine="cohesive",
    title="Dry crack ahead of a wedge of metal that cannot flow",
    source="docs/theory/exact_solutions.md, Wedge and dry crack: L = E' w^2/(8 pi Gc)",
    quick=True,
)
def wedge(level: Level, folder: Path | None) -> list[Row]:
    """Dry length against metal thickness, as the crack grows."""
    spans, tip_size = SPANS[level], TIP_SIZE[level]
    thickness, dry = drive(wedge_engine(tip_size, spans[-1]), tip_size, spans[-1])
    modulus, gc = ELECTROLYTE.plane_strain_modulus, ELECTROLYTE.fracture_energy
    rows = []
    for span in spans:
        w = float(np.interp(span, dry, thickness))
        limit = modulus * w**2 / (8.0 * np.pi * gc)
        rows.append(Row(f"dry length at b/L = {WEDGE / span:.0f}: L / (E' w^2/(8 pi Gc))", span / limit, 1.0, 0.05))
        rows.append(Row(f"metal thickness w at b/L = {WEDGE / span:.0f}", w, wedge_opening(span), 0.025, "um"))
    if folder is not None:
        line = np.linspace(GAP, spans[-1], 60)
        exact = {"finite metal": ([wedge_opening(x) for x in line], line)}
        figures.against_exact(
            folder / "wedge.png",
            exact,
            {"finite metal": (thickness[::4], dry[::4])},
            ("metal thickness w [um]", "dry length L [um]"),
        )
    return rows
