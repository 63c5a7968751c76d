"""Electrodes narrower than the electrolyte in a user's mesh: what is bare, and mouths that no lithium reaches."""

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes.builder import build
from lifrac.meshes.gather_mesh import gather
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.serial_mesh import RawMesh
from mpi4py import MPI
from support.narrow_electrodes import BLOCK, SLAB, narrowed


@pytest.mark.parametrize("geometry", [SLAB, BLOCK])
def test_the_rest_of_the_faces_is_bare(geometry: SlabEdgeFlaw | HalfPennyBlock) -> None:
    whole = gather(build(geometry, MPI.COMM_SELF))
    assert whole is not None
    raw = narrowed(whole, anode=20.0, counter=12.0)
    assert len(raw.groups["lateral"]) == len(whole.groups["lateral"])
    assert (raw.points[raw.groups["lateral"], 0] == geometry.half_width).all()
    y = raw.points[raw.groups["bare"], 1]
    assert set(np.unique(y.round(9))) == {0.0, geometry.thickness}
    faces = sum(len(raw.groups[name]) for name in ("anode", "counter", "bare"))
    assert faces == sum(len(whole.groups[name]) for name in ("anode", "counter"))
    assert set(narrowed(whole).groups) == set(whole.groups)


def beside(raw: RawMesh, start: float) -> RawMesh:
    """With an anode that begins at some x [um]."""
    x = raw.points[raw.groups["anode"], 0].min(axis=1)
    anode, rest = raw.groups["anode"][x >= start], raw.groups["anode"][x < start]
    groups = raw.groups | {"anode": anode, "lateral": np.concatenate([raw.groups["lateral"], rest])}
    return narrowed(RawMesh(raw.points, raw.cells, groups, raw.cell_groups))


@pytest.mark.parametrize("geometry", [SLAB, BLOCK])
def test_a_mouth_beside_the_anode_is_refused(geometry: SlabEdgeFlaw | HalfPennyBlock) -> None:
    whole = gather(build(geometry, MPI.COMM_SELF))
    assert whole is not None
    with pytest.raises(InputError, match=r"group = 'crack_plane': opens beside the anode.*Let the anode reach"):
        beside(whole, 5.0)


def test_a_flaw_beside_the_anode_is_refused() -> None:
    """Rows of broken cells without a crack plane."""
    whole = gather(build(SLAB, MPI.COMM_SELF))
    assert whole is not None
    middle = whole.points[whole.cells].mean(axis=1)
    flaw = np.flatnonzero((middle[:, 0] < 1.0) & (middle[:, 1] < 10.0))
    groups = dict(whole.groups)
    groups["lateral"] = np.concatenate([groups["lateral"], groups.pop("crack_plane")])
    with pytest.raises(InputError, match="group = 'flaw': opens beside the anode"):
        beside(RawMesh(whole.points, whole.cells, groups, {"flaw": flaw}), 5.0)
