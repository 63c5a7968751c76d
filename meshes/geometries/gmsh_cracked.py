"""Draws a whole body with strips of cells for cracks, and pores."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
from lifrac.errors import InputError
from lifrac.meshes.serial_mesh import CELL_GROUP, CELL_GROUPS, FACET_GROUPS

from .cracked import CrackedSlab, Pore, mouth_extensions, slab_size_expression
from .gmsh_strip import one_row
from .polylines import Floats, Polyline, lengths, strip
from .slabs import intervals

Entity = tuple[int, int]


def draw(model: Any, slab: CrackedSlab) -> None:
    """Draw the body into an empty model, name its groups and set its sizes."""
    occ = model.occ
    rectangle = occ.addRectangle(-slab.half_width, 0, 0, 2 * slab.half_width, slab.thickness)
    body: list[Entity] = [(2, rectangle)]
    discs = [(2, _disc(occ, slab, pore)) for pore in slab.pores]
    if discs:
        body, _ = occ.cut(body, discs)
    strips = [_trimmed(occ, corners, body) for crack in slab.cracks for corners in _corners(slab, crack)]
    if strips:
        _, origins = occ.fragment(body, strips)
        strips = [piece for pieces in origins[len(body) :] for piece in pieces]
    occ.synchronize()
    _name_groups(model, slab, strips)
    field = model.mesh.field.add("MathEval")
    model.mesh.field.setString(field, "F", slab_size_expression(slab))
    model.mesh.field.setAsBackgroundMesh(field)
    pieces = [piece for crack in slab.cracks for piece in pairwise(crack)]
    counts = [intervals(size, slab.band_size) for crack in slab.cracks for size in lengths(crack)]
    for (_, surface), piece, count in zip(strips, pieces, counts, strict=True):
        one_row(model, surface, piece, count)


def _corners(slab: CrackedSlab, crack: Polyline) -> Floats:
    """Corners of the strip of a crack, which goes on beyond what it ends on."""
    before, after = mouth_extensions(slab, crack)
    return strip(crack, slab.band_size, before, after)


def _disc(occ: Any, slab: CrackedSlab, pore: Pore) -> int:
    """Return the pore; the point where its outline closes lies in the widest gap between the cracks that end on it."""
    ends = [end for crack in slab.cracks for end in (crack[0], crack[-1]) if pore in slab.anchors((end, end))]
    angles = sorted(math.atan2(y - pore.y, x - pore.x) for x, y in ends) or [0.0]
    gaps = [(after - before, before) for before, after in pairwise([*angles, angles[0] + 2.0 * math.pi])]
    widest, start = max(gaps)
    seam = start + 0.5 * widest
    axis = [math.cos(seam), math.sin(seam), 0.0]
    return int(occ.addDisk(pore.x, pore.y, 0, pore.radius, pore.radius, zAxis=[0, 0, 1], xAxis=axis))


def _trimmed(occ: Any, corners: Floats, body: list[Entity]) -> Entity:
    """One quadrilateral of a strip, as far as it is in the body."""
    points = [occ.addPoint(x, y, 0) for x, y in corners]
    outline = occ.addWire([occ.addLine(a, b) for a, b in pairwise([*points, points[0]])])
    pieces, _ = occ.intersect([(2, occ.addPlaneSurface([outline]))], body, removeTool=False)
    return _only(pieces)


def _only(pieces: list[Entity]) -> Entity:
    """Return the one piece that a straight part of a strip must be."""
    if len(pieces) != 1:
        raise InputError(
            f"a straight part of a crack is cut into {len(pieces)} pieces by a pore or a face",
            key="cracks",
            remedy="Move the crack, or choose a smaller band_size",
        )
    return pieces[0]


def _name_groups(model: Any, slab: CrackedSlab, strips: list[Entity]) -> None:
    """Physical groups: strips, and the outer curves by position."""
    curves = model.getBoundary(model.getEntities(2), combined=True, oriented=False)
    groups: dict[str, list[int]] = {}
    for _, curve in curves:
        groups.setdefault(_group_of(slab, np.array(model.getBoundingBox(1, curve)).reshape(2, 3)), []).append(curve)
    for name, tags in groups.items():
        model.addPhysicalGroup(1, tags, FACET_GROUPS[name], name)
    model.addPhysicalGroup(2, [tag for _, tag in model.getEntities(2)], 1, CELL_GROUP)
    if strips:
        model.addPhysicalGroup(2, [tag for _, tag in strips], 1 + CELL_GROUPS["flaw"], "flaw")


def _group_of(slab: CrackedSlab, box: Floats) -> str:
    """Group of an outer curve, from its bounding box."""
    near = 1e-5 * min(slab.half_width, slab.thickness)
    for name, axis, position in (
        ("anode", 1, 0.0),
        ("counter", 1, slab.thickness),
        ("lateral", 0, -slab.half_width),
        ("lateral", 0, slab.half_width),
    ):
        if np.all(np.abs(box[:, axis] - position) < near):
            return name
    return "pore"
