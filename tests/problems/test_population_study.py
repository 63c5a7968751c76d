"""A study with a flaw population: tables from runs that follow a stated law, and what is refused."""

from math import log, log1p
from pathlib import Path

import pytest
from lifrac.problems.cli.main import main
from lifrac.problems.studies.ccd.points import Finished
from lifrac.problems.studies.ccd.results import Results
from lifrac.problems.studies.ccd.search import Plan, Row, plan
from lifrac.problems.studies.ccd.study import Study, load_study
from lifrac.problems.studies.population.population import largest_flaw_quantile
from lifrac.problems.studies.study_folder import StudyFolder
from support.small_study import STUDY, table, write

POPULATION = """
[study.population]
length_scale = "6 um"
length_modulus = 2
areal_density = "100 1/cm^2"
electrode_areas = ["0.1 cm^2", "1 cm^2"]
"""
LENGTHS = 'flaw_lengths = ["8 um", "12 um", "18 um"]'
TEXT = STUDY.replace('[case.defect]\nlength = "10 um"\n', "").replace("currents = 3", f"currents = 9\n{LENGTHS}")
TEXT = TEXT.replace('current_min = "2 mA', 'current_min = "1 mA')
TABLES = ("ccd_distribution.csv", "failure_probability.csv")


def population_study(folder: Path, text: str = TEXT + POPULATION) -> Study:
    folder.mkdir(exist_ok=True)
    return load_study(write(folder, text))


def failed_at(current: float, length: float, aperture: float) -> float:
    """Capacity at failure [mAh/cm2] of the law j_c = 4 mA/cm2 (12 um/a)^2 (w/20 nm) (0.05/Q)."""
    return 0.05 * 4.0 / current * (12.0 / length) ** 2 * (aperture / 0.02)


def computed(study: Study) -> tuple[list[Plan], list[Row]]:
    """A study whose cells follow the law."""
    plans, rows = [], []
    for condition in study.conditions:
        known: dict[str, Finished] = {}
        while (stands := plan(study.strategy, condition, known)).wanted:
            for point in stands.wanted:
                flaw = point.case.file.defect
                at = failed_at(point.current / 10.0, float(flaw.length), float(flaw.aperture))
                fails = at < 0.05
                known[point.key] = Finished(
                    point,
                    {
                        "termination": "stop_rule" if fails else "protocol_end",
                        "charge_mAh_per_cm2": min(at, 0.05),
                        "outcome": "crack_through" if fails else "completed",
                        "protocol_step": 0,
                    },
                )
        plans.append(stands)
        rows += study.strategy.rows(condition, stands.done)
    return plans, rows


Electrodes = tuple[Study, tuple[list[Plan], list[Row]]]


@pytest.fixture(scope="module")
def electrodes(tmp_path_factory: pytest.TempPathFactory) -> Electrodes:
    """The study and what its runs give."""
    study = population_study(tmp_path_factory.mktemp("electrodes"))
    return study, computed(study)


def put(folder: Path, study: Study, plans: list[Plan], rows: list[Row]) -> Results:
    """Write the tables of these results."""
    results = Results(study.conditions, tuple(plans), tuple(rows), study.grids.population)
    stage = StudyFolder(folder, study)
    stage.write(results.tables())
    stage.release()
    return results


def tables(
    folder: Path, study: Study, found: tuple[list[Plan], list[Row]] | None = None
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    put(folder, study, *(found or computed(study)))
    quantiles, curves = (table(folder / name) for name in TABLES)
    return quantiles, curves


def test_quantiles_bracket_the_law(electrodes: Electrodes, tmp_path: Path) -> None:
    """A row for each condition, capacity, area and quantile; the brackets hold the CCD of the deciding flaw."""
    lines, _ = tables(tmp_path / "out", *electrodes)
    assert len(lines) == 2 * 2 * 2 * 2 * 3
    for line in lines:
        area, q = float(line["electrode_area_cm2"]), float(line["quantile"])
        assert float(line["flaws"]) == pytest.approx(100.0 * area)
        length = largest_flaw_quantile(6.0, 2.0, 100.0, area, q)
        assert float(line["deciding_flaw_length_um"]) == pytest.approx(length, rel=1e-12)
        exact = 0.05 * 4.0 / float(line["areal_capacity_mAh_per_cm2"]) * (12.0 / length) ** 2
        lower, upper = (float(line[f"ccd_{end}_mA_per_cm2"] or "inf") for end in ("lower", "upper"))
        assert lower * (1 - 1e-9) <= exact <= upper * (1 + 1e-9)
        flag = "" if 8.0 <= length <= 18.0 else "shorter_than_grid" if length < 8.0 else "longer_than_grid"
        assert line["flag"] == flag
        assert (upper == float("inf"), lower == 0.0) == (flag.startswith("shorter"), flag.startswith("longer"))
        if not flag:  # 9 currents over a factor of 32, one refinement
            assert upper / lower < 32.0 ** (1 / 16) * 1.05


def test_curves_rise_and_hold_the_quantiles(electrodes: Electrodes, tmp_path: Path) -> None:
    lines, curves = tables(tmp_path / "out", *electrodes)
    key = ("temperature_C", "stack_pressure_MPa", "areal_capacity_mAh_per_cm2", "electrode_area_cm2")
    for line in lines:
        curve = [c for c in curves if [c[k] for k in key] == [line[k] for k in key]]
        assert len(curve) == 81
        for name, end in (("failure_probability_lower", "upper"), ("failure_probability_upper", "lower")):
            values = [float(c[name]) for c in curve]
            assert values == sorted(values)
            currents = [float(c["current_density_mA_per_cm2"]) for c in curve]
            ccd = float(line[f"ccd_{end}_mA_per_cm2"] or "inf")
            if not line["flag"]:
                q = float(line["quantile"])
                assert max(p for p, j in zip(values, currents, strict=True) if j < ccd) <= q + 1e-9
                assert min(p for p, j in zip(values, currents, strict=True) if j > ccd) >= q - 1e-9
        assert all(float(c["failure_probability_lower"]) <= float(c["failure_probability_upper"]) for c in curve)


def test_another_population_is_post_processing(electrodes: Electrodes, tmp_path: Path) -> None:
    """The same folder and points; the tables follow, and go when there is no population any more."""
    first, found = electrodes
    before = tables(tmp_path / "out", first, found)[0]
    other = population_study(tmp_path, TEXT + POPULATION.replace("100 1/cm^2", "200 1/cm^2"))
    assert other.content_hash() == first.content_hash()
    after = tables(tmp_path / "out", other)[0]
    for old, new in zip(before, after, strict=True):
        ratio = float(new["deciding_flaw_length_um"]) / float(old["deciding_flaw_length_um"])
        n, share = 100.0 * float(old["electrode_area_cm2"]), -log1p(-float(old["quantile"]))
        assert ratio == pytest.approx((log(2.0 * n / share) / log(n / share)) ** 0.5)
    none = population_study(tmp_path, TEXT)
    assert none.content_hash() == first.content_hash()
    put(tmp_path / "out", none, *computed(none))
    assert not any((tmp_path / "out" / name).exists() for name in TABLES)


def test_lengths_are_chosen_from_the_population(tmp_path: Path) -> None:
    """From the flaw that decides at 0.9 on the small area to that at 0.1 on the large one; they stand in study.toml."""
    study = population_study(tmp_path, TEXT.replace(LENGTHS, "") + POPULATION)
    grid = [float(a) for a in study.grids.flaw_lengths or ()]
    ends = [largest_flaw_quantile(6.0, 2.0, 100.0, area, q) for area, q in ((0.1, 0.9), (1.0, 0.1))]
    assert len(grid) == 4
    assert grid[0] <= ends[0] < 1.1 * grid[0]
    assert grid[-1] >= ends[1] > grid[-1] / 1.1
    lines, _ = tables(tmp_path / "out", study)
    assert {line["flag"] for line in lines} == {""}
    assert load_study(tmp_path / "out" / "study.toml").content_hash() == study.content_hash()


def test_quantiles_in_words(electrodes: Electrodes, tmp_path: Path) -> None:
    study, found = electrodes
    told = [distribution.describe() for distribution in put(tmp_path / "out", study, *found).distributions]
    assert len(told) == 2 * 2 * 2 * 2
    assert told[0].startswith("electrodes, 25 degC, 1 MPa, 0.03 mAh/cm2, 0.1 cm2: 0.1 fail by ")
    assert told[0].endswith("to ? mA/cm2")


def test_listed_flaws_with_apertures(tmp_path: Path) -> None:
    text = (
        TEXT.replace(LENGTHS, 'flaw_apertures = ["20 nm", "40 nm"]')
        + """
[study.population]
lengths = ["18 um", "12 um"]
apertures = ["40 nm", "20 nm"]
weights = [1, 3]
areal_density = "10 1/cm^2"
electrode_areas = ["1 cm^2"]
quantiles = [0.5]
"""
    )
    study = population_study(tmp_path, text)
    assert [float(a) for a in study.grids.flaw_lengths or ()] == [12.0, 18.0]
    lines, _ = tables(tmp_path / "out", study)
    assert len(lines) == 2 * 2 * 2
    for line in lines:  # of the 18 um by 40 nm, the weaker, there are 2.5 on average: more than half the cells have one
        exact = 0.05 * 4.0 * (12.0 / 18.0) ** 2 * 2.0 / float(line["areal_capacity_mAh_per_cm2"])
        assert line["flag"] == ""
        assert float(line["ccd_lower_mA_per_cm2"]) <= exact <= float(line["ccd_upper_mA_per_cm2"]) * (1 + 1e-9)


def test_unfinished_conditions_are_left_out(electrodes: Electrodes, tmp_path: Path) -> None:
    study, (plans, rows) = electrodes
    missing = [row for row in rows if row.condition is not study.conditions[0]]
    put(tmp_path / "out", study, plans, missing)
    assert len(table(tmp_path / "out" / TABLES[0])) == 3 * 2 * 2 * 3


REFUSED = [
    ('length_scale = "6 um"\n', "", "study.population.length_scale", "is required"),
    ("length_modulus = 2", "length_modulus = 0", "study.population.length_modulus", "at least 0.1"),
    ("length_modulus = 2", 'length_modulus = 2\nlengths = ["5 um"]', "study.population.length_scale", "beside lengths"),
    ("length_modulus = 2", "length_modulus = 2\nweights = [1, 2]", "study.population.weights", "2 values for 0"),
    ('"100 1/cm^2"', '"100 cm^2"', "study.population.areal_density", '"400 1/cm^2"'),
    ('["0.1 cm^2", "1 cm^2"]', '["1 cm^2", "0.1 cm^2"]', "study.population.electrode_areas", "not ascending"),
    ('["0.1 cm^2", "1 cm^2"]', "[]", "study.population.electrode_areas", "is empty"),
    ("length_modulus = 2", "length_modulus = 2\nquantiles = [0.5, 1]", "study.population.quantiles", "below 1"),
    ("length_modulus = 2", "length_modulus = 2\nlenght = 2", "study.population.lenght", "Did you mean"),
    (
        "length_modulus = 2",
        'length_modulus = 2\naperture_scale = "9 nm"',
        "study.population.aperture_modulus",
        "is required",
    ),
    (
        "length_modulus = 2",
        'length_modulus = 2\naperture_scale = "9 nm"\naperture_modulus = 3',
        "study.flaw_apertures",
        "two apertures or more",
    ),
    (LENGTHS, f'{LENGTHS}\nflaw_apertures = ["9 nm", "20 nm"]', "study.population", "states no apertures"),
]


@pytest.mark.parametrize(("old", "new", "key", "words"), REFUSED)
def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, key: str, words: str) -> None:
    text = TEXT + POPULATION
    assert old in text
    path = write(tmp_path, text.replace(old, new, 1))
    assert main(["ccd", str(path), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert all(part in message for part in ("small.toml", key, words)), message
