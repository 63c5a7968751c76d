"""Bulk fields recovered from a surface state and gathered for output. Collective; arrays arrive on rank 0."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dolfinx import fem
from lifrac.parallel.collective import on_root
from lifrac.solver.model.cell import PlaneModel
from lifrac.solver.numerics.nodal import NodalMean
from lifrac.solver.output.gather_nodes import NodeGather
from lifrac.solver.output.vtkhdf import TemporalGrid
from lifrac.solver.physics.conduction import current_density
from lifrac.solver.physics.constants import AMPERE_PER_M2_PER_MA_PER_CM2
from lifrac.solver.physics.elasticity import stress_3d
from mpi4py import MPI
from numpy.typing import NDArray

from .bulk import Bulk
from .surface import ANODE, COUNTER, CRACK
from .unknowns import COUNTER_CURRENT, CURRENT, METAL, OPENING, POTENTIAL, PRESSURE, Floats

Ints = NDArray[np.int64]
REGIONS = ((CRACK, 1), (ANODE, 2), (COUNTER, 3))
BULK_ARRAYS = {"potential_V": 1, "current_density_mA_per_cm2": 3, "displacement_um": 3, "stress_MPa": 6}
SURFACE_ARRAYS = (
    "aperture_um",
    "metal_thickness_um",
    "lithium_pressure_MPa",
    "damage",
    "face_current_density_mA_per_cm2",
    "contact",
)


@dataclass(frozen=True)
class SurfaceSnapshot:
    """What rank 0 hands out to recover the bulk fields of a state."""

    time: float
    values: Floats
    """(n, 6)."""
    aperture: Floats
    """(n,) w0 + opening [um]."""
    damage: Floats
    contact: Floats
    """(n,) part of the electrode faces that touches; 0 off them."""


class FieldRecorder:
    """Recovers potential, current, displacement and stress of a state and appends them to `fields.vtkhdf`.

    Stress and current are constant in a cell; they are written as volume-weighted means at the nodes.
    """

    def __init__(self, bulk: Bulk, model: PlaneModel, path: Path, until: float | None = None) -> None:
        """`until`: a file that is there is continued, without what is stored after this time [s]."""
        self.bulk = bulk
        self.model = model
        self.comm = bulk.tagged.mesh.comm
        self._gdim = bulk.tagged.mesh.geometry.dim
        self._potential = fem.Function(bulk.potential_space)
        self._displacement = fem.Function(bulk.displacement_space)
        e, space = model.electrolyte, bulk.potential_space
        self._current = NodalMean(current_density(self._potential, e.conductivity), space)
        self._stress = NodalMean(stress_3d(self._displacement, e.youngs_modulus, e.poisson_ratio), space)
        self._gather = NodeGather(bulk.potential_space, self.comm)
        self._grid = on_root(
            self.comm,
            lambda: (
                self._open(path, self._gather.points, self._gather.cells)
                if until is None or not path.exists()
                else TemporalGrid.reopen(path, until=until)
            ),
        )

    def _open(self, path: Path, points: Floats | None, cells: Ints | None) -> TemporalGrid:
        assert points is not None
        assert cells is not None
        surface = self.bulk.surface
        shape = 5 if self._gdim == 2 else 10
        facets = [surface.cell_dofs(tag) + len(points) for tag, _ in REGIONS]
        region = np.concatenate(
            [np.zeros(len(cells)), *(np.full(len(f), r) for f, (_, r) in zip(facets, REGIONS, strict=True))]
        ).astype(np.int64)
        blocks = [(shape, cells)] + [(3 if self._gdim == 2 else 5, f) for f in facets]
        arrays = BULK_ARRAYS | dict.fromkeys(SURFACE_ARRAYS, 1)
        return TemporalGrid(path, np.vstack([points, surface.x]), blocks, region, arrays)

    def record(self, snapshot: SurfaceSnapshot) -> None:
        """Recover and append one state (collective; the same snapshot on every rank)."""
        v, e = snapshot.values, self.model.electrolyte
        self._potential.x.array[:] = self.bulk.recover_potential(v[:, POTENTIAL]).x.array
        opening = v[self.bulk.surface.crack, OPENING]
        stack = self.model.loads.stack_pressure
        self._displacement.x.array[:] = self.bulk.recover_displacement(opening, e.youngs_modulus, stack).x.array
        owned = self._gather.owned
        local = np.column_stack(
            [
                self._potential.x.array[:owned],
                self._current.now() / AMPERE_PER_M2_PER_MA_PER_CM2,
                self._displacement.x.array[: owned * self._gdim].reshape(owned, self._gdim),
                self._stress.now(),
            ]
        )
        rows = self._gather.rows(local)
        on_root(self.comm, lambda: self._append(rows, snapshot))

    def _append(self, rows: Floats | None, snapshot: SurfaceSnapshot) -> None:
        assert rows is not None
        assert self._grid is not None
        self._grid.append(snapshot.time, self._arrays(rows, snapshot))

    def _arrays(self, bulk: Floats, snapshot: SurfaceSnapshot) -> dict[str, Floats]:
        """All point arrays on all points: bulk values first, then surface values, zero where a field does not live."""
        n, d = snapshot.values.shape[0], self._gdim
        columns = np.split(bulk, np.cumsum([1, d, d]), axis=1)
        out = {}
        for (name, components), column in zip(BULK_ARRAYS.items(), columns, strict=True):
            full = np.zeros((len(bulk) + n, components))
            full[: len(bulk), : column.shape[1]] = column
            out[name] = full if components > 1 else full[:, 0]
        v = snapshot.values
        face = (v[:, CURRENT] - v[:, COUNTER_CURRENT]) / AMPERE_PER_M2_PER_MA_PER_CM2  # positive plates
        surface = (snapshot.aperture, v[:, METAL], v[:, PRESSURE], snapshot.damage, face, snapshot.contact)
        for name, values in zip(SURFACE_ARRAYS, surface, strict=True):
            out[name] = np.concatenate([np.zeros(len(bulk)), values])
        return out


def share(comm: MPI.Comm, snapshot: SurfaceSnapshot | None) -> SurfaceSnapshot | None:
    """Hand a snapshot from rank 0 to all ranks; None tells them that there are no more."""
    shared: SurfaceSnapshot | None = comm.bcast(snapshot, root=0)
    return shared
