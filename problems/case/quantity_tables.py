"""Tables of docs/ that are made from the registry of quantities (`lifrac.quantities`)."""

import textwrap
from collections.abc import Callable, Iterable

from lifrac import quantities
from lifrac.quantities import AT_END, LARGEST, Place, Quantity, SummaryKey, Unit
from lifrac.solver.output.field_view import FieldView
from lifrac.solver.phase_field.phase_field_fields import PhaseFieldFields
from lifrac.solver.plane.plane_fields import PlaneFields

PLACES = {
    Place.BULK: "electrolyte",
    Place.CRACK: "crack",
    Place.FACES: "electrode faces",
    Place.SURFACES: "crack and electrode faces",
    Place.CELL: "",
}
"""Words for where a field lives."""
WIDTH = 140
"""Length of a line of names in docs/architecture.md."""


def _table(heading: str, rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heading, "|" + "---|" * heading.count(" | ") + "---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _symbol(entry: Quantity) -> str:
    return f"${entry.symbol}$" if entry.symbol else ""


def history_table() -> str:
    """Columns of `history.csv`."""
    rows = (
        (f"`{entry.key}`", _symbol(entry), entry.unit, entry.description)
        for entry in quantities.REGISTRY.history()
        if entry.key in quantities.HISTORY_COLUMNS  # those that every engine has
    )
    return _table("| column | symbol | unit | meaning |", rows)


def summary_table() -> str:
    """Keys of `summary.json`."""
    rows = ((f"`{key.key}`", key.quantity.unit, _of_summary(key)) for key in quantities.REGISTRY.summary())
    return _table("| key | unit | meaning |", rows)


def _of_summary(key: SummaryKey) -> str:
    entry = key.quantity
    if key.how == LARGEST:
        return f"largest `{entry.key}` of the whole run"
    if key.how == AT_END and entry.in_history:
        return f"at the end of the run: `{entry.key}` in the last row of `history.csv`"
    return f"at the end: {entry.description}" if key.how == AT_END else entry.description


def _field_table(view: type[FieldView]) -> str:
    entries = (entry for entry, _ in quantities.functions(view, field=True))
    kinds = {1: "", 3: ", 3 components", 6: ", 6 components"}
    rows = ((f"`{e.key}`", _symbol(e), e.unit, PLACES[e.place] + kinds[e.components], e.description) for e in entries)
    return _table("| point array | symbol | unit | lives on | meaning |", rows)


def plane_field_table() -> str:
    """Point arrays of the plane engine."""
    return _field_table(PlaneFields)


def phase_field_table() -> str:
    """Point arrays of the phase-field engine."""
    return _field_table(PhaseFieldFields)


def library_field_table() -> str:
    """Fields of a `Simulation`, with where they live in each engine."""
    engines = [
        {entry.name for entry, _ in quantities.functions(v, field=True)} for v in (PlaneFields, PhaseFieldFields)
    ]
    rows = []
    for entry in quantities.REGISTRY.all(field=True):
        unit = Unit.of(entry.unit)
        homes = ("mesh" if entry.place is Place.BULK else "surface mesh", "mesh")
        lives = (home if entry.name in known else "" for home, known in zip(homes, engines, strict=True))
        rows.append((f"`{entry.name}`", unit.internal_text or unit.text or "-", *lives))
    return _table("| field | unit | plane engine | phase field |", rows)


def _listed(names: Iterable[str]) -> str:
    return textwrap.fill("`" + ", ".join(names) + "`.", WIDTH) + "\n"


def columns_listed() -> str:
    """Columns of `history.csv` in their order."""
    return _listed(quantities.HISTORY_COLUMNS)


def summary_listed() -> str:
    """Keys of `summary.json`."""
    return _listed(key.key for key in quantities.REGISTRY.summary())


def fields_listed() -> str:
    """Point arrays of `fields.vtkhdf`."""
    return _listed(entry.key for entry in quantities.REGISTRY.all(field=True))


TABLES: dict[str, Callable[[], str]] = {
    "history columns": history_table,
    "summary keys": summary_table,
    "plane fields": plane_field_table,
    "phase-field fields": phase_field_table,
    "fields of a simulation": library_field_table,
    "names of columns": columns_listed,
    "names of summary keys": summary_listed,
    "names of fields": fields_listed,
}
"""Generated parts of docs/results.md, docs/library.md and docs/architecture.md."""
