"""Creep of lithium along the crack: the flux through a slot and its derivatives, link by link, with NumPy.

The law is that of `physics.creep`, in closed form for arrays.
"""

import numpy as np
from lifrac.solver.model.lithium import Creep
from lifrac.solver.physics.creep import GRADIENT_FLOOR, shear_prefactor
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TINY, FURTHEST = 1.0e-300, 20.0
"""Flux that is none [um2/s]; largest change of the logarithm of a gradient that is looked for."""


def gradient_of_flux(creep: Creep, aperture: Floats, flux: Floats, near: Floats) -> Floats:
    """Return the gradient that drives a flux, to a few per cent; exact for Norton creep alone.

    Parameters
    ----------
    creep : Creep
    aperture : ndarray
        w [um], positive.
    flux : ndarray
        [um2/s].
    near : ndarray
        Where to begin looking for it [MPa/um]: ln q is nearly linear in ln(-dp/dy), with a slope between 1 and n.
    """
    found, wanted = np.abs(near) + GRADIENT_FLOOR, np.abs(flux) + TINY
    for _ in range(2):
        q, by_gradient, _ = slot_flux(creep, aperture, found)
        found = found * np.exp(np.clip(np.log(wanted / (q + TINY)) * q / (by_gradient * found), -FURTHEST, FURTHEST))
    return np.copysign(found, flux)


def slot_flux(creep: Creep, aperture: Floats, gradient: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the flux q, dq/dgradient and dq/daperture.

    Parameters
    ----------
    creep : Creep
    aperture : ndarray
        w [um], positive.
    gradient : ndarray
        Fall of the pressure along the link, -dp/dy [MPa/um].
    """
    n, w = creep.exponent, aperture
    steepness = np.sqrt(gradient**2 + GRADIENT_FLOOR**2)
    capped = np.zeros(w.shape, dtype=bool)
    if creep.stress_cap is not None:
        limit = 2.0 * creep.stress_cap / w
        capped = steepness > limit
        steepness = np.minimum(steepness, limit)
    norton = 2.0 * shear_prefactor(creep) / (n + 2.0) * (0.5 * w) ** (n + 2.0) * steepness ** (n - 1.0)
    by_aperture = (n + 2.0 - np.where(capped, n - 1.0, 0.0)) / w
    if creep.size_exponent > 0.0:
        norton = norton * (w / (w + creep.size_length)) ** creep.size_exponent
        by_aperture = by_aperture + creep.size_exponent * creep.size_length / (w * (w + creep.size_length))
    by_gradient = norton * (1.0 + np.where(capped, 0.0, (n - 1.0) * (gradient / steepness) ** 2))
    mobility, slope = norton, norton * by_aperture
    if creep.linear_viscosity is not None:
        linear = w**3 / (12.0 * creep.linear_viscosity)
        mobility, by_gradient, slope = mobility + linear, by_gradient + linear, slope + 3.0 * linear / w
    return mobility * gradient, by_gradient, slope * gradient
