"""Rigid translation of both faces of a crack together across it: no opening, and no reason for damage.

In the energy of the metal, int p u . grad d, all that moves counts where the pressure ends: at the edges of the band.
Where d grows, u counts from this rigid translation: in the driving force of damage and, so that the work of the
pressure is accounted for, in the volume of the crack. At given damage nothing changes, and a straight crack has none.
Motion along the crack is not taken off: what presses on the tip does work there (without it Newton's method finds no
end).
"""

import ufl
from dolfinx import fem
from lifrac.solver.phase_field.fracture.fields import Floats, State
from lifrac.solver.physics.crack_pressure import opening_density
from ufl.core.expr import Expr

from .band import Band

WEIGHT_OUTSIDE = 1.0e-9
"""Weight of "no translation" against damage: decides far from cracks only, where there is no metal."""


class RigidTranslation:
    """Mean displacement of both crack faces, by means over damaged material within a few l.

    Parameters
    ----------
    band : Band
        Its direction filter averages.
    state : State
        Displacement, damage, and the damage it grew from.
    symmetric : bool
        What is meshed is one face of a crack in the plane x = 0: the other one moves the opposite way across it.
    """

    def __init__(self, band: Band, state: State, symmetric: bool) -> None:
        self.band, self.symmetric = band, symmetric
        displacement = state.displacement
        self.mean = fem.Function(displacement.function_space, name="translation")
        v, weight = ufl.TestFunction(band.space), band.damage**2
        self._weight = fem.form(weight * v * ufl.dx)
        self._volume = fem.form(opening_density(self.across, band.damage - state.lower_bound) * v * ufl.dx)
        self._moments = [fem.form(weight * displacement[i] * v * ufl.dx) for i in range(len(displacement))]

    @property
    def across(self) -> Expr:
        """The part along the crack's normal [um]."""
        return ufl.dot(self.band.across, self.mean)

    def volume(self) -> Floats:
        """Return what new damage opens by the translation, per node [um2, um3 in 3D] (collective)."""
        return self.band.assembled(self._volume)

    def update(self) -> None:
        """Follow displacement and damage (collective)."""
        band, dim = self.band, len(self._moments)
        weight = band.filtered(band.assembled(self._weight)) + WEIGHT_OUTSIDE
        for i, form in enumerate(self._moments):
            if self.symmetric and i == 0:
                continue
            self.mean.x.array[i::dim] = band.filtered(band.assembled(form)) / weight
