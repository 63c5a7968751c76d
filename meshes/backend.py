"""The one place that finds DOLFINx.

The PyPI wheel `dolfinx-solver-real` must be imported before dolfinx and petsc4py; a DOLFINx from
conda-forge, Spack or source needs nothing. Every module that needs DOLFINx imports this one first.
"""

import importlib.util
import os

# A dense solve on a rank must not start threads that fight with the other ranks for cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if importlib.util.find_spec("dolfinx_solver") is not None:
    import dolfinx_solver  # noqa: F401

import dolfinx
import dolfinx.jit

# Other ranks wait while rank 0 compiles a form; ten seconds, the default, are too few on a loaded machine.
_JIT_TIMEOUT = 300
dolfinx.jit.DOLFINX_DEFAULT_JIT_OPTIONS["timeout"] = (_JIT_TIMEOUT, "Timeout for JIT compilation")

__all__ = ["dolfinx"]
