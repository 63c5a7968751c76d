"""Runs of the plane engine that several checks share: from a geometry and a model to a history of figures."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.simulation import Domain, Simulation
from lifrac.solver.cell import Report
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.system import BulkSystem
from lifrac.solver.model.cell_model import CellModel, PlaneModel
from lifrac.solver.model.control import ConstantCurrent, Control
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.plane.body import PlaneBody, condense
from lifrac.solver.sharp_front.sharp_front_engine import SharpFrontEngine
from mpi4py import MPI
from numpy.typing import NDArray

from .book import Row

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

LLZO = Electrolyte(conductivity=5.0e4, youngs_modulus=150.0e3, poisson_ratio=0.26, fracture_energy=6.0)
"""The electrolyte of problems/ready/cases/llzo_runs_through.toml: 0.5 mS/cm, 150 GPa, 6 J/m2."""
LLZO_FACE = Kinetics(exchange_current=51.0, temperature=298.15)
NORTON = Creep(prefactor=7.7e-3, exponent=6.56)
"""Lithium at room temperature [1/s/MPa^n] (docs/theory/model.md, Creep of lithium)."""


def condensed(
    geometry: SlabEdgeFlaw,
    poisson_ratio: float,
    loads: Loads | None = None,
    symmetric_anode: bool = False,
    comm: MPI.Comm = MPI.COMM_SELF,
) -> PlaneBody:
    """Mesh a geometry and condense it (collective on `comm`)."""
    return condense(build(geometry, comm), poisson_ratio, loads, symmetric_anode=symmetric_anode)


def edge_flaw(thickness: float, cells_per_flaw: float, growth: float = 0.1) -> SlabEdgeFlaw:
    """Return a slab with a 20 um flaw; `cells_per_flaw` elements per crack length on the crack plane, at any length."""
    a0 = 20.0
    return SlabEdgeFlaw(
        thickness=thickness,
        half_width=thickness,
        flaw_length=a0,
        crack_size=a0 / cells_per_flaw,
        far_size=0.1 * thickness,
        growth=growth,
        path_growth=1.0 / cells_per_flaw,
    )


def llzo_cell(control: StepControl, current_density: float = 40.0, charge: float = 1.8e4) -> PlaneModel:
    """LLZO with a 20 um flaw of 20 nm aperture at 1 MPa, plated at `current_density` [A/m2] up to `charge` [C/m2]."""
    return PlaneModel(
        electrolyte=LLZO,
        anode=LLZO_FACE,
        counter=LLZO_FACE,
        creep=NORTON,
        flaw=Flaw(20.0, 0.02),
        loads=Loads(stack_pressure=1.0, lateral="free"),
        control=control,
        protocol=(ProtocolStep(ConstantCurrent(current_density), charge),),
    )


FIGURES = (
    "time",
    "cell_voltage",
    "crack_length",
    "lithium_length",
    "max_lithium_pressure",
    "flaw_volume",
    "lithium_volume",
    "flaw_current_share",
    "charge_balance_error",
    "lithium_balance_error",
    "energy_balance_error",
)
"""Columns of a history: what is read off every accepted step, internal units."""


@dataclass(frozen=True)
class History:
    """Figures of every accepted step, and how the run went."""

    table: Floats
    """(steps, len(FIGURES))."""
    rejected: int
    iterations: int
    outcome: str

    def __getitem__(self, name: str) -> Floats:
        return np.asarray(self.table[:, FIGURES.index(name)])

    def at(self, name: str, by: str, value: float) -> float:
        """Return a figure where another one, which grows, first passes a value; linear between steps."""
        x, y = self[by], self[name]
        k = int(np.argmax(x >= value))
        if x[k] < value or k == 0:
            return float("nan")
        return float(y[k - 1] + (y[k] - y[k - 1]) * (value - x[k - 1]) / (x[k] - x[k - 1]))


def simulate(domain: Domain, model: CellModel, crack_kinetics: FaceKinetics | None = None) -> Simulation:
    """Run a cell through all its steps, on this rank's body or on all ranks of a mesh."""
    simulation = Simulation.from_model(model, domain, crack_kinetics=crack_kinetics)
    simulation.run()
    return simulation


def plane_engine(simulation: Simulation) -> SharpFrontEngine:
    """Return the plane engine of a simulation, on the rank that steps it."""
    engine = simulation.cell.engine
    assert isinstance(engine, SharpFrontEngine)
    return engine


def cohesive_engine(simulation: Simulation) -> CohesiveEngine:
    """Return the cohesive engine of a simulation, on the rank that steps it."""
    engine = simulation.cell.engine
    assert isinstance(engine, CohesiveEngine)
    return engine


def after_one_step(domain: Domain, model: CellModel, control: Control, length: float = 1.0) -> "pd.Series[float]":
    """Return the figures of a cell after one time step of some length [s] from rest."""
    one = ProtocolStep(control, duration=length)
    stepping = StepControl(first_step=length, max_step=length)
    simulation = Simulation.from_model(replace(model, protocol=(one,), control=stepping), domain)
    simulation.run()
    return simulation.history.iloc[-1]


def follow(
    domain: Domain,
    model: CellModel,
    crack_kinetics: FaceKinetics | None = None,
    system: BulkSystem | None = None,
    until_length: float = np.inf,
    see: Callable[[Report], None] | None = None,
) -> History:
    """Run a model to its end, or until the crack has reached `until_length` [um].

    `see` is shown the start and every step.
    """
    simulation = Simulation.from_model(model, domain, crack_kinetics=crack_kinetics, system=system)
    see = see or (lambda report: None)
    see(simulation.cell.first())
    rows = []
    for step in simulation.steps():
        report, m = step.report, step.report.measures
        see(report)
        rows.append([report.state.time, report.state.cell_voltage, *(getattr(m, name) for name in FIGURES[2:])])
        if m.crack_length > until_length:
            break
    engine = simulation.cell.engine
    rejected, iterations = (0, 0) if engine is None else (engine.counters.rejected, engine.counters.iterations)
    return History(np.array(rows), rejected, iterations, simulation.outcome)


def difference(first: History, second: History, name: str) -> float:
    """Largest difference of two histories in one column, relative to the column's largest value.

    Infinite if they differ in their number of steps.
    """
    a, b = first[name], second[name]
    if len(a) != len(b):
        return float("inf")
    return float(np.abs(a - b).max() / np.abs(a).max())


def rejection_row(name: str, run: History) -> Row:
    """Check that steps were refused on the way: the check means something only then."""
    return Row(
        f"{name}: run without a rejected step",
        float(run.rejected == 0),
        0.0,
        0.0,
        kind="below",
        note=f"{run.rejected} of {run.rejected + len(run.table)} steps rejected",
    )
