"""Base of all file models: strict pydantic models, and one message for everything wrong in a file."""

import difflib
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from lifrac.errors import InputError
from lifrac.problems.quantities.units import Dimension, Quantity, find_dimension
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails


class Strict(BaseModel):
    """A table of a file: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True)


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
        key = dotted((*prefix.split("."), *item["loc"]) if prefix else item["loc"])
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, Problems):
            for problem in cause.problems:
                full = ".".join(part for part in (key, problem.key) if part)
                yield Problem(full, problem.message, problem.value, problem.remedy)
        elif item["type"] == "extra_forbidden":
            yield _unknown(key, item["loc"], model)
        elif item["type"] == "missing":
            yield Problem(key, "is required", remedy=_example(model, item["loc"]))
        elif cause is not None:
            yield Problem(key, str(cause), item["input"], getattr(cause, "remedy", None))
        else:
            yield _plain(key, item)


def _plain(key: str, item: ErrorDetails) -> Problem:
    """Return the problem that pydantic's own types have found (literal, integer, table ...)."""
    value = item["input"] if not isinstance(item["input"], dict) else None
    if item["type"] == "literal_error":
        expected = item["ctx"]["expected"].replace("'", '"')
        close = difflib.get_close_matches(str(value), re.findall('"([^"]*)"', expected), n=1)
        hint = f'Did you mean "{close[0]}"?' if close else f"Write {expected}"
        return Problem(key, f"must be {expected}", value, hint)
    if item["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return Problem(key, "must be a table", value, f"Write [{key}] and its keys below")
    message = item["msg"][0].lower() + item["msg"][1:]
    return Problem(key, message, value, "See docs/cases.md")


@dataclass(frozen=True)
class Kind:
    """Tables of one `type`: which keys they may and must state; other keys of the table belong to other types."""

    keys: tuple[str, ...]
    required: tuple[str, ...] = ()

    def foreign(self, table: BaseModel, where: str, kinds: "Mapping[str, Kind]") -> Iterator[Problem]:
        """Stated keys that mean nothing in this type; `where` names the table in the message."""
        for name in type(table).model_fields:
            value = getattr(table, name)
            if name != "type" and name not in self.keys and value is not None:
                users = [other for other, kind in kinds.items() if name in kind.keys]
                yield Problem(
                    name,
                    f"has no meaning {where}",
                    getattr(value, "text", value),
                    f"Remove it; it belongs to {' or '.join(users)}",
                )

    def missing(self, table: BaseModel) -> Iterator[Problem]:
        """Keys that this type needs."""
        for name in self.required:
            if getattr(table, name) is None:
                yield Problem(name, "is required", remedy=_example(type(table), (name,)))


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


def _unknown(key: str, location: tuple[str | int, ...], model: type[BaseModel]) -> Problem:
    """Return the problem of an unknown key, with the nearest known one of the same table or, failing that, of any."""
    word = str(location[-1])
    table = model_at(model, location[:-1])
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


def _example(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    """Return what to write for a missing key, from its annotation or description."""
    table = model_at(model, location[:-1])
    field = table.model_fields.get(str(location[-1])) if table else None
    name = location[-1]
    if field is None:
        return f"Add {name}"
    dimension = dimension_of(field)
    if dimension is not None:
        return f'Add {name} = "{dimension.example}"' if dimension.unit else f"Add {name} = {dimension.example}"
    if model_inside(field.annotation):
        return f"Add a table [{dotted(location)}]"
    return f"Add {name} ({field.description})" if field.description else f"Add {name}"


def dimension_of(field: FieldInfo) -> Dimension | None:
    """Return what kind of quantity a key holds."""
    return next((m for m in field.metadata if isinstance(m, Dimension)), None) or find_dimension(field.annotation)


def model_inside(annotation: object) -> type[BaseModel] | None:
    """Return the model inside `Model`, `Model | None` or `tuple[Model, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType, tuple, list):
        for part in get_args(annotation):
            found = model_inside(part)
            if found:
                return found
    return None


def model_at(model: type[BaseModel], location: Iterable[str | int]) -> type[BaseModel] | None:
    """Return the model of the table at `location` inside `model`."""
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, int):
            continue
        if current is None or part not in current.model_fields:
            return None
        current = model_inside(current.model_fields[part].annotation)
    return current


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


def leaf_paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of all keys of `model`."""
    for name, field in model.model_fields.items():
        inner = model_inside(field.annotation)
        if inner is None:
            yield prefix + name
        else:
            yield from leaf_paths(inner, f"{prefix}{name}.")


def find_field(model: type[BaseModel], key: str) -> FieldInfo | None:
    """Return the field of a dotted key, such as `protocol.steps[0].current_density`."""
    parts = [part for part in re.split(r"[.\[\]]+", key) if part and not part.isdigit()]
    table = model_at(model, parts[:-1])
    return table.model_fields.get(parts[-1]) if table and parts else None
