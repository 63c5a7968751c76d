"""Flow of lithium along a crack from node to node, by the slot law of `physics.creep`."""

from dataclasses import dataclass

import numpy as np
from lifrac.solver.model.lithium import Creep
from numpy.typing import NDArray

from .slot_flow import slot_flux

Floats = NDArray[np.float64]
CLOSED = 1.0e-7
"""Aperture [um] of a cell that counts as closed."""


def passage(left: Floats, right: Floats) -> Floats:
    """Return the aperture that counts for flow between two nodes: the harmonic mean, zero where one is closed."""
    ends = np.maximum(left, CLOSED), np.maximum(right, CLOSED)
    return np.asarray(2.0 * ends[0] * ends[1] / (ends[0] + ends[1]))


@dataclass(frozen=True)
class CellFlow:
    """Flow from each node to the next.

    Attributes
    ----------
    rate : ndarray (k,)
        q, away from the mouth [um2/s].
    by_left, by_right : ndarray (k,)
        Derivatives by the apertures of its two nodes [um/s].
    by_gradient : ndarray (k,)
        Derivative by the fall of the pressure per length [um3/(MPa s)].
    """

    rate: Floats
    by_left: Floats
    by_right: Floats
    by_gradient: Floats


def cell_flow(creep: Creep, w: Floats, pressure: Floats, cells: Floats) -> CellFlow:
    """Return the flow along a full crack; `w`, `pressure` at nodes (n,), `cells` their distances (n - 1,)."""
    left, right = w[:-1], w[1:]
    mean, fall = passage(left, right), (pressure[:-1] - pressure[1:]) / cells
    flux, by_gradient, by_mean = slot_flux(creep, mean, fall)
    open_left, open_right = left > CLOSED, right > CLOSED
    by_left = np.where(open_left, 0.5 * (mean / np.maximum(left, CLOSED)) ** 2, 0.0)
    by_right = np.where(open_right, 0.5 * (mean / np.maximum(right, CLOSED)) ** 2, 0.0)
    return CellFlow(flux, by_mean * by_left, by_mean * by_right, by_gradient)
