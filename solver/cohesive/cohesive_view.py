"""The numbers of a committed state of the cohesive engine, one function for each (`lifrac.quantities`)."""

from functools import cached_property
from typing import override

import numpy as np
from lifrac import quantities
from lifrac.solver.protocol.measures import Areas, StateView, relative

from .cohesive_diagnostics import CohesiveDiagnostics
from .unknowns import LITHIUM_THICKNESS, OPENING, PRESSURE, Floats, State


class CohesiveView(StateView):
    """A committed state, at which the problem was last evaluated.

    Nodes are those of the surface mesh, all on one rank; `values` are their unknowns.

    Parameters
    ----------
    diagnostics : CohesiveDiagnostics
    state : State
    """

    def __init__(self, diagnostics: CohesiveDiagnostics, state: State) -> None:
        super().__init__()
        self.diagnostics, self.problem, self.model = diagnostics, diagnostics.problem, diagnostics.problem.model
        self.state: State = state
        self.values = state.values

    @property
    @override
    def crack_area(self) -> Floats:
        return self.problem.crack.area

    @property
    @override
    def points(self) -> Floats:
        return self.problem.surface.x

    @cached_property
    def aperture(self) -> Floats:
        """w0 + opening [um]."""
        return np.asarray(self.problem.crack.aperture + self.values[:, OPENING])

    @property
    @override
    def areas(self) -> Areas:
        return self.problem.areas

    @cached_property
    @override
    def currents(self) -> tuple[float, float, float]:
        return self.diagnostics.currents()

    @property
    @override
    def smallest_volume(self) -> float:
        return self.problem.scales.length * self.problem.smallest

    @override
    def nodal(self, name: str) -> Floats:
        if name == "aperture":
            return self.aperture
        if name == "damage":
            return self.diagnostics.damage(self.state)
        return self.values[:, {"lithium_thickness": LITHIUM_THICKNESS, "lithium_pressure": PRESSURE}[name]]

    @override
    def total(self, values: Floats) -> float:
        return float(np.sum(values))


@quantities.function("crack_length", CohesiveView)
def crack_length(at: CohesiveView) -> float:
    """a0 + int d ds; in 3D the radius of a half penny of equal area."""
    return at.diagnostics.crack_length(at.state)


@quantities.function("crack_tip", CohesiveView)
def crack_tip(at: CohesiveView) -> float:
    """End of the fully broken part."""
    return at.diagnostics.crack_tip(at.state)


@quantities.function("advance", CohesiveView)
def advance(at: CohesiveView) -> float:
    """Tip beyond the flaw."""
    return at["crack_tip"] - at.model.flaw.length


@quantities.function("lithium_length", CohesiveView)
def lithium_length(at: CohesiveView) -> float:
    """How far lithium that is connected to the anode fills the crack."""
    return at.diagnostics.lithium_length(at.state)


@quantities.function("max_lithium_pressure", CohesiveView)
def max_lithium_pressure(at: CohesiveView) -> float:
    """Return the largest p over the crack."""
    return float(at.values[at.problem.surface.crack, PRESSURE].max())


@quantities.function("mouth_opening", CohesiveView)
def mouth_opening(at: CohesiveView) -> float:
    """Largest aperture at the mouth."""
    return float(at.aperture[at.problem.surface.mouth].max())


@quantities.function("flaw_volume", CohesiveView)
def flaw_volume(at: CohesiveView) -> float:
    """Return int w ds."""
    return float(at.crack_area @ np.maximum(at.aperture, 0.0))


@quantities.function("lithium_volume", CohesiveView)
def lithium_volume(at: CohesiveView) -> float:
    """Return int h ds."""
    return at.diagnostics.stored(at.state)


@quantities.function("energy_balance_error", CohesiveView)
def energy_balance_error(at: CohesiveView) -> float:
    """Elastic, cohesive and viscous energy less the work of lithium and changing loads, over that work."""
    state, p, diagnostics = at.state, at.problem, at.diagnostics
    recoverable, dissipated = diagnostics.cohesive_energy(state)
    energy = diagnostics.elastic_energy(state) + recoverable + dissipated
    energy += state.work["viscous"] - state.work["start"]
    work, floor = state.work["pressure"] + state.work["loads"], p.scales.pressure * p.scales.length * p.smallest
    return relative(energy - work, abs(work), floor)
