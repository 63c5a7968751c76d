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

ZONE = (0.9, 1.5)
"""Where elements are as fine as at the tip, in flaw lengths: the crack grows slowly here, filled with lithium to its
tip, and close to the threshold most of the charge is passed."""

REFINED = ("crack_size", "tip_size", "path_growth", "path_size", "far_size", "growth")
"""Keys of `[mesh]` that `solver.accuracy` chooses unless they are stated."""


class Plane(Engine):
    """The crack lies in the symmetry plane of a half model and grows with K = K_Ic at its front."""

    mesh_keys, sharp_front = PLANE_KEYS, True
    cells, tip_cells = 25.0, 100.0
    """Elements that fit into the flaw at the default accuracy: of those on most of it, and of those about its tip."""

    @override
    def sizes(self, file: "CaseFile") -> dict[str, float]:
        thickness, flaw, mesh = float(file.electrolyte.thickness), file.defect.flaw_length, file.mesh
        factor = self.size_factor(file)
        crack_size = float(mesh.crack_size or factor * flaw / self.cells)
        tip_size = float(mesh.tip_size or (mesh.crack_size or factor * flaw / self.tip_cells))
        path_growth = min(crack_size, 2.0 * tip_size) / flaw
        return {
            "crack_size": crack_size,
            "tip_size": tip_size,
            "far_size": float(mesh.far_size or max(factor * thickness / 10.0, crack_size)),
            "growth": float(mesh.growth or factor * 0.1),
            "path_growth": path_growth if mesh.path_growth is None else float(mesh.path_growth),
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
        """Return the body with a node at the end of its flaw, and finer elements about it."""
        sizes: dict[str, Any] = dict(self.sizes(file))
        tip_size, flaw, thickness = sizes.pop("tip_size"), file.defect.flaw_length, float(file.electrolyte.thickness)
        zone = (ZONE[0] * flaw, min(ZONE[1] * flaw, thickness), tip_size)
        refine = (zone,) if tip_size < sizes["crack_size"] else ()
        return SlabEdgeFlaw(thickness=thickness, flaw_length=flaw, refine=refine, **sizes)

    @override
    def geometry(self, file: "CaseFile", coarsening: float = 1.0) -> Geometry:
        """Return what to mesh: where the last node of the flaw is the first one closed, the tip is at its length."""
        slab = finer(self.slab(file), 1.0 / coarsening)
        tip_size = min([slab.crack_size, *(size for _, _, size in slab.refine)])
        return replace(slab, flaw_length=slab.flaw_length + TIP_OFFSET * tip_size)

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
        if sizes["tip_size"] > sizes["crack_size"]:
            text, least = text_of(file.mesh.tip_size), sizes["crack_size"]
            yield Problem("mesh.tip_size", "is coarser than mesh.crack_size", text, f"Give at most {least:g} um")
        yield from body_problems(file, sizes, "crack_size")

    @override
    def warnings(self, file: "CaseFile") -> Iterator[str]:
        if file.mesh.file is not None:
            return
        sizes = self.sizes(file)
        if sizes["tip_size"] > file.defect.flaw_length / 20.0:
            yield f"mesh.crack_size ({sizes['tip_size']:.3g} um) gives the flaw fewer than 20 elements"
        nodes = estimates.path_nodes(float(file.electrolyte.thickness), file.defect.flaw_length, sizes)
        if nodes > 1000:
            yield f"about {nodes} nodes on the crack plane: steps take long; enlarge mesh.crack_size"

    @override
    def resolution(self, file: "CaseFile") -> str:
        sizes, flaw = self.sizes(file), file.defect.flaw_length
        stated = [f"mesh.{key}" for key in REFINED if getattr(file.mesh, key) is not None]
        reach = sizes["half_width"] / flaw
        return (
            f"solver.accuracy = {float(file.solver.accuracy):g}: {flaw / sizes['crack_size']:.3g} elements of "
            f"{sizes['crack_size']:.3g} um in the flaw, of {sizes['tip_size']:.3g} um about its tip, up to "
            f"{sizes['path_size']:.3g} um on the path{f' ({", ".join(stated)} stated)' if stated else ''}; time steps "
            f"{self.size_factor(file):.3g} times those of the default. The run states its numerical errors. The next "
            f"flaw is {2.0 * reach:.3g} flaw lengths away (twice mesh.half_width)"
        )

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

    sharp_front = False
    cells = tip_cells = 50.0

    @override
    def size_factor(self, file: "CaseFile") -> float:
        return 1.0

    @override
    def resolution(self, file: "CaseFile") -> str:
        return ""

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
