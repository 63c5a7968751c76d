"""The electrolyte of the plane engine: its mesh, its surface, and its condensed response."""

from dataclasses import dataclass

from lifrac.errors import NumericalFailure
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.meeting import meeting_of, shared
from lifrac.parallel.ufl_counts import level
from lifrac.solver.model.loads import Loads
from lifrac.solver.numerics.presets import Preset

from .bulk import Bulk, Response
from .surface import SurfaceMesh, gather_surface


@dataclass(frozen=True)
class PlaneBody:
    """A meshed electrolyte with its flaw, condensed onto its surface.

    Temperature, pressure, current and protocol of a cell reuse one body: only Poisson's ratio and what holds the sides
    enter it.
    """

    surface: SurfaceMesh
    bulk: Bulk
    response: Response

    @property
    def tagged(self) -> TaggedMesh:
        """The mesh, distributed."""
        return self.bulk.tagged

    @property
    def dofs(self) -> int:
        """Unknowns of the bulk."""
        return self.bulk.dofs


def condense(
    tagged: TaggedMesh,
    poisson_ratio: float,
    loads: Loads | None = None,
    preset: Preset = "direct",
    *,
    surface: SurfaceMesh | None = None,
    symmetric_anode: bool = False,
) -> PlaneBody:
    """Condense a mesh (collective on its communicator).

    Parameters
    ----------
    tagged : TaggedMesh
        With the facet groups `crack_plane`, `anode`, `counter` and `lateral`.
    poisson_ratio : float
    loads : Loads, optional
        What holds the sides; default: nothing.
    preset : {"direct", "multigrid"}
        Linear solver.
    surface : SurfaceMesh, optional
        The mesh's surface if it has been gathered before.
    symmetric_anode : bool
        Hold the anode face in its plane, as the middle of a body twice as thick (verification).

    Raises
    ------
    InputError
        If the mesh has no crack plane.
    NumericalFailure
        On every rank alike, if the linear solver fails.
    """
    level(tagged.mesh.comm)  # ranks may have stepped cells of their own
    surface = surface or gather_surface(tagged)
    bulk = Bulk(tagged, surface, poisson_ratio, loads or Loads(lateral="free"), preset, symmetric_anode=symmetric_anode)
    try:
        return PlaneBody(surface, bulk, bulk.response())
    except NumericalFailure as error:
        shared(meeting_of(tagged.mesh.comm), error)
        raise
