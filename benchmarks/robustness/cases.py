"""Mutate ready cases and studies and look what becomes of each: right, warned of, refused, and never anything else.

python benchmarks/robustness/cases.py --count 2000 --runs 60
"""

import argparse
import csv
import io
import json
import math
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from lifrac.errors import InputError
from lifrac.problems.case.case import READY_CASES, Case, load_case
from lifrac.problems.case.own_mesh import read_own
from lifrac.problems.case.schema import CaseFile
from lifrac.problems.case.schema_tools import leaf_paths
from lifrac.problems.cli.printing import print_check
from lifrac.problems.studies.ccd.study import READY_STUDIES, load_study
from rich.console import Console

HERE = Path(__file__).parent
UNITS = (
    "um",
    "mm",
    "nm",
    "MPa",
    "GPa",
    "degC",
    "K",
    "mA/cm^2",
    "A/cm^2",
    "mAh/cm^2",
    "ohm*cm^2",
    "eV",
    "kJ",
    "eV/mol",
    "s",
    "h",
    "",
)
NUMBERS = (
    "0",
    "-1",
    "1e-30",
    "1e30",
    "1e300",
    "1e400",
    "nan",
    "inf",
    "0,5",
    "20",
    "1e-3",
    "1000",
    "1e6",
    "-0",
    "\u22125",
)
OTHERS: tuple[Any, ...] = (
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    [],
    ["20 um"],
    {},
    {"value": "1 um"},
    "",
    " ",
    "x" * 500,
    "\u00b5m",
    "plane",
    "phase_field",
    "die",
    "free",
    "half_penny",
    "pore",
    "none",
    "LLZO",
    "Li6PS5Cl",
    "lithium",
)
COARSE = ["mesh.crack_size=2 um", "output.plots=false", "output.fields=2", "solver.max_steps=12"]
PATIENCE = 20.0
"""Time [s] that a mutated file may take to be read and shown."""


class Late(Exception):
    """Something has taken too long."""


def texts() -> dict[str, str]:
    """Return the ready files by name."""
    paths = (path for folder in (READY_CASES, READY_STUDIES) for path in sorted(folder.glob("*.toml")))
    return {path.stem: path.read_text() for path in paths}


def leaves(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def put(table: dict[str, Any], key: str, value: Any) -> None:
    *above, last = key.split(".")
    for name in above:
        below = table.setdefault(name, {})
        if not isinstance(below, dict):
            return
        table = below
    table[last] = value


def get(table: Any, key: str) -> Any:
    for name in key.split("."):
        table = table.get(name) if isinstance(table, dict) else None
    return table


def nudged(value: Any, random_: random.Random) -> Any:
    """Return a stated quantity up to some thirty times larger or smaller: what may be meant."""
    number, _, unit = value.partition(" ") if isinstance(value, str) else (value, "", "")
    try:
        scaled = f"{float(number) * 10 ** random_.uniform(-1.5, 1.5):.4g}"
    except (TypeError, ValueError):
        return value
    return f"{scaled} {unit}" if isinstance(value, str) else type(value)(float(scaled))


def some_value(random_: random.Random) -> Any:
    kind = random_.random()
    if kind < 0.6:
        return f"{random_.choice(NUMBERS)} {random_.choice(UNITS)}".strip()
    if kind < 0.7:
        return f"{10 ** random_.uniform(-12, 12):.3g} {random_.choice(UNITS)}".strip()
    return random_.choice(OTHERS)


def mutated(text: str, random_: random.Random) -> str:
    """Return a file with one to three things changed."""
    if random_.random() < 0.12:
        return broken(text, random_)
    data = tomlkit.parse(text).unwrap()
    stated, known = list(leaves(data)), list(leaf_paths(CaseFile))
    nudge = random_.random() < 0.5
    for _ in range(random_.choice((1, 1, 2, 2, 3))):
        kind = random_.random()
        key = random_.choice(stated if kind < 0.5 else known)
        if kind > 0.93:
            key = key[:-1] + random_.choice("xyz_")  # a slip of the pen
        if nudge:
            key = random_.choice(stated)
            put(data, key, nudged(get(data, key), random_))
        elif 0.86 < kind < 0.93:
            put(data, key.split(".")[0], some_value(random_))
        else:
            put(data, key, some_value(random_))
    return tomlkit.dumps(data)


def broken(text: str, random_: random.Random) -> str:
    """Text that is damaged as such."""
    at = random_.randrange(len(text))
    change: list[Callable[[], str]] = [
        lambda: text[:at],
        lambda: text[:at] + random_.choice('[]="\\\x00\u00e9') + text[at:],
        lambda: text[:at] + text[at + 7 :],
        lambda: text + text,
        lambda: "[" * 500 + text,
        lambda: text.replace('"', "'"),
    ]
    return random_.choice(change)()


def look(path: Path, study: bool, mesh: bool = False) -> tuple[str, str, Case | None]:
    """Return what becomes of a file, and of its mesh: verdict, words, and the case if it was taken."""

    def late(number: int, frame: object) -> None:
        raise Late(f"more than {PATIENCE:g} s")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        if study:
            loaded = load_study(path)
            return ("warned of" if loaded.warnings else "right"), "", None
        case = load_case(path)
        raw = read_own(case)[0] if mesh else None
        print_check(case, Console(file=io.StringIO(), width=120), raw)
        load_text(case, path)
        numbers = case.dimensionless()
        odd = [name for name, value in numbers.items() if not math.isfinite(value)]
        if odd:
            return "wrong figure", ", ".join(odd), case
        return ("warned of" if case.warnings else "right"), "", case
    except InputError as error:
        return ("refused" if error.remedy or "problems" in error.message else "no remedy"), str(error)[:200], None
    except Late as error:
        return "hang", str(error), None
    except Exception:
        return "traceback", traceback.format_exc()[-600:], None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def load_text(case: Case, path: Path) -> None:
    """Check that the resolved case reads back to the same numbers."""
    again = path.with_name("again.toml")
    again.write_text(case.resolved_toml())
    if load_case(again).content_hash() != case.content_hash():
        raise AssertionError("the resolved case is another one")


def run(path: Path, folder: Path, overrides: Sequence[str] = COARSE) -> str:
    """Run a case that was taken, cut short; what is wrong with what it says."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    changes = [word for change in overrides for word in ("--set", change)]
    command = [
        sys.executable,
        "-m",
        "lifrac.problems.cli.main",
        "run",
        str(path),
        "--out",
        str(folder / "out"),
        *changes,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        return "hang"
    if done.returncode not in (0, 2, 3, 4) or "Traceback" in done.stderr:
        return f"exit code {done.returncode}: {done.stderr[-400:]}"
    if done.returncode == 2 or not (folder / "out" / "summary.json").exists():
        return ""
    found = json.loads((folder / "out" / "summary.json").read_text())
    odd = [name for name, value in found.items() if isinstance(value, float) and not math.isfinite(value)]
    odd += [name for name in ("charge_balance_error", "lithium_balance_error") if found[name] > 1.0e-6]
    return ", ".join(odd)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=2000)
    options.add_argument("--runs", type=int, default=0)
    options.add_argument("--seed", type=int, default=1)
    told = options.parse_args()
    random_, ready, found, bad = random.Random(told.seed), texts(), Counter[str](), []
    begun, runs = time.monotonic(), 0
    studies = {path.stem for path in READY_STUDIES.glob("*.toml")}
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(told.count):
            name = random_.choice(list(ready))
            folder = Path(temporary) / str(number)
            folder.mkdir()
            path = folder / "case.toml"
            path.write_bytes(mutated(ready[name], random_).encode("utf-8", "surrogateescape"))
            verdict, words, case = look(path, name in studies)
            plane = case is not None and case.file.fracture.engine == "plane" and len(case.cell().protocol) < 50
            if plane and runs < told.runs:
                runs += 1
                found["run"] += 1
                if trouble := run(path, folder):
                    verdict, words = "run went wrong", trouble
            found[verdict] += 1
            if verdict not in ("right", "warned of", "refused"):
                bad.append((number, name, verdict, words))
                print(number, name, verdict, words, path.read_text(errors="replace")[-400:], sep="\n", flush=True)
    with (HERE / "cases.csv").open("w", newline="") as file:
        rows = [("verdict", "files"), *sorted(found.items())]
        csv.writer(file).writerows(rows)
    print(dict(found), f"{time.monotonic() - begun:.0f} s, {len(bad)} bad")


if __name__ == "__main__":
    main()
