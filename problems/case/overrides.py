"""Values laid over a raw case, study or sweep before it is checked: `--set key=value`, and the tables of `[case]`."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from lifrac.errors import InputError

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
    table: Any = data
    for part in parts[:-1]:
        table = _descend(table, part, key)
    _put(table, parts[-1], _value(value), key, "--set")


def lay_over(table: Any, changes: Mapping[str, Any], prefix: str = "") -> None:
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


def _put(table: Any, name: str, value: Any, key: str, file: str | None) -> None:
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


def _descend(table: Any, part: str, key: str) -> Any:
    """The table or item `part` of `table`; tables are made where there are none."""
    if isinstance(table, dict):
        return table.setdefault(part, {})
    if isinstance(table, list) and part.isdigit() and int(part) < len(table):
        return table[int(part)]
    raise InputError(f"there is no {part}", file="--set", key=key, remedy="Check the key; items of a list count from 0")


def _value(text: str) -> Any:
    """A TOML value, or the text itself."""
    text = text.strip()
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if set(parsed) == {"value"} else text
