"""Cells of a grain boundary that make a crack along it cost what is stated."""

import numpy as np
import pytest
from lifrac.meshes.geometries.grains import Grains
from lifrac.solver.physics.damage import AT1, AT2, DamageModel
from lifrac.solver.physics.weak_band import BandError, crack_along, weak_band

MODELS = pytest.mark.parametrize("model", [AT1(1.0), AT2(1.0)], ids=["AT1", "AT2"])


@MODELS
@pytest.mark.parametrize(("ratio", "width"), [(0.2, 1.0), (0.5, 0.5), (0.5, 3.0)])
def test_cost_tends_to_the_closed_form(model: DamageModel, ratio: float, width: float) -> None:
    """The error is of first order in the rows: the last two are extrapolated."""
    exact = model.interface_toughness(ratio, 1.0, width)
    costs = [crack_along(model, ratio, width, h)[0] for h in (0.05, 0.025)]
    errors = [abs(cost - exact) for cost in costs]
    assert errors[1] < 0.7 * errors[0]
    assert 2.0 * costs[1] - costs[0] == pytest.approx(exact, rel=0.01)


@MODELS
def test_one_crystal_costs_what_a_crack_does(model: DamageModel) -> None:
    """Rows of cells and straight pieces: a little above the exact profile."""
    whole, inside, outside = crack_along(model, 1.0, 1.0, 0.125)
    assert whole == pytest.approx(inside + outside, rel=1e-12)
    assert whole == pytest.approx(model.toughness_factor(0.125), rel=5e-3)


@MODELS
@pytest.mark.parametrize("ratio", [0.3, 0.7])
def test_cells_give_the_stated_toughness_and_length(model: DamageModel, ratio: float) -> None:
    band = weak_band(model, ratio, 1.0, 0.25)
    whole, inside, outside = crack_along(model, band.toughness, 1.0, 0.25)
    assert whole / model.toughness_factor(0.25) == pytest.approx(ratio, rel=1e-6)
    assert band.surface * inside + outside == pytest.approx(model.toughness_factor(0.25), rel=1e-12)
    assert band.toughness < ratio


@MODELS
def test_a_tough_band_has_what_is_stated(model: DamageModel) -> None:
    assert (weak_band(model, 2.0, 1.0, 0.25).toughness, weak_band(model, 1.0, 1.0, 0.25).surface) == (2.0, 1.0)


@MODELS
def test_out_of_reach(model: DamageModel) -> None:
    """The least ratio that is named is one that works."""
    with pytest.raises(BandError, match="costs at least") as caught:
        weak_band(model, 0.02, 1.0, 0.25)
    assert weak_band(model, caught.value.least * 1.005, 1.0, 0.25).toughness > 0.0


def test_share_of_cells_adds_up_to_the_band() -> None:
    """Over all cells across a boundary: its width, wherever the cells lie."""
    grains = Grains(((0.0, 20.0), (0.0, 20.0)), 2, 1)
    normal = np.diff(grains.seeds, axis=0)[0] / np.linalg.norm(np.diff(grains.seeds, axis=0))
    middle = grains.seeds.mean(axis=0)
    for shift in (0.0, 0.13, 0.37):
        along = (np.arange(-30, 31) + shift) * 0.3
        shares = grains.boundary_share(middle + along[:, None] * normal, 0.3, 2.1)
        assert shares.sum() * 0.3 == pytest.approx(2.1, rel=1e-12)
