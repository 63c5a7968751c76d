"""Straight-edged curves in the plane: distances between them, and the strip of one row of cells along one."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]
Polyline = tuple[Point, ...]


def segments(line: Polyline) -> Floats:
    """Return the ends of the pieces of a polyline (n, 2, 2) [um]; a single point is a piece of no length."""
    points = line if len(line) > 1 else (line[0], line[0])
    return np.array(list(pairwise(points)), dtype=np.float64)


def lengths(line: Polyline) -> Floats:
    """Lengths of the pieces of a polyline [um]."""
    ends = segments(line)
    return np.asarray(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1))


def directions(line: Polyline) -> Floats:
    """Return unit vectors along the pieces of a polyline (n, 2)."""
    ends = segments(line)
    return np.asarray((ends[:, 1] - ends[:, 0]) / lengths(line)[:, None])


def distance_to_point(segment: Floats, point: Point | Floats) -> float:
    """Distance of a point from a straight piece [um]."""
    start, way = segment[0], segment[1] - segment[0]
    square = float(way @ way)
    at = 0.0 if square == 0.0 else min(max(float((np.asarray(point) - start) @ way) / square, 0.0), 1.0)
    return float(np.linalg.norm(np.asarray(point) - start - at * way))


def distance_between(one: Floats, other: Floats) -> float:
    """Distance between two straight pieces [um]; 0 where they cross."""
    if _cross(one, other):
        return 0.0
    to_other = [distance_to_point(other, point) for point in one]
    return min(*to_other, *(distance_to_point(one, point) for point in other))


def _cross(one: Floats, other: Floats) -> bool:
    """Whether each piece has its ends on both sides of the other."""

    def side(piece: Floats, point: Floats) -> float:
        way, to = piece[1] - piece[0], point - piece[0]
        return float(np.sign(way[0] * to[1] - way[1] * to[0]))

    return side(one, other[0]) * side(one, other[1]) < 0 and side(other, one[0]) * side(other, one[1]) < 0


def turning_angles(line: Polyline) -> Floats:
    """Angle by which the direction changes at each inner point [rad]."""
    along = directions(line)
    return np.asarray(np.arccos(np.clip(np.sum(along[1:] * along[:-1], axis=1), -1.0, 1.0)))


def strip(line: Polyline, width: float, before: float, after: float) -> Floats:
    """Return the strip of a given width about a polyline, one quadrilateral a piece, mitred where it turns.

    Parameters
    ----------
    line : Polyline
        Middle of the strip [um].
    width : float
        Its width [um].
    before, after : float
        How far the strip goes on, straight, before the first point and after the last [um].

    Returns
    -------
    (n, 4, 2) float
        Corners of each quadrilateral: left and right of its start, right and left of its end [um].
    """
    along = directions(line)
    left = np.column_stack([-along[:, 1], along[:, 0]])
    cuts = [left[0], *((a + b) / (1.0 + a @ b) for a, b in pairwise(left)), left[-1]]
    middle = np.array(line, dtype=np.float64)
    middle[0] -= before * along[0]
    middle[-1] += after * along[-1]
    half = 0.5 * width * np.array(cuts)
    corners = [middle[:-1] + half[:-1], middle[:-1] - half[:-1], middle[1:] - half[1:], middle[1:] + half[1:]]
    return np.stack(corners, axis=1)
