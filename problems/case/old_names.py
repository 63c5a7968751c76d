"""Values that older versions called otherwise: they are read, and the user is told the present name."""

from typing import Any

RENAMED = {
    ("operation", "lateral", "roller"): "die",
    ("fracture", "engine", "sharp_front"): "plane",
}
"""Present value by table, key and former value."""


def renew(data: dict[str, Any]) -> tuple[str, ...]:
    """Put present names in the place of former ones in a raw case, and return a message for each."""
    messages = []
    for (table, key, old), new in RENAMED.items():
        keys = data.get(table)
        if isinstance(keys, dict) and keys.get(key) == old:
            keys[key] = new
            messages.append(f'{table}.{key} = "{old}" is read as "{new}", its present name')
    return tuple(messages)
