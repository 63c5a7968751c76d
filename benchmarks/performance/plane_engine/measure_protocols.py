"""CPU time of what the plane engine is used for: runs, the threshold, a ramp, and a cell that survives its cycles.

    OMP_NUM_THREADS=1 python benchmarks/performance/plane_engine/measure_protocols.py

Writes results/protocols.csv beside this file. Each is the time of the simulation alone, meshed and condensed anew:
neither imports nor the companion run, from which a run's errors come, are in it.
"""

import csv
import os
import tempfile
from pathlib import Path
from time import process_time

os.environ["LIFRAC_CACHE"] = "off"

import lifrac

PELLET = """
[electrolyte]
material = "Li6PS5Cl"
thickness = "700 um"
properties = { conductivity = "2.4 mS/cm", interface_resistance = "12 ohm*cm^2" }
[defect]
type = "edge_flaw"
length = "15 um"
aperture = "20 nm"
residual = 0.05
[operation]
temperature = "60 degC"
stack_pressure = "10 MPa"
[protocol]
stop_at = "crack_through"
[[protocol.steps]]
type = "ramp"
areal_capacity = "0.25 mAh/cm^2"
current_density = "0.1 mA/cm^2"
current_step = "0.1 mA/cm^2"
current_max = "10 mA/cm^2"
"""
"""The cell and the ramp of the ready study `li6ps5cl_die_ramp`."""
SURVIVOR = """
[electrolyte]
material = "LLZO"
thickness = "200 um"
properties = { conductivity = "0.5 mS/cm", fracture_energy = "6 J/m^2", exchange_current_density = "5.1 mA/cm^2" }
[defect]
type = "edge_flaw"
length = "20 um"
aperture = "20 nm"
residual = 0.05
[operation]
temperature = "25 degC"
stack_pressure = "1 MPa"
[protocol]
[[protocol.steps]]
type = "cycle"
current_density = "1 mA/cm^2"
areal_capacity = "0.1 mAh/cm^2"
cycles = 100
"""
"""The cell of `llzo_holds`, cycled a hundred times."""
Line = tuple[str, float, str]


def of_run(name: str, case: str | Path, until: str | None = None, *settings: str) -> list[Line]:
    """Run a case up to an event, or to its end."""
    start, steps = process_time(), 0
    simulation = lifrac.Simulation(lifrac.load_case(case, list(settings)))
    for step in simulation.steps():
        steps += 1
        if until is not None and any(event.name == until for event in step.report.events):
            break
    seconds = process_time() - start
    counters = simulation.cell.engine.counters
    return [
        (f"{name}: CPU time", seconds, "s"),
        (f"{name}: steps", steps, "-"),
        (f"{name}: steps refused", counters.rejected, "-"),
        (f"{name}: Newton iterations", counters.iterations, "-"),
    ]


def of_threshold() -> list[Line]:
    """Find the threshold of `llzo_runs_through`, with its derivatives and error."""
    case = lifrac.load_case("llzo_runs_through")
    start = process_time()
    lifrac.threshold(case)
    return [("threshold with derivatives, error and half-width: CPU time", process_time() - start, "s")]


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        pellet, survivor = Path(scratch) / "pellet.toml", Path(scratch) / "survivor.toml"
        pellet.write_text(PELLET)
        survivor.write_text(SURVIVOR)
        of_run("warm", "llzo_runs_through", "fracture")
        lines = of_run("llzo_runs_through to crack-through", "llzo_runs_through", "crack_through")
        lines += of_run("llzo_runs_through to the short circuit", "llzo_runs_through")
        lines += of_run("cohesive, to crack-through", "llzo_runs_through", "crack_through", "fracture.engine=cohesive")
        lines += of_threshold()
        lines += of_run("ramp of the die pellet to its first growth", pellet, "fracture")
        lines += of_run("ramp of the die pellet to crack-through", pellet)
        lines += of_run("100 cycles that are survived", survivor)
    target = Path(__file__).parent / "results" / "protocols.csv"
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("quantity", "value", "unit"))
        writer.writerows((name, f"{value:.4g}", unit) for name, value, unit in lines)
    for name, value, unit in lines:
        print(f"{name:60} {value:10.4g} {unit}")


if __name__ == "__main__":
    main()
