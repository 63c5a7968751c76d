"""A straight flaw full of lithium under lateral compression, by both engines: the cell of `engines_agree` at 200 MPa.

Metal carries the compression before it opens anything. What presses on the edges and the tip of a diffuse crack then is
several times what drives it: this shows whether it is left out (docs/model.md, "Lithium in diffuse cracks").
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from lifrac.solver.parameters import DiffuseCrack, Loads, StepControl
from lifrac.solver.phase_field.engine import PhaseFieldEngine
from lifrac.solver.phase_field.problem import PhaseFieldProblem
from mpi4py import MPI

from .book import Level, Row, check
from .diffuse_bodies import Half, diffuse_cell
from .engines_agree import A0, CELLS, GROWTH, MAH_PER_CM2, THICKNESS
from .plane_runs import LLZO, Floats, History, edge_flaw, follow, llzo_cell, make_body, recorded

LOADS = Loads(1.0, "free", -200.0)
CURRENT, CHARGE = 100.0, 0.012 * MAH_PER_CM2
"""10 mA/cm2: [A/m2], [C/m2]."""
CHARGES = np.linspace(0.004, 0.0119, 20) * MAH_PER_CM2
LENGTHS = (0.1, 0.05)
"""l/a0."""
COMPARED = ("crack_length", "lithium_length", "flaw_volume", "lithium_volume", "cell_voltage")
TOLERANCE = 0.05
"""As in `engines_agree`; growth is 5 % of the flaw here."""
FALLS = 0.8
"""An error in proportion to l halves; that of the plane engine's mesh stays."""


def sharp() -> Floats:
    model = replace(llzo_cell(StepControl(), CURRENT, CHARGE), loads=LOADS)
    return _histories(follow(make_body(edge_flaw(THICKNESS, 50.0), LLZO.poisson_ratio, LOADS), model))


def diffuse(length: float) -> Floats:
    """The phase-field engine with l = `length` a0."""
    l = length * A0  # noqa: E741
    cracked = DiffuseCrack(l, l / CELLS, split="star_convex")
    model = replace(diffuse_cell(A0, CURRENT, CHARGE, cracked), loads=LOADS)
    body = Half(A0, cracked.cell_size, 3.0 * l, THICKNESS, THICKNESS, GROWTH * A0)
    return _histories(recorded(PhaseFieldEngine(PhaseFieldProblem(body.mesh(MPI.COMM_SELF), model))))


def _histories(run: History) -> Floats:
    """A row for each name in `COMPARED`, against `CHARGES`."""
    return np.stack([np.interp(CHARGES, CURRENT * run["time"], run[name]) for name in COMPARED])


@check(
    "compressed_flaw",
    title="A straight flaw under 200 MPa of lateral compression, phase-field engine against plane engine",
    source="plane engine",
    quick=False,
)
def compressed_flaw(level: Level, folder: Path | None) -> list[Row]:
    """Histories at equal charge, from the flaw at rest until the crack has grown by some 4 %."""
    plane = sharp()
    errors = np.stack([np.abs(diffuse(length) / plane - 1.0).max(axis=1) for length in LENGTHS])
    rows = []
    for name, found in zip(COMPARED, errors.T, strict=True):
        note = "; ".join(f"l = {length:g} a0: {100.0 * e:.1f} %" for length, e in zip(LENGTHS, found, strict=True))
        quantity = f"{name.replace('_', ' ')}: largest difference"
        rows.append(Row(quantity, float(found[-1]), 0.0, TOLERANCE, kind="below", note=note))
    volume = errors[:, COMPARED.index("flaw_volume")]
    quantity = f"volume: error at l = {LENGTHS[1]:g} a0 over that at {LENGTHS[0]:g} a0"
    rows.append(Row(quantity, float(volume[1] / volume[0]), 0.0, FALLS, kind="below"))
    return rows
