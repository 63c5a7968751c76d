"""All arrays of all stored states of the ready cases, in full, against their bounds; writes `fields.csv`.

    python benchmarks/robustness/fields.py [--runs FOLDER] [CASE ...]

Cases that FOLDER already holds are not computed again. Exit code 1: something is beyond its bounds.
"""

import argparse
import csv
import sys
from pathlib import Path

from lifrac.postprocess.read.field_file import FieldFile
from lifrac.problems.case.case import READY_CASES
from lifrac.problems.cli.main import main
from lifrac.verification.support.field_bounds import check_fields

STATES = 40
"""Stored of each run."""
TABLE = Path(__file__).with_suffix(".csv")


def computed(name: str, runs: Path) -> Path:
    """Return the run folder of a ready case, or of a case file."""
    folder = runs / Path(name).stem
    if not (folder / "summary.json").exists():
        overrides = (f"output.fields={STATES}", "output.plots=false")
        code = main(["run", name, "--out", str(folder), *(word for text in overrides for word in ("--set", text))])
        if code not in (0, 3):
            sys.exit(f"{name}: exit code {code}")
    return folder


def row(name: str, runs: Path) -> dict[str, object]:
    """One line of the table."""
    folder = computed(name, runs)
    checked = check_fields(folder)
    for excess in checked.excesses:
        print(f"{name}: {excess}")
    fields = FieldFile(folder / "fields.vtkhdf")
    return {
        "case": Path(name).stem,
        "states": checked.states,
        "arrays": len(fields.names),
        "points": len(fields.grid(-1).points),
        "beyond": len(checked.excesses),
        "aperture_used": f"{checked.used['aperture_um']:.3f}",
    }


def run() -> int:
    """Compute, check, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=sorted(path.stem for path in READY_CASES.glob("*.toml")))
    parser.add_argument("--runs", type=Path, default=Path("runs/robustness/fields"))
    parser.add_argument("--table", type=Path, default=TABLE)
    chosen = parser.parse_args()
    rows = []
    for name in chosen.cases:
        rows.append(row(name, chosen.runs))
        with chosen.table.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return int(any(line["beyond"] for line in rows))


if __name__ == "__main__":
    sys.exit(run())
