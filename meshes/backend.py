"""The one place that finds DOLFINx.

The PyPI wheel `dolfinx-solver-real` must be imported before dolfinx and petsc4py; a DOLFINx from
conda-forge, Spack or source needs nothing. Every module that needs DOLFINx imports this one first.
"""

import importlib.util
import os

# A dense solve on a rank must not start threads that fight with the other ranks for cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# PETSc would take the handlers of signals over and abort where a run is to end in good order.
if "-no_signal_handler" not in (_options := os.environ.get("PETSC_OPTIONS", "")):
    os.environ["PETSC_OPTIONS"] = f"{_options} -no_signal_handler".strip()

if importlib.util.find_spec("dolfinx_solver") is not None:
    import dolfinx_solver  # noqa: F401

import dolfinx
import dolfinx.jit
import ffcx.codegeneration.jit

from .compiling import mend

mend(dolfinx.jit, ffcx.codegeneration.jit)
# For forms that something else compiles; ten seconds, the default, are too few on a loaded machine.
_JIT_TIMEOUT = 300
dolfinx.jit.DOLFINX_DEFAULT_JIT_OPTIONS["timeout"] = (_JIT_TIMEOUT, "Timeout for JIT compilation")

__all__ = ["dolfinx"]
