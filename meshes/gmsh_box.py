"""Draws the half models with a straight crack plane: a box whose crack plane is divided at the flaw."""

from typing import Any

import numpy as np
from lifrac.meshes.geometry import Geometry, break_points, intervals, size_expression
from lifrac.meshes.raw import CELL_GROUP, FACET_GROUPS

_FACES = (("crack_plane", "lateral"), ("anode", "counter"), ("side", "side"))
"""Groups of the faces of the box, lower and upper, for each axis."""


def draw(model: Any, geometry: Geometry) -> None:
    """Draw the body into an empty model, name its groups and set its sizes."""
    _draw_body(model, geometry)
    _name_groups(model, geometry.extent)
    _set_sizes(model, geometry)


def _draw_body(model: Any, geometry: Geometry) -> None:
    """Draw the body and divide its crack plane at the flaw front and at the ends of refined parts."""
    occ = model.occ
    if len(geometry.extent) == 2:
        body = (2, occ.addRectangle(0, 0, 0, *geometry.extent))
        marks = [(0, occ.addPoint(0, r, 0)) for r in break_points(geometry)]
    else:
        body = (3, occ.addBox(0, 0, 0, *geometry.extent))
        marks = [(2, _quarter_disc(occ, r)) for r in break_points(geometry)]
    occ.fragment([body], marks)
    occ.synchronize()


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
