"""How the crack is computed: the engine, and what each engine takes."""

from collections.abc import Iterator
from typing import Annotated, Literal

from lifrac.problems.quantities import units as u
from lifrac.solver.model.fracture import DiffuseCrack
from pydantic import StrictBool

from .schema_tools import Strict, default


class Assisted(Strict):
    """Electrochemically assisted cracking: toughness falls with the plating current at the front of the metal.

    Gc_eff = Gc [r + (1 - r)/(1 + (j/j_c)^m)] (docs/model.md). Off unless this table is given.
    """

    current_density: Annotated[u.Quantity, u.CURRENT_DENSITY.within(gt=0.0, le=1.0e6)]
    """j_c, at which half of what can be lost of Gc is lost. Not published: an assumption of yours."""
    residual_fraction: u.PositiveFraction = default(0.06)
    """r, what is left of Gc at high current: stress intensity at growth is then a quarter of the toughness."""
    exponent: Annotated[u.Quantity, u.NUMBER.within(gt=0.0, le=20.0)] = default(2.0)
    """m. Not published: an assumption."""


class Fracture(Strict):
    """How the crack is computed."""

    engine: Literal["plane", "cohesive", "phase_field"] = "plane"
    """`plane`: the crack grows in the plane of the flaw, with K = K_Ic at its front; takes seconds.
    `cohesive`: in that plane against cohesive tractions, as `plane` did before; its figures depend on the mesh.
    `phase_field`: it goes where it will; takes minutes to hours."""
    cohesive_strength: u.PositivePressure | None = None
    """Cohesive engine: strength of the cohesive law; chosen from mesh and flaw unless stated. Results hardly depend on
    it."""
    viscosity: u.InterfaceViscosity | None = None
    """Cohesive engine: viscous traction per opening rate in the process zone; slows snap-through. Chosen from the
    toughness and the current unless stated."""
    assisted: Assisted | None = None
    """Toughness that falls with the current; constant unless given."""
    damage_model: Literal["AT1", "AT2"] = "AT1"
    """Phase field: `AT1` is elastic up to a strength, and its cracks have a finite width; `AT2` damages from the first
    load."""
    length: u.PositiveLength | None = None
    """Phase field: internal length l, about which cracks are diffuse (AT1: 2 l to each side); far below every length of
    the problem, and at least three cells (`mesh.band_size`). Default: a tenth of the flaw; of a pore with its
    micro-crack, a tenth of what they reach into the body or a quarter of the crack, whichever is less."""
    split: Literal["none", "volumetric_deviatoric", "star_convex", "spectral"] = "none"
    """Phase field: which part of the elastic energy damages. `none`: all, for cracks that stay open; under lateral
    compression `star_convex` or `volumetric_deviatoric` keep cracks from going where nothing opens them. `spectral`
    is there for comparison."""
    split_ratio: Annotated[u.Quantity, u.NUMBER.within(ge=0.0, le=100.0)] = default(5.0)
    """Phase field: r of the `star_convex` split; the larger, the stronger the material in compression."""
    correct_toughness: StrictBool = True
    """Phase field: divide Gc by its excess on the mesh, 1 + 3h/(8l) (AT1) or 1 + h/(2l) (AT2)."""

    def internal_length(self, flaw: float) -> float:
        """Return the internal length l [um] of a flaw of a length [um]."""
        return float(self.length or SHARE_OF_FLAW * flaw)

    def diffuse(self, length: float, cell_size: float) -> DiffuseCrack:
        """Return what the phase-field engine is told, with l and h [um]."""
        return DiffuseCrack(
            length,
            cell_size,
            self.damage_model,
            self.split,
            float(self.split_ratio),
            self.correct_toughness,
        )

    def unused_keys(self) -> Iterator[str]:
        """Keys of other engines that are not as by default."""
        theirs = [name for engine, keys in ENGINE_KEYS.items() if engine != self.engine for name in keys]
        yield from (name for name in theirs if getattr(self, name) != type(self).model_fields[name].default)


SHARE_OF_FLAW = 0.1
"""l over the length of the flaw, by default: critical pressures of the flaw are then some per cent low."""
ENGINE_KEYS = {
    "cohesive": ("cohesive_strength", "viscosity"),
    "phase_field": ("damage_model", "length", "split", "split_ratio", "correct_toughness"),
}
"""Keys that only one engine heeds."""
