"""Names of the linear solvers; imports nothing heavy."""

from typing import Literal

Preset = Literal["direct", "multigrid", "general"]
"""`direct` (MUMPS Cholesky), `multigrid` (CG + GAMG), `general` (MUMPS LU)."""
