"""Creep of lithium out of a slot of fixed aperture, fed by plating on both walls."""

from dataclasses import replace
from itertools import pairwise
from math import log
from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.problems.materials.cards import LithiumCard, load_card
from lifrac.solver.front.tip import TIP_OFFSET
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.kinetics import PrescribedCurrent
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import ELECTROLYTE, body, cell_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import plane_engine, simulate

CREEP = Creep(prefactor=7.7e-3, exponent=6.56, fixed_aperture=True)
"""Lithium at room temperature (Masias et al. 2019; docs/theory/model.md, Creep of lithium)."""
CURRENT = 10.0
"""1 mA/cm2 [A/m2]."""
TIP_PRESSURES = {
    (1.0, 10.0): 17.20,
    (0.5, 10.0): 42.49,
    (0.2, 10.0): 140.4,
    (0.1, 10.0): 347.0,
    (1.0, 100.0): 244.3,
    (2.0, 100.0): 98.87,
}
"""docs/theory/model.md, Creep in a slot: (aperture, length) [um] -> tip pressure [MPa]."""
ARRHENIUS = 4.80
"""exp[(37 kJ/mol)/R (1/298.15 K - 1/333.15 K)], to three digits (docs/theory/model.md, Creep of lithium)."""
CELLS = {"quick": 25, "full": 50}


def exact_pressure(y: np.ndarray, aperture: float, length: float, creep: Creep, current: float) -> np.ndarray:
    """p(y) = n/(n+1) C [a^((n+1)/n) - (a-y)^((n+1)/n)], C = [(n+2) v/(B (w/2)^(n+2))]^(1/n) [MPa]."""
    n = creep.exponent
    b = 3.0 ** ((n + 1.0) / 2.0) * creep.prefactor
    v = surface_velocity_per_current() * current
    c = ((n + 2.0) * v / (b * (0.5 * aperture) ** (n + 2.0))) ** (1.0 / n)
    m = (n + 1.0) / n
    return np.asarray(c / m * (length**m - (length - y) ** m))


def steady_pressure(
    aperture: float, length: float, cells: int, creep: Creep = CREEP, current: float = CURRENT
) -> tuple[np.ndarray, np.ndarray]:
    """Distance from the mouth [um] and lithium pressure [MPa] in the slot once outflow equals plating, node by node."""
    geometry = SlabEdgeFlaw(
        thickness=4.0 * length,
        half_width=4.0 * length,
        flaw_length=length * (1.0 + TIP_OFFSET / cells),  # the tip of the discrete crack is at its length
        crack_size=length / cells,
        far_size=length,
        growth=0.3,
    )
    # The slot must not break: a toughness that stands twice the tip pressure.
    tip = float(exact_pressure(np.array(length), aperture, length, creep, current))
    toughness = 2.0 * tip * 1.1215 * np.sqrt(np.pi * length)
    gc = toughness**2 / ELECTROLYTE.plane_strain_modulus
    # Ten times as long as plating needs to fill what the slot opens under that pressure.
    opened = 4.0 * tip * length**2 / ELECTROLYTE.plane_strain_modulus
    duration = 10.0 * opened / (surface_velocity_per_current() * current * length)
    model = cell_model(
        Flaw(length, aperture),
        electrolyte=replace(ELECTROLYTE, fracture_energy=gc),
        creep=creep,
        protocol=(ProtocolStep(ConstantCurrent(current), duration=duration),),
    )
    b = body(geometry)
    crack = plane_engine(simulate(b.plane, model, PrescribedCurrent(current))).state.crack
    inside = np.flatnonzero(b.y <= length)
    order = inside[np.argsort(b.y[inside])]
    return b.y[order], crack.pressure[: len(order)]


def tip_pressure(aperture: float, length: float, cells: int, creep: Creep = CREEP, current: float = CURRENT) -> float:
    """Pressure at the end of the slot [MPa]."""
    return at_tip(*steady_pressure(aperture, length, cells, creep, current), length, creep.exponent)


def at_tip(y: np.ndarray, p: np.ndarray, length: float, exponent: float) -> float:
    """Return the pressure at the end of a slot from its last node, where p = p_tip [1 - (1 - y/a)^((n+1)/n)]."""
    return float(p[-1] / (1.0 - (1.0 - y[-1] / length) ** ((exponent + 1.0) / exponent)))


def arrhenius_row(tip_25: float, exponent: float, cells: int) -> Row:
    """A(60 degC)/A(25 degC) = 4.80 (37 kJ/mol) of the lithium card, seen in p_tip ~ A^(-1/n)."""
    card = load_card("lithium")
    assert isinstance(card, LithiumCard)
    at_60 = card.evaluate(333.15)
    warm = replace(CREEP, prefactor=at_60.prefactor, exponent=at_60.exponent)
    factor = (tip_25 / tip_pressure(1.0, 10.0, cells, warm)) ** exponent
    return Row("creep rate at 60 degC over that at 25 degC", factor, ARRHENIUS, 0.01)


@check(
    "slot_creep",
    engine="plane",
    title="Slot of fixed aperture with plating on both walls, 1 mA/cm2",
    source="docs/theory/model.md, Creep in a slot; Barroso-Luque, Tu & Ceder 2020",
    quick=True,
)
def slot_creep(level: Level, folder: Path | None) -> list[Row]:
    """Tip pressures of the table; exponents in current and width; Arrhenius factor."""
    cells = CELLS[level]
    rows, profiles = [], {}
    slots = list(TIP_PRESSURES)[: 3 if level == "quick" else None]
    for aperture, length in slots:
        y, p = steady_pressure(aperture, length, cells)
        profiles[aperture, length] = y, p
        quantity = f"tip pressure, slot {aperture:g} um x {length:g} um"
        tip = at_tip(y, p, length, CREEP.exponent)
        rows.append(Row(quantity, tip, TIP_PRESSURES[aperture, length], 0.01, "MPa"))
    tips = {w: at_tip(*profiles[w, 10.0], 10.0, CREEP.exponent) for w in (1.0, 0.5, 0.2)}
    rows += scaling_rows(tips, cells)
    if folder is not None:
        _draw(folder, profiles)
    return rows


def scaling_rows(tips: dict[float, float], cells: int) -> list[Row]:
    """Exponents of j = const w^m A at equal tip pressure; `tips`: aperture -> tip pressure at CURRENT."""
    n = CREEP.exponent
    faster = tip_pressure(1.0, 10.0, cells, current=10.0 * CURRENT)
    in_current = log(10.0) / log(faster / tips[1.0])
    rows = [Row("exponent of current in tip pressure: n", in_current, n, 0.01)]
    for wide, narrow in pairwise(tips):
        m = in_current * log(tips[narrow] / tips[wide]) / log(wide / narrow)
        rows.append(Row(f"exponent of width, {narrow:g} to {wide:g} um: n + 2", m, n + 2.0, 0.01))
    return [*rows, arrhenius_row(tips[1.0], in_current, cells)]


def _draw(folder: Path, profiles: dict[tuple[float, float], tuple[np.ndarray, np.ndarray]]) -> None:
    """Pressure along the slots."""
    exact, computed = {}, {}
    for (w, a), (y, p) in profiles.items():
        name = f"{w:g} um x {a:g} um"
        line = np.linspace(0.0, a, 100)
        exact[name] = (line / a, exact_pressure(line, w, a, CREEP, CURRENT))
        every = slice(None, None, 5)
        computed[name] = ((y / a)[every], p[every])
    figures.against_exact(
        folder / "slot_creep.png", exact, computed, ("distance from the mouth / a", "lithium pressure [MPa]")
    )
