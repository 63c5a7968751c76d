"""The results of a run so far, kept in memory on every rank."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifrac import quantities
from lifrac.solver.cell import Report

from .loop import Observer

if TYPE_CHECKING:
    import pandas as pd


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
        """Return a quantity by its column of `history.csv`, with or without the unit: `step["crack_tip"]` [um].

        Raises
        ------
        KeyError
            With the names that come nearest.
        """
        return self.row[quantities.key_among(name, self.row)]


class History(Observer):
    """Keeps the row of every accepted step."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.last: Step | None = None

    def began(self, report: Report) -> None:
        """Take the report of the start as the first row."""
        self.accepted(report)

    def accepted(self, report: Report) -> None:
        """Add a row for an accepted step."""
        self.rows.append(report.row)
        self.last = Step(report, self.rows[-1])

    def table(self) -> "pd.DataFrame":
        """Return a row for each accepted step, columns as in `history.csv`; `attrs["units"]` has the unit of each."""
        import pandas as pd

        table = pd.DataFrame(self.rows, columns=list(self.rows[0] if self.rows else quantities.HISTORY_COLUMNS))
        table.attrs["units"] = {name: quantities.number(name).unit for name in table}
        return table
