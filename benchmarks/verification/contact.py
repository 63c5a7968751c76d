"""Contact of the electrode faces through the engine: loss by stripping, steady state, critical current."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from lifrac.meshes.geometry import SlabEdgeFlaw
from lifrac.solver.constants import surface_velocity_per_current
from lifrac.solver.parameters import ContactLaw, Flaw, ProtocolStep
from lifrac.solver.physics.contact import charge_to_loss
from lifrac.solver.plane.engine import PlaneEngine
from lifrac.solver.plane.problem import SurfaceProblem

from . import figures
from .bodies import Body, body, cell_model
from .book import Level, Row, check

SLAB = SlabEdgeFlaw(
    thickness=200.0, half_width=50.0, flaw_length=5.0, crack_size=2.5, far_size=50.0, growth=0.3
)
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


def _engine(b: Body, law: ContactLaw, current: float, charge: float, pressure: float = 1.0) -> PlaneEngine:
    model = cell_model(FLAW, stack_pressure=pressure, protocol=(
        ProtocolStep("constant_current", current, charge),))  # fmt: skip
    return PlaneEngine(SurfaceProblem(b.surface, b.response, replace(model, contact=law)))


def strip(b: Body, law: ContactLaw, current: float, charge: float, pressure: float = 1.0) -> PlaneEngine:
    """The engine after stripping at a current [A/m2] up to a charge [C/m2] or to loss of contact."""
    engine = _engine(b, law, current, charge, pressure)
    for _ in engine.run():
        pass
    return engine


def loss(b: Body, ratio: float) -> PlaneEngine:
    """Stripped at k = J_c/J to loss of contact."""
    return strip(b, replace(LAW, reference_current=ratio * CURRENT), CURRENT, 2.0 * PASSAGE)


def critical_current(b: Body, law: ContactLaw, pressure: float) -> float:
    """J_c from the steady contact at half of what the law states, J/(1 - theta_ss) [A/m2]."""
    current = 0.5 * law.critical_current(pressure)
    engine = strip(b, law, current, 15.0 * PASSAGE, pressure)
    return current / (1.0 - engine.measures.contact_counter)


def exponent(b: Body, law: ContactLaw) -> float:
    """d ln J_c/d ln P between PRESSURES."""
    low, high = (critical_current(b, law, p) for p in PRESSURES)
    return float(np.log(high / low) / np.log(PRESSURES[1] / PRESSURES[0]))


@check(
    "contact",
    title="contact of a stripped face: charge to its loss, steady state, critical current against pressure",
    source="docs/physics.md 2.3 (vi): Q_loss = (F h*/Omega) [1/k + (1-k) ln(1-k)/k^2], theta_ss = 1 - J/J_c",
    quick=True,
)
def contact(level: Level, folder: Path | None) -> list[Row]:
    """J_c is read off the engine; pressure exponents are those put in, n for creep by Norton's law alone."""
    b = body(SLAB)
    rows = []
    ratios = (0.2, 0.5, 0.8)
    lost = []
    for k in ratios:
        engine = loss(b, k)
        exact = charge_to_loss(replace(LAW, reference_current=k * CURRENT), CURRENT, 1.0)
        charge = engine.state.charge if engine.outcome == "contact_lost" else float("nan")
        lost.append(charge / PASSAGE)
        rows.append(Row(f"k = {k}: charge to loss of contact", charge, exact, 1.0e-2, "C/m2"))
    charge = abs(strip(b, replace(LAW, reference_current=5.0), -CURRENT, 2.0 * PASSAGE).state.charge)
    rows.append(Row("k = 0.5, anode face stripped: charge to loss", charge, rows[1].target, 1.0e-2, "C/m2"))
    for share in (0.2, 0.5, 0.8):
        law = replace(LAW, reference_current=CURRENT / share)
        steady = strip(b, law, CURRENT, 30.0 * PASSAGE).measures.contact_counter
        rows.append(Row(f"J = {share} J_c: steady contact", steady, 1.0 - share, 1.0e-2))
    rows += _critical(b)
    if folder is not None:
        _draw(folder, ratios, lost)
    return rows


def _critical(b: Body) -> list[Row]:
    rows = []
    law = replace(LAW, reference_current=CURRENT)
    for factor, outcome in ((0.97, "completed"), (1.03, "contact_lost")):
        found = strip(b, law, factor * CURRENT, 30.0 * PASSAGE).outcome
        rows.append(Row(f"J = {factor} J_c: outcome is not {outcome}", float(found != outcome), 0.0, 0.0,
                        kind="below", note=found))  # fmt: skip
    for mu in (0.8, 1.9):
        law = replace(LAW, reference_current=2.0, reference_pressure=3.0, pressure_exponent=mu)
        rows.append(Row(f"critical stripping current: exponent of pressure, mu = {mu}", exponent(b, law), mu, 1.0e-2))
    # Lithium at room temperature (Masias 2019): 4.7 mA/cm2 at 3 MPa for h* = 20 um, and 260 times that at 7 MPa.
    norton = ContactLaw(LAW.void_height, 0.0, norton_prefactor=7.7e-3, norton_exponent=6.56)
    rows.append(Row("Norton creep alone: exponent of pressure", exponent(b, norton), 6.56, 1.0e-2))
    return rows


def _draw(folder: Path, ratios: tuple[float, ...], lost: list[float]) -> None:
    line = np.linspace(0.01, 0.99, 99)
    q = [charge_to_loss(replace(LAW, reference_current=k), 1.0, 1.0) / PASSAGE for k in line]
    labels = ("J_c/J", "charge to loss of contact over F h*/Omega")
    figures.against_exact(
        folder / "contact.png", {"loss": (line, q)}, {"loss": (np.array(ratios), lost)}, labels
    )
