"""A cell with a sharp front on several ranks: the same history and fields as on one."""

import lifrac
import numpy as np
from lifrac.problems.case.case import load_case
from mpi4py import MPI
from support.mpi import alone

COMM = MPI.COMM_WORLD
OVERRIDES = [
    "fracture.engine=sharp_front",
    "electrolyte.thickness=40 um",
    "defect.length=10 um",
    "mesh.crack_size=1 um",
    "mesh.far_size=6 um",
    "protocol.current_density=10 mA/cm^2",
    "protocol.stop_at=crack_through",
]


def test_same_history_and_fields() -> None:
    case = load_case("llzo_holds", OVERRIDES)

    def work(comm: MPI.Comm) -> tuple[np.ndarray, float, list[str]]:
        simulation = lifrac.Simulation(case, comm)
        simulation.run()
        u = simulation.fields["displacement"]
        largest = float(comm.allreduce(np.abs(u.x.array).max(initial=0.0), op=MPI.MAX))
        columns = ["crack_tip_um", "stress_intensity_MPa_sqrt_m", "cell_voltage_V", "charge_balance_error"]
        return simulation.history[columns].to_numpy(), largest, [event.name for event in simulation.events]

    here, by_one = work(COMM), alone(COMM, work)
    assert here[2] == by_one[2]
    assert here[2][-1] == "crack_through"
    np.testing.assert_allclose(here[0], by_one[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(here[1], by_one[1], rtol=1e-8)
