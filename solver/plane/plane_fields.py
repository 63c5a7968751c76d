"""Fields of a state of the plane engine: bulk fields are recovered from its surface."""

from dataclasses import dataclass

import numpy as np
from dolfinx import fem
from lifrac import quantities
from lifrac.solver.model.cell_model import PlaneModel
from lifrac.solver.output.field_view import FieldView, Surface
from lifrac.solver.physics.conduction import current_density
from lifrac.solver.physics.elasticity import stress_3d
from numpy.typing import NDArray

from .bulk import Bulk
from .surface import ANODE, COUNTER, CRACK

Floats = NDArray[np.float64]
REGIONS = ((CRACK, 1), (ANODE, 2), (COUNTER, 3))
"""Tags of the surface mesh, and their `region` in files."""
LINE, TRIANGLE = 3, 5
"""VTK's numbers."""


@dataclass(frozen=True)
class SurfaceSnapshot:
    """The data that rank 0 hands out to recover the bulk fields of a state."""

    time: float
    potential: Floats
    """(n,) phi [V]."""
    opening: Floats
    """(n,) opening of the crack beyond its initial aperture [um]."""
    lithium_thickness: Floats
    """(n,) h [um]."""
    lithium_pressure: Floats
    """(n,) p [MPa]."""
    current: Floats
    """(n,) plating current density less that of stripping at the counter electrode [A/m2]."""
    aperture: Floats
    """(n,) w0 + opening [um]."""
    damage: Floats
    contact: Floats
    """(n,) part of the electrode faces that touches; 0 off them."""
    stack_pressure: float
    """[MPa]."""


class PlaneFields(FieldView):
    """Fields of a surface state; bulk fields are recovered by `update`.

    Parameters
    ----------
    bulk : Bulk
    model : PlaneModel
    """

    snapshot: SurfaceSnapshot

    def __init__(self, bulk: Bulk, model: PlaneModel) -> None:
        self.bulk, self.model = bulk, model
        self.comm, self.space = bulk.tagged.mesh.comm, bulk.potential_space
        self.potential = fem.Function(bulk.potential_space)
        self.displacement = fem.Function(bulk.displacement_space)
        e = model.electrolyte
        self.current_density = current_density(self.potential, e.conductivity)
        self.stress = stress_3d(self.displacement, e.youngs_modulus, e.poisson_ratio)
        surface = bulk.surface
        shape = LINE if bulk.tagged.mesh.geometry.dim == 2 else TRIANGLE
        blocks = [(shape, surface.cell_dofs(tag), number) for tag, number in REGIONS]
        self.surface = Surface(surface.x, blocks, surface.space)

    def update(self, snapshot: SurfaceSnapshot) -> None:
        """Recover the bulk fields of a state (collective; the same snapshot on every rank)."""
        self.snapshot = snapshot
        e = self.model.electrolyte
        self.potential.x.array[:] = self.bulk.recover_potential(snapshot.potential).x.array
        opening, stack = snapshot.opening[self.bulk.surface.crack], snapshot.stack_pressure
        self.displacement.x.array[:] = self.bulk.recover_displacement(opening, e.youngs_modulus, stack).x.array


@quantities.function("aperture", PlaneFields, field=True)
def aperture(at: PlaneFields) -> Floats:
    """w0 + opening."""
    return at.snapshot.aperture


@quantities.function("lithium_thickness", PlaneFields, field=True)
def lithium_thickness(at: PlaneFields) -> Floats:
    """Return h."""
    return at.snapshot.lithium_thickness


@quantities.function("lithium_pressure", PlaneFields, field=True)
def lithium_pressure(at: PlaneFields) -> Floats:
    """Return p."""
    return at.snapshot.lithium_pressure


@quantities.function("damage", PlaneFields, field=True)
def damage(at: PlaneFields) -> Floats:
    """Return 1 where the crack is open, d of a cohesive law ahead of it."""
    return at.snapshot.damage


@quantities.function("face_current_density", PlaneFields, field=True)
def face_current_density(at: PlaneFields) -> Floats:
    """Plating current density less that of stripping at the counter electrode."""
    return at.snapshot.current


@quantities.function("contact", PlaneFields, field=True)
def contact(at: PlaneFields) -> Floats:
    """Part of the electrode faces that touches."""
    return at.snapshot.contact
