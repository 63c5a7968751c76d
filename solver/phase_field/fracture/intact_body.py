"""The body without damage under the outer loads: what displacements of a cracked cell count from."""

from collections.abc import Sequence
from dataclasses import replace

from dolfinx import fem
from lifrac.solver.physics.splits import NoSplit

from .crack_loads import CellLoads
from .displacement import DisplacementSolver
from .energy import Energy, Solid
from .fields import State


def load_intact_body(
    intact: fem.Function,
    solid: Solid,
    loads: CellLoads,
    prescribed: Sequence[fem.DirichletBC],
    stack_pressure: float,
    lateral_stress: float,
) -> None:
    """Set `intact` to the displacement [um] of the body without damage under the loads [MPa] (collective).

    Raises
    ------
    NumericalFailure
        On every rank alike.
    """
    whole = Solid(solid.youngs_modulus, solid.poisson_ratio, solid.fracture_energy, solid.damage_model, NoSplit())
    state = replace(State.on(intact.function_space.mesh), displacement=intact)  # `prescribed` knows its space
    solver = DisplacementSolver(
        Energy(whole, lambda u, d: loads.outer(u, stack_pressure, lateral_stress)), state, prescribed
    )
    solver.solve()
    solver.destroy()
