"""Loads of a cell with a diffuse crack.

The body without damage under the outer loads, us and its stress sigma_s, is known. Displacement counts from us, and a
crack is loaded by what it takes away from that body, the tractions sigma_s n on its faces, and by the metal:

    L(u, d) = int u . (sigma_s + p 1) grad d dx

Superposition (Bueckner): stress intensities and energy release are those of the whole loads, while the soft band
carries no part of them. Where the metal carries sigma_s, nothing moves.
"""

import ufl
from dolfinx import fem
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.physics.crack_pressure import opening_density
from ufl.core.expr import Expr


class CellLoads:
    """Energies of the loads, minus their work.

    Parameters
    ----------
    tagged : TaggedMesh
    pressure : fem.Function
        Of the metal [MPa].
    intact_stress : Expr
        sigma_s [MPa].
    carried, across : Expr
        -n.sigma_s.n [MPa] as far as metal carries it, and n (x) n of the crack's normal.
    """

    def __init__(
        self, tagged: TaggedMesh, pressure: fem.Function, intact_stress: Expr, carried: Expr, across: Expr
    ) -> None:
        msh = self._mesh = tagged.mesh
        along = ufl.Identity(msh.geometry.dim) - across
        self._taken = intact_stress - carried * along
        self._groups, self._pressure = tagged.groups, pressure
        self._ds = ufl.Measure("ds", domain=msh, subdomain_data=tagged.facet_tags)
        self._normal = ufl.FacetNormal(msh)

    def energy(self, u: Expr, d: Expr) -> ufl.Form:
        """Minus the work of the metal, and of what the crack takes away."""
        work = self.released(u, d) - self._pressure * opening_density(u, d) * ufl.dx
        if "pore" in self._groups:
            work += self._pressure * ufl.inner(self._normal, u) * self._ds(self._groups["pore"])
        return work

    def driving(self, u: Expr, d: Expr, translation: Expr) -> ufl.Form:
        """Return what damage sees of `energy`, whose metal moves along with both faces (`translation`).

        Across the crack grad d adds up to nothing, so that the translation does no work; but where the metal's pressure
        ends, at the edges of the band, it would drive damage by how far the place has moved.
        """
        return self.energy(u, d) + self._pressure * opening_density(translation, d) * ufl.dx

    def released(self, u: Expr, d: Expr) -> ufl.Form:
        """Return int u . sigma_s grad d: what the crack takes away from the intact body.

        At a diffuse tip grad d points along the crack, and metal at pressure p would press there by p, where only what
        it presses beyond `carried` opens the crack: under compression the larger part. Stress along a crack does not
        load it, and is chosen so that metal that just carries the intact body's stress does nothing there either.
        """
        return ufl.inner(u, ufl.dot(self._taken, ufl.grad(d))) * ufl.dx

    def outer(self, u: Expr, stack_pressure: float, lateral_stress: float) -> ufl.Form:
        """Return the energy of loads on the outside of the intact body [MPa]."""
        stack, lateral = (fem.Constant(self._mesh, value) for value in (stack_pressure, lateral_stress))
        work = stack * ufl.inner(self._normal, u) * self._ds(self._groups["anode"])
        if "lateral" in self._groups:
            work -= lateral * ufl.inner(self._normal, u) * self._ds(self._groups["lateral"])
        return work

    def openings(self, u: Expr, d: Expr, r: Expr) -> tuple[ufl.Form, ufl.Form]:
        """Return the opening of the slit, and that of the slit with pores, against a test function."""
        slit = opening_density(u, d) * r * ufl.dx
        if "pore" not in self._groups:
            return slit, slit
        return slit, slit - ufl.inner(self._normal, u) * r * self._ds(self._groups["pore"])
