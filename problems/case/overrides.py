"""Values laid over a raw case, study or sweep before it is checked: `--set key=value`, and the tables of `[case]`."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, get_args, get_origin

from lifrac.errors import InputError
from pydantic import BaseModel

from .schema_tools import all_fields, tables_inside

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([.\[][A-Za-z0-9_]+\]?)*")
"""A dotted key; items of a list by number."""


def apply_override(data: dict[str, Any], text: str) -> None:
    """Lay one `key=value` over the raw case."""
    key, sign, value = text.partition("=")
    key = key.strip()
    if not sign or not KEY.fullmatch(key):
        raise InputError(
            "is not key=value",
            file="--set",
            value=text,
            remedy='Write for example --set operation.temperature="60 degC"',
        )
    parts = [part for part in re.split(r"[.\[\]]+", key) if part]
    table: object = data
    for part in parts[:-1]:
        table = _descend(table, part, key)
    _put(table, parts[-1], _value(value), key, "--set")


def lay_over(table: object, changes: Mapping[str, Any], prefix: str = "") -> None:
    """Lay nested tables over the raw case; an empty one is made where there is none, and changes nothing else."""
    for name, value in changes.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            below = _descend(table, name, key)
            if not isinstance(below, dict | list):
                raise _no_table(key, key, None)
            lay_over(below, value, f"{key}.")
        else:
            _put(table, name, value, key, None)


def _put(table: object, name: str, value: object, key: str, file: str | None) -> None:
    """Set an entry of a table, or an item that a list has."""
    if isinstance(table, list):
        _descend(table, name, key)
        table[int(name)] = value
    elif isinstance(table, dict):
        table[name] = value
    else:
        raise _no_table(key.rpartition(".")[0], key, file)


def _no_table(name: str, key: str, file: str | None) -> InputError:
    return InputError(f"{name} is not a table", file=file, key=key, remedy="Check the key")


def _descend(table: object, part: str, key: str) -> object:
    """Return the table or item `part` of `table`; tables are made where there are none."""
    if isinstance(table, dict):
        return table.setdefault(part, {})
    if isinstance(table, list) and part.isdigit() and int(part) < len(table):
        return table[int(part)]
    raise InputError(f"there is no {part}", file="--set", key=key, remedy="Check the key; items of a list count from 0")


def _value(text: str) -> object:
    """Return a TOML value, or the text itself."""
    text = text.strip()
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


def by_name(model: type[BaseModel], values: Mapping[str, Any], file: object) -> dict[str, Any]:
    """Nested tables from keywords: `stack_pressure="5 MPa"` is `operation.stack_pressure`.

    Parameters
    ----------
    model : type of BaseModel
        The file's schema.
    values : Mapping
        By the key's own name; of several keys the one nearest to the top of the file, if there is one. Else by its
        whole name with two underscores for each dot (`operation__temperature`). Whole tables are dictionaries.
    file : object
        Named in refusals.

    Raises
    ------
    InputError
        For a name that no key has, or several.
    """
    known = list(dict.fromkeys(".".join(path) for path in _keys((model,))))
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *tables, last = _whole(name.replace("__", "."), known, value, file).split(".")
        table = nested
        for part in tables:
            table = table.setdefault(part, {})
        table[last] = plain(value)
    return nested


def plain(value: object) -> object:
    """Return a value as a file would state it: NumPy's numbers and arrays, paths and tuples as well."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, PurePath) else value


def _whole(name: str, known: Sequence[str], value: object, file: object) -> str:
    """Return the dotted name of the only key that is meant."""
    found = [key for key in known if key == name or key.endswith(f".{name}")]
    highest = min((key.count(".") for key in found), default=0)
    found = [key for key in found if key.count(".") == highest]
    if len(found) == 1:
        return found[0]
    if found:
        message, remedy = (
            "is the name of several keys",
            f"Write one of: {', '.join(k.replace('.', '__') for k in found)}",
        )
    else:
        short = {key.rpartition(".")[2]: key for key in known}
        near = difflib.get_close_matches(name, [*known, *short], 3, 0.6)
        message = "is no key of a case"
        remedy = f"Did you mean {' or '.join(near)}?" if near else "docs/cases.md lists them"
    raise InputError(message, file=file, key=name, value=value, remedy=remedy)


def _keys(tables: Iterable[type[BaseModel]], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the names of all keys of tables at one place, without items of lists and keys of cards."""
    for name, field in all_fields(tables).items():
        path = (*above, name)
        yield path
        listed = any(get_origin(part) is tuple for part in get_args(field.annotation))
        if name != "card" and not listed:
            yield from _keys(tables_inside(field.annotation), path)
