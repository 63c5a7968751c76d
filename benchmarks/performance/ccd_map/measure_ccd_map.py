"""Speed of `lifrac ccd`: `python benchmarks/performance/ccd_map/measure_ccd_map.py`.

(a) CCD(Q) at one temperature and pressure, placed from the threshold; (b) the ready study llzo_map, 4 x 4 in
temperature and pressure. Both on two ranks, from start to exit, with nothing condensed beforehand. Wall time needs a
machine that does nothing else; CPU time, and how it is spent, tell the same on a busy one.
Writes results/results.csv beside this file. The overhead of `lifrac sweep` is measured in benchmarks/performance/sweep.
"""

import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
RANKS = 2
Line = tuple[str, float, str, str]
"""Quantity, value, unit, target."""


def lifrac(study: str, out: Path, ranks: int = RANKS) -> tuple[float, float]:
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


def measured(study: str, out: Path, label: str, target: str) -> list[Line]:
    """Wall and CPU time of a study, the time of its thresholds and runs, and how many there are."""
    wall, cpu = lifrac(study, out)
    runs, rows = pd.read_csv(out / "runs.csv"), pd.read_csv(out / "ccd.csv")
    thresholds = pd.read_csv(out / "threshold.csv")
    summaries = [json.loads((out / "points" / key / "summary.json").read_text()) for key in thresholds["point"]]
    steps = int(runs["steps"].sum())
    width = (rows["ccd_upper_mA_per_cm2"] / rows["ccd_lower_mA_per_cm2"]).median()
    return [
        (f"{label}, {RANKS} ranks, wall time with start-up", wall, "s", target),
        (f"{label}, CPU time", cpu, "s", ""),
        (f"{label}, wall time of its thresholds, summed", sum(each["wall_time_s"] for each in summaries), "s", ""),
        (f"{label}, wall time of its runs, summed", float(runs["wall_time_s"].sum()), "s", ""),
        (f"{label}, conditions", len(thresholds), "-", ""),
        (f"{label}, runs", len(runs), "-", ""),
        (f"{label}, accepted steps of all runs", steps, "-", ""),
        (f"{label}, rows of ccd.csv", len(rows), "-", ""),
        (f"{label}, upper over lower, median", float(width), "-", ""),
        (f"{label}, numerical error of the rows, median", float(rows["ccd_error"].median()), "-", ""),
        (f"{label}, runs in which the numerics failed", int(runs["reason"].notna().sum()), "-", "0"),
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        curve = measured(str(HERE / "curve.toml"), Path(folder) / "curve", "(a) CCD(Q)", "< 10")
        lines = [*curve, *measured("llzo_map", Path(folder) / "map", "(b) 4 x 4 map", "< 90")]
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
