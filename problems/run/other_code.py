"""Folders that hold results of other code: never mixed with ours without a word (docs/ccd.md, docs/sweep.md)."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lifrac.errors import InputError

from .code_version import code_hash, short, version
from .files import read_json

LOG = logging.getLogger("lifrac")
REMEDY = "Choose another folder with --out, or compute them again with --recompute"


def code_of(file: Path) -> str | None:
    """Return the hash of the code that wrote a manifest or summary; None where it has none, as in earlier versions."""
    found = read_json(file).get("code_hash")
    return found if isinstance(found, str) else None


def others(codes: Mapping[str, str | None]) -> list[str]:
    """Names of the results that other code has computed."""
    return [name for name, code in codes.items() if code != code_hash()]


def provenance() -> dict[str, str]:
    """Return what a folder says about the code that it belongs to."""
    return {"version": version(), "code_hash": code_hash()}


def settle(path: Path, codes: Mapping[str, str | None], marker: Mapping[str, Any], *, complete: bool) -> bool:
    """Whether a folder may be gone on with as ours; one that is complete may be shown, with a warning.

    Parameters
    ----------
    path : Path
        The folder.
    codes : Mapping
        Hashes of the code that finished each of its results.
    marker : Mapping
        What the folder says about the code that it belongs to, see `provenance`.
    complete : bool
        Whether nothing is left to compute.

    Raises
    ------
    InputError
        If ours would be mixed with results of other code.
    """
    found = others(codes)
    if not found:
        return True
    message = f"{len(found)} of {len(codes)} finished runs were computed by other code ({_named(codes, found, marker)})"
    if not complete:
        raise InputError(message, key="--out", value=str(path), remedy=REMEDY)
    LOG.warning("warning: %s: %s; they are shown as they are. --recompute computes them again", path, message)
    return False


def _named(codes: Mapping[str, str | None], found: list[str], marker: Mapping[str, Any]) -> str:
    """Their code and ours."""
    theirs = sorted({short(codes[name]) for name in found})
    then = marker.get("version", "unknown")
    return f"{', '.join(theirs)}, lifrac {then}; this is {short(code_hash())}, lifrac {version()}"
