"""Keys that a mesh of the user's own answers, so that the case need not state them again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lifrac.errors import InputError
from lifrac.meshes.formats import load
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.problems.quantities import units as u
from pydantic import ValidationError

from .mesh_table import Mesh
from .own_mesh import FlawCells
from .schema_tools import Problems


def left_out(data: Mapping[str, Any]) -> list[str]:
    """Dotted keys that a case on a mesh of its own leaves out and its mesh may tell."""
    found = [] if "thickness" in _table(data, "electrolyte") else ["electrolyte.thickness"]
    if _table(data, "fracture").get("engine") != "phase_field":
        return found
    found += [] if "band_size" in _table(data, "mesh") else ["mesh.band_size"]
    defect = _table(data, "defect")
    if defect.get("type", "edge_flaw") in ("edge_flaw", "half_penny") and "length" not in defect:
        found.append("defect.length")
        if defect.get("type") != "half_penny" and "inclination" not in defect:
            found.append("defect.inclination")
    return found


def told(data: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Tables with what the mesh of a raw case tells of `left_out`; empty where nothing is, or there is no mesh.

    Raises
    ------
    InputError
        If the mesh cannot be read; everything else that is wrong is left to the checks of the case.
    """
    keys = left_out(data)
    if "file" not in _table(data, "mesh") or not keys:
        return {}
    try:
        table = Mesh.model_validate(dict(_table(data, "mesh")))
    except (ValidationError, Problems):
        return {}
    dimension = 3 if _table(data, "defect").get("type") == "half_penny" else 2
    mesh = (path.parent / Path(str(table.file)).expanduser()).resolve()
    try:
        raw = load(mesh, dimension, float(table.length_unit))
    except InputError as error:
        raise error.reported_at(file=path, key="mesh.file", value=table.file) from None
    values = {"electrolyte.thickness": _length(float(raw.points[:, 1].max()))} | _flaw(raw)
    found: dict[str, Any] = {}
    for key in keys:
        if key in values:
            head, name = key.split(".")
            found.setdefault(head, {})[name] = values[key]
    return found


def _flaw(raw: RawMesh) -> dict[str, str]:
    """Return the keys of a straight flaw, from its row of cells; those of a half-penny with its radius."""
    if not len(raw.cell_groups.get("flaw", ())):
        return {}
    cells = FlawCells(raw, raw.cell_groups["flaw"])
    length, angle = cells.extent
    return {
        "mesh.band_size": _length(cells.size),
        "defect.length": _length(length),
        "defect.inclination": f"{angle:.3g} deg",
    }


def _length(value: float) -> str:
    """Written with six digits, so that rounding of coordinates in a file is not shown."""
    return u.LENGTH.internal(float(f"{value:.6g}")).text


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}
