"""Checkpoints of a run: where it stands, and whether it may go on from there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lifrac.meshes.errors import InputError
from lifrac.solver.protocol.bookmark import Arrays, Kept

CHECKPOINT = "checkpoints/last.npz"
MANIFEST, SUMMARY = "manifest.json", "summary.json"


@dataclass(frozen=True)
class Checkpoint:
    """A committed state.

    Attributes
    ----------
    kept : dict
        Numbers and words, see `ProtocolRun.bookmark`; the same on all ranks.
    arrays : dict
        Fields; on rank 0, empty elsewhere.
    """

    kept: Kept
    arrays: Arrays

    @property
    def time(self) -> float:
        """[s]."""
        return float(self.kept["accounts"]["time"])


def read_checkpoint(path: Path) -> Checkpoint:
    """The last checkpoint of a run folder.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    file = path / CHECKPOINT
    try:
        with np.load(file) as saved:
            arrays = {name: saved[name] for name in saved.files}
        return Checkpoint(json.loads(str(arrays.pop("kept"))), arrays)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"cannot be read as a checkpoint ({error})", file=file, remedy=ANEW) from error


ANEW = "Remove the folder, or choose another one with --out, and start anew without --resume"


def refuse_to_resume(path: Path, content_hash: str) -> None:
    """Say why a run folder cannot be gone on with by the case of a hash, if it cannot.

    Raises
    ------
    InputError
    """

    def refuse(message: str, remedy: str) -> None:
        raise InputError(message, key="--resume", value=str(path), remedy=remedy)

    if not (path / MANIFEST).is_file():
        refuse("holds no run that was begun", "Name its folder with --out, or start without --resume")
    manifest, summary = _json(path / MANIFEST), _json(path / SUMMARY)
    if manifest.get("case_hash") != content_hash:
        refuse("the case is not the one that the run was begun with",
               f"Go on with {path / 'case.toml'}, or choose another folder with --out and start anew")  # fmt: skip
    if summary and summary.get("termination") != "asked_to_stop":
        refuse(f"the run has ended ({summary.get('termination')})", "There is nothing left to compute")
    if not (path / CHECKPOINT).is_file():
        refuse("the run was interrupted before its first checkpoint", ANEW)


def _json(path: Path) -> dict[str, Any]:
    """An object in a file; empty if there is none."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
