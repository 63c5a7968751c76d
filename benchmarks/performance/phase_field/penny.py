"""A half-penny crack on a free face under pressure in 3D: a quarter of it, the size chosen by the number of nodes."""

import resource
from time import perf_counter, process_time
from typing import Any

import numpy as np
import ufl
from dolfinx import fem, mesh
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.energy_release import tip_position
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.fracture_solver import FractureSolver
from lifrac.solver.physics.crack_pressure import opening_density, pressure_energy
from lifrac.solver.physics.damage import AT1
from lifrac.verification.phase_field.diffuse_crack import graded
from mpi4py import MPI

RADIUS, BODY, REACH = 10.0, 8.0, 1.6
"""a0 [um]; size of the body and of the region of fine cells over it."""
MODULUS, POISSON_RATIO, TOUGHNESS = 150.0e3, 0.26, 6.0
CELLS = 2.0
"""l over h."""


def lines(finest: float) -> list[np.ndarray]:
    """Coordinates of the nodes along x (away from the crack), y (depth) and z, for a cell size h [um]."""
    along = graded(finest, REACH * RADIUS, BODY * RADIUS)
    return [graded(finest, 3.0 * CELLS * finest, BODY * RADIUS), along, along]


def box(nodes: int) -> tuple[mesh.Mesh, float]:
    """Return the mesh with about so many nodes, and its h [um]."""
    sizes = RADIUS / np.linspace(4.0, 80.0, 305)
    counts = [np.prod([float(len(line)) for line in lines(h)]) for h in sizes]
    h = float(sizes[int(np.argmin(np.abs(np.array(counts) - nodes)))])
    axes = lines(h)
    cells = [len(axis) - 1 for axis in axes]
    msh = mesh.create_box(MPI.COMM_WORLD, [np.zeros(3), np.array(cells, dtype=float)], cells)
    for k, axis in enumerate(axes):
        msh.geometry.x[:, k] = axis[np.rint(msh.geometry.x[:, k]).astype(int)]
    return msh, h


def half_penny(nodes: int) -> dict[str, Any]:
    """At rest under half of the pressure at which a penny grows: figures with their units."""
    start = process_time()
    msh, h = box(nodes)
    comm, state = msh.comm, State.on(msh)
    x = state.damage.function_space.tabulate_dof_coordinates()
    row = (x[:, 0] < 1.01 * h) & (np.hypot(x[:, 1], x[:, 2]) < RADIUS)
    state.break_nodes(np.flatnonzero(row).astype(np.int32))
    pressure = fem.Constant(msh, 0.0)
    model = AT1(CELLS * h)
    solid = Solid(MODULUS, POISSON_RATIO, TOUGHNESS, model, residual_stiffness=1.0e-6)
    energy = Energy(solid, lambda u, d: pressure_energy(u, d, pressure) * ufl.dx)
    space = state.displacement.function_space
    held = []
    for axis, at in ((0, 0.0), (2, 0.0), (1, BODY * RADIUS)):
        facets = mesh.locate_entities_boundary(msh, 2, lambda x, a=axis, at=at: np.isclose(x[a], at))
        dofs = fem.locate_dofs_topological(space.sub(axis), 2, facets)
        held.append(fem.dirichletbc(fem.Constant(msh, 0.0), dofs, space.sub(axis)))
    solver = FractureSolver(energy, state, held, preset="multigrid")
    setup, start, wall = process_time() - start, process_time(), perf_counter()
    stiffness = MODULUS / (1.0 - POISSON_RATIO**2)
    toughness = TOUGHNESS * model.toughness_factor(2.0 * h)
    pressure.value = 0.5 * float(np.sqrt(np.pi * toughness * stiffness / (4.0 * RADIUS)))  # type: ignore[assignment]
    found = solver.solve()
    volume = fem.assemble_scalar(fem.form(opening_density(state.displacement, state.damage) * ufl.dx))
    volume = 4.0 * comm.allreduce(float(volume), op=MPI.SUM)
    penny = 16.0 * float(pressure.value) * RADIUS**3 / (3.0 * stiffness)
    memory = comm.allreduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0, op=MPI.SUM)
    dofs = 4.0 * space.dofmap.index_map.size_global
    return {
        "dofs": (dofs, "-"),
        "l over radius": (model.length / RADIUS, "-"),
        "set-up, CPU time": (setup, "s"),
        "sweeps": (found.sweeps, "-"),
        "CPU time per sweep": (comm.allreduce(process_time() - start, op=MPI.SUM) / found.sweeps, "s"),
        "wall time": (perf_counter() - wall, "s"),
        "memory per dof": (memory / dofs, "B"),
        "volume over that of a whole penny in an infinite body": (volume / penny, "-"),
        "deepest broken node over radius": (tip_position(state, 1) / RADIUS, "-"),
        "solver still multigrid": (float(solver.displacement.preset == "multigrid"), "-"),
    }
