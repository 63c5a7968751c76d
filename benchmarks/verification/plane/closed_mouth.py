"""A flaw whose mouth is closed: lithium plates until its pressure is what the overpotential sustains."""

from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.solver.front.tip import TIP_OFFSET
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.constants import pressure_per_volt
from lifrac.solver.physics.uniform_cell import overpotential
from lifrac.verification.support.bodies import ELECTROLYTE, FACE, body, cell_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import plane_engine, simulate

LENGTH, APERTURE, PRESSURE = 20.0, 0.02, 1.0
"""Flaw [um] and stack pressure [MPa]."""
CURRENTS = (2.0, 8.0)
"""Below the threshold [A/m2]."""
CELLS = {"quick": 25, "full": 50}


def bound(y: np.ndarray | float, current: float) -> np.ndarray:
    """P + (F/Omega) [eta(J) + J y/kappa] [MPa]: what a flaw that carries no current is under."""
    sustained = overpotential(FACE, current) + current * np.asarray(y) / ELECTROLYTE.conductivity
    return np.asarray(PRESSURE + pressure_per_volt(FACE.molar_volume) * sustained)


@check(
    "closed_mouth",
    engine="plane",
    title="closed mouth: pressure of lithium that plating has brought to its bound",
    source="docs/theory/model.md, Kinetics under stress: p - P = (F/Omega) (eta + J y/kappa) where no current flows",
    quick=True,
)
def closed_mouth(level: Level, folder: Path | None) -> list[Row]:
    """Compare both ends of the flaw after many times as long as plating needs."""
    slab = SlabEdgeFlaw(
        thickness=100.0,
        half_width=100.0,
        flaw_length=LENGTH * (1.0 + TIP_OFFSET / CELLS[level]),
        crack_size=LENGTH / CELLS[level],
        far_size=20.0,
        growth=0.2,
    )
    b, rows = body(slab), []
    flaw = Flaw(LENGTH, APERTURE, mouth="closed")
    for current in CURRENTS:
        protocol = (ProtocolStep(ConstantCurrent(current), duration=3.0e5 / current),)
        engine = plane_engine(simulate(b.plane, cell_model(flaw, stack_pressure=PRESSURE, protocol=protocol)))
        crack = engine.state.crack
        y, p = engine.problem.elasticity.y[: crack.front], crack.pressure[: crack.front]
        name = f"{current / 10.0:g} mA/cm2"
        for place, i in (("mouth", 0), ("last node", -1)):
            exact = float(bound(y[i], current))
            rows.append(Row(f"{name}: pressure at the {place}", float(p[i]), exact, 1.0e-3, "MPa"))
    return rows
