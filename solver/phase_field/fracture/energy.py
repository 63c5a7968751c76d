"""The energy that the phase-field engine minimises, and what follows from it by differentiation.

    E(u, d) = int [g(d) psi_plus(eps) + psi_minus(eps)] dx + int Gc gamma(d) dx + L(u, d)

L is the energy of the loads (minus their work). Stress is dE/d eps, the driving force of damage -dE/dd.
"""

from dataclasses import dataclass, field
from typing import Protocol

import ufl
from lifrac.solver.physics.damage import DamageModel, degradation
from lifrac.solver.physics.frames import Cartesian, Frame
from lifrac.solver.physics.splits import NoSplit, Split
from ufl.core.expr import Expr


@dataclass(frozen=True)
class Solid:
    """A brittle elastic material; E and Gc may vary in space (UFL coefficients, one value per cell).

    Parameters
    ----------
    youngs_modulus : Expr or float
        E [MPa].
    poisson_ratio : float
    fracture_energy : Expr or float
        Gc [J/m2]; what a crack on the mesh costs is larger by `damage_model.toughness_factor(h)`.
    damage_model : DamageModel
    split : Split
    residual_stiffness : float
        k of g(d) [-]: a broken cell carries k of the intact stress. 1e-8 is not seen in any result here; iterative
        solvers of the displacement want 1e-6.
    """

    youngs_modulus: Expr | float
    poisson_ratio: float
    fracture_energy: Expr | float
    damage_model: DamageModel
    split: Split = field(default_factory=NoSplit)
    residual_stiffness: float = 1.0e-8

    def stored_density(self, eps: Expr, d: Expr) -> Expr:
        """g(d) psi_plus + psi_minus [MPa]."""
        plus = self.split.psi_plus(eps, self.youngs_modulus, self.poisson_ratio)
        minus = self.split.psi_minus(eps, self.youngs_modulus, self.poisson_ratio)
        return degradation(d, self.residual_stiffness) * plus + minus

    def stress(self, eps: Expr, d: Expr) -> Expr:
        """Return sigma = d(stored)/d eps [MPa], in-plane components in plane strain."""
        eps = ufl.variable(eps)
        return ufl.diff(self.stored_density(eps, d), eps)

    def convex_density(self, eps: Expr, d: Expr) -> Expr:
        """Return the stored energy with what is convex in d only: equal to it where psi_plus >= 0."""
        plus = self.split.psi_plus(eps, self.youngs_modulus, self.poisson_ratio)
        return degradation(d, self.residual_stiffness) * ufl.max_value(plus, 0.0)


class Load(Protocol):
    """Energy of the loads L(u, d) [J/m or J]: minus the work of given forces; linear in u and in d."""

    def __call__(self, u: Expr, d: Expr) -> ufl.Form:
        """Return L at a displacement [um] and a damage."""
        ...


@dataclass(frozen=True)
class Energy:
    """The parts of E(u, d) as forms.

    Parameters
    ----------
    solid : Solid
    load : Load, optional
        Integrated by the same frame.
    frame : Frame
        Plane strain or 3D, or a body of revolution.
    """

    solid: Solid
    load: Load | None = None
    frame: Frame = field(default_factory=Cartesian)

    def stored_density(self, u: Expr, d: Expr) -> Expr:
        """g(d) psi_plus + psi_minus [MPa]."""
        return self.solid.stored_density(self.frame.strain(u), d)

    def stress(self, u: Expr, d: Expr) -> Expr:
        """Return sigma [MPa], in-plane components in plane strain."""
        return self.solid.stress(self.frame.strain(u), d)

    def stored(self, u: Expr, d: Expr) -> ufl.Form:
        """Return the stored energy, the integral of `stored_density`."""
        return self.frame.integral(self.stored_density(u, d))

    def fracture(self, d: Expr) -> ufl.Form:
        """Return int Gc gamma(d) dV."""
        return self.frame.integral(self.solid.fracture_energy * self.solid.damage_model.surface_density(d))

    def total(self, u: Expr, d: Expr) -> ufl.Form:
        """Return stored and fracture energy, and the energy of the loads."""
        parts = self.stored(u, d) + self.fracture(d)
        return parts if self.load is None else parts + self.load(u, d)

    def convex_in_damage(self, u: Expr, d: Expr) -> ufl.Form:
        """Return a form whose second derivative in d bounds that of E from above, and is never negative."""
        return self.frame.integral(self.solid.convex_density(self.frame.strain(u), d)) + self.fracture(d)
