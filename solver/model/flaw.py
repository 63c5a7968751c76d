"""The flaw that a crack starts from, and the lithium in it."""

from dataclasses import dataclass
from typing import Literal

CUT_OFF = 1.0e-3
"""Lithium thinner than this part of the aperture is cut off from the anode and plates no more."""


@dataclass(frozen=True)
class Flaw:
    """A planar flaw in the crack plane, open at the anode face."""

    length: float
    """a0 [um]."""
    aperture: float
    """w0 [um], the gap between the unloaded faces."""
    filling: float = 1.0
    """Part of the initial aperture that holds lithium, 0..1."""
    mouth: Literal["open", "closed"] = "open"
    """`open`: lithium at the mouth is at stack pressure and may be extruded; `closed`: nothing leaves."""
    residual: float = 0.0
    """Part of the aperture whose lithium stripping leaves behind, still connected to the anode, 0..1."""
