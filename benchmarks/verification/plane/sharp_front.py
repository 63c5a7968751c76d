"""The sharp-front engine: Griffith's solutions at fixed volume, the threshold, and what mesh and steps leave open."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.run.threshold_current import threshold as equilibrium
from lifrac.simulation import Simulation
from lifrac.solver.front.tip import TIP_OFFSET
from lifrac.solver.model.cell_model import PlaneModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from lifrac.solver.physics.kinetics import PrescribedCurrent
from lifrac.verification.plane.growth import A0, APERTURE, BODY, THIN, edge_times, line_crack
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import LLZO, LLZO_FACE, History, condensed, follow

if TYPE_CHECKING:
    import pandas as pd

CURRENT = 10.0
"""Of the faces of a crack that keeps its lithium [A/m2]."""


def grow(cells: int, end: float, inner: bool) -> History:
    """Run a crack fed by the current on its faces alone, up to `end` a0; `inner`: half of a line crack."""
    size = A0 / cells
    geometry = SlabEdgeFlaw(
        thickness=BODY * A0,
        half_width=BODY * A0,
        flaw_length=A0 + TIP_OFFSET * size,
        crack_size=0.5 * A0,
        far_size=0.1 * BODY * A0,
        growth=0.1,
        refine=((0.0, (end + 0.5) * A0, size),),
    )
    model = PlaneModel(
        LLZO,
        LLZO_FACE,
        LLZO_FACE,
        THIN,
        Flaw(A0, APERTURE, mouth="closed"),
        control=StepControl(newton_tolerance=1.0e-8),
        protocol=(ProtocolStep(ConstantCurrent(CURRENT), duration=1.0e5 / CURRENT),),
    )
    body = condensed(geometry, LLZO.poisson_ratio, symmetric_anode=inner)
    return follow(body, model, PrescribedCurrent(CURRENT), until_length=end * A0)


@check(
    "sharp_front_growth",
    engine="plane",
    title="Sharp front: cracks that keep their lithium, without a cohesive zone",
    source="docs/theory/exact_solutions.md, Pressurised cracks, Growth without extrusion",
    quick=True,
)
def growth(level: Level, folder: Path | None) -> list[Row]:
    """Check a line crack at fixed volume against Griffith's p(V) and a(V), an edge crack against its exact times."""
    cells, end = (20, 3.0) if level == "full" else (20, 2.0)
    run = grow(cells, end, inner=True)
    _, p, a = line_crack(run)
    rows = [
        Row("line crack: p over Griffith's, mean", float(p.mean()), 1.0, 0.01),
        Row("line crack: a over Griffith's, mean", float(a.mean()), 1.0, 0.01),
        Row("line crack: energy balance at the end", run["energy_balance_error"][-1], 0.0, 0.01, kind="below"),
    ]
    edge = grow(cells, 4.96 if level == "full" else 3.0, inner=False)
    lengths = A0 * np.array([2.0, 3.0, 4.0, 4.95] if level == "full" else [2.0, 2.9])
    for x, t, exact in zip(lengths, *edge_times(edge, CURRENT, lengths), strict=True):
        rows.append(Row(f"edge crack: time to {x / A0:.3g} a0 over the exact one", t / exact, 1.0, 0.01))
    return rows


def llzo(cells: int, *overrides: str) -> Case:
    """Return 100 um of LLZO between free sides, with a 20 um flaw and cells of so many in it."""
    size = 20.0 / cells
    return load_case(
        "llzo_holds",
        [
            "operation.lateral=free",
            "electrolyte.thickness=100 um",
            f"mesh.crack_size={size} um",
            f"mesh.path_size={5.0 * size} um",
            *overrides,
        ],
    )


HALF_THE_STEPS = 0.25
"""Factor of the allowed errors with which steps are half as long."""


@cache
def charges(cells: int, current: float, tightness: float = 1.0) -> dict[str, float]:
    """Charge [mAh/cm2] at which each event of a run happens, at a current [mA/cm2]."""
    case = llzo(cells, f"protocol.current_density={current} mA/cm^2", "protocol.stop_at=crack_through")
    geometry = case.geometry()
    assert isinstance(geometry, SlabEdgeFlaw)
    simulation = Simulation.from_model(case.engine_model(), geometry)
    engine = simulation.cell.engine
    assert engine is not None
    engine.tightness = tightness  # type: ignore[union-attr]
    simulation.run()
    return {event.name: event.charge / 36000.0 for event in simulation.events}


@check(
    "sharp_front_threshold",
    engine="plane",
    title="Sharp front: runs about the threshold that the equilibrium gives",
    source="docs/theory/front.md, Threshold",
    quick=False,
)
def threshold(level: Level, folder: Path | None) -> list[Row]:
    """Check that runs below J* hold and runs above it grow, and that events stand still."""
    found = equilibrium(llzo(50)).current_density / 10.0
    held = [part for part in (0.97, 0.985, 1.015, 1.03) if "fracture" not in charges(50, part * found)]
    rows = [Row("largest of 0.97, 0.985, 1.015 and 1.03 J* that holds", max(held, default=0.0), 0.985, 0.005)]
    for part, tolerances in ((1.05, (0.15, 0.06)), (2.0, (0.04, 0.02))):
        fine = charges(100, part * found, HALF_THE_STEPS)
        for name in ("fracture", "crack_through"):
            for cells, tolerance in zip((25, 50), tolerances, strict=True):
                value = charges(cells, part * found)[name] / fine[name]
                what = f"{part:g} J*: charge at {name}, {cells} cells over 100 cells with half the steps"
                rows.append(Row(what, value, 1.0, tolerance))
        at_start = [charges(50, part * found, w)["fracture"] for w in (1.0, HALF_THE_STEPS)]
        rows.append(
            Row(f"{part:g} J*: charge at fracture over that with half the steps", at_start[0] / at_start[1], 1.0, 0.04)
        )
    return rows


@check(
    "cohesive_limit",
    engine="plane, cohesive",
    title="The cohesive engine against the sharp front, where its zone is short against the crack",
    source="a cohesive zone that is short against the crack has Griffith's crack as its limit",
    quick=False,
)
def cohesive_limit(level: Level, folder: Path | None) -> list[Row]:
    """Check the charge at which a crack between held sides has come to some lengths, far from the threshold.

    The cohesive zone of eight cells is a tenth of the crack at 30 um. Crack-through is not compared: in the cohesive
    engine the last node holds until it has opened, against the sides.
    """
    run = ("protocol.current_density=4 mA/cm^2", "protocol.stop_at=crack_through", "operation.lateral=die")
    sharp = followed(llzo(50, *run))
    cohesive = followed(llzo(50, *run, "fracture.engine=cohesive"))
    rows = []
    for length, tolerance in ((30.0, 0.05), (50.0, 0.02), (70.0, 0.02), (85.0, 0.02)):
        value = charge_at(cohesive, length) / charge_at(sharp, length)
        rows.append(Row(f"charge at {length:g} um over that of the plane engine", value, 1.0, tolerance))
    return rows


def followed(case: Case) -> "pd.DataFrame":
    """Return the history of a case."""
    simulation = Simulation(case)
    simulation.run()
    return simulation.history


def charge_at(history: "pd.DataFrame", length: float) -> float:
    """Return the charge [mAh/cm2] at which a crack has come to a length [um], linear between steps."""
    crack, charge = (history[name].to_numpy() for name in ("crack_length_um", "charge_mAh_per_cm2"))
    k = int(np.argmax(crack >= length))
    return float(charge[k - 1] + (charge[k] - charge[k - 1]) * (length - crack[k - 1]) / (crack[k] - crack[k - 1]))
