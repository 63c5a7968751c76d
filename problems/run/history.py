"""What a run has found so far, kept in memory on every rank."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifrac.solver.cell import Report

from .loop import Observer
from .run_folder import COLUMNS, row_of

if TYPE_CHECKING:
    import pandas as pd

UNITS = ("_s", "_V", "_um", "_um2", "_MPa", "_mA_per_cm2", "_mAh_per_cm2")
"""Ends of columns that are units."""


@dataclass(frozen=True)
class Step:
    """An accepted time step as users see it; alike on every rank.

    Attributes
    ----------
    report : StepReport
        What the engine says, in internal units (um, s, MPa, V, A/m2).
    row : Mapping
        The row of `history.csv`, by column; units stand in the names.
    """

    report: Report
    row: Mapping[str, float]

    @property
    def number(self) -> int:
        """The step's number; 0 is the start."""
        return self.report.number

    @property
    def time(self) -> float:
        """Time at its end [s]."""
        return self.report.state.time

    @property
    def dt(self) -> float:
        """Length of the step [s]."""
        return self.report.dt

    @property
    def voltage(self) -> float:
        """Cell voltage [V]."""
        return self.report.state.cell_voltage

    @property
    def events(self) -> tuple[str, ...]:
        """Names of what has happened for the first time."""
        return tuple(event.name for event in self.report.events)

    def __getitem__(self, name: str) -> float:
        """A quantity by its column of `history.csv`, with or without the unit: `step["crack_tip"]` [um]."""
        return self.row[column_of(name)]


def column_of(name: str) -> str:
    """The column of `history.csv` that a quantity is in, by its name with or without the unit.

    Raises
    ------
    KeyError
        With the names that come nearest.
    """
    if name in COLUMNS:
        return name
    found = next((f"{name}{unit}" for unit in UNITS if f"{name}{unit}" in COLUMNS), None)
    if found is not None:
        return found
    near = difflib.get_close_matches(name, COLUMNS, 3, 0.4)
    raise KeyError(f"{name!r} is no quantity of a history; near: {', '.join(near) or ', '.join(COLUMNS)}")


class History(Observer):
    """Keeps the row of every accepted step."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.last: Step | None = None

    def began(self, report: Report) -> None:
        self.accepted(report)

    def accepted(self, report: Report) -> None:
        self.rows.append(row_of(report))
        self.last = Step(report, self.rows[-1])

    def table(self) -> "pd.DataFrame":
        """A row for each accepted step, columns as in `history.csv`."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=list(COLUMNS))
