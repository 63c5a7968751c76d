"""A small LLZO cell that many tests share: 60 um of electrolyte with a flaw of 10 um."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.cohesive.cohesive_problem import SurfaceProblem
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.plane.bulk import Bulk, Response
from lifrac.solver.plane.surface import SurfaceMesh, gather_surface
from lifrac.solver.protocol.stepper import StepReport
from mpi4py import MPI

SLAB = SlabEdgeFlaw(thickness=60, half_width=60, flaw_length=10, crack_size=0.5, far_size=6, path_growth=0.05)
LLZO = Electrolyte(conductivity=5.0e4, youngs_modulus=150.0e3, poisson_ratio=0.26, fracture_energy=6.0)
FACE = Kinetics(exchange_current=51.0, temperature=298.15)
LITHIUM = Creep(prefactor=7.7e-3, exponent=6.56)
HOUR = 3600.0


@cache
def slab() -> TaggedMesh:
    return build(SLAB, MPI.COMM_SELF)


@cache
def surface() -> SurfaceMesh:
    return gather_surface(slab())


@cache
def bulk(lateral: str = "free") -> Bulk:
    return Bulk(slab(), surface(), LLZO.poisson_ratio, Loads(lateral=lateral))  # type: ignore[arg-type]


@cache
def response(lateral: str = "free") -> Response:
    return bulk(lateral).response()


def constant(current: float, charge: float) -> ProtocolStep:
    """Constant current [A/m2] up to a charge [C/m2]."""
    return ProtocolStep(ConstantCurrent(current), charge)


def cell(*protocol: ProtocolStep, **changes: Any) -> CohesiveModel:
    """The cell at 1 MPa with a full flaw of 20 nm; `changes` replace parts of the model."""
    model = CohesiveModel(LLZO, FACE, FACE, LITHIUM, Flaw(10.0, 0.02), Loads(1.0, lateral="free"), protocol=protocol)
    return replace(model, **changes)


def problem(model: CohesiveModel) -> SurfaceProblem:
    return SurfaceProblem(surface(), response(model.loads.lateral), model)


@dataclass(frozen=True)
class Run:
    """All accepted steps of a run."""

    engine: CohesiveEngine
    reports: list[StepReport]

    def column(self, name: str) -> np.ndarray:
        return np.array([getattr(r.measures, name) for r in self.reports])

    @property
    def events(self) -> list[str]:
        return [e.name for r in self.reports for e in r.events]


def run(model: CohesiveModel) -> Run:
    engine = CohesiveEngine(problem(model))
    return Run(engine, list(engine.run()))
