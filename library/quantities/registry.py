"""The definition of a quantity, and the registry that holds one entry for each (imports nothing heavy).

An entry states how a quantity is called, in which unit it is written, and where it lives. Functions that compute it are
kept beside the entries, by the type of what they look at: a time step, the state of one engine or of any, its fields.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from lifrac.errors import InputError
from lifrac.solver.physics.constants import AMPERE_PER_M2_PER_MA_PER_CM2, COULOMB_PER_M2_PER_MAH_PER_CM2

Function = Callable[[Any], Any]
"""Computes a quantity from what it looks at, in internal units (um, s, MPa, V, A/m2, C/m2)."""


class View:
    """The object that functions of quantities look at, whatever the engine: a `StateView` or a `FieldView`."""


class Kind(Enum):
    """The form in which a quantity is written."""

    HISTORY = "history"
    """A number for each accepted step: a column of `history.csv`."""
    BALANCE = "balance"
    """The relative error of a balance: a column as well, whose worst value is in the summary."""
    DIAGNOSTIC = "diagnostic"
    """A number for each accepted step without a column."""
    SUMMARY = "summary"
    """A number or a word for the whole run: a key of `summary.json`."""
    FIELD = "field"
    """A point array of `fields.vtkhdf`."""


class Place(Enum):
    """The object that a quantity belongs to."""

    CELL = "cell"
    BULK = "bulk"
    CRACK = "crack"
    FACES = "faces"
    """Both electrode faces."""
    SURFACES = "surfaces"
    """The crack and both electrode faces."""


@dataclass(frozen=True)
class Unit:
    """A unit of what is written.

    Attributes
    ----------
    text : str
        For tables, "mA/cm2".
    suffix : str
        End of a column name, "mA_per_cm2".
    label : str
        For axes of figures, in Matplotlib's TeX.
    internal : float
        How much one of it is in internal units: 10 A/m2.
    internal_text : str
        The internal unit; empty: the same.
    """

    text: str
    suffix: str
    label: str
    internal: float = 1.0
    internal_text: str = ""

    @classmethod
    def of(cls, text: str) -> "Unit":
        """Return the unit of that text; one that lifrac does not know is written as it is computed."""
        if text in UNITS:
            return UNITS[text]
        suffix = "".join(c if c.isalnum() else "_" for c in text.replace("/", "_per_").replace("^", ""))
        return cls(text, suffix, text)


UNITS = {
    unit.text: unit
    for unit in (
        Unit("", "", ""),
        Unit("s", "s", "s"),
        Unit("um", "um", "µm"),
        Unit("um2", "um2", "µm$^2$"),
        Unit("V", "V", "V"),
        Unit("MPa", "MPa", "MPa"),
        Unit("MPa m0.5", "MPa_sqrt_m", "MPa m$^{1/2}$", 1.0e3, "MPa um0.5"),
        Unit("degC", "C", "°C"),
        Unit("mA/cm2", "mA_per_cm2", "mA cm$^{-2}$", AMPERE_PER_M2_PER_MA_PER_CM2, "A/m2"),
        Unit("mAh/cm2", "mAh_per_cm2", "mAh cm$^{-2}$", COULOMB_PER_M2_PER_MAH_PER_CM2, "C/m2"),
    )
}
"""Units of what lifrac writes, by text."""
AT_END, LARGEST = "at the end", "largest of the run"
"""How a summary says what a history tells."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One quantity: everything that is said about it anywhere comes from here.

    Attributes
    ----------
    name : str
        In Python, without the unit.
    description : str
        For the tables in docs/; one clause.
    unit : str
        Unit in which it is written (`UNITS`); functions return internal units. A unit that is not in `UNITS` is that of
        the function.
    symbol : str
        In TeX, without dollars.
    kind : Kind
    place : Place
    components : int
        1: scalar, 3: vector, 6: symmetric tensor (xx yy zz xy yz xz).
    default : float, optional
        History: its value in older run folders, which lack the column; NaN if nobody knows.
    written_as : str
        Its name in files without the unit, where that is not `name`.
    title : str
        In figures; default: the name in words.
    at_end, largest : str
        History: under which names, without the unit, the summary has its value at the end and the largest of the run.
    function : callable, optional
        Computes it for every engine, from a `StateView`, for a field from a `FieldView`; see `Registry.function`.

    Raises
    ------
    InputError
        If the name cannot be one in Python.
    """

    name: str
    description: str = ""
    unit: str = ""
    symbol: str = ""
    kind: Kind = Kind.HISTORY
    place: Place = Place.CELL
    components: int = 1
    default: float | None = None
    written_as: str = ""
    title: str = ""
    at_end: str = ""
    largest: str = ""
    function: Function | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            remedy = "Use letters, digits and underscores, without the unit: crack_length"
            raise InputError("is no name of a quantity", key="name", value=self.name, remedy=remedy)

    @property
    def key(self) -> str:
        """Its name in files, with the unit: a column, an array or a key of the summary."""
        return self._with_unit(self.written_as or self.name)

    @property
    def end_key(self) -> str:
        """Key of the summary for its value at the end; empty if there is none."""
        return self._with_unit(self.at_end) if self.at_end else ""

    @property
    def largest_key(self) -> str:
        """Key of the summary for the largest value of the run; empty if there is none."""
        return self._with_unit(self.largest) if self.largest else ""

    def _with_unit(self, name: str) -> str:
        suffix = Unit.of(self.unit).suffix
        return f"{name}_{suffix}" if suffix else name

    @property
    def display_name(self) -> str:
        """Its name for people."""
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def label(self) -> str:
        """For an axis of a figure, with the unit."""
        unit = Unit.of(self.unit).label
        return f"{self.display_name} ({unit})" if unit else self.display_name

    @property
    def is_field(self) -> bool:
        """Whether the quantity is a field on the mesh rather than a number of a step or a run."""
        return self.kind is Kind.FIELD

    @property
    def in_history(self) -> bool:
        """Whether it is a column of `history.csv`."""
        return self.kind in (Kind.HISTORY, Kind.BALANCE)

    def out(self, value: Any) -> Any:
        """Return a value, or an array, in the unit in which it is written; words and None stay what they are."""
        internal = Unit.of(self.unit).internal
        return value if value is None or internal == 1.0 else value / internal


class Registry:
    """Entries in the order in which they are written, and the functions that compute them."""

    def __init__(self) -> None:
        self._entries: dict[tuple[bool, str], Quantity] = {}
        self._functions: dict[tuple[bool, str], dict[type, Function]] = {}
        self._looked_up: dict[Any, tuple[Any, ...]] = {}
        """Answers since the last change: every time step asks for them."""
        self._of_single: set[tuple[bool, str]] = set()
        """Entries that a single simulation has made, which another one may state anew."""

    # -- entries -------------------------------------------------------------------------------------------------

    def declare(self, quantity: Quantity) -> Quantity:
        """Make an entry; once more for one that is there already. Nobody computes it yet.

        Raises
        ------
        InputError
            If its name, or its name in files, stands for another quantity.
        """
        entry, place = replace(quantity, function=None), (quantity.is_field, quantity.name)
        if self._entries.get(place) == entry:
            return entry
        taken = {key for other in self.all(field=entry.is_field) for key in _keys(other)}
        if place in self._entries or taken & set(_keys(entry)):
            raise InputError(
                "stands for another quantity already", key="name", value=entry.name, remedy="Choose another name"
            )
        self._entries[place] = entry
        self._looked_up.clear()
        return entry

    def declare_own(self, quantities: Iterable[Quantity]) -> tuple[Quantity, ...]:
        """Make entries of what a single simulation measures, each with its function.

        The next simulation may state another quantity of the same name.

        Raises
        ------
        InputError
            As `declare`, and for one without a function.
        """
        own = tuple(quantities)
        for quantity in own:
            if quantity.function is None:
                remedy = "State the `function` that computes it"
                raise InputError("has no function", key="quantities", value=quantity.name, remedy=remedy)
            place = (quantity.is_field, quantity.name)
            if place in self._of_single:
                self._entries.pop(place, None)
            elif place not in self._entries:
                self._of_single.add(place)
            self.declare(quantity)
        return own

    def remove(self, name: str, *, field: bool = False) -> None:
        """Forget an entry and its functions."""
        self._entries.pop((field, name), None)
        self._functions.pop((field, name), None)
        self._looked_up.clear()

    def all(self, *, field: bool = False) -> tuple[Quantity, ...]:
        """All fields, or everything else."""
        return tuple(entry for (is_field, _), entry in self._entries.items() if is_field == field)

    def history(self) -> tuple[Quantity, ...]:
        """Columns of `history.csv` in their order."""
        if "history" not in self._looked_up:
            self._looked_up["history"] = tuple(entry for entry in self._entries.values() if entry.in_history)
        return self._looked_up["history"]

    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `history.csv` in their order."""
        return tuple(entry.key for entry in self.history())

    def summary(self) -> tuple["SummaryKey", ...]:
        """Keys of `summary.json`."""
        return tuple(key for entry in self.all() for key in _summary_keys(entry))

    def find(self, name: str, *, field: bool = False) -> Quantity:
        """Return the entry of a name, with or without the unit.

        Raises
        ------
        KeyError
            With the names that come nearest.
        """
        if entry := self._entries.get((field, name)):
            return entry
        known = {known: entry for entry in self.all(field=field) for known in (entry.name, entry.key)}
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, 3, 0.4)
        raise KeyError(f"{name!r} is no quantity; near: {', '.join(near) or 'none'}")

    # -- functions -----------------------------------------------------------------------------------------------

    def function(self, name: str, on: type, *, field: bool = False) -> Callable[[Function], Function]:
        """Make the decorated function the one that computes a quantity from an `on`, or from what is derived from it.

        Raises
        ------
        KeyError
            If there is no entry of that name.
        """
        place = (field, name)
        self._entries[place]

        def keep(function: Function) -> Function:
            self._functions.setdefault(place, {})[on] = function
            self._looked_up.clear()
            return function

        return keep

    def functions(self, on: type, *, field: bool = False) -> tuple[tuple[Quantity, Function], ...]:
        """Return what can be computed from an `on`, in the order of the entries; the most specific function of each."""
        if (on, field) not in self._looked_up:
            self._looked_up[on, field] = tuple(self._known(on, field))
        return self._looked_up[on, field]

    def _known(self, on: type, field: bool) -> Iterator[tuple[Quantity, Function]]:
        for (is_field, name), entry in self._entries.items():
            known = self._functions.get((is_field, name), {}) if is_field == field else {}
            if found := next((known[base] for base in on.__mro__ if base in known), None):
                yield entry, found


@dataclass(frozen=True)
class SummaryKey:
    """A key of `summary.json`, the quantity it belongs to, and how it comes from its history."""

    key: str
    quantity: Quantity
    how: str = ""
    """`AT_END`, `LARGEST`, or nothing: it has no history."""


def split(key: str) -> tuple[str, Unit]:
    """Return a name in files without its unit, and the unit that stands at its end; none if that is not in `UNITS`."""
    ends = (unit for unit in UNITS.values() if unit.suffix and key.endswith(f"_{unit.suffix}"))
    unit = max(ends, key=lambda unit: len(unit.suffix), default=UNITS[""])
    return key.removesuffix(f"_{unit.suffix}") if unit.suffix else key, unit


def key_among(name: str, keys: Iterable[str], entries: Iterable[Quantity]) -> str:
    """Which of the names in a file a quantity has, which is given with or without the unit.

    Raises
    ------
    KeyError
        With the names that come nearest.
    """
    keys = tuple(keys)
    written = {entry.name: entry.key for entry in entries}.get(name, name)
    found = [key for key in keys if key in (name, written)] or [key for key in keys if split(key)[0] == name]
    if len(found) == 1:
        return found[0]
    near = found or difflib.get_close_matches(name, keys, 3, 0.4)
    raise KeyError(f"{name!r} is no quantity here; near: {', '.join(near) or ', '.join(keys)}")


def _summary_keys(entry: Quantity) -> Iterator[SummaryKey]:
    if entry.kind is Kind.SUMMARY:
        yield SummaryKey(entry.key, entry)
    if entry.end_key:
        yield SummaryKey(entry.end_key, entry, AT_END)
    if entry.largest_key:
        yield SummaryKey(entry.largest_key, entry, LARGEST)


def _keys(entry: Quantity) -> set[str]:
    return {entry.name, entry.key, entry.end_key, entry.largest_key} - {""}


def in_units(values: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Values by their names in files, in the units in which they are written; given by name, in internal units."""
    entries = [registry.find(name) for name in values]
    return {entry.key: entry.out(value) for entry, value in zip(entries, values.values(), strict=True)}
