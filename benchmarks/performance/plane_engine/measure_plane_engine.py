"""Speed and memory of the plane engine, as ratios from one run.

`python benchmarks/performance/plane_engine/measure_plane_engine.py` measures them.

CPU time of this process is what counts (other work on the machine then matters little); run with
OMP_NUM_THREADS=1.
Writes results/results.csv beside this file.
"""

import csv
import gc
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import numpy as np

os.environ["LIFRAC_CACHE"] = "off"

from lifrac.meshes.geometries import gmsh_model
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.meshes.reader import read_mesh
from lifrac.problems.case.case import load_case
from lifrac.simulation import Simulation
from lifrac.solver.cell import Report
from lifrac.solver.cohesive.system import BulkSystem
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import StepControl
from lifrac.solver.plane.body import PlaneBody
from lifrac.solver.plane.bulk import Bulk
from lifrac.solver.plane.surface import gather_surface
from lifrac.solver.reference.monolithic_step import MonolithicSystem
from lifrac.verification.support.plane_runs import LLZO, condensed, llzo_cell, plane_engine
from mpi4py import MPI

THICKNESS = 200.0
STEPS = 10
INTERIOR = {"1e4": 2.05, "4e4": 1.0, "1.6e5": 0.49}
"""Name of a mesh -> element size inside the body [um]; the surface mesh is the same."""
Line = tuple[str, float, str, str]
"""Quantity, value, unit, target."""


def steps(body: PlaneBody, model: CohesiveModel, system: BulkSystem | None = None) -> Iterator[Report]:
    """Yield the accepted steps of a run."""
    yield from (step.report for step in Simulation.from_model(model, body, system=system).steps())


def timed(body: PlaneBody, count: int, system: BulkSystem | None = None) -> tuple[float, np.ndarray]:
    """CPU seconds per step, after one step to warm up, and the last state."""
    model = llzo_cell(StepControl(max_steps=count + 1, newton_tolerance=1.0e-11))
    run = steps(body, model, system)
    report = next(run)
    start = process_time()
    for report in run:  # noqa: B007
        pass
    return (process_time() - start) / count, report.state.values


def condensed_against_full() -> list[Line]:
    """Compare (a) time per step on the same steps, and how far the answers are apart."""
    body, _ = interior_mesh("1e4")
    condensed, expected = timed(body, STEPS)
    system = MonolithicSystem(body.bulk, LLZO.youngs_modulus, LLZO.conductivity)
    full, values = timed(body, STEPS, system)
    apart = float((np.abs(values - expected).max(axis=0) / np.abs(expected).max(axis=0)).max())
    share = system.seconds["inside"] / sum(system.seconds.values())
    return [
        ("(a) condensed, CPU time per step", condensed, "s", ""),
        ("(a) full monolithic, CPU time per step", full, "s", ""),
        ("(a) ratio", full / condensed, "-", ">= 10"),
        (
            "(a) ratio without what keeping the inside in equilibrium costs",
            full * (1 - share) / condensed,
            "-",
            ">= 10",
        ),
        ("(a) largest relative difference of any field", apart, "-", "<= 1e-8"),
    ]


def size_field(inside: float) -> str:
    """Element size: 2 um on the crack plane, growing to 8 um along the electrodes, `inside` in the body."""
    surface = "min(8,2+0.1*x)"
    distance = f"min(x,min(y,{THICKNESS}-y))"
    return f"{inside}+({surface}-{inside})*exp(-{distance}/3)"


def interior_mesh(name: str) -> tuple[PlaneBody, float]:
    """Return a square body of 200 um and the CPU seconds of its condensation.

    Its surface mesh does not depend on the size inside.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "body.msh"
        with gmsh_model.session() as gmsh:
            _draw(gmsh, size_field(INTERIOR[name]))
            gmsh.write(str(path))
        tagged = read_mesh(path, MPI.COMM_SELF)
    surface = gather_surface(tagged)
    bulk = Bulk(tagged, surface, LLZO.poisson_ratio, Loads(stack_pressure=1.0, lateral="free"))
    start = process_time()
    response = bulk.response()
    return PlaneBody(surface, bulk, response), process_time() - start


def _draw(gmsh: object, size: str) -> None:
    """Draw a rectangle with a point at the flaw's tip and the named groups."""
    model = gmsh.model  # type: ignore[attr-defined]
    corners = [(0, 0), (THICKNESS, 0), (THICKNESS, THICKNESS), (0, THICKNESS), (0, 20.0)]
    points = [model.geo.addPoint(x, y, 0) for x, y in corners]
    lines = [model.geo.addLine(a, b) for a, b in zip(points, [*points[1:], points[0]], strict=True)]
    face = model.geo.addPlaneSurface([model.geo.addCurveLoop(lines)])
    model.geo.synchronize()
    for group, members in (
        ("anode", lines[:1]),
        ("lateral", lines[1:2]),
        ("counter", lines[2:3]),
        ("crack_plane", lines[3:]),
    ):
        model.addPhysicalGroup(1, members, name=group)
    model.addPhysicalGroup(2, [face], name="electrolyte")
    field = model.mesh.field.add("MathEval")
    model.mesh.field.setString(field, "F", size)
    model.mesh.field.setAsBackgroundMesh(field)
    model.mesh.generate(2)


def bulk_nodes() -> list[Line]:
    """(b) Set-up and stepping against the number of bulk nodes, on one and the same surface mesh."""
    lines: list[Line] = []
    nodes, setups, paces = [], [], []
    for name in INTERIOR:
        body, setup = interior_mesh(name)
        nodes.append(body.bulk.dofs // 3)
        setups.append(setup)
        paces.append(timed(body, STEPS)[0])
        lines += [
            (f"(b) {name}: bulk nodes", nodes[-1], "-", ""),
            (f"(b) {name}: surface nodes", body.surface.size, "-", "the same"),
            (f"(b) {name}: condensation, CPU time", setup, "s", ""),
            (f"(b) {name}: CPU time per step", paces[-1], "s", ""),
        ]
    exponent = np.log(setups[-1] / setups[0]) / np.log(nodes[-1] / nodes[0])
    return [
        *lines,
        ("(b) exponent of condensation in nodes", float(exponent), "-", "<= 1.3"),
        ("(b) time per step, largest over smallest mesh", paces[-1] / paces[0], "-", "1"),
    ]


def resident() -> float:
    """Resident memory of this process [MiB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def whole_run() -> list[Line]:
    """(c) The ready case llzo_runs_through, 20 um flaw to short circuit through 200 um; (d) memory on the way."""
    case = load_case("llzo_runs_through")
    geometry, model = case.geometry(), case.engine_model()
    assert isinstance(geometry, SlabEdgeFlaw)
    start = process_time()
    body = condensed(geometry, model.electrolyte.poisson_ratio, model.loads)
    setup = process_time() - start
    simulation = Simulation.from_model(model, body)
    engine = plane_engine(simulation)
    start, memory = process_time(), []
    for _ in simulation.steps():
        if engine.counters.steps % 10 == 0:
            gc.collect()
            memory.append(resident())
    seconds = process_time() - start
    half, counters = len(memory) // 3, engine.counters
    growth = 1024.0 * (memory[-1] - memory[half]) / (10 * (len(memory) - 1 - half))
    return [
        ("(c) mesh and condensation, CPU time", setup, "s", ""),
        ("(c) flaw to short circuit, CPU time", seconds, "s", "< 30"),
        ("(c) outcome is short_circuit", float(engine.outcome == "short_circuit"), "-", "1"),
        ("(c) accepted steps", counters.steps, "-", ""),
        ("(c) rejected steps", counters.rejected, "-", ""),
        ("(c) Newton iterations per accepted step", counters.iterations / counters.steps, "-", ""),
        ("(d) resident memory at a third of the run", memory[half], "MiB", ""),
        ("(d) its growth per step after that", growth, "KiB", "0"),
    ]


def main() -> None:
    lines = [*whole_run(), *bulk_nodes(), *condensed_against_full()]
    folder = Path(__file__).resolve().parent / "results"
    folder.mkdir(exist_ok=True)
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("quantity", "value", "unit", "target"))
        writer.writerows((q, f"{v:.4g}", u, t) for q, v, u, t in lines)
    for quantity, value, unit, target in lines:
        print(f"{quantity:66s} {value:12.4g} {unit:4s} {target}")
    print(f"Python {platform.python_version()}, {platform.machine()}, one core", file=sys.stderr)


if __name__ == "__main__":
    main()
