"""Runs the verification book: every registered check in order, one table, one file of figures."""

import csv
import difflib
import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lifrac.errors import InputError

from .book import REGISTRY, Check, Level, Row

if TYPE_CHECKING:
    from rich.console import Console

ROOMS = {
    "transport": (
        "constants",
        "cell_voltage",
        "voltage_hold",
        "current_focusing",
        "face_contact",
        "lost_contact",
        "diffuse_current",
    ),
    "plane": (
        "pressurised_crack",
        "front_weights",
        "rear_filled",
        "slot_creep",
        "growth",
        "threshold_growth",
        "threshold_equilibrium",
        "sharp_front",
        "near_tip",
        "energy_audit",
        "plane_accuracy",
        "assisted_toughness",
        "monolithic",
        "ccd_inversion",
        "closed_mouth",
        "fixture",
        "balances",
        "same_on_ranks",
    ),
    "phase_field": (
        "damage_bar",
        "surfing",
        "grain_boundary",
        "diffuse_crack",
        "diffuse_balances",
        "engines_agree",
        "compressed_flaw",
        "mixed_mode",
        "deflected_crack",
        "notched",
        "adaptive",
        "adaptive_lithium",
    ),
}
"""Modules that register checks, by the room they are in, in the order in which they run."""

COLUMNS = (
    "check",
    "engine",
    "level",
    "quantity",
    "unit",
    "value",
    "target",
    "kind",
    "error",
    "tolerance",
    "ok",
    "seconds",
    "note",
)


@dataclass(frozen=True)
class Outcome:
    """The rows of a check, and how long it took [s]."""

    check: Check
    rows: tuple[Row, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the check has rows and all of them hold."""
        return bool(self.rows) and all(row.ok for row in self.rows)


def load_checks() -> dict[str, Check]:
    """Import the modules of the book, which fills the registry."""
    for room, modules in ROOMS.items():
        for name in modules:
            importlib.import_module(f"lifrac.verification.{room}.{name}")
    return REGISTRY


def select(checks: dict[str, Check], quick: bool, only: str | None) -> list[Check]:
    """Return the checks to run; `only` runs whether it is quick or not.

    Raises
    ------
    InputError
        No check has that name.
    """
    if only is None:
        return [c for c in checks.values() if c.quick or not quick]
    if only in checks:
        return [checks[only]]
    near = difflib.get_close_matches(only, checks, n=1, cutoff=0.5)
    remedy = f"Did you mean {near[0]!r}?" if near else f"Choose one of: {', '.join(checks)}"
    raise InputError("no such check", key="--only", value=only, remedy=remedy)


def run_check(check: Check, level: Level, folder: Path | None) -> Outcome:
    """Run one check; numerics that fail give a row that fails, so that the other checks still run."""
    from lifrac.errors import NumericalFailure

    start = time.perf_counter()
    try:
        rows = tuple(check.run(level, folder))
    except NumericalFailure as error:
        rows = (Row(f"{check.name} did not finish", float("nan"), 0.0, 0.0, kind="absolute", note=str(error)),)
    return Outcome(check, rows, time.perf_counter() - start)


def main(quick: bool, only: str | None, out: Path | None, jobs: int = 1) -> int:
    """Run the book, print its table, write `verification.csv` and figures; 0 if every row holds, else 1.

    Parameters
    ----------
    quick : bool
        Coarse meshes, the checks that take seconds, no figures.
    only : str, optional
        Run just this check. Nothing is written then unless `out` is given; what a table there says of other checks
        stays, so that the book can be run in parts.
    out : Path, optional
        Folder to write to. Default: none for `quick` and `only`, otherwise `results` beside the book in a
        checkout, or `verification` in the working directory.
    jobs : int
        Number of checks that are computed at the same time, each in a process of its own.
    """
    from rich.console import Console

    from .processes import check_jobs, outcomes

    check_jobs(jobs)
    level: Level = "quick" if quick else "full"
    chosen = select(load_checks(), quick, only)
    folder = out if out is not None or quick or only is not None else default_folder()
    if folder is not None:
        _make(folder)
    plain = Console(markup=False, highlight=False)
    console = plain if plain.is_terminal else Console(markup=False, highlight=False, width=150)
    ended: list[Outcome] = []
    for outcome in outcomes(chosen, level, None if quick else folder, jobs):
        ended.append(outcome)
        print_outcome(outcome, console)
        if folder is not None:
            ended.sort(key=lambda each: chosen.index(each.check))
            write_csv(folder / "verification.csv", level, ended, keep=only is not None)
    failed = [o.check.name for o in ended if not o.ok]
    figures = sum(len(o.rows) for o in ended)
    seconds = sum(o.seconds for o in ended)
    verdict = f"failed: {', '.join(failed)}" if failed else "all hold"
    console.print(f"{len(ended)} checks, {figures} figures, {seconds:.0f} s: {verdict}")
    return 1 if failed else 0


def default_folder() -> Path:
    """`results` beside the book in a checkout; `verification` here for an installed package."""
    here = Path(__file__).resolve().parents[1]
    return here / "results" if (here.parents[1] / "pyproject.toml").is_file() else Path("verification")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", key="--out", value=str(folder)) from None


def print_outcome(outcome: Outcome, console: "Console") -> None:
    """One table per check, as soon as it is there."""
    from rich.table import Table

    check = outcome.check
    title = f"{check.name} ({check.engine}): {check.title} [{outcome.seconds:.1f} s]"
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("quantity", min_width=52)
    for name in ("value", "target", "error", "tolerance"):
        table.add_column(name, justify="right", min_width=10)
    table.add_column("")
    for row in outcome.rows:
        unit = f" [{row.unit}]" if row.unit else ""
        note = f" ({row.note})" if row.note and not row.ok else ""
        target = "-" if row.kind == "below" else f"{row.target:.6g}"
        table.add_row(
            row.quantity + unit + note,
            f"{row.value:.6g}",
            target,
            f"{row.error:.1e}",
            f"{row.tolerance:g}",
            "ok" if row.ok else "FAILED",
        )
    console.print(table)


def table_rows(level: Level, outcomes: list[Outcome]) -> Iterator[tuple[object, ...]]:
    """Rows of `verification.csv` in the order of COLUMNS; `seconds` is that of the whole check."""
    for o in outcomes:
        for r in o.rows:
            yield (
                *(o.check.name, o.check.engine, level, r.quantity, r.unit, f"{r.value:.8g}", f"{r.target:.8g}", r.kind),
                *(f"{r.error:.3e}", f"{r.tolerance:g}", "yes" if r.ok else "no", f"{o.seconds:.1f}", r.note),
            )


def write_csv(path: Path, level: Level, outcomes: list[Outcome], keep: bool = False) -> None:
    """Write all figures with their targets.

    `keep`: beside those of other checks that the file holds, in the book's order.
    """
    rows = [[str(value) for value in row] for row in table_rows(level, outcomes)]
    if keep and path.is_file():
        ran = {o.check.name for o in outcomes}
        with path.open(newline="", encoding="utf-8") as file:
            rows += [row for row in list(csv.reader(file))[1:] if row[0] not in ran]
        order = {name: k for k, name in enumerate(load_checks())}
        rows = sorted((row for row in rows if row[0] in order), key=lambda row: order[row[0]])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
