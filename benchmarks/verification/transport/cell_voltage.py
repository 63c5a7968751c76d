"""Voltage of a cell without current focusing, against current."""

from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import Geometry, HalfPennyBlock, SlabEdgeFlaw
from lifrac.simulation import Simulation
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.physics.constants import thermal_voltage
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import ELECTROLYTE, FACE, body, cell_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import plane_engine

THICKNESS = 200.0
"""L [um]."""
FLAW = 5.0
"""[um]; empty, hence without current, and flat along the current, so that it does not disturb it."""
CURRENTS = (1.0, 10.0, 100.0, 1000.0)
"""[A/m2]: from far below to far above the exchange current, 51 A/m2."""
SLAB = SlabEdgeFlaw(thickness=THICKNESS, half_width=50.0, flaw_length=FLAW, crack_size=2.5, far_size=50.0, growth=0.3)
BLOCK = HalfPennyBlock(
    thickness=THICKNESS,
    half_width=50.0,
    breadth=50.0,
    flaw_length=FLAW,
    crack_size=5.0,
    far_size=50.0,
    growth=0.5,
    path_growth=0.5,
)
RESISTIVE = Kinetics(51.0, 298.15, film_resistance=2.0e-4, contact_fraction=0.4)
"""Faces in partial contact, with a film of 2 Ohm cm2."""
SPOTS = Kinetics(51.0, 298.15, film_resistance=2.0e-4, contact_fraction=0.1, spot_radius=20.0)
"""The same in spots of 20 um radius: 31 Ohm cm2 of constriction."""


def exact_voltage(current: float, face: Kinetics) -> float:
    """V = j L/kappa + (4RT/F) asinh(j/(2 theta i0)) + 2 (R_film/theta + R_constr) j [V].

    R_constr = (1/(4 kappa a_s N)) (1 - sqrt(theta))^1.5 with N pi a_s^2 = theta: N spots of radius a_s per area.
    """
    theta = face.contact_fraction
    local = current / theta
    overpotential = 2.0 * thermal_voltage(face.temperature) * np.arcsinh(local / (2.0 * face.exchange_current))
    conductivity, spot = ELECTROLYTE.conductivity, face.spot_radius
    constriction = 0.0
    if spot > 0.0:
        density = theta / (np.pi * spot**2)
        constriction = (1.0 - np.sqrt(theta)) ** 1.5 / (4.0 * conductivity * spot * density)
    faces = overpotential + face.film_resistance * local + constriction * current
    return float(current * THICKNESS / conductivity + 2.0 * faces)


def cell_voltages(geometry: Geometry, face: Kinetics = FACE) -> list[float]:
    """Voltage of the engine's cell at CURRENTS [V]."""
    b = body(geometry)
    model = cell_model(Flaw(FLAW, 1.0e-3, filling=0.0, mouth="closed"), face=face)
    engine = plane_engine(Simulation.from_model(model, b.plane))
    start = engine.state
    return [engine.problem.solve(start, 1.0, ConstantCurrent(current)).voltage for current in CURRENTS]


@check(
    "cell_voltage",
    title="1-D cell: voltage against current with two faces",
    source="docs/theory/exact_solutions.md, One-dimensional cell: V = j L/kappa + (4RT/F) asinh(j/2 i0)",
    quick=True,
)
def cell_voltage(level: Level, folder: Path | None) -> list[Row]:
    """2D and 3D bodies, three decades of current; film, partial contact, constriction."""
    cases: dict[str, tuple[Geometry, Kinetics]] = {
        "2D": (SLAB, FACE),
        "2D, film, contact 0.4": (SLAB, RESISTIVE),
        "2D, film, contact 0.1 in spots": (SLAB, SPOTS),
        "3D": (BLOCK, FACE),
    }
    rows = []
    computed = {}
    for name, (geometry, face) in cases.items():
        computed[name] = cell_voltages(geometry, face)
        for current, voltage in zip(CURRENTS, computed[name], strict=True):
            quantity = f"{name}: voltage at {current / 10.0:g} mA/cm2"
            rows.append(Row(quantity, voltage, exact_voltage(current, face), 1.0e-3, "V"))
    if folder is not None:
        _draw(folder, {name: (cases[name][1], computed[name]) for name in list(cases)[:2]})
    return rows


def _draw(folder: Path, curves: dict[str, tuple[Kinetics, list[float]]]) -> None:
    line = np.geomspace(CURRENTS[0], CURRENTS[-1], 80)
    exact = {name: (line / 10.0, [exact_voltage(j, face) for j in line]) for name, (face, _) in curves.items()}
    points = {name: (np.array(CURRENTS) / 10.0, v) for name, (_, v) in curves.items()}
    labels = ("current density [mA/cm2]", "cell voltage [V]")
    figures.against_exact(folder / "cell_voltage.png", exact, points, labels, log=True)
