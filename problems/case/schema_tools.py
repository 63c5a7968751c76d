"""Base of all file models: strict pydantic models, and one message for everything wrong in a file."""

import difflib
import json
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from lifrac.errors import InputError
from lifrac.problems.quantities.units import Dimension, Quantity, find_dimension
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails


class Strict(BaseModel):
    """A table of a file: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True)


class TypedTable(Strict):
    """A table whose `type` decides which keys it has: the base of the tables of all types.

    Each type is a subclass, and the file has their union, discriminated by `type`.
    """

    within: ClassVar[str]
    """The table as messages name it: "with a defect"."""
    tolerated: ClassVar[tuple[str, ...]] = ()
    """Keys that this type takes although they mean nothing in it."""


def default(value: str | float) -> Any:
    """Return a default as a user would write it; it is validated like a stated value."""
    return Field(default=value)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file."""

    key: str
    message: str
    value: object = None
    remedy: str | None = None

    def as_error(self, file: object) -> InputError:
        """Return the exception for this problem alone."""
        return InputError(self.message, file=file, key=self.key, value=self.value, remedy=self.remedy)


class Problems(ValueError):
    """Several problems found by one check of a model."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.key}: {p.message}" for p in self.problems))


def refuse(problems: Iterable[Problem], file: object) -> None:
    """Raise one `InputError` that names every problem of `file`; do nothing when there is none."""
    errors = [p.as_error(file) for p in problems]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        for error in errors:
            error.file = None
        lines = "".join(f"\n  - {error}" for error in errors)
        raise InputError(f"{len(errors)} problems{lines}", file=file)


def validate[M: BaseModel](model: type[M], data: Mapping[str, Any], file: object, prefix: str = "") -> M:
    """Return `data` as `model`.

    Raises
    ------
    InputError
        Names the file and, for every problem, the dotted key, value and remedy.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        refuse(_problems(error, model, prefix), file)
        raise  # an error without a problem would be a mistake of ours


def _problems(error: ValidationError, model: type[BaseModel], prefix: str) -> Iterator[Problem]:
    """Pydantic's findings in the words of a case file."""
    for item in error.errors():
        table, location = _located(model, item["loc"])
        key = dotted((*prefix.split("."), *location) if prefix else location)
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, Problems):
            for problem in cause.problems:
                full = ".".join(part for part in (key, problem.key) if part)
                yield Problem(full, problem.message, problem.value, problem.remedy)
        elif item["type"] == "extra_forbidden":
            found = _misplaced(key, item["input"], table, tables_at(model, location[:-1]))
            yield found or _unknown(key, table, location, model)
        elif item["type"] == "union_tag_not_found":
            names = [type_name(other) for other in tables_at(model, location)]
            yield Problem(f"{key}.type", "is required", remedy=f"Add type = {_either(names)}")
        elif item["type"] == "missing":
            yield Problem(key, "is required", remedy=_example(table, location))
        elif cause is not None:
            yield Problem(key, str(cause), item["input"], getattr(cause, "remedy", None))
        else:
            yield _plain(key, item)


def _plain(key: str, item: ErrorDetails) -> Problem:
    """Return the problem that pydantic's own types have found (literal, integer, table ...)."""
    value = item["input"] if not isinstance(item["input"], dict) else None
    if item["type"] == "literal_error":
        return _no_choice(key, value, re.findall("'([^']*)'", item["ctx"]["expected"]))
    if item["type"] == "union_tag_invalid":
        return _no_choice(f"{key}.type", item["input"]["type"], re.findall("'([^']*)'", item["ctx"]["expected_tags"]))
    if item["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return Problem(key, "must be a table", value, f"Write [{key}] and its keys below")
    message = item["msg"][0].lower() + item["msg"][1:]
    return Problem(key, message, value, "See docs/cases.md")


def _either(words: Sequence[str]) -> str:
    """Return `"a", "b" or "c"`."""
    quoted = [f'"{word}"' for word in words]
    return " or ".join(part for part in (", ".join(quoted[:-1]), quoted[-1]) if part)


def _no_choice(key: str, value: object, choices: Sequence[str]) -> Problem:
    """Return the problem of a word that is none of those which a key may have."""
    expected = _either(choices)
    close = difflib.get_close_matches(str(value), choices, n=1)
    hint = f'Did you mean "{close[0]}"?' if close else f"Write {expected}"
    return Problem(key, f"must be {expected}", value, hint)


def dotted(location: Iterable[str | int]) -> str:
    """`("protocol", "steps", 1, "type")` as `protocol.steps[1].type`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the nearest known word, if one is near."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def _misplaced(
    key: str, value: object, table: type[BaseModel] | None, others: Iterable[type[BaseModel]]
) -> Problem | None:
    """Return the problem of a key that belongs to other types of its table, if it does."""
    if table is None or not issubclass(table, TypedTable):
        return None
    owners = [type_name(other) for other in others if key.rpartition(".")[2] in typed_keys(other)]
    if not owners:
        return None
    remedy = f"Remove it; it belongs to {' or '.join(owners)}"
    return Problem(key, f"has no meaning {table.within} of type {type_name(table)}", value, remedy)


def _unknown(
    key: str, table: type[BaseModel] | None, location: tuple[str | int, ...], model: type[BaseModel]
) -> Problem:
    """Return the problem of an unknown key, with the nearest known one of the same table or, failing that, of any."""
    word = str(location[-1])
    known = sorted(table.model_fields) if table else []
    parent = dotted(location[:-1])
    near = did_you_mean(word, known)
    if near:
        full = key.removesuffix(word) + near
        return Problem(key, "unknown key", remedy=f"Did you mean {full}?")
    everywhere = {path.rsplit(".", 1)[-1]: path for path in leaf_paths(model)}
    other = everywhere.get(word)
    if other:
        return Problem(key, "unknown key", remedy=f"Did you mean {other}?")
    where = f"Keys of [{parent}]" if parent else "Tables of a file"
    return Problem(key, "unknown key", remedy=f"{where}: {', '.join(known)}")


def _example(table: type[BaseModel] | None, location: tuple[str | int, ...]) -> str:
    """Return what to write for a missing key, from its examples, its annotation or its description."""
    field = table.model_fields.get(str(location[-1])) if table else None
    name = location[-1]
    if field is None:
        return f"Add {name}"
    if field.examples:
        return f"Add {name} = {json.dumps(field.examples[0])}"
    dimension = dimension_of(field)
    if dimension is not None:
        return f'Add {name} = "{dimension.example}"' if dimension.unit else f"Add {name} = {dimension.example}"
    if tables_inside(field.annotation):
        return f"Add a table [{dotted(location)}]"
    return f"Add {name} ({field.description})" if field.description else f"Add {name}"


def dimension_of(field: FieldInfo) -> Dimension | None:
    """Return what kind of quantity a key holds."""
    return next((m for m in field.metadata if isinstance(m, Dimension)), None) or find_dimension(field.annotation)


def tables_inside(annotation: object) -> tuple[type[BaseModel], ...]:
    """Return the models inside `Model`, `Model | None`, `tuple[Model, ...]` or a union of several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    if get_origin(annotation) in (Annotated, Union, types.UnionType, tuple, list):
        parts = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
        return tuple(table for part in parts for table in tables_inside(part))
    return ()


def _below(tables: Iterable[type[BaseModel]], key: str) -> tuple[type[BaseModel], ...]:
    """Return the models of the table at a key of tables."""
    fields = (table.model_fields[key] for table in tables if key in table.model_fields)
    return tuple(dict.fromkeys(inner for field in fields for inner in tables_inside(field.annotation)))


def tables_at(model: type[BaseModel], location: Iterable[str | int]) -> tuple[type[BaseModel], ...]:
    """Return the models of the table at `location` inside `model`: several where its type decides."""
    tables: tuple[type[BaseModel], ...] = (model,)
    for part in location:
        if not isinstance(part, int):
            tables = _below(tables, part)
    return tables


def type_name(table: type[BaseModel]) -> str:
    """Return the `type` that chooses a table among those of a union; empty for other tables."""
    field = table.model_fields.get("type")
    return str(next(iter(get_args(field.annotation)), "")) if field else ""


def base_of(table: type[BaseModel]) -> type[BaseModel]:
    """Return what the tables of all types have in common."""
    return next(base for base in table.__mro__ if TypedTable in base.__bases__)


def typed_keys(table: type[BaseModel]) -> tuple[str, ...]:
    """Return the keys that mean something in a table."""
    tolerated = table.tolerated if issubclass(table, TypedTable) else ()
    return tuple(name for name in table.model_fields if name not in tolerated)


def all_fields(tables: Iterable[type[BaseModel]]) -> dict[str, FieldInfo]:
    """Return the keys of tables that share a place in a file; of a key of several, the field of the first."""
    found: dict[str, FieldInfo] = {}
    for table in tables:
        found = {name: table.model_fields[name] for name in typed_keys(table)} | found
    return found


def _located(
    model: type[BaseModel], location: tuple[str | int, ...]
) -> tuple[type[BaseModel] | None, tuple[str | int, ...]]:
    """Return the model of the table that holds the key at a location of pydantic's, and the location in the file.

    Pydantic's has the type of a table where the type has decided what the table is.
    """
    tables: tuple[type[BaseModel], ...] = (model,)
    holders = tables
    found: list[str | int] = []
    for part in location:
        if len(tables) > 1 and part in (types := {type_name(table): table for table in tables}):
            tables = (types[str(part)],)
            continue
        found.append(part)
        if not isinstance(part, int):
            holders, tables = tables, _below(tables, part)
    return (holders[0] if holders else None), tuple(found)


def quantities(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Quantity]]:
    """All quantities in a table and the tables below it, with their dotted keys."""
    for name in type(model).model_fields:
        yield from _quantities_in(getattr(model, name), f"{prefix}{name}")


def _quantities_in(value: object, key: str) -> Iterator[tuple[str, Quantity]]:
    if isinstance(value, Quantity):
        yield key, value
    elif isinstance(value, BaseModel):
        yield from quantities(value, f"{key}.")
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from _quantities_in(item, f"{key}[{number}]")


def leaf_paths(model: type[BaseModel]) -> Iterator[str]:
    """Yield the dotted names of all keys of `model`."""
    yield from _leaf_paths((model,), "")


def _leaf_paths(tables: Iterable[type[BaseModel]], prefix: str) -> Iterator[str]:
    for name, field in all_fields(tables).items():
        inner = tables_inside(field.annotation)
        if inner:
            yield from _leaf_paths(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def find_field(model: type[BaseModel], key: str) -> FieldInfo | None:
    """Return the field of a dotted key, such as `protocol.steps[0].current_density`."""
    parts = [part for part in re.split(r"[.\[\]]+", key) if part and not part.isdigit()]
    return all_fields(tables_at(model, parts[:-1])).get(parts[-1]) if parts else None
