"""Speed and memory of the phase-field engine.

Run `python benchmarks/performance/phase_field/measure_phase_field.py [PART ...]`.

Parts: `peer` (ratios to phasefieldx 0.4.1 on notched plates; it is installed beside the results, in a folder of its
own), `fine` and `equal` (the same at equal accuracy: meshes that follow the crack), `scaling` (time per sweep and
memory against size), `ranks` (two against one), `penny` (3D). Default: all.
Each measurement is a process of its own; run with OMP_NUM_THREADS=1. Writes results/PART.csv beside this file.
"""

import csv
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import curves  # beside this file, as the next one
import numpy as np
import peer_run
import ufl
from dolfinx import fem, mesh
from dolfinx.fem import petsc as fem_petsc
from lifrac.solver.phase_field.outer_loop import LoopControl
from lifrac.verification.phase_field.notched import SHEAR, TENSION, Loading, Plate, grid
from mpi4py import MPI
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
LOADINGS = {"tension": TENSION, "shear": SHEAR}
LENGTH = 15.0
"""l of the plates that the peer breaks as well [um]."""
PLATES = {"tension": (4.0, np.linspace(0.0, 7.0, 71)), "shear": (7.5, np.linspace(0.0, 15.0, 21))}
"""Cell size [um], and displacements of the upper edge [um]: 26,800 and 23,200 dofs."""
REPEATS = int(os.environ.get("REPEATS", "3"))
"""Repetitions of each run of `ranks`."""
FINE = {"tension": 2.0, "shear": 3.75}
"""Cell size [um] of the solutions that errors are measured against: l/h = 7.5 and 4."""
FOLLOWED = {"tension": 7.5, "shear": 7.5}
"""Cell size [um] of the meshes that follow a crack."""
TOLERANCE = 1.0e-5
"""Bound of the change of d in a sweep: of the largest nodal one here, of the L2 norm (of u as well) in the peer."""
CELLS = (4.7, 3.2, 2.2, 1.5, 1.05, 0.64)
"""Cell sizes of the plates of `scaling` [um]: 5e4, 1e5, ... 8e5, 2e6 dofs."""
BANDWIDTH_CELLS = 400
"""Along the edge of the square whose matrix (3.2e5 dofs, 50 MB) measures the memory."""
Floats = NDArray[np.float64]
Line = tuple[str, float, str, str]
"""Quantity, value, unit, target."""


# What runs in processes of their own


def plate(loading: str, cell: float | None = None) -> dict[str, Any]:
    """CPU time of a whole loading, set-up included, once all forms are compiled."""
    usual, displacements = PLATES[loading]
    cell = cell or usual
    control = LoopControl(damage_tolerance=TOLERANCE)
    Plate.gridded(MPI.COMM_SELF, LOADINGS[loading], LENGTH, cell, control).move(0.0)
    start = process_time()
    body = Plate.gridded(MPI.COMM_SELF, LOADINGS[loading], LENGTH, cell, control)
    rows = [body.move(float(moved)) for moved in displacements]
    return {
        "cpu_s": process_time() - start,
        "sweeps": sum(found.sweeps for _, found in rows),
        "forces": [force for force, _ in rows],
        "dofs": _dofs(body),
    }


def stretch(cell: float, preset: str) -> dict[str, Any]:
    """Seconds per sweep of a plate pulled close to its peak in one step, on all ranks together; memory of this rank.

    Half of the plate has fine cells, as if the path were not known.
    """
    comm, control = MPI.COMM_WORLD, LoopControl()
    loading = Loading(1, TENSION.split, np.inf)
    body = Plate.gridded(comm, loading, 3.0 * cell, cell, control, preset)  # type: ignore[arg-type]
    peak = 5.0 * np.sqrt(3.0 * cell / LENGTH)
    body.move(0.25 * peak)
    comm.Barrier()
    wall, cpu = perf_counter(), process_time()
    sweeps = sum(body.move(share * peak)[1].sweeps for share in (0.5, 0.75))
    comm.Barrier()
    return {
        "dofs": _dofs(body),
        "sweeps": sweeps,
        "wall_s": (perf_counter() - wall) / sweeps,
        "cpu_s": comm.allreduce(process_time() - cpu, op=MPI.SUM) / sweeps,
        "bytes": comm.allreduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0, op=MPI.SUM),
        "preset": body.solver.displacement.preset,
    }


def follow(loading: str, cell: float) -> dict[str, Any]:
    """Return the same on a mesh that follows the crack."""
    from followed import Followed, follow  # beside this file

    what = Followed(LOADINGS[loading], LENGTH, cell)
    return follow(what, PLATES[loading][1].tolist(), LoopControl(damage_tolerance=TOLERANCE))


def penny(nodes: int) -> dict[str, Any]:
    """Return a pressurised half-penny crack in 3D with so many nodes, at rest and grown."""
    from penny import half_penny  # beside this file

    return half_penny(nodes)


def alone_or_not() -> dict[str, Any]:
    """Seconds of a product of the matrix of elasticity with a vector, each rank with a whole matrix of its own.

    With two ranks they share the memory and nothing else: 2 (time alone)/(time together) is what the machine permits.
    """
    msh = mesh.create_unit_square(MPI.COMM_SELF, BANDWIDTH_CELLS, BANDWIDTH_CELLS)
    space = fem.functionspace(msh, ("Lagrange", 1, (2,)))
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    matrix = fem_petsc.assemble_matrix(fem.form(ufl.inner(ufl.grad(u) + ufl.grad(u).T, ufl.grad(v)) * ufl.dx))
    matrix.assemble()
    x, y = matrix.createVecs()
    x.set(1.0)
    MPI.COMM_WORLD.Barrier()
    start = perf_counter()
    for _ in range(400):
        matrix.mult(x, y)
    taken = (perf_counter() - start) / 400.0
    return {"wall_s": MPI.COMM_WORLD.allreduce(taken, op=MPI.MAX), "dofs": x.size}


def _dofs(body: Plate) -> int:
    return 3 * int(body.state.damage.function_space.dofmap.index_map.size_global)


WORKERS = {"plate": plate, "follow": follow, "stretch": stretch, "penny": penny, "alone_or_not": alone_or_not}


def worker(name: str, arguments: str) -> None:
    found = WORKERS[name](*json.loads(arguments))
    if MPI.COMM_WORLD.rank == 0:
        print("FOUND " + json.dumps(found), flush=True)


def measure(name: str, *arguments: object, ranks: int = 1) -> dict[str, Any]:
    """Run a worker and take what it says."""
    command = [sys.executable, str(Path(__file__).resolve()), "worker", name, json.dumps(arguments)]
    if ranks > 1:
        mpiexec = Path(sys.executable).parent / "mpiexec"
        command = [str(mpiexec) if mpiexec.exists() else "mpiexec", "-n", str(ranks), *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=7200)
    for line in done.stdout.splitlines():
        if line.startswith("FOUND "):
            print(f"{name} {arguments} on {ranks}: {line[6:200]}", file=sys.stderr, flush=True)
            return dict(json.loads(line[6:]))
    raise RuntimeError(f"{name} {arguments} ended with {done.returncode}: {done.stderr[-2000:]}")


# Parts


def against_peer() -> Iterator[list[Line]]:
    """Compare CPU times on the same mesh with the same steps and tolerance.

    Yields what is known after each step of the peer.
    """
    done: list[Line] = []
    for loading, (cell, displacements) in PLATES.items():
        ours = measure("plate", loading)
        for theirs in _peer(loading, cell, displacements):
            lines = _compared(loading, ours, theirs)
            _write_curves(loading, displacements, ours, theirs)
            yield [*done, *lines]
        done += lines


def _peer(loading: str, cell: float, displacements: Floats) -> Iterator[peer_run.Found]:
    mesh = grid(LOADINGS[loading], LENGTH, cell)
    yield from peer_run.run(mesh, loading, LENGTH, displacements.tolist(), TOLERANCE)


def _compared(loading: str, ours: dict[str, Any], theirs: peer_run.Found) -> list[Line]:
    """Return where the peer was stopped its CPU time is a lower bound, and so is the ratio."""
    bound = "" if theirs.complete else f" (lower bound: {len(theirs.forces)} of {theirs.steps} steps done)"
    return [
        (f"{loading}: dofs", ours["dofs"], "-", ""),
        (f"{loading}: lifrac, CPU time", ours["cpu_s"], "s", ""),
        (f"{loading}: lifrac, sweeps", ours["sweeps"], "-", ""),
        (f"{loading}: {peer_run.PEER}, CPU time{bound}", theirs.seconds[-1], "s", ""),
        (f"{loading}: {peer_run.PEER}, sweeps{bound}", sum(theirs.sweeps), "-", ""),
        (f"{loading}: ratio of CPU times{bound}", theirs.seconds[-1] / ours["cpu_s"], "-", ">= 5"),
        (f"{loading}: lifrac, peak force", max(ours["forces"]), "N/mm", ""),
        (f"{loading}: {peer_run.PEER}, peak force{bound}", max(theirs.forces), "N/mm", ""),
    ]


def _write_curves(loading: str, displacements: Floats, ours: dict[str, Any], theirs: peer_run.Found) -> None:
    """Write the forces of both after each step that the peer has done, and what it took so far."""
    columns = {
        "displacement_um": displacements.tolist(),
        "lifrac_N_mm": ours["forces"],
        "peer_N_mm": theirs.forces,
        "peer_cpu_s": theirs.seconds,
        "peer_sweeps": theirs.sweeps,
    }
    curves.write(RESULTS / f"peer_{loading}.csv", columns)


def fine_solutions() -> Iterator[list[Line]]:
    """Yield the plates on fine uniform meshes: what `equal` measures errors against."""
    lines: list[Line] = []
    for loading, cell in FINE.items():
        run = measure("plate", loading, cell)
        columns = {"displacement_um": PLATES[loading][1].tolist(), "force_N_mm": run["forces"]}
        curves.write(RESULTS / f"fine_{loading}.csv", columns)
        lines += [
            (f"{loading}: dofs", run["dofs"], "-", ""),
            (f"{loading}: l over h", LENGTH / cell, "-", ""),
            (f"{loading}: peak force", max(run["forces"]), "N/mm", ""),
        ]
        yield lines


def equal_accuracy() -> Iterator[list[Line]]:
    """Meshes that follow the crack against the peer (as `peer` left it), both against the fine solutions."""
    lines: list[Line] = []
    for loading, cell in FOLLOWED.items():
        displacements = PLATES[loading][1]
        exact = curves.read(RESULTS / f"fine_{loading}.csv")["force_N_mm"]
        theirs = curves.read(RESULTS / f"peer_{loading}.csv")
        ours = measure("follow", loading, cell)
        lines += [
            (f"{loading}: lifrac, l over h", LENGTH / cell, "-", ""),
            (f"{loading}: lifrac, dofs at the end", ours["dofs"], "-", ""),
        ]
        seconds = {"lifrac": ours["cpu_s"], peer_run.PEER: theirs["peer_cpu_s"][-1]}
        for name, forces in (("lifrac", ours["forces"]), (peer_run.PEER, theirs["peer_N_mm"])):
            error = curves.distance(displacements, forces, exact)
            lines += [
                (f"{loading}: {name}, error of the peak force", error.peak, "-", ""),
                (f"{loading}: {name}, error of the curve", error.curve, "-", ""),
                (f"{loading}: {name}, CPU time", seconds[name], "s", ""),
            ]
        lines.append((f"{loading}: ratio of CPU times", seconds[peer_run.PEER] / ours["cpu_s"], "-", ">= 10"))
        yield lines


def scaling() -> Iterator[list[Line]]:
    """Time per sweep and memory of the multigrid preset. Yields what is known after each size."""
    runs: list[dict[str, Any]] = []
    for cell in CELLS[: int(os.environ.get("SIZES", len(CELLS)))]:
        runs.append(measure("stretch", cell, "multigrid"))
        yield [*(line for run in runs for line in _of_size(run)), *_growth(runs)]


def _of_size(run: dict[str, Any]) -> list[Line]:
    name = f"{run['dofs']:.3g} dofs"
    return [
        (f"{name}: CPU time per sweep", run["cpu_s"], "s", ""),
        (f"{name}: sweeps of two steps", run["sweeps"], "-", ""),
        (f"{name}: memory per dof", run["bytes"] / run["dofs"], "B", "< 3000"),
    ]


def _growth(runs: list[dict[str, Any]]) -> list[Line]:
    """From the smallest to the largest size so far."""
    if len(runs) < 2:
        return []
    size, pace = (np.log([run[key] for run in runs]) for key in ("dofs", "cpu_s"))
    added = (runs[-1]["bytes"] - runs[0]["bytes"]) / (runs[-1]["dofs"] - runs[0]["dofs"])
    return [
        ("exponent of the time per sweep in dofs", float(np.polyfit(size, pace, 1)[0]), "-", "<= 1.15"),
        ("memory per dof added, largest over smallest mesh", added, "B", "< 3000"),
    ]


def two_ranks() -> Iterator[list[Line]]:
    """Wall time per sweep of one rank over that of two: only on a quiet machine a figure of the code.

    The least of some repeats, one rank and two in turn: a virtual machine loses its cores now and then.
    """
    one, two = _in_turn("alone_or_not")
    lines: list[Line] = [
        ("products in the same time by two ranks, each with a matrix of its own", 2.0 * one / two, "-", ""),
    ]
    yield lines
    bodies: dict[str, tuple[str, *tuple[object, ...]]] = {
        "2D, multigrid, 1.6e5 dofs": ("stretch", 2.5, "multigrid"),
        "2D, multigrid, 4.0e5 dofs": ("stretch", 1.5, "multigrid"),
        "3D, multigrid, 2.4e5 dofs": ("penny", 60_000),
        "2D, direct, 1.6e5 dofs": ("stretch", 2.5, "direct"),
    }
    for body, (worker_name, *arguments) in bodies.items():
        lines += _ranks_compared(body, *_in_turn(worker_name, *arguments))
        yield lines


def _in_turn(name: str, *arguments: object) -> tuple[float, float]:
    """Least wall time per sweep of one rank and of two."""
    runs = [[_wall(measure(name, *arguments, ranks=n)) for n in (1, 2)] for _ in range(REPEATS)]
    one, two = np.min(runs, axis=0)
    return float(one), float(two)


def _wall(run: dict[str, Any]) -> float:
    return float(run["wall time"][0] / run["sweeps"][0] if "wall time" in run else run["wall_s"])


def _ranks_compared(name: str, one: float, two: float) -> list[Line]:
    return [
        (f"{name}: wall time per sweep, one rank", one, "s", ""),
        (f"{name}: wall time per sweep, two ranks", two, "s", ""),
        (f"{name}: ratio", one / two, "-", ">= 1.8"),
    ]


def half_penny() -> Iterator[list[Line]]:
    """3D."""
    run = measure("penny", int(os.environ.get("NODES", 250_000)))
    yield [(name, value, unit, "") for name, (value, unit) in run.items()]


PARTS = {
    "peer": against_peer,
    "fine": fine_solutions,
    "equal": equal_accuracy,
    "scaling": scaling,
    "ranks": two_ranks,
    "penny": half_penny,
}


def write(part: str, lines: list[Line]) -> None:
    with (RESULTS / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("quantity", "value", "unit", "target"))
        writer.writerows((q, f"{v:.4g}", u, t) for q, v, u, t in lines)


def main(parts: list[str]) -> None:
    """Measure parts and write what is known whenever one knows more: a run that is stopped leaves that."""
    RESULTS.mkdir(exist_ok=True)
    for part in parts or PARTS:
        for lines in PARTS[part]():
            write(part, lines)
        for quantity, value, unit, target in lines:
            print(f"{quantity:66s} {value:12.4g} {unit:4s} {target}", flush=True)


if __name__ == "__main__":
    worker(*sys.argv[2:4]) if sys.argv[1:2] == ["worker"] else main(sys.argv[1:])
