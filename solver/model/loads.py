"""Mechanical loads on a cell."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Loads:
    """Mechanical loading and lateral conditions."""

    stack_pressure: float = 0.0
    """P [MPa], on the anode face."""
    lateral: Literal["roller", "free"] = "free"
    lateral_stress: float = 0.0
    """Normal stress [MPa, tension positive] on a free lateral face."""
