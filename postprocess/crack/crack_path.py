"""The way along a diffuse crack, node by node from its mouth to its farthest end. No files, no pictures."""

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

BROKEN = 0.95
"""Damage [-] from which on a node counts as broken."""
_SMOOTHING = 2
"""Nodes to each side whose mean place counts for the length of the way: it zigzags between nodes."""


def crack_path(
    xy: np.ndarray, triangles: np.ndarray, damage: np.ndarray, mouth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shortest way over broken nodes from a mouth to the node farthest from all mouths.

    Shorter branches, and shorter cracks of several, are not on it. Where broken nodes are not connected (on both sides
    of a pore, say), the way takes the shortest gap.

    Parameters
    ----------
    xy
        Nodes (n, 2) [um].
    triangles
        Rows of `xy`, shape (m, 3).
    damage
        d of each node.
    mouth
        Whether a crack begins at a node; without any that is broken, the way begins at the lowest broken ones.

    Returns
    -------
    nodes
        Rows of `xy` in the order of the way; empty if nothing is broken.
    along
        Distance of each from the mouth along the way [um].
    """
    broken = np.flatnonzero(damage >= BROKEN)
    if not broken.size:
        return broken, np.zeros(0)
    points, starts = xy[broken], np.flatnonzero(mouth[broken])
    if not starts.size:
        starts = np.flatnonzero(points[:, 1] == points[:, 1].min())
    graph = _connected(points, _edges(triangles, broken, len(xy)), starts)
    distance, before, _ = dijkstra(graph, directed=False, indices=starts, min_only=True, return_predecessors=True)
    way = [int(np.argmax(distance))]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    way.reverse()
    return broken[way], _length_along(points[way])


def _edges(triangles: np.ndarray, broken: np.ndarray, count: int) -> np.ndarray:
    """Edges of the mesh between broken nodes, as rows of `broken`."""
    number = np.full(count, -1)
    number[broken] = np.arange(len(broken))
    local = number[triangles]
    edges = np.sort(np.vstack([local[:, [0, 1]], local[:, [1, 2]], local[:, [2, 0]]]), axis=1)
    return np.unique(edges[edges[:, 0] >= 0], axis=0)


def _connected(points: np.ndarray, edges: np.ndarray, starts: np.ndarray) -> csr_array:
    """Return the graph of the edges with their lengths; parts without a start join the others at the shortest gaps."""
    while True:
        lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
        graph = coo_array((lengths, edges.T), shape=(len(points),) * 2).tocsr()
        part = connected_components(graph, directed=False)[1]
        reached = np.isin(part, part[starts])
        if reached.all():
            return graph
        one, others = np.flatnonzero(reached), np.flatnonzero(~reached)
        gap, nearest = cKDTree(points[one]).query(points[others])
        k = int(np.argmin(gap))
        edges = np.vstack([edges, [one[nearest[k]], others[k]]])


def _length_along(points: np.ndarray) -> np.ndarray:
    """Distance of each point from the first, along the smoothed way through all [um]."""
    n = len(points)
    reach = np.minimum(_SMOOTHING, np.minimum(np.arange(n), np.arange(n)[::-1]))
    smooth = np.array([points[i - r : i + r + 1].mean(axis=0) for i, r in enumerate(reach)])
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(smooth, axis=0), axis=1))])
