"""Loads of a cell with a diffuse crack: what the metal in it and the outside do to displacement and damage."""

from ..backend import dolfinx  # noqa: F401  isort: skip

import ufl
from dolfinx import fem
from lifrac.meshes.tagged import TaggedMesh
from ufl.core.expr import Expr

from ..parameters import Loads
from ..physics.crack_pressure import opening_density, pressure_energy


class CellLoads:
    """Energies of the loads, minus their work.

    Parameters
    ----------
    tagged : TaggedMesh
    loads : Loads
    pressure, sound : fem.Function
        Of the metal [MPa]; displacement of the body without damage under the loads [um].
    """

    def __init__(self, tagged: TaggedMesh, loads: Loads, pressure: fem.Function, sound: fem.Function) -> None:
        msh = tagged.mesh
        self._groups, self._pressure, self._sound = tagged.groups, pressure, sound
        self._ds = ufl.Measure("ds", domain=msh, subdomain_data=tagged.facet_tags)
        self._normal = ufl.FacetNormal(msh)
        self._stack, self._lateral = fem.Constant(msh, loads.stack_pressure), fem.Constant(msh, loads.lateral_stress)

    def energy(self, u: Expr, d: Expr) -> ufl.Form:
        """int p (u - sound).grad d, what metal does to the walls of pores, and the outside."""
        work = pressure_energy(u - self._sound, d, self._pressure) * ufl.dx + self.outer(u)
        if "pore" in self._groups:
            work += self._pressure * ufl.inner(self._normal, u) * self._ds(self._groups["pore"])
        return work

    def outer(self, u: Expr) -> ufl.Form:
        """Loads on the outside of the body."""
        work = self._stack * ufl.inner(self._normal, u) * self._ds(self._groups["anode"])
        if "lateral" in self._groups:
            work -= self._lateral * ufl.inner(self._normal, u) * self._ds(self._groups["lateral"])
        return work

    def openings(self, u: Expr, d: Expr, r: Expr) -> tuple[ufl.Form, ufl.Form]:
        """By how much the slit is open, and the slit with pores, against a test function."""
        slit = opening_density(u - self._sound, d) * r * ufl.dx
        if "pore" not in self._groups:
            return slit, slit
        return slit, slit - ufl.inner(self._normal, u) * r * self._ds(self._groups["pore"])
