"""The tip of a crack that grows with lithium up to it, and the first growth of a flaw."""

from collections import deque
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.simulation import Simulation
from lifrac.solver.front.tip import TIP_OFFSET
from lifrac.solver.model.cell_model import PlaneModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.kinetics import PrescribedCurrent
from lifrac.solver.sharp_front.state import FrontState
from lifrac.verification.support import figures
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import (
    LLZO,
    LLZO_FACE,
    Floats,
    condensed,
    edge_flaw,
    follow,
    llzo_cell,
    plane_engine,
)
from scipy.integrate import quad

FLUIDS = {3.0: 6.0e5, 4.0: 1.4e7}
"""Prefactors [1/s/MPa^n] by exponents, so fast that the pressure drops by little on the way to the tip: the crack then
opens as under a uniform pressure, and none of it is dry."""
CURRENT = 10.0
"""Of the faces of the crack [A/m2]."""
FLAW = 20.0
"""Length of the flaw [um]."""
RUNS = {"quick": ((3.0, 0.016),), "full": ((3.0, 0.016), (3.0, 0.008), (4.0, 0.016))}
"""Exponents, and elements at the end of the flaw and on the way of the tip [um]."""
WAY, BEHIND = 60, 20
"""Elements that the tip passes, and that lie behind the end of the flaw."""
SEEN = 30
"""Advances, the last ones, over which velocity and pressures are means: one by one they have the noise of the mesh."""
MOST = 40
"""Nodes behind the tip that are looked at."""
NEAR, FAR = 4, 20
"""Elements from the tip between which the pressure is compared: beyond the first, and near enough to the tip."""
GROWN_CURRENT, GROWN_CHARGE, LOOKED_AT = 100.0, 576.0, 428.4
"""`first_growth`: 10 mA/cm2 [A/m2] up to 0.016 mAh/cm2, looked at after 0.0119 mAh/cm2 [C/m2]."""


@dataclass(frozen=True)
class NearTip:
    """The pressure near a tip that moves with its lithium (docs/theory/exact_solutions.md)."""

    creep: Creep
    opening: float
    """k of w = k sqrt(s) [um^0.5]."""
    velocity: float
    """Of the tip [um/s]."""
    plating: float
    """Velocity of a plated face [um/s]."""

    @cached_property
    def exponent(self) -> float:
        """Theta of the drop of pressure, p - p_tip ~ s^theta."""
        return (self.creep.exponent - 1.0) / (2.0 * self.creep.exponent)

    def slope(self, s: float) -> float:
        """dp/ds [MPa/um] at s [um] from the tip, to the first order in what is plated between it and the tip."""
        n, w = self.creep.exponent, self.opening * s**0.5
        b = 3.0 ** ((n + 1.0) / 2.0) * self.creep.prefactor
        flux = self.velocity * w - 2.0 * self.plating * s
        return float(((n + 2.0) * flux / (2.0 * b * (0.5 * w) ** (n + 2.0))) ** (1.0 / n))

    def drops(self, s: Floats) -> Floats:
        """Differences of pressure [MPa] between places (k,) [um] from the tip, ascending (k - 1,)."""
        return np.array([quad(self.slope, a, b)[0] for a, b in pairwise(s)])


def grown(creep: Creep, size: float) -> tuple[Floats, Floats, NearTip]:
    """Let a crack that keeps its lithium grow by `WAY` elements of a size [um].

    Returns
    -------
    s, pressure : ndarray
        Nodes by their distance from the tip [um], and their pressure [MPa].
    exact : NearTip
    """
    geometry = SlabEdgeFlaw(
        thickness=8.0 * FLAW,
        half_width=8.0 * FLAW,
        flaw_length=FLAW + TIP_OFFSET * size,
        crack_size=0.8,
        far_size=0.8 * FLAW,
        growth=0.1,
        refine=((FLAW - BEHIND * size, FLAW + (WAY + BEHIND) * size, size),),
    )
    model = PlaneModel(
        LLZO,
        LLZO_FACE,
        LLZO_FACE,
        creep,
        Flaw(FLAW, 1.0e-4, mouth="closed"),
        control=StepControl(newton_tolerance=1.0e-8),
        protocol=(ProtocolStep(ConstantCurrent(CURRENT), duration=1.0e4),),
    )
    body = condensed(geometry, LLZO.poisson_ratio)
    simulation = Simulation.from_model(model, body, crack_kinetics=PrescribedCurrent(CURRENT))
    elasticity = plane_engine(simulation).problem.elasticity
    seen: deque[FrontState] = deque(maxlen=SEEN + 1)
    for step in simulation.steps():
        state = step.report.state
        assert isinstance(state, FrontState)
        seen.append(state)
        if step.report.measures.crack_length > FLAW + WAY * size:
            break
    tips = [elasticity.tip(state.crack.front) for state in seen]
    opening = 8.0 * seen[-1].crack.intensity / (np.sqrt(2.0 * np.pi) * elasticity.plane_modulus)
    velocity = (tips[-1] - tips[0]) / (seen[-1].time - seen[0].time)
    exact = NearTip(creep, opening, velocity, surface_velocity_per_current() * CURRENT)
    behind = [state.crack.pressure[: state.crack.front][::-1] for state in list(seen)[1:]]
    n = seen[-1].crack.front
    return (tips[-1] - elasticity.y[:n])[::-1], np.mean([p[:MOST] for p in behind], axis=0), exact


@check(
    "near_tip",
    engine="plane",
    title="The tip of a crack that grows, with power-law lithium up to it",
    source="docs/theory/exact_solutions.md, Lithium at a tip that moves",
    quick=True,
)
def near_tip(level: Level, folder: Path | None) -> list[Row]:
    """Check the pressure behind a tip that moves: how it goes with the distance from the tip, and by how much."""
    return [row for n, size in RUNS[level] for row in _rows(Creep(FLUIDS[n], n), size, folder)]


def _rows(creep: Creep, size: float, folder: Path | None) -> list[Row]:
    s, pressure, exact = grown(creep, size)
    places = slice(NEAR, FAR + 1)
    apart = np.log(np.sqrt(s[places][1:] * s[places][:-1]))
    found, drops = np.diff(pressure[places]), exact.drops(s[places])

    def exponent(fall: Floats) -> float:
        return float(np.polyfit(apart, np.log(fall / np.diff(s[places])), 1)[0])

    found_exponent = exponent(found) - exponent(drops) + exact.exponent - 1.0
    last = float((pressure[1] - pressure[0]) / exact.drops(s[:2])[0])
    what = f"n = {creep.exponent:g}, elements of {size:g} um"
    if folder is not None:
        _figure(folder / f"near_tip_{creep.exponent:g}.png", s, pressure, exact)
    theta, part = exact.exponent, float(found.sum() / drops.sum())
    return [
        Row(f"{what}: exponent of dp/ds, less what plating near the tip adds", found_exponent, theta - 1.0, 0.01),
        Row(f"{what}: drop of pressure, {FAR} to {NEAR} elements from the tip, over the exact one", part, 1.0, 0.01),
        Row(f"{what}: drop of pressure between the last two nodes over the exact one", last, 1.0, 0.01),
    ]


def _figure(path: Path, s: Floats, pressure: Floats, exact: NearTip) -> None:
    at = np.geomspace(s[0], s[MOST], 60)
    behind = np.concatenate([[0.0], np.cumsum(exact.drops(at))])
    shift = pressure[NEAR] - float(np.interp(s[NEAR], at, behind))
    name = f"n = {exact.creep.exponent:g}"
    figures.against_exact(
        path,
        {name: (at, behind + shift)},
        {name: (s[:MOST], pressure)},
        ("distance from the tip [um]", "pressure of the lithium [MPa]"),
    )


@check(
    "first_growth",
    engine="plane",
    title="First growth of a flaw full of lithium, 200 MPa across it: what the mesh leaves open",
    source="finer meshes; the work of fracture (docs/theory/front.md, In time)",
    quick=True,
)
def first_growth(level: Level, folder: Path | None) -> list[Row]:
    """Check how far a crack has grown at one charge, by less than a tenth of its flaw, with equally long elements."""
    meshes = (25, 50, 100) if level == "quick" else (25, 50, 100, 200)
    loads = Loads(1.0, "free", -200.0)
    grown_by, errors = [], []
    for cells in meshes:
        body = condensed(edge_flaw(60.0, float(cells)), LLZO.poisson_ratio, loads)
        run = follow(body, replace(llzo_cell(StepControl(), GROWN_CURRENT, GROWN_CHARGE), loads=loads))
        grown_by.append(run.at("crack_length", "time", LOOKED_AT / GROWN_CURRENT) - run["crack_length"][0])
        errors.append(run["energy_balance_error"])
    rows = []
    for cells, tip, tolerance in zip(meshes[:-1], grown_by, (0.02, 0.01, 0.005), strict=False):
        what = f"growth with {cells} elements in the flaw less that with {meshes[-1]}, over the flaw's length"
        note = f"{tip:.3f} and {grown_by[-1]:.3f} um"
        rows.append(Row(what, (tip - grown_by[-1]) / FLAW, 0.0, tolerance, kind="absolute", note=note))
    falls = np.diff(grown_by)
    for k, cells in enumerate(meshes[1:-1]):
        what = f"how growth changes from {cells} elements to twice as many, over the change before"
        rows.append(Row(what, float(falls[k + 1] / falls[k]), 0.0, 0.75, kind="below"))
    for cells, error, tolerance in zip(meshes, errors, (0.01, 0.005, 0.002, 0.001), strict=False):
        # The last advance of the run is cut short by its end.
        worst = float(error[:-1].max())
        rows.append(Row(f"energy balance, worst step, {cells} elements", worst, 0.0, tolerance, kind="below"))
    return rows
