"""Runs in the peer's own environment: `python peer.py CASE.json`. Knows nothing of lifrac.

The case names the mesh (points in mm), the displacements of the upper edge [mm], loading and tolerance; written after
each step is `result.json`: CPU time since the start [s] without that of its energies and reactions for output, sweeps,
force [kN/mm] on the upper edge, a number per step done.
"""

import importlib.util
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from time import process_time

if importlib.util.find_spec("dolfinx_solver"):
    import dolfinx_solver  # noqa: F401  must come first

import basix.ufl
import dolfinx
import numpy as np
from mpi4py import MPI

# Two solvers that are not used here import it; it is no dependency and needs a compiler.
stub = types.ModuleType("scifem")
stub.BlockedNewtonSolver = object  # type: ignore[attr-defined]
sys.modules["scifem"] = stub

from phasefieldx.Element.Phase_Field_Fracture.Input import Input  # noqa: E402
from phasefieldx.Element.Phase_Field_Fracture.solver import solver_history  # noqa: E402


def main(case: dict) -> None:
    arrays = np.load(case["mesh"])
    element = basix.ufl.element("Lagrange", "triangle", 1, shape=(2,))
    msh = dolfinx.mesh.create_mesh(MPI.COMM_SELF, arrays["cells"].astype(np.int64), element, arrays["points"])
    u_space = dolfinx.fem.functionspace(msh, ("Lagrange", 1, (2,)))
    phi_space = dolfinx.fem.functionspace(msh, ("Lagrange", 1))
    shear = case["loading"] == "shear"
    data = Input(
        E=210.0,
        nu=0.3,
        Gc=0.0027,
        l=case["length"],
        degradation="anisotropic" if shear else "isotropic",
        split_energy="spectral" if shear else "no",
        irreversibility="miehe",
        k=1.0e-8,
        save_solution_vtu=False,
        results_folder_name="results",
    )

    def edge(axis: int, at: float, component: int) -> dolfinx.fem.DirichletBC:
        facets = dolfinx.mesh.locate_entities_boundary(msh, 1, lambda x: np.isclose(x[axis], at))
        part = u_space.sub(component)
        dofs = dolfinx.fem.locate_dofs_topological(part, 1, facets)
        return dolfinx.fem.dirichletbc(dolfinx.default_scalar_type(0.0), dofs, part)

    axis = 0 if shear else 1
    moved = edge(1, 1.0, axis)
    held = [moved, edge(1, 1.0, 1 - axis), edge(1, 0.0, 0), edge(1, 0.0, 1)]
    held += [edge(0, 0.0, 1), edge(0, 1.0, 1)] if shear else []

    output = Output()

    def run(steps: list[float], seconds: list[float]) -> None:
        start, output.seconds = process_time(), 0.0

        def update(conditions: list, time: float) -> tuple[float, float, float]:
            if time > 0.5:
                record(seconds, process_time() - start - output.seconds, 1 + axis)
            moved.g.value[...] = steps[round(time)]
            return 0.0, steps[round(time)], 0.0

        solver_history.solve(
            data,
            msh,
            len(steps) - 0.5,
            u_space,
            phi_space,
            held,
            [],
            update,
            dt=1.0,
            path=".",
            bcs_list_u_names=[f"bc{i}" for i in range(len(held))],
            min_stagger_iter=1,
            stagger_error_tol=case["tolerance"],
        )
        record(seconds, process_time() - start - output.seconds, 1 + axis)

    run([0.0], [])  # compiles its forms
    Path("result.json").unlink()
    run(case["displacements"], [])


class Output:
    """Adds up the CPU time [s] that goes into energies and reactions, which the peer evaluates after each step."""

    def __init__(self) -> None:
        self.seconds = 0.0
        for name in ("calculate_reaction_forces", "compute_total_energies", "calculate_crack_surface_energy"):
            setattr(solver_history, name, self._timed(getattr(solver_history, name)))

    def _timed(self, function: Callable) -> Callable:
        def timed(*arguments: object, **named: object) -> object:
            start = process_time()
            found = function(*arguments, **named)
            self.seconds += process_time() - start
            return found

        return timed


def record(seconds: list[float], now: float, column: int) -> None:
    """Add a step: what the peer's own files say of those done, in a file that is always whole."""
    seconds.append(now)
    convergence = np.loadtxt("results/phasefieldx.conv", comments="#", skiprows=1, ndmin=2)
    forces = np.loadtxt("results/bc0.reaction", comments="#", skiprows=1, ndmin=2)[:, column]
    sweeps = [int(n) for n in convergence[:, 1]]
    found = {"cpu_s": seconds, "sweeps": sweeps[: len(seconds)], "forces": forces[: len(seconds)].tolist()}
    Path("result.json.new").write_text(json.dumps(found))
    Path("result.json.new").replace("result.json")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
