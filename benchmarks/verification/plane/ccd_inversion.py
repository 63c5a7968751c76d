"""CCD(Q) of a study that starts from the threshold, against direct bisection of the current at fixed Q.

The two share no current and no run: the runs of the study all aim at the largest capacity (and so take other time
steps), those of the bisection end exactly at their own.
"""

import csv
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from lifrac.errors import NumericalFailure
from lifrac.problems.cli.main import main
from lifrac.problems.studies.ccd.brackets import Bracket
from lifrac.verification.support.book import Level, Row, check

CAPACITIES = ("0.06 mAh/cm^2", "0.08 mAh/cm^2", "0.1 mAh/cm^2")
STUDY = """
[study]
case = "llzo_holds"
temperatures = ["25 degC"]
stack_pressures = ["1 MPa"]
areal_capacities = [{capacities}]
{currents}
failure = "crack_through"

[case.electrolyte]
thickness = "40 um"

[case.defect]
length = "10 um"

[case.mesh]
crack_size = "0.5 um"
"""
"""A small cell whose runs take a second or two."""


GRID = 'current_min = "1.7 mA/cm^2"\ncurrent_max = "37 mA/cm^2"\ncurrents = 2\nrefinements = 5'
"""Currents of the bisection."""


def brackets(folder: Path, name: str, capacities: tuple[str, ...], currents: str = "") -> list[Bracket]:
    """Return the brackets of a study of the small cell [A/m2], as its table holds them.

    Raises
    ------
    NumericalFailure
        If the study does not end well.
    """
    path = folder / f"{name}.toml"
    path.write_text(STUDY.format(capacities=", ".join(f'"{text}"' for text in capacities), currents=currents))
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main(["ccd", str(path), "--out", str(folder / name)])
    if code != 0:
        raise NumericalFailure(f"the study ends with exit code {code}: {said.getvalue()[-300:]}")
    with (folder / name / "ccd.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ends = [(float(row["ccd_lower_mA_per_cm2"]), row["ccd_upper_mA_per_cm2"]) for row in rows]
    return [Bracket(10.0 * lower, 10.0 * float(upper) if upper else None) for lower, upper in ends]


@check(
    "ccd_inversion",
    engine="plane",
    title="CCD(Q) of a study from the threshold against direct bisection at three Q",
    source="definition of the critical current density, docs/ccd.md",
    quick=False,
)
def run(level: Level, folder: Path | None) -> list[Row]:
    """Each bracket holds the critical current, so the two must overlap; how close their middles are."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        inverted = brackets(scratch, "inverted", CAPACITIES)
        direct = [brackets(scratch, f"direct_{i}", (text,), GRID)[0] for i, text in enumerate(CAPACITIES)]
    rows = []
    for text, a, b in zip(CAPACITIES, inverted, direct, strict=True):
        assert a.upper is not None
        assert b.upper is not None
        gap = max(a.lower, b.lower) / min(a.upper, b.upper)
        note = f"{a.lower / 10:.3f} to {a.upper / 10:.3f} and {b.lower / 10:.3f} to {b.upper / 10:.3f} mA/cm2"
        rows.append(Row(f"Q = {text}: larger lower end over smaller upper end", gap, 1.0, 1.0, kind="below", note=note))
        width = (a.upper / a.lower * b.upper / b.lower) ** 0.5 - 1.0
        middle = (a.lower * a.upper) ** 0.5 / 10.0, (b.lower * b.upper) ** 0.5 / 10.0
        rows.append(Row(f"Q = {text}: CCD, middle of the brackets", *middle, width, "mA/cm2"))
    return rows
