"""How lithium lies in a flaw before the protocol begins.

Metal filled it, and had no time to creep out while the loads were put on: it carries what the intact body carries
across the flaw, -n.sigma_s.n, which leaves the flaw as wide as stated, or the stack pressure if that is more.
"""

import numpy as np
from lifrac.solver.phase_field.problem import PhaseFieldProblem, PhaseState, Step


def fill_flaw(problem: PhaseFieldProblem, state: PhaseState) -> Step:
    """Return the flaw full of metal under the loads (collective).

    Raises
    ------
    NumericalFailure
        On every rank alike.
    """
    problem.load(state)
    flaw, loads = problem.model.flaw, problem.model.loads
    outside = loads.stack_pressure if flaw.mouth == "open" else 0.0
    return problem.pressed(state, np.maximum(problem.cell.carried_pressure(), outside))
