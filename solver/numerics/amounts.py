"""Amounts held by nodes, carried to a finer mesh by the share of what each node can hold.

Where the capacity of node i is int c N_i dx, with a density c that is carried exactly (that of a crack's surface, or of
its volume), and the share s is a P1 field, the whole amount is int c s dx on either mesh. What is full stays full.
"""

from ..backend import dolfinx  # noqa: F401  isort: skip

import numpy as np
from dolfinx import fem
from mpi4py import MPI

from .whole_fields import Floats


def share_of(amounts: Floats, capacity: Floats) -> Floats:
    """Amount over capacity of each node; zero where a node can hold nothing."""
    here = capacity > 0.0
    return np.where(here, amounts / np.where(here, capacity, 1.0), 0.0)


def amounts_of(share: Floats, capacity: Floats, whole: float, space: fem.FunctionSpace) -> Floats:
    """Amounts of the nodes of this rank, ghosts included, that add up to `whole` to rounding (collective).

    What nodes without capacity held is spread over the others.
    """
    amounts = share * np.maximum(capacity, 0.0)
    found = space.mesh.comm.allreduce(float(amounts[: space.dofmap.index_map.size_local].sum()), op=MPI.SUM)
    return amounts * (whole / found) if found != 0.0 else amounts
