"""Compare lifrac with published measurements: compute, tabulate, draw.

    python benchmarks/validation/compare_all.py                      # everything; an hour or so on two cores
    python benchmarks/validation/compare_all.py sharafi doux         # some
    python benchmarks/validation/compare_all.py --no-compute         # tables and figures from runs that exist

Every comparison is a folder: `data.csv` (what was measured, with citation and confidence), studies and sweeps (TOML)
and `compare_NAME.py`, which says what is computed and how it is compared. Results are written beside them
(`results.csv`, `figure.png`) and into the table of README.md. Runs go to `runs/validation` and are taken over where
they exist.
"""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
from book import Row, as_table, misfit
from lifrac.postprocess.figures.style import WIDTH, paper_style
from matplotlib.figure import Figure

HERE = Path(__file__).parent
NAMES = ("pressure_driven", "doux", "kasemchainan", "wang", "sharafi", "singh")
BEGIN, END = "<!-- table: made by compare_all.py -->", "<!-- end of table -->"


def load(name: str) -> ModuleType:
    """Return the module `compare_NAME.py` of a comparison."""
    spec = importlib.util.spec_from_file_location(f"compare_{name}", HERE / name / f"compare_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compute(module: ModuleType, name: str, out: Path, cores: int) -> None:
    """Run the studies and sweeps of a comparison with the command line, as a user would."""
    for command, file in module.RUNS:
        target = out / name / Path(file).stem
        line = [
            sys.executable,
            "-m",
            "lifrac.problems.cli.main",
            command,
            str(HERE / name / file),
            "--out",
            str(target),
        ]
        if command == "sweep":
            line += ["--cores", str(cores)]
        print(f"{name}: lifrac {command} {name}/{file}", flush=True)
        subprocess.run(line, check=True)


def compare(module: ModuleType, name: str, out: Path) -> list[Row]:
    """Rows of one comparison, with its table and figure written."""
    data = pd.read_csv(HERE / name / "data.csv")
    rows: list[Row] = module.rows(data, out / name)
    pd.DataFrame([row.as_dict() for row in rows]).to_csv(HERE / name / "results.csv", index=False, float_format="%.4g")
    with paper_style():
        figure = Figure(figsize=(WIDTH * 0.55, 3.0), layout="constrained")
        module.draw(figure.subplots(), data, rows, out / name)
        figure.savefig(HERE / name / "figure.png", dpi=150)
    return rows


def write_table(rows: dict[str, list[Row]]) -> None:
    """Put the table of all comparisons into README.md."""
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    readme.write_text(f"{head}{BEGIN}\n{as_table(rows)}\n{END}{tail}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--out", type=Path, default=Path("runs/validation"))
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--no-compute", action="store_true", help="use the runs that exist")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"no comparison {', '.join(unknown)}; there are {', '.join(NAMES)}")
    chosen = given.names or NAMES
    for name in chosen:
        module = load(name)
        if not given.no_compute:
            compute(module, name, given.out, given.cores)
        for row in compare(module, name, given.out):
            print(f"  {row.words()}")
    done = {
        name: [Row(**entry) for entry in pd.read_csv(HERE / name / "results.csv").to_dict("records")]
        for name in NAMES
        if (HERE / name / "results.csv").is_file()
    }
    write_table(done)
    print(misfit(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
