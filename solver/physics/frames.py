"""The body that a mesh stands for: plane strain or 3D, or a body of revolution. Strain and volume follow from it."""

from dataclasses import dataclass
from typing import Protocol

import ufl
from ufl.core.expr import Expr
from ufl.domain import extract_unique_domain

from .elasticity import strain


class Frame(Protocol):
    """Everything that is integrated, and every strain, goes through the frame: no term knows which one it is."""

    def strain(self, u: Expr) -> Expr:
        """eps(u) [-]: 2x2 in plane strain, else 3x3."""
        ...

    def integral(self, density: Expr) -> ufl.Form:
        """Return int density dV: per depth [um^2] in plane strain, else [um^3]."""
        ...


@dataclass(frozen=True)
class Cartesian:
    """Plane strain on a 2D mesh, 3D on a 3D one; quadrature is exact for the energy of P1 fields on simplices."""

    def strain(self, u: Expr) -> Expr:
        """sym(grad u)."""
        return strain(u)

    def integral(self, density: Expr) -> ufl.Form:
        """Return int density dV."""
        return density * ufl.Measure("dx", metadata={"quadrature_degree": 2})


@dataclass(frozen=True)
class Axisymmetric:
    """A body of revolution about the line x = 0 of a 2D mesh, with (x, y) = (r, z), u = (u_r, u_z) and no twist.

    Displacements must be held at u_r = 0 on the axis. Quadrature points lie within the cells, where r > 0; the degree
    makes all terms exact but those of the hoop strain, which is a quotient.
    """

    def strain(self, u: Expr) -> Expr:
        """Components rr, zz, rz as in the plane, and the hoop strain u_r/r."""
        r = ufl.SpatialCoordinate(extract_unique_domain(u))[0]
        plane = strain(u)
        rows = [[plane[0, 0], plane[0, 1], 0.0], [plane[1, 0], plane[1, 1], 0.0], [0.0, 0.0, u[0] / r]]
        return ufl.as_matrix(rows)

    def integral(self, density: Expr) -> ufl.Form:
        """Return int 2 pi r density dr dz."""
        r = ufl.SpatialCoordinate(extract_unique_domain(density))[0]
        return 2.0 * ufl.pi * r * density * ufl.Measure("dx", metadata={"quadrature_degree": 4})
