"""An engine as far as a case file is concerned: sizes, geometry, refusals, warnings, a forecast of the cost."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lifrac.meshes.geometries.cracked import CrackedSlab
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.problems.quantities import units as u
from lifrac.solver.model.cell_model import CellModel

from .own_mesh import Comparison
from .schema_tools import Problem

if TYPE_CHECKING:
    from .schema import CaseFile

Geometry = SlabEdgeFlaw | HalfPennyBlock | CrackedSlab
PLANE_KEYS = ("crack_size", "tip_size", "path_growth", "path_size")
DIFFUSE_KEYS = ("band_size", "reach", "breadth")
MESH_KEYS = {*PLANE_KEYS, *DIFFUSE_KEYS}
"""Keys of `[mesh]` that not every engine heeds."""


class Engine(ABC):
    """An engine as far as the case file is concerned."""

    mesh_keys: tuple[str, ...]
    """Keys of `[mesh]` that only this engine heeds."""
    sharp_front = False
    """Whether the crack ends at a front where K = K_Ic: its runs have the threshold and numerical errors."""

    @abstractmethod
    def sizes(self, file: "CaseFile") -> dict[str, float]:
        """Keys of `[mesh]` with defaults, lengths in um."""

    def derived(self, file: "CaseFile") -> dict[str, float]:
        """Lengths that follow from others unless stated, by dotted key [um]."""
        if file.mesh.file is not None:
            return {}
        return {f"mesh.{key}": value for key, value in self.sizes(file).items() if not key.endswith("growth")}

    @abstractmethod
    def model(self, cell: CellModel, file: "CaseFile") -> CellModel:
        """Everything the engine needs besides the mesh."""

    def incompatible(self, cell: CellModel, file: "CaseFile") -> Iterator[Problem]:
        """Problems that show only with the material at hand."""
        yield from ()

    @abstractmethod
    def compared(self, file: "CaseFile", raw: RawMesh) -> Iterator[Comparison]:
        """Yield lengths of a mesh of the user's own [um] and of the case, where this engine looks."""

    @abstractmethod
    def geometry(self, file: "CaseFile", coarsening: float = 1.0) -> Geometry:
        """Return what to mesh; `coarsening` is a factor on the size of its elements, 1 with most engines."""

    @abstractmethod
    def problems(self, file: "CaseFile") -> Iterator[Problem]:
        """Why this engine cannot take the case."""

    @abstractmethod
    def warnings(self, file: "CaseFile") -> Iterator[str]:
        """Yield what is possible but hardly meant."""

    def resolution(self, file: "CaseFile") -> str:
        """Return what `solver.accuracy` has chosen, for people; nothing where it chooses nothing."""
        return ""

    @abstractmethod
    def forecast(self, file: "CaseFile") -> str:
        """Return a rough estimate of the cost, for people."""

    def unused_keys(self, file: "CaseFile") -> Iterator[str]:
        """Warnings of stated keys that only the other engine heeds."""
        others = MESH_KEYS - set(self.mesh_keys)
        for name in [
            *(f"fracture.{key}" for key in file.fracture.unused_keys()),
            *(f"mesh.{key}" for key in file.mesh.stated() if key in others),
        ]:
            yield f"{name} has no effect on the {file.fracture.engine} engine"


def half_width_of(file: "CaseFile") -> float:
    """Return half the width of the body [um]: the thickness, and no less than five flaw lengths, unless stated."""
    return float(file.mesh.half_width or max(float(file.electrolyte.thickness), 5.0 * file.defect.flaw_length))


def body_problems(file: "CaseFile", sizes: Mapping[str, float], finest: str) -> Iterator[Problem]:
    """Sizes that contradict each other or the flaw, for either engine."""
    if sizes["far_size"] < sizes[finest]:
        yield Problem("mesh.far_size", f"is below mesh.{finest}", text_of(file.mesh.far_size), "Make it larger")
    if sizes["half_width"] <= file.defect.flaw_length:
        yield Problem(
            "mesh.half_width",
            "the body is narrower than the flaw is long",
            text_of(file.mesh.half_width),
            "At least five flaw lengths are advisable",
        )


def optional(value: u.Quantity | None) -> float | None:
    """Its number, if there is one."""
    return None if value is None else float(value)


def text_of(value: u.Quantity | None) -> str | None:
    """Return how a quantity was written, if it was."""
    return None if value is None else value.text
