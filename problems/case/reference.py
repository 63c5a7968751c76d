"""Writes what is generated from the models: `case.schema.json`, `study.schema.json` and the tables in docs/.

Run `python -m lifrac.problems.case.reference` in a checkout after a change of schema or cards; a test compares.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from lifrac.problems.materials.card_files import card_names
from lifrac.problems.materials.cards import Card, load_card
from lifrac.problems.materials.properties import ElectrolyteProperties, LithiumProperties
from lifrac.problems.quantities.value_lists import GridOf
from lifrac.problems.studies.study_file import StudyFile
from lifrac.problems.studies.study_file import json_schema as study_schema
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .quantity_tables import TABLES
from .schema import CaseFile, json_schema
from .schema_tools import dimension_of, model_inside

HERE = Path(__file__).parents[1]
START, END = "<!-- generated: {} -->\n", "<!-- end -->"


def schema_text(schema: dict[str, Any] | None = None) -> str:
    """Return a JSON Schema, that of the case file by default, as it is committed."""
    return json.dumps(schema or json_schema(), indent=1, ensure_ascii=False) + "\n"


def key_tables(model: type[BaseModel] = CaseFile) -> str:
    """One table per table of the case file, or of another file of ours."""
    return "\n".join(_key_table(model, ""))


def study_tables() -> str:
    """One table per table of the study file."""
    return key_tables(StudyFile)


def _key_table(model: type[BaseModel], path: str) -> Iterator[str]:
    """Rows of `model`, then the tables below it; material properties have a page of their own."""
    rows, inner = [], []
    for name, field in model.model_fields.items():
        below = model_inside(field.annotation)
        full = f"{path}.{name}" if path else name
        if below is not None and name not in ("card", "properties"):
            inner.append((below, full))
            if path:
                rows.append((name, "tables", "", field.description))
        else:
            rows.append((name, *_type_and_default(field), field.description))
    if path:
        yield f"### `[{path}]`\n\n{' '.join((model.__doc__ or '').split())}\n"
        yield "| key | what | default | meaning |\n|---|---|---|---|"
        for row in rows:
            yield "| `{}` | {} | {} | {} |".format(*(" ".join(str(cell).split()).replace("|", "\\|") for cell in row))
        yield ""
    for below, full in inner:
        yield from _key_table(below, full)


def _type_and_default(field: FieldInfo) -> tuple[str, str]:
    """Words for the type of a key and for its default."""
    dimension = dimension_of(field)
    grid = next(filter(None, map(_grid_words, (*field.metadata, field.annotation))), "")
    if grid:
        kind = grid
    elif dimension is not None:
        kind = f'{dimension.name}, `"{dimension.example}"`' if dimension.unit else "number"
    elif model_inside(field.annotation):
        kind = "table"
    else:
        plain = _plain(field.annotation)
        words = get_args(plain) if get_origin(plain) is Literal else ()
        names: dict[object, str] = {int: "integer", bool: "true or false", str: "text"}
        kind = " or ".join(f"`{word}`" for word in words) or names.get(plain, "see meaning")
    if field.is_required():
        return kind, "required"
    return kind, "" if field.default is None or field.default_factory else f"`{field.default}`"


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
            entry = model_inside(field.annotation)
            kind, _ = _type_and_default(entry.model_fields["value"] if entry else field)
            lines.append(f"| `{name}` | {kind} | {field.description} |")
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
