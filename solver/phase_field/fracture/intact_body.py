"""The body without damage under the outer loads: what displacements of a cracked cell count from."""

from collections.abc import Sequence
from dataclasses import replace

from dolfinx import fem
from lifrac.solver.physics.splits import NoSplit

from .displacement import DisplacementSolver
from .energy import Energy, Solid
from .fields import State
from .loads import CellLoads


def load_sound_body(sound: fem.Function, solid: Solid, loads: CellLoads, held: Sequence[fem.DirichletBC]) -> None:
    """Set `sound` to the displacement [um] of the sound body under the loads (collective).

    Raises
    ------
    NumericalFailure
        On every rank alike.
    """
    whole = Solid(solid.youngs_modulus, solid.poisson_ratio, solid.fracture_energy, solid.damage_model, NoSplit())
    state = replace(State.on(sound.function_space.mesh), displacement=sound)  # `held` knows its space
    solver = DisplacementSolver(Energy(whole, lambda u, d: loads.outer(u)), state, held)
    solver.solve()
    solver.destroy()
