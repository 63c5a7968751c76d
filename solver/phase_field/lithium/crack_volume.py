"""How much lithium each node of a diffuse crack can hold.

    V_i = -int u . grad d r_i dx - (walls of pores) int u . n r_i ds + V_initial + V_raised - V_translated

The opening of a crack is what damage and displacement make of it; the rest is counted node by node.
"""

import numpy as np
import ufl
from dolfinx import fem
from lifrac.solver.numerics.nodal import NodalSums
from lifrac.solver.phase_field.fracture.crack_loads import CellLoads
from lifrac.solver.phase_field.fracture.fields import Floats, State

from .pore_walls import PoreWalls


class CrackVolume:
    """Nodal volumes at the present displacement and damage; forms are made once. All in um2, um3 in 3D.

    Parameters
    ----------
    state : State
        u and d.
    loads : CellLoads
        Its openings are those that the pressure of the lithium works on.
    walls : PoreWalls
    test : ufl.Argument
        Test function of the lithium pressure, for `form`.

    Attributes
    ----------
    form : ufl.Form
        Opening of crack and pores against `test`, whose derivative in u is a block of the cell's matrix.
    initial : ndarray
        Of the flaw and the pores as assembled.
    raised : ndarray
        By how much the volume of nodes was raised when lithium could enter first (`raise_to`).
    translated : ndarray
        What damage would have opened by rigid translation of both faces, which is taken off.
    """

    def __init__(self, state: State, loads: CellLoads, walls: PoreWalls, test: ufl.Argument) -> None:
        self.space, self.walls = state.damage.function_space, walls
        slit, self.form = loads.openings(state.displacement, state.damage, test)
        self._slit, self._opening = fem.form(slit), fem.form(self.form)
        self._sums = NodalSums(self.space)
        nodes = len(state.damage.x.array)
        self.initial, self.raised, self.translated = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)

    def capacity(self) -> Floats:
        """V_i of each node, ghosts included (collective)."""
        return self._sums.of(self._opening) + self._at_rest()

    def slit(self) -> Floats:
        """V_i without what the walls of pores enclose: it would be taken for a wide crack beside them (collective)."""
        return self._sums.of(self._slit) + self._at_rest() - self.walls.volume

    def _at_rest(self) -> Floats:
        """Return what nodes hold where nothing is open."""
        return self.initial + self.raised - self.translated

    def raise_to(self, lithium_amount: Floats, nodes: np.ndarray) -> None:
        """Count the volume of newly opened nodes from the lithium in them (collective).

        -u.grad d also holds displacement along the crack, and may be negative ahead of a tip: lithium that is not there
        would wedge it open.
        """
        missing = np.maximum(lithium_amount - self.capacity(), 0.0)
        self.raised = self.raised + np.where(nodes, missing, 0.0)
