"""Bodies whose electrodes are narrower than the electrolyte, made from meshes with whole faces."""

from pathlib import Path

import meshio
import numpy as np
from lifrac.meshes.builder import build
from lifrac.meshes.gather_mesh import gather
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.serial_mesh import CELL_GROUP, SIMPLICES, NamedCells, RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.meshes.validate import validated
from mpi4py import MPI

SLAB = SlabEdgeFlaw(thickness=40, half_width=40, flaw_length=10, crack_size=1, far_size=4, growth=0.2)
BLOCK = HalfPennyBlock(thickness=24, half_width=24, breadth=24, flaw_length=8, crack_size=2.7, far_size=6, growth=0.4)


def named(raw: RawMesh, **upto: float) -> NamedCells:
    """A mesh as a user's file has it, whose `anode` or `counter` reaches to about a given |x| [um] only; the rest of
    the face is in `lateral`."""
    facets = dict(raw.groups)
    for name, end in upto.items():
        kept = np.abs(raw.points[facets[name], 0]).max(axis=1) <= end
        facets["lateral"] = np.concatenate([facets["lateral"], facets[name][~kept]])
        facets[name] = facets[name][kept]
    count = np.cumsum([0, *map(len, facets.values())])
    rows = {name: np.arange(a, b) for name, a, b in zip(facets, count[:-1], count[1:], strict=True)}
    side, body = SIMPLICES[raw.dim - 1], SIMPLICES[raw.dim]
    points = np.pad(raw.points, ((0, 0), (0, 3 - raw.dim)))
    cells = {side: np.concatenate([*facets.values()]), body: raw.cells}
    groups = {name: {side: numbers} for name, numbers in rows.items()}
    groups |= {name: {body: numbers} for name, numbers in raw.cell_groups.items()}
    return NamedCells(points, cells, groups | {CELL_GROUP: {body: np.arange(len(raw.cells))}})


def narrowed(raw: RawMesh, **upto: float) -> RawMesh:
    """The same as the solver takes it."""
    return validated(named(raw, **upto), raw.dim)


def write(path: Path, geometry: SlabEdgeFlaw | HalfPennyBlock = SLAB, **upto: float) -> None:
    """Such a file [um]."""
    whole = gather(build(geometry, MPI.COMM_SELF))
    assert whole is not None
    mesh = named(whole, **upto)
    shapes = list(mesh.cells)
    sets = {name: [rows.get(shape, np.empty(0, dtype=int)) for shape in shapes] for name, rows in mesh.groups.items()}
    meshio.Mesh(mesh.points, [(shape, mesh.cells[shape]) for shape in shapes], cell_sets=sets).write(path)


def body(comm: MPI.Comm, geometry: SlabEdgeFlaw | HalfPennyBlock | TaggedMesh = SLAB, **upto: float) -> TaggedMesh:
    """Such a mesh, distributed (collective)."""
    whole = gather(geometry if isinstance(geometry, TaggedMesh) else build(geometry, comm))
    return distribute(comm, None if whole is None else narrowed(whole, **upto))
