"""Amounts held by nodes, carried to a finer mesh by the share of what each node can hold.

Where the capacity of node i is int c N_i dx, with a density c that is carried exactly (that of a crack's surface, or of
its volume), and the share s is a P1 field, the amount int c s dx is the same on either mesh: s times the new capacity
of each new node. What is full stays full. What a node holds beyond its capacity, or owes, is carried as an amount per
volume.
"""

import numpy as np

from .gathered_fields import Floats


def fill_and_rest(amounts: Floats, capacity: Floats) -> tuple[Floats, Floats]:
    """Return s between 0 and 1, and what is left, of amounts = s capacity + rest."""
    here = capacity != 0.0
    fill = np.where(here, np.clip(amounts / np.where(here, capacity, 1.0), 0.0, 1.0), 0.0)
    return fill, amounts - fill * capacity
