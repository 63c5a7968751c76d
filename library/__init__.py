"""lifrac predicts when lithium metal cracks a solid electrolyte.

>>> import lifrac
>>> case = lifrac.load_case("llzo_holds", temperature="60 degC", stack_pressure="5 MPa")
>>> simulation = lifrac.Simulation(case)
>>> for step in simulation.steps():
...     print(step.time, step.voltage, step["crack_tip"])

Names are imported when they are first used, so that `import lifrac` is quick; docs/library.md describes them.
"""

import importlib
from typing import TYPE_CHECKING

from . import backend, quantities

if TYPE_CHECKING:
    from lifrac.errors import InputError, Interrupted, NumericalFailure
    from lifrac.meshes.builder import build as build_mesh
    from lifrac.meshes.geometries.cracked import CrackedSlab
    from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
    from lifrac.meshes.reader import read_mesh
    from lifrac.postprocess.read.run_result import RunResult
    from lifrac.problems.case.case import load_case
    from lifrac.problems.run.threshold_current import Threshold, threshold
    from lifrac.problems.studies.ccd.study import load_study
    from lifrac.simulation import Simulation
    from lifrac.solver.front.threshold import NoThreshold
    from lifrac.solver.model.cell_model import CohesiveModel, PhaseFieldModel, PlaneModel
    from lifrac.solver.model.control import ConstantCurrent, ConstantVoltage, Rest
    from lifrac.solver.model.electrolyte import Electrolyte
    from lifrac.solver.model.flaw import Flaw
    from lifrac.solver.model.fracture import AssistedCracking, Cohesion, DiffuseCrack
    from lifrac.solver.model.interface import ContactLaw, Kinetics
    from lifrac.solver.model.lithium import Creep
    from lifrac.solver.model.loads import ConstantPressure, FixedGap, Loads, Spring
    from lifrac.solver.model.protocol import ProtocolStep, StepControl, StopRules

_PLACES = {
    "AssistedCracking": "lifrac.solver.model.fracture",
    "Cohesion": "lifrac.solver.model.fracture",
    "CohesiveModel": "lifrac.solver.model.cell_model",
    "ConstantCurrent": "lifrac.solver.model.control",
    "ConstantPressure": "lifrac.solver.model.loads",
    "ConstantVoltage": "lifrac.solver.model.control",
    "ContactLaw": "lifrac.solver.model.interface",
    "CrackedSlab": "lifrac.meshes.geometries.cracked",
    "Creep": "lifrac.solver.model.lithium",
    "DiffuseCrack": "lifrac.solver.model.fracture",
    "Electrolyte": "lifrac.solver.model.electrolyte",
    "FixedGap": "lifrac.solver.model.loads",
    "Flaw": "lifrac.solver.model.flaw",
    "HalfPennyBlock": "lifrac.meshes.geometries.slabs",
    "InputError": "lifrac.errors",
    "Interrupted": "lifrac.errors",
    "Kinetics": "lifrac.solver.model.interface",
    "Loads": "lifrac.solver.model.loads",
    "NoThreshold": "lifrac.solver.front.threshold",
    "NumericalFailure": "lifrac.errors",
    "PhaseFieldModel": "lifrac.solver.model.cell_model",
    "PlaneModel": "lifrac.solver.model.cell_model",
    "ProtocolStep": "lifrac.solver.model.protocol",
    "Rest": "lifrac.solver.model.control",
    "RunResult": "lifrac.postprocess.read.run_result",
    "Simulation": "lifrac.simulation",
    "SlabEdgeFlaw": "lifrac.meshes.geometries.slabs",
    "Spring": "lifrac.solver.model.loads",
    "StepControl": "lifrac.solver.model.protocol",
    "StopRules": "lifrac.solver.model.protocol",
    "Threshold": "lifrac.problems.run.threshold_current",
    "build_mesh": "lifrac.meshes.builder:build",
    "load_case": "lifrac.problems.case.case",
    "load_study": "lifrac.problems.studies.ccd.study",
    "read_mesh": "lifrac.meshes.reader",
    "threshold": "lifrac.problems.run.threshold_current",
}
"""Module of each public name; a name after a colon is the one it has there."""

__all__ = [
    "AssistedCracking",
    "Cohesion",
    "CohesiveModel",
    "ConstantCurrent",
    "ConstantPressure",
    "ConstantVoltage",
    "ContactLaw",
    "CrackedSlab",
    "Creep",
    "DiffuseCrack",
    "Electrolyte",
    "FixedGap",
    "Flaw",
    "HalfPennyBlock",
    "InputError",
    "Interrupted",
    "Kinetics",
    "Loads",
    "NoThreshold",
    "NumericalFailure",
    "PhaseFieldModel",
    "PlaneModel",
    "ProtocolStep",
    "Rest",
    "RunResult",
    "Simulation",
    "SlabEdgeFlaw",
    "Spring",
    "StepControl",
    "StopRules",
    "Threshold",
    "build_mesh",
    "load_case",
    "load_study",
    "quantities",
    "read_mesh",
    "threshold",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("lifrac")
    if name not in _PLACES:
        raise AttributeError(f"module 'lifrac' has no attribute {name!r}")
    module, _, inside = _PLACES[name].partition(":")
    found = getattr(importlib.import_module(module), inside or name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])


backend.install()
