"""Critical current density (CCD) of an electrode from that of single flaws: pure functions, no solver, no files.

The electrode holds a Poisson number of flaws, N = density * area on average, drawn from a population. Flaws do not
interact, and the first that fails decides:

    P(CCD <= j) = 1 - exp(-N F1(j)),    F1(j) = P(j_c(a, w) <= j) for one flaw of length a and aperture w.

The CCD at the quantile q is thus the current at which F1 = -ln(1 - q) / N =: S. Where j_c falls with a, that is the CCD
of the flaw whose length a share S of all flaws exceeds. For Weibull lengths, P(length > a) = exp(-(a/scale)^m):

    a_q = scale [ln(N / -ln(1 - q))]^(1/m)                    (`largest_flaw_quantile`)

and with a power law j_c = c a^-s the CCD at q is c a_q^-s. Its local Weibull modulus, d ln(-ln(1 - P)) / d ln j, is
m_j = (m/s) ln(N / -ln(1 - q))                                (`ccd_modulus`).
Strength falls as a^-1/2, so that the strength of the same flaws has a modulus larger by 2 s.

Lengths and apertures in any one unit; density and area so that their product is a number; currents in any one unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import expm1, inf, log, log1p, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq
from scipy.special import gammaln

Array = NDArray[np.float64]
CELLS = 400
"""Strips into which a distribution of apertures is cut; errors fall with the square of their number."""
TAIL = 1.0e-12
"""Probability beyond the outermost strips, which they take along."""
PARTS = 8
"""Parts into which the distance of two lengths is cut where slopes are known."""
ROUNDING = 1.0e-13
"""Relative: probabilities and currents this close are the same."""


class Distribution(Protocol):
    """Lengths of flaws, one distribution for all strata of a population or one for each."""

    def exceeded(self, length: Array) -> Array:
        """Return the share of the flaws of each stratum that are as long as `length` (one for each) or longer."""

    def quantile(self, share: float) -> float:
        """Return the length that a `share` of all flaws, 0 < share < 1, reaches or exceeds."""


@dataclass(frozen=True)
class Weibull:
    """P(length > a) = exp(-(a / scale)^modulus)."""

    scale: float
    modulus: float

    def exceeded(self, length: Array) -> Array:
        """Return the share of flaws that are as long as `length` or longer."""
        return np.exp(-((np.asarray(length, dtype=float) / self.scale) ** self.modulus))

    def quantile(self, share: float) -> float:
        """Return the length that a `share` of the flaws reaches."""
        return float(self.scale * (-log(share)) ** (1.0 / self.modulus))

    def strips(self) -> tuple[Array, Array]:
        """Values evenly spaced in their logarithm that stand for strips of the distribution, and their shares."""
        ends = np.geomspace(self.quantile(1.0 - TAIL), self.quantile(TAIL), CELLS + 1)
        exceeded = self.exceeded(ends)
        exceeded[0], exceeded[-1] = 1.0, 0.0
        return np.sqrt(ends[:-1] * ends[1:]), exceeded[:-1] - exceeded[1:]


@dataclass(frozen=True)
class Listed:
    """Lengths one by one, each with its share of all flaws; `alone`: each is a stratum of its own."""

    lengths: tuple[float, ...]
    shares: tuple[float, ...]
    alone: bool = False

    def exceeded(self, length: Array) -> Array:
        """Return the share of flaws that are as long as `length` or longer."""
        if self.alone:
            return (np.asarray(self.lengths) >= length).astype(float)
        return np.array([sum(p for a, p in zip(self.lengths, self.shares, strict=True) if a >= x) for x in length])

    def quantile(self, share: float) -> float:
        """Return the length that a `share` of the flaws reaches."""
        reached = 0.0
        for a, part in sorted(zip(self.lengths, self.shares, strict=True), reverse=True):
            reached += part
            if reached >= share * (1.0 - ROUNDING):
                return a
        return min(self.lengths)


@dataclass(frozen=True)
class Population:
    """A flaw population, in strata of one aperture each."""

    lengths: Distribution
    apertures: tuple[float, ...] | None = None
    """Aperture of each stratum; None where all flaws have the one that was computed."""
    shares: tuple[float, ...] = (1.0,)
    """Share of all flaws that each stratum has."""

    @classmethod
    def weibull(cls, lengths: Weibull, apertures: Weibull | None = None) -> "Population":
        """Lengths and, independent of them, apertures."""
        if apertures is None:
            return cls(lengths)
        values, shares = apertures.strips()
        return cls(lengths, tuple(values.tolist()), tuple(shares.tolist()))

    @classmethod
    def listed(
        cls, lengths: Sequence[float], weights: Sequence[float], apertures: Sequence[float] | None = None
    ) -> "Population":
        """Flaws one by one; the weights need not add up to 1."""
        shares = tuple(weight / sum(weights) for weight in weights)
        if apertures is None:
            return cls(Listed(tuple(lengths), shares))
        return cls(Listed(tuple(lengths), shares, alone=True), tuple(apertures), shares)


@dataclass(frozen=True)
class SingleFlaws:
    """One end of the brackets of the CCD of single flaws, on a grid of lengths and apertures.

    Between nodes ln j_c is linear in ln a and in ln w: exact for power laws. Nothing is extrapolated. Outside the
    grid, and between nodes of which one has no value, the end is what is certain: a shorter flaw fails no earlier than
    the shortest of the grid, a longer one no later than the longest; likewise for apertures, with the sign that the
    CCD shows from the first to the last of them.

    Attributes
    ----------
    lengths, apertures
        Ascending; one or more of each.
    values
        CCD, a row for each aperture: 0 where all currents failed, infinite where all survived.
    lower
        Whether these are the lower ends.
    """

    lengths: tuple[float, ...]
    apertures: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    lower: bool

    @property
    def unknown(self) -> float:
        """The bound where nothing is known."""
        return 0.0 if self.lower else inf

    def nodes(self, apertures: tuple[float, ...] | None) -> Array:
        """CCD over the lengths of the grid, a row for each aperture; made to fall with the length."""
        rows = np.asarray(self.values, dtype=float)
        if apertures is not None:
            wanted = np.asarray(apertures)
            rows = np.column_stack([self._across(wanted, column) for column in rows.T])
        return np.minimum.accumulate(rows, axis=1)

    def _across(self, wanted: Array, column: Array) -> Array:
        """CCD at apertures, from that at the apertures of the grid."""
        grid = np.asarray(self.apertures)
        found = np.full(wanted.shape, self.unknown)
        rises = column[-1] >= column[0]
        for outside, edge, falls in ((wanted < grid[0], column[0], rises), (wanted > grid[-1], column[-1], not rises)):
            if falls != self.lower:
                found[outside] = edge
        right = np.clip(np.searchsorted(grid, wanted), 1, max(len(grid) - 1, 1))
        for i in range(1, len(grid)):
            low, high = column[i - 1], column[i]
            inside = (right == i) & (wanted >= grid[i - 1]) & (wanted <= grid[i])
            if min(low, high) > 0.0 and max(low, high) < inf:
                part = np.log(wanted[inside] / grid[i - 1]) / log(grid[i] / grid[i - 1])
                found[inside] = low * (high / low) ** part
            else:
                found[inside] = min(low, high) if self.lower else max(low, high)
        for w, value in zip(grid, column, strict=True):
            found[wanted == w] = value
        return found

    def critical_lengths(self, current: float, nodes: Array) -> Array:
        """Return the shortest flaw that fails at a current, for each row of `nodes`.

        Infinite where none is known to.
        """
        grid = np.asarray(self.lengths)
        fails = nodes <= current
        some, first = fails.any(axis=1), fails.argmax(axis=1)
        before = np.maximum(first - 1, 0)
        rows = np.arange(len(nodes))
        high, low = nodes[rows, before], nodes[rows, first]
        smooth = (low > 0.0) & np.isfinite(high) & (high > low)
        part = np.zeros(len(nodes))
        part[smooth] = np.log(high[smooth] / current) / np.log(high[smooth] / low[smooth])
        found = grid[before] * (grid[first] / grid[before]) ** part
        beyond = np.nextafter(grid, inf)  # longer than a node, by however little
        found = np.where(smooth, found, beyond[before] if self.lower else grid[first])
        found = np.where(first == 0, 0.0 if self.lower else grid[0], found)
        return np.where(some, found, beyond[-1] if self.lower else inf)


def with_slopes(
    lengths: Sequence[float], values: Sequence[float], slopes: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return lengths and CCDs with more of them in between, where d ln j_c/d ln a is known at each length.

    The logarithm of the CCD is a cubic in the logarithm of the length between two of them (Hermite), exact to fourth
    order in their distance.
    """
    if len(lengths) < 2:
        return tuple(lengths), tuple(values)
    x = np.log(np.asarray(lengths, dtype=float))
    spline = CubicHermiteSpline(x, np.log(np.asarray(values, dtype=float)), np.asarray(slopes, dtype=float))
    inner = [np.linspace(a, b, PARTS, endpoint=False)[1:] for a, b in pairwise(x)]
    between = np.concatenate(inner)
    pairs = dict(zip(np.exp(between).tolist(), np.exp(spline(between)).tolist(), strict=True))
    pairs |= dict(zip(lengths, values, strict=True))
    return tuple(sorted(pairs)), tuple(pairs[a] for a in sorted(pairs))


# -- the electrode ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Electrode:
    """A population of flaws on an electrode, with one end of the brackets of each flaw's CCD."""

    population: Population
    flaws: float
    """Mean number of flaws N."""
    single: SingleFlaws

    @cached_property
    def _nodes(self) -> Array:
        return self.single.nodes(self.population.apertures)

    def one_fails(self, current: float) -> float:
        """F1: the probability that one flaw fails at a current."""
        lengths = self.single.critical_lengths(current, self._nodes)
        return float(np.dot(self.population.shares, self.population.lengths.exceeded(lengths)))

    def fails(self, current: float) -> float:
        """P(CCD <= j): the probability that the electrode fails at a current."""
        return -expm1(-self.flaws * self.one_fails(current))

    def quantile(self, q: float) -> float:
        """Return the smallest current at which the electrode fails with probability `q`.

        Returns
        -------
        float
            0 where it is below every current that is known, infinite where it is above, or the electrode has no
            flaw with a probability above 1 - q.
        """
        share = -log1p(-q) / self.flaws
        known = self._nodes[(self._nodes > 0.0) & np.isfinite(self._nodes)]
        if self._reaches(0.0, share):
            return 0.0
        if not known.size or not self._reaches(float(known.max()), share):
            return inf
        low, high = float(known.min()), float(known.max())
        if self._reaches(low, share):
            return low
        while (middle := sqrt(low * high)) not in (low, high) and high / low - 1.0 > ROUNDING:
            low, high = (low, middle) if self._reaches(middle, share) else (middle, high)
        return high

    def _reaches(self, current: float, share: float) -> bool:
        return self.one_fails(current) >= share * (1.0 - ROUNDING)


def largest_flaw_quantile(scale: float, modulus: float, density: float, area: float, q: float) -> float:
    """Return the flaw that decides the CCD at the quantile `q`.

    The largest flaw of the electrode is longer with probability q.

    Returns
    -------
    float
        a_q = scale [ln(N / -ln(1 - q))]^(1/modulus), N = density * area, in units of `scale`; 0 where the electrode
        has no flaw at all with a probability above 1 - q.
    """
    share = -log1p(-q) / (density * area)
    return scale * (-log(share)) ** (1.0 / modulus) if share < 1.0 else 0.0


def ccd_modulus(exponent: float, modulus: float, flaws: float, q: float = 0.5) -> float:
    """Local Weibull modulus d ln(-ln(1 - P)) / d ln j of the CCD, for j_c = c a^-exponent and Weibull lengths."""
    return modulus / exponent * log(flaws / -log1p(-q))


def modulus_between(q1: float, j1: float, q2: float, j2: float) -> float:
    """Weibull modulus of a distribution with the quantiles (q1, j1) and (q2, j2)."""
    return log(log1p(-q2) / log1p(-q1)) / log(j2 / j1)


def modulus_of_scatter(variation: float) -> float:
    """Weibull modulus m of a stated coefficient of variation, sqrt(Gamma(1 + 2/m) / Gamma(1 + 1/m)^2 - 1)."""

    def excess(m: float) -> float:
        return float(gammaln(1.0 + 2.0 / m) - 2.0 * gammaln(1.0 + 1.0 / m)) - log1p(variation**2)

    return float(brentq(excess, 0.05, 500.0, xtol=1.0e-10))
