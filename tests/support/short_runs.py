"""Ready cases cut short: coarse and a few time steps, so that each runs in a second or so, once per session.

The processes of pytest-xdist share them: the first one that wants a run computes it, and the others wait for it.
"""

import fcntl
import os
from functools import cache
from pathlib import Path

from lifrac.problems.case.case import READY_CASES, load_case
from lifrac.problems.cli.main import main

from support.session import SESSION_FOLDER

COARSE_PLANE = ("mesh.crack_size=2 um", "mesh.path_size=10 um", "solver.max_steps=25")
_FIELD = ("mesh.far_size=15 um", "solver.max_steps=1")
COARSE_FIELD = {
    2: ("fracture.length=4 um", "mesh.band_size=1.33 um", "mesh.growth=0.5", *_FIELD),
    3: ("fracture.length=9 um", "mesh.band_size=3 um", "mesh.growth=0.6", "mesh.reach=3 um", *_FIELD),
}
"""Overrides for a coarse phase-field mesh, by dimension."""
SHORT = {
    "llzo_ramp": ("solver.max_steps=100",),
    "llzo_rate_reversal": ("solver.max_steps=80",),
    "llzo_grains": ("electrolyte.grains.boundary_width=8 um",),
}
"""Overrides that single cases need besides."""
ENDS = (0, 3)
"""Exit codes: the protocol has ended, or its steps are used up."""


def shortening(name: str, *, to_the_end: bool = False) -> list[str]:
    """Overrides that make a ready case, or a case file, coarse and short."""
    case = load_case(name)
    plane = case.file.fracture.engine == "plane"
    overrides = [*(COARSE_PLANE if plane else COARSE_FIELD[case.dimension]), *SHORT.get(Path(name).stem, ())]
    if to_the_end:
        overrides = [text for text in overrides if not text.startswith("solver.max_steps")]
    return [*overrides, "output.plots=false", "output.fields=2"]


@cache
def short_run(name: str) -> Path:
    """The run folder of a ready case cut short."""
    folder = Path(os.environ[SESSION_FOLDER]) / "short_runs"
    folder.mkdir(exist_ok=True)
    out = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "summary.json").exists():
            arguments = [word for text in shortening(name) for word in ("--set", text)]
            assert main(["run", name, "--out", str(out), *arguments]) in ENDS
    return out


def ready_cases() -> list[str]:
    return sorted(path.stem for path in READY_CASES.glob("*.toml"))
