"""Sides that stay plane and move together, with no force on them in the mean: one unknown beside the crack's.

Such sides are the planes of symmetry between the flaws of a wide plate whose rim is free. With v the field that is 1 in
u_x on the sides and 0 elsewhere, the displacement is that of held sides plus U v:

    S u + s U = g,   s . u + k U = F,

with S, g of held sides, s and k the condensed forces of v on the crack and on itself, and F the work of the loads on
the field that v makes. U is eliminated from what the crack is told.
"""

import numpy as np
from lifrac.solver.numerics.condensation import CondensedOperator
from numpy.typing import NDArray
from petsc4py import PETSc

Floats = NDArray[np.float64]


class SidePlate:
    """The common displacement of the sides, for E = 1 (collective).

    Parameters
    ----------
    operator : CondensedOperator
        Condensed elasticity with held sides.
    shift : Vec
        v.
    stack_load, lateral_load : Vec
        Loads of a unit stack pressure and of a unit stress that pulls on the sides.
    """

    def __init__(
        self, operator: CondensedOperator, shift: PETSc.Vec, stack_load: PETSc.Vec, lateral_load: PETSc.Vec
    ) -> None:
        self.shift = shift
        self.force = shift.duplicate()
        """K v: nodal forces of a unit displacement of the sides."""
        operator.matrix.mult(shift, self.force)
        self.on_crack = operator.load(self.force)
        """s (m,)."""
        opposite, field = self.force.copy(), shift.duplicate()
        opposite.scale(-1.0)
        operator.recover(np.zeros(operator.partition.size), opposite, field)
        field.axpy(1.0, shift)
        self.stiffness = float(self.force.dot(field))
        """k."""
        self.by_stack, self.by_lateral = float(stack_load.dot(field)), float(lateral_load.dot(field))
        for vector in (opposite, field):
            vector.destroy()

    def released(self, stiffness: Floats, stack: Floats, lateral: Floats) -> tuple[Floats, Floats, Floats]:
        """Return S (m, m) and the loads (m,) of held sides with U eliminated."""
        s = self.on_crack / self.stiffness
        return (
            stiffness - np.outer(s, self.on_crack),
            stack - self.by_stack * s,
            lateral - self.by_lateral * s,
        )

    def displacement(self, crack: Floats, stack_pressure: float, lateral_stress: float) -> float:
        """Return U for displacements (m,) of the crack and loads over E."""
        loads = stack_pressure * self.by_stack + lateral_stress * self.by_lateral
        return float((loads - self.on_crack @ crack) / self.stiffness)
