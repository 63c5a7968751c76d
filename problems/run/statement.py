"""The statement of a run: what it computes and how it is kept, whether stated in a case file or in Python."""

from dataclasses import dataclass, field
from typing import Protocol

from lifrac.problems.case.digest import digest
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.stated import content
from lifrac.solver.numerics.presets import StatedOptions


class Statement(Protocol):
    """The part of a case that the run loop and the run folder ask for."""

    @property
    def name(self) -> str:
        """Name for people."""

    @property
    def warnings(self) -> list[str]:
        """Return what is possible but hardly meant."""

    @property
    def stored_states(self) -> int | tuple[float, ...]:
        """How many states to store, or at which areal capacities [C/m2]."""

    @property
    def petsc_options(self) -> StatedOptions:
        """Options of linear solvers by their names."""

    def content_hash(self) -> str:
        """SHA-256 over everything that results depend on."""

    def resolved_toml(self) -> str:
        """Return the case as a file that can be run again; empty for one that has none."""

    def engine_model(self) -> CellModel:
        """Everything that the engine needs besides the mesh."""


@dataclass(frozen=True)
class ModelStatement:
    """A model stated in Python, on a mesh of the caller's.

    Attributes
    ----------
    model : PlaneModel or PhaseFieldModel
    mesh : str
        Content of the mesh, so that a run is gone on with on no other.
    name : str
    stored_states : int or tuple of float
    """

    model: CellModel
    mesh: str
    name: str = "model"
    stored_states: int | tuple[float, ...] = 20
    warnings: list[str] = field(default_factory=list)
    petsc_options: StatedOptions = field(default_factory=dict)

    def content_hash(self) -> str:
        """Return a hash of the model and of its mesh."""
        hashed = [type(self.model).__name__, content(self.model), self.mesh]
        return digest(hashed, default=str)

    def resolved_toml(self) -> str:
        """Return an empty text: a model that was made in Python has no case file."""
        return ""

    def engine_model(self) -> CellModel:
        """Return the model itself."""
        return self.model
