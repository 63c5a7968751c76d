"""The one way to build a cell: the type of a model names its engine."""

from collections.abc import Sequence

from lifrac.errors import InputError
from lifrac.meshes.tagged import TaggedMesh
from lifrac.quantities import Quantity
from mpi4py import MPI

from .cell import Cell
from .cohesive.system import BulkSystem
from .model.cell_model import CellModel, CohesiveModel, PhaseFieldModel, PlaneModel
from .numerics.presets import Preset
from .physics.kinetics import FaceKinetics
from .plane.body import PlaneBody, condense
from .plane.plane_cell import PlaneCell
from .protocol.restart import RestartData

Domain = TaggedMesh | PlaneBody
"""The ground a cell is built on: a mesh or, for the plane engine, an electrolyte that has been condensed before."""


def build_cell(
    model: CellModel,
    domain: Domain,
    *,
    comm: MPI.Comm | None = None,
    restart: RestartData | None = None,
    bulk_solver: Preset = "direct",
    crack_kinetics: FaceKinetics | None = None,
    system: BulkSystem | None = None,
    quantities: Sequence[Quantity] = (),
) -> Cell:
    """Build the cell of a model on a mesh (collective).

    Parameters
    ----------
    model : PlaneModel, CohesiveModel or PhaseFieldModel
        Its type chooses the engine.
    domain : TaggedMesh or PlaneBody
    comm : MPI.Comm, optional
        Plane engines: the ranks that compute the cell; default: those of the mesh.
    restart : RestartData, optional
        Where to go on; default: the cell as assembled.
    bulk_solver : {"direct", "multigrid"}
        Linear solver of the bulk of a plane crack.
    crack_kinetics, system : optional
        What verification puts in the place of the model's charge transfer and, in the cohesive engine, of the
        condensed bulk.
    quantities : sequence of Quantity
        What is measured and stored of this cell, besides what is registered; each with its function.

    Raises
    ------
    InputError
        If the model has no engine, or its engine cannot use the mesh.
    NumericalFailure
        If the start cannot be computed. On every rank alike.
    """
    _check(model, domain, system)
    if isinstance(model, PlaneModel):
        body = domain
        if isinstance(body, TaggedMesh):
            body = condense(body, model.electrolyte.poisson_ratio, model.loads, bulk_solver)
        return PlaneCell(
            body,
            model,
            comm,
            restart=restart,
            crack_kinetics=crack_kinetics,
            system=system,
            quantities=quantities,
        )
    if isinstance(model, PhaseFieldModel) and isinstance(domain, TaggedMesh):
        from .phase_field.phase_field_cell import PhaseFieldCell  # a third of a second that plane cells do without

        return PhaseFieldCell(domain, model, restart=restart, crack_kinetics=crack_kinetics, quantities=quantities)
    raise InputError(
        f"no engine computes a {type(model).__name__} on a {type(domain).__name__}",
        key="model",
        remedy="Give a PlaneModel, a CohesiveModel or a PhaseFieldModel, and a mesh (`lifrac.meshes`)",
    )


def _check(model: CellModel, domain: Domain, system: BulkSystem | None) -> None:
    """Refuse what only another engine has: sides that move together, bodies in 3D, another way to solve its systems."""
    if isinstance(model, PhaseFieldModel) and model.loads.lateral == "plate":
        raise InputError(
            "the phase-field engine has no sides that move together",
            key="loads.lateral",
            value="plate",
            remedy='Give "die" or "free"',
        )
    if not isinstance(model, PlaneModel) or isinstance(model, CohesiveModel):
        return
    if system is not None:
        raise InputError("only the cohesive engine takes a system", key="system", remedy="Give a CohesiveModel")
    tagged = domain if isinstance(domain, TaggedMesh) else domain.tagged
    if tagged.mesh.geometry.dim == 3:
        raise InputError(
            "the plane engine computes cracks in 2D",
            key="model",
            value=type(model).__name__,
            remedy="Give a PhaseFieldModel, or a CohesiveModel, for a body in 3D",
        )
