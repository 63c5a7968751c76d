"""A mesh that follows a crack, on all ranks together and on each rank alone: the same mesh, the same answer."""

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.meshes.builder import build
from lifrac.meshes.gather_mesh import cell_numbers, gather
from lifrac.meshes.geometries.slabs import HalfPennyBlock
from lifrac.solver.numerics.adaptive import resume
from lifrac.solver.phase_field.fracture.fields import State
from mpi4py import MPI
from support.mpi import alone
from support.pulled_plate import COARSE, HEIGHT, LENGTH, PulledPlate, pulled_plate, rectangle

COMM = MPI.COMM_WORLD


def test_gathered_mesh_is_the_one_that_was_distributed() -> None:
    block = HalfPennyBlock(40.0, 40.0, 40.0, 10.0, 4.0, 12.0, growth=0.3)
    together, one_rank = gather(build(block, COMM)), alone(COMM, lambda comm: gather(build(block, comm)))
    assert (together is None) == (COMM.rank > 0)
    if together is not None:
        assert one_rank is not None
        assert np.array_equal(together.points, one_rank.points)
        assert np.array_equal(together.cells, one_rank.cells)
        assert set(together.groups) == set(one_rank.groups)
        assert all(np.array_equal(together.groups[name], one_rank.groups[name]) for name in one_rank.groups)


def test_every_rank_knows_the_broken_nodes_it_holds() -> None:
    """One cell after the other is broken; its three nodes are, also on ranks that do not hold the cell."""
    tagged = rectangle(COMM, COARSE)
    number, owned = cell_numbers(tagged.mesh), tagged.mesh.topology.index_map(2).size_local
    for cell in range(0, 72, 3):
        state = State.on(tagged.mesh)
        state.break_cells(np.flatnonzero(number[:owned] == cell).astype(np.int32))
        before = state.damage.x.array.copy()
        state.damage.x.scatter_forward()
        assert np.array_equal(before, state.damage.x.array)
        nodes = state.damage.x.array[: state.damage.x.index_map.size_local].sum()
        assert COMM.allreduce(nodes) == 3.0


def grow(plate: PulledPlate, length: float) -> None:
    """The profile of a crack of some length in place of a minimum, and a displacement that opens it."""
    away = np.vectorize(lambda x, y: np.hypot(max(x - length, 0.0), y - 0.5 * HEIGHT))
    profile = lambda x: np.maximum(1.0 - away(x[0], x[1]) / (2.0 * LENGTH), 0.0) ** 2  # noqa: E731
    plate.state.damage.interpolate(profile)
    plate.state.damage.x.array[:] = np.maximum(plate.state.damage.x.array, plate.state.lower_bound.x.array)
    plate.state.displacement.interpolate(
        lambda x: np.stack([0.0 * x[0], 0.01 * np.tanh(x[1] - 0.5 * HEIGHT) * np.maximum(length - x[0], 0.0)])
    )
    plate.opening.value = length


def test_mesh_and_fields_do_not_depend_on_the_partition_and_go_on_from_what_is_kept(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """All ranks together go on with what one rank kept, and one rank with what all kept."""
    bodies = [pulled_plate(comm, COARSE) for comm in (COMM, MPI.COMM_SELF)]
    kept = []
    for body in bodies:
        body.step(lambda plate: grow(plate, 4.5))
        body.problem.state.commit()
        kept.append(body.arrays())
    assert bodies[0].rounds == bodies[1].rounds >= 1
    assert (kept[0] == {}) == (COMM.rank > 0)
    for arrays, comm in ((COMM.bcast(kept[0], root=0), MPI.COMM_SELF), (kept[1], COMM)):
        file = tmp_path_factory.mktemp("kept") / "last.npz"
        np.savez(file, **arrays)
        bodies.append(resume(comm, dict(np.load(file)), PulledPlate, lambda plate: plate.front.demands()))
    ended = []
    for body in bodies:
        body.step(lambda plate: grow(plate, 6.0))
        body.problem.state.commit()
        ended.append(COMM.bcast(body.arrays(), root=0))
    for arrays in ended[1:]:
        assert set(arrays) == set(ended[0])
        for name, values in ended[0].items():
            assert arrays[name].shape == values.shape, name
            assert np.abs(arrays[name] - values).max(initial=0) <= (1.0e-14 if "field" in name else 0.0), name
    assert len(ended[0]["cells"]) > len(kept[1]["cells"]) > 1.5 * 72


def test_step_does_not_depend_on_the_partition() -> None:
    def pulled(comm: MPI.Comm) -> tuple[float, float]:
        body = pulled_plate(comm, COARSE)
        body.step(lambda plate: grow(plate, 4.5))
        minimum = body.step(lambda plate: plate.pull(0.01))
        return minimum.stored, minimum.fracture

    assert pulled(COMM) == pytest.approx(alone(COMM, pulled), rel=1.0e-8)


def test_failure_is_raised_on_every_rank() -> None:
    body = pulled_plate(COMM, COARSE)

    def fails(plate: PulledPlate) -> None:
        raise NumericalFailure("as wanted")

    with pytest.raises(NumericalFailure, match="as wanted"):
        body.step(fails)
    assert COMM.allgather(1) == [1] * COMM.size
