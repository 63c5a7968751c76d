"""Groups of cells and facets of a body with cracks and a pore: the same on every number of ranks."""

import numpy as np
import pytest
import ufl
from lifrac.errors import InputError
from lifrac.meshes.builder import build
from lifrac.meshes.geometries import gmsh_model
from lifrac.meshes.geometries.cracked import CrackedSlab, Pore
from lifrac.meshes.geometries.gmsh_model import Geometry
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.plane.surface import gather_surface
from mpi4py import MPI
from support.mpi import alone

from dolfinx import fem  # isort: skip

COMM = MPI.COMM_WORLD
SLAB = CrackedSlab(
    30.0, 25.0, 0.5, 5.0, cracks=(((3.0, 6.0), (6.0, 0.0)), ((-9.0, 0.0), (-9.0, 7.0))), pores=(Pore(0.0, 10.0, 5.0),)
)
HALF = SlabEdgeFlaw(30.0, 25.0, 8.0, 0.5, 5.0, growth=0.3, corridor=2.0, flaw_row=True)
BLOCK = HalfPennyBlock(20.0, 20.0, 20.0, 8.0, 1.0, 5.0, growth=0.4, corridor=2.0, path_growth=0.4, flaw_row=True)


def measures(tagged: TaggedMesh) -> dict[str, float]:
    """Number of facets, and length or area, of each group, and first moments of the flaw, over all ranks."""
    mesh = tagged.mesh
    one, x = fem.Constant(mesh, 1.0), ufl.SpatialCoordinate(mesh)
    ds = ufl.Measure("ds", mesh, subdomain_data=tagged.facet_tags)
    dx = ufl.Measure("dx", mesh, subdomain_data=tagged.cell_tags)
    forms = {name: one * ds(tag) for name, tag in tagged.groups.items()}
    forms |= {name: one * dx(tag) for name, tag in tagged.cell_groups.items()}
    forms |= {"moment x": x[0] * dx(1), "moment y": x[1] * dx(1), "body": one * ufl.dx(mesh)}
    owned = mesh.topology.index_map(mesh.topology.dim - 1).size_local
    found = {f"facets of {name}": float((tagged.facets(name) < owned).sum()) for name in tagged.groups}
    found |= {name: fem.assemble_scalar(fem.form(form)) for name, form in forms.items()}
    return {name: mesh.comm.allreduce(value) for name, value in found.items()}


def told(geometry: Geometry, comm: MPI.Comm) -> tuple[object, ...]:
    """Groups, report and measures of a mesh."""
    tagged = build(geometry, comm)
    assert set(comm.allgather(tagged.report.as_text())) == {tagged.report.as_text()}
    return tagged.groups, tagged.cell_groups, tagged.report, measures(tagged)


@pytest.mark.parametrize("geometry", [SLAB, HALF, BLOCK], ids=["whole", "half", "3D"])
def test_groups_do_not_depend_on_the_partition(geometry: Geometry) -> None:
    together, one_rank = told(geometry, COMM), alone(COMM, lambda comm: told(geometry, comm))
    assert together[:-1] == one_rank[:-1]
    assert together[-1] == pytest.approx(one_rank[-1], rel=1e-12)


def corners(tagged: TaggedMesh, cells: np.ndarray) -> set[frozenset[tuple[float, ...]]]:
    """Cells by the positions of their corners."""
    points = np.round(tagged.mesh.geometry.x[tagged.mesh.geometry.dofmaps[0][cells]], 9)
    return {frozenset(map(tuple, cell)) for cell in points.tolist()}


def test_flaw_cells_are_tagged_on_ghosts_too() -> None:
    """Each rank knows of every cell it holds, its own or a ghost, whether it is in the flaw."""

    def flaw_of(comm: MPI.Comm) -> set[frozenset[tuple[float, ...]]]:
        body = build(SLAB, comm)
        return corners(body, body.cells("flaw"))

    tagged, flaw = build(SLAB, COMM), alone(COMM, flaw_of)
    cells = tagged.mesh.topology.index_map(2)
    held = corners(tagged, np.arange(cells.size_local + cells.num_ghosts))
    assert corners(tagged, tagged.cells("flaw")) == held & flaw
    owned = tagged.cells("flaw") < cells.size_local
    assert COMM.allreduce(int(owned.sum())) == len(flaw) == tagged.report.flaw_cells


def test_failure_of_the_mesher_is_raised_on_every_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Exception("no mesh today")

    monkeypatch.setattr(gmsh_model, "mesh_geometry", fail)
    with pytest.raises(RuntimeError, match="no mesh today"):
        build(HALF, COMM)


def test_refusals_on_every_rank() -> None:
    with pytest.raises(InputError, match="no crack_plane"):
        gather_surface(build(SLAB, COMM))
