"""Threshold currents as equilibria: against closed forms, an exact solution with flow, meshes, and differences."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.problems.run.threshold_current import mesh_around_flaw
from lifrac.solver.front.body import FrontBody
from lifrac.solver.front.closed_form import threshold_formula
from lifrac.solver.front.sensitivity import sensitivities, with_number
from lifrac.solver.front.threshold import Solution, find_threshold, flaw_geometry
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.physics.constants import pressure_per_volt, surface_velocity_per_current
from lifrac.solver.physics.kinetics import Linear, charge_transfer_resistance
from lifrac.solver.plane.body import condense
from lifrac.verification.support import edge_crack
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import NORTON
from mpi4py import MPI

FLAW = 20.0
"""Length of all flaws [um]."""
UNIT = 10.0
"""A/m2 per mA/cm2."""
OHM = 1.0e-4
"""V m2/A per ohm cm2."""
LLZO = Electrolyte(5.0e4, 149.8e3, 0.26, 6.0)
SULFIDE = Electrolyte(1.95e5, 22.0e3, 0.37, 2.0754)
LLZO_FACE = Kinetics(51.0, 298.15)
RESISTANCES = (0.5, 2.5, 25.0)
"""Of a face in a sulfide [ohm cm2]."""
DECAY = 3.0
"""Flaw length over the length in which a flow of linear viscosity takes the pressure from the mouth."""
LARGE = 20.0
"""Size of bodies that stand for a half plane, in flaw lengths."""


@cache
def flaw_body(thickness: float, half_width: float, size: float, nu: float, held: bool = False) -> FrontBody:
    """Return a body with an edge flaw, cells of `size` along it; lengths in um."""
    slab = SlabEdgeFlaw(
        thickness=thickness,
        half_width=half_width,
        flaw_length=FLAW,
        crack_size=size,
        far_size=thickness / 10.0,
        growth=0.05,
    )
    loads = Loads(lateral="die" if held else "free")
    return FrontBody(condense(build(mesh_around_flaw(slab, 1.0), MPI.COMM_SELF), nu, loads), 1.5 * FLAW)


def cell(electrolyte: Electrolyte, face: Kinetics, stack: float = 1.0, held: bool = False) -> CellModel:
    """Return a cell with a full flaw of 20 nm at room temperature."""
    loads = Loads(stack, lateral="die" if held else "free")
    return CellModel(electrolyte, face, face, NORTON, Flaw(FLAW, 0.02), loads)


def resistive(ohm: float) -> Kinetics:
    """Return a face of a given resistance [ohm cm2] with Butler-Volmer kinetics."""
    return Kinetics(charge_transfer_resistance(Kinetics(1.0, 298.15)) / (ohm * OHM), 298.15)


def solved(body: FrontBody, model: CellModel) -> Solution:
    """Return the threshold of a model on a body."""
    return find_threshold(flaw_geometry(body, FLAW), model)


def closed_rows(cells: float) -> list[Row]:
    """Check blocked flaws in a large body against the closed form, and what flow adds to it."""
    body = flaw_body(LARGE * FLAW, LARGE * FLAW, FLAW / cells, SULFIDE.poisson_ratio)
    rows = []
    for ohm in RESISTANCES:
        model = cell(SULFIDE, resistive(ohm))
        exact = threshold_formula(model) / UNIT
        closed_mouth = replace(model, flaw=replace(model.flaw, mouth="closed"))
        still = solved(body, closed_mouth).current_density / UNIT
        rows.append(Row(f"closed mouth, {ohm:g} ohm cm2, against the closed form", still, exact, 4e-3, "mA/cm2"))
        flowing = solved(body, model).current_density / UNIT
        rows.append(Row(f"open mouth, {ohm:g} ohm cm2: lithium that flows out adds", flowing, exact, 5e-2, "mA/cm2"))
    return rows


def viscous_row(cells: float) -> Row:
    """Check a slot of fixed aperture with linear flow and kinetics, in which p - P falls as cosh towards the mouth.

    M p'' = -2 (Omega/F) j and j = (p_b - p)/(R F/Omega), p_b the pressure of blocked lithium, which is uniform as
    nothing resists in the electrolyte: p - P = (p_b - P) [1 - cosh((a - y)/l)/cosh(a/l)]. The flaw takes the current
    of a piece l tanh(a/l) of the face.
    """
    face = replace(resistive(2.0), law=Linear())
    mobility = (FLAW / DECAY) ** 2 * 2.0 * surface_velocity_per_current()
    mobility /= charge_transfer_resistance(face) * pressure_per_volt()
    aperture = 0.1
    creep = Creep(4.0 * mobility / aperture**3, 1.0, fixed_aperture=True)  # M = A w^3/4 for n = 1
    model = replace(cell(replace(SULFIDE, conductivity=1.0e12), face, 0.0), creep=creep, flaw=Flaw(FLAW, aperture))
    shape = edge_crack.factor_of(lambda x: 1.0 - np.cosh(DECAY * (1.0 - x)) / np.cosh(DECAY))
    rise = SULFIDE.fracture_toughness / np.sqrt(np.pi * FLAW) / shape
    in_flaw = np.tanh(DECAY) / DECAY / LARGE
    exact = rise / pressure_per_volt() / charge_transfer_resistance(face) * (1.0 + in_flaw) / UNIT
    found = solved(flaw_body(LARGE * FLAW, LARGE * FLAW, FLAW / cells, SULFIDE.poisson_ratio), model)
    what = "linear flow through a fixed aperture, exact solution"
    return Row(what, found.current_density / UNIT, float(exact), 5e-3, "mA/cm2")


def mesh_rows(level: Level) -> list[Row]:
    """Check that the mesh does not decide: h, h/2, h/4 (quick: h, h/2), about the mean."""
    cases = [
        ("LLZO, 1 MPa", LLZO, LLZO_FACE, 1.0, False, 4e-3),
        ("Li6PS5Cl, 1 MPa", SULFIDE, resistive(2.5), 1.0, False, 4e-3),
        ("Li6PS5Cl, 20 MPa", SULFIDE, resistive(2.5), 20.0, False, 1.5e-2),
        ("Li6PS5Cl, 20 MPa, held sides", SULFIDE, resistive(2.5), 20.0, True, 5e-3),
    ]
    rows = []
    for name, electrolyte, face, stack, held, tolerance in cases[:1] if level == "quick" else cases:
        sizes = (0.4, 0.2) if level == "quick" else (0.4, 0.2, 0.1)
        found = []
        for size in sizes:
            body = flaw_body(100.0, 100.0, size, electrolyte.poisson_ratio, held)
            found.append(solved(body, cell(electrolyte, face, stack, held)).current_density / UNIT)
        for size, value in zip(sizes, found, strict=True):
            what = f"{name}: cells of {size:g} um, against the mean"
            rows.append(Row(what, value, float(np.mean(found)), tolerance, "mA/cm2"))
    return rows


def derivative_row() -> Row:
    """Check derivatives by every number against differences of solutions."""
    body = flaw_body(100.0, 100.0, 0.4, LLZO.poisson_ratio)
    face = replace(LLZO_FACE, film_resistance=1.0 * OHM, contact_fraction=0.8, spot_radius=1.0)
    model = replace(cell(LLZO, face, 5.0), creep=replace(NORTON, linear_viscosity=50.0))
    at = solved(body, model)
    worst = 0.0
    for entry in sensitivities(at):
        if abs(entry.logarithmic) < 1.0e-3 or entry.value == 0.0:
            continue  # the counter electrode's: differences of solutions resolve no less
        step = 1.0e-4 * entry.value
        ends = [
            find_threshold(at.equilibrium.geometry, with_number(model, entry.name, entry.value + way * step), at)
            for way in (-1.0, 1.0)
        ]
        difference = (ends[1].current_density - ends[0].current_density) / (2.0 * step)
        worst = max(worst, abs(difference / entry.derivative - 1.0))
    return Row(
        "derivatives of J* by all numbers, against differences of solutions, worst", worst, 0.0, 1e-5, kind="below"
    )


@check(
    "threshold_equilibrium",
    engine="threshold",
    title="Threshold current as an equilibrium: closed forms, flow, meshes, derivatives",
    source="docs/theory/front.md, Threshold",
    quick=True,
)
def threshold_equilibrium(level: Level, folder: Path | None) -> list[Row]:
    """Check J* for a charge without bound."""
    cells = 25.0 if level == "quick" else 50.0
    return [*closed_rows(cells), viscous_row(cells), *mesh_rows(level), derivative_row()]
