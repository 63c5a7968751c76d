"""Stress intensity of a crack under any pressure on its faces: weights from the rows of the inverse factor.

The node that opens while the tip moves on by d releases (x F)^2/2 = G d, G = K^2/E' (docs/theory/front.md): its row x
is the weight function at a tip in the middle of that move,

    m(y_i) = sqrt(E'/(2 d)) x_i,   K = int m(y) p(y) dy,   m(y) = sqrt(2/(pi (a - y))) g(y),   g(a) = 1.

Irregular cells make the move of the tip differ from d by about half a percent. K of a uniform pressure is a smooth
function of the tip: what a row departs from it is the mesh's noise, and is divided out. g is smooth, and integrated
with its singular factor in closed form.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .compliance import CrackCompliance

Floats = NDArray[np.float64]

NEIGHBOURS = 8
"""Rows on either side over which the stress intensity of a uniform pressure is smoothed."""
NEAR_TIP = 3
"""Nodes of a row next to its tip that the discrete tip distorts."""
FITTED = 20
"""Nodes behind those from which g is interpolated to its value 1 at the tip."""

SHORTEST = 1.0e-9
"""Pieces of a crack, over its length, that count for nothing."""


@dataclass(frozen=True)
class TipWeights:
    """The weight function of a crack with its tip at `points[-1]`.

    Attributes
    ----------
    points : ndarray (n,)
        Nodes behind the tip, and the tip [um].
    shape : ndarray (n,)
        g there [-], linear between them.
    """

    points: Floats
    shape: Floats

    @property
    def length(self) -> float:
        """Distance of the tip from the mouth [um]."""
        return float(self.points[-1])

    @cached_property
    def coefficients(self) -> Floats:
        """Stress intensity per pressure at each of the points, the pressure being linear between them [um^0.5]."""
        y, g = self.points, self.shape
        left, right = _piece_integrals(y[:-1], y[1:], g[:-1], g[1:], self.length)
        return np.append(left, 0.0) + np.insert(right, 0, 0.0)

    @property
    def uniform(self) -> float:
        """Stress intensity of a uniform unit pressure [um^0.5]."""
        return float(self.coefficients.sum())

    def intensity(self, points: Floats, pressure: Floats) -> float:
        """Return the stress intensity of a pressure that is linear between given points, and zero outside of them.

        Parameters
        ----------
        points : ndarray (k,)
            Ascending, within the crack, not only at the nodes [um]; twice the same one for a step.
        pressure : ndarray (k,)
            [MPa].
        """
        inside = self.points[(self.points > points[0]) & (self.points < points[-1])]
        at = np.sort(np.concatenate([points, inside]))
        # A step is two values at one point: both ends of each piece are read from its inside.
        keep = np.diff(at) > SHORTEST * self.length
        start, end = at[:-1][keep], at[1:][keep]
        middle = 0.5 * (start + end)
        piece = np.clip(np.searchsorted(points, middle) - 1, 0, len(points) - 2)
        slope = (pressure[piece + 1] - pressure[piece]) / (points[piece + 1] - points[piece])
        values = [pressure[piece] + slope * (y - points[piece]) for y in (start, end)]
        g_start, g_end = (np.interp(y, self.points, self.shape) for y in (start, end))
        left, right = _piece_integrals(start, end, g_start, g_end, self.length)
        return float(left @ values[0] + right @ values[1])


def _piece_integrals(start: Floats, end: Floats, g_start: Floats, g_end: Floats, tip: float) -> tuple[Floats, Floats]:
    """Integrals of m over pieces, times the hat function of their start and of their end, exact for linear g."""
    far, near, size = tip - start, np.maximum(tip - end, 0.0), end - start
    zeroth = 2.0 * (far**0.5 - near**0.5)  # int s^(-1/2+k) ds of s = tip - y
    first = 2.0 / 3.0 * (far**1.5 - near**1.5)
    second = 2.0 / 5.0 * (far**2.5 - near**2.5)
    towards = (far * zeroth - first) / size  # the same with ((y - start)/size)^k
    squared = (far**2 * zeroth - 2.0 * far * first + second) / size**2
    mixed = towards - squared
    scale = np.sqrt(2.0 / np.pi)
    left = scale * (g_start * (zeroth - 2.0 * towards + squared) + g_end * mixed)
    right = scale * (g_start * mixed + g_end * squared)
    return left, right


class WeightFunction:
    """The weight function of a crack for every position of its tip.

    Parameters
    ----------
    crack : CrackCompliance
    """

    def __init__(self, crack: CrackCompliance) -> None:
        self.crack = crack
        self.advance = np.diff(crack.tips)
        self.row_tips = 0.5 * (crack.tips[1:] + crack.tips[:-1])

    @cached_property
    def by_row(self) -> Floats:
        """Stress intensity of a uniform unit pressure as each row has it (size,) [um^0.5]."""
        crack = self.crack
        return crack.inverse_factor @ crack.area[: crack.size] / np.sqrt(2.0 * self.advance)

    def noise(self, row: int) -> float:
        """Return the stress intensity of a row under uniform pressure over its smooth course [-]."""
        reach = min(NEIGHBOURS, row - 1, len(self.by_row) - 1 - row)
        if reach < 1:
            return 1.0
        near = slice(row - reach, row + reach + 1)
        tip = self.row_tips[row]
        course = np.log(self.by_row[near]) - 0.5 * np.log(self.row_tips[near] / tip)
        fit = np.polynomial.polynomial.polyfit(self.row_tips[near] / tip - 1.0, course, 2 if reach > 2 else 0)
        return float(self.by_row[row] / np.exp(fit[0]))

    def row_shape(self, row: int) -> Floats:
        """Return g at the nodes 0 to `row` (row + 1,), for the tip of that row."""
        crack, tip = self.crack, self.row_tips[row]
        behind = tip - crack.y[: row + 1]
        scale = np.sqrt(0.25 * np.pi / self.advance[row]) / self.noise(row)
        g = crack.inverse_factor[row, : row + 1] * scale * np.sqrt(behind)
        first = max(row + 1 - NEAR_TIP, 0)
        fitted = slice(max(first - FITTED, 0), first)
        if g[fitted].size:
            size = behind[fitted][0]
            powers = np.stack([behind / size, (behind / size) ** 2], axis=1)
            fit = np.linalg.lstsq(powers[fitted], g[fitted] - 1.0, rcond=None)[0]
            g[first:] = 1.0 + powers[first:] @ fit
        else:
            g[:] = 1.0
        return g

    def at(self, length: float) -> TipWeights:
        """Return the weights of a tip at `length` [um], between the two rows about it.

        Raises
        ------
        ValueError
            If the nodes that may open do not reach that far.
        """
        row = int(np.searchsorted(self.row_tips, length))
        if not 1 <= row < len(self.row_tips):
            raise ValueError(f"no two rows lie about a tip at {length:g} um")
        share = (length - self.row_tips[row - 1]) / (self.row_tips[row] - self.row_tips[row - 1])
        before, after = np.append(self.row_shape(row - 1), 1.0), self.row_shape(row)
        behind = int(np.searchsorted(self.crack.y, length * (1.0 - 1.0e-9)))
        shape = ((1.0 - share) * before + share * after)[:behind]
        return TipWeights(np.append(self.crack.y[:behind], length), np.append(shape, 1.0))
