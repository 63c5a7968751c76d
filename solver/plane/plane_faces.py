"""The faces of a plane cell, as laws on them see it."""

import numpy as np
from lifrac.solver.interfaces.law import CONTACT, EXCHANGE_CURRENT, FILM_RESISTANCE, TOUGHNESS, Face, Faces
from lifrac.solver.interfaces.laws import FaceLaws, LawStates
from lifrac.solver.model.cell_model import PlaneModel
from numpy.typing import NDArray

from .surface import ANODE, COUNTER, CRACK, SurfaceMesh

SUPPORTED = (CONTACT, FILM_RESISTANCE, EXCHANGE_CURRENT, TOUGHNESS)
"""Coefficients that laws on faces can change here."""


def faces_of(surface: SurfaceMesh, model: PlaneModel) -> Faces:
    """Return the faces of a cell whose nodes are all here."""

    def face(nodes: NDArray[np.int64], tag: int, contact_fraction: float) -> Face:
        return Face(nodes, surface.lumped_area(tag)[nodes], contact_fraction, float)

    anode = face(surface.anode, ANODE, model.anode.contact_fraction)
    counter = face(surface.counter, COUNTER, model.counter.contact_fraction)
    return Faces(surface.size, anode, counter, face(surface.crack, CRACK, 1.0))


def touching(surface: SurfaceMesh, model: PlaneModel, laws: FaceLaws, states: LawStates) -> NDArray[np.float64]:
    """Return the part of each electrode face that touches, per surface node; 0 off the faces."""
    found = np.zeros(surface.size)
    found[surface.anode] = model.anode.contact_fraction
    found[surface.counter] = model.counter.contact_fraction
    return found * laws.coefficient(CONTACT, states)
