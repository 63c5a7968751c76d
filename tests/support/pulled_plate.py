"""A pulled plate with an edge crack, on a mesh that follows it."""

import numpy as np
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.solver.numerics.adaptive import Adaptive
from lifrac.solver.numerics.gathered_fields import Fields
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.fields import Snapshot, State
from lifrac.solver.phase_field.fracture.fracture_solver import Equilibrium, FractureSolver
from lifrac.solver.phase_field.fracture.refinement_rule import CrackFront, Refinement
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.solver.physics.damage import AT1
from mpi4py import MPI

from dolfinx import fem, mesh  # isort: skip

WIDTH, HEIGHT, NOTCH = 9.0, 9.0, 3.0
LENGTH, CELL = 0.75, 0.375
COARSE = 1.5
E, NU, GC = 150.0e3, 0.26, 6.0


def rectangle(comm: MPI.Comm, cell: float) -> TaggedMesh:
    """Squares of two triangles each; lower and upper edge are the groups `anode` and `counter`."""
    raw = None
    if comm.rank == 0:
        counts = [round(WIDTH / cell), round(HEIGHT / cell)]
        whole = mesh.create_rectangle(MPI.COMM_SELF, [(0.0, 0.0), (WIDTH, HEIGHT)], counts)
        groups = {}
        for name, at in (("anode", 0.0), ("counter", HEIGHT)):
            facets = mesh.locate_entities_boundary(whole, 1, lambda x, y=at: np.isclose(x[1], y))
            groups[name] = np.asarray(mesh.entities_to_geometry(whole, 1, facets), dtype=np.int64)
        raw = RawMesh(whole.geometry.x[:, :2].copy(), np.asarray(whole.geometry.dofmaps[0], dtype=np.int64), groups)
    return distribute(comm, raw)


class PulledPlate:
    """Held below, moved up above; the crack is the row of cells just above mid height."""

    def __init__(self, tagged: TaggedMesh, before: "PulledPlate | None", preset: str = "direct") -> None:
        msh = tagged.mesh
        self.tagged, self.state = tagged, State.on(msh)
        space = self.state.displacement.function_space
        self.opening = fem.Constant(msh, 0.0 if before is None else float(before.opening.value))
        held = []
        for name, value in (("anode", fem.Constant(msh, 0.0)), ("counter", self.opening)):
            dofs = fem.locate_dofs_topological(space.sub(1), 1, tagged.facets(name))
            held.append(fem.dirichletbc(value, dofs, space.sub(1)))
        corner = fem.locate_dofs_topological(space.sub(0), 1, tagged.facets("anode"))
        held.append(fem.dirichletbc(fem.Constant(msh, 0.0), corner, space.sub(0)))
        if before is None:
            self._start_crack()
        residual = 1.0e-8 if preset == "direct" else 1.0e-6
        energy = Energy(Solid(E, NU, GC, AT1(LENGTH), residual_stiffness=residual))
        self.solver = FractureSolver(energy, self.state, held, LoopControl(1.0e-8), preset)  # type: ignore
        self.front = CrackFront(energy, self.state, Refinement(CELL))

    def _start_crack(self) -> None:
        msh, line = self.tagged.mesh, 0.5 * HEIGHT + 1.0e-6
        y = msh.geometry.x[:, 1][msh.geometry.dofmaps[0]]
        x = msh.geometry.x[:, 0][msh.geometry.dofmaps[0]].mean(axis=1)
        row = (y.min(axis=1) < line) & (y.max(axis=1) > line) & (x < NOTCH)
        self.state.break_cells(np.flatnonzero(row).astype(np.int32))

    def fields(self) -> Fields:
        return self.state.fields()

    def carried(self) -> None:
        """Nothing follows from the fields."""

    def snapshot(self) -> tuple[Snapshot, float]:
        return self.state.snapshot(), float(self.opening.value)

    def restore(self, snapshot: tuple[Snapshot, float]) -> None:
        self.state.restore(snapshot[0])
        self.opening.value = snapshot[1]

    def destroy(self) -> None:
        self.solver.destroy()

    def pull(self, opening: float) -> Equilibrium:
        self.opening.value = opening
        return self.solver.solve()


def pulled_plate(comm: MPI.Comm, cell: float, preset: str = "direct") -> Adaptive[PulledPlate]:
    return Adaptive(
        rectangle(comm, cell),
        lambda tagged, before: PulledPlate(tagged, before, preset),
        lambda plate: plate.front.demands(),
    )
