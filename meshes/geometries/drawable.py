"""The geometry of anybody: what a body says of itself so that it can be meshed."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Drawable(Protocol):
    """A body that draws itself; frozen dataclasses with a `repr` of all their numbers serve best.

    The ready geometries have drawers of their own (`gmsh_model.DRAWERS`), so that they need no gmsh.
    """

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Lower and upper end of the body along each axis [um]; as many as it has dimensions."""

    def draw(self, model: Any) -> None:
        """Draw the body into an empty gmsh model, name its groups and set its sizes.

        Groups are physical groups with the names and tags of `lifrac.meshes.serial_mesh`: cells `electrolyte`, facets
        `anode`, `counter`, `lateral` and, for the plane engine, `crack_plane` at x = 0 (docs/meshes.md).

        Parameters
        ----------
        model : gmsh.model
        """
