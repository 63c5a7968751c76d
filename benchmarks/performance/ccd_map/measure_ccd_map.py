"""Speed of `lifrac ccd`, as ratios from one run: `python benchmarks/performance/ccd_map/measure_ccd_map.py`.

(a) CCD(Q) at one temperature and pressure from eight currents; (b) the ready study llzo_map, 4 x 4 in temperature and
pressure, on two ranks; (c) what the same eight runs would cost as separate runs with the full monolithic Newton method:
mesh and set-up of each, and their steps at the pace of one such run. Wall time needs a machine that does nothing else.
Writes results/results.csv beside this file. The overhead of `lifrac sweep` is measured in benchmarks/performance/sweep.
"""

import csv
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from time import process_time

import pandas as pd

HERE = Path(__file__).resolve().parent
RANKS = 2
RUN = 5
"""Which of the eight ascending currents is also run in full."""
Line = tuple[str, float, str, str]
"""Quantity, value, unit, target."""


def lifrac(study: str, out: Path, ranks: int = 1) -> tuple[float, float]:
    """Wall and CPU seconds of `lifrac ccd`, from start to exit, with nothing condensed beforehand."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "LIFRAC_CACHE": "off"}
    command = [str(Path(sys.executable).parent / "lifrac"), "ccd", study, "--out", str(out)]
    if ranks > 1:
        command = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks), *command]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - start, cpu


def curve(folder: Path) -> list[Line]:
    """Measure (a) and (c)."""
    wall, cpu = lifrac(str(HERE / "curve.toml"), folder / "curve")
    runs = pd.read_csv(folder / "curve" / "runs.csv")
    steps = int(runs["steps"].sum())
    setup, stepping, taken, nodes = monolithic()
    full = len(runs) * setup + steps * stepping / taken
    return [
        ("(a) CCD(Q), 8 currents, wall time with start-up", wall, "s", "< 90"),
        ("(a) the same, CPU time", cpu, "s", ""),
        ("(a) runs", len(runs), "-", "8"),
        ("(a) accepted steps of all runs", steps, "-", ""),
        ("(c) bulk nodes of the mesh", nodes, "-", ""),
        ("(c) one run with full monolithic Newton, CPU time per step", stepping / taken, "s", ""),
        ("(c) lifrac ccd, CPU time per step, everything included", cpu / steps, "s", ""),
        ("(c) every current as a separate full monolithic run, CPU time", full, "s", ""),
        ("(c) ratio to lifrac ccd", full / cpu, "-", ""),
    ]


def monolithic() -> tuple[float, float, int, int]:
    """One run with the full monolithic Newton method: CPU seconds of set-up and of stepping, steps, bulk nodes."""
    os.environ["LIFRAC_CACHE"] = "off"
    from lifrac.problems.run.meshing import make_mesh
    from lifrac.problems.studies.ccd.study import load_study
    from lifrac.simulation import Simulation
    from lifrac.solver.plane.body import condense
    from lifrac.solver.reference.monolithic_step import MonolithicSystem
    from mpi4py import MPI

    study = load_study(HERE / "curve.toml")
    point = study.driver.begin(study.conditions[0])[RUN].case
    start = process_time()
    tagged, model = make_mesh(point, MPI.COMM_SELF), point.engine_model()
    body = condense(tagged, model.electrolyte.poisson_ratio, model.loads)
    system = MonolithicSystem(body.bulk, model.electrolyte.youngs_modulus, model.electrolyte.conductivity)
    setup = process_time() - start
    simulation = Simulation.from_model(model, body, system=system)
    simulation.cell.first()
    start = process_time()
    simulation.run()
    return setup, process_time() - start, len(simulation.history) - 1, body.dofs // 3


def whole_map(folder: Path) -> list[Line]:
    """(b)."""
    wall, cpu = lifrac("llzo_map", folder / "map", RANKS)
    runs, table = pd.read_csv(folder / "map" / "runs.csv"), pd.read_csv(folder / "map" / "ccd.csv")
    return [
        (f"(b) 4 x 4 map in temperature and pressure, all Q, {RANKS} ranks, wall time", wall / 60.0, "min", "< 15"),
        ("(b) the same, CPU time", cpu / 60.0, "min", ""),
        ("(b) runs", len(runs), "-", ""),
        ("(b) rows of ccd.csv", len(table), "-", "64"),
        ("(b) runs in which the numerics failed", int(runs["reason"].notna().sum()), "-", "0"),
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = [*curve(Path(folder)), *whole_map(Path(folder))]
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    with (results / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("quantity", "value", "unit", "target"))
        writer.writerows((q, f"{v:.4g}", u, t) for q, v, u, t in lines)
    for quantity, value, unit, target in lines:
        print(f"{quantity:76s} {value:12.4g} {unit:4s} {target}")
    print(f"Python {platform.python_version()}, {platform.machine()}, two cores", file=sys.stderr)


if __name__ == "__main__":
    main()
