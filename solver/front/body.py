"""A condensed body as a crack with a sharp front sees it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from lifrac.errors import InputError
from lifrac.solver.interfaces.law import Face, Faces
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.plane.body import PlaneBody
from lifrac.solver.plane.surface import ANODE, COUNTER
from numpy.typing import NDArray

from .compliance import CrackCompliance, crack_order
from .loads import PlaneStress
from .weights import WeightFunction

Floats = NDArray[np.float64]
REACH = 1.5
"""Length, in flaw lengths, up to which nodes may open in an equilibrium of the flaw."""


@dataclass(frozen=True)
class FrontBody:
    """A crack in a condensed body: elasticity for E' = 1, conduction for kappa = 1.

    Parameters
    ----------
    plane : PlaneBody
        In 2D.
    reach : float
        Length up to which nodes of the crack may open [um].

    Raises
    ------
    InputError
        For a body in 3D.
    """

    plane: PlaneBody
    reach: float = np.inf

    def __post_init__(self) -> None:
        if self.plane.tagged.mesh.geometry.dim != 2:
            raise InputError(
                "a sharp front is computed in two dimensions",
                key="defect.type",
                remedy="State an edge flaw: a half-penny has 2/pi of its stress intensity",
            )

    @cached_property
    def crack(self) -> CrackCompliance:
        """Compliance up to any tip."""
        return CrackCompliance.of_body(self.plane, self.reach)

    @cached_property
    def weights(self) -> WeightFunction:
        """Stress intensity of any pressure."""
        return WeightFunction(self.crack)

    @cached_property
    def stress(self) -> PlaneStress:
        """Stress that outer loads put on the plane of the crack."""
        return PlaneStress.of_body(self.plane)

    @cached_property
    def crack_dofs(self) -> NDArray[np.int64]:
        """Surface dofs along the crack, from the mouth."""
        return self.plane.surface.crack[crack_order(self.plane)]

    @cached_property
    def electrode_areas(self) -> dict[int, Floats]:
        """Area of the anode and counter electrode face that belongs to each of their nodes [um], by tag."""
        surface = self.plane.surface
        return {tag: surface.lumped_area(tag)[surface.dofs(tag)] for tag in (ANODE, COUNTER)}

    def faces(self, model: CellModel) -> Faces:
        """Return the electrode faces as laws on them are told."""
        surface = self.plane.surface
        anode, counter = (
            Face(surface.dofs(tag), self.electrode_areas[tag], kinetics.contact_fraction, float)
            for tag, kinetics in ((ANODE, model.anode), (COUNTER, model.counter))
        )
        return Faces(surface.size, anode, counter)

    def lateral_factor(self, model: CellModel) -> float:
        """Return what the stress of held sides is for the model's Poisson's ratio over that for the body's [-]."""
        if self.plane.bulk.loads.lateral != "die":
            return 1.0
        now, then = model.electrolyte.poisson_ratio, self.plane.bulk.nu
        return now / (1.0 - now) * (1.0 - then) / then

    def stress_under(self, model: CellModel) -> Floats:
        """Return the normal stress of the model's loads on the plane of the crack, node by node [MPa]."""
        loads = model.loads
        held = loads.stack_pressure * self.lateral_factor(model) * self.stress.by_stack
        return np.asarray(held + loads.lateral_stress * self.stress.by_lateral)
