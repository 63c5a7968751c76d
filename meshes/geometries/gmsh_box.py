"""Draws the half models with a straight crack plane: a box whose crack plane is divided at the flaw."""

from typing import Any

import numpy as np
from lifrac.meshes.serial_mesh import CELL_GROUP, CELL_GROUPS, FACET_GROUPS

from .gmsh_strip import one_row
from .slabs import Geometry, break_points, intervals, size_expression

_FACES = (("crack_plane", "lateral"), ("anode", "counter"), ("side", "side"))
"""Groups of the faces of the box, lower and upper, for each axis."""


def draw(model: Any, geometry: Geometry) -> None:
    """Draw the body into an empty model, name its groups and set its sizes."""
    row = _draw_body(model, geometry)
    _name_groups(model, geometry.extent)
    _set_sizes(model, geometry)
    if row is not None:
        model.addPhysicalGroup(row[0], [row[1]], 1 + CELL_GROUPS["flaw"], "flaw")
        _ROWS[row[0]](model, row[1], geometry)


def _one_row(model: Any, surface: int, geometry: Geometry) -> None:
    """Make the flaw one row of cells in 2D, a strip beside the crack plane."""
    width = geometry.crack_size
    count = intervals(geometry.flaw_length, width)
    one_row(model, surface, ((0.5 * width, 0.0), (0.5 * width, geometry.flaw_length)), count)


def _one_layer(model: Any, volume: int, geometry: Geometry) -> None:
    """Make the flaw one layer of cells in 3D.

    Its flat faces have the same nodes, so that cells between them are well shaped, and its thin sides none between; a
    few nodes in a hundred may still lie inside.
    """
    width = geometry.crack_size
    sides = [side for _, side in model.getBoundary([(3, volume)], oriented=False)]
    flat = [side for side in sides if _thickness(model, 2, side) < 0.5 * width]
    for side in set(sides) - set(flat):
        for _, curve in model.getBoundary([(2, side)], oriented=False):
            across = _thickness(model, 1, curve) > 0.5 * width
            count = 1 if across else intervals(model.occ.getMass(1, curve), width)
            model.mesh.setTransfiniteCurve(curve, count + 1)
        model.mesh.setTransfiniteSurface(side, "AlternateLeft")
    outer, inner = sorted(flat, key=lambda side: float(model.getBoundingBox(2, side)[0]))
    shift = np.eye(4)
    shift[0, 3] = width
    model.mesh.setPeriodic(2, [inner], [outer], shift.ravel().tolist())


def _thickness(model: Any, dim: int, tag: int) -> float:
    """Extent of an entity along x [um]."""
    box = model.getBoundingBox(dim, tag)
    return float(box[3] - box[0])


_ROWS = {2: _one_row, 3: _one_layer}
"""Functions that make the flaw one row of cells, by dimension."""


def _draw_body(model: Any, geometry: Geometry) -> tuple[int, int] | None:
    """Draw the body and divide its crack plane at the flaw front and at the ends of refined parts.

    Gives the part that is the row of cells beside the flaw, if that is wanted.
    """
    occ = model.occ
    width, length = geometry.crack_size, geometry.flaw_length
    if len(geometry.extent) == 2:
        body = (2, occ.addRectangle(0, 0, 0, *geometry.extent))
        parts = [(0, occ.addPoint(0, r, 0)) for r in break_points(geometry)]
        if geometry.flaw_row:
            parts.append((2, occ.addRectangle(0, 0, 0, width, length)))
    else:
        body = (3, occ.addBox(0, 0, 0, *geometry.extent))
        parts = [(2, _quarter_disc(occ, r)) for r in break_points(geometry)]
        if geometry.flaw_row:
            layer = occ.extrude([(2, _quarter_disc(occ, length))], width, 0, 0)
            parts.append(next(entity for entity in layer if entity[0] == 3))
    _, origins = occ.fragment([body], parts)
    occ.synchronize()
    return origins[-1][0] if geometry.flaw_row else None


def _quarter_disc(occ: Any, radius: float) -> int:
    """Quarter disc y, z >= 0 of the plane x = 0 about the mouth; gives its tag."""
    centre = occ.addPoint(0, 0, 0)
    on_y = occ.addPoint(0, radius, 0)
    on_z = occ.addPoint(0, 0, radius)
    outline = [
        occ.addLine(centre, on_y),
        occ.addCircleArc(on_y, centre, on_z),
        occ.addLine(on_z, centre),
    ]
    return int(occ.addPlaneSurface([occ.addWire(outline)]))


def _name_groups(model: Any, extent: tuple[float, ...]) -> None:
    """Physical groups by position: each boundary entity lies in one face of the box."""
    dim = len(extent)
    tolerance = 1e-5 * min(extent)
    faces: dict[str, list[int]] = {}
    for _, tag in model.getEntities(dim - 1):
        box = np.array(model.getBoundingBox(dim - 1, tag)).reshape(2, 3)
        for axis, length in enumerate(extent):
            for position, name in zip((0.0, length), _FACES[axis], strict=True):
                if np.all(np.abs(box[:, axis] - position) < tolerance):
                    faces.setdefault(name, []).append(tag)
    for name, tags in faces.items():
        model.addPhysicalGroup(dim - 1, tags, FACET_GROUPS[name], name)
    bodies = [tag for _, tag in model.getEntities(dim)]
    model.addPhysicalGroup(dim, bodies, 1, CELL_GROUP)


def _set_sizes(model: Any, geometry: Geometry) -> None:
    """Sizing field, and in 2D equally spaced nodes on the crack plane unless it is refined in parts."""
    field = model.mesh.field.add("MathEval")
    model.mesh.field.setString(field, "F", size_expression(geometry))
    model.mesh.field.setAsBackgroundMesh(field)
    if len(geometry.extent) == 3 or geometry.refine or geometry.path_growth:
        return
    for curve in model.getEntitiesForPhysicalGroup(1, FACET_GROUPS["crack_plane"]):
        ends = [model.getValue(0, tag, [])[1] for _, tag in model.getBoundary([(1, curve)], oriented=False)]
        model.mesh.setTransfiniteCurve(curve, intervals(abs(ends[1] - ends[0]), geometry.crack_size) + 1)
