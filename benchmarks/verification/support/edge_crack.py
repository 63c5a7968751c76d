"""The edge crack of a half plane to eight digits, by its singular integral equation.

A crack 0 < x < 1 under p(x) has the density B = -w'/4 of dislocations, p/E' = 1,

    (1/pi) int_0^1 B(t) [1/(t - x) - 1/(t + x) + 6x/(t + x)^2 - 4x^2/(t + x)^3] dt = p(x)

(docs/theory/exact_solutions.md, Pressurised cracks). With t = 1 - u^2 and B = phi(u)/u, phi even, the singular part is
the integral of phi(u)/(v - u) over (-1, 1), which for Legendre polynomials is 2 Q_m(v) exactly. K of any pressure
follows from the uniform one by the weight function m = (E'/(2K)) dw/da.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.polynomial import Legendre
from numpy.polynomial.legendre import leggauss, legvander
from numpy.typing import NDArray
from scipy.special import lqn

Floats = NDArray[np.float64]

TERMS = 24
"""Even polynomials of phi: the factor of K has converged to 1e-8."""
POINTS = 400
"""Quadrature points of the regular part of the kernel, dense at the mouth."""


@cache
def density() -> Legendre:
    """Return phi(u) of a uniform pressure: B = phi/u at x = 1 - u^2."""
    count = 4 * TERMS
    v = np.cos(np.pi * (np.arange(count) + 0.5) / (2 * count))
    z, weight = leggauss(POINTS)
    u = 1.0 - (0.5 * (1.0 - z)) ** 4
    weight = weight * 2.0 * (0.5 * (1.0 - z)) ** 3
    x, t = (1.0 - v * v)[:, None], (1.0 - u * u)[None, :]
    kernel = -1.0 / (x + t) + 6.0 * x / (x + t) ** 2 - 4.0 * x**2 / (x + t) ** 3
    singular = np.array([lqn(2 * TERMS, each)[0] for each in v]) * (2.0 / v[:, None])
    matrix = (singular[:, : 2 * TERMS] + 2.0 * (kernel * weight) @ legvander(u, 2 * TERMS - 1))[:, ::2]
    scale = np.sqrt(x)  # the kernel is large at the mouth
    even = np.linalg.lstsq(matrix * scale, np.pi * scale[:, 0], rcond=None)[0]
    return Legendre(np.stack([even, np.zeros(TERMS)], axis=1).ravel())


@cache
def factor() -> float:
    """Return K/(p sqrt(pi a)) of a uniform pressure, 1.1215222."""
    return float(np.sqrt(2.0) * density()(0.0))


def opening(x: Floats | float) -> Floats:
    """Return w E'/(p a) of a uniform pressure at x = y/a."""
    return np.asarray((8.0 * density()).integ(lbnd=0)(np.sqrt(1.0 - np.asarray(x))))


def volume() -> float:
    """Return V E'/(p a^2) of a uniform pressure, pi factor^2 by the energy released."""
    return float(np.pi * factor() ** 2)


def factor_of(pressure: Callable[[Floats], Floats], last: float = 1.0) -> float:
    """Return K/sqrt(pi a) of a smooth pressure p(y/a) on 0 < y < last a."""
    z, weight = leggauss(200)
    end = np.sqrt(1.0 - last)
    u = end + 0.5 * (1.0 - end) * (z + 1.0)
    x = 1.0 - u * u
    by_u = (opening(x) * u + 4.0 * x * density()(u)) / factor()  # sqrt(pi a) m dx/du, as dx = 2 u du
    return float(0.5 * (1.0 - end) * weight @ (by_u * pressure(x)) / np.pi)


def partial_factor(ratio: float) -> float:
    """Return K/(p sqrt(pi a)) of a uniform pressure on 0 < y < ratio a."""
    return factor_of(np.ones_like, ratio)
