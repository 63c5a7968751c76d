"""Bounds of every stored array of a run folder, state by state: from its history, its case, and where a field lives.

A value beyond its bound is wrong whatever the physics is. Bounds are loose by factors of order one, not by tuning:
means and extrema that theory gives, and what other arrays of the same state allow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from lifrac.postprocess.read.field_file import ANODE, COUNTER, CRACK_PLANE, ELECTROLYTE, FieldFile, Grid
from lifrac.problems.case.case import load_case
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.physics.constants import AMPERE_PER_M2_PER_MA_PER_CM2, pressure_per_volt
from lifrac.solver.physics.kinetics import ChargeTransfer

Floats = np.ndarray
ROUNDING = 1.0e-5
"""Arrays are stored in single precision: relative to the largest value that is allowed."""
OPEN = 3.0
"""Largest aperture over its mean along the crack: 1.5 in a penny, 4/pi in a slit, more where metal has leaked out."""
STRAINED = 5.0
"""Largest displacement over stress/E times the diagonal of the body."""
TRACE = 3.0
"""Norm of Hooke's tensor over E, for Poisson's ratios up to 0.4."""


@dataclass(frozen=True)
class Excess:
    """The value of an array that is farthest beyond its bound, at one stored state."""

    array: str
    time: float
    value: float
    low: float
    high: float
    point: tuple[float, ...]

    def __str__(self) -> str:
        where = ", ".join(f"{x:.4g}" for x in self.point)
        bounds = f"{self.low:.6g} .. {self.high:.6g}"
        return f"{self.array} = {self.value:.6g} at ({where}) um, {self.time:.6g} s: not in {bounds}"


class Stored:
    """One stored state with its row of the history."""

    def __init__(self, fields: FieldFile, step: int, row: pd.Series, model: CellModel) -> None:
        self.fields, self.step, self.row, self.model = fields, step, row, model
        self.grid: Grid = fields.grid(step)
        self.points = self.grid.points
        self.cells = self.grid.cells(ELECTROLYTE)
        self.dim = self.cells.shape[1] - 1
        self.bulk, self.crack, self.anode, self.counter = (
            self._on(region) for region in (ELECTROLYTE, CRACK_PLANE, ANODE, COUNTER)
        )

    def _on(self, region: int) -> Floats:
        found = np.zeros(len(self.points), dtype=bool)
        found[np.unique(self.grid.cells(region)).astype(np.int64)] = True
        return found

    def array(self, name: str) -> Floats:
        """Return a stored array on all points."""
        return np.asarray(self.fields.array(name, self.step), dtype=float)

    def gradient(self, values: Floats) -> Floats:
        """Largest norm of a field's gradient in the cells around each point."""
        corners, v = self.points[self.cells][..., : self.dim], values.reshape(len(values), -1)[self.cells]
        edges = corners[:, 1:] - corners[:, :1]
        norm = np.linalg.norm(np.linalg.solve(edges, v[:, 1:] - v[:, :1]), axis=(1, 2))
        largest = np.zeros(len(self.points))
        np.maximum.at(largest, self.cells.ravel(), np.repeat(norm, self.dim + 1))
        return largest

    def on_electrolyte(self, high: Floats | float) -> Floats:
        """Return values on the points of the electrolyte, and 0 elsewhere."""
        return np.where(self.bulk, high, 0.0)

    @property
    def potentials(self) -> tuple[float, float]:
        """Least and largest potential [V]: between the electrodes, or what the pressure of the metal sustains."""
        to_volt = 1.0 / pressure_per_volt(self.model.anode.molar_volume)
        pressure = float(self.row["max_lithium_pressure_MPa"]) * to_volt
        voltage = float(self.row["cell_voltage_V"])
        return min(voltage, 0.0) - self.model.loads.stack_pressure * to_volt, max(voltage, 0.0) + pressure

    @property
    def aperture(self) -> float:
        """Largest aperture of the crack [um]."""
        length = float(self.row["crack_length_um"])
        face = length if self.dim == 2 else 0.25 * np.pi * length**2
        return max(float(self.row["mouth_opening_um"]), OPEN * float(self.row["flaw_volume_um2"]) / face)

    @property
    def slit(self) -> Floats:
        """Points at which there is a crack; the tip of a flaw in a crack plane is intact on one side of it."""
        broken = self.array("damage") > 0.0
        from_mouth = np.hypot(self.points[:, 1], self.points[:, 2])
        return broken | self.crack & (from_mouth <= self.model.flaw.length * (1.0 + 1.0e-6))


Range = tuple[Floats | float, Floats | float]


def _potential(s: Stored) -> Range:
    low, high = s.potentials
    return s.on_electrolyte(low), s.on_electrolyte(high)


def _current(s: Stored) -> Range:
    """Bound the current by the mean of what cells around a node carry."""
    kappa = s.model.electrolyte.conductivity
    most = s.on_electrolyte(kappa * s.gradient(s.array("potential_V"))) / AMPERE_PER_M2_PER_MA_PER_CM2
    return -most[:, None], most[:, None]


def _displacement(s: Stored) -> Range:
    """Bound the displacement of what is not broken: nothing holds the rest."""
    e, loads = s.model.electrolyte, s.model.loads
    stress = loads.stack_pressure + abs(loads.lateral_stress) + float(s.row["max_lithium_pressure_MPa"])
    size = float(np.linalg.norm(np.ptp(s.points, axis=0)))
    most = s.on_electrolyte(s.aperture + STRAINED * stress / e.youngs_modulus * size)
    return -most[:, None], most[:, None]


def _stress(s: Stored) -> Range:
    """Bound the stress by the strain of the cells around a node, and by that of the metal and the uncracked body."""
    e, loads = s.model.electrolyte, s.model.loads
    strain = s.gradient(s.array("displacement_um")[:, : s.dim])
    metal = float(s.row["max_lithium_pressure_MPa"]) + loads.stack_pressure + abs(loads.lateral_stress)
    most = s.on_electrolyte(TRACE * e.youngs_modulus * strain + metal)
    return -most[:, None], most[:, None]


def _aperture(s: Stored) -> Range:
    return 0.0, np.where(s.slit, s.aperture, 0.0)


def _damage(s: Stored) -> Range:
    return 0.0, np.where(s.crack if s.crack.any() else s.bulk, 1.0, 0.0)


def _metal(s: Stored) -> Range:
    return 0.0, np.where(s.slit, s.array("aperture_um"), 0.0)


def _share(s: Stored) -> Range:
    return 0.0, np.where(s.slit, 1.0, 0.0)


def _pressure(s: Stored) -> Range:
    """Bound the pressure in the crack and in pores, whose walls are no part of the file."""
    here = s.slit if s.crack.any() else s.slit | _hollow(s)
    return 0.0, np.where(here, float(s.row["max_lithium_pressure_MPa"]), 0.0)


def _hollow(s: Stored) -> Floats:
    """Points on boundaries that are no face of the body."""
    x, used = s.points[:, : s.dim], s.points[s.bulk]
    outside = np.zeros(len(x), dtype=bool)
    for axis in range(s.dim):
        for end in (used[:, axis].min(), used[:, axis].max()):
            outside |= np.abs(x[:, axis] - end) < 1.0e-6 * np.ptp(used)
    sides = np.concatenate([np.delete(s.cells, k, axis=1) for k in range(s.dim + 1)])
    facets, count = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    rim = np.zeros(len(x), dtype=bool)
    rim[facets[count == 1].ravel()] = True
    return rim & ~outside


def _face_current(s: Stored) -> Range:
    """Bound the current of faces by what the largest potential and the pressure drive."""
    k = s.model.anode
    drop = max(map(abs, s.potentials)) + float(s.row["max_lithium_pressure_MPa"]) / pressure_per_volt(k.molar_volume)
    most = k.exchange_current * float(ChargeTransfer(k).current(drop) + abs(ChargeTransfer(k).current(-drop)))
    most /= AMPERE_PER_M2_PER_MA_PER_CM2
    here = s.anode | s.counter | s.crack & (s.array("metal_thickness_um") > 0.0)
    return np.where(here, -most, 0.0), np.where(here, most, 0.0)


def _contact(s: Stored) -> Range:
    return 0.0, np.where(s.anode | s.counter, 1.0, 0.0)


BOUNDS: dict[str, Callable[[Stored], Range]] = {
    "potential_V": _potential,
    "current_density_mA_per_cm2": _current,
    "displacement_um": _displacement,
    "stress_MPa": _stress,
    "aperture_um": _aperture,
    "damage": _damage,
    "metal_thickness_um": _metal,
    "lithium_share": _share,
    "lithium_pressure_MPa": _pressure,
    "face_current_density_mA_per_cm2": _face_current,
    "contact": _contact,
}
"""Functions that bound each array; an array without bounds may not be stored."""


def excess_of(s: Stored, name: str) -> tuple[Excess | None, float]:
    """Return what is beyond the bounds of an array, if anything is, and the largest part of its bounds that is used."""
    values = s.array(name)
    low, high = (np.broadcast_to(b, values.shape) for b in BOUNDS[name](s))
    slack = ROUNDING * max(float(np.abs(high).max()), float(np.abs(low).max()), 1.0e-30)
    # What does not live at a point is zero there, to the last bit.
    allowed = np.where((low == 0.0) & (high == 0.0), 0.0, slack)
    beyond = np.where(np.isfinite(values), np.maximum(low - allowed - values, values - high - allowed), np.inf)
    edge = np.where(values > 0.0, high, -low)
    part = float((np.abs(values) / np.where(edge > 0.0, edge, np.inf)).max())
    if beyond.max() <= 0.0:
        return None, part
    at = np.unravel_index(int(np.argmax(beyond)), values.shape)
    point = tuple(float(x) for x in s.points[at[0]][: s.dim])
    return Excess(name, float(s.row["time_s"]), float(values[at]), float(low[at]), float(high[at]), point), part


@dataclass(frozen=True)
class Checked:
    """The arrays that were looked at in one run."""

    states: int
    used: dict[str, float]
    """Largest part of its bounds that each array came to."""
    excesses: tuple[Excess, ...]


def check_fields(folder: Path) -> Checked:
    """Every array of every stored state of a run folder against its bounds."""
    fields, history = FieldFile(folder / "fields.vtkhdf"), pd.read_csv(folder / "history.csv")
    model = load_case(str(folder / "case.toml")).engine_model()
    found, used = [], dict.fromkeys(fields.names, 0.0)
    for step, time in enumerate(fields.times):
        row = history.iloc[int(np.argmin(np.abs(history["time_s"] - time)))]
        assert abs(row["time_s"] - time) <= 1.0e-6 * max(time, 1.0e-3), f"no row of the history at {time} s"
        state = Stored(fields, step, row, model)
        for name in fields.names:
            excess, part = excess_of(state, name)
            used[name] = max(used[name], part)
            found += [excess] if excess is not None else []
    return Checked(len(fields.times), used, tuple(found))
