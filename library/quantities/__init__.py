"""The one registry of quantities: histories, summaries, field files, readers, figures and tables of docs/ come from it.

A quantity of one's own is one entry with one function; it becomes a column of `history.csv`, or an array of
`fields.vtkhdf`, of every simulation that begins from then on:

>>> @lifrac.quantities.register(name="fill", description="part of the crack that lithium fills")
... def fill(at):
...     return at["lithium_volume"] / at["flaw_volume"]

A function for a history gets a `StateView`, one for a field (`kind=Kind.FIELD`) a `FieldView`, of whichever engine, and
returns internal units (um, s, MPa, V, A/m2). Register on every rank; a simulation on several ranks calls it on those
that step.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

from .capacities import CAPACITIES
from .catalogue import FIELDS, RUN, STEPS
from .registry import AT_END, LARGEST, Function, Kind, Place, Quantity, Registry, SummaryKey, Unit, View, split
from .registry import in_units as _in_units
from .registry import key_among as _key_among

__all__ = [
    "AT_END",
    "CAPACITIES",
    "HISTORY_COLUMNS",
    "LARGEST",
    "REGISTRY",
    "Kind",
    "Place",
    "Quantity",
    "Registry",
    "SummaryKey",
    "Unit",
    "View",
    "declare",
    "declare_own",
    "field",
    "function",
    "functions",
    "in_units",
    "key_among",
    "label",
    "number",
    "register",
    "split",
    "unregister",
]

REGISTRY = Registry()
for _entry in (*RUN, *STEPS, *FIELDS):
    REGISTRY.declare(_entry)

HISTORY_COLUMNS = REGISTRY.columns()
"""Columns that every `history.csv` has, in this order; those of laws and of users come after them."""

declare, declare_own = REGISTRY.declare, REGISTRY.declare_own
function, functions = REGISTRY.function, REGISTRY.functions


@overload
def register(quantity: Quantity, /) -> Quantity: ...
@overload
def register(*, name: str, **entry: Any) -> Callable[[Function], Quantity]: ...
def register(quantity: Quantity | None = None, /, **entry: Any) -> Quantity | Callable[[Function], Quantity]:
    """Make an entry with the function that computes it, for all simulations that begin from now on.

    Parameters
    ----------
    quantity : Quantity, optional
        With a `function`.
    entry
        Attributes of `Quantity`, where the decorated function is the one that computes it.

    Raises
    ------
    InputError
        If the name is none in Python, or stands for another quantity already.
    """
    if quantity is None:
        return lambda compute: register(Quantity(**entry, function=compute))
    declare(quantity)
    if quantity.function is not None:
        function(quantity.name, View, field=quantity.is_field)(quantity.function)
    return quantity


def unregister(quantity: Quantity) -> None:
    """Forget a quantity: simulations that begin from now on do without it."""
    REGISTRY.remove(quantity.name, field=quantity.is_field)


def number(name: str) -> Quantity:
    """Return a quantity that is a number or a word, by its name with or without the unit.

    KeyError tells what comes near.
    """
    return REGISTRY.find(name)


def field(name: str) -> Quantity:
    """Return a field, by its name with or without the unit; KeyError tells what comes near."""
    return REGISTRY.find(name, field=True)


def key_among(name: str, keys: Iterable[str], *, field: bool = False) -> str:
    """Which of the names in a file, columns or arrays, a quantity has; it is given with or without the unit.

    Raises
    ------
    KeyError
        With the names that come nearest.
    """
    return _key_among(name, keys, REGISTRY.all(field=field))


def label(key: str) -> str:
    """Return what to write on the axis of a figure for a number by its name in files.

    Others are told from that name.
    """
    try:
        return number(key).label
    except KeyError:
        name, unit = split(key)
        return Quantity(name="_", title=name.replace("_", " ").capitalize(), unit=unit.text).label


def in_units(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and words by their names in files, in the units in which they are written; given by name, internally."""
    return _in_units(values, REGISTRY)
