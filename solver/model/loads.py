"""Mechanical loads on a cell, and the fixture that holds its stack."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from .stated import HASHED_IF_STATED


class Fixture(Protocol):
    """A fixture that holds the stack together."""

    def stiffness(self, stack: float) -> float:
        """Rise of the stack pressure per growth of the stack [MPa/um].

        `stack`: what an elastic stack alone gives between rigid plates [MPa/um].
        """


@dataclass(frozen=True)
class ConstantPressure:
    """A press that follows the stack: the pressure is what the protocol says."""

    def stiffness(self, stack: float) -> float:
        """0 [MPa/um]."""
        return 0.0


@dataclass(frozen=True)
class Spring:
    """Bolts, springs or a frame that give way in proportion to the pressure."""

    modulus: float
    """k [MPa/um]: rise of the stack pressure per um by which the plates move apart."""

    def stiffness(self, stack: float) -> float:
        """Spring and elastic stack in series, 1/(1/k + 1/k_stack) [MPa/um]."""
        return self.modulus * stack / (self.modulus + stack)


@dataclass(frozen=True)
class FixedGap:
    """Rigid plates: what grows is taken up by the elastic strain of the electrolyte."""

    def stiffness(self, stack: float) -> float:
        """k_stack [MPa/um]."""
        return stack


Lateral = Literal["die", "plate", "free"]
"""What holds the sides of the electrolyte."""


@dataclass(frozen=True)
class Loads:
    """Mechanical loading and lateral conditions."""

    stack_pressure: float = 0.0
    """P [MPa] on the anode face at the start; what acts later is `CellState.stack_pressure`."""
    lateral: Lateral = "die"
    """Sides: `die` holds u_x = 0; `plate` keeps u_x uniform, with `lateral_stress` in the mean (plane engines); `free`
    leaves them to `lateral_stress`."""
    lateral_stress: float = 0.0
    """Normal stress [MPa, tension positive] on sides that are not held."""
    fixture: Fixture = field(default_factory=ConstantPressure, metadata=HASHED_IF_STATED)
    counter_volume: float = field(default=0.0, metadata=HASHED_IF_STATED)
    """Volume that the counter electrode gives up per volume of lithium plated at the anode [-]: 0 for a host that keeps
    its volume, 1 for lithium."""
