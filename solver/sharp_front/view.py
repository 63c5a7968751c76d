"""The numbers of a committed state of the sharp-front engine, one function for each (`lifrac.quantities`)."""

from functools import cached_property
from typing import override

import numpy as np
from lifrac import quantities
from lifrac.quantities import Place, Quantity
from lifrac.solver.protocol.measures import Areas, StateView, relative
from numpy.typing import NDArray

from .balances import Balances
from .state import FrontState

Floats = NDArray[np.float64]
STRESS_INTENSITY = quantities.declare(
    Quantity(
        name="stress_intensity",
        unit="MPa m0.5",
        symbol="K",
        place=Place.CRACK,
        description="stress intensity factor at the sharp front of a crack",
    )
)
"""A number that only this engine has."""


class SharpFrontView(StateView):
    """A committed state. Nodes are those of the crack path, the mouth first, all on one rank.

    Parameters
    ----------
    balances : Balances
    state : FrontState
    """

    def __init__(self, balances: Balances, state: FrontState) -> None:
        super().__init__()
        self.balances, self.problem, self.model = balances, balances.problem, balances.problem.model
        self.state: FrontState = state
        self.crack = state.crack

    @property
    @override
    def crack_area(self) -> Floats:
        return self.problem.elasticity.area

    @property
    @override
    def points(self) -> Floats:
        y = self.problem.elasticity.y
        return np.stack([np.zeros_like(y), y, np.zeros_like(y)], axis=1)

    @property
    @override
    def areas(self) -> Areas:
        return self.problem.areas

    @cached_property
    @override
    def currents(self) -> tuple[float, float, float]:
        return self.balances.currents(self.state)

    @property
    @override
    def smallest_volume(self) -> float:
        return self.problem.opening * float(self.problem.elasticity.d.min())

    @override
    def nodal(self, name: str) -> Floats:
        crack = self.crack
        if name == "damage":
            return (np.arange(len(crack.aperture)) < crack.front).astype(float)
        return {
            "aperture": crack.aperture,
            "lithium_thickness": crack.thickness,
            "lithium_pressure": crack.pressure,
        }[name]

    @override
    def total(self, values: Floats) -> float:
        return float(np.sum(values))


@quantities.function("crack_length", SharpFrontView)
@quantities.function("crack_tip", SharpFrontView)
def crack_tip(at: SharpFrontView) -> float:
    """Return the place of the sharp front."""
    return at.problem.crack_tip(at.crack.front)


@quantities.function("advance", SharpFrontView)
def advance(at: SharpFrontView) -> float:
    """Tip beyond the flaw."""
    return at["crack_tip"] - at.model.flaw.length


@quantities.function("stress_intensity", SharpFrontView)
def stress_intensity(at: SharpFrontView) -> float:
    """Return K at the front; 0 where the crack has run through."""
    return 0.0 if at.problem.march.through(at.state) else at.crack.intensity


@quantities.function("lithium_length", SharpFrontView)
def lithium_length(at: SharpFrontView) -> float:
    """How far lithium that is connected to the anode fills the crack."""
    return min(at.problem.lithium_length(at.crack), at["crack_tip"])


@quantities.function("max_lithium_pressure", SharpFrontView)
def max_lithium_pressure(at: SharpFrontView) -> float:
    """Return the largest p over the crack."""
    return float(at.crack.pressure.max())


@quantities.function("mouth_opening", SharpFrontView)
def mouth_opening(at: SharpFrontView) -> float:
    """Aperture at the mouth."""
    return float(at.crack.aperture[0])


@quantities.function("flaw_volume", SharpFrontView)
def flaw_volume(at: SharpFrontView) -> float:
    """Return int w ds."""
    return float(at.crack_area @ np.maximum(at.crack.aperture, 0.0))


@quantities.function("lithium_volume", SharpFrontView)
def lithium_volume(at: SharpFrontView) -> float:
    """Return int h ds."""
    return at.problem.stored(at.crack)


@quantities.function("energy_balance_error", SharpFrontView)
def energy_balance_error(at: SharpFrontView) -> float:
    """Elastic energy, work of fracture and loss of unstable growth less the work of lithium and loads, over that."""
    state, problem = at.state, at.problem
    energy = at.balances.elastic_energy(state) + at.balances.fracture_energy(at.crack.front)
    work = state.work["pressure"] + state.work["loads"]
    energy += state.work["viscous"] - state.work["toughness_reduction"]
    floor = problem.toughness * problem.opening * float(problem.elasticity.d.min()) ** 0.5
    return relative(energy - state.work["start"] - work, abs(work), floor)
