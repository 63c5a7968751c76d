"""A straight flaw full of lithium under lateral compression, by both engines: the cell of `engines_agree` at 200 MPa.

Metal carries the compression before it opens anything. What presses on the edges and the tip of a diffuse crack then is
several times what drives it: this shows whether it is left out (docs/model.md, "Lithium in diffuse cracks").

The crack grows by 4 to 6 %, filled with lithium to its tip. There the cohesive engine, whose zone is of the size of
the diffuse one, is what the phase field is compared with; the plane engine agrees with it (docs/plane.md).
"""

from pathlib import Path

import numpy as np
from lifrac.solver.model.loads import Loads
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import Floats, History

from .engines_agree import COMPARED, MAH_PER_CM2, differences, diffuse, sharp

LOADS = Loads(1.0, "free", -200.0)
CURRENT, CHARGE = 100.0, 0.012 * MAH_PER_CM2
"""10 mA/cm2: [A/m2], [C/m2]."""
CHARGES = np.linspace(0.004, 0.0119, 20) * MAH_PER_CM2
LENGTHS = (0.1, 0.05)
"""l/a0."""
FALLS = 0.8
"""An error in proportion to l halves; that of the cohesive engine's mesh stays."""


def _histories(run: History) -> Floats:
    """Return a row for each name in `COMPARED`, against `CHARGES`."""
    return np.stack([np.interp(CHARGES, CURRENT * run["time"], run[name]) for name in COMPARED])


@check(
    "compressed_flaw",
    engine="phase field against cohesive",
    title="A straight flaw under 200 MPa of lateral compression, phase-field engine against cohesive engine",
    source="cohesive engine",
    quick=False,
)
def compressed_flaw(level: Level, folder: Path | None) -> list[Row]:
    """Histories at equal charge, from the flaw at rest until the crack has grown by some 4 %."""
    reference = _histories(sharp(CURRENT, CHARGE, LOADS, cohesive=True))
    found = [_histories(diffuse(length, CURRENT, CHARGE, LOADS, split="star_convex")) for length in LENGTHS]
    errors = np.stack([np.abs(run / reference - 1.0).max(axis=1) for run in found])
    rows = [differences(name.replace("_", " "), worst, LENGTHS) for name, worst in zip(COMPARED, errors.T, strict=True)]
    volume = errors[:, COMPARED.index("flaw_volume")]
    quantity = f"volume: error at l = {LENGTHS[1]:g} a0 over that at {LENGTHS[0]:g} a0"
    rows.append(Row(quantity, float(volume[1] / volume[0]), 0.0, FALLS, kind="below"))
    return rows
