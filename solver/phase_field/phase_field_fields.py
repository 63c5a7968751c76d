"""Fields of a state of the phase-field engine on its mesh."""

import numpy as np
from dolfinx import fem
from lifrac import quantities
from lifrac.solver.numerics.nodal import values_of
from lifrac.solver.output.field_view import FieldView
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.physics.conduction import current_density
from lifrac.solver.physics.elasticity import components_3d

from .problem import PhaseFieldProblem


class PhaseFieldFields(FieldView):
    """Fields of a problem, on its mesh; they follow its state once `update` is called.

    Parameters
    ----------
    problem : PhaseFieldProblem
    """

    def __init__(self, problem: PhaseFieldProblem) -> None:
        self.problem, cell = problem, problem.cell
        self.comm, self.space = problem.comm, problem.fields.damage.function_space
        self.potential = cell.potential
        self.displacement = fem.Function(problem.fields.displacement.function_space)
        self.current_density = current_density(cell.potential, cell.conductivity)
        self.stress = components_3d(cell.total_stress(), problem.solid.poisson_ratio)

    def update(self) -> None:
        """Follow the problem: displacement is that of the body under the loads, cracks and all."""
        problem = self.problem
        self.displacement.x.array[:] = values_of(problem.cell.intact) + values_of(problem.fields.displacement)

    def in_crack(self, function: fem.Function) -> Floats:
        """Values where the crack is: the solver has fields of it on all nodes of damaged cells."""
        return np.where(values_of(self.problem.fields.damage) > 0.0, values_of(function), 0.0)


@quantities.function("damage", PhaseFieldFields, field=True)
def damage(at: PhaseFieldFields) -> fem.Function:
    """Return d."""
    return at.problem.fields.damage


@quantities.function("aperture", PhaseFieldFields, field=True)
def aperture(at: PhaseFieldFields) -> Floats:
    """Distance between the faces of the crack."""
    return at.in_crack(at.problem.cell.aperture)


@quantities.function("fill_fraction", PhaseFieldFields, field=True)
def fill_fraction(at: PhaseFieldFields) -> Floats:
    """Lithium over aperture."""
    return at.in_crack(at.problem.cell.fill_fraction)


@quantities.function("lithium_pressure", PhaseFieldFields, field=True)
def lithium_pressure(at: PhaseFieldFields) -> Floats:
    """Return p in cracks, and in pores as well."""
    cell = at.problem.cell
    hollow = (values_of(at.problem.fields.damage) > 0.0) | cell.walls.nodes
    return np.where(hollow, values_of(cell.pressure), 0.0)
