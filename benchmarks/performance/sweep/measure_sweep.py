"""Measures the cost of the engine of a sweep, and what three kills do to its table.

Run `python benchmarks/performance/sweep/measure_sweep.py`.

24 points. CPU time of everything that was started is what counts (other work on the machine then matters little).
Writes results/overhead.csv, results/kills.csv and results/points.csv beside this file.
"""

import csv
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parent
SWEEP = "llzo_24"
SMALLER = ["--set", 'mesh.crack_size="1 um"', "--set", 'protocol.areal_capacity="0.05 mAh/cm^2"']
POINTS, KILLS, SEED = 24, 3, 3
MOST_OVERHEAD = 2.0
"""Bound of the cost of the engine per point [s]."""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "LIFRAC_CACHE": "off"}
"""No cache of condensations, so that every pass does the same work."""
PYTHON = [sys.executable, "-c"]


def sweep(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    code = "import sys; from lifrac.problems.cli.main import main; sys.exit(main())"
    command = [*PYTHON, code, "sweep", SWEEP, "--out", str(folder), *SMALLER, *options]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL)


@dataclass(frozen=True)
class Cost:
    """Time of a process and all it has started [s]."""

    wall: float
    cpu: float


def timed(process: subprocess.Popen[bytes], before: float) -> Cost:
    """Wait for a process that was started just now; `before` is the CPU time of earlier ones."""
    begun = time.monotonic()
    if process.wait() != 0:
        raise SystemExit(f"exit code {process.returncode}: {process.args}")
    return Cost(time.monotonic() - begun, cpu_of_children() - before)


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def python(code: str, folder: Path | None = None) -> Cost:
    before = cpu_of_children()
    return timed(subprocess.Popen([*PYTHON, code], cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL), before)


def whole(folder: Path, *options: str) -> Cost:
    before = cpu_of_children()
    return timed(sweep(folder, *options), before)


def events(folder: Path) -> dict[str, list[Mapping[str, str]]]:
    logs = (folder / "logs").glob("*.jsonl")
    return {log.stem: [json.loads(line) for line in log.read_text().splitlines()] for log in logs}


def starts(folder: Path) -> dict[str, int]:
    return {name: [e["event"] for e in found].count("start") for name, found in events(folder).items()}


def finished(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every finished point's summary: both change if it is written again."""
    paths = (folder / "points").glob("[!.]*/summary.json")
    return {path.parent.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def kill(process: subprocess.Popen[bytes]) -> int:
    """SIGKILL to the process and everything below it; how many there were."""
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for each in tree:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(tree, timeout=30)
    process.wait()
    return len(tree)


def overhead(folder: Path) -> list[dict[str, object]]:
    """CPU time of sweeps beyond that of the same points in one process."""
    load = python("import lifrac.problems.studies.executors.job")
    reference = folder / "reference"
    whole(reference, "--prepare", "--set", f"sweep.points_per_job={POINTS}")
    compute = "from pathlib import Path; from lifrac.problems.studies.executors.job import compute_job; import sys; "
    points = python(compute + 'sys.exit(compute_job(Path(), "job00001"))', reference).cpu - load.cpu
    whole(reference)
    rows = []
    for size in (1, 4):
        jobs = POINTS // size
        found = whole(folder / f"jobs_of_{size}", "--cores", "2", "--set", f"sweep.points_per_job={size}")
        extra = found.cpu - points
        if table(folder / f"jobs_of_{size}") != table(reference):
            raise SystemExit("the table depends on points_per_job")
        rows.append(
            {
                "points_per_job": size,
                "points": POINTS,
                "cpu_s": round(found.cpu, 2),
                "cpu_of_points_s": round(points, 2),
                "overhead_per_point_s": round(extra / POINTS, 3),
                "of_that_starting_lifrac_s": round(load.cpu * jobs / POINTS, 3),
                "of_that_engine_s": round((extra - load.cpu * jobs) / POINTS, 3),
                "wall_s": round(found.wall, 1),
                "load_of_the_machine": round(os.getloadavg()[0], 1),
            }
        )
    return rows


def table(folder: Path) -> bytes:
    return (folder / "sweep.csv").read_bytes()


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open() as file:
        return list(csv.DictReader(file))


def same(mine: Sequence[Mapping[str, str]], theirs: Sequence[Mapping[str, str]]) -> bool:
    """Whether two tables are the same but for rounding: a run that was killed goes on from its checkpoint."""
    errors = [name for name in theirs[0] if name.endswith("_error")]
    pairs = [(a[name], b[name]) for a, b in zip(mine, theirs, strict=True) for name in b if name not in errors]
    return all(a == b or math.isclose(float(a), float(b), rel_tol=1.0e-9, abs_tol=1.0e-12) for a, b in pairs)


def kills(folder: Path, undisturbed: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return a sweep whose processes are all killed three times at random, and its points."""
    chance, options = random.Random(SEED), ("--cores", "2", "--set", "sweep.points_per_job=2")
    known: dict[str, tuple[int, int]] = {}
    counts: dict[str, int] = {}
    rows: list[dict[str, object]] = []
    for number in range(1, KILLS + 2):
        process = sweep(folder, *options)
        if number <= KILLS:
            goal, delay = len(known) + chance.randint(1, 6), chance.uniform(0.0, 3.0)
            while len(finished(folder)) < goal and process.poll() is None:
                time.sleep(0.01)
            time.sleep(delay)
            processes = kill(process)
        elif process.wait() != 0:
            raise SystemExit(f"exit code {process.returncode}")
        now, begun = finished(folder), starts(folder)
        again = [n for n in known if begun[n] != counts[n] or now.get(n) != known[n]]
        begun_now = sum(begun.values()) - sum(counts.values())
        rows.append(
            {
                "invocation": number,
                "processes_killed": processes if number <= KILLS else 0,
                "finished_before": len(known),
                "finished_after": len(now),
                "begun": begun_now,
                "lost": begun_now - (len(now) - len(known)),
                "finished_ones_computed_again": len(again),
            }
        )
        known, counts = now, begun
    rows[-1]["table_same"] = same(rows_of(folder), rows_of(undisturbed))
    with (folder / "sweep.csv").open() as file:
        points = [
            {
                "number": row["number"],
                "point": row["point"],
                "starts": counts[row["point"]],
                "outcome": row["outcome"],
                "charge_mAh_per_cm2": row["charge_mAh_per_cm2"],
            }
            for row in csv.DictReader(file)
        ]
    return rows, points


def write(name: str, rows: Sequence[Mapping[str, object]]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    (HERE / "results").mkdir(exist_ok=True)
    with (HERE / "results" / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(name)
    for row in rows:
        print("   ", ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        costs = overhead(folder)
        write("overhead.csv", costs)
        rows, points = kills(folder / "killed", folder / "jobs_of_1")
        write("kills.csv", rows)
        write("points.csv", points)
    bad = [row for row in rows if row["finished_ones_computed_again"]]
    slow = [cost for cost in costs if float(str(cost["of_that_engine_s"])) > MOST_OVERHEAD]
    if bad or slow or not rows[-1]["table_same"]:
        raise SystemExit("not as it should be")


if __name__ == "__main__":
    main()
