"""Laws on faces: a history at the nodes of a cell's faces, and the coefficients it gives to their equations.

A law keeps a state of its own (`LawState`). In a time step the equations see its coefficients at the state of the
start; the currents of the step then advance it, and a step in which it changes too much is refused
(`InterfaceLaw.change`).
Everything else follows from what a law says of itself: step control, events, histories, restart, changes of the mesh.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from lifrac.quantities import Quantity
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coefficient:
    """A number in the equations of a face that laws may change, each in its way and all together.

    Attributes
    ----------
    name : str
    neutral : float
        Its value without a law.
    combine : callable
        How the values of two laws act together.
    nodal : bool
        Whether it has a value at each node, or one for the cell.
    """

    name: str
    neutral: float
    combine: Callable[[Floats, Floats], Floats]
    nodal: bool = True


CONTACT = Coefficient("contact", 1.0, np.multiply)
"""Part of an electrode face that touches, times its constant contact fraction [-]."""
FILM_RESISTANCE = Coefficient("film_resistance", 0.0, np.add)
"""Resistance in series with charge transfer, on the current where a face touches [V m2/A]."""
EXCHANGE_CURRENT = Coefficient("exchange_current", 1.0, np.multiply)
"""Factor on the exchange current density [-]."""
TOUGHNESS = Coefficient("toughness", 1.0, np.multiply, nodal=False)
"""Gc_eff/Gc ahead of the crack [-]."""


@dataclass(frozen=True)
class LawState:
    """The memory of a law; values are never changed in place.

    Attributes
    ----------
    nodal : Mapping
        Arrays over the nodes of the engine, by names that no other law uses; linear between nodes.
    numbers : Mapping
        Numbers of the cell as a whole.
    """

    nodal: Mapping[str, Floats] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Face:
    """A face as an engine meshes it.

    Attributes
    ----------
    nodes : ndarray of int
        On this rank, among the engine's nodes.
    area : ndarray
        Area that belongs to each of them [um per depth in 2D, um2 in 3D]; zero where another rank counts it.
    contact_fraction : float
        Its constant part that touches [-].
    total : callable
        Sum of a number over all ranks (collective).
    """

    nodes: NDArray[np.intp]
    area: Floats
    contact_fraction: float
    total: Callable[[float], float]

    def integral(self, values: Floats) -> float:
        """Return int values dA for an array over the engine's nodes (collective)."""
        return self.total(float(self.area @ values[self.nodes]))

    def mean(self, values: Floats) -> float:
        """Mean over the face of an array over the engine's nodes (collective)."""
        return self.integral(values) / self.integral(np.ones_like(values))


@dataclass(frozen=True)
class Faces:
    """The faces of a cell.

    Attributes
    ----------
    size : int
        Nodes of the engine on this rank.
    anode, counter : Face
    crack : Face, optional
        The crack plane, where the crack has nodes of its own (plane engine); its mouth belongs to the anode as well.
    largest : callable
        Largest of a number over all ranks (collective).
    """

    size: int
    anode: Face
    counter: Face
    crack: Face | None = None
    largest: Callable[[float], float] = float

    @property
    def electrodes(self) -> dict[str, Face]:
        """Both electrode faces, by name."""
        return {"anode": self.anode, "counter": self.counter}

    def uniform(self, value: float, elsewhere: float = 0.0) -> Floats:
        """Return an array over the engine's nodes that is constant on both electrode faces."""
        found = np.full(self.size, elsewhere)
        for face in self.electrodes.values():
            found[face.nodes] = value
        return found


@dataclass(frozen=True)
class FaceStep:
    """An accepted or proposed time step as the faces saw it.

    Attributes
    ----------
    dt : float
        [s].
    stack_pressure : float
        P during the step [MPa].
    largest_stack_pressure : float
        Of the past, before the step [MPa].
    current : ndarray
        Current density at each node where the face touches, at the end of the step; positive plates [A/m2].
    tip_current : callable
        Plating current density of the crack faces at the front of the lithium, at the end of the step [A/m2].
    """

    dt: float
    stack_pressure: float
    largest_stack_pressure: float
    current: Floats
    tip_current: Callable[[], float]


@dataclass(frozen=True)
class Limit:
    """A value of an output whose passing, downwards, is an event of a face; time steps end there.

    Attributes
    ----------
    quantity : str
        Name of the output.
    least : float
    event : str
        Name of the event.
    face : str
        "anode" or "counter".
    description : str
        What the quantity is, for people.
    """

    quantity: str
    least: float
    event: str
    face: str
    description: str

    def passed(self, value: float) -> bool:
        """Whether the output has come down to it."""
        return value <= self.least


class InterfaceLaw(ABC):
    """A history law on the faces of a cell: parameters in, `LawState` out; the same law serves every engine.

    Methods whose numbers are for the whole cell are collective where the engine is.

    Attributes
    ----------
    name : str
        Stands for the law in restart files and, with "change", for the reason of a refused time step.
    coefficients_of : tuple of Coefficient
        What it gives to the equations; an engine refuses a law whose coefficients it has no use for.
    quantities : tuple of Quantity
        Entries of outputs that `lifrac.quantities` does not have yet.
    """

    is_law = True
    name: str
    coefficients_of: tuple[Coefficient, ...]
    quantities: tuple[Quantity, ...] = ()

    @abstractmethod
    def initial(self, faces: Faces, stack_pressure: float) -> LawState:
        """Return the state of the cell as assembled, under the stack pressure [MPa], before any current."""

    @abstractmethod
    def advance(self, state: LawState, faces: Faces, step: FaceStep) -> LawState:
        """Return the state after a time step."""

    @abstractmethod
    def coefficients(self, state: LawState, dt: float) -> Mapping[Coefficient, Floats | float]:
        """Coefficients that act in a step of `dt` [s] from `state`; with dt = 0 those that acted in the step to it."""

    def change(self, old: LawState, new: LawState) -> float:
        """Change in a step at the nodes of this rank, over what one step may bring [-]."""
        return 0.0

    @property
    def shortest_step(self) -> float:
        """Step [s] that is refused no more for its change."""
        return 0.0

    def outputs(self, state: LawState, faces: Faces) -> Mapping[str, float]:
        """Quantities of a history by name, in internal units (collective)."""
        return {}

    def limits(self, stack_pressure: float) -> Sequence[Limit]:
        """Values of outputs that are events, under the stack pressure [MPa]."""
        return ()
