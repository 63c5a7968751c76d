"""Compiled forms: who compiles one, who waits for whom, and what a killed compiler leaves (FFCx's cache).

FFCx takes a source file without its `.cached` mark for a compilation under way, and waits for it even if its process
was killed. Here whoever compiles a form holds a lock on a file beside it, which the kernel releases when the process
dies, writes down who it is, and touches the file as long as it lives, for file systems without locks and other hosts.
"""

import contextlib
import errno
import importlib.machinery
import importlib.util
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lifrac.errors import InputError
from mpi4py import MPI

from .collective import on_root
from .locks import try_lock

LOG = logging.getLogger("lifrac")
PAUSE = 0.1
"""Time between two looks [s]."""
SAID_AFTER, SAID_EVERY = 3.0, 30.0
"""Time [s] after which waiting is told of, and between two times."""
HEARTBEAT, STOPPED = 2.0, 20.0
"""Time [s] between two signs of life of a compiler, and without any after which it is taken for dead."""
UNKNOWN_AGE = 60.0
"""Age [s] at which a source without a mark is given up that was made by something that knows no locks."""
VISIBLE_AFTER = 30.0
"""Time [s] in which a file that rank 0 has written must be seen on other nodes."""
FULL = 2**20
"""Room [bytes] below which a disk is full for a compiler."""
REMEDY = "Set XDG_CACHE_HOME to a folder that can be written and that all nodes see"
_ONLY_LOADED: list[bool] = []
"""Not empty: this rank loads what rank 0 has compiled."""
_HELD: list["Claim"] = []
"""Claims of this process: those of the form that it compiles."""
_LOADED: dict[tuple[Path, int, int], ModuleType] = {}
"""Modules of this process by file, time of its last change [ns] and size [bytes]."""


@dataclass(frozen=True)
class Form:
    """A compiled form in the cache: its files by their names."""

    folder: Path
    name: str

    @property
    def source(self) -> Path:
        """Path of the C file that the form is compiled from."""
        return self.folder / f"{self.name}.c"

    @property
    def library(self) -> Path:
        """Path of the extension module that the form is compiled to, under the first name that is there."""
        names = [self.folder / f"{self.name}{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES]
        return next((path for path in names if path.exists()), names[0])

    @property
    def mark(self) -> Path:
        """Says that it is complete."""
        return self.folder / f"{self.name}.c.cached"

    @property
    def owner(self) -> Path:
        """Says who compiles it; locked."""
        return self.folder / f"{self.name}.owner"

    def clear(self) -> None:
        """Remove what is there of it; the mark first, so that nobody loads the rest."""
        self.mark.unlink(missing_ok=True)
        for file in self.folder.glob(f"{self.name}.*"):
            if file != self.owner:
                file.unlink(missing_ok=True)


class Claim:
    """The right to compile a form; waits until nobody else does."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self._file = -1
        self._over = threading.Event()
        self._seen: tuple[float, float] | None = None
        """Last sign of life of another process, and when it was seen first."""
        self._wait()

    def _wait(self) -> None:
        begun = said = time.monotonic()
        while not self._taken() and not self.form.mark.exists():
            now = time.monotonic()
            if now - begun > SAID_AFTER and (said == begun or now - said > SAID_EVERY):
                said = now
                LOG.info(
                    "waiting for %s, which compiles a form of the equations (%s); %.0f s so far",
                    _words(_read(self.form.owner)),
                    self.form.source,
                    now - begun,
                )
            time.sleep(PAUSE)

    def _taken(self) -> bool:
        """Take the lock, and clear away what a dead compiler has left, if there is no living one."""
        before, created = _read(self.form.owner), not self.form.owner.exists()
        try:
            file = os.open(self.form.owner, os.O_RDWR | os.O_CREAT | (os.O_EXCL if created else 0), 0o666)
        except FileExistsError:
            return False
        try:
            locked = try_lock(file)
            # A file that its owner has removed meanwhile is not the one that others look at.
            if locked is False or not _same(file, self.form.owner):
                return False
            if not self._nobody_works(before, locked is True or created):
                if created:  # the form has been completed meanwhile
                    self.form.owner.unlink(missing_ok=True)
                return False
            self.form.clear()
            os.ftruncate(file, 0)
            os.pwrite(file, f"{platform.node()} {os.getpid()}".encode(), 0)
            self._file, file = file, -1
            threading.Thread(target=self._live, daemon=True).start()
            return True
        finally:
            if file >= 0:
                os.close(file)

    def _nobody_works(self, owner: tuple[str, int] | None, locked: bool) -> bool:
        if self.form.mark.exists():
            return False
        if not self.form.source.exists() and locked:
            return True
        if owner is None:
            return self._age(self.form.source if locked else self.form.owner) > UNKNOWN_AGE
        host, process = owner
        if host == platform.node():
            return locked or not _alive(process)
        sign = self.form.owner.stat().st_mtime
        if self._seen is None or self._seen[0] != sign:
            self._seen = sign, time.monotonic()
        return time.monotonic() - self._seen[1] > STOPPED

    def _age(self, file: Path) -> float:
        """Time [s] since a file was changed, by the clock of its file system."""
        now = self.form.folder / f".{platform.node()}.{os.getpid()}"
        now.touch()
        try:
            return now.stat().st_mtime - file.stat().st_mtime
        except FileNotFoundError:
            return 0.0
        finally:
            now.unlink(missing_ok=True)

    def _live(self) -> None:
        """Give signs of life."""
        while not self._over.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                os.utime(self.form.owner)

    def release(self) -> None:
        """Nobody compiles any more; what is not complete is removed."""
        if self._file < 0:
            return
        self._over.set()
        with contextlib.suppress(OSError):
            if not self.form.mark.exists():
                self.form.clear()
            self.form.owner.unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1


def _read(file: Path) -> tuple[str, int] | None:
    """Host and process that an owner's file names."""
    try:
        host, process = file.read_text().split()
        return host, int(process)
    except (OSError, ValueError):
        return None


def _words(owner: tuple[str, int] | None) -> str:
    return "an unknown process" if owner is None else f"process {owner[1]} on {owner[0]}"


def _same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say of a failure to compile what the user can do about it."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or _full(folder):
            raise _no_room(folder) from error
        if isinstance(error, TimeoutError) or error.errno is None:
            raise
        raise InputError(
            f"the cache of compiled forms cannot be used: {error.strerror}",
            key="XDG_CACHE_HOME",
            value=str(folder),
            remedy=REMEDY,
        ) from error
    except Exception as error:
        # cffi and setuptools raise many kinds, with the compiler's words on standard error.
        if not any(word in type(error).__name__ for word in ("Compile", "Verification", "Link", "Platform", "Exec")):
            raise
        if _full(folder):
            raise _no_room(folder) from error
        raise InputError(
            f"the C compiler does not work, and the equations need one: {' '.join(str(error).split())[:200]}",
            key="CC",
            value=os.environ.get("CC", "not set"),
            remedy="Install a C compiler, or name one that works in CC",
        ) from error


def _full(folder: Path) -> bool:
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < FULL or (room.f_files > 0 and room.f_favail == 0)


def _no_room(folder: Path) -> OSError:
    return OSError(
        errno.ENOSPC,
        "no space left in the cache of compiled forms; make room, or set XDG_CACHE_HOME to another folder",
        str(folder),
    )


def mend(dolfinx_jit: Any, ffcx_jit: Any) -> None:
    """Let DOLFINx and FFCx compile by these rules, if they are built as the versions that we know.

    Parameters
    ----------
    dolfinx_jit, ffcx_jit : module
        `dolfinx.jit` and `ffcx.codegeneration.jit`.
    """
    local = getattr(dolfinx_jit.ffcx_jit, "__wrapped__", None)
    if local is None or not hasattr(ffcx_jit, "get_cached_module"):
        return
    ffcx_jit.get_cached_module = _claiming(ffcx_jit.get_cached_module)
    for name in ("compile_forms", "compile_expressions"):
        setattr(ffcx_jit, name, _releasing(getattr(ffcx_jit, name)))

    def jit(comm: MPI.Comm, *args: Any, **kwargs: Any) -> Any:
        """Compile on rank 0; the others load its result (collective)."""
        if comm.size == 1:
            return local(*args, **kwargs)
        compiled = on_root(comm, lambda: local(*args, **kwargs))
        if comm.rank == 0:
            return compiled
        _ONLY_LOADED.append(True)
        try:
            return local(*args, **kwargs)
        finally:
            _ONLY_LOADED.pop()

    jit.__wrapped__ = local  # type: ignore[attr-defined]
    dolfinx_jit.ffcx_jit = jit


def _claiming(find: Callable[..., Any]) -> Callable[..., Any]:
    """FFCx's look into the cache, which answers (None, None) where the caller has to compile."""

    def get_cached_module(module_name: str, object_names: list[str], cache_dir: Path, timeout: int) -> Any:
        form = Form(Path(cache_dir), module_name)
        with _told(form.folder):
            if _ONLY_LOADED:
                _await(form)
            if form.mark.exists():
                with contextlib.suppress(ImportError, FileNotFoundError):
                    return _load(form, object_names)
                form.mark.unlink(missing_ok=True)  # damaged: compiled again
            form.folder.mkdir(parents=True, exist_ok=True)
            _HELD.append(Claim(form))
            importlib.invalidate_caches()
            return find(module_name, object_names, cache_dir, timeout)

    return get_cached_module


def _load(form: Form, object_names: list[str]) -> tuple[list[Any], ModuleType]:
    """Return the objects of a complete form and its module, which a process loads once.

    FFCx reads the names of all files of the cache for every form: there may be thousands of either.
    """
    library = form.library
    state = library.stat()
    key = (library, state.st_mtime_ns, state.st_size)
    if key not in _LOADED:
        spec = importlib.util.spec_from_file_location(form.name, library)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        _LOADED[key] = module
    module = _LOADED[key]
    return [getattr(module.lib, name) for name in object_names], module


def _await(form: Form) -> None:
    """Rank 0 has compiled a form; its files may be seen later on other nodes."""
    begun = time.monotonic()
    while not form.mark.exists():
        if time.monotonic() - begun > VISIBLE_AFTER:
            raise FileNotFoundError(errno.ENOENT, "what rank 0 has compiled is not seen on this node", str(form.mark))
        time.sleep(PAUSE)


def _releasing(compile_them: Callable[..., Any]) -> Callable[..., Any]:
    def compiled(*args: Any, **kwargs: Any) -> Any:
        held = len(_HELD)
        try:
            with _told(Path(kwargs.get("cache_dir") or ".")):
                return compile_them(*args, **kwargs)
        finally:
            while len(_HELD) > held:
                _HELD.pop().release()

    return compiled
