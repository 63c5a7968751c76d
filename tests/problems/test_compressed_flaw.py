"""An inclined flaw full of lithium under 200 MPa of lateral compression, from its case file."""

import numpy as np
from lifrac.problems.case.case import load_case
from lifrac.problems.run.meshing import make_mesh
from lifrac.solver.numerics.nodal import values_of
from lifrac.solver.phase_field.diagnostics import PhaseFieldDiagnostics
from lifrac.solver.phase_field.lithium.initial_fill import fill_flaw
from lifrac.solver.phase_field.problem import PhaseFieldProblem
from mpi4py import MPI

COARSE = ('fracture.length="2 um"', 'mesh.band_size="0.66 um"', "mesh.adaptive=false")


def test_the_metal_carries_the_compression_and_nothing_breaks() -> None:
    """K_II of the shear is 0.4 K_Ic: the flaw stands. The band had spread by a fifth of the flaw before."""
    case = load_case("llzo_inclined_200MPa", COARSE)
    problem = PhaseFieldProblem(make_mesh(case, MPI.COMM_SELF), case.engine_model())
    before = PhaseFieldDiagnostics(problem).surface()
    step = fill_flaw(problem, problem.state())
    assert step.sweeps <= 12
    length, angle = case.engine_model().flaw.length, np.radians(15.0)
    assert PhaseFieldDiagnostics(problem).surface() - before < 2.0e-3 * length
    x = problem.fields.damage.function_space.tabulate_dof_coordinates()
    inner = problem.cell.fill.connected & (x[:, 1] > 4.0) & (x[:, 1] < length * np.cos(angle) - 4.0)
    carried = 200.0 * np.cos(angle) ** 2 + 1.0 * np.sin(angle) ** 2
    assert np.abs(values_of(problem.cell.pressure)[inner] / carried - 1.0).max() < 0.01
