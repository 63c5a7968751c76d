"""The threshold current of a blocked edge flaw in a half plane, in closed form.

Lithium that does not flow takes the pressure at which it plates no more, p = P + (F/Omega) phi, and the potential along
a flaw that carries no current rises from the overpotential of the face by J y/kappa. With the stress s of the sides

    1.1215 [P + s + (F/Omega) eta(J)] + 0.6829 (F/Omega) J a0/kappa = K_Ic/sqrt(pi a0)

(docs/theory/front.md, Threshold). It leaves out the flow of lithium, the finite body and current focusing.
"""

import math
from collections.abc import Callable

from lifrac.solver.interfaces.contact import face_at_rest
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.physics.constants import pressure_per_volt, thermal_voltage
from lifrac.solver.physics.flaw_scales import EDGE_FACTOR, normal_stress
from lifrac.solver.physics.kinetics import ChargeTransfer

LINEAR_FACTOR = 0.6829
"""K/(p sqrt(pi a)) of an edge crack under a pressure p y/a (docs/theory/exact_solutions.md, Pressurised cracks)."""


def threshold_formula(model: CellModel) -> float:
    """Return the threshold current density of the closed form [A/m2].

    0 where the loads alone crack the flaw.
    """
    flaw, e, loads = model.flaw, model.electrolyte, model.loads
    face = face_at_rest(model.contact, model.anode, e.conductivity, loads.stack_pressure)
    critical = e.fracture_toughness / math.sqrt(math.pi * flaw.length)
    per_volt = pressure_per_volt(model.anode.molar_volume)
    at_rest = EDGE_FACTOR * (loads.stack_pressure + normal_stress(model))

    def excess(face_drop: float, current: float) -> float:
        ohmic = LINEAR_FACTOR * current * flaw.length / e.conductivity
        return at_rest + per_volt * (EDGE_FACTOR * face_drop + ohmic) - critical

    return 0.0 if at_rest >= critical else current_at_zero(excess, face)


def current_at_zero(function: Callable[[float, float], float], face: Kinetics) -> float:
    """Return the current density [A/m2] at which an increasing function of a face's drop and current vanishes.

    Parameters
    ----------
    function : callable
        Of the potential drop of a face that plates [V] and its current density [A/m2]; negative at zero.
    face : Kinetics
        With its contact fraction, and constriction as part of its film. The overpotential is what is looked for:
        the current follows from it explicitly, and where the kinetics saturate the drop goes on rising.
    """
    transfer = ChargeTransfer(face)

    def current(eta: float) -> float:
        return face.contact_fraction * face.exchange_current * float(transfer.current(eta))

    def at(eta: float) -> float:
        mean = current(eta)
        return function(eta + face.film_resistance * mean / face.contact_fraction, mean)

    from scipy.optimize import brentq  # half a second of imports, which most runs do without

    high = thermal_voltage(face.temperature)
    while at(high) < 0.0:
        high *= 2.0
    return current(float(brentq(at, 0.0, high, xtol=1e-14 * high, rtol=1e-13)))
