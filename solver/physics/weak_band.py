"""A grain boundary as a band of weak cells: what a crack along it costs on a mesh, and the Gc that the cells need.

A diffuse crack is wider than a narrow band, so that part of it lies in the grains and costs their Gc. The profile of
damage across the band is that of the least int Gc(y) gamma(d) dy over damage that is linear in each row of cells, one
row broken, as on the mesh; `DamageModel.interface_toughness` is its limit for fine meshes and sharp edges.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from lifrac.errors import NumericalFailure
from lifrac.meshes.geometries.grains import band_share
from scipy.optimize import brentq, nnls

from .damage import DamageModel

Floats = npt.NDArray[np.float64]

LEAST_RATIO = 0.02
"""Gc of the cells over that of the grain: with less the band has no strength of its own left."""
_PLACES = (0.0, 0.5, 1.0)
"""Places of the broken row from the middle of the band, in rows: a crack takes the cheapest."""
_IN_A_ROW = 9
"""Places of a cell's middle across its row, within a third of the row (triangles in squares)."""


class BandError(NumericalFailure):
    """A toughness that no cells of the band can give; `least` is the least ratio that this band can."""

    def __init__(self, message: str, least: float) -> None:
        super().__init__(message)
        self.least = least


@dataclass(frozen=True)
class WeakBand:
    """The cells of a band along which a crack costs a stated part of what it costs in the grain."""

    toughness: float
    """Gc of cells that lie in the band over Gc of the grain [-]."""
    surface: float
    """Weight of gamma in cells that lie in the band [-], with which int gamma dy across a crack in it is that of a
    crack in the grain: the length of a crack is counted with it."""


def crack_along(model: DamageModel, ratio: float, width: float, cell_size: float) -> tuple[float, float, float]:
    """Cost of a crack along a band over Gc of the grain: the whole, and int gamma dy in the band and outside of it.

    Parameters
    ----------
    model : DamageModel
    ratio : float
        Gc of cells in the band over that of the grain [-].
    width, cell_size : float
        Of the band, and of the rows of cells [um].
    """
    return min(_placed(model, ratio, width, cell_size, place) for place in _PLACES)


def _placed(model: DamageModel, ratio: float, width: float, h: float, place: float) -> tuple[float, float, float]:
    """Return the same with the broken row `place` rows from the middle of the band."""
    n = int(np.ceil((model.half_width * 1.2 + width) / h)) + 3
    middles = (np.arange(-n, n + 1) + place) * h
    spread = ((np.arange(_IN_A_ROW) + 0.5) / _IN_A_ROW - 0.5) * h / 3.0
    share = band_share(np.abs(middles[:, None] + spread), h, width).mean(axis=1)
    toughness = 1.0 + (ratio - 1.0) * share
    gamma = np.concatenate(
        [
            _side(model, toughness[:n][::-1], h)[::-1],
            [model.toughness_factor(h) - 1.0],
            _side(model, toughness[n + 1 :], h),
        ]
    )
    return float(toughness @ gamma), float(share @ gamma), float((1.0 - share) @ gamma)


def _side(model: DamageModel, toughness: Floats, h: float) -> Floats:
    """Return int gamma dy of each row beside the broken one, for the damage that costs least."""
    n, l = len(toughness), model.length  # noqa: E741
    first, second = model.row_energy(h)
    scale = 1.0 / (4.0 * model.normalisation)
    # Energy of a row with damage a, b at its sides: scale (first.(a, b) + (a, b).second.(a, b)/2 + l (b - a)^2/h).
    local = second + 2.0 * l / h * np.array([[1.0, -1.0], [-1.0, 1.0]])
    matrix, force = np.zeros((n + 1, n + 1)), np.zeros(n + 1)
    for k, gc in enumerate(toughness):
        matrix[k : k + 2, k : k + 2] += gc * local
        force[k : k + 2] += gc * first
    upper = np.linalg.cholesky(matrix[1:, 1:]).T
    d = np.concatenate([[1.0], nnls(upper, -np.linalg.solve(upper.T, force[1:] + matrix[1:, 0]))[0]])
    pairs = np.stack([d[:-1], d[1:]], axis=1)
    return scale * (pairs @ first + 0.5 * np.einsum("ki,ij,kj->k", pairs, local, pairs))


@lru_cache(maxsize=32)
def weak_band(model: DamageModel, ratio: float, width: float, cell_size: float) -> WeakBand:
    """Return the cells of a band along which a crack costs `ratio` of what it costs in the grain, on the same mesh.

    A band that is tougher than the grain is avoided by cracks along it; its cells have the stated ratio.

    Raises
    ------
    BandError
        If a crack along cells of `LEAST_RATIO` costs more.
    """
    if ratio >= 1.0:
        return WeakBand(ratio, 1.0)
    of_grain = model.toughness_factor(cell_size)

    def excess(cells: float) -> float:
        return crack_along(model, cells, width, cell_size)[0] / of_grain - ratio

    least = excess(LEAST_RATIO) + ratio
    if least > ratio:
        raise BandError(f"a crack along a band {width:g} um wide costs at least {least:.2g} of one in the grain", least)
    cells = float(brentq(excess, LEAST_RATIO, 1.0, xtol=1.0e-9)) if excess(1.0) > 0.0 else 1.0
    _, inside, outside = crack_along(model, cells, width, cell_size)
    return WeakBand(cells, (of_grain - outside) / inside)
