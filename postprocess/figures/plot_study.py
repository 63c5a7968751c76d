"""All pictures of the folder of a study or a sweep, and the page that links their points to the runs."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from .axes import CURVES
from .index_page import Picture, Table, page
from .plot_ccd import APERTURE, BEST, FLAW, LENGTH, LOWER, UPPER, P, Q, T, by_flaw, ccd_figure, flaw_figure, read_ccd
from .plot_distribution import AREA, QUANTILE, distribution_figure, read_distribution
from .plot_map import map_figure, read_runs
from .plot_sweep import CHARGE, heading, read_sweep, sweep_figure
from .style import save
from .threshold_lines import CLOSED, ERROR, THRESHOLD

STUDY_TABLE, SWEEP_TABLE = "ccd.csv", "sweep.csv"
"""The files that show what a folder holds."""
CONDITION = {
    LENGTH: "flaw (µm)",
    APERTURE: "aperture (µm)",
    T: "temperature (°C)",
    P: "stack pressure (MPa)",
    Q: "areal capacity (mAh/cm²)",
}
BRACKET = {LOWER: "CCD, lower (mA/cm²)", UPPER: "CCD, upper (mA/cm²)"}
LIMITS = {
    BEST: "CCD, best (mA/cm²)",
    "ccd_error": "numerical error",
    "lower_end": "lower end from",
    THRESHOLD: "threshold J* (mA/cm²)",
    ERROR: "error of J*",
    CLOSED: "closed form (mA/cm²)",
}
RUN = {"current": "current density (mA/cm²)", "outcome": "outcome", CHARGE: "charge (mAh/cm²)", "reason": "reason"}
CLICK = "A click on a mark opens the folder of its run."
ABOUT = "Hollow marks got to the end of the protocol, filled ones did not."


def draw_study(folder: Path) -> list[Path]:
    """Draw a study folder into its `plots/`; returns the files written."""
    ccd = read_ccd(folder / STUDY_TABLE)
    driver = _driver(folder)
    runs = read_runs(folder / "runs.csv", driver == "ramp") if (folder / "runs.csv").is_file() else None
    pictures = list(_ccd_pictures(ccd, runs if driver == "constant_current" else None))
    tables = []
    if (folder / "ccd_distribution.csv").is_file():
        curves, quantiles = read_distribution(folder)
        if (figure := distribution_figure(curves, quantiles)) is not None:
            pictures.append(Picture("ccd_distribution", figure, _DISTRIBUTION))
        tables.append(Table("Electrodes with the flaw population", "ccd_distribution.csv", quantiles, _QUANTILES))
    if runs is not None:
        pictures += _maps(_with_thresholds(runs, ccd) if driver == "constant_current" else runs)
    columns = CONDITION | BRACKET | LIMITS | {"failure_mode": "failure"}
    tables.append(Table("Critical current density", STUDY_TABLE, ccd, columns))
    if runs is not None:
        tables.append(Table("Runs", "runs.csv", runs, CONDITION | RUN))
    tooltips = {} if runs is None else {row["url"]: _told(row) for row in runs.to_dict("records")}
    return _written(folder, "Critical current density", pictures, tables, tooltips)


def draw_sweep(folder: Path) -> list[Path]:
    """Draw a sweep folder into its `plots/`; returns the files written."""
    table, keys = read_sweep(folder / SWEEP_TABLE)
    figure = sweep_figure(table, keys)
    pictures = [] if figure is None else [Picture("outcomes", figure, f"What became of the points. {ABOUT} {CLICK}")]
    columns = {
        "number": "point",
        **{key: heading(key) for key in keys},
        "status": "status",
        "outcome": "outcome",
        CHARGE: "charge (mAh/cm²)",
        "reason": "reason",
    }
    tooltips = {
        row["url"]: ", ".join([*(f"{heading(key)} {row[key]}" for key in keys), str(row["outcome"])])
        for row in table.to_dict("records")
        if isinstance(row["url"], str)
    }
    return _written(folder, "Sweep", pictures, [Table("Points", SWEEP_TABLE, table, columns)], tooltips)


def _written(
    folder: Path, title: str, pictures: list[Picture], tables: list[Table], tooltips: dict[str, str]
) -> list[Path]:
    plots = folder / "plots"
    files = [path for picture in pictures for path in save(picture.figure, plots, picture.name)]
    plots.mkdir(parents=True, exist_ok=True)
    index = plots / "index.html"
    name = folder.resolve().name
    index.write_text(page(f"{title}: {name}", CLICK, pictures, tables, tooltips), encoding="utf-8")
    return [*files, index]


def _driver(folder: Path) -> str:
    """Return the driver of a study; empty where it is not known."""
    try:
        study = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
        return str(study["study"]["driver"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


_CCD = (
    "Marks: the best value, or the geometric mean of the largest current density that survived and the smallest that "
    "failed; bars reach from one to the other, and are no shorter than the numerical error. Broad lines: the threshold "
    "current J*, below which the flaw holds whatever the capacity; dashed lines: its closed form, of a blocked flaw in "
    f"a half plane. Small rings over areal capacity: runs. {CLICK}"
)
_DISTRIBUTION = (
    "Share of electrodes that fail, from the single flaws; bands and bars follow from the brackets. A band ends, or "
    "jumps to 0 or 1, where flaws would decide that are longer or shorter than those computed."
)
_QUANTILES = {
    T: CONDITION[T],
    P: CONDITION[P],
    Q: CONDITION[Q],
    AREA: "electrode area (cm²)",
    "flaws": "flaws",
    QUANTILE: "quantile",
    "deciding_flaw_length_um": "deciding flaw (µm)",
    **BRACKET,
    "flag": "flag",
}


def _ccd_pictures(ccd: pd.DataFrame, runs: pd.DataFrame | None) -> Iterator[Picture]:
    flaws = by_flaw(ccd)
    if LENGTH in ccd and ccd[LENGTH].nunique() > 1:
        yield Picture("ccd_flaws", flaw_figure(ccd), f"Critical current density over flaw length. {_CCD}")
    all_said = len(flaws) > 1 and ccd[T].nunique() == ccd[P].nunique() == 1 and ccd[Q].nunique() <= CURVES
    for name, rows in flaws.items() if not all_said else ():
        flaw = "" if len(flaws) == 1 else f", flaw of {rows[LENGTH].iloc[0]:g} µm by {rows[APERTURE].iloc[0]:g} µm"
        mine = runs
        if runs is not None and len(flaws) > 1:
            mine = runs[(runs[FLAW] == rows[FLAW].iloc[0]).all(axis=1)]
        yield Picture(name, ccd_figure(rows, mine), f"Critical current density{flaw}. {_CCD}")


def _with_thresholds(runs: pd.DataFrame, ccd: pd.DataFrame) -> pd.DataFrame:
    """Return runs with the threshold of their condition as a column."""
    keys = [name for name in (*FLAW, T, P) if name in runs and name in ccd]
    return runs.merge(ccd[[*keys, THRESHOLD]].drop_duplicates(keys), on=keys, how="left")


def _maps(runs: pd.DataFrame) -> Iterator[Picture]:
    """One map, or one for each flaw where more than the flaw varies."""
    known = set(FLAW) <= set(runs.columns)
    varies = runs[T].nunique() > 1 or runs[P].nunique() > 1
    by = [] if not known else FLAW if varies else [APERTURE]
    groups = [(None, runs)] if not by else list(runs.groupby(by))
    for key, part in groups:
        units = ("um", "nm") if len(by) == 2 else ("nm",)
        values = () if key is None else (*key[:-1], 1000.0 * key[-1])
        name = "_".join(["map", *(f"{v:g}{unit}" for v, unit in zip(values, units, strict=False))])
        figure = map_figure(part)
        if figure is not None:
            caption = f"Every run; cells are coloured by the failure. {ABOUT} {CLICK}"
            yield Picture("map" if len(groups) == 1 else name, figure, caption)


def _told(row: dict[str, object]) -> str:
    failed = "" if not row["failed"] else " (failed)"
    return f"{row[T]:g} °C, {row[P]:g} MPa, {row['current']:.4g} mA/cm²: {row['outcome']}{failed}"
