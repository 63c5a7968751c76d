"""Coefficients of the laws on faces as functions of forms, and the kinetics of a face with them."""

from dataclasses import replace

from dolfinx import fem
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.physics.constriction import local_resistance
from ufl.core.expr import Expr

from .law import CONTACT, EXCHANGE_CURRENT, FILM_RESISTANCE
from .laws import FaceLaws, LawStates


class FaceCoefficients:
    """Nodal coefficients that laws give to the forms; without a law there is none, and the forms stay as they are.

    Parameters
    ----------
    laws : FaceLaws
    space : fem.FunctionSpace
        P1, scalar, on the engine's nodes.
    conductivity : Expr or float
        kappa beside the faces [A/m2 per V/um], for the constriction towards spots.
    """

    def __init__(self, laws: FaceLaws, space: fem.FunctionSpace, conductivity: Expr | float) -> None:
        self.laws, self.conductivity = laws, conductivity
        self._functions = {c: fem.Function(space, name=c.name) for c in laws.coefficients if c.nodal}
        for coefficient, function in self._functions.items():
            function.x.array[:] = coefficient.neutral

    def update(self, states: LawStates, dt: float) -> None:
        """Set the values that act in a step of `dt` [s] from states of the laws."""
        for coefficient, function in self._functions.items():
            function.x.array[:] = self.laws.coefficient(coefficient, states, dt)

    def touching(self, face: Kinetics) -> Expr | float:
        """Part of an electrode face that touches: its constant fraction, times the contact that laws leave."""
        contact = self._functions.get(CONTACT)
        return face.contact_fraction if contact is None else face.contact_fraction * contact

    def kinetics(self, face: Kinetics, constricted: Expr | float = 1.0) -> Kinetics:
        """Return a face with what laws add to it, and the constriction towards its spots as part of its film.

        Parameters
        ----------
        face : Kinetics
            Its numbers, or constants of forms (`symbolic`).
        constricted : Expr or float
            1 where the current is constricted, 0 elsewhere.
        """
        film, exchange = face.film_resistance, face.exchange_current
        # A zero stays a number: the form does not change.
        spots = isinstance(face.spot_radius, fem.Constant) or face.spot_radius != 0.0
        if spots and not (isinstance(constricted, float) and constricted == 0.0):
            film += constricted * local_resistance(face.spot_radius, self.conductivity, self.touching(face))
        if (added := self._functions.get(FILM_RESISTANCE)) is not None:
            film += added
        if (factor := self._functions.get(EXCHANGE_CURRENT)) is not None:
            exchange *= factor
        return replace(face, film_resistance=film, exchange_current=exchange)
