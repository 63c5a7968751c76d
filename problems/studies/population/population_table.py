"""The flaw population of a study, as a user states it: `[study.population]` (docs/ccd.md)."""

from collections.abc import Callable, Iterator
from functools import cached_property
from math import ceil, floor, log1p, log10

from lifrac.problems.case.schema_tools import Problem, Problems, Strict
from lifrac.problems.quantities import units as u
from lifrac.problems.quantities.value_lists import ElectrodeAreas, ListedLengths, Quantiles, Quantities, Weights
from lifrac.problems.studies.ccd.brackets import log_spaced
from pydantic import model_validator

from .population import Population, Weibull

GRID = 4
"""Lengths that are computed where the study states none."""
MOST_LISTED = 6
"""A list of this many different lengths or fewer is computed as it stands."""
LARGEST_SHARE = 0.9
"""The shortest flaw that is computed is exceeded by this share of all, where a longer one does not suffice."""


class PopulationTable(Strict):
    """Flaws of an electrode: Weibull lengths (`length_scale`, `length_modulus`) or a list (`lengths`)."""

    areal_density: u.FlawDensity
    """Flaws per electrode area. Their number is Poisson distributed."""
    electrode_areas: ElectrodeAreas
    """Areas of the electrodes whose CCD is wanted."""
    length_scale: u.PositiveLength | None = None
    """Scale of the Weibull distribution of lengths: 37 % of all flaws are longer."""
    length_modulus: u.WeibullModulus | None = None
    """Its modulus: the larger, the less lengths scatter."""
    aperture_scale: u.PositiveLength | None = None
    """Scale of a Weibull distribution of apertures, independent of the lengths; needs `study.flaw_apertures`."""
    aperture_modulus: u.WeibullModulus | None = None
    """Its modulus."""
    lengths: ListedLengths | None = None
    """Lengths one by one, instead of a distribution."""
    apertures: ListedLengths | None = None
    """The aperture of each of `lengths`; needs `study.flaw_apertures`."""
    weights: Weights | None = None
    """How often each of `lengths` occurs, relative to the others; equally often unless stated."""
    quantiles: Quantiles = (u.Quantity(0.1, "0.1"), u.Quantity(0.5, "0.5"), u.Quantity(0.9, "0.9"))
    """Shares of electrodes that have failed, at which the CCD is tabulated."""

    @model_validator(mode="after")
    def _check(self) -> "PopulationTable":
        found = list(self._problems())
        if found:
            raise Problems(found)
        return self

    def _problems(self) -> Iterator[Problem]:
        listed = self.lengths is not None
        for name in ("length", "aperture"):
            scale, modulus = (getattr(self, f"{name}_{part}") for part in ("scale", "modulus"))
            for key, mine, other in (("scale", scale, modulus), ("modulus", modulus, scale)):
                if listed and mine is not None:
                    yield Problem(f"{name}_{key}", "has no meaning beside lengths", str(mine), "State one of the two")
                elif mine is None and (other is not None or (name == "length" and not listed)):
                    yield Problem(f"{name}_{key}", "is required", remedy="State it, or a list of lengths")
        for key in ("apertures", "weights"):
            values = getattr(self, key)
            if values is not None and len(values) != len(self.lengths or ()):
                yield Problem(
                    key,
                    f"holds {len(values)} values for {len(self.lengths or ())} lengths",
                    remedy="State one for each of study.population.lengths",
                )

    @property
    def varies_aperture(self) -> bool:
        """Whether flaws differ in aperture."""
        return self.apertures is not None or self.aperture_scale is not None

    @cached_property
    def population(self) -> Population:
        """Lengths and apertures in um."""
        if self.lengths is not None:
            return Population.listed(self.lengths, self.weights or [1.0] * len(self.lengths), self.apertures)
        assert self.length_scale is not None
        assert self.length_modulus is not None
        lengths = Weibull(float(self.length_scale), float(self.length_modulus))
        if self.aperture_scale is None or self.aperture_modulus is None:
            return Population.weibull(lengths)
        return Population.weibull(lengths, Weibull(float(self.aperture_scale), float(self.aperture_modulus)))

    def flaws(self, area: float) -> float:
        """Mean number of flaws on an area [cm2]."""
        return float(self.areal_density) * area

    def share(self, q: float, area: float) -> float:
        """Return the share of all flaws that is longer than the one that decides at the quantile `q`.

        Above 1: there is none.

        Where all flaws have one aperture.
        """
        return -log1p(-q) / self.flaws(area)

    def grid(self) -> Quantities:
        """Lengths that reach from the flaw which decides at the largest quantile on the smallest area to the other end.

        Rounded outwards to two digits; a short list is taken as it stands.
        """
        if self.lengths is not None and len(set(self.lengths)) <= MOST_LISTED:
            return tuple(sorted({float(a): a for a in self.lengths}.values()))
        ends = ((self.quantiles[-1], self.electrode_areas[0]), (self.quantiles[0], self.electrode_areas[-1]))
        low, high = (self.population.lengths.quantile(min(self.share(q, area), LARGEST_SHARE)) for q, area in ends)
        low, high = _rounded(low, floor), _rounded(high, ceil)
        if high <= low:
            return (u.Quantity(low, f"{low:g} um"),)
        return tuple(u.Quantity(a, f"{a:g} um") for a in (_rounded(a, round) for a in log_spaced(low, high, GRID)))


def _rounded(value: float, direction: Callable[[float], int]) -> float:
    """To two digits."""
    digit = 10.0 ** (floor(log10(value)) - 1)
    return float(f"{direction(value / digit) * digit:.6g}")
