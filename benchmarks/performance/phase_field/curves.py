"""Load-displacement curves as files, and how far one is from another."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """The distance of a curve from a reference, over the reference [-]."""

    peak: float
    """The difference of the largest forces."""
    curve: float
    """int |F - F_ref| dx / int F_ref dx."""


def distance(displacements: Floats, forces: Sequence[float], reference: Sequence[float]) -> Distance:
    found, exact = np.asarray(forces), np.asarray(reference)
    apart = float(np.trapezoid(np.abs(found - exact), displacements) / np.trapezoid(exact, displacements))
    return Distance(float(abs(found.max() / exact.max() - 1.0)), apart)


def write(path: Path, columns: dict[str, Sequence[float]]) -> None:
    """Columns by name; the shortest one counts."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([f"{value:.6g}" for value in row] for row in zip(*columns.values(), strict=False))


def read(path: Path) -> dict[str, list[float]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return {name: [float(row[k]) for row in rows[1:]] for k, name in enumerate(rows[0])}
