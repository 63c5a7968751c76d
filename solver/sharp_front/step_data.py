"""What a time step at a given front starts from, what is asked of it, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lifrac.solver.model.control import Closure
from numpy.typing import NDArray

from .charge import ElectrodeState
from .state import CrackState

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Control = Callable[[float, float], Closure]


@dataclass(frozen=True)
class StepStart:
    """What a time step starts from.

    Attributes
    ----------
    crack : CrackState
        With the front that the step has.
    electrodes : ElectrodeState
    thickness : ndarray
        (N,) lithium at the start [um].
    fill : ndarray
        (N,) its fill fraction.
    carrying : int
        Number of nodes that may carry current, from the mouth on.
    touching : ndarray of bool
        (N,) nodes whose faces have come so close that no lithium is between them that counts.
    """

    crack: CrackState
    electrodes: ElectrodeState
    thickness: Floats
    fill: Floats
    carrying: int
    touching: Mask


@dataclass(frozen=True)
class StepRequest:
    """What is asked of a step.

    Attributes
    ----------
    dt : float
        Its length [s], or where to begin looking for it.
    toughness : float or None
        K at the end [MPa sqrt(um)], which then decides dt; None leaves dt as it is.
    control : callable
    stack_pressure : float
        [MPa].
    filled : bool
        Whether to begin with lithium up to the tip: a node that opens has the pressure of the one before.
    """

    dt: float
    toughness: float | None
    control: Control
    stack_pressure: float
    filled: bool = False


@dataclass(frozen=True)
class StepSolution:
    """The end of a time step."""

    crack: CrackState
    electrodes: ElectrodeState
    dt: float
    """[s]."""
    iterations: int
    mouth_inflow: float
    """Lithium that came in through the mouth [um2/s]."""
    nodal_current: Floats
    """(N,) current into the crack at its nodes [A/m2 um]."""


class NeedsMoreNodes(Exception):
    """Lithium has come to the last node that the solution looks at."""
