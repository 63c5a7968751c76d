"""Everything that talks to gmsh: a silent, reproducible session, drawing a geometry, giving arrays."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from lifrac.meshes.serial_mesh import Ints, NamedCells

from . import gmsh_box, gmsh_cracked
from .cracked import CrackedSlab
from .drawable import Drawable
from .slabs import HalfPennyBlock, SlabEdgeFlaw

_SHAPES = {15: "vertex", 1: "line", 2: "triangle", 4: "tetra"}  # gmsh's element types in meshio's names

Geometry = SlabEdgeFlaw | HalfPennyBlock | CrackedSlab | Drawable
"""Every geometry that can be meshed."""

DRAWERS: dict[type, Callable[[Any, Any], None]] = {
    SlabEdgeFlaw: gmsh_box.draw,
    HalfPennyBlock: gmsh_box.draw,
    CrackedSlab: gmsh_cracked.draw,
}
"""Functions that draw each geometry into the current model, name its groups and set its sizes."""

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
    """Open a silent gmsh with fixed seed and one thread; yield the gmsh module and clean up after it.

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
    """Install the signal actions again that Python believes are there: gmsh resets them behind its back."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        handler = signal.getsignal(number)
        if handler is not None:
            signal.signal(number, handler)


def mesh_geometry(gmsh: Any, geometry: Geometry) -> None:
    """Draw and mesh a geometry in the current model, with its named groups."""
    if type(geometry) in DRAWERS:
        DRAWERS[type(geometry)](gmsh.model, geometry)
    else:
        geometry.draw(gmsh.model)  # type: ignore[union-attr]
    gmsh.model.mesh.generate(len(geometry.bounds))


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
