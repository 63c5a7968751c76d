"""How a turn of a diffuse crack is measured, on meshes that have no directions of their own.

The angle is that of the straight line (total least squares) through the centres of the damage on 12 arcs about the old
tip, from 4 to 8 l away from it. Damage above 0.6 counts, within l/2 of the middle of the path.

Over so few cells each mesh is good for some 2 degrees; one of equilateral cells prefers its own directions by 6. So the
nodes about the tip are moved by chance, and what is compared is the mean over such meshes.
"""

from dataclasses import dataclass

import numpy as np
import ufl
from dolfinx import fem, mesh
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.cracked import CrackedSlab
from lifrac.solver.phase_field.fracture.fields import State
from mpi4py import MPI

from .plane_runs import Floats

ARCS = np.linspace(4.0, 8.0, 13)
"""Radii over l about the old tip between which the path is measured."""
REACH = 10.0
"""Over l: how far about the old tip cells are fine, and nodes moved."""
BROADEST = 4.5
"""Over l: half width of the fine corridor about the path that is expected; another path is 30 degrees off."""
ROUGHNESS = 0.25
"""Largest way of a moved node over the cell size."""


def rotation(degrees: float) -> Floats:
    """Return the matrix (2, 2) that turns vectors to the left."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]])


def as_point(x: Floats) -> tuple[float, float]:
    """Return the first two coordinates as a tuple."""
    return float(x[0]), float(x[1])


@dataclass(frozen=True)
class Tip:
    """The tip of a straight crack at rest.

    Parameters
    ----------
    place : (2,) array
        [um].
    along : (2,) array
        Unit vector ahead.
    """

    place: Floats
    along: Floats

    @property
    def axes(self) -> Floats:
        """Unit vectors ahead and to the left, in rows."""
        return np.array([self.along, [-self.along[1], self.along[0]]])

    def local(self, points: Floats) -> Floats:
        """Coordinates (2, n) ahead and to the left of points (n, 2 or 3)."""
        return np.asarray(self.axes @ (points[:, :2] - self.place).T)

    def out(self, local: Floats) -> Floats:
        """Return the point (2,) with these local coordinates."""
        return np.asarray(self.place + self.axes.T @ local)


class TurningBody:
    """A body with a crack, one row of cells wide, whose tip may turn.

    Parameters
    ----------
    slab : CrackedSlab
        One crack, fine within REACH of its tip where it may go.
    tip : Tip
    length : float
        l [um].
    seed : int
        Of the moved nodes.
    """

    def __init__(self, slab: CrackedSlab, tip: Tip, length: float, seed: int) -> None:
        self.tip, self.length = tip, length
        tagged = build(slab, MPI.COMM_SELF)
        self.mesh, self._cell = tagged.mesh, slab.band_size
        self._move_nodes(seed)
        self.state = State.on(self.mesh)
        damage = self.state.damage.function_space
        self.state.break_nodes(fem.locate_dofs_topological(damage, 2, tagged.cells("flaw")))
        self._local = tip.local(damage.tabulate_dof_coordinates())

    def _move_nodes(self, seed: int) -> None:
        """Move nodes by chance about the tip, where all cells have one size, except those of the crack."""
        points = self.mesh.geometry.x
        x, y = self.tip.local(points)
        free = (np.hypot(x, y) < REACH * self.length) & ((np.abs(y) > 0.51 * self._cell) | (x > 1.0e-6 * self._cell))
        draw = np.random.default_rng(seed)
        angle, way = draw.uniform(0.0, 2.0 * np.pi, len(x)), np.sqrt(draw.uniform(0.0, 1.0, len(x)))
        shift = ROUGHNESS * self._cell * way * np.stack([np.cos(angle), np.sin(angle)])
        points[free, :2] += shift.T[free]

    def held(self, given: fem.Function) -> fem.DirichletBC:
        """Return the displacement of the whole boundary."""
        self.mesh.topology.create_connectivity(1, 2)
        facets = mesh.exterior_facet_indices(self.mesh.topology)
        return fem.dirichletbc(given, fem.locate_dofs_topological(given.function_space, 1, facets))

    def _ahead(self) -> Floats:
        """Damage of the nodes that are not beside the old crack, else zero."""
        return np.asarray(self.state.damage.x.array * (self._local[0] > -0.3 * np.hypot(*self._local)))

    def arrived(self) -> bool:
        """Whether the crack has grown beyond all arcs, so that its tip's own damage lies outside of them."""
        reached = np.hypot(*self._local)[self._ahead() > 0.95].max(initial=0.0)
        return bool(reached > (ARCS[-1] + 0.8) * self.length)

    def angle(self) -> float:
        """Return the angle of the path to the old crack, positive to the left [degrees]."""
        volume = fem.assemble_vector(fem.form(ufl.TestFunction(self.state.damage.function_space) * ufl.dx)).array
        share = np.maximum(self._ahead() - 0.6, 0.0) * volume
        arc = np.digitize(np.hypot(*self._local), ARCS * self.length)
        on = [share * (arc == i) for i in range(1, len(ARCS))]
        return line_angle(np.array([self._local @ s / s.sum() for s in on]))


def line_angle(points: Floats) -> float:
    """Angle [degrees] of the line nearest to points (n, 2), which are in order."""
    way = np.linalg.svd(points - points.mean(axis=0))[2][0]
    way = way * np.sign(way @ (points[-1] - points[0]))
    return float(np.degrees(np.arctan2(way[1], way[0])))
