"""Stack pressure in a fixture: what plated lithium makes of it, and the two limits of its stiffness."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.simulation import Domain, Simulation
from lifrac.solver.model.cell_model import CellModel, PhaseFieldModel, PlaneModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.model.loads import ConstantPressure, FixedGap, Fixture, Loads, Spring
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.constants import lithium_thickness_per_capacity
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import POISSON_RATIO, body, cell_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.diffuse_bodies import Half
from lifrac.verification.support.plane_runs import Floats
from mpi4py import MPI

THICKNESS = 60.0
"""L [um]."""
SLAB = SlabEdgeFlaw(
    thickness=THICKNESS, half_width=60.0, flaw_length=10.0, crack_size=0.5, far_size=6.0, path_growth=0.05
)
START, CURRENT = 5.0, 4.0
"""Stack pressure at first [MPa], and a current density at which the flaw does not grow [A/m2]."""
CHARGES = (1.8e3, 3.6e3)
"""Plated, and then stripped [C/m2]: 0.05 and 0.1 mAh/cm2."""
STIFFNESSES = (0.5, 5.0, 50.0)
"""Stiffnesses of springs [MPa/um]."""
SHORT = 150.0
"""Charge [C/m2] to which the fixed gap is plated: 40 MPa."""
TOLERANCE = 1.0e-3


def model(fixture: Fixture, *charges: float, counter_volume: float = 0.0) -> PlaneModel:
    """Plating and stripping in turn to the charges [C/m2] in a fixture."""
    loads = Loads(START, fixture=fixture, counter_volume=counter_volume, lateral="free")
    steps = (ProtocolStep(ConstantCurrent(sign * CURRENT), q) for q, sign in zip(charges, (1.0, -1.0), strict=False))
    return replace(cell_model(Flaw(10.0, 0.02), protocol=tuple(steps)), loads=loads)


def pressures(cell: CellModel, domain: Domain | None = None) -> Floats:
    """Return a row for each step: charge, stack pressure, lithium in the flaw, and its pressure.

    Returns
    -------
    (steps, 4) float
        Net charge [C/m2], stack pressure [MPa], volume of lithium in the flaw beyond the start [um2], and largest
        pressure of lithium [MPa].
    """
    rows = []
    for step in Simulation.from_model(cell, domain or body(SLAB).plane).steps():
        s, m = step.report.state, step.report.measures
        rows.append([s.charge, s.stack_pressure, m.lithium_volume - s.initial_lithium, m.max_lithium_pressure])
    return np.array(rows)


def diffuse_pressures(stiffness: float) -> Floats:
    """Return the same of a diffuse crack in a body as large, on a spring, plated to SHORT."""
    cell = model(Spring(stiffness), SHORT)
    parts = (cell.electrolyte, cell.anode, cell.counter, cell.creep, cell.flaw, cell.loads, cell.protocol)
    diffuse = PhaseFieldModel(*parts, diffuse=DiffuseCrack(3.0, 1.0))
    mesh = Half(10.0, 1.0, 9.0, SLAB.half_width, THICKNESS).mesh(MPI.COMM_SELF)
    return pressures(diffuse, mesh)


def by_hand(run: Floats, stiffness: float, counter_volume: float = 0.0) -> Floats:
    """P = P0 + (4.850 um per mAh/cm2 (1 - c) - what is in the flaw)/(1/k + L (1 - nu^2)/E) [MPa]."""
    compliance = 1.0 / stiffness + THICKNESS * (1.0 - POISSON_RATIO**2) / 150.0e3
    plated = (1.0 - counter_volume) * lithium_thickness_per_capacity() * run[:, 0] / 3.6e4
    in_flaw = run[:, 2] / (2.0 * SLAB.half_width)
    return np.asarray(START + (plated - in_flaw) / compliance)


def compression() -> float:
    """Mean displacement of the anode face of the meshed body under 1 MPa [um], its crack closed."""
    b = body(SLAB).plane
    u = b.bulk.recover_displacement(np.zeros(len(b.surface.crack)), 150.0e3, 1.0)
    x = b.bulk.displacement_space.tabulate_dof_coordinates()
    face = np.flatnonzero(np.isclose(x[:, 1], 0.0))
    order = face[np.argsort(x[face, 0])]
    values = u.x.array.reshape(-1, 2)[order, 1]
    return float(np.trapezoid(values, x[order, 0]) / np.ptp(x[order, 0]))


def difference(one: Fixture, other: Fixture, *charges: float) -> float:
    """Largest difference of pressures in two fixtures, over the largest pressure."""
    a, b = (pressures(model(fixture, *charges))[:, [1, 3]] for fixture in (one, other))
    return float((np.abs(a - b).max(axis=0) / np.abs(a).max(axis=0)).max())


@check(
    "fixture",
    engine="plane, phase field",
    title="stack pressure in a fixture against plated volume, and its limits: constant pressure, fixed gap",
    source="docs/theory/exact_solutions.md, Stack in a fixture",
    quick=True,
)
def fixture(level: Level, folder: Path | None) -> list[Row]:
    """Springs against the sum by hand, plating and stripping; a spring of no and of infinite stiffness."""
    rows, exact, computed = [], {}, {}
    for stiffness in STIFFNESSES:
        run = pressures(model(Spring(stiffness), *CHARGES))
        hand = by_hand(run, stiffness)
        # In a gap that has opened there is no pressure.
        worst = float(np.abs(run[:, 1] - np.maximum(hand, 0.0)).max() / hand.max())
        rows.append(Row(f"spring of {stiffness:g} MPa/um: pressure, worst step", worst, 0.0, TOLERANCE, kind="below"))
        name = f"{stiffness:g} MPa/um"
        exact[name], computed[name] = (run[:, 0] / 3.6e4, np.maximum(hand, 0.0)), (run[:, 0] / 3.6e4, run[:, 1])
    symmetric = pressures(model(Spring(50.0), CHARGES[0], counter_volume=1.0))
    worst = float(np.abs(symmetric[:, 1] / by_hand(symmetric, 50.0, 1.0) - 1.0).max())
    name = "lithium at both electrodes, 50 MPa/um: pressure, worst step"
    note = f"{START:g} to {symmetric[-1, 1]:.4f} MPa: what the flaw holds is missing between the plates"
    rows.append(Row(name, worst, 0.0, TOLERANCE, kind="below", note=note))
    diffuse = diffuse_pressures(500.0)
    worst = float(np.abs(diffuse[:, 1] / by_hand(diffuse, 500.0) - 1.0).max())
    rows.append(Row("diffuse crack, 500 MPa/um: pressure, worst step", worst, 0.0, TOLERANCE, kind="below"))
    gap = pressures(model(FixedGap(), SHORT))
    elastic = THICKNESS * (1.0 - POISSON_RATIO**2) / 150.0e3
    rows += [
        Row("fixed gap: pressure", float(gap[-1, 1]), float(by_hand(gap, np.inf)[-1]), TOLERANCE, "MPa"),
        Row("fixed gap: compression of the body under 1 MPa", compression(), elastic, TOLERANCE, "um"),
        Row("stiffness 0 against constant pressure", difference(Spring(0.0), ConstantPressure(), 200.0), 0.0, 1.0e-10),
        Row("infinite stiffness against a fixed gap", difference(Spring(1.0e15), FixedGap(), SHORT), 0.0, 1.0e-8),
    ]
    rows[-2:] = [replace(row, kind="below") for row in rows[-2:]]
    if folder is not None:
        figures.against_exact(
            folder / "fixture.png", exact, computed, ("net capacity plated [mAh/cm2]", "stack pressure [MPa]")
        )
    return rows
