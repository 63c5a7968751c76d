"""CCD of an electrode from its flaws: closed forms, Monte Carlo, interpolation on a grid, bounds beyond it."""

from itertools import pairwise
from math import exp, inf, log, log1p, sqrt

import numpy as np
import pytest
from lifrac.problems.studies.population.population import (
    Electrode,
    Population,
    SingleFlaws,
    Weibull,
    ccd_modulus,
    largest_flaw_quantile,
    modulus_between,
    modulus_of_scatter,
    with_slopes,
)

SCALE, MODULUS, DENSITY, AREA = 8.0, 2.5, 400.0, 0.7
FLAWS = DENSITY * AREA
C, S, R = 5.0e4, 3.2, 1.7
"""j_c = C a^-S w^R."""
QUANTILES = (0.001, 0.1, 0.5, 0.9, 0.999)


def power_law(a: float, w: float = 1.0) -> float:
    return float(C * a**-S * w**R)


def grid(lengths: list[float], apertures: tuple[float, ...] = (1.0,), lower: bool = True) -> SingleFlaws:
    values = tuple(tuple(power_law(a, w) for a in lengths) for w in apertures)
    return SingleFlaws(tuple(lengths), apertures, values, lower)


def electrode(single: SingleFlaws, flaws: float = FLAWS) -> Electrode:
    return Electrode(Population.weibull(Weibull(SCALE, MODULUS)), flaws, single)


@pytest.mark.parametrize("lengths", [[1.0, 60.0], [1.0, 9.0, 20.0, 60.0]])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("q", QUANTILES)
def test_power_law_has_its_closed_form(lengths: list[float], lower: bool, q: float) -> None:
    """A power law is exact on any grid: the largest flaw gives the quantile."""
    exact = C * largest_flaw_quantile(SCALE, MODULUS, DENSITY, AREA, q) ** -S
    cell = electrode(grid(lengths, lower=lower))
    assert cell.quantile(q) == pytest.approx(exact, rel=1e-9)
    assert cell.fails(exact) == pytest.approx(q, rel=1e-9)


@pytest.mark.parametrize("q", QUANTILES)
def test_largest_flaw(q: float) -> None:
    """Poisson: the electrode has no flaw longer than a with probability exp(-N P(length > a))."""
    a = largest_flaw_quantile(SCALE, MODULUS, DENSITY, AREA, q)
    assert 1.0 - exp(-FLAWS * exp(-((a / SCALE) ** MODULUS))) == pytest.approx(q, rel=1e-12)


def test_no_flaw_no_failure() -> None:
    """One flaw in a hundred electrodes: 99 of them never fail."""
    cell = electrode(grid([0.01, 60.0], lower=False), flaws=0.01)
    assert largest_flaw_quantile(SCALE, MODULUS, 0.01, 1.0, 0.5) == 0.0
    assert cell.quantile(0.5) == inf
    assert cell.fails(1.0e30) < 0.00996


def test_local_weibull_modulus() -> None:
    """The closed form against the slope of the distribution; strength, falling as a^-1/2, scatters 2 s times less."""
    cell = electrode(grid([1.0, 60.0]))
    for q in (0.1, 0.5, 0.9):
        near = q * (1.0 + 1e-6)
        slope = modulus_between(q, cell.quantile(q), near, cell.quantile(near))
        assert slope == pytest.approx(ccd_modulus(S, MODULUS, FLAWS, q), rel=1e-5)
    assert ccd_modulus(0.5, MODULUS, FLAWS) == pytest.approx(2.0 * S * ccd_modulus(S, MODULUS, FLAWS))


def test_modulus_of_scatter() -> None:
    """Exponential: deviation equal to the mean; the other by numbers drawn with the modulus found."""
    assert modulus_of_scatter(1.0) == pytest.approx(1.0)
    m = modulus_of_scatter(0.7 / 0.9)
    drawn = np.random.default_rng(5).weibull(m, 400_000)
    assert drawn.std() / drawn.mean() == pytest.approx(0.7 / 0.9, rel=0.01)


def brittle(a: float) -> float:
    """A law that is no power law: it ends where the stack pressure cracks the flaw alone."""
    return float(2.0e4 * (1.0 / sqrt(a) - 1.0 / sqrt(64.0)) ** 6.5 / a)


def test_interpolation_error_falls_with_the_grid() -> None:
    exact = brittle(largest_flaw_quantile(SCALE, MODULUS, DENSITY, AREA, 0.5))
    errors = []
    for number in (3, 5, 9, 17):
        lengths = tuple(np.geomspace(5.0, 35.0, number).tolist())
        single = SingleFlaws(lengths, (1.0,), (tuple(map(brittle, lengths)),), True)
        errors.append(abs(electrode(single).quantile(0.5) / exact - 1.0))
    assert errors[0] < 0.9  # three lengths over a factor of seven are not enough
    assert errors[2] < 0.06
    assert all(b < 0.5 * a for a, b in pairwise(errors))


def test_monte_carlo() -> None:
    """Electrodes with a Poisson number of flaws of random length and aperture, the weakest of which decides."""
    random = np.random.default_rng(20)
    flaws, lengths, apertures = 30.0, Weibull(SCALE, MODULUS), Weibull(1.2, 4.0)
    ccd = []
    for number in random.poisson(flaws, 20_000):
        a = SCALE * random.weibull(MODULUS, number)
        w = 1.2 * random.weibull(4.0, number)
        ccd.append(min(C * a**-S * w**R, default=inf))
    single = grid([0.2, 60.0], (0.01, 4.0))
    cell = Electrode(Population.weibull(lengths, apertures), flaws, single)
    for q in (0.1, 0.5, 0.9):
        share = float(np.mean(np.asarray(ccd) <= cell.quantile(q)))
        assert abs(share - q) < 4.0 * sqrt(q * (1.0 - q) / len(ccd))


def test_narrow_distribution_of_apertures_is_one_aperture() -> None:
    single = grid([1.0, 60.0], (0.5, 1.0, 2.0))
    cell = Electrode(Population.weibull(Weibull(SCALE, MODULUS), Weibull(1.3, 4000.0)), FLAWS, single)
    exact = power_law(largest_flaw_quantile(SCALE, MODULUS, DENSITY, AREA, 0.5), 1.3)
    assert cell.quantile(0.5) == pytest.approx(exact, rel=1e-3)


def test_listed_flaws_fail_one_after_another() -> None:
    """A step for each length, at the number of flaws that are as long or longer; weights are normalised."""
    single = grid([5.0, 10.0, 20.0])
    cell = Electrode(Population.listed([10.0, 5.0, 20.0], [6.0, 3.0, 1.0]), 2.0, single)
    for a, number in ((20.0, 0.2), (10.0, 1.4), (5.0, 2.0)):
        assert cell.fails(power_law(a) * 1.0001) == pytest.approx(1.0 - exp(-number))
    assert cell.quantile(0.5 * (1.0 - exp(-0.2))) == pytest.approx(power_law(20.0))
    assert cell.quantile(1.0 - exp(-1.3)) == pytest.approx(power_law(10.0))
    assert cell.quantile(0.99) == inf


def test_listed_apertures_belong_to_their_lengths() -> None:
    single = grid([5.0, 20.0], (0.5, 2.0))
    cell = Electrode(Population.listed([20.0, 5.0], [1.0, 1.0], [2.0, 0.5]), 2.0, single)
    ccd = sorted([power_law(20.0, 2.0), power_law(5.0, 0.5)])
    assert [cell.quantile(q) for q in (0.5, 0.8)] == pytest.approx(ccd)
    assert -log1p(-0.5) < 1.0 < -log1p(-0.8)


class TestBounds:
    """Nothing is extrapolated; each end of a bracket is what is certain."""

    def ends(self, flaws: float, q: float = 0.5, apertures: Weibull | None = None) -> tuple[float, float]:
        population = Population.weibull(Weibull(SCALE, MODULUS), apertures)
        widths = (1.0,) if apertures is None else (0.8, 1.6)
        low, high = (Electrode(population, flaws, grid([10.0, 20.0], widths, lower)) for lower in (True, False))
        return low.quantile(q), high.quantile(q)

    def test_shorter_than_the_grid(self) -> None:
        assert self.ends(2.0) == (pytest.approx(power_law(10.0)), inf)

    def test_longer_than_the_grid(self) -> None:
        assert self.ends(1.0e7) == (0.0, pytest.approx(power_law(20.0)))

    def test_inside_the_grid(self) -> None:
        low, high = self.ends(50.0)
        assert low == pytest.approx(high, rel=1e-12)

    def test_aperture_beyond_the_grid(self) -> None:
        """Narrower flaws fail earlier here, so that the upper end is that of the narrowest, and the reverse."""
        assert self.ends(50.0, apertures=Weibull(0.2, 100.0))[0] == 0.0
        assert self.ends(50.0, apertures=Weibull(5.0, 100.0))[1] == inf
        a = SCALE * log(50.0 / log(2.0)) ** (1.0 / MODULUS)
        assert self.ends(50.0, apertures=Weibull(0.2, 100.0))[1] == pytest.approx(power_law(a, 0.8))
        assert self.ends(50.0, apertures=Weibull(5.0, 100.0))[0] == pytest.approx(power_law(a, 1.6))

    @pytest.mark.parametrize(
        ("a", "lower", "upper"),
        [
            (12.0, 0.0, 5.0 * 0.2 ** (log(1.2) / log(2.0))),
            (7.0, 3.0 * (4.0 / 3.0) ** (log(10.0 / 7.0) / log(2.0)), inf),
            (25.0, 0.0, 1.0),
        ],
    )
    def test_open_brackets(self, a: float, lower: float, upper: float) -> None:
        """At 5 um no current failed, at 20 none survived: beside such a node only the other one says something."""
        ends = []
        for values, side in (((4.0, 3.0, 0.0), True), ((inf, 5.0, 1.0), False)):
            single = SingleFlaws((5.0, 10.0, 20.0), (1.0,), (values,), side)
            ends.append(Electrode(Population.listed([a], [1.0]), 10.0, single).quantile(0.5))
        assert ends == pytest.approx([lower, upper])

    def test_longer_flaws_never_help(self) -> None:
        """The smaller value decides where a longer flaw stood more."""
        single = SingleFlaws((5.0, 10.0, 20.0), (1.0,), ((4.0, 2.0, 3.0),), True)
        assert single.nodes(None).tolist() == [[4.0, 2.0, 2.0]]


def test_slopes_make_few_lengths_enough() -> None:
    """A law that is no power of the length, a factor of two apart: 0.02 % between them, 1.4 % without slopes."""

    def law(a: float) -> float:
        return 3.0 / a / (1.0 + 0.05 * a)

    lengths = (5.0, 10.0, 20.0, 40.0)
    slopes = [-1.0 - 0.05 * a / (1.0 + 0.05 * a) for a in lengths]
    finer, values = with_slopes(lengths, [law(a) for a in lengths], slopes)
    assert set(lengths) < set(finer)
    assert values == pytest.approx([law(a) for a in finer], rel=2e-4)
    assert (law(10.0) * law(20.0)) ** 0.5 == pytest.approx(0.986 * law(200.0**0.5), rel=1e-3)
    assert with_slopes((5.0,), (1.0,), (-1.0,)) == ((5.0,), (1.0,))
