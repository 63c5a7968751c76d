"""Files of every folder that lifrac writes; imports nothing heavy."""

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import IO, Any

from lifrac.errors import InputError
from lifrac.parallel.locks import try_lock as try_lock

LOG = logging.getLogger("lifrac")

MARKS = ("manifest.json", "summary.json", "history.csv")
"""Files that show that a folder holds a run."""
STUDIES = {"study.json": "study", "sweep.json": "sweep"}
"""Files that show that a folder holds many runs, and what it is then."""


def write_aside(path: Path, text: str) -> None:
    """Write a whole file or leave the old one: to a part file first, which then takes the name."""
    part = path.with_suffix(path.suffix + ".part")
    try:
        part.write_text(text)
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file; empty if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def text(value: object) -> str:
    """Return a value in a table: empty for none; a float reads back to the same float; one line."""
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float) else " ".join(str(value).split())


LOCK = ".lock"
"""File whose lock says that a process is at work in a folder."""


def claimed(folder: Path, work: str) -> IO[str]:
    """Keep other processes out of a folder: an open file, whose lock ends with it or with this process.

    Raises
    ------
    InputError
        If another process is at work there; `work` says what at.
    OSError
        If the folder cannot be written.
    """
    file = (folder / LOCK).open("a")
    locked = try_lock(file.fileno())
    if locked is False:
        file.close()
        raise InputError(
            f"another process is computing this {work}",
            key="--out",
            value=str(folder),
            remedy="Wait for it, or choose another folder with --out",
        )
    if locked is None:
        LOG.warning("warning: the file system of %s knows no locks: use the folder from one process only", folder)
    return file
