"""Toughness that the current takes away: electrochemically assisted cracking.

    g(j_tip) = Gc_eff/Gc = r + (1 - r)/(1 + (j_tip/j_c)^m),   K at growth/K_Ic = sqrt(g)

j_tip > 0 plates; at rest and on stripping g = 1. The observation behind it: in translucent LLZO the stress intensity
of growing dendrites is close to the toughness at the lowest current and falls to about a quarter of it at high
current (Fincher et al., Nature (2026), after press and commentary: exact figures to be taken from the paper), hence
r = 0.25^2 = 0.06. j_c, m and the form of the law are not published: assumptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from lifrac.solver.model.fracture import AssistedCracking

from .law import TOUGHNESS, Coefficient, Faces, FaceStep, Floats, InterfaceLaw, LawState

TOUGHNESS_ALLOWANCE = 0.05
"""Change of ln Gc_eff in a step, and of what it follows: the crack sees the tip current of the step's start."""


@dataclass(frozen=True)
class AssistedToughness(InterfaceLaw):
    """g falls from 1 to the residual fraction around j_c, and follows the current with a short delay.

    Without the delay g would have no rate: metal keeps a node's opening, so that its pressure falls with the traction
    at once, the tip current rises, and g falls again, however short the step.

    Parameters
    ----------
    parameters : AssistedCracking
    delay : float
        [s]; 0: the toughness follows the tip current of the step's start.
    """

    parameters: AssistedCracking
    delay: float = 0.0
    name = "toughness"
    coefficients_of = (TOUGHNESS,)

    def factor(self, j_tip: float) -> float:
        """Return g = r + (1 - r)/(1 + (j_tip/j_c)^m)."""
        p = self.parameters
        if j_tip <= 0.0:
            return 1.0
        # tanh form of 1/(1 + x^m): no overflow at any current
        share = 0.5 * (1.0 - np.tanh(0.5 * p.exponent * np.log(j_tip / p.current_density)))
        return float(p.residual_fraction + (1.0 - p.residual_fraction) * share)

    def initial(self, faces: Faces, stack_pressure: float) -> LawState:
        """Return the whole toughness, and no current."""
        return LawState(numbers={"toughness_factor": 1.0, "tip_current": 0.0})

    def _after(self, state: LawState, dt: float) -> float:
        """Return g after a step of `dt` [s] at the tip current of its start."""
        aim, now = self.factor(state.numbers["tip_current"]), state.numbers["toughness_factor"]
        if self.delay == 0.0:
            return aim if dt > 0.0 else now
        return aim + (now - aim) * float(np.exp(-dt / self.delay))

    def advance(self, state: LawState, faces: Faces, step: FaceStep) -> LawState:
        """Return g at the tip current of the step's start; the tip current of its end is what g follows next."""
        g = self._after(state, step.dt)
        return LawState(numbers={"toughness_factor": g, "tip_current": step.tip_current()})

    def coefficients(self, state: LawState, dt: float) -> Mapping[Coefficient, Floats | float]:
        """Gc_eff/Gc."""
        return {TOUGHNESS: self._after(state, dt) if dt > 0.0 else state.numbers["toughness_factor"]}

    def change(self, old: LawState, new: LawState) -> float:
        """Change of ln Gc_eff, or of what it follows, whichever is larger, in allowances."""
        aim = self.factor(new.numbers["tip_current"]) / self.factor(old.numbers["tip_current"])
        now = new.numbers["toughness_factor"] / old.numbers["toughness_factor"]
        return float(np.abs(np.log([now, aim])).max()) / TOUGHNESS_ALLOWANCE

    @property
    def shortest_step(self) -> float:
        """Length of a step [s] below which the delay bounds the change."""
        return TOUGHNESS_ALLOWANCE * self.delay

    def outputs(self, state: LawState, faces: Faces) -> Mapping[str, float]:
        """Gc_eff/Gc in the step to this state [-]."""
        return {"toughness_factor": state.numbers["toughness_factor"]}
