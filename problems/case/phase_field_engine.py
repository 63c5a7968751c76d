"""The phase-field engine and a case file."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, override

from lifrac.meshes.geometries.cracked import Corridor, CrackedSlab
from lifrac.meshes.geometries.grains import LEAST_ROWS
from lifrac.meshes.geometries.polylines import Polyline, lengths
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.solver.model.cell_model import CellModel, PhaseFieldModel

from . import estimates
from .engine import DIFFUSE_KEYS, Engine, Geometry, body_problems, half_width_of, text_of
from .own_mesh import Comparison, in_flaw_cells
from .schema_tools import Problem

if TYPE_CHECKING:
    from .schema import CaseFile

AHEAD = 3.0
"""Internal lengths about a flaw that are fine before a mesh adapts: what it is refined by ahead of a crack."""
WALL = 2.0
"""Internal lengths that the fine region reaches into the wall of a pore, from which a crack may start anywhere."""
CELLS_PER_LENGTH = 3.0
"""l/h below which a diffuse crack is not resolved."""
MANY_NODES = 40_000


class PhaseField(Engine):
    """The crack goes where it will: fine cells where it can, whole bodies unless all is symmetric."""

    mesh_keys = DIFFUSE_KEYS

    @override
    def sizes(self, file: "CaseFile") -> dict[str, float]:
        mesh, solid = file.mesh, file.defect.dimension == 3
        length = self.length(file)
        band = float(mesh.band_size or length / (3.0 if solid else 4.0))
        half_width = half_width_of(file)
        sizes = {
            "band_size": band,
            "reach": float(mesh.reach or self._reach(file, length)),
            "far_size": float(mesh.far_size or max(self._coarsest(file, half_width), band)),
            "growth": float(mesh.growth or 0.2),
            "half_width": half_width,
        }
        return sizes | ({"breadth": float(mesh.breadth or half_width)} if solid else {})

    def _coarsest(self, file: "CaseFile", half_width: float) -> float:
        """Largest cell by default [um]: a tenth of the thickness, and a fifth of a grain."""
        thickness, grains = float(file.electrolyte.thickness), file.electrolyte.grains
        a_fifth = math.inf if grains is None else 0.2 * grains.mean_size(_box(file, half_width))
        return min(0.1 * thickness, a_fifth)

    @override
    def derived(self, file: "CaseFile") -> dict[str, float]:
        band = self.sizes(file)["band_size"]
        found = super().derived(file) | {"mesh.band_size": band, "fracture.length": self.length(file)}
        grains = file.electrolyte.grains
        return found if grains is None else found | {"electrolyte.grains.boundary_width": grains.width(band)}

    @override
    def model(self, cell: CellModel, file: "CaseFile") -> PhaseFieldModel:
        sizes, grains = self.sizes(file), file.electrolyte.grains
        return PhaseFieldModel(
            **vars(cell),
            diffuse=file.fracture.diffuse(self.length(file), sizes["band_size"]),
            boundaries=None if grains is None else grains.resolved(_box(file, sizes["half_width"]), sizes["band_size"]),
            adaptive=file.mesh.adaptive,
        )

    @override
    def compared(self, file: "CaseFile", raw: RawMesh) -> Iterator[Comparison]:
        return in_flaw_cells(file, raw, self.sizes(file)["band_size"])

    def length(self, file: "CaseFile") -> float:
        """Return the internal length l [um]."""
        return file.fracture.internal_length(file.defect.length_scale)

    def _reach(self, file: "CaseFile", length: float) -> float:
        if file.mesh.adaptive:
            return AHEAD * length
        grains = file.electrolyte.grains
        straight = file.defect.planar and grains is None
        free = 0.0 if straight else 0.5 * file.defect.flaw_length
        return max(4.0 * length, free, float(grains.size or 0.0) if grains is not None else 0.0)

    @override
    def geometry(self, file: "CaseFile", coarsening: float = 1.0) -> Geometry:
        defect, sizes, thickness = file.defect, self.sizes(file), float(file.electrolyte.thickness)
        common: dict[str, Any] = {"thickness": thickness, **{k: sizes[k] for k in ("far_size", "growth", "half_width")}}
        half = common | {
            "crack_size": sizes["band_size"],
            "flaw_length": defect.flaw_length,
            "corridor": sizes["reach"],
        }
        if defect.dimension == 3 or file.mesh.adaptive:
            half |= {"path_growth": sizes["growth"], "path_size": sizes["far_size"], "reach": sizes["reach"]}
        if defect.dimension == 3:
            return HalfPennyBlock(**half, breadth=sizes["breadth"], flaw_row=True)
        if defect.planar and file.electrolyte.grains is None:
            return SlabEdgeFlaw(**half, flaw_row=True)
        paths, pores = self._fine_paths(file), defect.pores()
        walls = [Corridor((pore.centre,), pore.radius + WALL * self.length(file)) for pore in pores]
        return CrackedSlab(
            **common,
            band_size=sizes["band_size"],
            cracks=defect.cracks(),
            pores=pores,
            reach=(*(Corridor(path, sizes["reach"]) for path in paths), *walls),
        )

    def _fine_paths(self, file: "CaseFile") -> tuple[Polyline, ...]:
        """Return where cells are fine from the start [um]."""
        if file.mesh.adaptive:
            return file.defect.cracks()
        return file.defect.crack_paths(float(file.electrolyte.thickness))

    @override
    def problems(self, file: "CaseFile") -> Iterator[Problem]:
        sizes, length = self.sizes(file), self.length(file)
        band = sizes["band_size"]
        if length < CELLS_PER_LENGTH * band * (1.0 - 1.0e-9):
            yield Problem(
                "mesh.band_size",
                f"does not resolve the internal length, {length:.4g} um: l/h is {length / band:.2g}, "
                f"at least {CELLS_PER_LENGTH:g} are needed",
                text_of(file.mesh.band_size),
                f"At most {length / CELLS_PER_LENGTH:.4g} um, or fracture.length of at least "
                f"{CELLS_PER_LENGTH * band:.4g} um",
            )
        yield from body_problems(file, sizes, "band_size")
        yield from self._not_modelled(file)
        grains = file.electrolyte.grains
        if grains is None:
            return
        if file.defect.dimension == 3:
            remedy = "Use a defect in 2D, or remove the table"
            yield Problem("electrolyte.grains", "are not symmetric, and the body in 3D is a quarter", remedy=remedy)
        from lifrac.solver.physics.damage import DAMAGE_MODELS  # not needed otherwise before a run
        from lifrac.solver.physics.weak_band import BandError, weak_band

        width, least = grains.width(band), LEAST_ROWS * band
        if width < least * (1.0 - 1.0e-9):
            yield Problem(
                "electrolyte.grains.boundary_width",
                f"is narrower than {LEAST_ROWS:g} cells of {band:.4g} um, so that its toughness would be the mesh's",
                text_of(grains.boundary_width),
                f"At least {least:.4g} um, or mesh.band_size of at most {width / LEAST_ROWS:.4g} um",
            )
            return
        try:
            weak_band(DAMAGE_MODELS[file.fracture.damage_model](length), float(grains.toughness_ratio), width, band)
        except BandError as error:
            yield Problem(
                "electrolyte.grains.toughness_ratio",
                f"is out of reach: with fracture.length {length:.4g} um {error}",
                float(grains.toughness_ratio),
                f"At least {math.ceil(1.0e3 * error.least) / 1.0e3:g}, a larger boundary_width, or a smaller "
                "fracture.length",
            )

    def _not_modelled(self, file: "CaseFile") -> Iterator[Problem]:
        """Yield what only the plane engine has: it would be left out without a word."""
        if file.operation.lateral == "plate":
            yield Problem(
                "operation.lateral",
                "is not part of the phase-field engine: its sides are held, or free one by one",
                "plate",
                'Write "die" or "free": with half_width of several flaw lengths "free" is close to it',
            )
        if file.fracture.assisted is not None:
            yield Problem(
                "fracture.assisted",
                "is not part of the phase-field engine: what has broken at one Gc would get or lose energy at another",
                None,
                'Remove it, or write fracture.engine = "plane"',
            )

    @override
    def warnings(self, file: "CaseFile") -> Iterator[str]:
        length, flaw = self.length(file), file.defect.flaw_length
        if length > flaw:
            yield (
                f"fracture.length ({length:.3g} um) exceeds the flaw ({flaw:.3g} um): the flaw is no crack on this "
                "scale. It starts at the strength of the damage model instead of Griffith's criterion, so results "
                "depend on fracture.length. Make it a tenth of the flaw"
            )
        if file.operation.lateral_stress < 0.0 and file.fracture.split == "none":
            yield (
                'operation.lateral_stress compresses, and with fracture.split = "none" compression damages as well: '
                '"star_convex" keeps it from doing so'
            )
        nodes = self._nodes(file)
        if file.mesh.file is None and nodes > MANY_NODES:
            yield f"about {nodes} nodes: a run takes long; enlarge mesh.band_size, or make mesh.reach smaller"

    @override
    def forecast(self, file: "CaseFile") -> str:
        nodes = self._nodes(file)
        unknowns = (file.defect.dimension + 3) * nodes
        start = " at the start" if file.mesh.adaptive else ""
        return f"Estimate (within a factor of two): {nodes} nodes, {unknowns} unknowns{start}"

    def _nodes(self, file: "CaseFile") -> int:
        """About how many nodes the mesh has."""
        defect, sizes, thickness = file.defect, self.sizes(file), float(file.electrolyte.thickness)
        reach, width = sizes["reach"], sizes["half_width"]
        if defect.dimension == 3:
            radius = defect.flaw_length + reach
            disc = 0.25 * math.pi * radius**2
            return estimates.band_nodes(
                sizes, disc * reach, disc + 0.5 * math.pi * radius * reach, thickness * width * sizes["breadth"], 3
            )
        half = isinstance(self.geometry(file), SlabEdgeFlaw)
        sides = 1.0 if half else 2.0
        straight = half and not file.mesh.adaptive
        way = thickness if straight else sum(float(lengths(path).sum()) for path in self._fine_paths(file))
        wall = WALL * self.length(file)
        rings = sum(math.pi * wall * (2.0 * pore.radius + wall) for pore in defect.pores())
        return estimates.band_nodes(sizes, sides * way * reach + rings, sides * way, sides * thickness * width, 2)


def _box(file: "CaseFile", half_width: float) -> tuple[tuple[float, float], ...]:
    """Return the box in which grains are drawn [um]."""
    return ((-half_width, half_width), (0.0, float(file.electrolyte.thickness)))
