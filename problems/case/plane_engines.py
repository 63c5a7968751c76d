"""The engines of a plane crack and a case file."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, override

from lifrac.meshes.geometries.slabs import SlabEdgeFlaw, finer
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.solver.front.tip import TIP_OFFSET
from lifrac.solver.model.cell_model import CellModel, CohesiveModel, PlaneModel
from lifrac.solver.model.fracture import Cohesion
from lifrac.solver.physics.cohesive import process_zone_length, strength_for_zone

from . import estimates
from .accuracy import size_factor
from .engine import PLANE_KEYS, Engine, Geometry, body_problems, half_width_of, optional, text_of
from .own_mesh import Comparison, on_crack_plane
from .schema_tools import Problem

if TYPE_CHECKING:
    from .schema import CaseFile


class Plane(Engine):
    """The crack lies in the symmetry plane of a half model and grows with K = K_Ic at its front."""

    mesh_keys = PLANE_KEYS

    @override
    def sizes(self, file: "CaseFile") -> dict[str, float]:
        thickness, flaw, mesh = float(file.electrolyte.thickness), file.defect.flaw_length, file.mesh
        factor = self.size_factor(file)
        crack_size = float(mesh.crack_size or factor * flaw / 50.0)
        return {
            "crack_size": crack_size,
            "far_size": float(mesh.far_size or max(factor * thickness / 10.0, crack_size)),
            "growth": float(mesh.growth or factor * 0.1),
            "path_growth": crack_size / flaw if mesh.path_growth is None else float(mesh.path_growth),
            "path_size": max(float(mesh.path_size or factor * thickness / 100.0), crack_size),
            "half_width": half_width_of(file),
        }

    def size_factor(self, file: "CaseFile") -> float:
        """Return the size of elements and time steps over those of the default accuracy."""
        return size_factor(float(file.solver.accuracy))

    @override
    def model(self, cell: CellModel, file: "CaseFile") -> PlaneModel:
        control = replace(cell.control, step_factor=self.size_factor(file) * cell.control.step_factor)
        return PlaneModel(**(vars(cell) | {"control": control}))

    @override
    def compared(self, file: "CaseFile", raw: RawMesh) -> Iterator[Comparison]:
        return on_crack_plane(file, raw, TIP_OFFSET)

    def slab(self, file: "CaseFile") -> SlabEdgeFlaw:
        """Return the body with a node at the end of its flaw."""
        sizes: dict[str, Any] = dict(self.sizes(file))
        return SlabEdgeFlaw(thickness=float(file.electrolyte.thickness), flaw_length=file.defect.flaw_length, **sizes)

    @override
    def geometry(self, file: "CaseFile", coarsening: float = 1.0) -> Geometry:
        """Return what to mesh: where the last node of the flaw is the first one closed, the tip is at its length."""
        slab = finer(self.slab(file), 1.0 / coarsening)
        return replace(slab, flaw_length=slab.flaw_length + TIP_OFFSET * slab.crack_size)

    @override
    def problems(self, file: "CaseFile") -> Iterator[Problem]:
        defect, remedy = file.defect, 'Write fracture.engine = "phase_field"'
        if not defect.planar or defect.dimension == 3:
            inclined = defect.type == "edge_flaw"
            key, value = ("inclination", defect.stated("inclination")) if inclined else ("type", defect.type)
            message = "has no crack plane, in which the plane engine lets a crack grow"
            yield Problem(f"defect.{key}", message, getattr(value, "text", value), remedy)
            return
        if file.electrolyte.grains is not None:
            yield Problem("electrolyte.grains", "means nothing to the plane engine", remedy=remedy)
        if file.mesh.adaptive:
            yield Problem(
                "mesh.adaptive",
                "means nothing to the plane engine, whose crack keeps to its plane",
                "true",
                f"Remove it, or {remedy[0].lower()}{remedy[1:]}",
            )
        sizes, flaw = self.sizes(file), defect.flaw_length
        if sizes["crack_size"] > flaw / 4.0:
            yield Problem(
                "mesh.crack_size",
                "is too coarse for the flaw",
                text_of(file.mesh.crack_size),
                f"The flaw needs at least four elements: at most {flaw / 4.0:g} um",
            )
        yield from body_problems(file, sizes, "crack_size")

    @override
    def warnings(self, file: "CaseFile") -> Iterator[str]:
        if file.mesh.file is not None:
            return
        sizes = self.sizes(file)
        if sizes["crack_size"] > file.defect.flaw_length / 20.0:
            yield f"mesh.crack_size ({sizes['crack_size']:.3g} um) gives the flaw fewer than 20 elements"
        nodes = estimates.path_nodes(float(file.electrolyte.thickness), file.defect.flaw_length, sizes)
        if nodes > 1000:
            yield f"about {nodes} nodes on the crack plane: steps take long; enlarge mesh.crack_size"

    @override
    def forecast(self, file: "CaseFile") -> str:
        cost = estimates.cost(float(file.electrolyte.thickness), file.defect.flaw_length, self.sizes(file))
        protocol = file.protocol.resolved()
        seconds = cost.time_s + estimates.half_steps_time(cost.path_nodes, protocol)
        unknown = estimates.unforeseeable(protocol, float(file.defect.residual))
        return (
            f"{'Estimate' if unknown else 'Estimate (within a factor of three)'}: {cost.path_nodes} nodes on the crack "
            f"plane, {cost.bulk_nodes} in the bulk, {cost.surface_unknowns} unknowns a Newton step, "
            f"{cost.memory_mb:.0f} MB, {seconds:.0f} s on one core{f' ({unknown})' if unknown else ''}"
        )


class Cohesive(Plane):
    """The crack lies in the symmetry plane of a half model, and tractions hold its faces together."""

    @override
    def size_factor(self, file: "CaseFile") -> float:
        return 1.0

    @override
    def model(self, cell: CellModel, file: "CaseFile") -> CohesiveModel:
        table = file.fracture
        cohesion = Cohesion(optional(table.cohesive_strength), optional(table.viscosity))
        return CohesiveModel(**vars(cell), cohesion=cohesion)

    @override
    def incompatible(self, cell: CellModel, file: "CaseFile") -> Iterator[Problem]:
        """Yield a problem unless a stated cohesive strength leaves a process zone shorter than the flaw."""
        strength = file.fracture.cohesive_strength
        if strength is None:
            return
        e, length = cell.electrolyte, cell.flaw.length
        zone = process_zone_length(e.plane_strain_modulus, e.fracture_energy, float(strength))
        if zone > length:
            least = strength_for_zone(e.plane_strain_modulus, e.fracture_energy, length)
            yield Problem(
                "fracture.cohesive_strength",
                f"the process zone, {zone:.3g} um, would be longer than the flaw",
                strength.text,
                f"State at least {least:.3g} MPa, or leave it out",
            )

    @override
    def compared(self, file: "CaseFile", raw: RawMesh) -> Iterator[Comparison]:
        return on_crack_plane(file, raw)

    @override
    def geometry(self, file: "CaseFile", coarsening: float = 1.0) -> Geometry:
        return self.slab(file)
