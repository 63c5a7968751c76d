"""Pores in a section: the loops of edges that bound its triangles from within. No files, no pictures."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def pore_outlines(xy: np.ndarray, triangles: np.ndarray) -> list[np.ndarray]:
    """Nodes around every hole, in order around its middle; holes are taken to be about round.

    Parameters
    ----------
    xy
        Nodes (n, 2).
    triangles
        Rows of `xy`, shape (m, 3).
    """
    edges = np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    edges, count = np.unique(edges, axis=0, return_counts=True)
    rim = edges[count == 1]
    graph = coo_array((np.ones(len(rim)), rim.T), shape=(len(xy),) * 2)
    part = connected_components(graph, directed=False)[1]
    # The outline of the body is the one that holds the outermost nodes.
    outside = part[[xy[:, k].argmin() for k in (0, 1)] + [xy[:, k].argmax() for k in (0, 1)]]
    loops = [np.unique(rim[part[rim[:, 0]] == p]) for p in np.setdiff1d(part[rim], outside)]
    return [_around(xy, loop) for loop in loops]


def _around(xy: np.ndarray, loop: np.ndarray) -> np.ndarray:
    """Return the nodes of a loop by their direction from its middle."""
    x, y = (xy[loop] - xy[loop].mean(axis=0)).T
    return loop[np.argsort(np.arctan2(y, x))]
