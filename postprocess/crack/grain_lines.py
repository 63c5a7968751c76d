"""Grain boundaries of a run, worked out anew from its case: the field file does not hold them."""

import re
from typing import Any

import numpy as np
from lifrac.meshes.geometries.grains import Grains, grain_count
from scipy.spatial import Voronoi

_LENGTH = re.compile(r"\s*([\d.eE+-]+)\s*\*?\s*([numµμ]?m)\s*")
_MICROMETRES = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "mm": 1e3, "m": 1e6}
_FAR = 10.0
"""Distance of helper seeds around the box, in its sizes: they make every true boundary a finite one."""


def boundary_lines(case: dict[str, Any], low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """Straight pieces (2, 2) [um] that grain boundaries consist of; they go beyond the box.

    Parameters
    ----------
    case
        The resolved case.
    low, high
        Corners of the body (2,) [um].

    Returns
    -------
    list of np.ndarray
        Empty for one crystal, and where the size of the grains cannot be told.
    """
    grains = _grains(case, low, high)
    if grains is None or grains.count < 2:
        return []
    width, middle = np.array([high[0] - low[0], 0.0]), 0.5 * (low + high)
    shifts = (-1, 0, 1) if grains.periodic else (0,)
    seeds = np.vstack([grains.seeds + s * width for s in shifts])
    number = np.tile(np.arange(grains.count), len(shifts))
    angles = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    helpers = middle + _FAR * len(shifts) * np.max(high - low) * np.column_stack([np.cos(angles), np.sin(angles)])
    diagram = Voronoi(np.vstack([seeds, helpers]))
    return [
        diagram.vertices[ends]
        for (one, other), ends in zip(diagram.ridge_points, diagram.ridge_vertices, strict=True)
        if max(one, other) < len(seeds) and min(ends) >= 0 and number[one] != number[other]
    ]


def _grains(case: dict[str, Any], low: np.ndarray, high: np.ndarray) -> Grains | None:
    """Return the grains that the run had, if it had any and its body is the box they were drawn in."""
    table = case.get("electrolyte", {}).get("grains")
    if table is None or "file" in case.get("mesh", {}):
        return None
    bounds = tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))
    count = table.get("count")
    if count is None:
        found = _LENGTH.fullmatch(str(table.get("size", "")))
        if found is None:
            return None
        count = grain_count(bounds, float(found[1]) * _MICROMETRES[found[2]])
    return Grains(bounds, int(count), int(table.get("seed", 0)), bool(table.get("periodic", False)))
