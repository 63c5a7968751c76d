"""Laws on faces: one of our own in one class, with both engines; what an engine cannot use is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.quantities import Quantity
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.interfaces.law import (
    FILM_RESISTANCE,
    TOUGHNESS,
    Coefficient,
    Faces,
    FaceStep,
    Floats,
    InterfaceLaw,
    LawState,
    Limit,
)
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from mpi4py import MPI
from support import diffuse_cell, plane_cell
from support.plane_cell import constant

GROWTH, ALLOWED = 1.0e-6, 2.0e-4
"""Resistance of the film per charge passed [V m/A per C/m2], and by how much it may grow in a step [V m2/A]."""
EMPTY = Flaw(10.0, 1.0e-3, filling=0.0, mouth="closed")
CURRENT = 20.0
THICK = 1.0e-3
"""[V m2/A], at which the film is told of."""


@dataclass(frozen=True)
class GrowingFilm(InterfaceLaw):
    """A film on both electrode faces whose resistance grows with the charge passed, R = k int |j| dt."""

    growth: float
    name = "film"
    coefficients_of = (FILM_RESISTANCE,)
    quantities = (Quantity(name="film_counter", unit="ohm cm2", description="film of the counter electrode"),)

    def initial(self, faces: Faces, stack_pressure: float) -> LawState:
        return LawState({"film": np.zeros(faces.size)})

    def advance(self, state: LawState, faces: Faces, step: FaceStep) -> LawState:
        return LawState({"film": state.nodal["film"] + self.growth * step.dt * np.abs(step.current)})

    def coefficients(self, state: LawState, dt: float) -> Mapping[Coefficient, Floats | float]:
        return {FILM_RESISTANCE: state.nodal["film"]}

    def change(self, old: LawState, new: LawState) -> float:
        return float(np.abs(new.nodal["film"] - old.nodal["film"]).max(initial=0.0)) / ALLOWED

    def outputs(self, state: LawState, faces: Faces) -> Mapping[str, float]:
        return {"film_counter": 1.0e4 * faces.counter.mean(state.nodal["film"])}


FILM = GrowingFilm(GROWTH)
ENGINES = ["plane", "phase_field"]


def begun(engine: str, *protocol: Any, **changes: Any) -> Any:
    """The engine of a small cell without a crack that matters."""
    if engine == "plane":
        return CohesiveEngine(plane_cell.problem(plane_cell.cell(*protocol, flaw=EMPTY, **changes)))
    return diffuse_cell.engine(MPI.COMM_SELF, diffuse_cell.model(*protocol, flaw=EMPTY, **changes))


def resumed(engine: Any) -> Any:
    kept, arrays = engine.restart_values(), engine.arrays()
    if isinstance(engine, CohesiveEngine):
        return CohesiveEngine.resumed(engine.problem, kept, arrays)
    return PhaseFieldEngine.resumed(MPI.COMM_SELF, engine.model, kept, arrays)


@pytest.mark.parametrize("name", ENGINES)
def test_a_law_of_ones_own_in_one_class(name: str) -> None:
    """Voltage against the exact one at every step, step control, a column, and the same run after an interruption."""
    protocol = constant(CURRENT, 1000.0)
    engine = begun(name, protocol, laws=(FILM,))
    reports = list(engine.run())
    passed = np.array([0.0, *(r.state.throughput for r in reports)])
    bare = list(begun(name, protocol).run())[-1].state.cell_voltage
    exact = bare + 2.0 * GROWTH * passed[:-1] * CURRENT  # a step sees the films of its start
    np.testing.assert_allclose([r.state.cell_voltage for r in reports], exact, rtol=1e-6)
    assert reports[-1]["film_counter"] == pytest.approx(1.0e4 * GROWTH * 1000.0, rel=1e-6)
    assert reports[-1].row["film_counter_ohm_cm2"] == reports[-1]["film_counter"]
    assert GROWTH * np.diff(passed).max() <= ALLOWED * (1.0 + 1e-9)

    first = begun(name, protocol, laws=(FILM,))
    for _ in zip(range(3), first.run(), strict=False):
        pass
    last = list(resumed(first).run())[-1]
    assert last.state.cell_voltage == pytest.approx(reports[-1].state.cell_voltage, rel=1e-9)


@dataclass(frozen=True)
class WatchedFilm(GrowingFilm):
    """With an event when the conductance of the film has fallen to a limit."""

    quantities = (Quantity(name="film_conductance", description="of the counter electrode"),)

    def outputs(self, state: LawState, faces: Faces) -> Mapping[str, float]:
        return {"film_conductance": 1.0 / max(faces.counter.mean(state.nodal["film"]), 1.0e-12)}

    def limits(self, stack_pressure: float) -> list[Limit]:
        return [Limit("film_conductance", 1.0 / THICK, "film_thick", "counter", "conductance of the film")]


def test_a_limit_of_a_law_is_an_event_that_steps_end_at() -> None:
    engine = begun("plane", constant(CURRENT, 2000.0), laws=(WatchedFilm(GROWTH),))
    reports = list(engine.run())
    event = next(event for r in reports for event in r.events if event.name == "film_thick")
    assert event.charge * GROWTH == pytest.approx(THICK, rel=0.03)
    assert "conductance of the film has fallen to" in event.detail
    assert engine.termination == "protocol_end"


@pytest.mark.parametrize("name", ENGINES)
def test_laws_act_together(name: str) -> None:
    """Contact and film, each as it would alone: the film of a face that loses contact grows with the local current."""
    law = ContactLaw(void_height=1.0, reference_current=5.0)
    engine = begun(name, constant(CURRENT, 1000.0), laws=(FILM,), contact=law)
    reports = list(engine.run())
    theta = np.array([1.0, *(r["contact_counter"] for r in reports)])
    local = CURRENT / theta[:-1]  # the currents of a step see the contact of its start
    film = np.cumsum(GROWTH * local * np.array([r.dt for r in reports]))
    np.testing.assert_allclose([1.0e-4 * r["film_counter"] for r in reports], film, rtol=1e-5)
    assert theta[-1] < 0.98


@dataclass(frozen=True)
class Weak(GrowingFilm):
    """A law that the phase-field engine has no place for."""

    name = "weak"
    coefficients_of = (TOUGHNESS,)


def test_refused_laws() -> None:
    with pytest.raises(InputError, match=r"laws = 'weak': changes toughness.*other engine"):
        begun("phase_field", constant(CURRENT, 1.0), laws=(Weak(1.0),))
    with pytest.raises(InputError, match="a name twice"):
        begun("plane", constant(CURRENT, 1.0), laws=(FILM, FILM))
