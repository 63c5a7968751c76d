"""Toughness that the current takes away: electrochemically assisted cracking.

    g(j_tip) = Gc_eff/Gc = r + (1 - r)/(1 + (j_tip/j_c)^m),   K at growth/K_Ic = sqrt(g)

j_tip > 0 plates; at rest and on stripping g = 1. The observation behind it: in translucent LLZO the stress intensity
of growing dendrites is close to the toughness at the lowest current and falls to about a quarter of it at high
current (Fincher et al., Nature (2026), after press and commentary: exact figures to be taken from the paper), hence
r = 0.25^2 = 0.06. j_c, m and the form of the law are not published: assumptions.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from lifrac.solver.model.fracture import AssistedCracking


class ToughnessLaw(Protocol):
    """What a fracture engine asks for."""

    def factor(self, j_tip: float) -> float:
        """g = Gc_eff/Gc in (0, 1] for the plating current density at the front of the metal [A/m2]."""
        ...


@dataclass(frozen=True)
class AssistedToughness:
    """g falls from 1 to the residual fraction around j_c."""

    parameters: AssistedCracking

    def factor(self, j_tip: float) -> float:
        """g = r + (1 - r)/(1 + (j_tip/j_c)^m)."""
        p = self.parameters
        if j_tip <= 0.0:
            return 1.0
        # tanh form of 1/(1 + x^m): no overflow at any current
        share = 0.5 * (1.0 - np.tanh(0.5 * p.exponent * np.log(j_tip / p.current_density)))
        return float(p.residual_fraction + (1.0 - p.residual_fraction) * share)


def toughness_law(parameters: AssistedCracking | None) -> ToughnessLaw | None:
    """The law, or None where the toughness is constant."""
    return None if parameters is None else AssistedToughness(parameters)
