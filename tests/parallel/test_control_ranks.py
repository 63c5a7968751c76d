"""A held voltage on a spring, with a diffuse crack: the same on all ranks together and alone, also after a restart."""

import json
from typing import Any

import numpy as np
import pytest
from lifrac.solver.model.control import ConstantCurrent, ConstantVoltage
from lifrac.solver.model.loads import Loads, Spring
from lifrac.solver.model.protocol import ProtocolStep, StepControl
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from mpi4py import MPI
from support.diffuse_cell import engine, model
from support.mpi import alone

COMM = MPI.COMM_WORLD
PLATE = ProtocolStep(ConstantCurrent(4.0), capacity=30.0)
HOLD = ProtocolStep(ConstantVoltage(0.02, 9.3), capacity=10.0, stack_pressure=6.0, pressure_ramp=1.0)
FEW = StepControl(first_step=2.5, max_step=2.5)
CELL = model(PLATE, HOLD, loads=Loads(1.0, "free", -20.0, Spring(400.0)), control=FEW)


def row(state: Any) -> list[float]:
    """Time, charge, current, voltage and stack pressure."""
    return [state.time, state.charge, state.current_density, state.cell_voltage, state.stack_pressure]


def followed(cell: PhaseFieldEngine) -> np.ndarray:
    """A row for every step."""
    return np.array([row(report.state) for report in cell.run()])


def begun(comm: MPI.Comm) -> tuple[np.ndarray, int, str, Any]:
    """Rows of all steps; number of the first one while the voltage is held, and the checkpoint of that step."""
    cell, rows, checkpoint = engine(comm, CELL, coarse=True), [], None
    for report in cell.run():
        rows.append(row(report.state))
        if checkpoint is None and report.protocol_step == 1:
            number = report.number
            checkpoint = json.dumps(cell.restart_values()), {name: np.array(a) for name, a in cell.arrays().items()}
    assert checkpoint is not None
    return np.array(rows), number, *checkpoint


@pytest.mark.two_ranks
def test_steps_do_not_depend_on_the_partition_and_go_on_on_any_number_of_ranks() -> None:
    together, (one_rank, number, kept, arrays) = followed(engine(COMM, CELL, coarse=True)), alone(COMM, begun)
    assert together == pytest.approx(one_rank, rel=1e-6)
    assert all((rows == together).all() for rows in COMM.allgather(together))
    second = PhaseFieldEngine.resumed(COMM, CELL, json.loads(kept), arrays if COMM.rank == 0 else {})
    assert followed(second) == pytest.approx(one_rank[number:], rel=1e-6)
