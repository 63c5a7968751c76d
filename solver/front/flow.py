"""Flow of lithium along a crack from node to node, by the slot law of `physics.creep`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lifrac.solver.model.lithium import Creep
from lifrac.solver.physics.creep import GRADIENT_FLOOR, slot_mobility
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RELATIVE_STEP = 1.0e-5
"""Of differences in aperture and pressure gradient: errors of 1e-8 in slopes of the law's powers."""
SMALL_GRADIENT = 1.0e-6
"""[MPa/um] added to that step where nothing flows."""
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


def rate(creep: Creep, aperture: Floats, fall: Floats) -> Floats:
    """Return q = M(w, |p'|) (-p') [um2/s] of an aperture [um] and a fall of the pressure per length [MPa/um]."""
    size = np.sqrt(fall**2 + GRADIENT_FLOOR**2)
    return np.asarray(slot_mobility(creep, aperture, size) * fall)


def cell_flow(creep: Creep, w: Floats, pressure: Floats, cells: Floats) -> CellFlow:
    """Return the flow along a full crack; `w`, `pressure` at nodes (n,), `cells` their distances (n - 1,)."""
    left, right = w[:-1], w[1:]
    mean, fall = passage(left, right), (pressure[:-1] - pressure[1:]) / cells
    by_mean = _difference(lambda x: rate(creep, x, fall), mean, RELATIVE_STEP * mean)
    step = RELATIVE_STEP * np.abs(fall) + SMALL_GRADIENT
    by_gradient = _difference(lambda x: rate(creep, mean, x), fall, step)
    open_left, open_right = left > CLOSED, right > CLOSED
    by_left = np.where(open_left, 0.5 * (mean / np.maximum(left, CLOSED)) ** 2, 0.0)
    by_right = np.where(open_right, 0.5 * (mean / np.maximum(right, CLOSED)) ** 2, 0.0)
    return CellFlow(rate(creep, mean, fall), by_mean * by_left, by_mean * by_right, by_gradient)


def _difference(function: Callable[[Floats], Floats], x: Floats, step: Floats) -> Floats:
    return np.asarray((function(x + step) - function(x - step)) / (2.0 * step))
