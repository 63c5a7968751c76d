"""The engines that a case may name."""

from collections.abc import Mapping

from .engine import Engine
from .phase_field_engine import PhaseField
from .plane_engines import Cohesive, Plane

ENGINES: Mapping[str, Engine] = {"plane": Plane(), "cohesive": Cohesive(), "phase_field": PhaseField()}
