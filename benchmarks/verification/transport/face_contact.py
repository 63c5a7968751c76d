"""Contact of the electrode faces through the engine: loss by stripping, steady state, critical current, cycling."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.simulation import Simulation
from lifrac.solver.interfaces.contact import charge_to_loss, cycled_contact
from lifrac.solver.interfaces.law import LawState
from lifrac.solver.model.cell_model import CellModel, PhaseFieldModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.sharp_front.sharp_front_engine import SharpFrontEngine
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import Body, body, cell_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.diffuse_bodies import Half
from lifrac.verification.support.plane_runs import plane_engine
from mpi4py import MPI
from scipy.optimize import brentq

SLAB = SlabEdgeFlaw(thickness=200.0, half_width=50.0, flaw_length=5.0, crack_size=2.5, far_size=50.0, growth=0.3)
FLAW = Flaw(5.0, 1.0e-3, filling=0.0, mouth="closed")
"""Empty and flat along the current: it does not disturb it."""
CURRENT = 10.0
"""J [A/m2]."""
LAW = ContactLaw(void_height=1.0, reference_current=1.0, minimum=0.02)
"""Contact counts as lost at theta = 0.02: what is left then, theta^2/(2 (1-k)) F h*/Omega, is 0.13 % of Q_loss at
k = 0.8."""
PRESSURES = (3.0, 7.0)
"""[MPa], of Kasemchainan et al. (2019)."""
PASSAGE = LAW.void_height / surface_velocity_per_current()
"""F h*/Omega [C/m2]."""
HALF_CYCLE = 0.16
"""Charge of a half-cycle over F h*/Omega theta_ss^2: contact swings by about a sixth of its mean."""
START: dict[Level, float] = {"quick": 1.05, "full": 1.2}
"""Contact over its mean at the start of cycling."""
HALF_CYCLES_PER_RATIO: dict[Level, int] = {"quick": 18, "full": 30}
"""Times J/J_c: the start is forgotten to e^(-0.16 n), 0.3 % of the contact after 18 half-cycles, 0.2 % after 30."""


def _cell(b: Body, law: ContactLaw, pressure: float, *protocol: ProtocolStep, **changes: object) -> Simulation:
    model = cell_model(FLAW, stack_pressure=pressure, protocol=protocol)
    return Simulation.from_model(replace(model, contact=law, **changes), b.plane)  # type: ignore[arg-type]


def strip(b: Body, law: ContactLaw, current: float, charge: float, pressure: float = 1.0) -> SharpFrontEngine:
    """Strip at a current [A/m2] up to a charge [C/m2] or to loss of contact; return the engine."""
    simulation = _cell(b, law, pressure, ProtocolStep(ConstantCurrent(current), charge))
    simulation.run()
    return plane_engine(simulation)


def cycle(b: Body, law: ContactLaw, current: float, level: Level) -> tuple[float, float]:
    """Contact of the counter electrode after stripping and after plating, in the last of many cycles."""
    mean = cycled_contact(law, current, 1.0)
    cycles = int(0.5 * HALF_CYCLES_PER_RATIO[level] * current / law.critical_current(1.0))
    strip, plate = (ProtocolStep(ConstantCurrent(j), HALF_CYCLE * mean**2 * PASSAGE) for j in (current, -current))
    # As few steps as contact allows: a uniform face is advanced exactly.
    control = StepControl(first_step=1.0e9, max_step=1.0e9)
    simulation = _cell(b, law, 1.0, *(strip, plate) * cycles, control=control)
    engine = plane_engine(simulation)
    start = engine.laws.faces.uniform(START[level] * mean, elsewhere=1.0)
    engine.state.laws = {"contact": LawState({"contact": start, "lowest_contact": start})}
    last = {step.report.protocol_step: step.report.measures.contact_counter for step in simulation.steps()}
    return last[2 * cycles - 2], last[2 * cycles - 1]


def orbit(k: float, charge: float) -> tuple[float, float]:
    """Lowest and highest theta of steady cycling at k = J_c/J with half-cycles of `charge` F h*/Omega, exactly.

    Stripping takes int theta/(1 - k (1-theta)), plating int theta/((1+k)(1-theta)) between the two.
    """

    def stripped(theta: float) -> float:
        return float(theta / k - (1.0 - k) / k**2 * np.log(abs(1.0 - k + k * theta)))

    def plated(theta: float) -> float:
        return float(-(theta + np.log(1.0 - theta)) / (1.0 + k))

    def after_plating(low: float) -> float:
        return float(brentq(lambda high: plated(high) - plated(low) - charge, low, 1.0 - 1.0e-12, xtol=1.0e-14))

    lowest = max(1.0e-6, 1.0 - 1.0 / k + 1.0e-6)
    low = brentq(lambda x: stripped(after_plating(x)) - stripped(x) - charge, lowest, 1.0 - 1.0e-3, xtol=1.0e-13)
    return float(low), after_plating(low)


def loss(b: Body, ratio: float) -> SharpFrontEngine:
    """Run the engine at k = J_c/J until contact is lost."""
    return strip(b, replace(LAW, reference_current=ratio * CURRENT), CURRENT, 2.0 * PASSAGE)


def critical_current(b: Body, law: ContactLaw, pressure: float) -> float:
    """J_c from the steady contact at half of what the law states, J/(1 - theta_ss) [A/m2]."""
    current = 0.5 * law.critical_current(pressure)
    engine = strip(b, law, current, 15.0 * PASSAGE, pressure)
    return current / (1.0 - engine.measures.contact_counter)


def exponent(b: Body, law: ContactLaw) -> float:
    """Return d ln J_c/d ln P between PRESSURES."""
    low, high = (critical_current(b, law, p) for p in PRESSURES)
    return float(np.log(high / low) / np.log(PRESSURES[1] / PRESSURES[0]))


def diffuse_strip(law: ContactLaw, current: float, charge: float) -> PhaseFieldEngine:
    """Return the phase-field engine after the same; its flaw is a band of broken cells."""
    steps = (ProtocolStep(ConstantCurrent(current), charge),)
    cell = cell_model(FLAW, stack_pressure=1.0, protocol=steps)
    shared = {f.name: getattr(cell, f.name) for f in fields(CellModel)} | {"contact": law}
    model = PhaseFieldModel(**shared, diffuse=DiffuseCrack(3.0, 1.0))
    mesh = Half(FLAW.length, 1.0, 9.0, SLAB.half_width, SLAB.thickness).mesh(MPI.COMM_SELF)
    simulation = Simulation.from_model(model, mesh)
    simulation.run()
    engine = simulation.cell.engine
    assert isinstance(engine, PhaseFieldEngine)
    return engine


@check(
    "contact",
    engine="plane, phase field",
    title="contact of a stripped face: charge to its loss, steady state, critical current against pressure",
    source="docs/theory/model.md, Contact of a face: Q_loss = (F h*/Omega) [1/k + (1-k) ln(1-k)/k^2], "
    "theta_ss = 1 - J/J_c; "
    "cycling and static contact: physics/contact.py",
    quick=True,
)
def contact(level: Level, folder: Path | None) -> list[Row]:
    """J_c is read off the engine; pressure exponents are those put in, n for creep by Norton's law alone.

    `quick` has every law once or twice, the full level at all numbers.
    """
    b = body(SLAB)
    rows = []
    quick = level == "quick"
    ratios = (0.5, 0.8) if quick else (0.2, 0.5, 0.8)
    lost = []
    for k in ratios:
        engine = loss(b, k)
        exact = charge_to_loss(replace(LAW, reference_current=k * CURRENT), CURRENT, 1.0)
        charge = engine.state.charge if engine.outcome == "contact_lost" else float("nan")
        lost.append(charge / PASSAGE)
        rows.append(Row(f"k = {k}: charge to loss of contact", charge, exact, 1.0e-2, "C/m2"))
    law = replace(LAW, reference_current=0.5 * CURRENT)
    charge, exact = abs(strip(b, law, -CURRENT, 2.0 * PASSAGE).state.charge), charge_to_loss(law, CURRENT, 1.0)
    rows.append(Row("k = 0.5, anode face stripped: charge to loss", charge, exact, 1.0e-2, "C/m2"))
    for share in (0.2, 0.8) if quick else (0.2, 0.5, 0.8):
        law = replace(LAW, reference_current=CURRENT / share)
        steady = strip(b, law, CURRENT, 30.0 * PASSAGE).measures.contact_counter
        rows.append(Row(f"J = {share} J_c: steady contact", steady, 1.0 - share, 1.0e-2))
    rows += [*_critical(b, quick), *_pressed(b, quick), *_cycled(b, level), *_diffuse(quick)]
    if folder is not None:
        _draw(folder, ratios, lost)
    return rows


def _critical(b: Body, quick: bool) -> list[Row]:
    rows = []
    law = replace(LAW, reference_current=CURRENT)
    for factor, outcome in ((0.97, "flaw_empty"), (1.03, "contact_lost")):  # empty on purpose: only contact counts
        found = strip(b, law, factor * CURRENT, 30.0 * PASSAGE).outcome
        rows.append(
            Row(
                f"J = {factor} J_c: outcome is not {outcome}",
                float(found != outcome),
                0.0,
                0.0,
                kind="below",
                note=found,
            )
        )
    for mu in () if quick else (0.8, 1.9):
        law = replace(LAW, reference_current=2.0, reference_pressure=3.0, pressure_exponent=mu)
        rows.append(Row(f"critical stripping current: exponent of pressure, mu = {mu}", exponent(b, law), mu, 1.0e-2))
    # Lithium at room temperature (Masias 2019): 4.7 mA/cm2 at 3 MPa for h* = 20 um, and 260 times that at 7 MPa.
    norton = ContactLaw(LAW.void_height, 0.0, norton_prefactor=7.7e-3, norton_exponent=6.56)
    rows.append(Row("Norton creep alone: exponent of pressure", exponent(b, norton), 6.56, 1.0e-2))
    return rows


def _pressed(b: Body, quick: bool) -> list[Row]:
    """Check a face pressed to 0.7 and, kept by its past, to 0.85.

    Contact is lost after theta_s^2 of the charge, and steady at theta_s.
    """
    rows = []
    for retention, static in ((0.5, 0.85),) if quick else ((0.0, 0.7), (0.5, 0.85)):
        law = replace(LAW, full_contact_pressure=1.0 / 0.49, largest_pressure=9.0, retention=retention)
        lost = strip(b, replace(law, reference_current=0.5 * CURRENT), CURRENT, 2.0 * PASSAGE)
        charge = lost.state.charge if lost.outcome == "contact_lost" else float("nan")
        exact = static**2 * charge_to_loss(replace(LAW, reference_current=0.5 * CURRENT), CURRENT, 1.0)
        rows.append(Row(f"static contact {static}, k = 0.5: charge to loss of contact", charge, exact, 1.0e-2, "C/m2"))
        steady = strip(b, replace(law, reference_current=2.0 * CURRENT), CURRENT, 30.0 * PASSAGE)
        found = steady.measures.contact_counter
        rows.append(Row(f"static contact {static}, J = 0.5 J_c: steady contact", found, 0.5 * static, 1.0e-2))
    return rows


def _cycled(b: Body, level: Level) -> list[Row]:
    """Symmetric cycling above J_c: contact on the exact orbit, its mean that of small half-cycles."""
    rows = []
    pressed = replace(LAW, full_contact_pressure=4.0)
    cases = (("", LAW, 2.0), ("static contact 0.5, ", pressed, 5.0))
    for name, law, ratio in cases[:1] if level == "quick" else cases:
        current, static = ratio * law.reference_current, law.static_contact(1.0)
        charge = HALF_CYCLE * (cycled_contact(law, current, 1.0) / static) ** 2
        ends, exact = cycle(b, law, current, level), orbit(1.0 / ratio, charge)
        for when, found, target in zip(("stripping", "plating"), ends, exact, strict=True):
            rows.append(Row(f"{name}cycling at {ratio:g} J_c: contact after {when}", found, static * target, 1.0e-2))
        mean = cycled_contact(law, current, 1.0)
        rows.append(Row(f"{name}cycling at {ratio:g} J_c: mean contact", sum(ends) / 2.0, mean, 1.0e-2))
    return rows


def _diffuse(quick: bool) -> list[Row]:
    """Check the same law in the phase-field engine."""
    law = replace(LAW, reference_current=0.5 * CURRENT)
    lost = diffuse_strip(law, CURRENT, 2.0 * PASSAGE)
    charge = lost.state.charge if lost.outcome == "contact_lost" else float("nan")
    exact = charge_to_loss(law, CURRENT, 1.0)
    rows = [Row("phase field, k = 0.5: charge to loss of contact", charge, exact, 1.0e-2, "C/m2")]
    if not quick:
        steady = diffuse_strip(replace(LAW, reference_current=2.0 * CURRENT), CURRENT, 30.0 * PASSAGE)
        found = steady.measures.contact_counter
        rows.append(Row("phase field, J = 0.5 J_c: steady contact", found, 0.5, 1.0e-2))
    return rows


def _draw(folder: Path, ratios: tuple[float, ...], lost: list[float]) -> None:
    line = np.linspace(0.01, 0.99, 99)
    q = [charge_to_loss(replace(LAW, reference_current=k), 1.0, 1.0) / PASSAGE for k in line]
    labels = ("J_c/J", "charge to loss of contact over F h*/Omega")
    figures.against_exact(folder / "contact.png", {"loss": (line, q)}, {"loss": (np.array(ratios), lost)}, labels)
