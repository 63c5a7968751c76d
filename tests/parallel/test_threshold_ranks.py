"""The threshold current on several ranks."""

import lifrac
import numpy as np
import pytest
from lifrac.solver.front.threshold import NoThreshold
from mpi4py import MPI
from support.mpi import alone

COMM = MPI.COMM_WORLD


def test_same_threshold_and_same_refusal() -> None:
    """As on one rank; a refusal is of its own kind on every rank."""
    case = lifrac.load_case("llzo_holds", thickness="100 um", crack_size="2 um")
    found = lifrac.threshold(case)
    by_one = alone(COMM, lambda comm: lifrac.threshold(case, comm))
    assert found.current_density == pytest.approx(by_one.current_density, rel=1e-9)
    assert np.allclose(found.pressure, by_one.pressure, rtol=1e-8)
    with pytest.raises(NoThreshold, match="loads alone"):
        lifrac.threshold(lifrac.load_case("llzo_holds", crack_size="2 um", stack_pressure="300 MPa"))
