"""A bar that is pulled and damages all over: strength and softening of AT1 and AT2, with every split.

The bar is in plane strain and free on its sides, so E' = E/(1 - nu^2) takes the place of E. It is shorter than the
width of a crack, so that damage stays homogeneous past the peak as well.
"""

from pathlib import Path

import numpy as np
import ufl
from dolfinx import fem, mesh
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.fields import State
from lifrac.solver.phase_field.fracture.fracture_solver import FractureSolver
from lifrac.solver.physics.damage import AT1, AT2, DamageModel
from lifrac.solver.physics.splits import VOLUMETRIC_DEVIATORIC, NoSplit, Split, StarConvex
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.figures import against_exact
from lifrac.verification.support.plane_runs import Floats
from mpi4py import MPI

LENGTH, MODULUS, POISSON_RATIO, TOUGHNESS = 2.0, 150.0e3, 0.26, 6.0
"""l [um], E [MPa], nu, Gc [J/m2]."""
BAR = (2.0, 1.0)
"""Length and width [um]."""
PLANE_STRAIN_MODULUS = MODULUS / (1.0 - POISSON_RATIO**2)
SPLITS: dict[str, Split] = {
    "no split": NoSplit(),
    "volumetric-deviatoric": VOLUMETRIC_DEVIATORIC,
    "star-convex": StarConvex(),
}


def strength(model: DamageModel) -> float:
    """sqrt(3 E' Gc/(8 l)) of AT1, 9/16 sqrt(E' Gc/(3 l)) of AT2 [MPa]."""
    if isinstance(model, AT1):
        return float(np.sqrt(3.0 * PLANE_STRAIN_MODULUS * TOUGHNESS / (8.0 * model.length)))
    return float(9.0 / 16.0 * np.sqrt(PLANE_STRAIN_MODULUS * TOUGHNESS / (3.0 * model.length)))


def exact_stress(model: DamageModel, strain: Floats) -> Floats:
    """(1 - d)^2 E' e with d from dE/dd = 0: 1 - d = min(1, (e_c/e)^2) of AT1, 1/(1 + E' e^2 l/Gc) of AT2 [MPa]."""
    e = PLANE_STRAIN_MODULUS
    if isinstance(model, AT1):
        intact = np.minimum(1.0, (strength(model) / (e * strain)) ** 2)
    else:
        intact = 1.0 / (1.0 + e * strain**2 * model.length / TOUGHNESS)
    return np.asarray(intact**2 * e * strain)


def pull(model: DamageModel, split: Split, strains: Floats) -> Floats:
    """Mean stress of the bar [MPa] at each strain."""
    msh = mesh.create_rectangle(MPI.COMM_SELF, [(0.0, 0.0), BAR], [4, 2])
    state = State.on(msh)
    solid = Solid(MODULUS, POISSON_RATIO, TOUGHNESS, model, split)
    space = state.displacement.function_space
    end, zero = fem.Constant(msh, 0.0), fem.Constant(msh, 0.0)
    faces = ((0, 0.0, zero), (0, BAR[0], end), (1, 0.0, zero))
    held = []
    for axis, where, value in faces:
        facets = mesh.locate_entities_boundary(msh, 1, lambda x, a=axis, at=where: np.isclose(x[a], at))
        held.append(fem.dirichletbc(value, fem.locate_dofs_topological(space.sub(axis), 1, facets), space.sub(axis)))
    energy = Energy(solid)
    solver = FractureSolver(energy, state, held)
    mean = fem.form(energy.stress(state.displacement, state.damage)[0, 0] / (BAR[0] * BAR[1]) * ufl.dx)
    stresses = []
    for strain in strains:
        end.value = strain * BAR[0]
        solver.solve()
        state.commit()
        stresses.append(fem.assemble_scalar(mean))
    solver.destroy()
    return np.array(stresses)


@check(
    "damage_bar",
    engine="phase field",
    title="Phase field: strength of a homogeneous bar",
    source="docs/theory/exact_solutions.md, Diffuse cracks",
    quick=True,
)
def damage_bar(level: Level, folder: Path | None) -> list[Row]:
    """Peak stress and the whole curve, for AT1 and AT2 and three splits (all alike in tension)."""
    steps = 25 if level == "quick" else 121
    rows, exact, computed = [], {}, {}
    for name, model in (("AT1", AT1(LENGTH)), ("AT2", AT2(LENGTH))):
        peak = strength(model)
        at_peak = peak / PLANE_STRAIN_MODULUS * (1.0 if name == "AT1" else 16.0 / 9.0)
        strains = at_peak * np.linspace(0.4, 1.6, steps)
        for split_name, split in SPLITS.items():
            stress = pull(model, split, strains)
            worst = float(np.abs(stress - exact_stress(model, strains)).max() / peak)
            rows += [
                Row(f"{name}, {split_name}: peak stress", float(stress.max()), peak, 0.01, "MPa"),
                Row(f"{name}, {split_name}: worst stress on the curve over the peak", worst, 0.0, 1.0e-4, kind="below"),
            ]
        exact[name], computed[name] = (strains, exact_stress(model, strains)), (strains[::5], stress[::5])
    if folder is not None:
        against_exact(folder / "damage_bar.png", exact, computed, ("strain", "stress [MPa]"))
    return rows
