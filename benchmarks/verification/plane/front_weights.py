"""Stress intensity, opening and volume of a crack with a sharp front, for any tip and any load."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.solver.front.compliance import CrackCompliance
from lifrac.solver.front.loads import PlaneStress
from lifrac.solver.front.weights import WeightFunction
from lifrac.solver.model.loads import Loads
from lifrac.solver.plane.body import PlaneBody, condense
from lifrac.solver.plane.bulk import Floats
from lifrac.verification.support import edge_crack, figures
from lifrac.verification.support.bodies import POISSON_RATIO
from lifrac.verification.support.book import Level, Row, check
from mpi4py import MPI

CRACK = 10.0
"""Crack length [um]; the figures are per crack length."""
RATIOS = (0.25, 0.5, 0.75, 0.9, 1.0)
"""Parts of the crack that are full of lithium, b/a."""
TOLERANCE = 3.0e-3
COARSE = 6.0e-3
"""Tolerance with half as many cells as the rest has."""
STRIP = 100.0
"""Thickness of finite bodies [um]."""
FINITE = (0.1, 0.2, 0.4, 0.6, 0.8)
"""a/L in finite bodies."""
TADA = 1.0e-2
"""Tolerance against Tada's double-edge-cracked strip: his fit is good to half a percent."""
Factor = Callable[[float, float], float]
"""K per pressure on 0 < y < b of a crack of length a, from a and b [um^0.5]."""


@cache
def large_body(cells: int, tip_cells: int, symmetric: bool) -> PlaneBody:
    """Return a body of 40 crack lengths; `tip_cells` are the cells over the crack next to its tip."""
    h = CRACK / cells
    near = (0.95 * CRACK, 1.05 * CRACK, CRACK / tip_cells)
    return _condensed(
        SlabEdgeFlaw(
            thickness=40.0 * CRACK,
            half_width=40.0 * CRACK,
            flaw_length=CRACK,
            crack_size=h,
            far_size=4.0 * CRACK,
            growth=0.05,
            refine=((0.0, 1.5 * CRACK, h), near),
            path_growth=0.1,
        ),
        symmetric,
    )


@cache
def strip(cells: int, symmetric: bool) -> PlaneBody:
    """Return a body of thickness STRIP, with cells of STRIP/5/cells all the way, and free sides far away."""
    h = 0.2 * STRIP / cells
    return _condensed(
        SlabEdgeFlaw(
            thickness=STRIP,
            half_width=4.0 * STRIP,
            flaw_length=0.2 * STRIP,
            crack_size=h,
            far_size=0.1 * STRIP,
            growth=0.05,
            refine=((0.0, STRIP, h),),
        ),
        symmetric,
    )


@cache
def array_body() -> PlaneBody:
    """Return one of an array of cracks 40 um apart, between sides on rollers."""
    geometry = SlabEdgeFlaw(
        thickness=400.0,
        half_width=20.0,
        flaw_length=60.0,
        crack_size=0.8,
        far_size=3.0,
        growth=0.05,
        refine=((0.0, 120.0, 0.8),),
    )
    return _condensed(geometry, False, Loads(lateral="die"))


def _condensed(geometry: SlabEdgeFlaw, symmetric: bool, loads: Loads | None = None) -> PlaneBody:
    return condense(build(geometry, MPI.COMM_SELF), POISSON_RATIO, loads, symmetric_anode=symmetric)


def edge(a: float, b: float) -> float:
    """Edge crack of a half plane."""
    return float(np.sqrt(np.pi * a) * edge_crack.partial_factor(b / a))


def line(a: float, b: float) -> float:
    """Inner crack of a plane, p on |y| < b."""
    return float(np.sqrt(np.pi * a) * 2.0 / np.pi * np.arcsin(b / a))


def collinear(a: float, b: float) -> float:
    """One of a row of inner cracks 2 STRIP apart."""
    angle = 0.5 * np.pi / STRIP
    share = 2.0 / np.pi * np.arcsin(np.sin(angle * b) / np.sin(angle * a))
    return float(np.sqrt(2.0 * STRIP * np.tan(angle * a)) * share)


def double_edge(a: float) -> float:
    """Two edge cracks of a strip of thickness 2 STRIP under uniform pressure (Tada's fit)."""
    angle = 0.5 * np.pi * a / STRIP
    return float((1.0 + 0.122 * np.cos(angle) ** 4) * np.sqrt(2.0 * STRIP * np.tan(angle)))


def errors(body: PlaneBody, exact: Factor, tips: Floats, ratios: Sequence[float] = RATIOS) -> Floats:
    """Return relative errors of K (tips, ratios)."""
    at = WeightFunction(CrackCompliance.of_body(body)).at
    full = np.ones(2)
    found = [[at(a).intensity(np.array([0.0, r * a]), full) / exact(a, r * a) for r in ratios] for a in tips.tolist()]
    return np.array(found) - 1.0


def volume_errors(body: PlaneBody, symmetric: bool) -> tuple[float, float]:
    """Return relative errors of mouth opening and volume of the crack of length CRACK, full at unit p/E'."""
    mouth, volume = (4.0, np.pi) if symmetric else (float(edge_crack.opening(0.0)), edge_crack.volume())
    crack = CrackCompliance.of_body(body)
    opened = crack.at(CRACK)
    force = crack.area[: opened.size].copy()
    force[-1] = 0.5 * crack.cells[opened.size - 2]
    w = opened.compliance @ force
    return float(w[0] / (mouth * CRACK) - 1.0), float(force @ w / (volume * CRACK**2) - 1.0)


def large_rows(level: Level) -> list[Row]:
    """Check 25 tips, most of them between nodes, with five loads each."""
    tips = np.linspace(0.7 * CRACK, 1.3 * CRACK, 25)
    rows = []
    meshes = [(50, 50)] if level == "quick" else [(25, 25), (50, 50), (100, 100), (25, 200)]
    for name, exact, symmetric in (("edge crack", edge, False), ("inner crack", line, True)):
        for cells, tip_cells in meshes:
            worst = float(np.abs(errors(large_body(cells, tip_cells, symmetric), exact, tips)).max())
            graded = "" if cells == tip_cells else f", {tip_cells} at the tip"
            what = f"{name}, {cells} cells{graded}: error of K, worst of 25 tips and 5 loads"
            rows.append(Row(what, worst, 0.0, COARSE if tip_cells == 25 else TOLERANCE, kind="below"))
        found = volume_errors(large_body(50, 50, symmetric), symmetric)
        for what, error in zip(("mouth opening", "volume"), found, strict=True):
            rows.append(Row(f"{name}, 50 cells: {what} over the exact one", 1.0 + error, 1.0, TOLERANCE))
    return rows


def finite_rows(level: Level) -> list[Row]:
    """Check finite bodies: a row of inner cracks, and a strip with two edge cracks."""
    cells = 25 if level == "quick" else 50
    rows = []
    for ratio in FINITE:
        tips = ratio * STRIP + 0.2 * STRIP / cells * np.array([-1.3, -0.4, 0.0, 0.7, 1.6])
        loads = RATIOS if ratio > 0.1 else RATIOS[2:]  # a load must span some cells
        worst = float(np.abs(errors(strip(cells, True), collinear, tips, loads)).max())
        what = f"row of inner cracks, a/L = {ratio:g}: error of K, worst of 5 tips and all loads"
        rows.append(Row(what, worst, 0.0, TOLERANCE, kind="below"))
    weights = WeightFunction(CrackCompliance.of_body(strip(cells, False)))
    for ratio in FINITE:
        scale = np.sqrt(np.pi * ratio * STRIP)
        found, target = weights.at(ratio * STRIP).uniform / scale, double_edge(ratio * STRIP) / scale
        rows.append(Row(f"strip with two edge cracks, a/L = {ratio:g}: K/(p sqrt(pi a))", found, target, TADA))
    return rows


def array_rows() -> list[Row]:
    """Check long cracks of an array, K = p sqrt(W), and the stress that held sides put on their plane."""
    body = array_body()
    weights = WeightFunction(CrackCompliance.of_body(body)).at(80.0)
    stress = PlaneStress.of_body(body).by_stack[: len(weights.points)]
    held = float(weights.coefficients @ stress) / weights.uniform
    exact = -POISSON_RATIO / (1.0 - POISSON_RATIO)
    return [
        Row("array of long cracks between rollers: K/(p sqrt(W))", weights.uniform / np.sqrt(20.0), 1.0, TOLERANCE),
        Row("the same: K of the stack pressure through held sides over that of p", held, exact, 1e-6),
    ]


@check(
    "front_weights",
    engine="statics",
    title="Stress intensity and opening of cracks with a sharp front, any tip and load",
    source="docs/theory/exact_solutions.md, Pressurised cracks; docs/theory/front.md",
    quick=True,
)
def front_weights(level: Level, folder: Path | None) -> list[Row]:
    """Check K of edge and inner cracks full or rear-filled, opening, volume, and finite bodies."""
    if folder is not None:
        _draw(folder)
    return [*large_rows(level), *finite_rows(level), *array_rows()]


def _draw(folder: Path) -> None:
    """Errors of the edge crack against element size."""
    sizes = (12, 25, 50, 100)
    tips = np.linspace(0.7 * CRACK, 1.3 * CRACK, 25)
    found: dict[str, list[float]] = {"K, worst of 25 tips and 5 loads": [], "mouth opening": [], "volume": []}
    for cells in sizes:
        body = large_body(cells, cells, False)
        values = (np.abs(errors(body, edge, tips)).max(), *volume_errors(body, False))
        for series, error in zip(found.values(), values, strict=True):
            series.append(abs(float(error)))
    figures.convergence(folder / "front_weights.png", [1.0 / c for c in sizes], found)
