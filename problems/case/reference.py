"""Writes what is generated from the models: `case.schema.json`, `study.schema.json` and the tables in docs/.

Run `python -m lifrac.problems.case.reference` in a checkout after a change of schema or cards; a test compares.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from lifrac.problems.materials.card_files import card_names
from lifrac.problems.materials.cards import Card, load_card
from lifrac.problems.materials.properties import ElectrolyteProperties, LithiumProperties
from lifrac.problems.quantities.value_lists import GridOf
from lifrac.problems.studies.ccd.study_file import StudyFile
from lifrac.problems.studies.ccd.study_file import json_schema as study_schema
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .quantity_tables import TABLES
from .schema import CaseFile, json_schema
from .schema_tools import all_fields, base_of, dimension_of, tables_inside, type_name, typed_keys

HERE = Path(__file__).parents[1]
START, END = "<!-- generated: {} -->\n", "<!-- end -->"


def schema_text(schema: dict[str, Any] | None = None) -> str:
    """Return a JSON Schema, that of the case file by default, as it is committed."""
    return json.dumps(schema or json_schema(), indent=1, ensure_ascii=False) + "\n"


def key_tables(model: type[BaseModel] = CaseFile) -> str:
    """One table per table of the case file, or of another file of ours."""
    return "\n".join(_key_table((model,), ""))


def study_tables() -> str:
    """One table per table of the study file."""
    return key_tables(StudyFile)


def _key_table(tables: Sequence[type[BaseModel]], path: str) -> Iterator[str]:
    """Rows of the keys of a table, then the tables below it; material properties have a page of their own.

    Where the type of a table decides which keys it has, `tables` are those of all types.
    """
    rows: list[tuple[str | None, ...]] = []
    inner: list[tuple[tuple[type[BaseModel], ...], str]] = []
    typed = len(tables) > 1
    for name, field in all_fields(tables).items():
        below = tables_inside(field.annotation)
        full = f"{path}.{name}" if path else name
        if below and name not in ("card", "properties"):
            inner.append((below, full))
            if path:
                rows.append((name, "tables", "", field.description))
        elif typed:
            rows.append((name, *_of_types(name, tables)))
        else:
            rows.append((name, _kind(field), _default(field), field.description))
    if path:
        about = base_of(tables[0]) if typed else tables[0]
        yield f"### `[{path}]`\n\n{' '.join((about.__doc__ or '').split())}\n"
        yield f"| key | {'types | ' if typed else ''}what | default | meaning |"
        yield f"|---{'|---' if typed else ''}|---|---|---|"
        for key, *cells in rows:
            texts = (" ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
            yield f"| `{key}` | {' | '.join(texts)} |"
        yield ""
    for below, full in inner:
        yield from _key_table(below, full)


def _of_types(name: str, tables: Sequence[type[BaseModel]]) -> tuple[str, str, str, str]:
    """Cells of a key of a table whose type decides which keys it has: types, kind, default, meaning."""
    owners = [table for table in tables if name in typed_keys(table)]
    fields = [table.model_fields[name] for table in owners]
    if name == "type":
        of_base = base_of(tables[0]).model_fields[name]
        kind = " or ".join(f"`{type_name(table)}`" for table in tables)
        defaults = [_default(field) for field in fields if not field.is_required()]
        return "all", kind, next(iter(defaults), "required"), of_base.description or ""
    types = "all" if len(owners) == len(tables) else ", ".join(f"`{type_name(table)}`" for table in owners)
    required = [f"`{type_name(table)}`" for table in owners if table.model_fields[name].is_required()]
    default = _default(fields[0])
    if required:
        default = "required" if len(required) == len(owners) else f"required: {', '.join(required)}"
    return types, _kind(fields[0]), default, fields[0].description or ""


def _kind(field: FieldInfo) -> str:
    """Return the words for the type of a key."""
    dimension = dimension_of(field)
    grid = next(filter(None, map(_grid_words, (*field.metadata, field.annotation))), "")
    if grid:
        return grid
    if dimension is not None:
        return f'{dimension.name}, `"{dimension.example}"`' if dimension.unit else "number"
    if tables_inside(field.annotation):
        return "table"
    plain = _plain(field.annotation)
    choices = get_args(plain) if get_origin(plain) is Literal else ()
    names: dict[object, str] = {int: "integer", bool: "true or false", str: "text"}
    return " or ".join(f"`{word}`" for word in choices) or names.get(plain, "see meaning")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "" if field.default is None or field.default_factory else f"`{field.default}`"


def _plain(annotation: object) -> object:
    """Return the type inside `Annotated[...]` and `... | None`."""
    inner = [part for part in get_args(annotation) if part is not type(None)]
    optional = type(None) in get_args(annotation) and len(inner) == 1
    return _plain(inner[0]) if optional or get_origin(annotation) is Annotated else annotation


def _grid_words(annotation: object) -> str:
    """Return what to write where a grid of values is wanted; empty for other keys."""
    if isinstance(annotation, GridOf):
        return annotation.words
    inside = (*get_args(annotation), *getattr(annotation, "__metadata__", ()))
    return next((words for part in inside if (words := _grid_words(part))), "")


def property_tables() -> str:
    """Properties that a card may state."""
    lines = []
    for title, model in (("Electrolytes", ElectrolyteProperties), ("Lithium", LithiumProperties)):
        lines += [f"### {title}\n", "| property | what | meaning |", "|---|---|---|"]
        for name, field in model.model_fields.items():
            entry = next(iter(tables_inside(field.annotation)), None)
            lines.append(
                f"| `{name}` | {_kind(entry.model_fields['value'] if entry else field)} | {field.description} |"
            )
        lines.append("")
    return "\n".join(lines)


def card_tables() -> str:
    """All numbers of the ready cards with sources."""
    return "\n".join(_card_table(load_card(name)) for name in card_names())


def _card_table(card: Card) -> str:
    lines = [
        f"### {card.name}\n",
        f"{card.formula}. {card.description}\n",
        "| property | value | law | confidence | source and note |",
        "|---|---|---|---|---|",
    ]
    for name, e in card.entries.items():
        lines.append(f"| `{name}` | {e.value_text} | {e.law_text} | {e.confidence} | {e.source_text} |")
    return "\n".join(lines) + "\n"


def filled(text: str) -> str:
    """Return a page with its generated parts made anew."""
    for name, make in GENERATED.items():
        start = START.format(name)
        if start in text:
            head, rest = text.split(start, 1)
            text = head + start + "\n" + make() + "\n" + END + rest.split(END, 1)[1]
    return text


GENERATED: dict[str, Callable[[], str]] = {
    "keys": key_tables,
    "study keys": study_tables,
    "properties": property_tables,
    "cards": card_tables,
    **TABLES,
}
"""Generated parts of the pages in docs/."""
PAGES = ("cases.md", "materials.md", "ccd.md", "results.md", "library.md", "architecture.md")
"""Pages in docs/ that have some."""


def main() -> None:
    """Write all generated parts of a checkout."""
    (HERE / "case.schema.json").write_text(schema_text(), encoding="utf-8")
    (HERE / "study.schema.json").write_text(schema_text(study_schema()), encoding="utf-8")
    for name in PAGES:
        page = HERE.parent / "docs" / name
        if page.is_file():
            page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
