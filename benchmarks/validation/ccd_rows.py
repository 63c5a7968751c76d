"""CCD tables of studies, for the comparisons that use them."""

import math
from pathlib import Path

import pandas as pd

LOWER, UPPER = "ccd_lower_mA_per_cm2", "ccd_upper_mA_per_cm2"


def read(out: Path, study: str) -> pd.DataFrame:
    """`ccd.csv` of a study."""
    return pd.read_csv(out / study / "ccd.csv")


def bracket(row: "pd.Series[float]") -> tuple[float, float]:
    """(lower, upper) [mA/cm2]; nan where every current survived, or none."""
    lower, upper = float(row[LOWER]), float(row[UPPER])
    return (lower if lower > 0.0 else math.nan), upper
