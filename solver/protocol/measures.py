"""Measures of a committed state for histories, and how the functions that compute them look at the state."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lifrac import quantities
from lifrac.errors import InputError
from lifrac.quantities import Quantity, View
from lifrac.solver.model.cell_model import CellModel
from numpy.typing import NDArray

from .cell_state import CellState

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Areas:
    """Areas of the electrodes as meshed, a half or a quarter of them where the body is one [um2; um per depth in 2D].

    The anode's includes the mouths of flaws, and not their faces.
    """

    anode: float
    counter: float


class Measures(Mapping[str, float]):
    """Numbers of one committed state by name (`lifrac.quantities`), in internal units, per unit depth in 2D.

    `measures.crack_tip` is `measures["crack_tip"]` [um].

    Parameters
    ----------
    values : Mapping
        They are copied.
    """

    __slots__ = ("_values",)
    _values: dict[str, float]

    def __init__(self, values: Mapping[str, float]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> float:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"{name!r} is not measured; measured are {', '.join(self._values)}")
        return self._values[name]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("measures of a committed state do not change")

    def __reduce__(self) -> tuple[Any, ...]:
        return Measures, (self._values,)

    def __repr__(self) -> str:
        return f"Measures({self._values!r})"


class StateView(View, ABC):
    """A committed state as functions of quantities see it: `at["lithium_volume"]` is another quantity of it.

    Where the engine steps on several ranks all of them look, and get the same numbers.

    Attributes
    ----------
    model : CellModel
    state : CellState
    """

    model: CellModel
    state: CellState

    def __init__(self) -> None:
        self._functions: dict[str, Callable[[Any], Any]] = {}
        self._found: dict[str, float] = {}
        self._asked: list[str] = []

    @property
    @abstractmethod
    def crack_area(self) -> Floats:
        """Return the area of the crack that belongs to each node of this rank.

        It is that of what is meshed [um per depth in 2D, um2 in 3D].
        """

    @property
    @abstractmethod
    def points(self) -> Floats:
        """Return where the nodes of this rank are (n, 3) [um]; y is the distance from the anode face."""

    @property
    @abstractmethod
    def areas(self) -> Areas:
        """Return the areas of the electrodes as meshed."""

    @property
    @abstractmethod
    def currents(self) -> tuple[float, float, float]:
        """Into the crack, into the anode face, and out of the counter electrode [A/m2 um, times um in 3D].

        They are those of what is meshed, so that half a body has half of them.
        """

    @property
    @abstractmethod
    def smallest_volume(self) -> float:
        """Return the volume of lithium below which the error of its balance is relative to it."""

    @abstractmethod
    def nodal(self, name: str) -> Floats:
        """Values of a field on the crack at the same nodes, in internal units.

        `aperture` [um], `lithium_thickness` [um], `lithium_pressure` [MPa] or `damage`; KeyError for others.
        """

    @abstractmethod
    def total(self, values: Floats) -> float:
        """Sum over the nodes of all ranks (collective)."""

    def __getitem__(self, name: str) -> float:
        if name not in self._found:
            self._found[name] = self._computed(name)
        return self._found[name]

    def measured(self, more: Iterable[Quantity] = (), outputs: Mapping[str, float] | None = None) -> Measures:
        """All numbers of the state (collective).

        Parameters
        ----------
        more : iterable of Quantity
            Besides those that are registered, each with its function.
        outputs : Mapping, optional
            What laws on the faces know of the state, by name, in internal units.

        Raises
        ------
        InputError
            If a function returns what is no number, or asks for itself. On every rank alike.
        """
        self._found = dict(outputs or {})
        self._functions = {entry.name: function for entry, function in quantities.functions(type(self))}
        self._functions |= {entry.name: entry.function for entry in more if entry.function and not entry.is_field}
        for name in self._functions:
            self[name]
        return Measures(self._found)

    def _computed(self, name: str) -> float:
        if name not in self._functions:
            raise KeyError(f"{name!r} is not measured here; measured are {', '.join(self._functions)}")
        if name in self._asked:
            remedy = "Compute it from other quantities"
            raise InputError("asks for itself", key="quantity", value=name, remedy=remedy)
        self._asked.append(name)
        value = self._functions[name](self)
        self._asked.pop()
        try:
            return float(value)
        except (TypeError, ValueError):
            remedy = "Let its function return a number in internal units"
            raise InputError(
                f"gives {value!r}, which is no number", key="quantity", value=name, remedy=remedy
            ) from None


@quantities.function("contact_anode", StateView)
@quantities.function("contact_counter", StateView)
@quantities.function("toughness_factor", StateView)
def as_assembled(at: StateView) -> float:
    """Value where no law changes it."""
    return 1.0


@quantities.function("flaw_current_share", StateView)
def flaw_current_share(at: StateView) -> float:
    """Return the current into the crack over the current into crack and anode face; 0 at rest."""
    crack, anode, _ = at.currents
    total = crack + anode
    return crack / total if abs(total) > 1.0e-9 * at.areas.anode else 0.0


@quantities.function("charge_balance_error", StateView)
def charge_balance_error(at: StateView) -> float:
    """Charge in at the counter electrode less charge out at the anode, over the charge in."""
    state = at.state
    floor = at.areas.anode * max(state.throughput, 1.0)
    return relative(state.charge_in - state.charge_out, abs(state.charge_in), floor)


@quantities.function("lithium_balance_error", StateView)
def lithium_balance_error(at: StateView) -> float:
    """Lithium in the flaw less what was there, was plated there, and has not left it, over what was exchanged."""
    state = at.state
    metal = state.initial_lithium + state.plated_in_flaw - state.extruded
    return relative(at["lithium_volume"] - metal, max(abs(metal), state.exchanged), at.smallest_volume)


@quantities.function("anode_current_density", StateView)
def anode_current_density(at: StateView) -> float:
    """Return the current into anode face and flaw, per area of the anode."""
    crack, anode, _ = at.currents
    return (crack + anode) / at.areas.anode


@quantities.function("counter_current_density", StateView)
def counter_current_density(at: StateView) -> float:
    """Return the current out of the counter electrode, per area of it."""
    return at.currents[2] / at.areas.counter


def relative(difference: float, size: float, floor: float) -> float:
    """|difference| over a size that is at least `floor`."""
    return abs(difference) / max(size, floor)
