"""Laws of charge transfer by name: their limits, and a law of one's own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lifrac.problems.case.case import load_case
from lifrac.solver.cohesive.cohesive_engine import CohesiveEngine
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.stated import content
from lifrac.solver.physics.constants import FARADAY, thermal_voltage
from lifrac.solver.physics.functions import asinh
from lifrac.solver.physics.kinetics import (
    LAWS,
    ButlerVolmer,
    ChargeTransfer,
    ChargeTransferLaw,
    Linear,
    MarcusHushChidsey,
    charge_transfer_law,
    charge_transfer_resistance,
)
from support.plane_cell import FACE, LLZO, SLAB, cell, constant, problem

UNIT = thermal_voltage(FACE.temperature)
EXAMPLES = [ButlerVolmer(), Linear(), MarcusHushChidsey(0.3 * FARADAY)]
CLOSED = Flaw(10.0, 1.0e-3, filling=0.0, mouth="closed")
"""Empty, and flat along the current."""
CURRENT = 100.0


def voltage(anode: Kinetics, counter: Kinetics) -> float:
    p = problem(cell(anode=anode, counter=counter, flaw=CLOSED))
    return p.solve(CohesiveEngine(p).state, 1.0, ConstantCurrent(CURRENT)).voltage


@pytest.mark.parametrize("law", EXAMPLES, ids=lambda law: law.name)
@pytest.mark.parametrize("plating", [True, False])
def test_resistance_is_the_slope_at_zero_and_plating_mirrors_stripping(law: ChargeTransferLaw, plating: bool) -> None:
    face = replace(FACE, alpha_a=0.3, alpha_c=0.7, law=law)
    one, other = ChargeTransfer(face, plating), ChargeTransfer(face, not plating)
    slope = (one.current(1.0e-6) - one.current(-1.0e-6)) / 2.0e-6
    assert charge_transfer_resistance(face) == pytest.approx(1.0 / (face.exchange_current * slope), rel=1e-8)
    eta = np.array([0.01, 0.1, 0.3])
    np.testing.assert_allclose(one.current(eta), -other.current(-eta), rtol=1e-12)


def test_marcus_hush_chidsey_saturates_and_has_its_limits() -> None:
    law, wide = (MarcusHushChidsey(energy * FARADAY) for energy in (0.3, 3000.0))
    eta = np.array([0.02, 0.05, 0.1])
    np.testing.assert_allclose(wide.current(eta, FACE, True), 2.0 * np.sinh(0.5 * eta / UNIT), rtol=1e-4)
    assert law.current(0.9, FACE, True) == pytest.approx(law.current(0.8, FACE, True), rel=1e-3)
    assert law.current(0.3, FACE, True) < 0.3 * 2.0 * np.sinh(0.15 / UNIT)


@pytest.fixture
def tafel() -> Iterator[type[ChargeTransferLaw]]:
    """A law that this module adds: one class, registered by its name, in no file of the package."""

    @charge_transfer_law("softened")
    @dataclass(frozen=True)
    class Softened(ChargeTransferLaw):
        """f = asinh(k x)/k, x = F eta/RT; its inverse is sinh."""

        reorganization_energy: float

        def _factor(self) -> Any:
            return self.reorganization_energy / FARADAY

        def current(self, eta: Any, face: Kinetics, plating: bool) -> Any:
            return asinh(self._factor() * eta / thermal_voltage(face.temperature)) / self._factor()

        def slope(self, face: Kinetics) -> float:
            return 1.0

    yield Softened
    LAWS.pop("softened")


def test_a_law_of_ones_own_in_one_class(tafel: type[ChargeTransferLaw], tmp_path: Path) -> None:
    """The law is found by its name in a case, on one face, and holds in the engine against its inverse."""
    path = tmp_path / "case.toml"
    path.write_text(CASE)
    case = load_case(path)
    anode, counter = case.cell().anode, case.cell().counter
    assert anode.law == tafel(pytest.approx(0.5 * FARADAY, rel=1e-6))  # type: ignore[call-arg]
    assert counter.law == ButlerVolmer()
    ours = replace(FACE, law=anode.law)
    ratio = CURRENT / FACE.exchange_current
    exact = CURRENT * SLAB.thickness / LLZO.conductivity + UNIT * (
        np.sinh(0.5 * ratio) / 0.5 + 2.0 * np.arcsinh(0.5 * ratio)
    )
    assert voltage(ours, FACE) == pytest.approx(exact, rel=1e-5)


CASE = """
[electrolyte]
material = "LLZO"
thickness = "100 um"
[defect]
length = "10 um"
aperture = "20 nm"
[electrodes.anode]
kinetics = "softened"
reorganization_energy = "0.5 eV"
[[protocol.steps]]
type = "constant_current"
current_density = "1 mA/cm^2"
areal_capacity = "1 mAh/cm^2"
"""


def test_faces_differ_and_the_default_is_hashed_as_before() -> None:
    """Film, contact and exchange current of one face act on that face; what is not stated is not in the hash."""
    other = Kinetics(20.0, FACE.temperature, film_resistance=1.0e-4, contact_fraction=0.5)
    drop = 2.0 * UNIT * np.arcsinh(0.5 * CURRENT / FACE.exchange_current)
    local = CURRENT / 0.5
    other_drop = 2.0 * UNIT * np.arcsinh(0.5 * local / 20.0) + 1.0e-4 * local
    exact = CURRENT * SLAB.thickness / LLZO.conductivity + drop + other_drop
    assert voltage(FACE, other) == pytest.approx(exact, rel=1e-6)
    assert voltage(other, FACE) == pytest.approx(exact, rel=1e-6)
    plain = content(cell(constant(10.0, 100.0)))
    assert "law" not in plain["anode"]
    assert "laws" not in plain
    step = {"kind": "constant_current", "current_density": 10.0, "capacity": 100.0, "duration": None}
    assert plain["protocol"] == [step | {"voltage_limit": None, "cycle": 0, "level": 0}]
    assert plain["loads"] == {"stack_pressure": 1.0, "lateral": "free", "lateral_stress": 0.0}
    assert content(replace(FACE, law=Linear()))["law"] == {"law": "linear"}
