"""A cell whose voltage is held: the current against the exact 1-D relation, and its decay while contact is lost."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.simulation import Simulation
from lifrac.solver.cell import Report
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.control import ConstantVoltage
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.model.interface import ContactLaw, Kinetics
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.phase_field.problem import PhaseFieldProblem
from lifrac.solver.physics.constants import surface_velocity_per_current, thermal_voltage
from lifrac.verification.support import figures
from lifrac.verification.support.bodies import ELECTROLYTE, FACE, body, cell_model
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.diffuse_bodies import Half
from lifrac.verification.support.plane_runs import Floats, after_one_step
from mpi4py import MPI

THICKNESS = 200.0
"""L [um]."""
FLAW = Flaw(5.0, 1.0e-3, filling=0.0, mouth="closed")
"""Empty, hence without current, and flat along the current, so that it does not disturb it."""
SLAB = SlabEdgeFlaw(thickness=THICKNESS, half_width=50.0, flaw_length=5.0, crack_size=2.5, far_size=50.0, growth=0.3)
VOLTAGES = (0.005, 0.05, 0.3, -0.05)
"""[V]: from far below to far above the exchange current, and one that strips."""
LAW = ContactLaw(void_height=0.1, reference_current=5.0, minimum=1.0e-3)
"""Voids of 0.1 um open at more than 5 A/m2."""
HELD, CUTOFF = 0.08, 12.0
"""Voltage of the decay [V], at which more than LAW stands flows at first, and its cut-off [A/m2]."""
TOLERANCE = 1.0e-3


def exact_voltage(current: Floats | float, face: Kinetics, contact: Floats | float = 1.0) -> Floats:
    """V = j L/kappa + (2RT/F) [asinh(j/(2 i0)) + asinh(j/(2 theta i0))]: the counter electrode touches to theta [V]."""
    unit, local = 2.0 * thermal_voltage(face.temperature), np.asarray(current) / (2.0 * face.exchange_current)
    return np.asarray(
        current * THICKNESS / ELECTROLYTE.conductivity + unit * (np.arcsinh(local) + np.arcsinh(local / contact))
    )


def expected(voltage: float) -> float:
    """Return a current density for the size of time steps [A/m2]: the ohmic one, which is too large."""
    return voltage * ELECTROLYTE.conductivity / THICKNESS


def plane_current(voltage: float) -> float:
    """Return the current density of the plane engine's cell [A/m2]."""
    b = body(SLAB)
    after = after_one_step(b.plane, cell_model(FLAW), ConstantVoltage(voltage, expected(voltage)))
    return 10.0 * float(after["current_density_mA_per_cm2"])


def diffuse_current(voltage: float) -> float:
    """Return the current density of the phase-field engine's cell [A/m2]."""
    cell = cell_model(FLAW)
    parts = (cell.electrolyte, cell.anode, cell.counter, cell.creep, cell.flaw)
    model = PhaseFieldModel(*parts, diffuse=DiffuseCrack(3.0, 1.0))
    mesh = Half(FLAW.length, 1.0, 9.0, 50.0, THICKNESS).mesh(MPI.COMM_SELF)
    problem = PhaseFieldProblem(mesh, model)
    step = problem.solve(problem.state(), 1.0, ConstantVoltage(voltage, expected(voltage)))
    problem.destroy()
    return step.current_density


@dataclass(frozen=True)
class Decay:
    """A hold while the counter electrode loses contact."""

    reports: list[Report]

    def column(self, name: str) -> Floats:
        """Return a measure of every step."""
        return np.array([getattr(report.measures, name) for report in self.reports])

    @property
    def current(self) -> Floats:
        """[A/m2]."""
        return np.array([report.current_density for report in self.reports])

    @property
    def time(self) -> Floats:
        """[s]."""
        return np.array([report.state.time for report in self.reports])


def decay() -> Decay:
    """Run the cell at HELD until its current has fallen to CUTOFF."""
    b = body(SLAB)
    hold = ConstantVoltage(HELD, expected(HELD), CUTOFF)
    model = replace(cell_model(FLAW, stack_pressure=1.0, protocol=(ProtocolStep(hold, duration=3600.0),)), contact=LAW)
    return Decay([step.report for step in Simulation.from_model(model, b.plane).steps()])


def time_to(contact: float) -> float:
    """Exact time [s] in which the counter electrode falls to a contact at HELD.

    dtheta/dt = (Omega/(F h*)) (-J + (1 - theta) J_c)/theta with J(theta) of the 1-D relation, by quadrature.
    """
    speed = surface_velocity_per_current(FACE.molar_volume) / LAW.void_height
    theta = np.linspace(contact, 1.0, 4001)
    flowing = np.array([_current_at(t) for t in theta])
    rate = speed * (flowing - (1.0 - theta) * LAW.reference_current) / theta
    return float(np.trapezoid(1.0 / rate, theta))


def _current_at(contact: float) -> float:
    low, high = 0.0, expected(HELD)
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if exact_voltage(middle, FACE, contact) < HELD else (low, middle)
    return 0.5 * (low + high)


@check(
    "voltage_hold",
    engine="plane, phase field",
    title="constant voltage: current of a 1-D cell, its decay to the cut-off while contact is lost, charge balance",
    source="docs/theory/exact_solutions.md, One-dimensional cell: V = j L/kappa + (4RT/F) asinh(j/2 i0)",
    quick=True,
)
def voltage_hold(level: Level, folder: Path | None) -> list[Row]:
    """Both engines; the decay with the plane engine, at given contact and against time."""
    rows = []
    for name, current in (("plane", plane_current), ("phase field", diffuse_current)):
        for voltage in VOLTAGES:
            found = float(exact_voltage(current(voltage), FACE))
            rows.append(
                Row(f"{name}: voltage of the current at {1.0e3 * voltage:g} mV", found, voltage, TOLERANCE, "V")
            )
    run = decay()
    contact = np.concatenate([[1.0], run.column("contact_counter")])
    worst = float(np.abs(exact_voltage(run.current, FACE, contact[:-1]) / HELD - 1.0).max())
    passed = float(run.current @ np.diff(run.time, prepend=0.0))
    rows += [
        Row("decay: current against that of its contact, worst step", worst, 0.0, TOLERANCE, kind="below"),
        Row("decay: current over the cut-off at the end", float(run.current[-1]) / CUTOFF, 1.0, 2.0e-2),
        Row("decay: time to the contact at the end", float(run.time[-1]), time_to(float(contact[-1])), 2.0e-2, "s"),
        Row("decay: charge over the time integral", run.reports[-1].state.charge / passed, 1.0, 1.0e-8),
        Row("decay: charge balance", float(run.column("charge_balance_error").max()), 0.0, 1.0e-8, kind="below"),
    ]
    if folder is not None:
        line = np.linspace(contact[-1], 1.0, 60)
        name = "counter electrode loses contact"
        exact = {name: ([time_to(t) for t in line], [_current_at(t) / 10.0 for t in line])}
        labels = (f"time at {1.0e3 * HELD:g} mV [s]", "current density [mA/cm2]")
        computed = {name: (run.time, run.current / 10.0)}
        figures.against_exact(folder / "voltage_hold.png", exact, computed, labels)
    return rows
