"""A quantity of the user's own is one entry with one function: histories, summaries, field files, readers have it."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import lifrac
import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.problems.case.case import load_case
from lifrac.problems.cli.main import main
from lifrac.quantities import Kind, Place, Quantity
from support.short_runs import shortening

ENGINES = ("llzo_holds", "llzo_inclined")

INTENSITY = {"llzo_holds": ["stress_intensity_MPa_sqrt_m"]}
"""Columns that only the plane engine has, by case."""


def fill(at: Any) -> float:
    """Lithium over crack."""
    return at["lithium_volume"] / at["flaw_volume"]


def crack_current_density(at: Any) -> float:
    """Return the current into the crack, per area of the anode [A/m2]."""
    return at["flaw_current_share"] * at["anode_current_density"]


def mean_pressure(at: Any) -> float:
    """Over the crack [MPa]."""
    return at.total(at.crack_area * at.nodal("lithium_pressure")) / at.total(at.crack_area)


FILL = Quantity(name="fill", description="part of the crack that lithium fills", function=fill)
CURRENT = Quantity(
    name="crack_current_density", unit="mA/cm2", at_end="crack_current_density_at_end", function=crack_current_density
)
PRESSURE = Quantity(name="mean_pressure", unit="MPa", largest="highest_mean_pressure", function=mean_pressure)
HYDROSTATIC = Quantity(
    name="hydrostatic_pressure",
    unit="MPa",
    kind=Kind.FIELD,
    place=Place.BULK,
    function=lambda at: -(at.stress[0] + at.stress[1] + at.stress[2]) / 3.0,
)
ALL = (FILL, CURRENT, PRESSURE, HYDROSTATIC)


@contextmanager
def registered(*quantities: Quantity) -> Iterator[None]:
    try:
        for quantity in quantities:
            lifrac.quantities.register(quantity)
        yield
    finally:
        for quantity in quantities:
            lifrac.quantities.unregister(quantity)


def run(name: str, out: Path, *more: str) -> int:
    overrides = [*shortening(name), "solver.max_steps=3", *more]
    return main(["run", name, "--out", str(out), *(word for text in overrides for word in ("--set", text))])


@pytest.mark.parametrize("name", ENGINES)
def test_registered_quantities_are_written_and_read(name: str, tmp_path: Path) -> None:
    """Without any other change, and in the units of their entries."""
    with registered(*ALL):
        run(name, tmp_path / "run")
    found = lifrac.RunResult.load(tmp_path / "run")
    table = found.history
    own = ["fill", "crack_current_density_mA_per_cm2", "mean_pressure_MPa"]
    usual = len(lifrac.quantities.HISTORY_COLUMNS)
    assert tuple(table)[:usual] == lifrac.quantities.HISTORY_COLUMNS
    assert sorted(tuple(table)[usual:]) == sorted([*own, *INTENSITY.get(name, [])])
    assert np.allclose(found["fill"], table["lithium_volume_um2"] / table["flaw_volume_um2"], rtol=1e-9)
    through = table["flaw_current_share"] * table["current_density_mA_per_cm2"]
    assert np.allclose(found["crack_current_density"][1:], through[1:], rtol=1e-6, atol=0.0)
    assert (found["mean_pressure"] <= table["max_lithium_pressure_MPa"]).all()
    assert found["mean_pressure"].iloc[-1] > 0.0
    assert found.summary["highest_mean_pressure_MPa"] == pytest.approx(found["mean_pressure"].max())
    assert found.summary["crack_current_density_at_end_mA_per_cm2"] == pytest.approx(through.iloc[-1], rel=1e-6)
    fields = found.fields()
    assert fields is not None
    stress = fields.array("stress", -1)
    by_hand, precision = -stress[:, :3].sum(axis=1) / 3.0, 1e-6 * float(np.abs(stress).max())  # numbers of four bytes
    assert fields.array("hydrostatic_pressure", -1) == pytest.approx(by_hand, rel=0.0, abs=precision)


@pytest.mark.parametrize("name", ENGINES)
def test_quantities_of_one_simulation_are_its_own(name: str) -> None:
    overrides = [*shortening(name), "solver.max_steps=1"]
    try:
        own = lifrac.Simulation(load_case(name, overrides), quantities=ALL)
        own.run(check=False)
        table = own.history
        assert np.allclose(table["fill"], table["lithium_volume_um2"] / table["flaw_volume_um2"])
        assert table.attrs["units"]["mean_pressure_MPa"] == "MPa"
        pressure, stress = own.fields["hydrostatic_pressure"], own.fields["stress"]
        by_cell = stress.x.array.reshape(-1, 6)
        assert pressure.x.array == pytest.approx(-by_cell[:, :3].sum(axis=1) / 3.0)
        assert np.abs(pressure.x.array).max() > 0.0
        other = lifrac.Simulation(load_case(name, overrides))
        other.run(check=False)
        assert list(other.history) == [*lifrac.quantities.HISTORY_COLUMNS, *INTENSITY.get(name, [])]
        assert "hydrostatic_pressure" not in other.fields
    finally:
        for quantity in ALL:
            lifrac.quantities.unregister(quantity)


def test_the_field_of_a_crack_lives_on_it(tmp_path: Path) -> None:
    """Plane engine: on the crack plane, zero in the bulk; the same numbers as the array it is made of."""
    twice = Quantity(
        name="double_aperture",
        unit="um",
        kind=Kind.FIELD,
        place=Place.CRACK,
        function=lambda at: 2.0 * at.snapshot.aperture,
    )
    with registered(twice):
        run("llzo_holds", tmp_path / "run")
    fields = lifrac.RunResult.load(tmp_path / "run").fields()
    assert fields is not None
    assert fields.array("double_aperture", -1) == pytest.approx(2.0 * fields.array("aperture", -1), rel=1e-12)
    assert fields.array("aperture", -1).max() > 0.0


def test_a_run_goes_on_with_the_quantities_it_was_begun_with(tmp_path: Path) -> None:
    """Whatever the order in which they are given then; without them it is refused, and nothing is changed."""
    case, out = load_case("llzo_holds", [*shortening("llzo_holds"), "solver.max_steps=4"]), tmp_path / "run"
    try:
        for step in lifrac.Simulation(case, quantities=[FILL, PRESSURE]).steps(out):
            if step.number == 2:
                break
        before = (out / "history.csv").read_bytes()
        with pytest.raises(InputError, match=r"fill, mean_pressure"):
            lifrac.Simulation.resume(out).run()
        assert (out / "history.csv").read_bytes() == before
        lifrac.Simulation.resume(out, quantities=[PRESSURE, FILL]).run(check=False)
    finally:
        for quantity in (FILL, PRESSURE):
            lifrac.quantities.unregister(quantity)
    with (out / "history.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][-2:] == ["fill", "mean_pressure_MPa"]
    assert len(rows) == 2 + 4
    table = lifrac.RunResult.load(out).history
    assert np.allclose(table["fill"], table["lithium_volume_um2"] / table["flaw_volume_um2"], rtol=1e-9)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Quantity(name="crack_tip", unit="um"), "another quantity"),
        (Quantity(name="voltage", written_as="cell_voltage", unit="V"), "another quantity"),
        (Quantity(name="pressure", unit="MPa", largest="max_lithium_pressure"), "another quantity"),
    ],
)
def test_taken_names_are_refused(entry: Quantity, words: str) -> None:
    with pytest.raises(InputError, match=words):
        lifrac.quantities.register(entry)


def test_names_are_those_of_python() -> None:
    with pytest.raises(InputError, match="no name of a quantity"):
        Quantity(name="crack tip")


def refused(function: Any) -> str:
    quantity = Quantity(name="odd", function=function)
    try:
        simulation = lifrac.Simulation(load_case("llzo_holds", shortening("llzo_holds")), quantities=[quantity])
        with pytest.raises(InputError) as caught:
            simulation.run()
    finally:
        lifrac.quantities.unregister(quantity)
    return str(caught.value)


def test_functions_that_give_no_number_are_refused() -> None:
    assert "odd" in refused(lambda at: "many")
    assert "no number" in refused(lambda at: None)
    assert "asks for itself" in refused(lambda at: at["odd"])


def test_a_quantity_of_a_simulation_needs_a_function() -> None:
    with pytest.raises(InputError, match="has no function"):
        lifrac.quantities.declare_own([Quantity(name="empty")])


@pytest.mark.parametrize("name", ENGINES)
def test_nodes_are_known_by_their_places(name: str) -> None:
    """Pressure at the mouth, found by place: nodes off the crack have none."""

    def at_mouth(at: lifrac.quantities.View) -> float:
        crack = np.flatnonzero(at.crack_area > 0.0)  # type: ignore[attr-defined]
        assert at.points.shape == (len(at.crack_area), 3)  # type: ignore[attr-defined]
        nearest = crack[np.argmin(at.points[crack, 1])]  # type: ignore[attr-defined]
        return float(at.nodal("lithium_pressure")[nearest])  # type: ignore[attr-defined]

    own = Quantity(name="mouth_pressure", unit="MPa", description="at the mouth", function=at_mouth)
    simulation = lifrac.Simulation(load_case(name, [*shortening(name), "solver.max_steps=2"]), quantities=[own])
    simulation.run(check=False)
    pressures = simulation.history["mouth_pressure_MPa"]
    assert (pressures <= simulation.history["max_lithium_pressure_MPa"] + 1e-9).all()
    if name == "llzo_holds":
        assert pressures.iloc[-1] == pytest.approx(1.0)  # an open mouth is at stack pressure
    # Corrected and stated anew, as one does in a notebook.
    again = replace(own, unit="kPa")
    lifrac.Simulation(load_case(name, [*shortening(name), "solver.max_steps=1"]), quantities=[again]).run(check=False)
    lifrac.quantities.REGISTRY.remove("mouth_pressure")
