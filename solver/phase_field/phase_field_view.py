"""The numbers of a committed state of the phase-field engine, one function for each (`lifrac.quantities`)."""

from functools import cached_property
from typing import override

import numpy as np
from lifrac import quantities
from lifrac.solver.numerics.nodal import values_of
from lifrac.solver.phase_field.fracture.energy_release import BROKEN
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.protocol.measures import Areas, StateView, relative
from numpy.typing import NDArray

from .diagnostics import PhaseFieldDiagnostics
from .problem import PhaseState

FILLED_FRACTION = 0.5
"""Fill fraction from which on a node counts as reached by lithium."""


class PhaseFieldView(StateView):
    """A committed state, at which the fields are (collective).

    Nodes are those of the bulk mesh on this rank, ghosts included.

    Parameters
    ----------
    diagnostics : PhaseFieldDiagnostics
    state : PhaseState
    """

    def __init__(self, diagnostics: PhaseFieldDiagnostics, state: PhaseState) -> None:
        super().__init__()
        self.diagnostics, self.problem, self.model = diagnostics, diagnostics.problem, diagnostics.problem.model
        self.cell = self.problem.cell
        self.state: PhaseState = state

    @property
    @override
    def crack_area(self) -> Floats:
        return self.problem.copies * self.cell.band.area

    @property
    @override
    def points(self) -> Floats:
        return np.asarray(self.cell.aperture.function_space.tabulate_dof_coordinates())

    @cached_property
    def broken(self) -> NDArray[np.bool_]:
        """Nodes that count as cracked."""
        return np.asarray(values_of(self.problem.fields.damage) >= BROKEN)

    @property
    def depth(self) -> Floats:
        """Distance of the nodes from the anode face [um]."""
        return self.diagnostics.x[:, 1]

    @property
    @override
    def areas(self) -> Areas:
        return self.cell.areas

    @property
    @override
    def currents(self) -> tuple[float, float, float]:
        return self.diagnostics.reference.currents

    @property
    @override
    def smallest_volume(self) -> float:
        return 1.0e-3 * self.problem.scales.opening * self.problem.scales.length

    @override
    def nodal(self, name: str) -> Floats:
        cell = self.cell
        if name == "lithium_thickness":
            return values_of(cell.aperture) * values_of(cell.fill_fraction)
        found = {"aperture": cell.aperture, "damage": self.problem.fields.damage, "lithium_pressure": cell.pressure}
        return values_of(found[name])

    @override
    def total(self, values: Floats) -> float:
        return self.cell.total(values)

    def largest(self, values: Floats) -> float:
        """Return the largest of nodal values over all ranks; -inf where there are none (collective)."""
        return self.problem.largest(values)


@quantities.function("crack_length", PhaseFieldView)
def crack_length(at: PhaseFieldView) -> float:
    """a0 and what its surface has grown by; in 3D the radius of a half penny of equal area."""
    return at.diagnostics.crack_length()


@quantities.function("crack_tip", PhaseFieldView)
def crack_tip(at: PhaseFieldView) -> float:
    """Depth of the deepest broken node."""
    return at.largest(at.depth[at.broken])


@quantities.function("advance", PhaseFieldView)
def advance(at: PhaseFieldView) -> float:
    """Distance of the farthest broken node from the flaw."""
    return at.largest(at.diagnostics.from_flaw[at.broken])


@quantities.function("lithium_length", PhaseFieldView)
def lithium_length(at: PhaseFieldView) -> float:
    """Depth of the deepest broken node that is filled."""
    filled = at.broken & (values_of(at.cell.fill_fraction) >= FILLED_FRACTION)
    return max(at.largest(at.depth[filled]), 0.0)


@quantities.function("max_lithium_pressure", PhaseFieldView)
def max_lithium_pressure(at: PhaseFieldView) -> float:
    """Return the largest p over all nodes."""
    return at.largest(at.state.pressure)


@quantities.function("mouth_opening", PhaseFieldView)
def mouth_opening(at: PhaseFieldView) -> float:
    """Largest aperture of broken nodes on the anode face."""
    return max(at.largest(values_of(at.cell.aperture)[at.broken & at.diagnostics.at_face]), 0.0)


@quantities.function("flaw_volume", PhaseFieldView)
def flaw_volume(at: PhaseFieldView) -> float:
    """Volume of the whole crack, both sides of a half model."""
    return at.problem.copies * at.total(np.maximum(at.cell.volume.capacity(), 0.0))


@quantities.function("lithium_volume", PhaseFieldView)
def lithium_volume(at: PhaseFieldView) -> float:
    """Volume of the lithium in it."""
    return at.problem.copies * at.total(at.state.lithium_amount)


@quantities.function("energy_balance_error", PhaseFieldView)
def energy_balance_error(at: PhaseFieldView) -> float:
    """Energy beyond that of the first state less the work of the lithium, over that work."""
    diagnostics, work = at.diagnostics, at.state.work
    gained = diagnostics.energy() - diagnostics.reference.energy
    floor = at.problem.surface_energy * 0.01 * at.model.flaw.length
    return relative(gained - work["pressure"] - work.get("along", 0.0), abs(work["pressure"]), floor)
