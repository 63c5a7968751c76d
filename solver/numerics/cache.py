"""A content-addressed cache of arrays on disk; a broken or foreign file is simply computed anew."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float64]]


def cache_folder() -> Path | None:
    """LIFRAC_CACHE, else XDG_CACHE_HOME/lifrac, else ~/.cache/lifrac; LIFRAC_CACHE=off switches the cache off."""
    chosen = os.environ.get("LIFRAC_CACHE")
    if chosen in ("off", "0", ""):
        return None
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base) / "lifrac" if base else Path.home() / ".cache" / "lifrac"


def content_key(*parts: object) -> str:
    """SHA-256 of arrays and printable values."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(str((part.dtype, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()


def cached(comm: MPI.Comm, key: str, compute: Callable[[], Arrays]) -> tuple[Arrays, bool]:
    """Arrays for `key`: from disk (read on rank 0) or by `compute()` (collective). Returns (arrays, came from disk)."""
    folder = cache_folder()
    found: Arrays | None = None
    if comm.rank == 0 and folder is not None:
        found = _read(folder / f"{key}.npz")
    found = comm.bcast(found, root=0)
    if found is not None:
        return found, True
    arrays = compute()
    if comm.rank == 0 and folder is not None:
        _write(folder, key, arrays)
    return arrays, False


def _read(path: Path) -> Arrays | None:
    try:
        with np.load(path) as data:
            return {name: data[name] for name in data.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(folder: Path, key: str, arrays: Arrays) -> None:
    """Written aside and renamed; a cache that cannot be written is no error."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(name, folder / f"{key}.npz")
    except OSError:
        Path(name).unlink(missing_ok=True)
