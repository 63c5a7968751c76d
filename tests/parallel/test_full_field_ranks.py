"""The full-field reference solvers on all ranks together and on one alone: the same numbers and failures."""

from dataclasses import replace

import pytest
import ufl
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.loads import Loads
from lifrac.solver.numerics.newton import Convergence
from lifrac.solver.numerics.newton_log import NewtonFailure
from lifrac.solver.reference import full_field
from mpi4py import MPI
from support.mpi import alone
from support.plane_cell import FACE, LLZO

from dolfinx import fem  # isort: skip

COMM = MPI.COMM_WORLD
SLAB = SlabEdgeFlaw(thickness=60, half_width=60, flaw_length=10, crack_size=1, far_size=8, path_growth=0.1)
BLOCK = HalfPennyBlock(thickness=30, half_width=30, breadth=30, flaw_length=10, crack_size=2.5, far_size=8, growth=0.3)


@pytest.mark.parametrize("preset", ["direct", "multigrid"])
@pytest.mark.parametrize("geometry", [SLAB, BLOCK], ids=["2D", "3D"])
def test_solutions_do_not_depend_on_the_partition(geometry: SlabEdgeFlaw | HalfPennyBlock, preset: str) -> None:
    def figures(comm: MPI.Comm) -> list[float]:
        """Scalars of a conduction and of an elastic solution that are summed over ranks."""
        tagged = build(geometry, comm)

        def total(expression: object) -> float:
            return float(comm.allreduce(fem.assemble_scalar(fem.form(expression))))

        uneven = Kinetics(51.0, 298.15, 0.4, 0.6, film_resistance=1.0e-4)
        c = full_field.solve_conduction(tagged, LLZO.conductivity, uneven, FACE, 40.0, 10.0, preset)  # type: ignore
        u = full_field.solve_elasticity(tagged, LLZO, Loads(3.0, "free", 5.0), 50.0, 10.0, preset)  # type: ignore
        n = ufl.grad(c.potential)
        return [c.cell_voltage, c.flaw_current, total(ufl.inner(n, n) * ufl.dx), total(ufl.inner(u, u) * ufl.dx)]

    together = figures(COMM)
    assert together == pytest.approx(alone(COMM, figures), rel=1e-9)
    assert all(together == other for other in COMM.allgather(together))


def test_failure_is_raised_on_every_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_field, "METHOD", replace(full_field.METHOD, convergence=Convergence(1.0e-30, 3)))
    with pytest.raises(NewtonFailure) as caught:
        full_field.solve_conduction(build(SLAB, COMM), LLZO.conductivity, FACE, FACE, 40.0)
    assert COMM.allgather(caught.value.reason.name) == ["NO_CONVERGENCE"] * COMM.size
