"""Checkpoints of a run: where it stands, and whether it may go on from there."""

import json
import logging
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
from lifrac.errors import InputError
from lifrac.solver.protocol.restart import RestartData

from .code_version import code_hash, short
from .files import read_json

LOG = logging.getLogger("lifrac")
CHECKPOINT, BEFORE = "checkpoints/last.npz", "checkpoints/before.npz"
DAMAGES = (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)
"""Errors that reading a damaged checkpoint may end in."""
MANIFEST, SUMMARY = "manifest.json", "summary.json"


ANEW = "Remove the folder, or choose another one with --out, and start anew without --resume"


def keep(path: Path, checkpoint: RestartData) -> None:
    """Keep a checkpoint in a run folder, and the one before; a kill or a full disk leaves at least one whole."""
    file, before = path / CHECKPOINT, path / BEFORE
    file.parent.mkdir(exist_ok=True)
    aside = file.with_suffix(".part.npz")
    try:
        with aside.open("wb") as stream:
            kept = json.dumps(checkpoint.values, default=float)
            np.savez(stream, **checkpoint.arrays, kept=np.array(kept))  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    if file.exists():
        os.replace(file, before)
    os.replace(aside, file)


def read_checkpoint(path: Path) -> RestartData:
    """Return the last checkpoint of a run folder, or the one before if the last one is damaged.

    Raises
    ------
    InputError
        If neither can be read.
    """
    try:
        return _read(path / CHECKPOINT)
    except DAMAGES as error:
        failure = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
    try:
        found = _read(path / BEFORE)
    except DAMAGES:
        raise InputError(
            f"cannot be read as a checkpoint ({failure}), nor can the one before",
            file=path / CHECKPOINT,
            key="--resume",
            remedy=ANEW,
        ) from None
    LOG.warning(
        "warning: %s cannot be read (%s): the run goes on from the one before, at %g s",
        path / CHECKPOINT,
        failure,
        found.time,
    )
    return found


def _read(file: Path) -> RestartData:
    """Return a checkpoint; the checksums of its parts are compared."""
    with np.load(file) as saved:
        arrays = {name: saved[name] for name in saved.files}
    found = RestartData(json.loads(str(arrays.pop("kept"))), arrays)
    found.values["driver"], found.values["event_lines"], found.time  # what going on cannot do without
    return found


def refuse_to_resume(path: Path, content_hash: str) -> str:
    """Say why a run folder cannot be gone on with by the case of a hash, if it cannot.

    Returns
    -------
    str
        How the run has ended; empty for one that can be gone on with.

    Raises
    ------
    InputError
    """

    def refuse(message: str, remedy: str) -> None:
        raise InputError(message, key="--resume", value=str(path), remedy=remedy)

    if not (path / MANIFEST).is_file():
        refuse("holds no run that was begun", "Name its folder with --out, or start without --resume")
    manifest, summary = read_json(path / MANIFEST), read_json(path / SUMMARY)
    if manifest.get("case_hash") != content_hash:
        refuse(
            "the case is not the one that the run was begun with",
            f"Go on with {path / 'case.toml'}, or choose another folder with --out and start anew",
        )
    if summary and summary.get("termination") != "asked_to_stop":
        return str(summary.get("termination"))
    if manifest.get("code_hash") != code_hash():
        refuse(
            f"the run was begun by other code ({short(manifest.get('code_hash'))}; this is {short(code_hash())})", ANEW
        )
    if not any((path / name).is_file() for name in (CHECKPOINT, BEFORE)):
        refuse("the run was interrupted before its first checkpoint", ANEW)
    return ""
