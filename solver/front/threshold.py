"""The threshold current of a flaw: Newton's method on its equilibrium, with continuation in the flow of lithium.

Below this current a flaw holds for ever, at constant current: its lithium reaches a pressure at which as much flows out
as is plated, at K < K_Ic. Above it K reaches K_Ic sooner or later. J falls with the length of the flaw, so that
initiation is failure: it is the critical current density for a capacity without bound.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import override

import numpy as np
from lifrac.errors import InputError, NumericalFailure
from lifrac.solver.interfaces.contact import face_at_rest
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.numerics.newton import Convergence, Newton
from lifrac.solver.physics.constants import pressure_per_volt
from lifrac.solver.physics.uniform_cell import overpotential
from numpy.typing import NDArray

from .body import FrontBody
from .closed_form import current_at_zero
from .dense import DenseProblem
from .equilibrium import Equilibrium, Fields, FlawGeometry
from .tip import TIP_OFFSET

Floats = NDArray[np.float64]
TOLERANCE = 1.0e-10
"""Scaled residual: derivatives of the threshold are exact to 1e-8 with it."""
STAGNATION = 1.0e-8
"""Scaled residual below which one that falls no further is a solution."""
MOST_ITERATIONS = 25
METHOD = Newton("threshold of the flaw", Convergence(TOLERANCE, MOST_ITERATIONS, STAGNATION))
LARGEST_CHANGE = 1.0
"""Change of pressures in an iteration, over the largest one, and of the current, over the current."""
FIRST_MOBILITY, LARGEST_FACTOR, SMALLEST_FACTOR = 1.0e-8, 1.0e4, 1.02
"""Continuation: where it begins, and the factors of its steps."""
HIGHEST = 1.0e3
"""Current density over that of a blocked flaw beyond which there is no threshold."""
NODE = 1.0e-6
"""Distance, over the length of the flaw, within which a node counts as its tip."""
OFFSET_IN_CELLS = 0.05
"""The same, in cells, of a node beyond the tip as in meshes for runs, whose cells are a little less than asked for."""


class NoThreshold(InputError):
    """A flaw has no threshold current above zero; `loads_ratio` is K/K_Ic of the loads alone where these crack it."""

    loads_ratio: float = float("nan")

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuilt, (self.message, self.file, self.key, self.value, self.remedy, self.loads_ratio))


def _rebuilt(message: str, file: object, key: str, value: object, remedy: str, ratio: float) -> NoThreshold:
    found = NoThreshold(message, file=file, key=key, value=value, remedy=remedy)
    found.loads_ratio = ratio
    return found


def loads_crack(ratio: float, length: float) -> NoThreshold:
    """Return what is said of a flaw that its loads alone crack."""
    found = NoThreshold(
        f"the threshold is below zero: the loads alone crack the flaw, whose K is {ratio:.4g} K_Ic before any current "
        "flows (lithium at stack pressure, and the sides as stated)",
        key="defect.length",
        value=f"{length:g} um",
        remedy=f"State a flaw below about {length / ratio**2:.3g} um, or less stack pressure",
    )
    found.loads_ratio = ratio
    return found


@dataclass(frozen=True)
class Solution:
    """A flaw in equilibrium at its toughness.

    Attributes
    ----------
    equilibrium : Equilibrium
    unknowns : ndarray
    iterations : int
        Of Newton's method, all steps of the continuation together.
    """

    equilibrium: Equilibrium
    unknowns: Floats
    iterations: int

    @cached_property
    def fields(self) -> Fields:
        """The unknowns by name."""
        return self.equilibrium.geometry.fields(self.unknowns)

    @property
    def current_density(self) -> float:
        """J* over the anode as meshed [A/m2]."""
        return self.fields.mean_current


def flaw_geometry(body: FrontBody, length: float) -> FlawGeometry:
    """Return the geometry of a flaw whose tip is a node.

    A mesh for runs has this node beyond the tip, by `TIP_OFFSET` of a cell; its flaw counts as that much longer.

    Raises
    ------
    InputError
        If no node lies at its tip.
    """
    y = body.crack.y
    tip = int(np.argmin(np.abs(y - length)))
    cell = float(y[tip] - y[tip - 1])
    beyond = abs(y[tip] - TIP_OFFSET * cell - length)
    if abs(y[tip] - length) > NODE * length and beyond > OFFSET_IN_CELLS * cell:
        raise InputError(
            f"the mesh has no node at the tip of the flaw; the nearest one is at {y[tip]:g} um",
            key="defect.length",
            value=f"{length:g} um",
            remedy="State the flaw that the mesh has",
        )
    return FlawGeometry(body, tip)


def loads_ratio(geometry: FlawGeometry, model: CellModel) -> float:
    """Return K/K_Ic of lithium at stack pressure and of the outer loads, without current."""
    stress = geometry.body.stress_under(model)[: geometry.size]
    k = geometry.weights.coefficients @ (model.loads.stack_pressure + stress)
    return float(k) / model.electrolyte.fracture_toughness


class BlockedFlaw:
    """The flaw without flow of lithium, and with electrodes that carry uniform currents: the start of the method.

    Parameters
    ----------
    geometry : FlawGeometry
    model : CellModel
    """

    def __init__(self, geometry: FlawGeometry, model: CellModel) -> None:
        self.geometry, self.model = geometry, model
        self.unit = Equilibrium(geometry, model, 1.0)
        n, anode = geometry.size, geometry.counts[2]
        phi = self.unit.potential(self._fields(1.0, 0.0, 0.0))
        self.ohmic = phi[:n] - float(phi[n : n + anode].mean())
        self.across = float(phi[n + anode :].mean() - phi[n : n + anode].mean())

    def _fields(self, mean: float, level: float, voltage: float) -> Fields:
        faces, area, none = self.unit.faces, self.geometry.anode_area, np.zeros(self.geometry.size)
        anode, counter = (np.full(len(f.area), mean * area / f.area.sum()) for f in (faces.anode, faces.counter))
        return Fields(none, none, anode, counter, level, voltage, mean)

    def _face(self, counter: bool = False) -> Kinetics:
        model = self.model
        kinetics = model.counter if counter else model.anode
        return face_at_rest(model.contact, kinetics, model.electrolyte.conductivity, model.loads.stack_pressure)

    def pressure(self, face_drop: float, mean: float) -> Floats:
        """Return p along the flaw [MPa] at a potential drop of the anode face [V]."""
        rise = pressure_per_volt(self.model.anode.molar_volume) * (face_drop + mean * self.ohmic)
        return np.asarray(self.model.loads.stack_pressure + rise)

    def current_density(self) -> float:
        """Return the current density at which K = K_Ic [A/m2].

        Raises
        ------
        NoThreshold
            If the loads alone reach that.
        """

        def excess(face_drop: float, mean: float) -> float:
            return self.unit.intensity(self.pressure(face_drop, mean)) / self.unit.toughness - 1.0

        if (at_rest := 1.0 + excess(0.0, 0.0)) >= 1.0:
            raise loads_crack(at_rest, self.geometry.length)
        return current_at_zero(excess, self._face())

    def start(self, mean: float) -> Fields:
        """Return the unknowns at a current density [A/m2]."""
        eta = overpotential(self._face(), mean)
        opposite = overpotential(self._face(counter=True), mean, plating=False)
        fields = self._fields(mean, 0.0, eta + opposite + mean * self.across)
        n, anode = self.geometry.size, self.geometry.counts[2]
        level = eta - float(self.unit.potential(fields)[n : n + anode].mean())
        pressure = self.pressure(eta, mean)
        if self.model.flaw.mouth == "open":
            pressure[0] = self.model.loads.stack_pressure
        return replace(fields, level=level, pressure=pressure)


def none_in_range(current: float, length: float) -> NoThreshold:
    """Return what is said of a flaw that no current cracks."""
    return NoThreshold(
        f"there is no threshold up to {current / 10.0:.3g} mA/cm2: lithium leaves the flaw faster than it is plated",
        key="defect.length",
        value=f"{length:g} um",
        remedy="State a longer or narrower flaw, or a lower temperature",
    )


def shortened(geometry: FlawGeometry, x: Floats, increment: Floats) -> float:
    """Return the factor that keeps an increment of pressures and of the current within bounds."""
    pressure, mean = geometry.slices[0], geometry.slices[6]
    largest = float(np.abs(increment[pressure]).max()) / max(float(np.abs(x[pressure]).max()), 1.0)
    of_current = float(np.abs(increment[mean])[0]) / abs(float(x[mean][0]))
    return min(1.0, LARGEST_CHANGE / max(largest, 1.0e-300), 0.8 * LARGEST_CHANGE / max(of_current, 1.0e-300))


def solve_from(equilibrium: Equilibrium, start: Floats) -> tuple[Floats, int]:
    """Return a solution near a start, and the number of iterations.

    Raises
    ------
    NumericalFailure
        If Newton's method finds none.
    """
    geometry = equilibrium.geometry
    problem = DenseProblem(equilibrium, start, lambda x, increment: shortened(geometry, x, increment))
    iterations = METHOD.solve(problem).iterations
    return problem.unknowns, iterations


def find_threshold(geometry: FlawGeometry, model: CellModel, start: Solution | None = None) -> Solution:
    """Return the equilibrium of a flaw at its threshold current.

    Parameters
    ----------
    geometry : FlawGeometry
        From `flaw_geometry`; it serves every temperature, pressure and material of the same Poisson's ratio.
    model : CellModel
        In internal units; its protocol does not count.
    start : Solution, optional
        A solution for numbers, a length or a mesh that are near.

    Raises
    ------
    NoThreshold
        If the loads alone crack the flaw, or no current does.
    NumericalFailure
        If no solution is found.
    """
    blocked = BlockedFlaw(geometry, model)
    mean = blocked.current_density()
    equilibrium = Equilibrium(geometry, model, mean)
    if start is not None:
        try:
            near = start.fields.moved(start.equilibrium.geometry, geometry)
            x, iterations = solve_from(equilibrium, near.packed())
            return Solution(equilibrium, x, iterations)
        except NumericalFailure:
            pass
    return _continued(equilibrium, blocked.start(mean).packed(), mean)


def _continued(equilibrium: Equilibrium, x: Floats, blocked_current: float) -> Solution:
    """Go from a blocked flaw to its full flow of lithium, in steps as long as Newton's method follows."""
    reached, factor, total = FIRST_MOBILITY / LARGEST_FACTOR, 1.0 / FIRST_MOBILITY * LARGEST_FACTOR, 0
    failure: NumericalFailure | None = None
    while reached < 1.0:
        aim = min(1.0, reached * factor)
        try:
            found, iterations = solve_from(equilibrium.with_mobility(aim), x)
        except NumericalFailure as error:
            failure, total = error, total + MOST_ITERATIONS
            factor = min(factor**0.5, LARGEST_FACTOR)
            if factor < SMALLEST_FACTOR:
                raise failure from None
            continue
        x, reached, total = found, aim, total + iterations
        factor = min(factor**1.5, LARGEST_FACTOR)
        mean = equilibrium.geometry.fields(x).mean_current
        if not 0.0 < mean < HIGHEST * blocked_current:
            raise none_in_range(HIGHEST * blocked_current, equilibrium.geometry.length)
    return Solution(equilibrium, x, total)
