"""Synthetic runs with a diffuse crack: they follow the contract of the run folder, their numbers are made up."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from lifrac.solver.output.vtkhdf import TemporalGrid
from matplotlib.tri import Triangulation

THICKNESS, HALF_WIDTH, CELL, LENGTH, ADRIFT = 60.0, 60.0, 1.0, 2.0, 300.0
"""[um]; the last one is where nodes end up that nothing holds."""
SCALARS = ("potential_V", "damage", "aperture_um", "lithium_share", "lithium_pressure_MPa")
ARRAYS = {"current_density_mA_per_cm2": 3, "displacement_um": 3, "stress_MPa": 6, **dict.fromkeys(SCALARS, 1)}


@dataclass(frozen=True)
class DiffuseCrack:
    """A straight diffuse crack from the mouth at x = 0 that opens by itself while the body is squeezed.

    Attributes
    ----------
    inclination
        Between the crack and the normal of the anode face [deg].
    half
        Whether only x >= 0 is meshed; the crack is then not inclined.
    opening
        Largest opening [um] at the end.
    squeeze
        Displacement [um] of the anode face by the stack pressure.
    wet
        Part of the crack's length that lithium fills.
    """

    inclination: float = 30.0
    half: bool = False
    opening: float = 0.2
    squeeze: float = 0.0
    wet: float = 0.8

    def mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, 2) [um] and triangles; cells are small where the crack is."""
        fine = np.arange(0.0, 40.0 + 0.5 * CELL, CELL)
        right = np.concatenate([fine, np.linspace(40.0, HALF_WIDTH, 6)[1:]])
        x = right if self.half else np.concatenate([-right[:0:-1], right])
        grid = np.stack(np.meshgrid(x, np.arange(0.0, THICKNESS + 0.5 * CELL, CELL)), axis=-1).reshape(-1, 2)
        return grid, Triangulation(grid[:, 0], grid[:, 1]).triangles

    def at(self, xy: np.ndarray, length: float, opening: float) -> dict[str, np.ndarray]:
        """All arrays of the crack at a length and largest opening [um]."""
        angle = np.radians(self.inclination)
        along, normal = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
        s, across = xy @ along, xy @ normal
        beside = np.hypot(across, np.maximum(s - length, 0.0))
        row = CELL * (1.0 + 1e-9)
        damage = np.clip(1.0 - np.maximum(beside - row, 0.0) / (2.0 * LENGTH), 0.0, 1.0) ** 2
        width = opening * np.sqrt(np.clip(1.0 - s / length, 0.0, 1.0))
        u = np.zeros((len(xy), 3))
        u[:, :2] = (0.5 * width * np.clip(across / row, -1.0, 1.0))[:, None] * normal
        u[:, 1] += self.squeeze * (1.0 - xy[:, 1] / THICKNESS)
        if self.half:
            u[(xy[:, 0] == 0.0) & (s < length - CELL), 1] = ADRIFT  # inside the broken row
        stress = np.zeros((len(xy), 6))
        stress[:, 0] = 50.0 * np.exp(-np.hypot(across, s - length) / 10.0)
        inside = damage > 0.0
        return {
            "potential_V": 0.06 * xy[:, 1] / THICKNESS,
            "current_density_mA_per_cm2": np.tile([0.0, -4.0, 0.0], (len(xy), 1)),
            "displacement_um": u,
            "stress_MPa": stress,
            "damage": damage,
            "aperture_um": np.where(inside, 0.02 + width, 0.0),
            "lithium_share": np.where(inside & (s <= self.wet * length), 1.0, 0.0),
            "lithium_pressure_MPa": np.where(inside, 100.0 * np.clip(s / length, 0.0, 1.0), 0.0),
        }

    def write_fields(self, path: Path, table: pd.DataFrame, stored: int) -> None:
        """Bulk triangles with arrays at `stored` times; the crack grows from 10 to 30 um."""
        xy, triangles = self.mesh()
        points = np.column_stack([xy, np.zeros(len(xy))])
        grid = TemporalGrid(path, points, [(5, triangles)], np.zeros(len(triangles), int), ARRAYS)
        for part in np.linspace(0.0, 1.0, stored):
            time = float(np.interp(part, [0, 1], table["time_s"].iloc[[0, -1]]))
            grid.append(time, self.at(xy, 10.0 + 20.0 * part, self.opening * part))
        grid.close()
