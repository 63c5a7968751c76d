"""Both engines on the same cell: a straight edge flaw that fills, opens and grows.

They coincide as l -> 0: what is left of the regularisation errs in proportion to l (docs/model.md, "Lithium in diffuse
cracks"). The phase field's flaw is longer than stated by the damage ahead of its tip.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.model.loads import Loads
from lifrac.solver.model.protocol import StepControl
from lifrac.verification.support import figures
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.diffuse_bodies import Half, diffuse_cell
from lifrac.verification.support.plane_runs import (
    LLZO,
    Floats,
    History,
    condensed,
    edge_flaw,
    follow,
    llzo_cell,
)
from mpi4py import MPI

A0 = 20.0
"""Length of the flaw [um]."""
THICKNESS = 60.0
CURRENT = 40.0
"""[A/m2], 4 mA/cm2."""
CHARGE = 540.0
"""To which both run [C/m2], 0.015 mAh/cm2."""
LOADS = Loads(stack_pressure=1.0, lateral="free")
SplitName = Literal["none", "star_convex"]
CELLS = 3.0
"""l/h."""
GROWTH = 0.4
"""Growth of the flaw, over a0, for which there are fine cells."""
MAH_PER_CM2 = 3.6e4
"""[C/m2]."""
CHARGES = np.linspace(0.002, 0.0149, 44) * MAH_PER_CM2
"""At which histories are compared: from where the flaw has been filled on [C/m2]."""
TIPS = (1.025, 1.05, 1.1)
"""Crack lengths over a0."""
LENGTHS = (0.1, 0.05, 0.025)
"""l/a0."""
COMPARED = ("crack_length", "lithium_length", "flaw_volume", "lithium_volume", "cell_voltage")
SHOWN = ("crack length", "flaw volume", "charge into the flaw")
TOLERANCE, AT_LENGTH = 0.05, 0.1
"""Tolerances of histories at equal charge, and of the charge at equal length: 1 % of length is 4 % of charge."""
FALLS = 0.6
"""An error in proportion to l halves."""


def sharp(current: float = CURRENT, charge: float = CHARGE, loads: Loads = LOADS, *, cohesive: bool = False) -> History:
    """Run the plane engine, or the cohesive one."""
    model = replace(llzo_cell(StepControl(), current, charge), loads=loads)
    if cohesive:
        model = CohesiveModel(**vars(model))
    return follow(condensed(edge_flaw(THICKNESS, 50.0), LLZO.poisson_ratio, loads), model)


def diffuse(
    length: float, current: float = CURRENT, charge: float = CHARGE, loads: Loads = LOADS, split: SplitName = "none"
) -> History:
    """Run the phase-field engine with l = `length` a0."""
    cracked = DiffuseCrack(length * A0, length * A0 / CELLS, split=split)
    model = replace(diffuse_cell(A0, current, charge, cracked), loads=loads)
    body = Half(A0, cracked.cell_size, 3.0 * cracked.length, THICKNESS, THICKNESS, GROWTH * A0)
    return follow(body.mesh(MPI.COMM_SELF), model)


def flaw_charge(run: History) -> Floats:
    """Charge that has plated in the flaw, per area of the cell [C/m2]."""
    charge, share = CURRENT * run["time"], run["flaw_current_share"]
    return np.concatenate([[0.0], np.cumsum(0.5 * (share[1:] + share[:-1]) * np.diff(charge))])


def histories(run: History) -> dict[str, Floats]:
    """Against `CHARGES`."""
    charge = CURRENT * run["time"]
    columns = {name.replace("_", " "): run[name] for name in COMPARED}
    return {
        name: np.interp(CHARGES, charge, values)
        for name, values in {**columns, "charge into the flaw": flaw_charge(run)}.items()
    }


def differences(name: str, errors: Sequence[float], lengths: Sequence[float]) -> Row:
    """Check the largest difference of a history at the finest l; those of the others are noted."""
    note = "; ".join(f"l = {length:g} a0: {100.0 * e:.1f} %" for length, e in zip(lengths, errors, strict=True))
    return Row(f"{name}: largest difference", float(errors[-1]), 0.0, TOLERANCE, kind="below", note=note)


def charges_to(run: History) -> Floats:
    """Charge at which the crack has reached `TIPS` [C/m2]."""
    return CURRENT * np.array([run.at("time", "crack_length", A0 * tip) for tip in TIPS])


@check(
    "engines_agree",
    engine="phase field against plane",
    title="A straight edge flaw, phase-field engine against plane engine",
    source="plane engine (checks no_extrusion, slot_creep, current_focusing)",
    quick=False,
)
def engines_agree(level: Level, folder: Path | None) -> list[Row]:
    """Histories at equal charge: largest difference over the run at the finest l; volumes come closer with l."""
    plane = sharp()
    lengths = LENGTHS if level == "full" else LENGTHS[:2]
    runs = [diffuse(length) for length in lengths]
    target, found = histories(plane), [histories(run) for run in runs]
    rows = []
    for name, values in target.items():
        errors = [float(np.abs(h[name] / values - 1.0).max()) for h in found]
        rows.append(differences(name, errors, lengths))
    reached = charges_to(runs[-1]) / charges_to(plane)
    rows += [
        Row(f"charge to {tip:g} a0, over that of the plane engine", float(q), 1.0, AT_LENGTH)
        for tip, q in zip(TIPS, reached, strict=True)
    ]
    errors = [float(np.abs(h["flaw volume"] / target["flaw volume"] - 1.0).max()) for h in found]
    for k in range(1, len(lengths)):
        quantity = f"volume: error at l = {lengths[k]:g} a0 over that at {lengths[k - 1]:g} a0"
        rows.append(Row(quantity, errors[k] / errors[k - 1], 0.0, FALLS, kind="below"))
    if folder is not None:
        x = CHARGES / MAH_PER_CM2
        curves = {name: (x, target[name] / target[name][-1]) for name in SHOWN}
        points = {name: (x, found[-1][name] / target[name][-1]) for name in SHOWN}
        figures.against_exact(folder / "engines_agree.png", curves, points, ("charge, mAh/cm2", "over its last value"))
    return rows
