"""Content of a model, by which its runs and studies are known: parameters that came later count only where stated.

Otherwise folders of older runs and studies would not be known any more.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

HASHED_IF_STATED: Mapping[str, Any] = {"hashed": "if stated"}
"""Metadata of a field that counts only where it differs from its default."""
HASHED_AS_PART: Mapping[str, Any] = {"hashed": "as part"}
"""Metadata of a field whose own fields count as those of what holds it; `kind` says which class it is."""


def content(part: object) -> Any:
    """Return a model as plain data, as `dataclasses.asdict` gives it but for the fields above.

    A law also states its name.
    """
    if is_dataclass(part) and not isinstance(part, type):
        return _fields(part)
    if isinstance(part, Mapping):
        return {key: content(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [content(value) for value in part]
    return part


def _fields(part: Any) -> dict[str, Any]:
    found = {"law": part.name} if getattr(part, "is_law", False) else {}
    for entry in fields(part):
        value, how = getattr(part, entry.name), entry.metadata.get("hashed")
        if how == "as part":
            found |= {"kind": value.name.replace(" ", "_")} | content(value)
        elif how != "if stated" or value != _default(entry):
            found[entry.name] = content(value)
    return found


def _default(entry: Field[Any]) -> Any:
    return entry.default if entry.default_factory is MISSING else entry.default_factory()
