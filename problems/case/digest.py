"""A hash of plain content, by which cases, models and meshes are told from each other."""

import hashlib
import json
from collections.abc import Callable
from typing import Any


def digest(content: object, default: Callable[[Any], object] | None = None) -> str:
    """Return the SHA-256 of the JSON text of some content, whose keys are sorted.

    Parameters
    ----------
    content : object
        Numbers, texts, lists and dictionaries.
    default : callable, optional
        Converts what JSON does not know.

    Raises
    ------
    TypeError
        For what JSON does not know, without `default`.
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=default).encode()).hexdigest()
