"""Everything that talks to gmsh: a silent, reproducible session, drawing a geometry, giving arrays."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from lifrac.meshes.geometry import Geometry, break_points, intervals, size_expression
from lifrac.meshes.raw import CELL_GROUP, FACET_GROUPS, RawMesh

_SIMPLEX = {1: 1, 2: 2, 3: 4}  # gmsh's element types: line, triangle, tetrahedron

_FACES = (("crack_plane", "lateral"), ("anode", "counter"), ("side", "side"))
"""Groups of the faces of the box, lower and upper, for each axis."""

_OPTIONS = {
    "General.Terminal": 0,
    "General.NumThreads": 1,
    "Mesh.RandomSeed": 1,
    "Mesh.MeshSizeExtendFromBoundary": 0,
    "Mesh.MeshSizeFromPoints": 0,
    "Mesh.MeshSizeFromCurvature": 0,
    "Mesh.Algorithm": 6,  # frontal Delaunay: the best triangles
    "Mesh.Algorithm3D": 1,  # Delaunay: reproducible, robust
    "Mesh.ElementOrder": 1,
    "Mesh.MshFileVersion": 4.1,
}


@contextmanager
def session() -> Iterator[Any]:
    """A silent gmsh with fixed seed and one thread; yields the gmsh module and cleans up after itself.

    gmsh is imported here so that only the rank that meshes needs it and the graphics libraries it links to.

    Raises
    ------
    RuntimeError
        If gmsh cannot be loaded.
    """
    try:
        import gmsh
    except (ImportError, OSError) as error:
        raise RuntimeError(
            f"gmsh cannot be loaded ({error}). On a bare Linux install the graphics libraries it links to "
            "(Debian: libgl1 libglu1-mesa libxrender1 libxcursor1 libxft2 libxinerama1)"
        ) from error
    if gmsh.isInitialized():
        raise RuntimeError("gmsh is in use elsewhere in this process. Call gmsh.finalize() before meshing")
    gmsh.initialize([], readConfigFiles=False, interruptible=False)
    try:
        for name, value in _OPTIONS.items():
            gmsh.option.setNumber(name, value)
        gmsh.model.add("lifrac")
        yield gmsh
    finally:
        gmsh.finalize()


def mesh_geometry(gmsh: Any, geometry: Geometry) -> None:
    """Draw and mesh a geometry in the current model, with its named groups."""
    _draw(gmsh.model, geometry)
    _name_groups(gmsh.model, geometry.extent)
    _set_sizes(gmsh.model, geometry)
    gmsh.model.mesh.generate(len(geometry.extent))


def to_raw(gmsh: Any, dim: int) -> RawMesh:
    """Take the mesh of the current model out as arrays, unused nodes left behind."""
    mesh = gmsh.model.mesh
    tags, coordinates, _ = mesh.getNodes()
    _, cells = mesh.getElementsByType(_SIMPLEX[dim])
    cells = np.asarray(cells, dtype=np.int64).reshape(-1, dim + 1)
    used = np.unique(cells)
    number = np.full(int(tags.max()) + 1, -1, dtype=np.int64)
    number[used] = np.arange(used.size)
    row = np.empty_like(number)
    row[tags.astype(np.int64)] = np.arange(tags.size)
    points = coordinates.reshape(-1, 3)[row[used]][:, :dim].copy()
    groups = {
        gmsh.model.getPhysicalName(dim - 1, tag): number[_facets_of_group(gmsh, dim - 1, tag)]
        for _, tag in gmsh.model.getPhysicalGroups(dim - 1)
    }
    return RawMesh(points, number[cells], groups)


def _facets_of_group(gmsh: Any, dim: int, tag: int) -> npt.NDArray[np.int64]:
    """Node tags of the facets in a physical group, shape (k, dim + 1)."""
    nodes = [
        gmsh.model.mesh.getElementsByType(_SIMPLEX[dim], entity)[1]
        for entity in gmsh.model.getEntitiesForPhysicalGroup(dim, tag)
    ]
    return np.concatenate(nodes).astype(np.int64).reshape(-1, dim + 1)


def _draw(model: Any, geometry: Geometry) -> None:
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
    if len(geometry.extent) == 3 or geometry.refine:
        return
    for curve in model.getEntitiesForPhysicalGroup(1, FACET_GROUPS["crack_plane"]):
        ends = [model.getValue(0, tag, [])[1] for _, tag in model.getBoundary([(1, curve)], oriented=False)]
        model.mesh.setTransfiniteCurve(curve, intervals(abs(ends[1] - ends[0]), geometry.crack_size) + 1)
