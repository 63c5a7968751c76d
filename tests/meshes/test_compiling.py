"""The cache of compiled forms: what killed compilers leave, who waits for whom, and what is said when it fails."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import dolfinx
import pytest
import ufl
from lifrac.errors import InputError
from lifrac.parallel import compiling
from lifrac.parallel.compiling import Claim, Form
from mpi4py import MPI
from support.mpi import PATIENCE

COMPILE = """
import logging, sys
from lifrac.problems.cli import main as cli
cli.speak()
from lifrac.problems.process.ending import ending_together
def command():
    import dolfinx
    from mpi4py import MPI
    import ufl
    body = dolfinx.mesh.create_unit_interval(MPI.COMM_WORLD, 3)
    v = ufl.TestFunction(dolfinx.fem.functionspace(body, ("P", 1)))
    dolfinx.fem.form(v * ufl.dx)
    return 0
sys.exit(ending_together(command))
"""
DEAD = 2**22 + 1
"""No process has this number: it is beyond the largest that the kernel gives."""


def compile_with(cache: Path) -> None:
    """The form of `COMPILE`, in this process."""
    body = dolfinx.mesh.create_unit_interval(MPI.COMM_SELF, 3)
    v = ufl.TestFunction(dolfinx.fem.functionspace(body, ("P", 1)))
    dolfinx.fem.form(v * ufl.dx, jit_options={"cache_dir": cache / "fenics"})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with one form."""
    cache = tmp_path_factory.mktemp("cache")
    compile_with(cache)
    return cache


def form_in(cache: Path) -> Form:
    (source,) = (cache / "fenics").glob("*.c")
    return Form(source.parent, source.stem)


@pytest.mark.parametrize("left", ["by us", "by others", "damaged library"])
def test_what_a_killed_compiler_leaves_is_mended(filled: Path, left: str) -> None:
    form = form_in(filled)
    if left == "damaged library":
        (library,) = form.folder.glob(f"{form.name}.*.so")
        library.write_bytes(b"")
    else:
        form.clear()
        form.source.write_text("int unfinished")
        if left == "by us":
            form.owner.write_text(f"{platform.node()} {DEAD}")
        else:
            os.utime(form.source, (time.time() - 3600.0,) * 2)
    compile_with(filled)
    assert form.mark.exists()
    assert form.source.read_text() != "int unfinished"
    assert not form.owner.exists()


def test_who_waits_says_for_whom_and_heeds_signals(filled: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    form = Form(cache / "fenics", form_in(filled).name)
    form.folder.mkdir(parents=True)
    claim = Claim(form)
    form.source.touch()
    surroundings = os.environ | {"XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", COMPILE]
    with subprocess.Popen(command, env=surroundings, stderr=subprocess.PIPE, text=True) as waits:
        assert waits.stderr is not None
        assert f"waiting for process {os.getpid()} on {platform.node()}" in waits.stderr.readline()
        waits.send_signal(signal.SIGTERM)
        assert "asked to stop by SIGTERM" in waits.stderr.read()
        assert waits.wait(PATIENCE) == 4
    claim.release()
    assert list(form.folder.iterdir()) == []


@pytest.mark.parametrize("compiler", ["/bin/false", "/nowhere/cc"])
def test_a_compiler_that_does_not_work_is_named(tmp_path: Path, compiler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", compiler)
    with pytest.raises(InputError, match=f"CC = '{compiler}': the C compiler does not work"):
        compile_with(tmp_path)
    assert list((tmp_path / "fenics").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_bad_input_on_all_ranks(tmp_path: Path, mpi_run: Any) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", Path("/proc/nowhere")):
        with pytest.raises(InputError, match="Set XDG_CACHE_HOME to"):
            compile_with(folder)
    ranks = mpi_run(COMPILE, 2, check=False, env={"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert ranks.returncode == 2
    assert ranks.output.count("lifrac:") == 1


def test_several_processes_and_ranks_share_a_cache(tmp_path: Path, mpi_run: Any) -> None:
    surroundings = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    other = subprocess.Popen([sys.executable, "-c", COMPILE], env=surroundings)
    mpi_run(COMPILE, 2, env={"XDG_CACHE_HOME": str(tmp_path)})
    assert other.wait(PATIENCE) == 0
    assert not list((tmp_path / "fenics").glob("*.owner"))


def claims(form: Form, patience: float = 1.0) -> bool:
    """Whether a process may compile a form within some time."""
    taken: list[Claim] = []
    waits = threading.Thread(target=lambda: taken.append(Claim(form)), daemon=True)
    waits.start()
    end = time.monotonic() + patience
    while not taken and time.monotonic() < end:
        time.sleep(0.01)
    found = bool(taken)
    form.mark.touch()  # ends the waiting
    waits.join(PATIENCE)
    taken[0].release()
    return found


def unfinished(folder: Path, owner: str) -> Form:
    form = Form(folder, "form")
    form.source.touch()
    form.owner.write_text(owner)
    return form


@pytest.mark.parametrize(("process", "dead"), [(DEAD, True), (os.getpid(), False)], ids=["gone", "alive"])
def test_without_locks_a_process_of_this_host_is_looked_for(
    process: int, dead: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "try_lock", lambda file: None)
    form = unfinished(tmp_path, f"{platform.node()} {process}")
    assert claims(form, PATIENCE if dead else 0.5) == dead


@pytest.mark.parametrize("locks", [True, None])
def test_another_host_is_dead_without_signs_of_life(
    locks: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock says nothing about it where each host has its own."""
    monkeypatch.setattr(compiling, "try_lock", lambda file: locks)
    form = unfinished(tmp_path, "elsewhere 1")
    assert not claims(form, 0.5)
    form.mark.unlink()
    monkeypatch.setattr(compiling, "STOPPED", 0.3)
    assert claims(form, PATIENCE)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure in a full cache is told as such, whatever the compiler says."""
    monkeypatch.setattr(compiling, "_full", lambda folder: True)
    compile_error = type("CompileError", (Exception,), {})
    for error in (compile_error("command failed"), OSError(5, "Input/output error")):
        with pytest.raises(OSError, match="no space left in the cache of compiled forms"), compiling._told(tmp_path):
            raise error
