"""What makes up the stress intensity of a flaw in equilibrium, and so what limits its threshold current."""

from collections.abc import Mapping

import numpy as np
from lifrac.solver.physics.constants import pressure_per_volt

from .threshold import Solution

LOADS, TRANSFER, FILM, OHMIC, FLOW, ASSISTED = (
    "loads",
    "charge transfer",
    "film and constriction",
    "ohmic drop along the flaw",
    "lithium that flows out",
    "toughness lost to the current",
)


def toughness_budget(solution: Solution) -> Mapping[str, float]:
    """Return the parts of K_Ic [-], which add up to one.

    Lithium in the flaw is at p = P + (F/Omega)(phi - what its own current takes). K is linear in p: the loads with
    lithium at stack pressure, the overpotential of the anode face beside the mouth (charge transfer, and its film with
    the constriction towards spots), the rise of phi along the flaw, and, negative, what the current of lithium that
    flows out takes.
    """
    equilibrium, fields = solution.equilibrium, solution.fields
    geometry, model, faces = equilibrium.geometry, equilibrium.model, equilibrium.faces
    weights = geometry.weights.coefficients
    per_volt = pressure_per_volt(model.anode.molar_volume) / equilibrium.toughness
    phi = equilibrium.potential(fields)
    at_mouth = geometry.mouth - geometry.size
    film = float(np.broadcast_to(faces.anode.kinetics.film_resistance, len(fields.anode))[at_mouth])
    film_drop, face_drop = film * float(fields.anode[at_mouth]), float(phi[geometry.mouth])
    along = phi[: geometry.size] - face_drop
    loads = float(weights @ (model.loads.stack_pressure + equilibrium.stress)) / equilibrium.toughness
    parts = {
        LOADS: loads,
        TRANSFER: per_volt * (face_drop - film_drop) * geometry.weights.uniform,
        FILM: per_volt * film_drop * geometry.weights.uniform,
        OHMIC: per_volt * float(weights @ along),
    }
    k = equilibrium.intensity(fields.pressure) / equilibrium.toughness
    return parts | {FLOW: k - sum(parts.values()), ASSISTED: 1.0 - k}
