"""One row of cells in a strip with four sides."""

from typing import Any

from .polylines import Point


def one_row(model: Any, surface: int, middle: tuple[Point, Point], count: int) -> None:
    """Nodes at the same stations on both long sides of a straight part of a strip, and none between.

    A long side has both ends on one side of the middle line; the others join the two sides.
    """
    (ax, ay), (bx, by) = middle
    for _, curve in model.getBoundary([(2, surface)], oriented=False):
        ends = [model.getValue(0, tag, []) for _, tag in model.getBoundary([(1, curve)], oriented=False)]
        sides = {(bx - ax) * (y - ay) > (by - ay) * (x - ax) for x, y, _ in ends}
        model.mesh.setTransfiniteCurve(curve, count + 1 if len(sides) == 1 else 2)
    model.mesh.setTransfiniteSurface(surface, "AlternateLeft")
