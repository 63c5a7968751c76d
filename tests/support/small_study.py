"""A small study that tests compute in seconds, and readers of what it writes."""

import csv
from pathlib import Path

STUDY = """
[study]
case = "llzo_holds"
temperatures = ["25 degC", "60 degC"]
stack_pressures = ["1 MPa", "5 MPa"]
areal_capacities = ["0.03 mAh/cm^2", "0.05 mAh/cm^2"]
current_min = "2 mA/cm^2"
current_max = "32 mA/cm^2"
currents = 3
failure = "crack_through"
refinements = 1

[case.electrolyte]
thickness = "40 um"

[case.defect]
length = "10 um"

[case.operation]
lateral = "free"

[case.mesh]
crack_size = "1 um"
"""
ONE = ["--set", 'study.temperatures=["25 degC"]', "--set", 'study.stack_pressures=["1 MPa"]']
"""Arguments that leave one condition."""
QUICK = [
    *ONE,
    "--set",
    'study.failure="fracture"',
    "--set",
    'study.areal_capacities=["0.003 mAh/cm^2", "0.01 mAh/cm^2"]',
]
"""Arguments that leave one condition, whose runs end at the first growth of the flaw: twenty steps each."""
COARSE = ["--set", "mesh.crack_size=2 um", "--set", "solver.accuracy=0.075"]
"""Arguments that make elements and time steps as long as may be, for runs that go on to the end."""


def write(folder: Path, text: str = STUDY) -> Path:
    """A study file."""
    path = folder / "small.toml"
    path.write_text(text)
    return path


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def runs_in(out: Path) -> list[Path]:
    """The folders of the runs of a study that are there, finished or not; those of thresholds have no history."""
    return sorted(path.parent for path in out.glob("points/*/history.csv"))
