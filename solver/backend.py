"""The DOLFINx back end as the solver sees it; the one place that finds it is `lifrac.meshes.backend`."""

from lifrac.meshes.backend import dolfinx

__all__ = ["dolfinx"]
