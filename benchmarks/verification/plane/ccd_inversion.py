"""CCD(Q) by inverting the capacity at failure Q_f(j) of a few runs, against direct bisection of the current at fixed Q.

The two share no current and no run: the inverted runs all aim at the largest capacity (and so take other time steps),
those of the bisection end exactly at their own.
"""

import tempfile
from pathlib import Path

from lifrac.problems.studies.ccd.brackets import Bracket
from lifrac.problems.studies.ccd.points import Finished
from lifrac.problems.studies.ccd.search import plan
from lifrac.problems.studies.ccd.study import Study, load_study
from lifrac.problems.studies.executors.domains import Domains
from lifrac.problems.studies.executors.light_run import compute
from lifrac.verification.support.book import Level, Row, check
from mpi4py import MPI

CAPACITIES = ("0.03 mAh/cm^2", "0.04 mAh/cm^2", "0.05 mAh/cm^2")
STUDY = """
[study]
case = "llzo_holds"
temperatures = ["25 degC"]
stack_pressures = ["1 MPa"]
areal_capacities = [{capacities}]
current_min = "{smallest} mA/cm^2"
current_max = "{largest} mA/cm^2"
currents = {currents}
refinements = {refinements}
failure = "crack_through"

[case.electrolyte]
thickness = "40 um"

[case.defect]
length = "10 um"

[case.mesh]
crack_size = "1 um"
"""
"""A small cell whose runs take a second or two."""


def brackets(folder: Path, name: str, capacities: tuple[str, ...], **stated: float) -> list[Bracket]:
    """Return the brackets of a study of the small cell [A/m2]."""
    path = folder / f"{name}.toml"
    path.write_text(STUDY.format(capacities=", ".join(f'"{text}"' for text in capacities), **stated))
    study: Study = load_study(path)
    (condition,) = study.conditions
    domains = Domains(MPI.COMM_SELF)
    domains.make([condition.case])
    known: dict[str, Finished] = {}
    while (now := plan(study.strategy, condition, known)).wanted:
        for point in now.wanted:
            summary = compute(point.case, folder / name / point.key, domains.of(point.case), ())
            assert summary is not None
            known[point.key] = Finished(point, summary)
    return [row.bracket for row in study.strategy.rows(condition, now.done)]


@check(
    "ccd_inversion",
    engine="plane",
    title="CCD(Q) from few constant-current runs against direct bisection at three Q",
    source="definition of the critical current density, docs/ccd.md",
    quick=False,
)
def run(level: Level, folder: Path | None) -> list[Row]:
    """Each bracket holds the critical current, so the two must overlap; how close their middles are."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        inverted = brackets(scratch, "inverted", CAPACITIES, smallest=2.0, largest=32.0, currents=6, refinements=2)
        direct = [
            brackets(scratch, f"direct_{i}", (text,), smallest=1.7, largest=37.0, currents=2, refinements=5)[0]
            for i, text in enumerate(CAPACITIES)
        ]
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
