"""Current that conductors with perfect kinetics draw: a crack normal to the anode, an elliptical filament."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lifrac.meshes.geometries import gmsh_model
from lifrac.meshes.serial_mesh import CELL_GROUP, FACET_GROUPS, to_raw
from lifrac.meshes.tagged import distribute
from lifrac.solver.model.loads import Loads
from lifrac.solver.plane.bulk import Bulk, Floats
from lifrac.solver.plane.surface import ANODE, COUNTER, SurfaceMesh, gather_surface
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import POISSON_RATIO, body, large_body
from lifrac.verification.support.book import Level, Row, check
from mpi4py import MPI
from numpy.typing import NDArray

CRACK_LENGTH = 10.0
"""a [um]."""
SIZE = 40.0
"""Body over crack length: the crack disturbs the far field by about (a/W)^2."""
CELLS = {"quick": 40.0, "full": 120.0}
FIT = (0.03, 0.3)
"""Distances from the tip, of a, over which the exponent is fitted: at least 10 elements away from it."""
RATIOS = (1.0, 2.0, 5.0, 10.0)
"""Semi-axes a/b of the ellipse, a along the field."""
TIP_CELLS = {"quick": 12.0, "full": 24.0}
"""Elements per radius of curvature at the tip of the ellipse, b^2/a."""


@dataclass(frozen=True)
class Drawn:
    """Potential and current into each node of an equipotential face, for kappa = 1 and unit mean density."""

    potential: Floats
    current: Floats


def primary_currents(surface: SurfaceMesh, conduction: Floats, held: NDArray[np.bool_]) -> Drawn:
    """Solve S phi = f: phi = 0 on `held` nodes, unit density at the counter electrode, none elsewhere."""
    feed = surface.lumped_area(COUNTER)
    free = ~held
    phi = np.zeros(surface.size)
    phi[free] = np.linalg.solve(conduction[np.ix_(free, free)], feed[free])
    return Drawn(phi, np.where(held, -(conduction @ phi), 0.0))


@dataclass(frozen=True)
class CrackCurrents:
    """Primary current distribution at a conducting crack, lengths in crack lengths."""

    y: Floats
    """Nodes of the crack without mouth and tip."""
    density: Floats
    ahead: Floats
    """Nodes ahead of the tip: distance from it."""
    potential: Floats
    """There, over kappa = 1 and a."""
    total: float
    """Current into both faces, over a."""


def crack_currents(cells: float) -> CrackCurrents:
    """Return a crack and an anode face at zero potential in a large body."""
    b = body(large_body(CRACK_LENGTH, cells, SIZE))
    s = b.surface
    on_crack = s.crack[b.y <= CRACK_LENGTH * (1 + 1e-9)]
    held = np.zeros(s.size, dtype=bool)
    held[on_crack] = held[s.anode] = True
    drawn = primary_currents(s, b.response.conduction, held)
    inner = np.setdiff1d(on_crack, s.mouth)
    length = np.zeros(s.size)
    length[s.crack] = b.lumped_length(CRACK_LENGTH)
    y = s.x[:, 1] / CRACK_LENGTH
    faces = inner[y[inner] < 1 - 1e-9]
    ahead = s.crack[b.y > CRACK_LENGTH * (1 + 1e-9)]
    return CrackCurrents(
        y[faces],
        drawn.current[faces] / length[faces],
        y[ahead] - 1.0,
        drawn.potential[ahead] / CRACK_LENGTH,
        2.0 * float(drawn.current[inner].sum()) / CRACK_LENGTH,
    )


def crack_rows(c: CrackCurrents) -> list[Row]:
    """Total 2 a j, face density j y/sqrt(a^2 - y^2), potential ahead (j/kappa) sqrt((a + r)^2 - a^2)."""
    fitted = (1.0 - c.y > FIT[0]) & (1.0 - c.y < FIT[1])
    # The regular factor y/sqrt(a + y) is taken out, so that a power law is left.
    power = c.density * np.sqrt(1.0 + c.y) / c.y
    exponent = float(np.polyfit(np.log(1.0 - c.y[fitted]), np.log(power[fitted]), 1)[0])
    near = (c.ahead > FIT[0]) & (c.ahead < FIT[1])
    rising = c.potential / np.sqrt(c.ahead + 2.0)
    in_front = float(np.polyfit(np.log(c.ahead[near]), np.log(rising[near]), 1)[0]) - 1.0
    middle = (c.y > 0.1) & (c.y < 0.9)
    worst = float(np.abs(c.density / (c.y / np.sqrt(1.0 - c.y**2)) - 1.0)[middle].max())
    return [
        Row("crack: total current over a j, both faces", c.total, 2.0, 0.01),
        Row("crack: exponent of face current near the tip", exponent, -0.5, 0.02, kind="absolute"),
        Row("crack: exponent of current ahead of the tip", in_front, -0.5, 0.02, kind="absolute"),
        Row("crack: largest relative error of face current, 0.1 < y/a < 0.9", worst, 0.0, 0.02, kind="below"),
    ]


def draw_ellipse(model: Any, ratio: float, tip_cells: float) -> None:
    """Quarter body x, y >= 0 outside an ellipse of semi-axes 1/ratio (x) and 1 (y), with named groups.

    The ellipse and the plane y = 0, where the potential is zero by symmetry, form the group `anode`.
    """
    occ = model.occ
    box = occ.addRectangle(0, 0, 0, SIZE, SIZE)
    # addDisk wants the longer radius first: drawn along x and turned where the field runs along y.
    disk = occ.addDisk(0, 0, 0, 1.0, 1.0 / ratio)
    occ.rotate([(2, disk)], 0, 0, 0, 0, 0, 1, 0.5 * np.pi)
    occ.cut([(2, box)], [(2, disk)])
    occ.synchronize()
    groups: dict[str, list[int]] = {"anode": [], "counter": [], "crack_plane": [], "lateral": []}
    for _, tag in model.getEntities(1):
        x0, y0, _, x1, y1, _ = model.getBoundingBox(1, tag)
        flat_x, flat_y = x1 - x0 < 1e-5, y1 - y0 < 1e-5
        if flat_x:
            groups["crack_plane" if x1 < 0.5 * SIZE else "lateral"].append(tag)
        else:
            groups["counter" if flat_y and y1 > 0.5 * SIZE else "anode"].append(tag)
    for name, tags in groups.items():
        model.addPhysicalGroup(1, tags, FACET_GROUPS[name], name)
    model.addPhysicalGroup(2, [tag for _, tag in model.getEntities(2)], 1, CELL_GROUP)
    size = 1.0 / (ratio**2 * tip_cells)
    field = model.mesh.field.add("MathEval")
    model.mesh.field.setString(field, "F", f"min({SIZE / 10!r},{size!r}+0.08*sqrt(x*x+(y-1)*(y-1)))")
    model.mesh.field.setAsBackgroundMesh(field)


def ellipse_factor(ratio: float, tip_cells: float) -> float:
    """Return the current density at the tip of a conducting ellipse over that far away."""
    with gmsh_model.session() as gmsh:
        draw_ellipse(gmsh.model, ratio, tip_cells)
        gmsh.model.mesh.generate(2)
        named = gmsh_model.to_named(gmsh)
    tagged = distribute(MPI.COMM_SELF, to_raw(named, 2))
    surface = gather_surface(tagged)
    conduction = Bulk(tagged, surface, POISSON_RATIO, Loads(lateral="free")).conduction_operator.schur()
    held = np.zeros(surface.size, dtype=bool)
    held[surface.anode] = True
    drawn = primary_currents(surface, conduction, held)
    length = surface.lumped_area(ANODE)
    tip = surface.mouth[0]
    return float(drawn.current[tip] / length[tip])


@check(
    "current_focusing",
    engine="statics",
    title="Primary current into a conducting crack and a conducting ellipse",
    source="docs/theory/exact_solutions.md, Current focusing",
    quick=True,
)
def current_focusing(level: Level, folder: Path | None) -> list[Row]:
    """Crack: total, exponents, profile. Ellipse: factor 1 + a/b at the tip."""
    c = crack_currents(CELLS[level])
    rows = crack_rows(c)
    for ratio in RATIOS:
        factor = ellipse_factor(ratio, TIP_CELLS[level])
        rows.append(Row(f"ellipse a/b = {ratio:g}: focusing factor 1 + a/b", factor, 1.0 + ratio, 0.01))
    if folder is not None:
        _draw(folder, c)
    return rows


def _draw(folder: Path, c: CrackCurrents) -> None:
    order = np.argsort(c.y)
    y, density = c.y[order], c.density[order]
    line = 1.0 - np.geomspace(1.0e-3, 0.99, 200)
    exact = {"crack face": (1.0 - line, line / np.sqrt(1.0 - line**2))}
    labels = ("distance from the tip / a", "face current density / far density")
    computed = {"crack face": (1.0 - y, density)}
    figures.against_exact(folder / "current_focusing.png", exact, computed, labels, log=True)
