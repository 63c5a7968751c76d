"""Plating after contact was lost: the overpotential of J/theta on the face drives the pressure in the flaw."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.constants import pressure_per_volt, thermal_voltage
from lifrac.solver.physics.flaw_scales import griffith_pressure
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import ELECTROLYTE, FACE, body, cell_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import plane_engine, simulate

SLAB = SlabEdgeFlaw(thickness=60.0, half_width=60.0, flaw_length=10.0, crack_size=0.125, far_size=6.0, path_growth=0.05)
FLAW = Flaw(10.0, 2.0e-2)
LITHIUM, STIFF = Creep(7.7e-3, 6.56), Creep(1.0e-30, 6.56)
"""Lithium that creeps out of the mouth, and one that does not flow: each point reaches its equilibrium."""
TOUGH = replace(ELECTROLYTE, fracture_energy=100.0 * ELECTROLYTE.fracture_energy)
"""Does not crack, so that the end of plating in the flaw is seen."""
CURRENT, CHARGE = 10.0, 1000.0
"""[A/m2], [C/m2]."""
CONTACTS = (1.0, 0.5, 0.2, 0.1)
WIDTHS = (480.0, 60.0)
"""Half-widths of the body [um]: one flaw per 960 and per 120 um. The half cell at the mouth, where p = P, plates on
as if it were face and lowers the potential around it: 0.5 % of the pressure at contact 0.1, first order in the cell
(1.8 % with four times the cell)."""


def exact_pressure(contact: float) -> float:
    """Pressure at the tip at which plating stops, (F/Omega) [ (2RT/F) asinh(J/(2 theta i0)) + J a0/kappa ] [MPa]."""
    local = CURRENT / contact
    overpotential = 2.0 * thermal_voltage(FACE.temperature) * np.arcsinh(local / (2.0 * FACE.exchange_current))
    return float(pressure_per_volt(FACE.molar_volume) * (overpotential + CURRENT * FLAW.length / TOUGH.conductivity))


def plated(contact: float, half_width: float, creep: Creep) -> tuple[float, float]:
    """Largest pressure in the flaw at the end [MPa], and its largest share of the current."""
    b = body(replace(SLAB, half_width=half_width))
    face = replace(FACE, contact_fraction=contact)
    protocol = (ProtocolStep(ConstantCurrent(CURRENT), CHARGE),)
    model = cell_model(FLAW, electrolyte=TOUGH, creep=creep, protocol=protocol, face=face)
    simulation = simulate(b.plane, model)
    share = float(simulation.history["flaw_current_share"].iloc[1:].max())
    return plane_engine(simulation).measures.max_lithium_pressure, share


@check(
    "lost_contact",
    engine="plane",
    title="pressure in a flaw against the contact of the face it opens to, at fixed current",
    source="docs/theory/model.md, Kinetics under stress: p = (F/Omega) eta, R = R_ct/theta",
    quick=True,
)
def lost_contact(level: Level, folder: Path | None) -> list[Row]:
    """Without stack pressure; lithium that does not flow against the equilibrium, lithium that creeps in the figure."""
    rows, stiff = [], []
    for contact in CONTACTS:
        pressure, share = plated(contact, WIDTHS[0], STIFF)
        stiff.append(pressure)
        note = f"flaw took up to {share:.2f} of the current"
        rows.append(Row(f"contact {contact:g}: pressure", pressure, exact_pressure(contact), 1.0e-2, "MPa", note=note))
    if folder is not None:
        _draw(folder, stiff)
    return rows


def _draw(folder: Path, stiff: list[float]) -> None:
    line = np.geomspace(min(CONTACTS), 1.0, 60)
    cracks = griffith_pressure(cell_model(FLAW))
    at_rest, threshold = "lithium does not flow", f"cracks a flaw of {FLAW.length:g} um"
    exact: dict[str, figures.Curve] = {at_rest: (line, [exact_pressure(theta) for theta in line])}
    points: dict[str, figures.Curve] = {at_rest: (CONTACTS, stiff)}
    for width in WIDTHS:
        name = f"lithium creeps, half-width {width:g} um"
        exact[name] = ((), ())
        points[name] = (CONTACTS, [plated(contact, width, LITHIUM)[0] for contact in CONTACTS])
    exact[threshold], points[threshold] = ((0.1, 1.0), (cracks, cracks)), ((), ())
    labels = (f"contact of the anode face at {CURRENT / 10.0:g} mA/cm2", "pressure in the flaw [MPa]")
    figures.against_exact(folder / "lost_contact.png", exact, points, labels)
