"""The threshold current of a case, on two meshes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from lifrac.errors import InputError
from lifrac.meshes.builder import build
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import decided
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.case.plane_engines import Plane
from lifrac.problems.quantities import units as u
from lifrac.solver.front.body import REACH, FrontBody
from lifrac.solver.front.budget import toughness_budget
from lifrac.solver.front.closed_form import threshold_formula
from lifrac.solver.front.sensitivity import Adjoint, Sensitivity, length_sensitivity, sensitivities
from lifrac.solver.front.threshold import Solution, find_threshold, flaw_geometry, loads_ratio
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.physics.constants import AMPERE_PER_M2_PER_MA_PER_CM2
from lifrac.solver.plane.body import condense
from mpi4py import MPI
from numpy.typing import NDArray

from .meshing import make_mesh

Floats = NDArray[np.float64]
WEIGHTS_ERROR = 2.0e-3
"""Error of K on the meshes used here (check `front_weights`, 50 cells and more over the flaw)."""
FINE_REACH = 1.3
"""Length, in flaw lengths, up to which cells are as fine as along the flaw."""
MOUTH, MOUTH_CELL = 0.02, 0.125
"""Part of the flaw at its mouth with finer cells, and their size over that of the others: from stack pressure the
pressure rises within a fraction of a micrometre where lithium hardly flows."""
PATH_GROWTH = 0.1
"""Growth of the cells of the path beyond, per um."""
TEMPERATURE_STEP = 0.02
"""[K] of the difference in temperature."""


@dataclass(frozen=True)
class Threshold:
    """The threshold current of a flaw: below it the flaw holds for ever, at constant current.

    Attributes
    ----------
    current_density : float
        J* over the anode, on the finer mesh [A/m2].
    error : float
        Relative numerical error: the difference of the two meshes, and what the stress intensity is uncertain by; NaN
        on a mesh of the user's own, of which there is no finer one.
    by_mesh : tuple of float
        J* on each mesh, the coarse one first [A/m2].
    voltage : float
        Cell voltage at J* [V].
    loads_ratio : float
        K/K_Ic of the loads alone, without current.
    budget : Mapping
        Parts of K_Ic by what brings them, which add up to one (`lifrac.solver.front.budget`).
    closed_form : float
        J* of a blocked flaw in a half plane (`lifrac.solver.front.closed_form`) [A/m2].
    blocked : float
        The same in the body of the case [A/m2].
    sensitivities : tuple of Sensitivity
        Derivatives of J* by the numbers of the model, the most effective first; the temperature of the case as
        `operation.temperature`, through all material laws.
    depth, pressure, aperture, face_current : ndarray
        Distance from the mouth [um], pressure of the lithium [MPa], aperture [um] and current density on the faces
        [A/m2] along the flaw.
    iterations : int
        Of Newton's method on the finer mesh.
    wider : float
        J* with twice the half-width, the next flaw twice as far away [A/m2]; on the coarse mesh, so to be compared with
        the first of `by_mesh`. NaN where it was not asked for, and on a mesh of the user's own.
    """

    current_density: float
    error: float
    by_mesh: tuple[float, ...]
    voltage: float
    loads_ratio: float
    budget: Mapping[str, float]
    closed_form: float
    blocked: float
    sensitivities: tuple[Sensitivity, ...]
    depth: Floats
    pressure: Floats
    aperture: Floats
    face_current: Floats
    iterations: int
    wider: float = math.nan

    @property
    def milliamperes(self) -> float:
        """J* [mA/cm2]."""
        return self.current_density / AMPERE_PER_M2_PER_MA_PER_CM2

    @property
    def limited_by(self) -> str:
        """What brings most of K_Ic: a name of `budget`."""
        return max(self.budget, key=lambda part: self.budget[part])

    def sensitivity(self, name: str) -> Sensitivity:
        """Return the derivative by a number of the model, by its dotted name.

        Raises
        ------
        KeyError
            If the number has no part in the threshold.
        """
        for entry in self.sensitivities:
            if entry.name == name:
                return entry
        raise KeyError(name)


def threshold(case: Case | str | Path, comm: MPI.Comm | None = None) -> Threshold:
    """Return the threshold current of a case (collective on `comm`).

    Parameters
    ----------
    case : Case or str or Path
        From `lifrac.load_case`, or what that takes. Its protocol does not count, only its materials, flaw, loads,
        faces and temperature.
    comm : MPI.Comm, optional
        The ranks that mesh and condense; default: all.

    Raises
    ------
    InputError
        For a case that is not one of a plane crack in 2D. As `NoThreshold` where the loads alone crack the flaw, or no
        current does.
    NumericalFailure
        If no solution is found. On every rank alike.
    """
    case = case if isinstance(case, Case) else load_case(case)
    world = MPI.COMM_WORLD if comm is None else comm
    if not isinstance(case.file.engine, Plane):
        raise InputError(
            "the threshold is computed for a crack in the plane of its flaw",
            file=case.path,
            key="fracture.engine",
            value=case.file.fracture.engine,
            remedy='Write fracture.engine = "plane", with an edge flaw',
        )
    bodies, wide = threshold_bodies(case, world), wider_body(case, world)
    try:
        return decided(world, lambda: _with_wider(evaluated(case, bodies), case.cell(), wide))
    except InputError as error:
        error.file = error.file or str(case.path)
        raise


def _with_wider(found: Threshold, model: CellModel, wide: FrontBody | None) -> Threshold:
    if wide is None:
        return found
    return replace(found, wider=find_threshold(flaw_geometry(wide, model.flaw.length), model).current_density)


def wider_body(case: Case, comm: MPI.Comm) -> FrontBody | None:
    """Mesh and condense the body with twice the half-width (collective); None on a mesh of the user's own."""
    geometry = case.geometry()
    if not isinstance(geometry, SlabEdgeFlaw):
        return None
    geometry = replace(geometry, flaw_length=case.cell().flaw.length, half_width=2.0 * geometry.half_width)
    return _condensed(case, [build(mesh_around_flaw(geometry, 1.0), comm)])[0]


def threshold_bodies(case: Case, comm: MPI.Comm) -> list[FrontBody]:
    """Mesh and condense the body of a case, once and with half the cell size (collective).

    A mesh of the user's own is taken as it is.
    """
    model, geometry = case.cell(), case.geometry()
    if isinstance(geometry, SlabEdgeFlaw):
        geometry = replace(geometry, flaw_length=model.flaw.length)  # a node at the tip, whatever the engine asks for
        meshes = [build(mesh_around_flaw(geometry, factor), comm) for factor in (1.0, 0.5)]
    else:
        meshes = [make_mesh(case, comm)]
    return _condensed(case, meshes)


def _condensed(case: Case, meshes: list[TaggedMesh]) -> list[FrontBody]:
    model = case.cell()
    nu, reach = model.electrolyte.poisson_ratio, REACH * model.flaw.length
    bodies = [FrontBody(condense(mesh, nu, model.loads, case.bulk_solver), reach) for mesh in meshes]
    for body in bodies:
        body.electrode_areas  # noqa: B018 - forms are made on every rank alike
    return bodies


def mesh_around_flaw(geometry: SlabEdgeFlaw, factor: float) -> SlabEdgeFlaw:
    """Return the geometry with fine cells along the flaw only, and finer ones at its mouth; `factor`: on their size.

    Cells are those of the flaw, or twice those about its tip where these are finer.
    """
    size = factor * min([geometry.crack_size, *(2.0 * size for _, _, size in geometry.refine)])
    length = geometry.flaw_length
    last = min(FINE_REACH * length, geometry.thickness)
    mouth = (0.0, MOUTH * length, MOUTH_CELL * size)
    return replace(geometry, crack_size=size, refine=((0.0, last, size), mouth), path_growth=PATH_GROWTH)


def evaluated(case: Case, bodies: list[FrontBody]) -> Threshold:
    """Return the threshold of a case on bodies from coarse to fine, with everything that belongs to it."""
    model = case.cell()
    solutions: list[Solution] = []
    for body in bodies:
        coarser = solutions[-1] if solutions else None
        solutions.append(find_threshold(flaw_geometry(body, model.flaw.length), model, coarser))
    solution = solutions[-1]
    equilibrium, fields = solution.equilibrium, solution.fields
    found = [*sensitivities(solution), length_sensitivity(solution), temperature_sensitivity(case, solution)]
    found.sort(key=lambda each: -abs(np.nan_to_num(each.logarithmic)))
    by_mesh = tuple(each.current_density for each in solutions)
    return Threshold(
        current_density=solution.current_density,
        error=numerical_error(by_mesh, found),
        by_mesh=by_mesh,
        voltage=fields.voltage,
        loads_ratio=loads_ratio(equilibrium.geometry, model),
        budget=toughness_budget(solution),
        closed_form=threshold_formula(model),
        blocked=equilibrium.current_scale,
        sensitivities=tuple(found),
        depth=equilibrium.geometry.y,
        pressure=fields.pressure,
        aperture=equilibrium.aperture(fields.pressure),
        face_current=fields.current,
        iterations=solution.iterations,
    )


def numerical_error(by_mesh: tuple[float, ...], found: list[Sensitivity]) -> float:
    """Return the relative error of the last J*: of the mesh, and of the stress intensity by its effect on J*."""
    if len(by_mesh) < 2:
        return float("nan")
    by_energy = next(each.logarithmic for each in found if each.name == "electrolyte.fracture_energy")
    return abs(by_mesh[-1] / by_mesh[-2] - 1.0) + 2.0 * abs(by_energy) * WEIGHTS_ERROR


def temperature_sensitivity(case: Case, solution: Solution) -> Sensitivity:
    """Return the effect of the temperature of the case, through the laws of all its material properties."""
    t, step = case.temperature, TEMPERATURE_STEP
    change = Adjoint(solution).between(model_at(case, t - step), model_at(case, t + step)) or 0.0
    derivative = change / (2.0 * step)
    return Sensitivity("operation.temperature", t, derivative, derivative * t / solution.current_density)


def model_at(case: Case, temperature: float) -> CellModel:
    """Return the model of a case at another temperature [K]."""
    operation = case.file.operation.model_copy(update={"temperature": u.TEMPERATURE.internal(temperature)})
    return replace(case, file=case.file.model_copy(update={"operation": operation})).cell()
