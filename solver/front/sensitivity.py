"""Derivatives of a threshold current by every number of a model, from one solution with the transposed derivative.

The equations R(x, theta) = 0 hold for every theta, so that dx/dtheta = -(dR/dx)^-1 dR/dtheta (implicit functions). Of x
only J is asked for: with (dR/dx)^T a = e_J

    dJ/dtheta = -a . dR/dtheta,

and one linear solution serves all numbers (the adjoint). dR/dtheta at fixed x is a central difference of the residual
alone, for whatever law of charge transfer, film, contact or flow a number belongs to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.physics.constants import thermal_voltage
from numpy.typing import NDArray

from .dense import ScaledMatrix
from .equilibrium import Equilibrium, FlawGeometry
from .threshold import Solution, find_threshold

Floats = NDArray[np.float64]
PARTS = ("electrolyte", "anode", "counter", "creep", "flaw", "loads", "contact", "assisted")
"""Parts of a model that hold numbers."""
RELATIVE_STEP = 1.0e-5
"""Of differences of the residual: errors of about 1e-9 for powers and exponentials."""
LENGTH_STEP = 0.1
"""Of the difference in the length of the flaw, over the length."""
ABSENT = 1.0e-14
"""Change of a scaled residual that is none: the number has no part in the equilibrium."""
LIMITED = "contact_fraction"
"""A number that cannot exceed one: there the difference is taken below it."""
OWN = ("flaw.length",)
"""Numbers that the geometry has, and not the equations."""


@dataclass(frozen=True)
class Sensitivity:
    """What a number does to the threshold current.

    Attributes
    ----------
    name : str
        Of the number in the model: "anode.film_resistance".
    value : float
        In internal units.
    derivative : float
        dJ*/d(number), in A/m2 per internal unit.
    logarithmic : float
        d ln J*/d ln(number) [-]; NaN where the number is zero.
    """

    name: str
    value: float
    derivative: float
    logarithmic: float


def numbers(part: object, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers of a model's part by dotted names."""
    for entry in fields(part):  # type: ignore[arg-type]
        value = getattr(part, entry.name)
        name = f"{prefix}{entry.name}"
        if isinstance(value, float):
            yield name, value
        elif is_dataclass(value) and not isinstance(value, type):
            yield from numbers(value, f"{name}.")


def with_number[T](part: T, name: str, value: float) -> T:
    """Return a model or a part of one with one number replaced."""
    head, _, rest = name.partition(".")
    new = with_number(getattr(part, head), rest, value) if rest else value
    return replace(part, **{head: new})  # type: ignore[type-var]


def model_numbers(model: CellModel) -> dict[str, float]:
    """Return all numbers of a model that may have a part in an equilibrium, by dotted names."""
    found: dict[str, float] = {}
    for part in PARTS:
        held = getattr(model, part)
        if held is not None:
            found.update(numbers(held, f"{part}."))
    return {name: value for name, value in found.items() if name not in OWN}


def step_of(model: CellModel, name: str, value: float) -> float:
    """Return the step of a number; 0 where it is zero and switches a law off."""
    if value != 0.0:
        return RELATIVE_STEP * abs(value)
    if name.endswith("film_resistance"):
        face = getattr(model, name.partition(".")[0])
        return RELATIVE_STEP * thermal_voltage(face.temperature) / face.exchange_current
    if name in ("loads.stack_pressure", "loads.lateral_stress"):
        return RELATIVE_STEP
    return 0.0


class Adjoint:
    """Derivatives of the threshold current at a solution.

    Parameters
    ----------
    solution : Solution
    """

    def __init__(self, solution: Solution) -> None:
        self.solution = solution
        equilibrium, x = solution.equilibrium, solution.unknowns
        goal = np.zeros_like(x)
        goal[equilibrium.geometry.slices[6]] = 1.0
        self.weights = ScaledMatrix(equilibrium.jacobian(x)).solve_transposed(goal)

    def between(self, lower: CellModel, upper: CellModel) -> float | None:
        """Return the change of J* from one model to another that is near [A/m2]; None: they have the same equations."""
        at, x = self.solution.equilibrium, self.solution.unknowns
        ends = [Equilibrium(at.geometry, model, at.current_scale).residual(x) for model in (lower, upper)]
        change = ends[1] - ends[0]
        return None if np.abs(change).max() < ABSENT else -float(self.weights @ change)

    def by(self, name: str) -> float | None:
        """Return dJ*/d(number) [A/m2 per internal unit] for a dotted name; None where it has no part."""
        model = self.solution.equilibrium.model
        value = model_numbers(model)[name]
        step = step_of(model, name, value)
        if step == 0.0:
            return None
        middle = value - step if name.endswith(LIMITED) and value == 1.0 else value
        change = self.between(with_number(model, name, middle - step), with_number(model, name, middle + step))
        return None if change is None else change / (2.0 * step)


def length_sensitivity(solution: Solution) -> Sensitivity:
    """Return the effect of the flaw's length, from two more solutions on shorter and longer flaws of the same body.

    The difference is one of logarithms over a fifth of the length: exact for a power, and wide against the cells.
    """
    at = solution.equilibrium.geometry
    model, y = solution.equilibrium.model, at.body.crack.y
    logs = []
    for length in (at.length * (1.0 - LENGTH_STEP), at.length * (1.0 + LENGTH_STEP)):
        geometry = FlawGeometry(at.body, int(np.argmin(np.abs(y - length))))
        changed = with_number(model, "flaw.length", geometry.length)
        logs.append((np.log(geometry.length), np.log(find_threshold(geometry, changed, solution).current_density)))
    logarithmic = float((logs[1][1] - logs[0][1]) / (logs[1][0] - logs[0][0]))
    return Sensitivity("flaw.length", at.length, logarithmic * solution.current_density / at.length, logarithmic)


def sensitivities(solution: Solution) -> tuple[Sensitivity, ...]:
    """Return the derivatives of J* by all numbers that have a part in the equilibrium, the most effective first."""
    adjoint, current = Adjoint(solution), solution.current_density
    found = []
    for name, value in model_numbers(solution.equilibrium.model).items():
        derivative = adjoint.by(name)
        if derivative is not None:
            logarithmic = derivative * value / current if value != 0.0 else float("nan")
            found.append(Sensitivity(name, value, derivative, logarithmic))
    return tuple(sorted(found, key=lambda s: -abs(np.nan_to_num(s.logarithmic))))
