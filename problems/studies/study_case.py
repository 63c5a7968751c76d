"""The case that a study varies: where it is, which of its keys differ, and which key a refusal is reported at."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lifrac.errors import InputError


def case_path(study: Path, case: str) -> Path:
    """Return a file beside the study, or the name of a ready case."""
    beside = study.parent / Path(case).expanduser()
    return beside if beside.is_file() or Path(case).suffix else Path(case)


def flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys and TOML values of nested tables; an empty table is a value too, for it may switch something on."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, toml_value(value)


def toml_value(value: object) -> str:
    """Return a value as it stands behind `key =` in a TOML file; tables inside a list become inline tables."""
    import tomlkit

    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, Mapping):
        entries = [f"{tomlkit.key(name).as_string()} = {toml_value(item)}" for name, item in value.items()]
        return f"{{{', '.join(entries)}}}"
    return tomlkit.item(value).as_string()


def reporting_at[T](path: Path, key: str, value: str | None, load: Callable[[], T]) -> T:
    """Load a case; what is wrong with it is reported at the key of the study that asked for it."""
    try:
        return load()
    except InputError as error:
        raise error.reported_at(file=path, key=key, value=value, found_in=error.file) from None
