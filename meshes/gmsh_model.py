"""Everything that talks to gmsh: a silent, reproducible session, drawing a geometry, giving arrays."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from lifrac.meshes.geometry import Geometry, break_points, intervals, size_expression
from lifrac.meshes.raw import CELL_GROUP, FACET_GROUPS, Ints, NamedCells

_SHAPES = {15: "vertex", 1: "line", 2: "triangle", 4: "tetra"}  # gmsh's element types in meshio's names

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
        _restore_signals()


def _restore_signals() -> None:
    """gmsh resets signal actions behind Python's back: install again what Python believes is there."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        handler = signal.getsignal(number)
        if handler is not None:
            signal.signal(number, handler)


def mesh_geometry(gmsh: Any, geometry: Geometry) -> None:
    """Draw and mesh a geometry in the current model, with its named groups."""
    _draw(gmsh.model, geometry)
    _name_groups(gmsh.model, geometry.extent)
    _set_sizes(gmsh.model, geometry)
    gmsh.model.mesh.generate(len(geometry.extent))


def to_named(gmsh: Any) -> NamedCells:
    """Take the mesh of the current model out as arrays, with its physical groups of cells and facets."""
    mesh = gmsh.model.mesh
    tags, coordinates, _ = mesh.getNodes()
    row = np.zeros(int(tags.max(initial=0)) + 1, dtype=np.int64)
    row[tags.astype(np.int64)] = np.arange(tags.size)
    cells: dict[str, Ints] = {}
    order: dict[str, Ints] = {}
    for kind in mesh.getElementTypes():
        shape, _, _, nodes_per_element, _, _ = mesh.getElementProperties(kind)
        shape = _SHAPES.get(kind, shape)
        order[shape], nodes = (np.asarray(a, dtype=np.int64) for a in mesh.getElementsByType(kind))
        cells[shape] = row[nodes].reshape(-1, nodes_per_element)
    groups: dict[str, dict[str, Ints]] = {}
    for dim, tag in gmsh.model.getPhysicalGroups():
        name = gmsh.model.getPhysicalName(dim, tag) or str(tag)
        for shape, elements in _elements_of_group(gmsh, dim, tag).items():
            sorter = np.argsort(order[shape])
            found = sorter[np.searchsorted(order[shape], elements, sorter=sorter)]
            rows = groups.setdefault(name, {})
            rows[shape] = np.concatenate([rows.get(shape, np.empty(0, dtype=np.int64)), found])
    return NamedCells(coordinates.reshape(-1, 3), cells, groups)


def _elements_of_group(gmsh: Any, dim: int, tag: int) -> dict[str, Ints]:
    """Element tags in a physical group, by shape."""
    found: dict[str, list[Ints]] = {}
    for entity in gmsh.model.getEntitiesForPhysicalGroup(dim, tag):
        kinds, elements, _ = gmsh.model.mesh.getElements(dim, entity)
        for kind, part in zip(kinds, elements, strict=True):
            shape = _SHAPES.get(kind, gmsh.model.mesh.getElementProperties(kind)[0])
            found.setdefault(shape, []).append(np.asarray(part, dtype=np.int64))
    return {shape: np.concatenate(parts) for shape, parts in found.items()}


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
    if len(geometry.extent) == 3 or geometry.refine or geometry.path_growth:
        return
    for curve in model.getEntitiesForPhysicalGroup(1, FACET_GROUPS["crack_plane"]):
        ends = [model.getValue(0, tag, [])[1] for _, tag in model.getBoundary([(1, curve)], oriented=False)]
        model.mesh.setTransfiniteCurve(curve, intervals(abs(ends[1] - ends[0]), geometry.crack_size) + 1)
