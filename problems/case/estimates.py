"""Characteristic numbers of a case and a rough forecast of its cost, from closed forms alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from lifrac.solver.interfaces.contact import face_at_rest
from lifrac.solver.model.cell_model import CellModel, CohesiveModel
from lifrac.solver.model.flaw import CUT_OFF
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.cohesive import process_zone_length
from lifrac.solver.physics.constants import (
    COULOMB_PER_M2_PER_MAH_PER_CM2,
    pressure_per_volt,
    surface_velocity_per_current,
)
from lifrac.solver.physics.creep import shear_prefactor
from lifrac.solver.physics.flaw_scales import EDGE_FACTOR, normal_stress
from lifrac.solver.physics.kinetics import charge_transfer_resistance
from lifrac.solver.physics.uniform_cell import current_density_at, overpotential, voltage_at


def slot_shape_factor(exponent: float) -> float:
    """f_n: K of the lubrication pressure of a uniformly plated slot over that of its tip pressure.

    Quadrature with Tada's weight function of the edge crack; 0.8418 for n = 1, 0.7195 for n = 6.56.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    s = np.sin(0.25 * math.pi * (nodes + 1.0))
    shape = 1.0 - (1.0 - s) ** ((exponent + 1.0) / exponent)
    return float(0.5 * np.sum(weights * shape * (1.3 - 0.3 * s**1.25)))


def threshold_current(model: CellModel) -> float:
    """Return the current density [A/m2] at which lithium in a slot of fixed aperture just cracks the flaw.

    Lubrication with Norton creep and uniform plating of both faces; 0 if the loads alone crack it.
    """
    flaw, n = model.flaw, model.creep.exponent
    critical = model.electrolyte.fracture_toughness / math.sqrt(math.pi * flaw.length)
    excess = (critical - EDGE_FACTOR * (model.loads.stack_pressure + normal_stress(model))) / slot_shape_factor(n)
    if excess <= 0.0:
        return 0.0
    speed = shear_prefactor(model.creep) / (n + 2.0) * (flaw.aperture / 2.0) ** (n + 2.0)
    speed *= ((n + 1.0) / n * excess) ** n * flaw.length ** -(n + 1.0)
    return speed / surface_velocity_per_current(model.anode.molar_volume)


def capacity_without_extrusion(model: CellModel, thickness: float) -> float:
    """Areal capacity [C/m2] to grow the flaw through `thickness` [um] when no lithium leaves it.

    (3 C F/(2 Omega)) (sqrt(L) - sqrt(a0)), C = 1.1215 sqrt(pi) K_Ic/E': a lower bound of capacity to short.
    """
    material = model.electrolyte
    c = EDGE_FACTOR * math.sqrt(math.pi) * material.fracture_toughness / material.plane_strain_modulus
    growth = math.sqrt(thickness) - math.sqrt(model.flaw.length)
    return 1.5 * c * growth / surface_velocity_per_current(model.anode.molar_volume)


def emptied_before_plating(model: CellModel) -> float:
    """Largest charge that is stripped before lithium is plated again, over what fills the flaw (`charge_held`).

    0 where nothing is, or where stripping leaves enough to plate on.
    """
    if model.flaw.residual >= CUT_OFF:
        return 0.0
    largest = stripped = 0.0
    for step in model.protocol:
        if step.control.direction > 0:
            largest, stripped = max(largest, stripped), 0.0
        elif step.control.direction < 0:
            stripped += step.planned_charge
    return largest / charge_held(model)


def charge_held(model: CellModel) -> float:
    """Charge per face area [C/m2] that fills the flaw, or empties it: F w0/(2 Omega)."""
    return model.flaw.aperture / (2.0 * surface_velocity_per_current(model.anode.molar_volume))


def sized(model: CellModel, thickness: float) -> CellModel:
    """Return the model with the current densities that are to be expected where its protocol holds a voltage.

    `thickness` in um.
    """

    def at(voltage: float) -> float:
        return current_density_at(model.anode, model.counter, thickness, model.electrolyte.conductivity, voltage)

    steps = tuple(replace(step, control=step.control.sized(at)) for step in model.protocol)
    return replace(model, protocol=steps)


def nominal_current(model: CellModel) -> float:
    """Largest plating current density of the protocol [A/m2]; the largest magnitude if nothing is plated."""
    currents = [step.current_density for step in model.protocol]
    plating = max(currents, default=0.0)
    return plating if plating > 0.0 else max((abs(j) for j in currents), default=0.0)


def characteristic_numbers(
    model: CellModel, thickness: float, angle: float = 0.0, shape: float = EDGE_FACTOR
) -> dict[str, float]:
    """Return what governs a case, by name (units in the names, the rest is dimensionless); `thickness` in um.

    The metal in a flaw is at stack pressure P at least, and the loads put a normal stress s on its plane
    (`normal_stress`, for the sides stated; `angle` [rad] of the flaw): K = `shape` (p + s) sqrt(pi a0). So P + s is
    what the loads alone open it with, and p_c - s the pressure of the metal that makes it grow.

    `pressure_bound_*` is what the overpotential can sustain in a closed flaw, F eta/Omega: at the anode face,
    and at the tip of the flaw, where the ohmic drop along the flaw adds to it. `process_zone_um` is there
    when a strength is stated.
    """
    material, flaw, face = model.electrolyte, model.flaw, model.anode
    current = nominal_current(model)
    griffith = material.fracture_toughness / (shape * math.sqrt(math.pi * flaw.length))
    across = normal_stress(model, angle)
    stack, to_pressure = model.loads.stack_pressure, pressure_per_volt(face.molar_volume)
    touching, opposite = (face_at_rest(model.contact, f, material.conductivity, stack) for f in (face, model.counter))
    eta, drop = overpotential(touching, current), current * flaw.length / material.conductivity
    resistance = charge_transfer_resistance(face) + face.film_resistance
    numbers = {
        "nominal_current_density_mA_per_cm2": current / 10.0,
        "griffith_pressure_MPa": griffith,
        "normal_stress_on_flaw_MPa": across,
        "cracking_pressure_MPa": griffith - across,
        "loads_to_fracture_toughness": (stack + across) / griffith,
        "pressure_bound_face_MPa": stack + to_pressure * eta,
        "pressure_bound_tip_MPa": stack + to_pressure * (eta + drop),
        "bound_to_griffith_pressure": (stack + across + to_pressure * (eta + drop)) / griffith,
        "face_resistance_ohm_cm2": 1.0e4
        * (charge_transfer_resistance(touching) + touching.film_resistance)
        / touching.contact_fraction,
        "wagner_number": material.conductivity * resistance / flaw.length,
        "slot_threshold_current_mA_per_cm2": threshold_current(model) / 10.0,
        "capacity_without_extrusion_mAh_per_cm2": capacity_without_extrusion(model, thickness)
        / COULOMB_PER_M2_PER_MAH_PER_CM2,
        "initial_cell_voltage_V": voltage_at(touching, opposite, thickness, material.conductivity, current),
        "flaw_to_thickness": flaw.length / thickness,
    }
    if isinstance(model, CohesiveModel) and model.cohesion.strength is not None:
        strength = model.cohesion.strength
        zone = process_zone_length(material.plane_strain_modulus, material.fracture_energy, strength)
        numbers["process_zone_um"] = zone
    return numbers


@dataclass(frozen=True)
class Cost:
    """Rough forecast of a run; a factor of three either way."""

    path_nodes: int
    """Nodes on the crack plane."""
    bulk_nodes: int
    surface_unknowns: int
    """Dense unknowns of a Newton step."""
    memory_mb: float
    time_s: float


STEPS_A_HALF, NEWTON_A_STEP = 15.0, 2.0
"""Time steps of a half-step that the cell survives, and Newton steps of each (measured)."""


def newton_time(nodes: int) -> float:
    """Return the time of a Newton step with so many nodes on the crack plane [s] (measured)."""
    return 0.004 + 0.004 * (nodes / 170.0) ** 2.5


def half_steps_time(nodes: int, protocol: Sequence[ProtocolStep]) -> float:
    """Return the least time that the steps of a protocol that pass current take [s].

    Parameters
    ----------
    nodes : int
        Number of nodes on the crack plane.
    protocol : sequence of ProtocolStep
    """
    halves = sum(1 for step in protocol if step.control.direction)
    return halves * STEPS_A_HALF * NEWTON_A_STEP * newton_time(nodes)


def unforeseeable(protocol: Sequence[ProtocolStep], residual: float) -> str:
    """Why nobody can say how long a run takes at most; '' if an estimate holds."""
    strips = sum(1 for step in protocol if step.control.direction < 0)
    if not strips or residual == 0.0:
        return ""
    return (
        f"at least: how many short and refused steps lithium takes on its retreat with defect.residual = {residual:g}, "
        f"in {strips} stripping (half-)steps, cannot be foretold"
    )


def path_nodes(thickness: float, flaw: float, sizes: dict[str, float]) -> int:
    """Nodes on the crack plane; lengths in um, `sizes` as `CaseFile.mesh_sizes`."""
    first, growth, largest = sizes["crack_size"], sizes["path_growth"], sizes["path_size"]
    tip, y, nodes = sizes.get("tip_size", first), 0.0, 1
    while y < thickness * (1.0 - 1.0e-9):
        here = min(first + growth * max(y - flaw, 0.0), largest)
        beside = max(0.9 * flaw - y, y - 1.5 * flaw, 0.0)
        y += min(here, tip + sizes["growth"] * beside)
        nodes += 1
    return nodes


def band_nodes(sizes: dict[str, float], region: float, boundary: float, body: float, dim: int) -> int:
    """Nodes of a mesh with cells of `band_size` in a region, growing from its boundary into the body.

    Parameters
    ----------
    sizes : dict
        `band_size`, `far_size` [um], `growth` [-].
    region, boundary, body : float
        Areas and length [um2, um] in 2D, volumes and area [um3, um2] in 3D.
    dim : int
        2 or 3.
    """
    h, growth = sizes["band_size"], sizes["growth"]
    per_measure = 2.0 / math.sqrt(3.0) if dim == 2 else math.sqrt(2.0)  # nodes of regular cells of unit edge
    around = boundary / ((dim - 1) * growth * h ** (dim - 1))
    return round(per_measure * (region / h**dim + around + body / sizes["far_size"] ** dim))


def cost(thickness: float, flaw: float, sizes: dict[str, float]) -> Cost:
    """Forecast for the plane engine on one core; lengths in um, `sizes` as `CaseFile.mesh_sizes`.

    Rests on measured runs: 8 ms for a Newton step with 170 nodes on the crack plane, seven Newton steps a time
    step, a time step for every cell the crack crosses and as many for the lithium that follows.
    """
    path = path_nodes(thickness, flaw, sizes)
    mean_size = thickness / path
    reach = min((sizes["far_size"] - mean_size) / sizes["growth"], sizes["half_width"])
    largest = mean_size + sizes["growth"] * reach
    columns = (1.0 / mean_size - 1.0 / largest) / sizes["growth"]
    columns += (sizes["half_width"] - reach) / sizes["far_size"] ** 2
    bulk = max(path, round(2.0 / math.sqrt(3.0) * thickness * columns))
    unknowns = 3 * path
    memory = 250.0 + (6.0 * 8.0 * unknowns**2 + 8.0 * 150.0 * 2.0 * bulk * math.log2(bulk + 2.0)) / 1.0e6
    seconds = 2.0 * (bulk / 12431.0) ** 1.2 + 2.0 * path * 7.0 * newton_time(path)
    return Cost(path, bulk, unknowns, memory, seconds)
