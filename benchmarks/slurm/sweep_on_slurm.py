"""A small sweep on a Slurm of one node, compared with the same one computed here.

Run `python benchmarks/slurm/sweep_on_slurm.py`.

Starts Slurm by with_slurm.sh (root), runs eight points with `--profile slurm` on one rank and on two, and compares.
Writes results.csv beside this file.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
LIFRAC = [sys.executable, "-c", "import sys; from lifrac.problems.cli.main import main; sys.exit(main())"]
UNDER_SLURM = ["sh", str(HERE / "with_slurm.sh")]
SWEEP = """
[sweep]
case = "llzo_holds"
points_per_job = 4
[sweep.grid]
"operation.stack_pressure" = ["1 MPa", "10 MPa"]
"protocol.current_density" = ["0.5 mA/cm^2", "1 mA/cm^2", "1.5 mA/cm^2", "2 mA/cm^2"]
[case.electrolyte]
thickness = "60 um"
[case.mesh]
crack_size = "1 um"
[case.protocol]
areal_capacity = "0.05 mAh/cm^2"
[case.output]
plots = false
fields = 1
"""
FIGURES = ("charge_mAh_per_cm2", "crack_length_um", "max_lithium_pressure_MPa", "cell_voltage_V")
TOLERANCE = 1.0e-6
"""Relative difference of figures between one rank and two: far above what rounding makes, far below the model's."""


def sweep(folder: Path, ranks: int, profile: str) -> tuple[list[dict[str, str]], float]:
    """Rows of the table, and the wall time."""
    file = folder / "sweep.toml"
    file.write_text(SWEEP)
    out = folder / f"{profile}_{ranks}"
    command = [*LIFRAC, "sweep", str(file), "--out", str(out), "--profile", profile, "--set", f"sweep.ranks={ranks}"]
    begun = time.monotonic()
    done = subprocess.run([*(UNDER_SLURM if profile == "slurm" else []), *command], timeout=900, check=False)
    if done.returncode != 0:
        log = out / "logs" / "snakemake.log"
        kept = Path(shutil.copy(log, tempfile.gettempdir())) if log.is_file() else None
        raise SystemExit(f"exit code {done.returncode}; Snakemake's log: {kept}")
    with (out / "sweep.csv").open() as table:
        rows = list(csv.DictReader(table))
    if profile == "slurm":
        submitted = re.findall(r"SLURM jobid ['\"]?(\d+)", (out / "logs" / "snakemake.log").read_text())
        print(f"jobs of Slurm: {', '.join(submitted)}", flush=True)
        if len(submitted) != 2:
            raise SystemExit("two jobs should have gone through Slurm")
    return rows, time.monotonic() - begun


def largest_difference(rows: list[dict[str, str]], others: list[dict[str, str]]) -> float:
    """Return the largest difference of all figures, relative to the larger one."""
    pairs = [(float(a[name]), float(b[name])) for a, b in zip(rows, others, strict=True) for name in FIGURES]
    return max(abs(a - b) / max(abs(a), abs(b), 1.0e-12) for a, b in pairs)


def main() -> None:
    results = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        here, _ = sweep(Path(name), 1, "local")
        for ranks in (1, 2):
            rows, seconds = sweep(Path(name), ranks, "slurm")
            results.append(
                {
                    "ranks": ranks,
                    "points": len(rows),
                    "finished": [row["status"] for row in rows].count("finished"),
                    "same_table_as_local": rows == here,
                    "largest_difference": f"{largest_difference(rows, here):.1e}",
                    "wall_s": round(seconds),
                }
            )
            print(results[-1], flush=True)
    with (HERE / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(results[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(results)
    if not results[0]["same_table_as_local"] or any(float(row["largest_difference"]) > TOLERANCE for row in results):
        raise SystemExit("not as it should be")


if __name__ == "__main__":
    main()
