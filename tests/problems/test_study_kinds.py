"""A kind of study costs one class, whatever computes it: what it wants next, what its tables say; voltages at rest."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from lifrac.problems.case.case import Case, load_case
from lifrac.problems.run.loop import DONE
from lifrac.problems.studies.executors.ranks import run_on_ranks
from lifrac.problems.studies.executors.snakemake_engine import Engine
from lifrac.problems.studies.executors.snakemake_rounds import run_through_snakemake
from lifrac.problems.studies.kind import Failures, Note, StudyKind, Summaries
from lifrac.problems.studies.point import Point
from lifrac.problems.studies.tables import Table
from support.small_runs import CASE, history
from support.small_study import table

SHORT = """
[protocol]
current_density = "2 mA/cm^2"
areal_capacity = "0.005 mAh/cm^2"
rest_after = "1 h"

[mesh]
crack_size = "2 um"
"""
RESTED = CASE.partition("[protocol]")[0] + SHORT
TEMPERATURES = (25, 60)


@dataclass(frozen=True, eq=False)
class Rested(Point):
    """A cell at a temperature, which rests after it has plated."""

    case: Case
    temperature: int


@dataclass(frozen=True)
class VoltageAtRest(StudyKind):
    """Voltages at the end of a rest; the second temperature is asked for once the first is known."""

    path: Path
    name = "voltage_at_rest"

    @property
    def points(self) -> list[Rested]:
        return [Rested(load_case(self.path, [f"operation.temperature={t} degC"]), t) for t in TEMPERATURES]

    def content_hash(self) -> str:
        return "-".join(point.key for point in self.points)

    def resolved_toml(self) -> str:
        return f"temperatures = {list(TEMPERATURES)}\n"

    def wanted(self, summaries: Summaries) -> list[Point]:
        return [point for point in self.points if point.key not in summaries][:1]

    def tables(self, summaries: Summaries, failures: Failures) -> Mapping[str, Table | None]:
        rows = [
            {"temperature_C": point.temperature, **summaries[point.key]}
            for point in self.points
            if point.key in summaries
        ]
        return {"rest.csv": Table(("temperature_C", "cell_voltage_V", "current_density_at_end_mA_per_cm2"), rows)}

    def closing(self, summaries: Summaries) -> Iterator[Note]:
        yield logging.INFO, f"{len(summaries)} temperatures"


@pytest.fixture(scope="module")
def rested(tmp_path_factory: pytest.TempPathFactory) -> tuple[VoltageAtRest, Path]:
    """The study and its folder."""
    folder = tmp_path_factory.mktemp("rested")
    (folder / "rested.toml").write_text(RESTED)
    study = VoltageAtRest(folder / "rested.toml")
    assert run_on_ranks(study, folder / "out") == DONE
    return study, folder / "out"


def test_a_new_kind_is_computed_round_by_round(rested: tuple[VoltageAtRest, Path]) -> None:
    """At rest lithium in the flaw, under pressure, is all that drives a current: a small part of the voltage before."""
    study, out = rested
    rows = table(out / "rest.csv")
    assert [float(row["temperature_C"]) for row in rows] == list(TEMPERATURES)
    assert [float(row["current_density_at_end_mA_per_cm2"]) for row in rows] == [0.0, 0.0]
    assert {p.name for p in (out / "points").iterdir()} == {point.key for point in study.points}
    for row, point in zip(rows, study.points, strict=True):
        seen = history(out / "points" / point.key)
        plating = seen["cell_voltage_V"][seen["current_density_mA_per_cm2"] > 0.0]
        assert float(row["cell_voltage_V"]) == pytest.approx(seen["cell_voltage_V"][-1], abs=1.0e-12)
        assert abs(float(row["cell_voltage_V"])) < 0.1 * plating.max()


def test_a_new_kind_keeps_what_is_finished(rested: tuple[VoltageAtRest, Path]) -> None:
    study, out = rested
    before = (out / "rest.csv").read_bytes()
    times = {path: path.stat().st_mtime_ns for path in out.glob("points/*/summary.json")}
    assert run_on_ranks(study, out) == DONE
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert (out / "rest.csv").read_bytes() == before


def test_snakemake_computes_it_as_the_ranks_do(rested: tuple[VoltageAtRest, Path], tmp_path: Path) -> None:
    """The second round is asked for when the first is known; the job finds all it needs in the folder."""
    pytest.importorskip("snakemake")
    study, out = rested
    assert run_through_snakemake(study, tmp_path / "out", Engine(None, 1)) == DONE
    assert (tmp_path / "out" / "rest.csv").read_bytes() == (out / "rest.csv").read_bytes()
    assert run_on_ranks(study, tmp_path / "out") == DONE
