"""Unequal electrodes on all ranks together and on each alone: the same areas, currents and voltages."""

import numpy as np
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.model.loads import Loads
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseFieldProblem
from lifrac.solver.plane.bulk import Bulk
from lifrac.solver.plane.surface import gather_surface
from mpi4py import MPI
from support.diffuse_cell import mesh_of, model
from support.mpi import alone
from support.narrow_electrodes import body

COMM = MPI.COMM_WORLD


def half_counter(comm: MPI.Comm) -> TaggedMesh:
    return body(comm, mesh_of(comm, coarse=True), counter=20.0)


def figures(comm: MPI.Comm) -> np.ndarray:
    """Return figures of the first step."""
    engine = PhaseFieldEngine(PhaseFieldProblem(half_counter(comm), model()))
    report = next(iter(engine.run()))
    m, areas = report.measures, engine.areas
    assert m.charge_balance_error < 1.0e-10
    return np.array(
        [areas.anode, areas.counter, m.anode_current_density, m.counter_current_density, report.state.cell_voltage]
    )


def test_phase_field_engine_does_not_depend_on_the_partition() -> None:
    together, one_rank = figures(COMM), alone(COMM, figures)
    assert np.abs(together / one_rank - 1.0).max() < 1.0e-8
    assert abs(together[3] * together[1] / (together[2] * together[0]) - 1.0) < 1.0e-8


def test_surface_and_key_of_the_cache_do_not_depend_on_the_partition() -> None:
    def key(comm: MPI.Comm) -> str:
        tagged = half_counter(comm)
        return str(Bulk(tagged, gather_surface(tagged), 0.26, Loads(1.0, lateral="free"))._key())

    assert key(COMM) == alone(COMM, key)
