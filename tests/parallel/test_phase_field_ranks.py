"""A growing diffuse crack on all ranks together, and on each rank alone: the same answer."""

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.solver.numerics.presets import Preset
from lifrac.solver.phase_field.fracture.energy_release import tip_position
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.solver.physics.splits import NoSplit, Split, StarConvex
from mpi4py import MPI
from support.mpi import alone
from support.notched_plate import hold, plate, pressed

COMM = MPI.COMM_WORLD
TOLERANCE = 1.0e-8
TIGHT = LoopControl(damage_tolerance=1.0e-10)
"""Rounding chooses other steps on other partitions: what is found agrees as far as it has converged."""


def history(comm: MPI.Comm, preset: Preset, split: Split) -> np.ndarray:
    """Energies, sum of the nodal damage and tip after each step of a crack that is opened and sheared."""
    body = plate(comm, control=TIGHT, preset=preset, split=split)
    rows = []
    for opening in (0.02, 0.03):
        body.opening.value, body.side.value = opening, 0.3 * opening
        found = body.solver.solve()
        assert comm.allreduce(body.state.violation(), op=MPI.MAX) == 0.0
        assert found.largest_rise <= 1.0e-12
        body.state.commit()
        damage = body.state.damage
        owned = damage.function_space.dofmap.index_map.size_local
        total = comm.allreduce(float(damage.x.array[:owned].sum()), op=MPI.SUM)
        rows.append((found.stored, found.fracture, total, tip_position(body.state, 0)))
    body.solver.destroy()
    return np.array(rows)


@pytest.mark.parametrize(
    ("preset", "split"),
    [pytest.param("direct", StarConvex(5.0), marks=pytest.mark.two_ranks), ("multigrid", NoSplit())],
    ids=["direct-star", "multigrid"],
)
def test_growth_does_not_depend_on_the_partition(preset: Preset, split: Split) -> None:
    together, one_rank = history(COMM, preset, split), alone(COMM, lambda comm: history(comm, preset, split))
    assert together[-1, 1] > 1.1 * together[0, 1]  # it has grown
    assert np.abs(together / one_rank - 1.0).max() < TOLERANCE
    assert all((rows == together).all() for rows in COMM.allgather(together))


@pytest.mark.two_ranks
def test_growth_at_fixed_volume_does_not_depend_on_the_partition() -> None:
    def held(comm: MPI.Comm) -> np.ndarray:
        body = pressed(comm)
        return np.array([hold(body, 0.1), *body.solver.energies()[:3]])

    together, one_rank = held(COMM), alone(COMM, held)
    assert together[2] > 40.0  # it has grown: 34 at rest
    assert np.abs(together / one_rank - 1.0).max() < TOLERANCE


def test_failure_is_raised_on_every_rank() -> None:
    body = plate(COMM, control=LoopControl(max_sweeps=2))
    body.opening.value = 0.09
    with pytest.raises(NumericalFailure, match="after 2 sweeps"):
        body.solver.solve()
    assert COMM.allgather(1) == [1] * COMM.size
