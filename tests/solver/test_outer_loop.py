"""The outer loop on a toy: two numbers instead of two fields, whose energy and minimiser are known."""

import logging
from dataclasses import dataclass, field

import numpy as np
import pytest
from lifrac.errors import NumericalFailure
from lifrac.solver.phase_field.outer_loop import Energies, LoopControl, OuterLoop
from mpi4py import MPI

STIFFNESS = np.array([1.0, 4.0])


@dataclass
class Toy:
    """E(u, d) = u.u/2 - c u.d + d.K d/2 - f.d: both mechanics and damage solver; nothing is bounded."""

    coupling: float = 0.9
    overshoot: float = 1.0
    """How far the damage solver goes towards its minimiser."""
    has_energy: bool = True
    may_be_loose: bool = False
    minimiser_lowers_energy: bool = True
    u: np.ndarray = field(default_factory=lambda: np.zeros(2))
    d: np.ndarray = field(default_factory=lambda: np.zeros(2))
    calls: list[bool] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    comm: MPI.Comm = field(default_factory=lambda: MPI.COMM_SELF)

    def energy(self) -> float:
        d, force = self.d, np.array([1.0, 2.0])
        return float(0.5 * self.u @ self.u - self.coupling * self.u @ d + 0.5 * d @ (STIFFNESS * d) - force @ d)

    @property
    def exact(self) -> np.ndarray:
        return np.array([1.0, 2.0]) / (STIFFNESS - self.coupling**2)

    def equilibrate(self, loose: bool) -> int:
        self.calls.append(loose)
        target = self.coupling * self.d
        self.u = self.u + (0.9 if loose else 1.0) * (target - self.u)
        return 1

    def energies(self) -> Energies | None:
        self.seen.append(self.energy())
        return Energies(self.energy(), 1.0) if self.has_energy else None

    def solve(self) -> float:
        self.start_values = self.d.copy()
        minimiser = (self.coupling * self.u + np.array([1.0, 2.0])) / STIFFNESS
        self.found = self.d + self.overshoot * (minimiser - self.d)
        return float(np.abs(self.found - self.d).max())

    def put(self, values: np.ndarray) -> None:
        self.d = values.copy()


def loop(toy: Toy, **control: float) -> OuterLoop:
    return OuterLoop(toy, LoopControl(**control))  # type: ignore[arg-type]


@pytest.mark.parametrize("has_energy", [True, False])
@pytest.mark.parametrize("loose", [True, False])
def test_the_equilibrium_of_both_is_found(has_energy: bool, loose: bool) -> None:
    toy = Toy(has_energy=has_energy, may_be_loose=loose)
    done = loop(toy, damage_tolerance=1.0e-10).solve(toy)
    assert toy.d == pytest.approx(toy.exact, abs=1.0e-9)
    assert toy.u == pytest.approx(toy.coupling * toy.d, abs=1.0e-9)
    assert done.sweeps < (90 if loose else 12)  # plain: 0.81^n, more than a hundred
    assert done.newton_iterations == len(toy.calls)


def test_what_is_accepted_never_raises_the_energy_and_ends_with_an_exact_solution() -> None:
    toy = Toy(may_be_loose=True)
    done = loop(toy, damage_tolerance=1.0e-10).solve(toy)
    assert toy.calls[0]
    assert not toy.calls[-1]
    assert done.largest_rise <= 1.0e-9
    assert toy.seen[-1] == pytest.approx(min(toy.seen), abs=1.0e-12)


def test_an_energy_that_rises_on_the_way_to_the_minimiser_is_a_failure() -> None:
    """Half steps in d lower the energy where they are minimisers; eight times as far breaks that promise."""
    toy = Toy(overshoot=8.0)
    with pytest.raises(NumericalFailure, match="energy rose"):
        loop(toy, damage_tolerance=1.0e-10).solve(toy)


def test_where_the_minimiser_may_overshoot_shorter_steps_lower_the_energy() -> None:
    toy = Toy(overshoot=8.0, minimiser_lowers_energy=False)
    done = loop(toy, damage_tolerance=1.0e-10).solve(toy)
    assert toy.d == pytest.approx(toy.exact, abs=1.0e-9)
    assert done.rejected > 0
    assert done.largest_rise <= 1.0e-9


def test_failure_says_how_far_it_has_come() -> None:
    toy = Toy()
    with pytest.raises(NumericalFailure, match=r"still changes by .* after 2 sweeps"):
        loop(toy, max_sweeps=2).solve(toy)


def test_an_exception_ends_the_loop_within_a_sweep() -> None:
    toy = Toy()

    def stop() -> None:
        if len(toy.calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop(toy, damage_tolerance=1.0e-10).solve(toy, stop)
    assert len(toy.calls) == 2


def test_sweeps_are_logged_with_their_reasons(caplog: pytest.LogCaptureFixture) -> None:
    toy = Toy(overshoot=8.0, minimiser_lowers_energy=False)
    with caplog.at_level(logging.DEBUG, logger="lifrac.solver"):
        done = loop(toy, damage_tolerance=1.0e-6).solve(toy)
    assert sum("shorter step" in m for m in caplog.messages) == done.rejected
    assert sum("|minimiser - d|" in m for m in caplog.messages) == done.sweeps - done.rejected
