"""Griffith growth under volume control: a line crack of fixed volume, and an edge crack that keeps its lithium.

Pressure is equalised by a lithium of very small linear viscosity; the crack, process zone included, is full. What is
left of the cohesive regularisation is of the order of the process zone's length over the crack's.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import Cohesion
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from lifrac.solver.physics.cohesive import strength_for_zone
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.kinetics import PrescribedCurrent
from lifrac.solver.plane.body import PlaneBody
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import LLZO, LLZO_FACE, Floats, History, condensed, follow

A0 = 10.0
"""[um]."""
APERTURE = 1.0e-4
"""[um]: a thousandth of the opening at growth."""
THIN = Creep(prefactor=7.7e-3, exponent=6.56, linear_viscosity=1.0e-8)
"""Pressure drops by about 1e-3 of itself along the crack."""
BODY = 80.0
"""Extent of the body over a0: 27 times the longest line crack, 16 times the longest edge crack."""


@dataclass(frozen=True)
class Setting:
    """A run: process zone and cell at its tip over a0, viscosity of the cohesive zone [MPa s/um], current [A/m2]."""

    zone: float
    cell: float
    end: float
    viscosity: float = 0.0
    current: float = 10.0


def filled_crack(setting: Setting, inner: bool) -> tuple[PlaneBody, CohesiveModel]:
    """Return a crack that keeps what is plated on its faces; `inner`: half of a line crack."""
    span = setting.end + 4.0 * setting.zone
    geometry = SlabEdgeFlaw(
        thickness=BODY * A0,
        half_width=BODY * A0,
        flaw_length=A0,
        crack_size=0.5 * A0,
        far_size=0.1 * BODY * A0,
        growth=0.1,
        refine=((0.0, span * A0, setting.cell * A0),),
    )
    zone = np.array([setting.zone * A0])
    strength = float(strength_for_zone(LLZO.plane_strain_modulus, LLZO.fracture_energy, zone)[0])
    model = CohesiveModel(
        LLZO,
        LLZO_FACE,
        LLZO_FACE,
        THIN,
        Flaw(A0, APERTURE, mouth="closed"),
        cohesion=Cohesion(strength, setting.viscosity),
        control=StepControl(newton_tolerance=1.0e-8),
        protocol=(ProtocolStep(ConstantCurrent(setting.current), duration=1.0e5 / setting.current),),
    )
    return condensed(geometry, LLZO.poisson_ratio, symmetric_anode=inner), model


def grow(setting: Setting, inner: bool) -> History:
    """Run a crack fed by the current on its faces alone, up to `end` a0; `inner`: half of a line crack."""
    body, model = filled_crack(setting, inner)
    return follow(body, model, PrescribedCurrent(setting.current), until_length=setting.end * A0)


def line_crack(run: History) -> tuple[Floats, Floats, Floats]:
    """Volume of both halves [um2], p and a over the solution at that volume, past 1.5 a0."""
    e, gc = LLZO.plane_strain_modulus, LLZO.fracture_energy
    past = run["crack_length"] > 1.5 * A0
    volume = 2.0 * (run["flaw_volume"] - APERTURE * A0)[past]
    pressure = (2.0 * e * gc**2 / (np.pi * volume)) ** (1.0 / 3.0)
    length = (e * volume**2 / (4.0 * np.pi * gc)) ** (1.0 / 3.0)
    return volume, run["max_lithium_pressure"][past] / pressure, run["crack_length"][past] / length


def sensitivity(name: str, base: History, other: History) -> list[Row]:
    """Compare p and a of two runs at equal volumes."""
    v, p, a = line_crack(base)
    w, q, b = line_crack(other)
    inside = (v > w[0]) & (v < w[-1])
    dp = np.interp(v[inside], w, q) / p[inside] - 1.0
    da = np.interp(v[inside], w, b) / a[inside] - 1.0
    return [
        Row(f"{name}: mean change of pressure", float(np.abs(dp.mean())), 0.0, 0.02, kind="below"),
        Row(f"{name}: mean change of length", float(np.abs(da.mean())), 0.0, 0.02, kind="below"),
    ]


@check(
    "growth",
    engine="cohesive",
    title="Fixed-volume growth of a line crack in a large body",
    source="docs/theory/exact_solutions.md, Pressurised cracks",
    quick=False,
)
def growth(level: Level, folder: Path | None) -> list[Row]:
    """Check p = (2 E' Gc^2/(pi V))^(1/3), a = (E' V^2/(4 pi Gc))^(1/3) past the threshold, and what they depend on.

    A node that breaks lets the pressure drop a little, so that values are means over the growth from 1.5 a0.
    """
    base = Setting(zone=0.2, cell=1.0 / 40.0, end=3.0)
    run = grow(base, inner=True)
    v, p, a = line_crack(run)
    slope_p = np.polyfit(np.log(v), np.log(p), 1)[0] - 1.0 / 3.0
    slope_a = np.polyfit(np.log(v), np.log(a), 1)[0] + 2.0 / 3.0
    rows = [
        Row("exponent of p in V", slope_p, -1.0 / 3.0, 0.03),
        Row("exponent of a in V", slope_a, 2.0 / 3.0, 0.03),
        Row("p over Griffith's, mean", float(p.mean()), 1.0, 0.03),
        Row("p over Griffith's, at 3 a0", float(p[-1]), 1.0, 0.03),
        Row("a over Griffith's, mean", float(a.mean()), 1.0, 0.03),
        Row("a over Griffith's, at 3 a0", float(a[-1]), 1.0, 0.03),
    ]
    rows += sensitivity("mesh x2", run, grow(Setting(0.2, 1.0 / 80.0, 2.2), inner=True))
    rows += sensitivity("strength x2", run, grow(Setting(0.05, 1.0 / 100.0, 1.8), inner=True))
    speed = 2.0 * surface_velocity_per_current() * base.current * A0 / (0.1 * A0)
    rows += sensitivity("viscosity", run, grow(Setting(0.2, 1.0 / 40.0, 2.2, 1.0e-3 / speed), inner=True))
    return rows


def edge_times(run: History, current: float, lengths: Floats) -> tuple[Floats, Floats]:
    """Return times [s] at which an edge crack reaches some lengths [um].

    They are those of the run, and the exact t0 + 3C/(2v)(sqrt(a) - sqrt(a0)).
    """
    v = surface_velocity_per_current() * current
    c = 1.1215 * np.sqrt(np.pi) * LLZO.fracture_toughness / LLZO.plane_strain_modulus
    exact = c * np.sqrt(A0) / (2.0 * v) + 1.5 * c / v * (np.sqrt(lengths) - np.sqrt(A0))
    return np.array([run.at("time", "crack_length", x) for x in lengths]), exact


@check(
    "no_extrusion",
    engine="cohesive",
    title="Edge crack that keeps its lithium, uniform face current",
    source="docs/theory/exact_solutions.md, Growth without extrusion",
    quick=False,
)
def no_extrusion(level: Level, folder: Path | None) -> list[Row]:
    """Check da/dt = 2 v sqrt(a)/(1.5 C), C = 1.1215 sqrt(pi) K_Ic/E', up to 5 a0; the current does not change charge.

    Time counts from the empty, unloaded flaw: t0 = V(a0)/(2 a0 v) until it grows.
    """
    run = grow(Setting(0.2, 1.0 / 40.0, 5.0), inner=False)
    lengths = A0 * np.array([2.0, 3.0, 4.0, 4.95])
    times, exact = edge_times(run, 10.0, lengths)
    rows = [
        Row(f"time to reach {x / A0:.3g} a0 over the exact one", t / e, 1.0, 0.03)
        for x, t, e in zip(lengths, times, exact, strict=True)
    ]
    pace = (times[1:] - times[:-1]) / (exact[1:] - exact[:-1])
    rows += [Row(f"time from {x / A0:.3g} a0 to the next", t, 1.0, 0.03) for x, t in zip(lengths, pace, strict=False)]
    charge = []
    for current in (1.0, 10.0, 100.0):
        coarse = grow(Setting(0.4, 1.0 / 15.0, 3.0, current=current), inner=False)
        charge.append(current * coarse.at("time", "crack_length", 2.9 * A0))
    rows += [
        Row(f"charge to 2.9 a0, {j:g} against 1 A/m2", q / charge[0], 1.0, 0.01)
        for j, q in zip((10.0, 100.0), charge[1:], strict=True)
    ]
    return rows
