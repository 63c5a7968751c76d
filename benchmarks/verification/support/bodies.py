"""Small problems that checks share: a condensed body, cracks opened by given loads, a plain cell model."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import Geometry, SlabEdgeFlaw
from lifrac.solver.model.cell_model import CohesiveModel, PlaneModel
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import Cohesion
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.plane.body import PlaneBody, condense
from lifrac.solver.plane.bulk import Floats, Response
from lifrac.solver.plane.surface import CRACK, SurfaceMesh
from mpi4py import MPI

POISSON_RATIO = 0.26
ELECTROLYTE = Electrolyte(conductivity=5.0e4, youngs_modulus=150.0e3, poisson_ratio=POISSON_RATIO, fracture_energy=6.0)
"""Numbers like those of LLZO; exact solutions scale with them."""
FACE = Kinetics(exchange_current=51.0, temperature=298.15)
"""Li | electrolyte face of 5.1 mA/cm2 exchange current density."""


@dataclass(frozen=True)
class Body:
    """A meshed body with its crack, condensed (unit kappa and E)."""

    plane: PlaneBody

    @property
    def surface(self) -> SurfaceMesh:
        """The crack plane and the electrode faces."""
        return self.plane.surface

    @property
    def response(self) -> Response:
        """The condensed bulk."""
        return self.plane.response

    @property
    def nodes(self) -> int:
        """Nodes of the bulk."""
        return int(self.plane.tagged.report.nodes)

    @cached_property
    def y(self) -> Floats:
        """Distance from the mouth of the crack dofs [um]."""
        return np.asarray(self.surface.x[self.surface.crack, 1])

    @cached_property
    def area(self) -> Floats:
        """Lumped crack area of the crack dofs [um]."""
        return self.surface.lumped_area(CRACK)[self.surface.crack]

    def lumped_length(self, end: float) -> Floats:
        """Crack length between the mouth and the node at `end` that belongs to each crack dof [um] (2D)."""
        cells = self.surface.cell_dofs(CRACK)
        y = self.surface.x[cells, 1]
        length = np.where(y.max(axis=1) <= end * (1 + 1e-9), np.ptp(y, axis=1), 0.0)
        return np.bincount(cells.ravel(), np.repeat(0.5 * length, 2), self.surface.size)[self.surface.crack]

    def neighbours(self, y: float) -> tuple[float, float]:
        """Crack-plane nodes before and after the node at `y` [um]."""
        ordered = np.sort(self.y)
        at = int(np.argmin(np.abs(ordered - y)))
        return float(ordered[at - 1]), float(ordered[at + 1])


@cache
def body(geometry: Geometry, symmetric_anode: bool = False) -> Body:
    """Mesh and condense on this rank; the same body is condensed once per process."""
    return Body(condense(build(geometry, MPI.COMM_SELF), POISSON_RATIO, symmetric_anode=symmetric_anode))


def large_body(crack: float, cells: float, size: float) -> SlabEdgeFlaw:
    """Return a body of `size` crack lengths with `cells` elements per crack length, and 8 times finer at the tip."""
    h = crack / cells
    near = tuple((crack * (1 - r), crack * (1 + r), h * r / 0.4) for r in (0.05, 0.1, 0.2))
    return SlabEdgeFlaw(
        thickness=size * crack,
        half_width=size * crack,
        flaw_length=crack,
        crack_size=h,
        far_size=0.1 * size * crack,
        growth=2.0 / cells,
        refine=near,
        path_growth=1.0 / cells,
    )


@dataclass(frozen=True)
class Opened:
    """A crack opened by a pressure, per p/E' = 1."""

    opening: Floats
    """Both faces, per crack dof [um]."""
    volume: float
    """int w ds [um2]."""
    load_volume: float
    """int w ds over the loaded part: twice the energy released [um2]."""


def open_crack(b: Body, length: float, loaded: float = np.inf) -> Opened:
    """Open the crack 0 < y < length by a unit p/E' on 0 < y < loaded; the material ahead holds."""
    is_open = b.y < length * (1 - 1e-9)
    load = b.lumped_length(loaded)
    modulus = 1.0 / (1.0 - POISSON_RATIO**2)
    w = np.zeros(len(b.y))
    stiffness = b.response.stiffness[np.ix_(is_open, is_open)]
    w[is_open] = 2.0 * modulus * np.linalg.solve(stiffness, load[is_open])
    return Opened(w, float(b.area @ w), float(load @ w))


def intensity(b: Body, length: float, loaded: float = np.inf) -> float:
    """K/(p sqrt(pi a)) of that crack from the energy released between the nodes before and after its tip.

    G = K^2/E' = d(p V_loaded/2)/da, with V_loaded the volume swept by the load.
    """
    before, after = b.neighbours(length)
    released = 0.5 * (open_crack(b, after, loaded).load_volume - open_crack(b, before, loaded).load_volume)
    return float(np.sqrt(released / (after - before) / (np.pi * length)))


def cell_model(
    flaw: Flaw,
    electrolyte: Electrolyte = ELECTROLYTE,
    creep: Creep | None = None,
    stack_pressure: float = 0.0,
    cohesion: Cohesion | None = None,
    protocol: tuple[ProtocolStep, ...] = (),
    face: Kinetics = FACE,
) -> PlaneModel:
    """Return a symmetric Li | electrolyte | Li cell with a flaw; for the cohesive engine if a cohesion is given."""
    model = PlaneModel(
        electrolyte=electrolyte,
        anode=face,
        counter=face,
        creep=creep or Creep(7.7e-3, 6.56),
        flaw=flaw,
        loads=Loads(stack_pressure, lateral="free"),
        protocol=protocol,
    )
    return model if cohesion is None else CohesiveModel(**vars(model), cohesion=cohesion)
