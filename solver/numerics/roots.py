"""Zeros of functions of one variable, many at a time, each between bounds of its own."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST_STEPS = 200
"""Bisection of an interval down to rounding takes 60 or so; the method never takes three times as many."""


def bracketed_zeros(function: Callable[[Floats], Floats], start: Floats, end: Floats, resolution: float) -> Floats:
    """Find x between `start` and `end` with f(x) = 0, element by element.

    Inverse quadratic interpolation where three points promise it, else bisection: T. R. Chandrupatla, A new hybrid
    quadratic/bisection algorithm for finding the zero of a nonlinear function without using derivatives, Adv. Eng.
    Softw. 28 (1997) 145-149.

    Parameters
    ----------
    function : callable
        f of an array of the shape of `start`, whose elements depend on one element of x each.
    start, end : ndarray
        Bounds. Where f has the same sign at both, what comes back is one of them.
    resolution : float
        Absolute and relative width of the interval in which each zero is known in the end.

    Returns
    -------
    ndarray
        The bound of each last interval at which |f| is smaller.
    """
    a, b = np.array(end, dtype=np.float64), np.array(start, dtype=np.float64)
    fa, fb = function(a), function(b)
    share = np.full_like(a, 0.5)
    done = fa * fb >= 0.0
    best = np.where(np.abs(fa) < np.abs(fb), a, b)
    for _ in range(MOST_STEPS):
        if done.all():
            break
        x = np.where(done, best, a + share * (b - a))
        fx = function(x)
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        best = np.where(done, best, np.where(np.abs(fa) < np.abs(fb), a, b))
        width = np.abs(b - a)
        allowed = 2.0 * resolution * (1.0 + np.abs(best))
        done |= (width <= allowed) | (fa == 0.0)
        share = _next_share((a, fa), (b, fb), (c, fc), allowed)
    return best


Points = tuple[Floats, Floats]


def _next_share(newest: Points, opposite: Points, before: Points, allowed: Floats) -> Floats:
    """Share of the way from the newest point to the one of opposite sign at which f is evaluated next."""
    (a, fa), (b, fb), (c, fc) = newest, opposite, before
    with np.errstate(divide="ignore", invalid="ignore"):
        chi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        curved = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        trusted = (phi**2 < chi) & ((1.0 - phi) ** 2 < 1.0 - chi) & np.isfinite(curved)
        least = np.minimum(0.5 * allowed / np.abs(b - a), 0.5)
    return np.clip(np.where(trusted, curved, 0.5), least, 1.0 - least)
