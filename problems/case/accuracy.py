"""What `solver.accuracy` chooses: the size of elements and of time steps of the sharp front, over their defaults."""

DEFAULT_ACCURACY = 0.03
FINEST, COARSEST = 0.25, 2.5
"""Bounds of elements and time steps over those of the default accuracy."""


def size_factor(accuracy: float) -> float:
    """Return the size of elements and time steps over those of the default accuracy: errors are of first order."""
    return min(max(accuracy / DEFAULT_ACCURACY, FINEST), COARSEST)
