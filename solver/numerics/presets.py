"""Names of linear solvers and of their options; imports nothing heavy."""

from collections.abc import Mapping
from typing import Literal

Preset = Literal["direct", "multigrid", "general"]
"""`direct` (MUMPS Cholesky), `multigrid` (CG + GAMG), `general` (MUMPS LU)."""
SolverName = Literal["conduction", "elasticity", "cell", "displacement", "damage", "projection"]
"""Solvers whose options can be stated: the plane engine's bulk (`conduction`, `elasticity`), and the phase-field
engine's displacement, potential and lithium (`cell`), displacement alone (`displacement`), damage (`damage`) and
projections onto the crack (`projection`)."""
SOLVER_NAMES: tuple[SolverName, ...] = (
    "conduction",
    "elasticity",
    "cell",
    "displacement",
    "damage",
    "projection",
)
OptionValue = str | int | float | bool
StatedOptions = Mapping[SolverName, Mapping[str, OptionValue]]
