"""Temperature dependence: the axis of Arrhenius and the apparent activation energy of brackets."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

BOLTZMANN = 8.617333262e-5
"""[eV/K] (CODATA 2018)."""
LABEL_WIDTH = 0.27
"""Room of a label on the axis on top, in widths of a panel."""
ZERO = 273.15
"""0 degC in K."""


def inverse_temperature(celsius: np.ndarray) -> np.ndarray:
    """1000 / T [1/K]."""
    return 1000.0 / (np.asarray(celsius, dtype=float) + ZERO)


def apparent_activation_energy(celsius: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[float, float]:
    """Slope of ln(CCD) against 1/(kT), negative, by least squares over the middles of brackets.

    Returns
    -------
    tuple
        Energy [eV], and how far it can be off where the CCDs lie anywhere in their brackets; both nan for fewer than
        two closed brackets.
    """
    known = (lower > 0.0) & np.isfinite(upper)
    x = -1.0 / (BOLTZMANN * (np.asarray(celsius, dtype=float)[known] + ZERO))
    if len(np.unique(x)) < 2:
        return float("nan"), float("nan")
    weights = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    half = 0.5 * np.log(upper[known] / lower[known])
    middle = 0.5 * np.log(upper[known] * lower[known])
    return float(weights @ middle), float(np.abs(weights) @ half)


def slope_text(celsius: pd.Series, lower: pd.Series, upper: pd.Series) -> str:
    """Return the energy for a legend; empty where there is none."""
    energy, off = apparent_activation_energy(*(np.asarray(c, dtype=float) for c in (celsius, lower, upper)))
    return f": {energy:.2f} ± {off:.2f} eV" if np.isfinite(energy) else ""


def celsius_axis(axis: Axes, temperatures: Sequence[float]) -> None:
    """Limits around the temperatures, hot on the left, with degC on top."""
    x = inverse_temperature(np.asarray(temperatures))
    margin = 0.1 * float(np.ptp(x)) or 0.1
    axis.set_xlim(x.min() - margin, x.max() + margin)
    axis.tick_params(which="both", top=False)
    shown = list(temperatures[:1])
    for t, at in zip(temperatures[1:], x[1:], strict=True):
        if inverse_temperature(np.asarray(shown[-1])) - at >= LABEL_WIDTH * (np.ptp(x) + 2 * margin):
            shown.append(t)
    top = axis.secondary_xaxis("top")
    top.set_ticks(inverse_temperature(np.asarray(shown)).tolist(), [f"{t:g} °C" for t in shown])
