"""Polycrystals as Voronoi grains: which grain a point lies in, and how far it is from the next grain boundary.

The mesh does not follow the boundaries; the solver sets properties by cell from these functions. Pure NumPy.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from lifrac.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CANDIDATES = 8
"""Places tried for each seed; the one farthest from the seeds before it is taken, so that no grain is tiny."""
LEAST_ROWS = 6.0
"""Width of the band of a grain boundary in cells from which its toughness acts as stated within 3 %, or 5 % where rows
of cells lie worst (check `grain_boundary`); that of narrower ones depends on how they lie."""
MOST_PAIRS = 4_000_000
"""Pairs of points and seeds held in memory at once."""


def grain_count(bounds: tuple[tuple[float, float], ...], size: float) -> int:
    """Return the number of grains of a mean size in a box.

    Parameters
    ----------
    bounds : tuple of (float, float)
        Extent of the box in each direction [um].
    size : float
        Diameter of the circle (or sphere) as large as the mean grain [um].

    Raises
    ------
    InputError
        If the size is not positive.
    """
    if not (math.isfinite(size) and size > 0):
        raise InputError("must be a positive length", key="size", value=size)
    dim = len(bounds)
    volume = math.prod(high - low for low, high in bounds)
    return max(1, round(volume / (math.pi * size**dim / (2 * dim))))


def band_share(distance: npt.ArrayLike, size: npt.ArrayLike, width: float | Floats) -> Floats:
    """Part of cells of some extent that lies in a band, by the distance of their middles from its middle [um]."""
    middle, half_cell = np.asarray(distance, dtype=np.float64), 0.5 * np.asarray(size, dtype=np.float64)
    covered = np.minimum(middle + half_cell, 0.5 * width) - np.maximum(middle - half_cell, -0.5 * width)
    return np.asarray(np.clip(covered / (2.0 * half_cell), 0.0, 1.0))


@dataclass(frozen=True)
class Grains:
    """Voronoi grains of a box.

    The same values give the same grains, bit by bit, on any rank: each rank makes them for itself.

    Parameters
    ----------
    bounds : tuple of (float, float)
        Lowest and highest coordinate of the box along each axis [um].
    count : int
        Number of grains, at least 1.
    seed : int
        Of the random numbers.
    periodic : bool
        Whether grains go on at the other end of the box along x.

    Raises
    ------
    InputError
        If there is no grain or no box.
    """

    bounds: tuple[tuple[float, float], ...]
    count: int
    seed: int = 0
    periodic: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError("there must be at least one grain", key="count", value=self.count)
        if self.seed < 0:
            raise InputError("must not be negative", key="seed", value=self.seed)
        if any(not low < high for low, high in self.bounds):
            raise InputError("the box has no extent", key="bounds", value=self.bounds)

    @property
    def mean_size(self) -> float:
        """Diameter of the circle (or sphere) as large as the mean grain [um]; the inverse of `grain_count`."""
        dim = len(self.bounds)
        volume = math.prod(high - low for low, high in self.bounds)
        return float((2 * dim * volume / (math.pi * self.count)) ** (1.0 / dim))

    @cached_property
    def seeds(self) -> Floats:
        """Point that each grain grows from (count, dim) [um]."""
        random = np.random.Generator(np.random.PCG64(self.seed))
        low, high = np.array(self.bounds).T
        seeds = np.empty((self.count, len(low)))
        for i in range(self.count):
            tries = low + (high - low) * random.random((CANDIDATES, len(low)))
            apart = tries[:, None] - seeds[None, :i]
            if self.periodic:
                width = high[0] - low[0]
                apart[..., 0] -= width * np.round(apart[..., 0] / width)
            nearest = np.min(np.sum(apart**2, axis=2), axis=1, initial=np.inf)
            seeds[i] = tries[np.argmax(nearest)]
        return seeds

    def locate(self, points: npt.ArrayLike) -> tuple[Ints, Floats]:
        """Grain that each point lies in, and its distance to the nearest grain boundary.

        The distance is exact: a grain is convex, and its boundary towards seed s_j is the plane half way between
        s_i and s_j, at (|x - s_j|^2 - |x - s_i|^2)/(2 |s_j - s_i|) from x.

        Parameters
        ----------
        points : (n, >= dim) float
            Coordinates [um]; columns beyond the dimension of the box are ignored.

        Returns
        -------
        number : (n,) int
            0 to count - 1.
        distance : (n,) float
            [um]; infinite where there is no other grain.
        """
        x = np.asarray(points, dtype=np.float64)[:, : len(self.bounds)]
        if self.periodic:
            (low, high), *_ = self.bounds
            x = np.column_stack([low + np.mod(x[:, 0] - low, high - low), x[:, 1:]])
        chunks = max(1, math.ceil(len(x) * len(self._images[0]) / MOST_PAIRS))
        found = [self._locate(part) for part in np.array_split(x, chunks)]
        return np.concatenate([number for number, _ in found]), np.concatenate([d for _, d in found])

    def boundary_share(self, points: npt.ArrayLike, size: npt.ArrayLike, width: float) -> Floats:
        """Part of each cell that lies in the band of grain boundaries, 0 to 1.

        Parameters
        ----------
        points : (n, >= dim) float
            Middles of the cells [um].
        size : float or (n,) float
            Extent of the cells [um]: a cell much smaller than the band is in it or not, a larger one in part.
        width : float
            Of the band, half on each side of a boundary [um].
        """
        return band_share(self.locate(points)[1], size, width)

    @cached_property
    def _images(self) -> tuple[Floats, Ints]:
        """Seeds with their images at both ends of the box, and the grain of each."""
        shifts: tuple[float, ...] = (0.0,)
        if self.periodic:
            width = self.bounds[0][1] - self.bounds[0][0]
            shifts = (0.0, -width, width)
        step = np.eye(1, len(self.bounds))
        return np.concatenate([self.seeds + s * step for s in shifts]), np.tile(np.arange(self.count), len(shifts))

    def _locate(self, x: Floats) -> tuple[Ints, Floats]:
        seeds, grain = self._images
        square = np.sum((x[:, None] - seeds[None]) ** 2, axis=2)
        own = np.argmin(square, axis=1)
        nearest = np.take_along_axis(square, own[:, None], axis=1)
        between = np.linalg.norm(seeds[own][:, None] - seeds[None], axis=2)
        other = grain[own][:, None] != grain[None]
        distance = np.divide(square - nearest, 2.0 * between, out=np.full_like(square, np.inf), where=other)
        return grain[own], np.asarray(distance.min(axis=1))
