"""Which search strategy a study states."""

from .brackets import log_spaced
from .constant_current import ConstantCurrent, FromThreshold
from .search import Cycling, Ramp, SearchStrategy
from .study_file import Grids

GRID = 8
"""Currents of a grid unless stated."""
ANYWHERE = 1.0e-4, 9.0e5
"""Bounds of placed currents [A/m2] unless stated."""


def strategy_of(grids: Grids, *, from_threshold: bool) -> SearchStrategy:
    """Return the strategy that a study names by its keys `driver` and `currents`.

    Parameters
    ----------
    grids : Grids
    from_threshold : bool
        Whether the threshold of the case decides where runs at constant current pay.
    """
    capacities = grids.areal_capacities or ()
    smallest, largest = (None if j is None else float(j) for j in (grids.current_min, grids.current_max))
    if grids.ramp is not None:
        first = smallest or float(grids.ramp.current_step)
        return Ramp(first, largest or first, capacities or (None,), grids.failure, grids.ramp)
    if grids.driver == "constant_current" and grids.currents is None and from_threshold:
        bounds = (smallest or ANYWHERE[0], largest or ANYWHERE[1])
        return FromThreshold(bounds, capacities, grids.refinements, grids.failure)
    currents = log_spaced(smallest or 0.0, largest or 0.0, grids.currents or GRID)
    if grids.cycling is not None:
        return Cycling(currents, capacities, grids.refinements, grids.failure, grids.cycling)
    return ConstantCurrent(currents, capacities, grids.refinements, grids.failure)
