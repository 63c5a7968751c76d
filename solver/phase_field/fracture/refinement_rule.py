"""Refinement for a crack: a mesh is fine where it is, where it is going, and where one may start."""

from dataclasses import dataclass

import numpy as np
import ufl
from dolfinx import fem
from lifrac.meshes.refinement import SizeDemand, cell_sizes
from mpi4py import MPI

from .energy import Energy
from .fields import State


@dataclass(frozen=True)
class Refinement:
    """How fine the mesh is to be, and how far around the crack.

    Lengths but `cell` are in multiples of l.

    Parameters
    ----------
    cell : float
        Cell size h [um]: leg of a right-angled triangle, width of a row of cells.
    damage : float
        Damage [-], committed or not, from which a node belongs to the crack.
    driving : float
        Share [-] of the elastic limit in the driving force of damage from which a crack may be on its way; its root is
        the share in the stress.
    beside : float
        What is refined beside the crack: with the nodes of d > 0.1 (1.37 l) the profile of AT1 (2 l) lies inside.
    near, ahead : float
        Distance from highly stressed cells within which the mesh must be fine, and what is refined when it is not.
    """

    cell: float
    damage: float = 0.1
    driving: float = 0.5
    beside: float = 0.75
    near: float = 1.0
    ahead: float = 3.0


class CrackFront:
    """The demands of a state on its mesh; forms are compiled once.

    The driving force of damage, -d(stored)/dd, is compared with Gc/(4 c_w l), the elastic limit of AT1. A cell coarser
    than l smears a concentration of stress out: there the force counts h/l times, as Griffith's criterion has it for a
    crack as long as the cell, and the cell is halved until the force no longer counts. At a sharp notch the share
    times h/l is 1.5 when the notch is critical, on any coarse mesh.
    """

    def __init__(self, energy: Energy, state: State, wanted: Refinement) -> None:
        self.state, self.wanted = state, wanted
        model = energy.solid.damage_model
        self._length = model.length
        d = ufl.variable(state.damage)
        force = -ufl.diff(energy.stored_density(state.displacement, d), d)
        limit = energy.solid.fracture_energy / (4.0 * model.normalisation * model.length)
        msh = state.damage.function_space.mesh
        cells = fem.functionspace(msh, ("Discontinuous Lagrange", 0))
        self._share = fem.Function(cells)
        self._expression = fem.Expression(force / limit, cells.element.interpolation_points)
        self._nodes = np.asarray(msh.geometry.dofmaps[0])
        self._points = msh.geometry.x[:, : msh.geometry.dim]
        self._sizes = cell_sizes(self._points, self._nodes)

    def driving_share(self) -> np.ndarray:
        """Driving force in each cell of this rank over the elastic limit [-]."""
        self._share.interpolate(self._expression)
        return np.asarray(self._share.x.array[self._share.function_space.dofmap.list[:, 0]])

    def demands(self) -> list[SizeDemand]:
        """Return the demands of the present state, trial or committed (collective)."""
        wanted, l = self.wanted, self._length  # noqa: E741
        share = self.driving_share()
        middles = self._points[self._nodes].mean(axis=1)
        stressed = middles[share > wanted.driving]
        demands = [
            SizeDemand(self._damaged(), wanted.beside * l, wanted.beside * l, wanted.cell),
            SizeDemand(stressed, wanted.near * l, wanted.ahead * l, wanted.cell),
        ]
        return demands + self._halved(middles, share)

    def _damaged(self) -> np.ndarray:
        d, low = self.state.damage, self.state.lower_bound
        x = d.function_space.tabulate_dof_coordinates()[:, : self._points.shape[1]]
        return np.asarray(x[np.maximum(d.x.array, low.x.array) > self.wanted.damage])

    def _halved(self, middles: np.ndarray, share: np.ndarray) -> list[SizeDemand]:
        """One demand for each power of two between l and the largest cell, the same on all ranks."""
        l, demands = self._length, []  # noqa: E741
        comm = self._share.function_space.mesh.comm
        largest = comm.allreduce(float(self._sizes.max(initial=0.0)), op=MPI.MAX)
        size = l
        while size < largest:
            rows = (self._sizes > size) & (self._sizes <= 2.0 * size) & (share * self._sizes > self.wanted.driving * l)
            demands.append(SizeDemand(middles[rows], 0.0, 0.0, size))
            size *= 2.0
        return demands
