"""Parameters that came after the first studies, and how a case's content is named without them."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

HASHED_IF_STATED: Mapping[str, Any] = {"hashed_if_stated": True}
"""Metadata of a field that counts as content only where it differs from its default: folders of older runs and studies
keep their names."""


def content(part: Any) -> Any:
    """A model as plain data, as `dataclasses.asdict` gives it, without what is at a default that older ones had not."""
    if is_dataclass(part) and not isinstance(part, type):
        kept = (f for f in fields(part) if not (f.metadata.get("hashed_if_stated") and _at_default(part, f)))
        found = {f.name: content(getattr(part, f.name)) for f in kept}
        return {"law": part.name} | found if getattr(part, "is_law", False) else found
    if isinstance(part, Mapping):
        return {key: content(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [content(value) for value in part]
    return part


def _at_default(part: Any, entry: Field[Any]) -> bool:
    default = entry.default if entry.default_factory is MISSING else entry.default_factory()
    return bool(getattr(part, entry.name) == default)
