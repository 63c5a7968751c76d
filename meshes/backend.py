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

__all__ = ["dolfinx"]
