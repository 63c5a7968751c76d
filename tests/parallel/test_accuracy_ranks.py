"""The companion of a run on several ranks: the same figures as on one, known to all."""

import pytest
from lifrac.problems.case.case import load_case
from lifrac.problems.run.accuracy import companion
from lifrac.problems.run.companion_run import run_companion
from mpi4py import MPI
from support.mpi import alone

COMM = MPI.COMM_WORLD
OVERRIDES = [
    "electrolyte.thickness=40 um",
    "defect.length=10 um",
    "mesh.crack_size=1 um",
    "solver.accuracy=0.075",
    "mesh.far_size=6 um",
    "protocol.current_density=10 mA/cm^2",
    "protocol.stop_at=crack_through",
]


def test_same_capacities_on_every_rank() -> None:
    coarse = companion(load_case("llzo_holds", OVERRIDES))
    assert coarse is not None
    here = run_companion(coarse, COMM)
    by_one = alone(COMM, lambda comm: run_companion(coarse, comm))
    assert all(other == here for other in COMM.allgather(here))
    assert here["outcome"] == by_one["outcome"] == "crack_through"
    for event in ("fracture", "crack_through"):
        key = f"capacity_at_{event}_mAh_per_cm2"
        assert here[key] == pytest.approx(by_one[key], rel=1e-9)


def test_a_companion_stops_when_somebody_asks_on_one_rank() -> None:
    coarse = companion(load_case("llzo_holds", OVERRIDES))
    assert coarse is not None
    found = run_companion(coarse, COMM, stop_requested=lambda: COMM.rank == 0)
    assert found["termination"] == "asked_to_stop"
