"""Loads of a cell with a diffuse crack: what the metal in it and the outside do to displacement and damage."""

from ..backend import dolfinx  # noqa: F401  isort: skip

import ufl
from dolfinx import fem
from lifrac.meshes.tagged import TaggedMesh
from ufl.core.expr import Expr

from ..parameters import Loads
from ..physics.crack_pressure import front_drive, opening_density, pressure_drive, pressure_energy
from .band import Band
from .energy import Energy, Solid


class CellLoads:
    """Energies of the loads, minus their work.

    Parameters
    ----------
    tagged : TaggedMesh
    loads : Loads
    pressure, unopened : fem.Function
        Of the metal [MPa]; displacement at which the flaw is as wide as stated [um].
    band : Band
    """

    def __init__(
        self, tagged: TaggedMesh, loads: Loads, pressure: fem.Function, unopened: fem.Function, band: Band
    ) -> None:
        msh = tagged.mesh
        self._groups, self._pressure, self._unopened, self._band = tagged.groups, pressure, unopened, band
        self._ds = ufl.Measure("ds", domain=msh, subdomain_data=tagged.facet_tags)
        self._normal = ufl.FacetNormal(msh)
        self._stack, self._lateral = fem.Constant(msh, loads.stack_pressure), fem.Constant(msh, loads.lateral_stress)

    def energies(self, solid: Solid) -> tuple[Energy, Energy]:
        """As displacement and damage see them."""
        return Energy(solid, self.on_displacement), Energy(solid, self.on_damage)

    def on_displacement(self, u: Expr, d: Expr) -> ufl.Form:
        """int p u.grad d, what metal does to the walls of pores, and the outside."""
        work = pressure_energy(u, d, self._pressure) * ufl.dx + self.outer(u)
        if "pore" in self._groups:
            work += self._pressure * ufl.inner(self._normal, u) * self._ds(self._groups["pore"])
        return work

    def on_damage(self, u: Expr, d: Expr) -> ufl.Form:
        """The same pressure by parts, without what its gradients do at the sides and the mouth of the band."""
        along = ufl.Identity(len(u)) - self._band.across
        front = self._band.ahead * front_drive(u - self._unopened, d, self._pressure, along)
        return (pressure_drive(u, d, self._pressure) + front) * ufl.dx

    def outer(self, u: Expr) -> ufl.Form:
        """Loads on the outside of the body."""
        work = self._stack * ufl.inner(self._normal, u) * self._ds(self._groups["anode"])
        if "lateral" in self._groups:
            work -= self._lateral * ufl.inner(self._normal, u) * self._ds(self._groups["lateral"])
        return work

    def openings(self, u: Expr, d: Expr, r: Expr) -> tuple[ufl.Form, ufl.Form]:
        """By how much the slit is open, and the slit with pores, against a test function."""
        slit = opening_density(u, d) * r * ufl.dx
        if "pore" not in self._groups:
            return slit, slit
        return slit, slit - ufl.inner(self._normal, u) * r * self._ds(self._groups["pore"])
