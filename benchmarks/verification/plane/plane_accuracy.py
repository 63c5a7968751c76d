"""What runs of the plane engine say of their own errors, against runs with finer meshes and shorter steps."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lifrac.problems.case.case import Case, load_case
from lifrac.problems.run.accuracy import KEYS, companion, errors_of, least_error
from lifrac.problems.run.companion_run import run_companion
from lifrac.problems.run.meshing import make_mesh
from lifrac.problems.run.threshold_current import threshold
from lifrac.simulation import Simulation
from lifrac.verification.support.book import Level, Row, check
from mpi4py import MPI

CELLS = {"LLZO": "llzo_runs_through", "Li6PS5Cl": "li6ps5cl_1MPa"}
"""Ready cases by their materials: sides as in a die, 1 MPa."""
NEAR, FAR = 1.05, 2.0
"""Current densities, over J*."""
EVENTS = ("fracture", "crack_through")


@dataclass(frozen=True)
class Figures:
    """Charges [mAh/cm2] of a run by event, and their relative errors as the run states them."""

    charges: dict[str, float]
    errors: dict[str, float]


@cache
def threshold_of(material: str) -> float:
    """J* [mA/cm2]."""
    return threshold(load_case(CELLS[material])).milliamperes


def case_of(material: str, current: float, until: str, accuracy: float) -> Case:
    """Return a cell at a current [mA/cm2] until an event."""
    return load_case(
        CELLS[material],
        [
            f"protocol.current_density={current} mA/cm^2",
            "protocol.areal_capacity=2 mAh/cm^2",
            f"protocol.stop_at={until}",
            f"solver.accuracy={accuracy}",
        ],
    )


def charges(case: Case) -> dict[str, float | None]:
    """Charges of a run at all events by the keys of a summary, and its outcome."""
    return dict(run_companion(case, MPI.COMM_SELF))


def figures(case: Case) -> Figures:
    """Run a case and its companion."""
    coarse = companion(case)
    assert coarse is not None
    run = charges(case)
    errors = errors_of(run, charges(coarse), least_error(case))
    names = {event: f"capacity_at_{event}" for event in EVENTS if run[KEYS[f"capacity_at_{event}"]] is not None}
    return Figures(
        {event: float(run[KEYS[name]] or 0.0) for event, name in names.items()},
        {event: float(errors[f"{name}_error"]) for event, name in names.items()},
    )


def rows_of(material: str, current: float, label: str, until: str, tolerance: float) -> list[Row]:
    """Compare a run with the default accuracy with one with elements and steps half as long."""
    case = case_of(material, current, until, 0.03)
    coarse, fine = figures(case), charges(replace(case, coarsening=0.5))
    rows = []
    for event, charge in coarse.charges.items():
        limit = fine[KEYS[f"capacity_at_{event}"]]
        what = f"{material}, {label}: charge at {event}"
        ratio = charge / limit if limit else float("nan")
        rows.append(Row(f"{what} over that with h/2 and half the steps", ratio, 1.0, tolerance))
        note = f"stated {100.0 * coarse.errors[event]:.2g} %"
        part = abs(ratio - 1.0) / coarse.errors[event]
        rows.append(Row(f"{what}, that distance over the stated error", part, 0.0, 1.0, kind="below", note=note))
    return rows


def step_rows(material: str) -> list[Row]:
    """Compare the charge at fracture, close to the threshold, with those of shorter steps on the same mesh."""
    case = case_of(material, NEAR * threshold_of(material), "fracture", 0.03)
    body, model = make_mesh(case, MPI.COMM_SELF), case.engine_model()

    def charge(factor: float) -> float:
        control = replace(model.control, step_factor=factor)
        simulation = Simulation.from_model(replace(model, control=control), body)
        simulation.run()
        return next(event.charge for event in simulation.events if event.name == "fracture")

    finest = charge(0.25)
    return [
        Row(
            f"{material}, 1.05 J*: charge at fracture, steps x {factor:g} over x 1/4",
            charge(factor) / finest,
            1.0,
            most,
        )
        for factor, most in ((1.0, 0.06), (0.5, 0.025))
    ]


@check(
    "plane_accuracy",
    title="Plane engine: the errors that runs state cover finer runs",
    source="docs/plane.md, Errors",
    quick=True,
    engine="plane",
)
def accuracy(level: Level, folder: Path | None) -> list[Row]:
    """Check runs with the default accuracy, near the threshold and far from it, with elements and steps half as long.

    The quick level goes on to the fracture of LLZO at 2 J* only.
    """
    if level == "quick":
        return rows_of("LLZO", FAR * threshold_of("LLZO"), "2 J*", "fracture", 0.03)
    rows = []
    for material in CELLS:
        known = threshold_of(material)
        for label, current, tolerance in (
            ("1.05 J*", NEAR * known, 0.15),
            ("2 J*", FAR * known, 0.03),
            ("4 mA/cm2", 4.0, 0.03),
        ):
            rows += rows_of(material, current, label, "crack_through", tolerance)
        rows += step_rows(material)
    return rows
