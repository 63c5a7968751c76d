"""Laws on the electrode faces on all ranks together and on each alone: the same figures, with both engines."""

import numpy as np
import pytest
from lifrac.simulation import Simulation
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from mpi4py import MPI
from support.diffuse_cell import mesh_of, model
from support.mpi import alone

COMM = MPI.COMM_WORLD
LAW = ContactLaw(void_height=0.05, reference_current=5.0, unrecoverable=0.3, full_contact_pressure=2.0)
STEPS = (ProtocolStep(ConstantCurrent(20.0), 4.0), ProtocolStep(ConstantCurrent(-20.0), 4.0))
CONTROL = StepControl(first_step=0.1, max_step=1.0)
COLUMNS = ["cell_voltage_V", "contact_anode", "contact_counter", "lithium_volume_um2", "charge_mAh_per_cm2"]


def figures(comm: MPI.Comm) -> np.ndarray:
    """Stripping of each face in turn, on a mesh that follows the crack."""
    cell = model(*STEPS, contact=LAW, adaptive=True, control=CONTROL)
    simulation = Simulation.from_model(cell, mesh_of(comm, coarse=True))
    simulation.run()
    return simulation.history[COLUMNS].to_numpy()


@pytest.mark.two_ranks
def test_contact_does_not_depend_on_the_partition() -> None:
    together, one_rank = figures(COMM), alone(COMM, figures)
    assert together[:, 1].min() < 0.72
    assert together[:, 2].min() < 0.72
    np.testing.assert_allclose(together, one_rank, rtol=1.0e-6, atol=1.0e-9)
    assert all((rows == together).all() for rows in COMM.allgather(together))
