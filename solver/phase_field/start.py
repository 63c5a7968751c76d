"""How lithium lies in a flaw before the protocol begins.

Metal filled it, and had no time to creep out while the loads were put on: it carries what the sound body would carry
across the flaw, -n.sigma.n, which leaves the flaw as wide as stated, or the stack pressure if that is more.
"""

from ..backend import dolfinx  # noqa: F401  isort: skip

import numpy as np
import ufl
from dolfinx import fem

from .problem import PhaseFieldProblem, PhaseState, Step
from .state import Floats


def fill_flaw(problem: PhaseFieldProblem, state: PhaseState) -> Step:
    """The flaw full of metal under the loads (collective); openings count from what they are where it carries them.

    Raises
    ------
    NumericalFailure
        On every rank alike.
    """
    problem.load(state)
    flaw, loads = problem.model.flaw, problem.model.loads
    carried = carried_pressure(problem)
    _equilibrium(problem, carried)
    problem.cell.set_unopened()
    outside = loads.stack_pressure if flaw.mouth == "open" else 0.0
    return problem.pressed(state, np.maximum(carried, outside))


def carried_pressure(problem: PhaseFieldProblem) -> Floats:
    """-n.sigma.n [MPa] of the sound body at the nodes of the flaw, even across the band (collective)."""
    cell, fields = problem.cell, problem.fields
    damage = fields.damage.x.array.copy()
    fields.damage.x.array[:] = 0.0
    _equilibrium(problem, np.zeros_like(damage))
    fields.damage.x.array[:] = damage
    cell.sound.x.array[:] = fields.displacement.x.array
    space = fields.damage.function_space
    sigma = cell.energy.stress(fields.displacement, fem.Constant(space.mesh, 0.0))
    across = -cell.band.density * ufl.inner(sigma, cell.band.across)
    return cell.band.surface_field(cell.band.assembled(fem.form(across * ufl.TestFunction(space) * ufl.dx)))


def _equilibrium(problem: PhaseFieldProblem, pressure: Floats) -> None:
    """At the present damage, without current."""
    with problem.cell.pressed(pressure):
        problem.cell.solve(1.0, 0.0, problem.metal)
