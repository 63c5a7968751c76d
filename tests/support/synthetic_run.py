"""Synthetic run folders: they follow the contract of the run folder, their numbers are made up."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from lifrac.quantities import HISTORY_COLUMNS
from lifrac.solver.output.vtkhdf import TemporalGrid
from matplotlib.tri import Triangulation

THICKNESS, HALF_WIDTH, FLAW = 200.0, 300.0, 20.0
SURFACE = (
    "aperture_um",
    "metal_thickness_um",
    "lithium_pressure_MPa",
    "damage",
    "face_current_density_mA_per_cm2",
)
ARRAYS = {"potential_V": 1, "current_density_mA_per_cm2": 3, "displacement_um": 3, "stress_MPa": 6}
ARRAYS |= dict.fromkeys(SURFACE, 1)

MakeRun = Callable[..., Path]
WriteFields = Callable[[Path, pd.DataFrame, int], None]


def history(kind: str, rows: int) -> pd.DataFrame:
    """A made-up course: `through` (crack and lithium cross), `holds`, `rest` (no current) or `reversal`."""
    s = np.linspace(0.0, 1.0, rows) if rows > 1 else np.zeros(1)
    table = pd.DataFrame(0.0, index=range(rows), columns=list(HISTORY_COLUMNS))
    table["step"] = np.arange(rows)
    table[["contact_anode", "contact_counter"]] = 1.0
    table["time_s"] = 720.0 * s
    current = {"rest": 0.0 * s, "reversal": np.where(s <= 0.6, 4.0, -4.0)}.get(kind, 4.0 + 0.0 * s)
    table["current_density_mA_per_cm2"] = current
    table["charge_mAh_per_cm2"] = np.concatenate([[0], np.cumsum(current[1:] * np.diff(table["time_s"]))]) / 3600
    growth = np.clip((s - 0.25) / 0.7, 0, 1) ** 1.5 if kind == "through" else 0.0 * s
    table["crack_length_um"] = table["crack_tip_um"] = FLAW + (THICKNESS - FLAW) * growth
    table["lithium_length_um"] = table["crack_tip_um"] - 5.0 * np.sin(np.pi * growth)
    table["cell_voltage_V"] = 1e-3 * (185 - 60 * growth) * np.sign(current)
    pressure = 230 * np.tanh(12 * s) * (1 - 0.5 * growth)
    table["max_lithium_pressure_MPa"] = pressure * (kind != "rest")
    return table


def mesh(n: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """Points (m, 2) and triangles of a half slab, finer towards x = 0."""
    x = HALF_WIDTH * np.linspace(0, 1, n) ** 2.0
    grid = np.stack(np.meshgrid(x, np.linspace(0, THICKNESS, 2 * n + 1)), axis=-1).reshape(-1, 2)
    return grid, Triangulation(grid[:, 0], grid[:, 1]).triangles


def bulk(xy: np.ndarray, a: float, p: float, volts: float) -> dict[str, np.ndarray]:
    """Westergaard's fields of a crack of length `a` [um] under pressure `p` [MPa], near enough."""
    z = xy[:, 1] + 1j * (xy[:, 0] + 1e-6)
    root = np.sqrt(z - a) * np.sqrt(z + a)
    stress = np.zeros((len(xy), 6))
    stress[:, 0] = p * (z / root - 1).real - xy[:, 0] * (p * a**2 / root**3).imag
    stress[:, 1] = p * (z / root - 1).real + xy[:, 0] * (p * a**2 / root**3).imag
    opening = np.zeros((len(xy), 3))
    opening[:, 0] = 2 * p / 150e3 * (root.imag - xy[:, 0]) * (1 - xy[:, 0] / HALF_WIDTH)
    current = np.zeros((len(xy), 3))
    current[:, 1] = -4.0
    potential = volts * (root.real / THICKNESS).clip(0, 1)
    return {
        "potential_V": potential,
        "current_density_mA_per_cm2": current,
        "displacement_um": opening,
        "stress_MPa": stress,
    }


def write_fields(path: Path, table: pd.DataFrame, stored: int) -> None:
    """Bulk triangles, crack-plane lines and face lines with their own points, at `stored` times."""
    xy, triangles = mesh()
    faces = [np.flatnonzero(c) for c in (xy[:, 0] == 0, xy[:, 1] == 0, xy[:, 1] == THICKNESS)]
    points = np.zeros((len(xy) + sum(map(len, faces)), 3))
    points[:, :2] = np.vstack([xy, *(xy[f] for f in faces)])
    lines, region, first = [], [np.zeros(len(triangles), int)], len(xy)
    for number, face in enumerate(faces, start=1):
        ids = first + np.arange(len(face))
        lines.append(np.stack([ids[:-1], ids[1:]], axis=1))
        region.append(np.full(len(face) - 1, number))
        first += len(face)
    cells = [(5, triangles), (3, np.vstack(lines))]
    grid = TemporalGrid(path, points, cells, np.concatenate(region), ARRAYS)
    y = xy[faces[0], 1]
    on_crack = slice(len(xy), len(xy) + len(y))
    for row in sorted(set(np.linspace(0, len(table) - 1, stored).astype(int))):
        state = table.iloc[row]
        a, p = state["crack_tip_um"], state["max_lithium_pressure_MPa"]
        data = {n: np.zeros((len(points), c) if c > 1 else len(points)) for n, c in ARRAYS.items()}
        inside = bulk(xy, a + 1e-3, p, abs(state["cell_voltage_V"]))
        for name, values in inside.items():
            data[name][: len(xy)] = values
        aperture = 0.02 + 2 * inside["displacement_um"][faces[0], 0]
        wet = y <= state["lithium_length_um"] - 10 * (a > FLAW)
        data["aperture_um"][on_crack] = aperture
        data["metal_thickness_um"][on_crack] = np.where(wet, aperture, 0)
        data["lithium_pressure_MPa"][on_crack] = np.where(wet, p * (y / a).clip(0, 1), 0)
        data["damage"][on_crack] = y <= a
        grid.append(float(state["time_s"]), data)


def write_run(
    folder: Path, kind: str = "through", rows: int = 60, stored: int = 7, fields: WriteFields = write_fields
) -> Path:
    """Write a whole run folder; `stored` is the number of stored fields, 0 for no field file."""
    folder.mkdir()
    table = history(kind, rows)
    table.to_csv(folder / "history.csv", index=False)
    (folder / "case.toml").write_text('title = "synthetic"\n', encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps({"synthetic": True}), encoding="utf-8")
    events = []
    if kind == "through":
        for name, row in (("fracture", rows // 4), ("crack_through", rows - 4), ("short_circuit", rows - 2)):
            at = table.iloc[row][["time_s", "charge_mAh_per_cm2"]].to_dict()
            events.append(at | {"event": name, "detail": "synthetic"})
    text = "".join(json.dumps(e) + "\n" for e in events)
    (folder / "events.jsonl").write_text(text, encoding="utf-8")
    outcome = "short_circuit" if kind == "through" else "completed"
    (folder / "summary.json").write_text(json.dumps({"outcome": outcome}), encoding="utf-8")
    if stored:
        fields(folder / "fields.vtkhdf", table, stored)
    return folder
