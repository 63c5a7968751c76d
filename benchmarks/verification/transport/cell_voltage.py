"""Voltage of a cell without current focusing, against current."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import Geometry, HalfPennyBlock, SlabEdgeFlaw
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import Cohesion
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.physics.constants import FARADAY, thermal_voltage
from lifrac.solver.physics.kinetics import ButlerVolmer, ChargeTransferLaw, Linear, MarcusHushChidsey
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import ELECTROLYTE, FACE, body, cell_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import after_one_step
from scipy.integrate import quad
from scipy.optimize import brentq

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


REORGANIZATION = 0.3 * FARADAY
"""lambda of 0.3 eV [J/mol]."""
LINEAR = replace(FACE, law=Linear())
MARCUS = replace(FACE, law=MarcusHushChidsey(REORGANIZATION))
WIDE = replace(FACE, law=MarcusHushChidsey(1.0e4 * REORGANIZATION))
"""Its limit is Butler-Volmer kinetics."""
OTHER = Kinetics(20.0, 298.15, film_resistance=1.0e-4, contact_fraction=0.5, law=Linear())
"""A counter electrode unlike the anode."""


def butler_volmer(ratio: float) -> float:
    """F eta/RT at j/i0, alpha = 1/2."""
    return float(2.0 * np.arcsinh(0.5 * ratio))


def marcus_hush_chidsey(ratio: float) -> float:
    """F eta/RT at j/i0 for lambda = REORGANIZATION, from the rates of electron transfer by adaptive quadrature.

    j/i0 = [k(-x) - k(x)]/k(0), k(x) = int exp(-(e - lambda - x)^2/(4 lambda))/(1 + exp(e)) de; lambda and e in RT.
    """
    width = REORGANIZATION / (FARADAY * thermal_voltage(FACE.temperature))

    def rate(x: float) -> float:
        def marcus(level: float) -> float:
            return float(np.exp(-((level - width - x) ** 2) / (4.0 * width)) / (1.0 + np.exp(level)))

        middle = 0.5 * (width + x)
        return float(quad(marcus, middle - 60.0, middle + 60.0, points=[0.0, middle], limit=400, epsrel=1.0e-12)[0])

    whole = rate(0.0)
    return float(brentq(lambda x: (rate(-x) - rate(x)) / whole - ratio, 0.0, 30.0, xtol=1.0e-13))


EXACT: dict[type[ChargeTransferLaw], Callable[[float], float]] = {
    ButlerVolmer: butler_volmer,
    Linear: lambda ratio: ratio,
    MarcusHushChidsey: marcus_hush_chidsey,
}
"""F eta/RT at j/i0 of each law."""


def exact_drop(current: float, face: Kinetics, law: Callable[[float], float] | None = None) -> float:
    """eta(j/theta) + (R_film/theta + R_constr) j [V] of one face.

    R_constr = (1/(4 kappa a_s N)) (1 - sqrt(theta))^1.5 with N pi a_s^2 = theta: N spots of radius a_s per area.
    """
    theta = face.contact_fraction
    local = current / theta
    overpotential = thermal_voltage(face.temperature) * (law or EXACT[type(face.law)])(local / face.exchange_current)
    constriction, spot = 0.0, face.spot_radius
    if spot > 0.0:
        density = theta / (np.pi * spot**2)
        constriction = (1.0 - np.sqrt(theta)) ** 1.5 / (4.0 * ELECTROLYTE.conductivity * spot * density)
    return float(overpotential + face.film_resistance * local + constriction * current)


def exact_voltage(current: float, face: Kinetics, counter: Kinetics | None = None) -> float:
    """V = j L/kappa + both faces [V]; the counter electrode is like the anode unless given."""
    faces = exact_drop(current, face) + exact_drop(current, counter or face)
    return current * THICKNESS / ELECTROLYTE.conductivity + faces


def cell_voltages(geometry: Geometry, face: Kinetics = FACE, counter: Kinetics | None = None) -> list[float]:
    """Voltage of the engine's cell at CURRENTS [V]."""
    b = body(geometry)
    cohesion = Cohesion() if geometry is BLOCK else None  # the plane engine computes in 2D
    model = cell_model(Flaw(FLAW, 1.0e-3, filling=0.0, mouth="closed"), face=face, cohesion=cohesion)
    model = replace(model, counter=counter or face)
    return [float(after_one_step(b.plane, model, ConstantCurrent(j))["cell_voltage_V"]) for j in CURRENTS]


@check(
    "cell_voltage",
    engine="plane, cohesive (3D)",
    title="1-D cell: voltage against current with two faces",
    source="docs/theory/exact_solutions.md, One-dimensional cell: V = j L/kappa + (4RT/F) asinh(j/2 i0); other laws: "
    "their definition, inverted",
    quick=True,
)
def cell_voltage(level: Level, folder: Path | None) -> list[Row]:
    """2D and 3D bodies, three decades of current; film, partial contact, constriction; laws of charge transfer."""
    cases: dict[str, tuple[Geometry, Kinetics]] = {
        "2D": (SLAB, FACE),
        "2D, film, contact 0.4": (SLAB, RESISTIVE),
        "2D, film, contact 0.1 in spots": (SLAB, SPOTS),
        "3D": (BLOCK, FACE),
    }
    rows = []
    computed = {}
    rows += _laws()
    for name, (geometry, face) in cases.items():
        computed[name] = cell_voltages(geometry, face)
        for current, voltage in zip(CURRENTS, computed[name], strict=True):
            quantity = f"{name}: voltage at {current / 10.0:g} mA/cm2"
            rows.append(Row(quantity, voltage, exact_voltage(current, face), 1.0e-3, "V"))
    if folder is not None:
        _draw(folder, {name: (cases[name][1], computed[name]) for name in list(cases)[:2]})
    return rows


def _laws() -> list[Row]:
    """Other laws of charge transfer, and faces that differ."""
    cells = {
        "linear": (LINEAR, LINEAR, None),
        "Marcus-Hush-Chidsey, 0.3 eV": (MARCUS, MARCUS, None),
        "Marcus-Hush-Chidsey, 3 keV, against Butler-Volmer": (WIDE, WIDE, FACE),
        "Marcus-Hush-Chidsey | linear, film, contact 0.5": (MARCUS, OTHER, None),
        "Butler-Volmer | Marcus-Hush-Chidsey": (FACE, MARCUS, None),
    }
    rows = []
    for name, (anode, counter, limit) in cells.items():
        for current, voltage in zip(CURRENTS, cell_voltages(SLAB, anode, counter), strict=True):
            exact = exact_voltage(current, limit or anode, limit or counter)
            rows.append(Row(f"{name}: voltage at {current / 10.0:g} mA/cm2", voltage, exact, 1.0e-5, "V"))
    return rows


def _draw(folder: Path, curves: dict[str, tuple[Kinetics, list[float]]]) -> None:
    line = np.geomspace(CURRENTS[0], CURRENTS[-1], 80)
    exact = {name: (line / 10.0, [exact_voltage(j, face) for j in line]) for name, (face, _) in curves.items()}
    points = {name: (np.array(CURRENTS) / 10.0, v) for name, (_, v) in curves.items()}
    labels = ("current density [mA/cm2]", "cell voltage [V]")
    figures.against_exact(folder / "cell_voltage.png", exact, points, labels, log=True)
