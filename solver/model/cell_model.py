"""Everything an engine needs besides the mesh: frozen values in internal units (um, s, MPa, V, A/m2, K).

`lifrac.problems` resolves a case file and its material cards into these; nothing here knows about files.
"""

from dataclasses import dataclass, field

from lifrac.solver.interfaces.law import InterfaceLaw

from .electrolyte import Electrolyte, GrainBoundaries
from .flaw import Flaw
from .fracture import AssistedCracking, Cohesion, DiffuseCrack
from .interface import ContactLaw, Kinetics
from .lithium import Creep
from .loads import Loads
from .protocol import ProtocolStep, StepControl, StopRules
from .stated import HASHED_IF_STATED


@dataclass(frozen=True)
class CellModel:
    """Everything the engines need besides the mesh and their own way of fracture."""

    electrolyte: Electrolyte
    anode: Kinetics
    counter: Kinetics
    creep: Creep
    flaw: Flaw
    loads: Loads = field(default_factory=Loads)
    protocol: tuple[ProtocolStep, ...] = ()
    stop: StopRules = field(default_factory=StopRules)
    control: StepControl = field(default_factory=StepControl)
    contact: ContactLaw | None = None
    """None: faces keep their contact fraction."""
    assisted: AssistedCracking | None = None
    """None: the toughness does not depend on the current."""
    laws: tuple[InterfaceLaw, ...] = field(default=(), metadata=HASHED_IF_STATED)
    """Laws on the faces besides these two."""

    @property
    def pressure_changes(self) -> bool:
        """Whether the stack pressure may become another one than at the start."""
        stated = any(step.stack_pressure is not None for step in self.protocol)
        return stated or self.loads.fixture.stiffness(1.0) > 0.0


@dataclass(frozen=True)
class PlaneModel(CellModel):
    """Everything the plane engine needs besides the mesh: its crack grows with K = K_Ic at a sharp front."""


@dataclass(frozen=True)
class CohesiveModel(PlaneModel):
    """Everything the cohesive engine needs besides the mesh: tractions hold the faces of its plane crack together."""

    cohesion: Cohesion = field(default_factory=Cohesion)


@dataclass(frozen=True)
class PhaseFieldModel(CellModel):
    """Everything the phase-field engine needs besides the mesh."""

    diffuse: DiffuseCrack = field(kw_only=True)
    boundaries: GrainBoundaries | None = None
    """None: one crystal."""
    adaptive: bool = False
    """Refine the mesh where cracks are and go, during the run."""
