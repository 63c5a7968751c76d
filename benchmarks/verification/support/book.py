"""The verification book: checks against exact solutions, registered by name, each a list of figures with targets."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["quick", "full"]


@dataclass(frozen=True)
class Row:
    """One figure beside its target.

    `kind`: `relative` |value/target - 1| <= tolerance, `absolute` |value - target| <= tolerance, `below`
    value <= tolerance.
    """

    quantity: str
    value: float
    target: float
    tolerance: float
    unit: str = ""
    kind: Literal["relative", "absolute", "below"] = "relative"
    note: str = ""

    @property
    def error(self) -> float:
        """Difference of value and target, relative or absolute as `kind` says."""
        if self.kind == "below":
            return abs(self.value)
        difference = abs(self.value - self.target)
        return difference / abs(self.target) if self.kind == "relative" else difference

    @property
    def ok(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance


Run = Callable[[Level, Path | None], list[Row]]
"""A check: level and a folder for figures (None: draw none) -> figures."""


@dataclass(frozen=True)
class Check:
    """A registered check."""

    name: str
    title: str
    source: str
    run: Run
    quick: bool
    engine: str = ""
    """What it certifies: engines by the names that cases give them; `statics`: the condensed body and its stress
    intensity, on which plane cracks rest; `threshold`: `lifrac threshold`; `none`: formulas."""


REGISTRY: dict[str, Check] = {}


def check(name: str, *, engine: str, title: str, source: str, quick: bool) -> Callable[[Run], Run]:
    """Register a check under `name`; `quick` ones are part of `make test` (a few seconds each)."""

    def register(run: Run) -> Run:
        REGISTRY[name] = Check(name, title, source, run, quick, engine)
        return run

    return register
