"""A small notched plate that tests of the phase-field engine share."""

from dataclasses import dataclass

import numpy as np
import ufl
from lifrac.solver.numerics.presets import Preset
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.fracture_solver import FractureSolver
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.solver.physics.crack_pressure import pressure_energy
from lifrac.solver.physics.damage import AT1, DamageModel
from lifrac.solver.physics.splits import NoSplit, Split
from mpi4py import MPI

from dolfinx import fem, mesh  # isort: skip

WIDTH, HEIGHT, CELLS = 12.0, 8.0, (24, 16)
E, NU, GC = 150.0e3, 0.26, 6.0


@dataclass
class Plate:
    """Its state, its solvers, and the opening that is imposed on its upper edge."""

    state: State
    solid: Solid
    solver: FractureSolver
    opening: fem.Constant
    side: fem.Constant
    pressure: fem.Constant


def plate(
    comm: MPI.Comm,
    model: DamageModel | None = None,
    split: Split | None = None,
    control: LoopControl | None = None,
    preset: Preset = "direct",
    toughness: float = GC,
    filled: bool = False,
) -> Plate:
    """A plate with a notch from its left edge at mid height, held below, moved by (side, opening) above.

    `filled`: the crack is a row of broken cells that hold a given volume at some pressure. (Of two rows, either may
    grow: rounding would choose.)
    """
    msh = mesh.create_rectangle(comm, [(0.0, 0.0), (WIDTH, HEIGHT)], CELLS)
    state = State.on(msh)
    residual = 1.0e-8 if preset == "direct" else 1.0e-6
    solid = Solid(E, NU, toughness, model or AT1(1.5), split or NoSplit(), residual)
    x = state.damage.function_space.tabulate_dof_coordinates()
    middle, half_width = (0.5 * HEIGHT - 0.25, 0.26) if filled else (0.5 * HEIGHT, 1.0e-6)
    notch = (np.abs(x[:, 1] - middle) < half_width) & (x[:, 0] < 4.01)
    state.break_nodes(np.flatnonzero(notch).astype(np.int32))
    space = state.displacement.function_space
    opening, side, zero, pressure = (fem.Constant(msh, 0.0) for _ in range(4))
    held = []
    for at, values in ((0.0, (zero, zero)), (HEIGHT, (side, opening))):
        facets = mesh.locate_entities_boundary(msh, 1, lambda x, y=at: np.isclose(x[1], y))
        for axis, value in enumerate(values):
            dofs = fem.locate_dofs_topological(space.sub(axis), 1, facets)
            held.append(fem.dirichletbc(value, dofs, space.sub(axis)))
    if filled:
        energy = Energy(solid, lambda u, d: pressure_energy(u, d, pressure) * ufl.dx)
        solver = FractureSolver(energy, state, held, control, preset, pressure)
    else:
        solver = FractureSolver(Energy(solid), state, held, control, preset)
    return Plate(state, solid, solver, opening, side, pressure)


def pressed(comm: MPI.Comm, preset: Preset = "direct") -> Plate:
    """A plate with a crack that holds a volume, solved tightly."""
    return plate(comm, control=LoopControl(1.0e-8), preset=preset, filled=True)


def hold(body: Plate, volume: float) -> float:
    """Put a volume [um2] into the crack; returns the pressure [MPa]."""
    assert body.solver.volume is not None
    body.solver.volume.volume = volume
    body.solver.solve()
    body.state.commit()
    return float(body.pressure.value)
