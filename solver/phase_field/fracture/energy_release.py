"""Measures of a fracture state: energy release rate, position of the tip, length from surface energy."""

import numpy as np
import ufl
from dolfinx import fem
from lifrac.parallel.collective import largest
from mpi4py import MPI

from .energy import Energy
from .fields import State

BROKEN = 0.95
"""Damage [-] from which a node counts as broken where a tip is looked for."""


def tip_position(state: State, axis: int) -> float:
    """Largest coordinate [um] along an axis of a broken node; -inf where none is broken (collective)."""
    space = state.damage.function_space
    x = space.tabulate_dof_coordinates()[:, axis]
    local = np.max(x[state.damage.x.array[: len(x)] >= BROKEN], initial=-np.inf)
    return largest(space.mesh.comm, float(local))


def crack_length(fracture_energy: float, toughness: float) -> float:
    """Return a = int Gc gamma dx / Gc_eff [um, or um2 in 3D], with Gc_eff of the discrete crack [J/m2]."""
    return fracture_energy / toughness


class EnergyReleaseRate:
    """G by a domain integral around a tip that runs along x: independent of the rings where the crack is straight.

        G = int [(sigma . du/dx) . grad q - psi dq/dx] dx,

    q = 1 within the inner radius, 0 beyond the outer one (Li, Shih & Needleman, Eng. Fract. Mech. 21 (1985) 405). The
    elastic part of the energy only, so that what is measured is the driving force, not its balance with the resistance.
    For plane strain and straight fronts in 3D; not for bodies of revolution.

    Parameters
    ----------
    inner, outer : float
        Radii of the ring [um]; the ring must lie outside the tip's own damage (4 l).
    """

    def __init__(self, energy: Energy, state: State, inner: float, outer: float) -> None:
        u, d = state.displacement, state.damage
        msh = u.function_space.mesh
        self._tip = fem.Constant(msh, np.zeros(msh.geometry.dim))
        x = ufl.SpatialCoordinate(msh)
        radius = ufl.sqrt(ufl.inner(x - self._tip, x - self._tip) + (1.0e-6 * inner) ** 2)
        inside = ufl.And(ufl.gt(radius, inner), ufl.lt(radius, outer))
        slope = ufl.conditional(inside, -1.0 / (outer - inner), 0.0) * (x - self._tip) / radius
        gradient = ufl.dot(energy.stress(u, d), u.dx(0))
        flux = ufl.inner(gradient, slope) - energy.stored_density(u, d) * slope[0]
        self._form = fem.form(flux * ufl.dx(metadata={"quadrature_degree": 4}))
        self._comm = msh.comm

    def at(self, tip: tuple[float, ...]) -> float:
        """G [J/m2] of the tip at this point [um] (collective)."""
        self._tip.value[:] = tip
        return float(self._comm.allreduce(fem.assemble_scalar(self._form), op=MPI.SUM))
