"""Faces of a cell at rest as numbers: kinetics with what laws on faces add, and the areas that touch."""

from dataclasses import dataclass, replace

import numpy as np
from lifrac.solver.interfaces.law import CONTACT, EXCHANGE_CURRENT, FILM_RESISTANCE, TOUGHNESS, Face
from lifrac.solver.interfaces.laws import FaceLaws, laws_of
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.physics.constants import pressure_per_volt, thermal_voltage
from lifrac.solver.physics.constriction import local_resistance
from lifrac.solver.physics.kinetics import ChargeTransfer
from numpy.typing import NDArray

from .body import FrontBody

Floats = NDArray[np.float64]
SUPPORTED = (CONTACT, FILM_RESISTANCE, EXCHANGE_CURRENT, TOUGHNESS)
"""Coefficients of laws on faces that have a place here."""


@dataclass(frozen=True)
class FaceNumbers:
    """A face, node by node.

    Attributes
    ----------
    kinetics : Kinetics
        Film and exchange current may be arrays over the nodes.
    area : ndarray (k,)
        Area that touches [um].
    plating : bool
        False: the counter electrode.
    """

    kinetics: Kinetics
    area: Floats
    plating: bool = True

    @property
    def transfer(self) -> ChargeTransfer:
        """The relation of current and overpotential."""
        return ChargeTransfer(self.kinetics, self.plating)

    def residual(self, j: Floats, drop: Floats, excess: Floats | float) -> Floats:
        """Return the residual of charge transfer over RT/F (k,); j [A/m2], drop [V], excess pressure p - P [MPa]."""
        found = self.transfer.residual(j, drop, excess)  # type: ignore[arg-type]
        return np.asarray(found) / thermal_voltage(self.kinetics.temperature)

    def slopes(self, j: Floats, drop: Floats, excess: Floats | float) -> tuple[Floats, Floats, Floats]:
        """Return its derivatives by j, by the drop and by the excess pressure (k,)."""
        k = self.kinetics
        eta = drop - k.film_resistance * j - excess / pressure_per_volt(k.molar_volume)
        by_drop = self.transfer.scaled(eta)[1] / thermal_voltage(k.temperature)
        by_current = -by_drop * k.film_resistance - 2.0 / np.sqrt(j**2 + 4.0 * k.exchange_current**2)
        return by_current, by_drop, -by_drop / pressure_per_volt(k.molar_volume)


@dataclass(frozen=True)
class CellFaces:
    """The faces of a cell at rest under its stack pressure."""

    crack: FaceNumbers
    """Along the crack, `area` for its first nodes up to a tip."""
    anode: FaceNumbers
    counter: FaceNumbers


def faces_at_rest(body: FrontBody, model: CellModel, crack_area: Floats) -> CellFaces:
    """Return the faces of a model; `crack_area` (n,): of the crack's first nodes [um].

    Laws on faces are in the state of the cell as assembled: contact as pressed, no void, no history. The faces of the
    crack touch everywhere; like the face of the anode they carry the films of laws.
    """
    faces = body.faces(model)
    laws = FaceLaws(laws_of(model), faces, SUPPORTED)
    states = laws.initial(model.loads.stack_pressure)
    contact = laws.coefficient(CONTACT, states)
    film, exchange = laws.coefficient(FILM_RESISTANCE, states), laws.coefficient(EXCHANGE_CURRENT, states)

    def with_laws(kinetics: Kinetics, nodes: NDArray[np.int64], constriction: Floats | float) -> Kinetics:
        return replace(
            kinetics,
            film_resistance=kinetics.film_resistance + constriction + film[nodes],  # type: ignore[arg-type]
            exchange_current=kinetics.exchange_current * exchange[nodes],  # type: ignore[arg-type]
        )

    def electrode(kinetics: Kinetics, face: Face, plating: bool) -> FaceNumbers:
        touching = face.contact_fraction * contact[face.nodes]
        spots: Floats | float = 0.0
        if kinetics.spot_radius != 0.0:
            spots = local_resistance(kinetics.spot_radius, model.electrolyte.conductivity, touching)  # type: ignore[assignment, arg-type]
        return FaceNumbers(with_laws(kinetics, face.nodes, spots), face.area * touching, plating)

    dofs = body.crack_dofs[: len(crack_area)]
    return CellFaces(
        FaceNumbers(with_laws(model.anode, dofs, 0.0), crack_area),
        electrode(model.anode, faces.anode, True),
        electrode(model.counter, faces.counter, False),
    )
