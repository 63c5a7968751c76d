"""Finds DOLFINx, when it is first imported: the one place that knows where it comes from.

The PyPI wheel `dolfinx-solver-real` must be imported before dolfinx and petsc4py; a DOLFINx from conda-forge, Spack or
source needs nothing. `import lifrac` installs a finder that sees to that, and to how forms are compiled, so that
modules import dolfinx like anything else and commands that need none do not wait for it.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

NEEDS_WHEEL = ("dolfinx", "petsc4py", "slepc4py")
"""Packages that the wheel brings, or that must be imported after it."""
JIT_TIMEOUT = 300
"""Time [s] for forms that something else compiles; ten seconds, the default, are too few on a loaded machine."""


class _Finder(MetaPathFinder):
    """Imports the wheel before what it brings, and mends DOLFINx once it is there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in NEEDS_WHEEL:
            return None
        prepare()
        if fullname != "dolfinx":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("dolfinx")
        if spec is not None and spec.loader is not None:
            spec.loader = _Mending(spec.loader)
        return spec


class _Mending(Loader):
    """Loads DOLFINx and mends it."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def __getattr__(self, name: str) -> object:
        return getattr(self.loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        mend_dolfinx()


def prepare() -> None:
    """Import the wheel, if that is where DOLFINx comes from, before anything of it."""
    # A dense solve on a rank must not start threads that fight with the other ranks for cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # PETSc would take the handlers of signals over and abort where a run is to end in good order.
    options = os.environ.get("PETSC_OPTIONS", "")
    if "-no_signal_handler" not in options:
        os.environ["PETSC_OPTIONS"] = f"{options} -no_signal_handler".strip()
    if "dolfinx_solver" not in sys.modules and importlib.util.find_spec("dolfinx_solver") is not None:
        importlib.import_module("dolfinx_solver")


def mend_dolfinx() -> None:
    """Let ranks and processes share the compilation of forms (`lifrac.parallel.compiling`)."""
    import dolfinx.jit
    import ffcx.codegeneration.jit
    from lifrac.parallel.compiling import mend

    mend(dolfinx.jit, ffcx.codegeneration.jit)
    dolfinx.jit.DOLFINX_DEFAULT_JIT_OPTIONS["timeout"] = (JIT_TIMEOUT, "Timeout for JIT compilation")


def install() -> None:
    """Be there when DOLFINx is imported; where it has been, mend it now."""
    if "dolfinx" in sys.modules:
        mend_dolfinx()
    else:
        sys.meta_path.insert(0, _Finder())
