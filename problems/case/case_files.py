"""Files of cases, studies and sweeps: ready ones by name, and their raw tables."""

import tomllib
from pathlib import Path
from typing import Any

from lifrac.errors import InputError

from .schema_tools import did_you_mean

OTHER_READY = {"cases": "run", "studies": "ccd", "sweeps": "sweep"}
"""Folders of ready files, and the command that takes them."""


def find_ready(path: Path, folder: Path, kind: str, several: str) -> Path:
    """Return the file itself, or the ready one of that name in `folder`.

    `kind` and `several` name what is looked for.
    """
    if path.is_file():
        return path
    ready = {p.stem: p for p in folder.glob("*.toml")}
    if path.name == str(path) and path.stem in ready:
        return ready[path.stem]
    near = did_you_mean(path.stem, ready)
    hint = f"Did you mean {near}?" if near else f"Ready {several}: {', '.join(sorted(ready))}"
    for other, command in OTHER_READY.items():
        if other != folder.name and path.name == str(path) and (folder.parent / other / f"{path.stem}.toml").is_file():
            hint = f"A ready file of `lifrac {command}` has this name: lifrac {command} {path.stem}"
    message = "is a folder" if path.is_dir() else f"no such {kind} file"
    raise InputError(message, file=path, remedy=hint)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the raw tables of a case or study file; InputError if it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"not valid TOML: {error}", file=path, remedy='Values with units are strings: write "20 um"'
        ) from None
    except RecursionError:
        raise InputError("is nested too deeply", file=path, remedy="Give a text file in TOML") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=path, remedy="Give a text file in TOML") from None
