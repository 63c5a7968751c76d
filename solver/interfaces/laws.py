"""The laws that act on the faces of one cell, as an engine holds them: it asks for coefficients, and knows no law."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from lifrac.errors import InputError
from lifrac.quantities import Quantity
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.physics.flaw_scales import plating_time
from numpy.typing import NDArray

from .contact import FaceContact
from .law import Coefficient, Faces, FaceStep, Floats, InterfaceLaw, LawState, Limit
from .toughness import AssistedToughness

LawStates = Mapping[str, LawState]
"""State of each law, by the name of the law."""
TOUGHNESS_DELAY = 1.0e-2
"""Delay with which the toughness follows the current, over the time in which the protocol's largest current plates the
opening at which the flaw grows."""


def laws_of(model: CellModel) -> tuple[InterfaceLaw, ...]:
    """Return the laws that a model states."""
    found: list[InterfaceLaw] = []
    if model.contact is not None:
        found.append(FaceContact(model.contact))
    if model.assisted is not None:
        found.append(AssistedToughness(model.assisted, TOUGHNESS_DELAY * plating_time(model)))
    return (*found, *model.laws)


class FaceLaws:
    """The laws of a cell on its faces (collective where the engine is).

    Parameters
    ----------
    laws : sequence of InterfaceLaw
    faces : Faces
    supported : iterable of Coefficient
        What the engine's equations have a place for.
    step_factor : float
        Factor on the change that a law allows in a step.

    Raises
    ------
    InputError
        If the engine has no place for a coefficient of a law, or two laws share a name.
    """

    def __init__(
        self,
        laws: Sequence[InterfaceLaw],
        faces: Faces,
        supported: Iterable[Coefficient],
        step_factor: float = 1.0,
    ) -> None:
        self.laws, self.faces, self.step_factor = tuple(laws), faces, step_factor
        self._check(tuple(supported))

    def _check(self, supported: tuple[Coefficient, ...]) -> None:
        for law in self.laws:
            for coefficient in law.coefficients_of:
                if coefficient not in supported:
                    raise InputError(
                        f"changes {coefficient.name}, which the equations of this engine do not take from a law",
                        key="laws",
                        value=law.name,
                        remedy="Leave the law out, or use the other engine",
                    )
        names = [law.name for law in self.laws]
        if len(set(names)) < len(names):
            remedy = "Give each law a name of its own"
            raise InputError("has a name twice", key="laws", value=", ".join(names), remedy=remedy)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Entries of the outputs that only these laws have."""
        return tuple(entry for law in self.laws for entry in law.quantities)

    @property
    def coefficients(self) -> tuple[Coefficient, ...]:
        """The coefficients that the laws give to the equations, each once."""
        return tuple(dict.fromkeys(entry for law in self.laws for entry in law.coefficients_of))

    def initial(self, stack_pressure: float, known: LawStates | None = None) -> LawStates:
        """States of the cell as assembled, under a stack pressure [MPa]; those that are `known` stay."""
        known = known or {}
        return {law.name: known.get(law.name) or law.initial(self.faces, stack_pressure) for law in self.laws}

    def advance(self, states: LawStates, step: FaceStep) -> LawStates:
        """States after a time step (collective)."""
        return {law.name: law.advance(states[law.name], self.faces, step) for law in self.laws}

    def coefficient(self, which: Coefficient, states: LawStates, dt: float = 0.0) -> Floats:
        """Return what the laws together make of a coefficient, at each node (n,) or for the cell ()."""
        found = np.full(self.faces.size if which.nodal else (), which.neutral)
        for law in self.laws:
            if which in law.coefficients_of:
                value = law.coefficients(states[law.name], dt)[which]
                found = np.asarray(which.combine(found, np.asarray(value)))
        return found

    def changes(self, old: LawStates, new: LawStates) -> list[tuple[InterfaceLaw, float]]:
        """Return the change of each law in a step, over what one step may bring (collective)."""
        allowed = self.step_factor
        return [(law, self.faces.largest(law.change(old[law.name], new[law.name])) / allowed) for law in self.laws]

    def refusal(self, old: LawStates, new: LawStates, dt: float) -> tuple[float, str] | None:
        """Return the factor by which a step is too long for a law, and its name; None if it is not (collective)."""
        for law, change in self.changes(old, new):
            if change > 1.0 and dt > law.shortest_step:
                return max(0.75 / change, 0.1), f"{law.name} change"
        return None

    def largest_change(self, old: LawStates, new: LawStates) -> float:
        """Return the largest of the changes in a step; 0 without laws (collective)."""
        return max((change for _, change in self.changes(old, new)), default=0.0)

    def outputs(self, states: LawStates) -> dict[str, float]:
        """Quantities of a history by name (collective)."""
        return {k: v for law in self.laws for k, v in law.outputs(states[law.name], self.faces).items()}

    def limits(self, stack_pressure: float) -> tuple[Limit, ...]:
        """Values of outputs that are events, under a stack pressure [MPa]."""
        return tuple(limit for law in self.laws for limit in law.limits(stack_pressure))


# -- restart --------------------------------------------------------------------------------------------------------


def law_arrays(states: LawStates) -> dict[str, Floats]:
    """Nodal arrays of all laws, by name."""
    return {name: array for state in states.values() for name, array in state.nodal.items()}


def law_numbers(states: LawStates) -> dict[str, dict[str, object]]:
    """Everything else of the laws' states, by law: numbers, and which arrays belong to it."""
    return {name: {"numbers": dict(s.numbers), "arrays": list(s.nodal)} for name, s in states.items()}


def law_states(
    kept: Mapping[str, Mapping[str, object]], arrays: Mapping[str, Floats], order: NDArray[np.intp] | None = None
) -> LawStates:
    """States from what was kept of them; `order`: of the nodes, where it has changed."""
    at = slice(None) if order is None else order
    found = {}
    for name, entry in kept.items():
        nodal = {key: arrays[key][at] for key in entry["arrays"]}  # type: ignore[attr-defined]
        found[name] = LawState(nodal, dict(entry["numbers"]))  # type: ignore[call-overload]
    return found
