"""Tables of studies and sweeps, as they are written."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifrac.problems.run.files import text, write_aside


@dataclass(frozen=True)
class Table:
    """Rows by the names of columns; what a row does not have is left empty."""

    columns: Sequence[str]
    rows: Iterable[Mapping[str, Any]]

    def write(self, path: Path) -> None:
        """Write the whole table aside, which then takes the name."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([text(row.get(column)) for column in self.columns] for row in self.rows)
        write_aside(path, file.getvalue())
