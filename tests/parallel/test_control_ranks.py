"""A held voltage on a spring, with a diffuse crack: the same on all ranks together and alone, also after a restart."""

import json

import numpy as np
import pytest
from lifrac.solver.model.control import ConstantCurrent, ConstantVoltage
from lifrac.solver.model.loads import Loads, Spring
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from mpi4py import MPI
from support.diffuse_cell import engine, model

COMM = MPI.COMM_WORLD
PLATE = ProtocolStep(ConstantCurrent(4.0), capacity=30.0)
HOLD = ProtocolStep(ConstantVoltage(0.02, 9.3), capacity=10.0, stack_pressure=6.0, pressure_ramp=1.0)
CELL = model(PLATE, HOLD, loads=Loads(1.0, "free", -20.0, Spring(400.0)))


def followed(cell: PhaseFieldEngine) -> np.ndarray:
    """Time, charge, current, voltage and stack pressure of every step."""
    states = [report.state for report in cell.run()]
    return np.array([[s.time, s.charge, s.current_density, s.cell_voltage, s.stack_pressure] for s in states])


def test_steps_do_not_depend_on_the_partition_and_go_on_on_any_number_of_ranks() -> None:
    together, alone = followed(engine(COMM, CELL)), followed(engine(MPI.COMM_SELF, CELL))
    assert together == pytest.approx(alone, rel=1e-6)
    assert all((rows == together).all() for rows in COMM.allgather(together))
    first = engine(MPI.COMM_SELF, CELL)
    for report in first.run():
        if report.protocol_step == 1:
            break
    kept, arrays = json.loads(json.dumps(first.restart_values())), first.arrays()
    second = PhaseFieldEngine.resumed(COMM, CELL, kept, arrays if COMM.rank == 0 else {})
    assert followed(second) == pytest.approx(alone[report.number :], rel=1e-6)
