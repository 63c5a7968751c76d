"""Walls of pores: surface that plates and volume that fills, besides those of the crack."""

import numpy as np
import ufl
from dolfinx import fem
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.numerics.nodal import nodal_sums, owned_sum
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.physics.lithium import LUMPED


class PoreWalls:
    """Surface and volume of the pores, shared out among the nodes of their walls (collective).

    Parameters
    ----------
    tagged : TaggedMesh
        The facet group `pore` marks the walls; without it there are none.
    space : fem.FunctionSpace
        P1, scalar.

    Attributes
    ----------
    area : ndarray
        Surface of each node [um, um2 in 3D], ghosts included.
    volume : ndarray
        What the pores enclose, in proportion to the surface [um2, um3 in 3D].
    """

    def __init__(self, tagged: TaggedMesh, space: fem.FunctionSpace) -> None:
        ghosted = space.dofmap.index_map.size_local + space.dofmap.index_map.num_ghosts
        self.area: Floats = np.zeros(ghosted)
        self.volume: Floats = np.zeros(ghosted)
        self.present = "pore" in tagged.groups
        """Whether there are pores, on any rank."""
        if self.present:
            self._measure(tagged, space)

    def _measure(self, tagged: TaggedMesh, space: fem.FunctionSpace) -> None:
        msh = tagged.mesh
        ds = ufl.Measure("ds", domain=msh, subdomain_data=tagged.facet_tags)
        wall, v = ds(tagged.groups["pore"], metadata=LUMPED), ufl.TestFunction(space)
        n, x = ufl.FacetNormal(msh), ufl.SpatialCoordinate(msh)
        self.area = nodal_sums(fem.form(v * wall), space)
        fluxes = nodal_sums(fem.form(ufl.inner(x, n) * v * wall), space)
        enclosed = -owned_sum(fluxes, space) / msh.geometry.dim  # the divergence theorem; n points into the pores
        self.volume = enclosed * self.area / owned_sum(self.area, space)

    @property
    def nodes(self) -> np.ndarray:
        """Mask of the nodes of walls, ghosts included."""
        return np.asarray(self.area > 0.0)
