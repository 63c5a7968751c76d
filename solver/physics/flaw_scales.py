"""Scales of a flaw: the load it stands, how far it opens then, and how fast it fills."""

import numpy as np
from lifrac.solver.model.cell_model import CellModel

from .constants import surface_velocity_per_current

EDGE_FACTOR = 1.1215
"""K = 1.1215 p sqrt(pi a) of an edge crack under uniform pressure, over that of a line crack (Tada, Paris, Irwin)."""

PENNY_FACTOR = EDGE_FACTOR * 2.0 / np.pi
"""The same of a half-penny at the free face, where it is largest: the edge factor on the embedded disc's 2/pi. Newman
and Raju's fit (Engineering Fracture Mechanics 15 (1981) 185; recalled) has 1.14 instead of 1.12, and 1.04 in depth."""


def normal_stress(model: CellModel, angle: float = 0.0) -> float:
    """Stress that the loads put on the plane of the flaw in the body without it [MPa], tension positive.

    Sides that are held, in plane strain, press with nu/(1 - nu) times the stack pressure.

    Parameters
    ----------
    model : CellModel
    angle : float
        Between the flaw and the normal of the anode face [rad].
    """
    loads, nu = model.loads, model.electrolyte.poisson_ratio
    across = -nu / (1.0 - nu) * loads.stack_pressure if loads.lateral == "die" else loads.lateral_stress
    return float(across * np.cos(angle) ** 2 - loads.stack_pressure * np.sin(angle) ** 2)


def griffith_pressure(model: CellModel) -> float:
    """p_c = K_Ic/(1.1215 sqrt(pi a0)) of the flaw under uniform pressure [MPa]."""
    return model.electrolyte.fracture_toughness / (EDGE_FACTOR * float(np.sqrt(np.pi * model.flaw.length)))


def opening_at_growth(model: CellModel) -> float:
    """Typical opening of the flaw when it grows at full toughness [um]."""
    return 4.0 * griffith_pressure(model) * model.flaw.length / model.electrolyte.plane_strain_modulus


def plating_speed(model: CellModel) -> float:
    """Rate at which the protocol's largest current thickens the metal in the flaw, from both faces [um/s]."""
    if any(step.control.direction and step.current_density == 0.0 for step in model.protocol):
        raise ValueError("a constant voltage needs its expected_current_density: time steps are sized by it")
    largest = max((abs(step.current_density) for step in model.protocol), default=0.0)
    return 2.0 * surface_velocity_per_current(model.anode.molar_volume) * largest


def plating_time(model: CellModel) -> float:
    """Time in which the protocol's largest current plates that opening from both faces [s]; 1 s at rest."""
    speed = plating_speed(model)
    return opening_at_growth(model) / speed if speed > 0.0 else 1.0
