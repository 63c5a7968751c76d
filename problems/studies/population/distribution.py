"""Quantiles of the CCD and the probability of failure, from a flaw population and the brackets of a study."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Any

from lifrac.problems.quantities import units as u
from lifrac.problems.studies.ccd.brackets import log_spaced
from lifrac.problems.studies.ccd.search import Row

from .population import Electrode, SingleFlaws, with_slopes
from .population_table import PopulationTable

WHERE = ("temperature_C", "stack_pressure_MPa", "areal_capacity_mAh_per_cm2", "electrode_area_cm2")
UNITS = ("degC", "MPa", "mAh/cm2", "cm2")
QUANTILE_COLUMNS = (
    *WHERE,
    "flaws",
    "quantile",
    "deciding_flaw_length_um",
    "ccd_lower_mA_per_cm2",
    "ccd_upper_mA_per_cm2",
    "flag",
)
CURVE_COLUMNS = (*WHERE, "current_density_mA_per_cm2", "failure_probability_lower", "failure_probability_upper")
CURVE_POINTS = 81
"""Current densities at which the probability of failure is tabulated."""


@dataclass(frozen=True)
class Distribution:
    """CCD of one electrode at one temperature, stack pressure and areal capacity; currents in mA/cm2."""

    where: dict[str, float | None]
    """The leading columns."""
    table: PopulationTable
    area: float
    """[cm2]."""
    ends: tuple[SingleFlaws, SingleFlaws]
    """Lower and upper ends of the brackets of single flaws."""

    @cached_property
    def electrodes(self) -> tuple[Electrode, Electrode]:
        """The electrode if every flaw failed at the lower ends of the brackets, and at the upper."""
        lower, upper = (Electrode(self.table.population, self.table.flaws(self.area), end) for end in self.ends)
        return lower, upper

    def quantiles(self) -> Iterator[dict[str, Any]]:
        """Lines of `ccd_distribution.csv`."""
        for q in self.table.quantiles:
            lower, upper = (electrode.quantile(float(q)) for electrode in self.electrodes)
            yield self.where | {
                "flaws": self.table.flaws(self.area),
                "quantile": float(q),
                "deciding_flaw_length_um": self._deciding(float(q)),
                "ccd_lower_mA_per_cm2": lower if isfinite(lower) else None,
                "ccd_upper_mA_per_cm2": upper if isfinite(upper) else None,
                "flag": self._flag(float(q), lower, upper),
            }

    def describe(self) -> str:
        """Return the quantiles for people."""
        at = ", ".join(
            f"{value:.4g} {unit}" for value, unit in zip(self.where.values(), UNITS, strict=True) if value is not None
        )
        shares = []
        for line in self.quantiles():
            ends = [line[name] for name in ("ccd_lower_mA_per_cm2", "ccd_upper_mA_per_cm2")]
            shares.append(f"{line['quantile']:g} fail by {' to '.join('?' if j is None else f'{j:.3g}' for j in ends)}")
        return f"electrodes, {at}: {', '.join(shares)} mA/cm2"

    def _deciding(self, q: float) -> float | None:
        """Return the length that decides; None if there is no flaw, or the aperture has a say."""
        share = self.table.share(q, self.area)
        if share >= 1.0 or self.table.varies_aperture:
            return None
        return self.table.population.lengths.quantile(share)

    def _flag(self, q: float, lower: float, upper: float) -> str:
        """Why a bracket is open; empty if it is not."""
        if self.table.share(q, self.area) >= 1.0:
            return "no_flaw"
        if lower > 0.0 and isfinite(upper):
            return ""
        length, grid = self._deciding(q), self.ends[0].lengths
        if length is None:
            return "outside_grid"
        if length < grid[0]:
            return "shorter_than_grid"
        return "longer_than_grid" if length > grid[-1] else "outside_currents"

    def curve(self) -> Iterator[dict[str, Any]]:
        """Lines of `failure_probability.csv`: over all currents that are known as the CCD of some flaw."""
        known = [j for end in self.ends for row in end.values for j in row if 0.0 < j < inf]
        if not known or max(known) <= min(known):
            return
        lower, upper = self.electrodes
        for j in log_spaced(min(known), max(known), CURVE_POINTS):
            yield self.where | {
                "current_density_mA_per_cm2": j,
                "failure_probability_lower": upper.fails(j),
                "failure_probability_upper": lower.fails(j),
            }


def distributions(table: PopulationTable, rows: Sequence[Row]) -> list[Distribution]:
    """Return a distribution for each area wherever the CCD of all single flaws is there."""
    lengths = sorted({_flaw(row)[0] for row in rows})
    apertures = sorted({_flaw(row)[1] for row in rows})
    groups: dict[tuple[float | None, ...], dict[tuple[float, float], Row]] = {}
    for row in rows:
        where = row.condition.where
        capacity = None if row.capacity is None else u.capacity(row.capacity)
        groups.setdefault((where["temperature_C"], where["stack_pressure_MPa"], capacity), {})[_flaw(row)] = row
    found = []
    for at, group in groups.items():
        if len(group) < len(lengths) * len(apertures):
            continue
        ends = (_end(group, lengths, apertures, True), _end(group, lengths, apertures, False))
        found += [
            Distribution(dict(zip(WHERE, (*at, float(area)), strict=True)), table, float(area), ends)
            for area in table.electrode_areas
        ]
    return found


def distribution_tables(found: Sequence[Distribution]) -> dict[str, tuple[Sequence[str], list[dict[str, Any]]]]:
    """Columns and lines of the tables, by the names of their files."""
    return {
        "ccd_distribution.csv": (QUANTILE_COLUMNS, [line for each in found for line in each.quantiles()]),
        "failure_probability.csv": (CURVE_COLUMNS, [line for each in found for line in each.curve()]),
    }


def _flaw(row: Row) -> tuple[float, float]:
    where = row.condition.where
    return where["flaw_length_um"], where["flaw_aperture_um"]


def _end(
    group: dict[tuple[float, float], Row], lengths: Sequence[float], apertures: Sequence[float], lower: bool
) -> SingleFlaws:
    def value(row: Row) -> float:
        end = row.bracket.lower if lower else row.bracket.upper
        return inf if end is None else u.current(end)

    rows = [[group[a, w] for a in lengths] for w in apertures]
    found = [(tuple(lengths), tuple(value(row) for row in line)) for line in rows]
    if _slopes_hold([row for line in rows for row in line]):
        found = [
            with_slopes(lengths, values, [_slope(row) or 0.0 for row in line])
            for line, (_, values) in zip(rows, found, strict=True)
        ]
    return SingleFlaws(found[0][0], tuple(apertures), tuple(values for _, values in found), lower)


def _slopes_hold(rows: Sequence[Row]) -> bool:
    """Whether the CCD of every flaw is its threshold, in bodies that differ in nothing but the length of the flaw."""
    if not all(row.at_threshold and _slope(row) is not None for row in rows):
        return False
    return len({row.condition.case.file.mesh_sizes()["half_width"] for row in rows}) == 1


def _slope(row: Row) -> float | None:
    """Return d ln J*/d ln a of a row; None where it is not known."""
    sensitivities = None if row.threshold is None else row.threshold.sensitivities
    return None if sensitivities is None else sensitivities.get("flaw.length")
